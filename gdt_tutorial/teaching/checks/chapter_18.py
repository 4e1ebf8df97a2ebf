"""The exercises of chapter 18: wanted in time, where prices fail, a scheduler of your own."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from gdt_tutorial.case_study.experiment import Campuses, Scheme, open_campuses, run_session
from gdt_tutorial.case_study.learning.training import fitting_version, greedy_scheduler, swipe_aware_lists
from gdt_tutorial.case_study.scenario import CaseStudyConfig, TrueStatus
from gdt_tutorial.physical.network import NetworkConfig
from gdt_tutorial.solutions.data_model.scheduling import Scheduler
from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.schedule import ScheduleModel, gain_per_cost, pack, schedule_of

_START = np.array([0.0, 0.1, 0.2, 0.3, 0.15, 0.05])
_SURVIVAL = np.array([1.0, 0.8, 0.6, 0.5])


@exercise(
    title="Wanted in time",
    difficulty="easy",
    minutes=10,
    hints=(
        "When must the video start at the latest, so that its segment `k` is wanted within the horizon?",
        "Segment `k` is wanted `k` seconds after the start: the start may be at 0, 1, ..., `horizon_s - k`.",
        "Sum `start` up to and including `horizon_s - k`, and multiply by `survival[k]`.",
    ),
    mistakes=(
        Mistake(
            lambda start, survival, k, horizon_s: survival[k] * start[: horizon_s + 1].sum(), says="k seconds after"
        ),
        Mistake(lambda start, survival, k, horizon_s: start[: horizon_s - k + 1].sum(), says="swiped away"),
        Mistake(lambda start, survival, k, horizon_s: survival[k] * start[: horizon_s - k].sum(), says="last possible"),
        Mistake(lambda start, survival, k, horizon_s: survival[k], says="never start"),
        Mistake(
            lambda start, survival, k, horizon_s: survival[k] * start[: horizon_s - k + 1].sum(),
            says="counts from the end",
        ),
    ),
)
def ex18_1(answer: Callable[[np.ndarray, np.ndarray, int, int], float]) -> str:
    """Return the probability that a segment is wanted within a horizon."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex18_1(wanted)`.")
    expect_close(
        answer(_START, _SURVIVAL, 2, 4),
        0.6 * 0.3,
        what="the probability",
        mistakes={
            "the segment comes k seconds after the start of its video; a late start is too late for it.": 0.6 * 0.75,
            "the viewer may have swiped away before segment `k`: where is the survival?": 0.3,
            "the last possible start is missing: a start at `horizon_s - k` is still in time.": 0.6 * 0.1,
            "the video may never start within the horizon: where is `start`?": 0.6,
        },
    )
    expect_close(answer(_START, _SURVIVAL, 3, 2), 0.0, what="the probability of a segment just beyond the horizon")
    expect_close(
        answer(_START, _SURVIVAL, 3, 0),
        0.0,
        what="the probability of a segment far beyond the horizon",
        mistakes={
            "for a `k` far beyond the horizon the end of your slice is negative, and Python then counts from the end "
            "of `start`: take `max(horizon_s - k + 1, 0)`.": 0.5 * _START[:-2].sum(),
        },
    )
    return "a convolution for the start, a survival for the rest: that is all of the watching probability."


@exercise(
    title="Where prices fail",
    difficulty="medium",
    minutes=15,
    hints=(
        "Between which prices do they ask for .9 of the slot? Who changes next when the price rises, and at which price?",
        "At a price of 10 the SMG A takes the low version, and all three low ones need .6. What are they worth?",
        "For the best choice leave one SMG out: which two versions take exactly .7?",
    ),
    mistakes=(
        Mistake((10 / 3, 15.4, 15.4), says=".9 of the slot"),
        Mistake((10.0, 12.4, 12.4), says="without a segment"),
        Mistake((10.0, 13.0, 13.0), says="chooses alone"),
        Mistake((12.0, 10.0, 13.0), says="buy it as long as"),
        Mistake(12.4, says="three numbers"),
    ),
)
def ex18_2(answer: Any) -> str:
    """Return the price, what the choices at it are worth, and what the best choice is worth."""
    expect(np.shape(answer) == (3,), "give three numbers: (price, worth at that price, best worth).")
    price, worth, best = (float(each) for each in answer)
    expect(abs(price - 10 / 3) > 0.05, "at that price they ask for .9 of the slot, and only .7 is left.")
    late = "that price is too high: A changes its version at 10, and B and C still buy it as long as it pays."
    expect(price <= 10.01, late)
    expect_close(price, 10.0, tolerance=1e-3, what="the price")
    alone = "at the price every SMG chooses alone: A, B and C all take the low version."
    expect_close(worth, 12.4, tolerance=1e-3, what="the worth at that price", mistakes={alone: 13.0})
    without = "something better fits: one SMG may go without a segment, so that another has its high version."
    expect_close(best, 13.0, tolerance=1e-3, what="the best worth", mistakes={without: 12.4})
    return (
        'a price treats all alike, so it cannot say "A high, B low, C nothing". The gap is small, and it shrinks with more '
        "and smaller segments."
    )


