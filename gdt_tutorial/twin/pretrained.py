"""The twin's trained parts, ready to use: small checkpoints beside the recipes that make them.

All were trained on the embedded generator and the default campus, never on a reader's data. A checkpoint is checked
against its hash before it is read. `remake` trains all anew and writes files and hashes:

    python -c "from gdt_tutorial.twin.pretrained import FOLDER, remake; remake(FOLDER)"
"""

from collections.abc import Callable
from pathlib import Path

from gdt_tutorial.agents.policy_gradient import Losses
from gdt_tutorial.checkpoints import verified, write_sums
from gdt_tutorial.configuration import require
from gdt_tutorial.gai.denoiser import load_denoiser, save_denoiser
from gdt_tutorial.gai.gan import GanLosses
from gdt_tutorial.gai.vae import VariationalAutoencoder, load_vae, save_vae
from gdt_tutorial.physical.scenes.campus_event import campus_streets
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.abstraction.intents.language import IntentLanguage
from gdt_tutorial.twin.abstraction.status_windows import feature_names
from gdt_tutorial.twin.decision.allocator import NetworkAllocator
from gdt_tutorial.twin.decision.schedule import ScheduleModel
from gdt_tutorial.twin.emulation.lstm import LstmEmulator
from gdt_tutorial.twin.emulation.maps.generator import GeneratedMaps
from gdt_tutorial.twin.emulation.turn_checkpoint import load_turns, save_turns
from gdt_tutorial.twin.emulation.turn_policy import Crossings, TurnPolicy
from gdt_tutorial.twin.recipes.policy_gradient_allocator import train_gradient_allocator, untrained
from gdt_tutorial.twin.recipes.shipped_allocator import train_allocator, training_campus
from gdt_tutorial.twin.recipes.shipped_bitmaps import ShippedBitmaps, train_shipped_bitmaps
from gdt_tutorial.twin.recipes.shipped_intents import train_shipped_intents
from gdt_tutorial.twin.recipes.shipped_latents import train_shipped_latents
from gdt_tutorial.twin.recipes.shipped_lstm import train_emulator
from gdt_tutorial.twin.recipes.shipped_scenes import train_shipped_scenes
from gdt_tutorial.twin.recipes.shipped_turns import train_shipped_turns

__all__ = [
    "FOLDER",
    "pretrained_allocator",
    "pretrained_bitmaps",
    "pretrained_emulator",
    "pretrained_gradient_allocator",
    "pretrained_intents",
    "pretrained_latents",
    "pretrained_scenes",
    "pretrained_turns",
    "remake",
]

FOLDER = Path(__file__).parent / "checkpoints"
_BITMAPS = ("coded_bitmaps", "uncoded_bitmaps")


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


def pretrained_intents(
    *, retrain: bool = False, on_update: Callable[[int, float], object] | None = None
) -> IntentLanguage:
    """Load the model that reads intents and tells verdicts, or train it anew (some three minutes)."""
    if not retrain:
        return IntentLanguage.load(verified(FOLDER / "intents.safetensors"))
    return train_shipped_intents(on_update=on_update)


def pretrained_gradient_allocator(
    model: ScheduleModel, *, retrain: bool = False, on_update: Callable[[int, Losses], object] | None = None
) -> NetworkAllocator:
    """Load the allocator that the policy gradient taught, for `model`, or train it anew (some three minutes).

    Of campuses whose number of users it does not know the greedy allocator decides, with an `OutsideTrainingWarning`.
    """
    if not retrain:
        return NetworkAllocator.load(verified(FOLDER / "gradient_allocator.safetensors"), model)
    return train_gradient_allocator(untrained(model), on_update=on_update)


def pretrained_scenes(
    *, retrain: bool = False, on_update: Callable[[int, GanLosses], object] | None = None
) -> GeneratedMaps:
    """Load the generator of scenes with pixels of 8 m, or train it anew (two minutes)."""
    if not retrain:
        return GeneratedMaps.load(verified(FOLDER / "scenes.safetensors"))
    return train_shipped_scenes(on_update=on_update)


def pretrained_bitmaps(*, retrain: bool = False) -> ShippedBitmaps:
    """Load the encoder and the diffusion models that mute at a campus event of six cells, or train them anew (a minute)."""
    if retrain:
        return train_shipped_bitmaps()
    encoder = load_vae(verified(FOLDER / "contexts.safetensors"))
    coded, uncoded = (load_denoiser(verified(FOLDER / f"{name}.safetensors")) for name in _BITMAPS)
    return ShippedBitmaps(encoder, coded, uncoded)


def pretrained_turns(crossings: Crossings | None = None, *, retrain: bool = False) -> TurnPolicy:
    """Load how people walk on the campus of the event, or learn it anew (half a minute).

    Args:
        crossings: Of that campus, where they are at hand.
        retrain: Learn it anew.

    Raises:
        ValueError: Crossings of another map.
    """
    if retrain:
        return train_shipped_turns()
    return load_turns(verified(FOLDER / "turns.safetensors"), crossings or Crossings(campus_streets()))


def remake(folder: Path, on_generation: Callable[[int, float], object] | None = None) -> None:
    """Train all that ships anew, and write it with its hashes into `folder`."""
    train_emulator(Topology.waterloo()).save(folder / "lstm.safetensors")
    save_vae(train_shipped_latents(Topology.waterloo()), folder / "latents.safetensors")
    train_shipped_scenes().save(folder / "scenes.safetensors")
    train_shipped_intents().save(folder / "intents.safetensors")
    save_turns(train_shipped_turns(), folder / "turns.safetensors")
    bitmaps = train_shipped_bitmaps()
    save_vae(bitmaps.encoder, folder / "contexts.safetensors")
    for name, denoiser in zip(_BITMAPS, bitmaps[1:], strict=True):
        save_denoiser(denoiser, folder / f"{name}.safetensors")
    train_allocator(on_generation=on_generation).save(folder / "allocator.safetensors")
    model = training_campus(1, 0, 5e9, n_slots=1).virtual.model
    train_gradient_allocator(untrained(model)).save(folder / "gradient_allocator.safetensors")
    write_sums(folder)
