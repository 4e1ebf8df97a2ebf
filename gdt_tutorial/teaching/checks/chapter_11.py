"""The exercises of chapter 11: the square-root rule, a wait on paper, who is isolated, and an own local controller."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gdt_tutorial.loops.slice_scheduling import lend, own_slice, strict_priority
from gdt_tutorial.loops.slicing import partition
from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close


def _by_weight(guaranteed: np.ndarray, weight: np.ndarray, capacity: float) -> np.ndarray:
    return guaranteed + (capacity - guaranteed.sum()) * weight / weight.sum()


def _of_all(guaranteed: np.ndarray, weight: np.ndarray, capacity: float) -> np.ndarray:
    return guaranteed + capacity * np.sqrt(weight) / np.sqrt(weight).sum()


def _surplus_alone(guaranteed: np.ndarray, weight: np.ndarray, capacity: float) -> np.ndarray:
    return partition(guaranteed, weight, capacity) - guaranteed


@exercise(
    title="A partition",
    difficulty="easy",
    minutes=8,
    hints=(
        "First each slice gets what it is guaranteed.",
        "What is left is divided in proportion to the square roots of the weights.",
        "`guaranteed + (capacity - guaranteed.sum()) * np.sqrt(weight) / np.sqrt(weight).sum()`",
    ),
    mistakes=(
        Mistake(_by_weight, says="roots"),
        Mistake(_of_all, says="what is left"),
        Mistake(_surplus_alone, says="guaranteed too"),
    ),
)
def ex11_1(answer: Callable[[np.ndarray, np.ndarray, float], Any]) -> str:
    """Divide a capacity among slices."""
    for guaranteed, weight, capacity in (
        (np.array([10.0, 4.0, 1.0]), np.array([16.0, 9.0, 1.0]), 31.0),
        (np.array([0.0, 2.0]), np.array([1.0, 4.0]), 8.0),
    ):
        case = (guaranteed, weight, capacity)
        expect_close(
            np.asarray(answer(*case)),
            partition(*case),
            what="the shares",
            mistakes={
                "that follows the weights; take their square roots.": _by_weight(*case),
                "only what is left after the guarantees is divided by roots.": _of_all(*case),
                "that is the surplus; each slice has what it is guaranteed too.": _surplus_alone(*case),
            },
        )
    return "every slice has the same weight over the square of its surplus, which is the condition of the optimum."


_LOAD, _SERVICE_S = 0.75, 0.4


@exercise(
    title="A wait (on paper)",
    difficulty="easy",
    minutes=6,
    hints=(
        "Files of 2 Mb at 5 Mb/s take 0.4 s each, if nobody is before them.",
        "3.75 Mb/s of 5 Mb/s is a load of three quarters.",
        "0.4 s over one quarter.",
    ),
    mistakes=(
        Mistake(_SERVICE_S / _LOAD, says="1 - load"),
        Mistake(_SERVICE_S * _LOAD / (1 - _LOAD), says="own service"),
        Mistake(1 / (1 - _LOAD), says="times of its service"),
    ),
)
def ex11_2(answer: Any) -> str:
    """Return the seconds from the request of a file to its last bit."""
    expect_close(
        answer,
        _SERVICE_S / (1 - _LOAD),
        tolerance=0.01,
        what="the time",
        mistakes={
            "divide by 1 - load, which is what the queue has to spare.": _SERVICE_S / _LOAD,
            "that is the wait; the file's own service comes on top.": _SERVICE_S * _LOAD / (1 - _LOAD),
            "that is in times of its service; one of them is 0.4 s.": 1 / (1 - _LOAD),
        },
    )
    return "with 10 % more requests it would be 2.3 s: near its capacity a queue explodes."


_ISOLATED = {"equal", "contracts", "strict priority"}


@exercise(
    title="Who is isolated? (predict)",
    difficulty="medium",
    minutes=8,
    hints=(
        "Ask of each policy what of the best-effort demand it reads before it serves video.",
        "Fixed shares read nothing. Lending reads who is idle.",
        "Strict priority serves video before it looks at best effort.",
    ),
    mistakes=(
        Mistake({"equal", "contracts"}, says="before"),
        Mistake({*_ISOLATED, "contracts + lending"}, says="idle"),
        Mistake({*_ISOLATED, "last value, 5"}, says="surplus"),
        Mistake({"contracts", "strict priority"}, says="fixed"),
        Mistake({"follows demand"}, says="claim"),
    ),
)
def ex11_3(answer: Any) -> str:
    """Name the policies under which four times as much best effort changes nothing for video."""
    said = set(answer)
    known = {*_ISOLATED, "contracts + lending", "last value, 5", "follows demand"}
    expect(said <= known, f"name policies of {sorted(known)}.")
    expect("follows demand" not in said, "there a larger claim gets a larger share, and video a smaller one.")
    expect("contracts + lending" not in said, "video borrows what is idle, and under overload nothing is.")
    expect("last value, 5" not in said, "a larger guarantee of best effort leaves a smaller surplus for all.")
    expect({"equal", "contracts"} <= said, "fixed shares read no demand, so nobody else's can change them.")
    expect("strict priority" in said, "video is served before best effort is looked at.")
    return "isolation alone does not make a good policy: see how long best effort waits under priority."


def _first_come(need: np.ndarray, guaranteed: np.ndarray) -> np.ndarray:
    got, left = np.zeros_like(need), guaranteed.sum()
    for service in range(len(need)):
        got[service] = min(need[service], left)
        left -= got[service]
    return got


def _twice(need: np.ndarray, guaranteed: np.ndarray) -> np.ndarray:
    return own_slice(need, guaranteed) + np.minimum(need, guaranteed.sum() - need.sum())


@exercise(
    title="A lender of your own",
    difficulty="hard",
    minutes=15,
    hints=(
        "Begin with `got = np.minimum(need, guaranteed)`; what is left is `guaranteed.sum() - got.sum()`.",
        "Low latency has index 2: give it `min(need[2] - got[2], left)`, and take that off what is left.",
        "Then do the same for best effort, index 1, and for video, index 0.",
    ),
    mistakes=(
        Mistake(own_slice, says="lent"),
        Mistake(_first_come, says="guaranteed first"),
        Mistake(_twice, says="more than there is"),
        Mistake(lend, says="low latency"),
        Mistake(lambda need, guaranteed: strict_priority(need, guaranteed), says="guaranteed first"),
    ),
)
def ex11_4(answer: Callable[[np.ndarray, np.ndarray], Any]) -> str:
    """Serve guarantees, then lend what is idle to low latency first, then to best effort, then to video."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        need, guaranteed = rng.uniform(0, 10, size=3), rng.uniform(1, 6, size=3)
        got = np.asarray(answer(need.copy(), guaranteed.copy()))
        expect(got.shape == (3,), f"return what each of the three services gets; yours has shape {got.shape}.")
        total = guaranteed.sum()
        is_within = got.sum() <= total + 1e-9 and (got <= need + 1e-9).all() and (got >= -1e-9).all()
        expect(is_within, "that sends more than there is, or more than is needed.")
        expect((got >= own_slice(need, guaranteed) - 1e-9).all(), "serve everybody's need that is guaranteed first.")
        expect(got.sum() >= min(need.sum(), total) - 1e-9, "something idle is not lent although somebody needs it.")
        left = total - own_slice(need, guaranteed).sum()
        first = min(need[2], guaranteed[2]) + min(max(need[2] - guaranteed[2], 0), left)
        expect(got[2] >= first - 1e-9, "lend to low latency before the others.")
        second = min(max(need[1] - guaranteed[1], 0), left - (got[2] - min(need[2], guaranteed[2])))
        expect(got[1] >= min(need[1], guaranteed[1]) + second - 1e-9, "lend to best effort before video.")
    return "with the last axis in the place of the row it is a `SliceScheduler`, and can stand in a `Policy`."
