"""The internal loop with a change in mid-run, on fresh seeds and paired: makers alone and together, in three worlds.

    ring                 co-channel cells whose coupling widens, a GAI that has logs of both times (`ring_change`)
    ring, other log      the same, and the GAI has logs of the time after the change alone; fewer schemes
    event                the dense event whose access points weaken (`event_change`)
    event, wrong twin    the dense event without a change, in a twin that is wrong on purpose
    campus               the default campus whose access point weakens (`campus_change`)

The event has as many seeds as are asked for. The other worlds, whose differences move less from seed to seed, have eight at
most, and sixteen in the wrong twin.

A row is one scheme in one phase ("before" or "after" the change; the first slots, which nobody can change, are left out) with a
score: "queue" on the rings, the mean as a share of the capacity, and "qoe" elsewhere. The loop on the ring has "regret" and
"distance" too, over all its validations: what its picks lost against the better decision, and how far the makers' decisions
are apart, both tried on the true ring.

Phase "validations 11-30", on the ring and in "event, wrong twin", is of a twin that is wrong on purpose, without a change of
the network: "safe" is the safe maker alone, "believed" the loop, and "held" the loop with trust.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.loops.internal import InternalConfig
from gdt_tutorial.loops.recipes import campus_change, event_change
from gdt_tutorial.loops.recipes.campus_change import CampusChangeConfig, run_campus
from gdt_tutorial.loops.recipes.event_change import EventChangeConfig, event_denoiser, run_event, run_wrong_event
from gdt_tutorial.loops.recipes.ring_change import (
    RingChangeConfig,
    ring_models,
    ring_schemes,
    run_ring,
    run_upside_down,
)
from gdt_tutorial.worlds.ring import RingConfig

__all__ = ["VERSION", "WORLDS", "tasks", "work"]

VERSION = "2"
WORLDS = ("ring", "ring, other log", "event", "event, wrong twin", "campus")
_SEED = 70_000  # no setting was chosen on these
_PLAYED = 1_000_000  # added to the seed of events that are played: the GAI has learned from others
_HELD = InternalConfig(n_slots=4, period_slots=4, n_rollouts=2, memory=0.0)
_EVENT = tuple(name for name in event_change.SCHEMES if name != "loop, old law")
_N_HELD, _FIRST_HELD = 30, 10  # validations in a twin that is wrong, and those that are left out
_MOST_SEEDS = {"ring": 8, "ring, other log": 8, "event, wrong twin": 16, "campus": 8}

Row = dict[str, Any]


def tasks(n_seeds: int) -> list[dict[str, Any]]:
    """Return a task for each seed and each world that has so many seeds."""
    return [
        {"seed": _SEED + seed, "world": world}
        for seed in range(n_seeds)
        for world in WORLDS
        if seed < _MOST_SEEDS.get(world, n_seeds)
    ]


def work(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row per scheme, phase and score.

    A task may name a smaller study under "is_small", for tests.

    Raises:
        ValueError: Another world.
    """
    world, seed, is_small = task["world"], task["seed"], task.get("is_small", False)
    require(world in WORLDS, "world", f"be one of {sorted(WORLDS)}", world, "see `tasks`")
    if world == "event":
        rows = _event_rows(_small_event() if is_small else EventChangeConfig(), seed)
    elif world == "event, wrong twin":
        config, n_held = (_small_event(), _FIRST_HELD + 1) if is_small else (EventChangeConfig(), _N_HELD)
        rows = _wrong_event_rows(config, n_held, seed)
    elif world == "campus":
        rows = _campus_rows(CampusChangeConfig(n_campuses=1, n_slots=6) if is_small else CampusChangeConfig(), seed)
    else:
        rows = _ring_rows(_small_ring() if is_small else RingChangeConfig(), world == "ring", seed)
    return [{"seed": seed, "world": world, **row} for row in rows]


def _ring_rows(config: RingChangeConfig, has_both_logs: bool, seed: int) -> Iterator[Row]:
    config = config if has_both_logs else replace(config, logged=(config.after,))
    models = ring_models(config, seed=seed)
    schemes = ring_schemes(models)
    names = list(schemes) if has_both_logs else ["model", "GAI", "recalibrated model", "loop", "loop with trust"]
    for name, scheme in [("oracle", None), *((name, schemes[name]) for name in names)]:
        run = run_ring(scheme, config, is_audited=name == "loop", seed=seed)
        yield from _phases(name, "queue", run.queue, 0)
        if run.true_value:
            for score, value in zip(("regret", "distance"), run.regret(), strict=True):
                yield {"scheme": name, "phase": "all", "score": score, "value": value}
    if has_both_logs:
        period = config.internal.period_slots
        still = replace(config, n_slots=_N_HELD * period, after=config.before)
        runs = {"believed": run_upside_down(False, still, seed=seed), "held": run_upside_down(True, still, seed=seed)}
        runs["safe"] = run_ring(None, still, seed=seed).queue
        yield from (_held(name, "queue", queue[_FIRST_HELD * period :]) for name, queue in runs.items())


def _event_rows(config: EventChangeConfig, seed: int) -> Iterator[Row]:
    denoiser = event_denoiser(config, seed=seed)
    for name in _EVENT:
        yield from _phases(name, "qoe", run_event(name, denoiser, config, seed=seed + _PLAYED)[0], 2)


def _wrong_event_rows(config: EventChangeConfig, n_held: int, seed: int) -> Iterator[Row]:
    still = replace(config, n_events=min(config.n_events, 4), n_slots=n_held * _HELD.period_slots, internal=_HELD)
    for name in ("safe", "believed", "held"):
        qoe = run_wrong_event(name, still, seed=seed + _PLAYED)
        yield _held(name, "qoe", qoe[_FIRST_HELD * _HELD.period_slots :])


def _campus_rows(config: CampusChangeConfig, seed: int) -> Iterator[Row]:
    for name in campus_change.SCHEMES:
        yield from _phases(name, "qoe", run_campus(name, config, seed=seed), 2)


def _phases(name: str, score: str, values: Float[np.ndarray, "slot batch"], n_left_out: int) -> Iterator[Row]:
    half = len(values) // 2
    for phase, part in (("before", values[n_left_out:half]), ("after", values[half:])):
        yield {"scheme": name, "phase": phase, "score": score, "value": float(part.mean())}


def _held(name: str, score: str, values: Float[np.ndarray, "slot batch"]) -> Row:
    return {"scheme": name, "phase": "validations 11-30", "score": score, "value": float(values.mean())}


def _small_ring() -> RingChangeConfig:
    before, after = RingConfig(reach=1, horizon_slots=2), RingConfig(horizon_slots=2)
    learning = replace(RingChangeConfig().learning, n_logged=2, n_updates=2, n_candidates=2)
    return RingChangeConfig(before=before, after=after, logged=(after,), n_slots=8, n_rings=2, learning=learning)


def _small_event() -> EventChangeConfig:
    internal = InternalConfig(n_slots=2, period_slots=2, n_rollouts=1, memory=0.0)
    return EventChangeConfig(n_events=1, n_slots=6, n_logged=2, n_updates=2, n_candidates=2, internal=internal)
