"""How the shipped LSTM emulator is made: walks of the default mobility, and the training at its full size (a minute)."""

from gdt_tutorial import seeding
from gdt_tutorial.physical.mobility import LevyFlightConfig
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.emulation.lstm import LstmEmulator
from gdt_tutorial.twin.emulation.lstm_training import FULL, LstmConfig, train_lstm
from gdt_tutorial.twin.emulation.walks import Walks

__all__ = ["train_emulator"]

_SEED = 20_000  # far from the seeds that chapters and tests run with


def train_emulator(topology: Topology, config: LstmConfig = FULL) -> LstmEmulator:
    """Train the shipped emulator anew."""
    rng = seeding.stream(_SEED, "lstm walks")
    walks = Walks.sample(LevyFlightConfig(), topology.campus, config.n_walks, config.n_slots, 2.0, rng=rng)
    return train_lstm(walks, topology, config, generator=seeding.torch_stream(_SEED, "lstm")).emulator
