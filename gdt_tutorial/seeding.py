"""Named random streams: one seed gives as many independent generators as there are names.

A stream depends on the seed and on its own name alone. Adding a new stream, or drawing more numbers from one, therefore
leaves all others as they were, and two parts of a simulation can be compared on the very same users, paths and fades.
"""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import torch


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return the NumPy generator that belongs to `seed` and `names`.

    >>> bool(stream(0, "mobility").integers(100) == stream(0, "mobility").integers(100))
    True

    Raises:
        ValueError: `seed` is negative.
    """
    return np.random.default_rng(_seed_sequence(seed, names))


def torch_stream(seed: int, *names: str | int) -> torch.Generator:
    """Return the torch generator (on the CPU) that belongs to `seed` and `names`.

    Raises:
        ValueError: `seed` is negative.
    """
    state = _seed_sequence(seed, names).generate_state(1, np.uint64)[0]
    # torch takes a signed number of 64 bits.
    return torch.Generator().manual_seed(int(state) >> 1)


def torch_from(rng: np.random.Generator) -> torch.Generator:
    """Return a torch generator (on the CPU) whose course is drawn from a NumPy generator.

    >>> int(torch_from(stream(0, "maker")).initial_seed()) == int(stream(0, "maker").integers(2**62))
    True
    """
    return torch.Generator().manual_seed(int(rng.integers(2**62)))


def keep_torch_rng() -> AbstractContextManager[None]:
    """Restore torch's global random state on leaving, whatever the block did to it.

    Importing `sionna.phy` reseeds torch's global generators, and so does setting `sionna.phy.config.seed`.
    """
    # Named devices: where there are several, `fork_rng` would warn that it takes all of them.
    return torch.random.fork_rng(devices=range(torch.cuda.device_count()))


@contextmanager
def torch_seeded(generator: torch.Generator) -> Iterator[None]:
    """Let torch's global random state follow `generator` inside the block, and restore it on leaving.

    For what takes no generator of its own: the first weights of a `torch.nn.Module`, and dropout.

    >>> with torch_seeded(torch_stream(0, "weights")):
    ...     model = torch.nn.Linear(2, 1)
    """
    seed = torch.randint(2**62, (), generator=generator, device=generator.device).item()
    with keep_torch_rng():
        torch.manual_seed(seed)
        yield


def _seed_sequence(seed: int, names: tuple[str | int, ...]) -> np.random.SeedSequence:
    if seed < 0:
        raise ValueError(f"seed must be at least 0, got {seed!r}; pass a non-negative integer.")
    # Python's own hash() differs from run to run. The type is part of the name: "1" and 1 are two streams.
    digests = [hashlib.sha256(f"{type(name).__name__}:{name}".encode()).digest() for name in names]
    spawn_key = tuple(int.from_bytes(digest[:8], "little") for digest in digests)
    return np.random.SeedSequence(seed, spawn_key=spawn_key)
