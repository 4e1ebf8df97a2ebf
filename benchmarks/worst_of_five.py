"""By how much does the mean SNR flatter a multicast group of five, and what do sampled paths say?

    python benchmarks/worst_of_five.py

A group is served at the rate of its worst member. The efficiency of the worst of five users (in fives by number, so that
groups do not depend on channels) is compared with the truth, one, five and fifteen slots ahead: from the means of the
trained emulator, and from its sampled paths. Eight campuses of sixty users per seed, everybody reported in the last slot.
"""

import argparse

import numpy as np

from gdt_tutorial.case_study.scenario import idle_decision
from gdt_tutorial.physical.engine import run
from gdt_tutorial.physical.messages import Decision, Telemetry
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.observation import Memory
from gdt_tutorial.twin.pretrained import pretrained_emulator
from gdt_tutorial.twin.status import true_status

N_SEEN, N_AHEAD, N_FIVES = 10, 15, 12


def measure(seed: int) -> np.ndarray:
    """Return the efficiency of the worst of five in each slot ahead: the truth, from means, from samples."""
    network, memory = PhysicalNetwork.waterloo(8, seed=seed), Memory()
    idle = idle_decision(network)

    def decide(telemetry: Telemetry) -> Decision:
        if telemetry.slot < N_SEEN:
            memory.see(true_status(telemetry))
            memory.note(idle)
        return idle

    steps = list(run(network, decide, N_SEEN + N_AHEAD))
    seen = memory.see(true_status(steps[N_SEEN][0]))
    truth_db = np.stack([after.snr_db for _, after in steps[N_SEEN:]], axis=2)
    emulator = pretrained_emulator(network.topology)
    emulated = emulator.emulate(seen.window, N_AHEAD, n_samples=16, rng=stream(seed, "samples"))

    def worst(snr_db: np.ndarray) -> np.ndarray:
        rate = network.link.spectral_efficiency(np.moveaxis(snr_db, -1, 0))
        rate = rate.reshape(*rate.shape[:-2], N_FIVES, 5, -1).min(axis=-2)
        return rate.mean(axis=tuple(range(rate.ndim - 1)))

    n_slots = truth_db.shape[2]
    samples = (truth_db, emulated.snr_db[:, :, :n_slots], emulated.snr_sample_db[:, :, :, :n_slots])
    return np.stack([worst(each) for each in samples])


def main() -> None:
    """Print the bias of means and of samples."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, default=4)
    seeds = range(40, 40 + parser.parse_args().seeds)
    truth, mean, sampled = np.mean([measure(seed) for seed in seeds], axis=0)
    for ahead in (1, 5, 15):
        at = ahead - 1
        print(
            f"{ahead:2d} slots ahead: worst of five {truth[at]:.2f} bit/s/Hz, from means {mean[at] / truth[at] - 1:+.0%}, "
            f"from sampled paths {sampled[at] / truth[at] - 1:+.0%}"
        )


if __name__ == "__main__":
    main()
