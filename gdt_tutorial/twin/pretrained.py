"""The twin's trained parts, ready to use: small checkpoints beside the code that makes them.

Both were trained on the embedded generator and the default campus, never on a reader's data. A checkpoint is checked
against its hash before it is read. `remake` trains both anew and writes files and hashes:

    python -c "from gdt_tutorial.twin.pretrained import FOLDER, remake; remake(FOLDER)"
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from gdt_tutorial import seeding
from gdt_tutorial.configuration import check
from gdt_tutorial.physical.mobility import LevyFlightConfig
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.allocator import AllocatorConfig, NetworkAllocator, TrainingCampus, evolve, imitate
from gdt_tutorial.twin.decision import ScheduleModel
from gdt_tutorial.twin.lstm import LstmEmulator
from gdt_tutorial.twin.lstm_training import FULL, LstmConfig, train_lstm
from gdt_tutorial.twin.walks import Walks

__all__ = ["FOLDER", "pretrained_allocator", "pretrained_emulator", "remake", "training_campus", "verified"]

FOLDER = Path(__file__).parent / "checkpoints"
_SUMS = "SHA256SUMS"
_SEED = 20_000  # far from the seeds that chapters and tests run with
_CAPACITIES = (2e9, 3e9, 4e9, 5e9, 6e9, 8e9, 10e9)  # cycles/s, the range of the paper's Fig. 5 as we read it


def verified(path: Path) -> Path:
    """Return `path` when it holds what its folder's SHA256SUMS says.

    Raises:
        ValueError: the file is missing, has no sum, or holds something else.
    """
    check(path.is_file(), "path", "be a checkpoint", str(path), "install the package again, or call remake")
    lines = (path.parent / _SUMS).read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, name in (line.split() for line in lines)}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    check(sums.get(path.name) == digest, "path", f"have the hash in {_SUMS}", f"{path.name}: {digest}", "call remake")
    return path


def pretrained_emulator(topology: Topology, *, retrain: bool = False) -> LstmEmulator:
    """Load the LSTM emulator of 2-s slots, or train it anew (a minute)."""
    if not retrain:
        return LstmEmulator.load(verified(FOLDER / "lstm.safetensors"), topology)
    return _train_emulator(topology, FULL)


def pretrained_allocator(
    model: ScheduleModel, *, retrain: bool = False, on_generation: Callable[[int, float], object] | None = None
) -> NetworkAllocator:
    """Load the network allocator for `model`, or train it anew (some ten minutes)."""
    if not retrain:
        return NetworkAllocator.load(verified(FOLDER / "allocator.safetensors"), model)
    return NetworkAllocator(model, _train_allocator(AllocatorConfig(), on_generation).network)


def training_campus(n_batch: int, seed: int, computing_cycles_per_s: float, n_slots: int = 30) -> TrainingCampus:
    """Record `n_batch` virtual campuses of the embedded generator for training."""
    network = PhysicalNetwork.waterloo(n_batch, seed=seed, computing_cycles_per_s=computing_cycles_per_s)
    return TrainingCampus.record(network, n_slots)


def _train_emulator(topology: Topology, config: LstmConfig) -> LstmEmulator:
    rng = seeding.stream(_SEED, "lstm walks")
    walks = Walks.sample(LevyFlightConfig(), topology.campus, config.n_walks, config.n_slots, 2.0, rng=rng)
    return train_lstm(walks, topology, config, generator=seeding.torch_stream(_SEED, "lstm")).emulator


def _train_allocator(
    config: AllocatorConfig, on_generation: Callable[[int, float], object] | None = None
) -> NetworkAllocator:
    generator = seeding.torch_stream(_SEED, "allocator")
    maker = imitate(training_campus(16, _SEED, 5e9), config, generator=generator)

    def campus(generation: int) -> TrainingCampus:
        capacity = _CAPACITIES[generation % len(_CAPACITIES)]
        return training_campus(config.n_campuses, _SEED + 1 + generation, capacity)

    return evolve(maker, campus, config, generator=generator, on_generation=on_generation)


def remake(folder: Path, on_generation: Callable[[int, float], object] | None = None) -> None:
    """Train emulator and allocator anew, and write them with their hashes into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _train_emulator(Topology.waterloo(), FULL).save(folder / "lstm.safetensors")
    _train_allocator(AllocatorConfig(), on_generation).save(folder / "allocator.safetensors")
    write_sums(folder)


def write_sums(folder: Path) -> None:
    """Write the hashes of the checkpoints in `folder`."""
    files = sorted(folder.glob("*.safetensors"))
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / _SUMS).write_text("".join(lines), encoding="utf-8")
