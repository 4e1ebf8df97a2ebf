"""What drawn paths change in the closed loops: turn them off, and the twin flatters; the network is served as before."""

import pytest

from gdt_tutorial.loops.recipes.imitation_in_the_loop import SWIPES, LoopConfig, run_loop
from gdt_tutorial.physical.mobility import LevyFlightConfig
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import torch_stream
from gdt_tutorial.twin.emulation.diffused_residuals import SMOKE
from gdt_tutorial.twin.pretrained import pretrained_emulator
from gdt_tutorial.twin.recipes.drawn_paths import PathStudyConfig, archive_of, emulators_of

SMALL = LoopConfig(n_batch=2, n_slots=11, n_rollouts=3)


@pytest.fixture(scope="module")
def records():
    topology = Topology.waterloo()
    lstm, config = pretrained_emulator(topology), PathStudyConfig(n_archives=2, paths=SMOKE)
    emulators = emulators_of(lstm, archive_of(lstm, topology, config, seed=100), config, generator=torch_stream(100))
    return {
        name: run_loop(2000, emulators[name], SWIPES["campus"], SMALL, mobility=LevyFlightConfig())
        for name in ("mean", "independent", "diffusion")
    }


def test_the_twin_expects_less_of_drawn_paths_and_nearer_to_what_comes(records):
    bias = {name: record.bias.mean() for name, record in records.items()}
    assert bias["independent"] < bias["diffusion"] < bias["mean"]
    assert abs(bias["diffusion"]) < 0.7 * abs(bias["mean"])


def test_means_and_service_stay_as_they_were(records):
    for record in records.values():
        assert record.snr_error_db == pytest.approx(records["mean"].snr_error_db)
        assert record.qoe.mean() == pytest.approx(records["mean"].qoe.mean(), abs=0.03)
