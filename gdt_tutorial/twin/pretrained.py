"""The twin's trained parts, ready to use: small checkpoints beside the recipes that make them.

Both were trained on the embedded generator and the default campus, never on a reader's data. A checkpoint is checked
against its hash before it is read. `remake` trains both anew and writes files and hashes:

    python -c "from gdt_tutorial.twin.pretrained import FOLDER, remake; remake(FOLDER)"
"""

from collections.abc import Callable
from pathlib import Path

from gdt_tutorial.checkpoints import verified, write_sums
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.decision.allocator import NetworkAllocator
from gdt_tutorial.twin.decision.schedule import ScheduleModel
from gdt_tutorial.twin.emulation.lstm import LstmEmulator
from gdt_tutorial.twin.recipes.shipped_allocator import train_allocator
from gdt_tutorial.twin.recipes.shipped_lstm import train_emulator

__all__ = ["FOLDER", "pretrained_allocator", "pretrained_emulator", "remake"]

FOLDER = Path(__file__).parent / "checkpoints"


def pretrained_emulator(topology: Topology, *, retrain: bool = False) -> LstmEmulator:
    """Load the LSTM emulator of 2-s slots, or train it anew (a minute)."""
    if not retrain:
        return LstmEmulator.load(verified(FOLDER / "lstm.safetensors"), topology)
    return train_emulator(topology)


def pretrained_allocator(
    model: ScheduleModel, *, retrain: bool = False, on_generation: Callable[[int, float], object] | None = None
) -> NetworkAllocator:
    """Load the network allocator for `model`, or train it anew (some ten minutes).

    It knows campuses of 20 to 140 users; of others the greedy allocator decides, with an `OutsideTrainingWarning`.
    """
    if not retrain:
        return NetworkAllocator.load(verified(FOLDER / "allocator.safetensors"), model)
    trained = train_allocator(on_generation=on_generation)
    return NetworkAllocator(model, trained.network, trained.n_users)


def remake(folder: Path, on_generation: Callable[[int, float], object] | None = None) -> None:
    """Train emulator and allocator anew, and write them with their hashes into `folder`."""
    train_emulator(Topology.waterloo()).save(folder / "lstm.safetensors")
    train_allocator(on_generation=on_generation).save(folder / "allocator.safetensors")
    write_sums(folder)