@cache
def _campuses() -> Campuses:
    """Return two small campuses on which computing is scarce."""
    config = CaseStudyConfig(n_earlier_views=30, network=NetworkConfig(n_users=24))
    return open_campuses(2, config, computing_cycles_per_s=6e9, seed=180_003)


@cache
def _slots() -> tuple[tuple[Features, np.ndarray], ...]:
    """Return features and versions of some slots of them."""
    campuses = _campuses()
    buffering, versions = swipe_aware_lists(campuses), fitting_version(campuses)
    telemetry, slots = campuses.network.reset(campuses.group), []
    for _ in range(4):
        features = buffering.abstract_session(telemetry.session, telemetry.snr_db)
        slots.append((features, versions.select(features)))
        telemetry = campuses.network.step(greedy_scheduler(campuses).schedule(*slots[-1]))
    return tuple(slots)


def _sent(scheduler: Scheduler, model: ScheduleModel) -> list[set[tuple[int, ...]]]:
    """Return which segments of which SMG a scheduler sends in each slot."""
    sent = []
    for features, version in _slots():
        made = scheduler.schedule(features, version).segments
        place = np.argwhere(made[..., 0] >= 0)
        sent.append({(env, row, *map(int, made[env, row, item])) for env, row, item in place.tolist()})
    return sent


def _by(*priorities: Callable[[Features, ScheduleModel, np.ndarray], np.ndarray]) -> Any:
    """Return a class of schedulers that pack by one priority after the other."""

    class Packed:
        def __init__(self, model: ScheduleModel) -> None:
            self.model = model

        def schedule(self, features: Features, version: np.ndarray) -> Any:
            taken = None
            for priority in priorities:
                taken = pack(features, self.model, version, priority(features, self.model, version), taken)
            assert taken is not None
            return schedule_of(features, self.model, version, taken)

    return Packed


def _urgent(features: Features, model: ScheduleModel, version: np.ndarray) -> np.ndarray:
    return features.urgent_s


_StallsFirst = _by(_urgent, gain_per_cost)
_COMMON = {
    "only urgent segments are sent: use what is left of the slot, by gain per cost.": _by(_urgent),
    "that is greedy by gain per cost alone: the urgent segments come first.": _by(gain_per_cost),
    "the other way round: first what is urgent, then gain per cost.": _by(gain_per_cost, _urgent),
}


@exercise(
    title="A scheduler of your own",
    difficulty="medium",
    minutes=20,
    hints=(
        "`pack` returns which segments are taken. Which array says how many seconds of stall a segment avoids?",
        "Call `pack` twice: with `features.urgent_s`, then with `gain_per_cost(features, self.model, version)` and what "
        "is taken already.",
        "`taken = pack(features, self.model, version, features.urgent_s)`, then `pack(..., ratio, taken)`, and return "
        "`schedule_of(features, self.model, version, taken)`.",
    ),
    mistakes=(
        Mistake(_by(_urgent), says="what is left of the slot"),
        Mistake(_by(gain_per_cost), says="urgent segments come first"),
        Mistake(lambda model: None, says="schedule(features, version)"),
    ),
)
def ex18_3(answer: Callable[[ScheduleModel], Scheduler]) -> str:
    """Return a scheduler that sends urgent segments first."""
    expect(callable(answer), "pass the class itself, without calling it: `check.ex18_3(StallsFirst)`.")
    campuses = _campuses()
    model = campuses.model
    scheduler = answer(model)
    expect(isinstance(scheduler, Scheduler), "it needs a method `schedule(features, version)`.")
    sent = _sent(scheduler, model)
    for message, make in _COMMON.items():
        expect(sent != _sent(make(model), model), message)
    expect(
        sent == _sent(_StallsFirst(model), model),
        "it sends other segments than urgent ones first, then by gain per cost.",
    )

    def session(one: Scheduler) -> Any:
        scheme = Scheme(buffering=swipe_aware_lists(campuses), versions=fitting_version(campuses), scheduler=one)
        return run_session(campuses, scheme, TrueStatus(), 20)

    own, usual = session(scheduler), session(greedy_scheduler(campuses))
    return (
        f"on two small campuses people wait {30 * own.stall_s.mean():.1f} s per minute with it, and "
        f"{30 * usual.stall_s.mean():.1f} s with greedy by gain per cost; the QoE is {own.mean_qoe().mean():.2f} against "
        f"{usual.mean_qoe().mean():.2f}. Your order does not look at the cost: "
        "divide the avoided stall by it, and compare again."
    )
