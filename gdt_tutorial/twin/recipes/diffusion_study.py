"""Diffusion against its rivals on fresh seeds: what the table `reproduce diffusion` holds.

Each seed draws its own logs, trains every learner, and values all of them on the same fresh episodes or gains. No setting was
chosen on these seeds; differences are paired by seed. `ring_study` and `channel_study` say what the rows are:

    expert, no expert     the ring of co-channel cells, by whose slots are in the log
    two patterns          the same where two patterns are good instead of three
    online                deep deterministic policy gradient in both rings themselves
    channels              powers for parallel channels, which have one optimum
"""

from dataclasses import replace
from typing import Any

from gdt_tutorial.configuration import require
from gdt_tutorial.twin.recipes.channel_study import ChannelStudyConfig, channel_rows
from gdt_tutorial.twin.recipes.ring_decisions import RingStudyConfig
from gdt_tutorial.twin.recipes.ring_study import KINDS, ring_rows

__all__ = ["VERSION", "tasks", "work"]

VERSION = "1"
_SEED = 70_000  # no setting was chosen on these
_KINDS = (*KINDS, "channels")
_RING, _CHANNELS = RingStudyConfig(), ChannelStudyConfig()
_SMALL_RING = replace(
    _RING, ring=replace(_RING.ring, n_slots=10), n_logged=10, n_test=1, n_updates=2, n_online=1016, checkpoints=(1,)
)
_SMALL_CHANNELS = replace(_CHANNELS, n_logged=400, n_test=20, n_updates=2)


def tasks(n_seeds: int) -> list[dict[str, Any]]:
    """Return a task for each kind of problem and seed."""
    return [{"seed": _SEED + seed, "kind": kind} for kind in _KINDS for seed in range(n_seeds)]


def work(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row per method, place and measure.

    A task may name a smaller study under "is_small", for tests.

    Raises:
        ValueError: Another kind of task.
    """
    kind, seed, is_small = task["kind"], task["seed"], task.get("is_small", False)
    require(kind in _KINDS, "kind", f"be one of {sorted(_KINDS)}", kind, "see `tasks`")
    if kind == "channels":
        rows = channel_rows(_SMALL_CHANNELS if is_small else _CHANNELS, seed=seed)
    else:
        rows = ring_rows(kind, _SMALL_RING if is_small else _RING, seed=seed)
    return [{"seed": seed, **row} for row in rows]
