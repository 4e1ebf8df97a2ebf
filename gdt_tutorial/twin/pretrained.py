"""The twin's trained parts, ready to use: small checkpoints beside the recipes that make them.

All were trained on the embedded generator and the default campus, never on a reader's data. A checkpoint is checked
against its hash before it is read. `remake` trains all anew and writes files and hashes:

    python -c "from gdt_tutorial.twin.pretrained import FOLDER, remake; remake(FOLDER)"
"""

from collections.abc import Callable
from pathlib import Path

from gdt_tutorial.checkpoints import verified, write_sums
from gdt_tutorial.configuration import require
from gdt_tutorial.gai.vae import VariationalAutoencoder, load_vae, save_vae
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.abstraction.status_windows import feature_names
from gdt_tutorial.twin.decision.allocator import NetworkAllocator
from gdt_tutorial.twin.decision.schedule import ScheduleModel
from gdt_tutorial.twin.emulation.lstm import LstmEmulator
from gdt_tutorial.twin.recipes.shipped_allocator import train_allocator
from gdt_tutorial.twin.recipes.shipped_latents import train_shipped_latents
from gdt_tutorial.twin.recipes.shipped_lstm import train_emulator

__all__ = ["FOLDER", "pretrained_allocator", "pretrained_emulator", "pretrained_latents", "remake"]

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


def pretrained_latents(topology: Topology, *, retrain: bool = False) -> VariationalAutoencoder:
    """Load the encoder of the last twenty slots of a user's status, or train it anew (a minute).

    Raises:
        ValueError: A topology with another number of access points than the encoder reads.
    """
    if retrain:
        return train_shipped_latents(topology)
    vae = load_vae(verified(FOLDER / "latents.safetensors"))
    found, remedy = len(feature_names(topology.n_aps)), "train one with retrain=True"
    require(found == vae.n_features, "topology", f"give {vae.n_features} numbers per user and slot", found, remedy)
    return vae


def remake(folder: Path, on_generation: Callable[[int, float], object] | None = None) -> None:
    """Train emulator, encoder and allocator anew, and write them with their hashes into `folder`."""
    train_emulator(Topology.waterloo()).save(folder / "lstm.safetensors")
    save_vae(train_shipped_latents(Topology.waterloo()), folder / "latents.safetensors")
    train_allocator(on_generation=on_generation).save(folder / "allocator.safetensors")
    write_sums(folder)
