"""The exercises of chapter 10: a maker of one's own, regret and lost votes on paper, and a prediction."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gdt_tutorial.loops.internal import InternalConfig
from gdt_tutorial.loops.ring_loop import RingSeen, ring_loop
from gdt_tutorial.seeding import stream
from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close
from gdt_tutorial.worlds.ring import Ring, RingConfig

_RING = Ring(RingConfig(reach=2))


def _played(decide: Callable[[np.ndarray, np.random.Generator], np.ndarray], n_slots: int = 60) -> float:
    """Return the mean queue of twelve rings, as a share of the capacity."""
    rng, total = stream(10, "exercise"), 0.0
    queue = np.zeros((12, _RING.config.n_aps))
    for slot in range(n_slots):
        power = decide(queue, stream(10, "drawn", slot))
        queue = _RING.next_queue(queue, power, _RING.arrivals((12,), rng=rng))
        total += queue.mean() / (_RING.config.capacity * n_slots)
    return total


class _AllOn:
    def decide(self, features: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
        return np.ones_like(features)


class _LongestAlone:
    def decide(self, features: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
        return np.eye(features.shape[1])[features.argmax(axis=1)]


class _NoBatch:
    def decide(self, features: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
        return _RING.good_patterns[0]


@exercise(
    title="A maker of your own",
    difficulty="medium",
    minutes=15,
    hints=(
        "`features` are the queues, with shape (rings, 6); return powers of that shape, 0 or 1.",
        "Let the longest queue send, and with it the access point that stands opposite, three places away: it is out of "
        "reach.",
        "`first = features.argmax(axis=1)`; then 1 at `first` and at `(first + 3) % 6`, for each ring, and 0 elsewhere.",
    ),
    mistakes=(
        Mistake(_AllOn, says="hurt each other"),
        Mistake(_LongestAlone, says="second"),
        Mistake(_NoBatch, says="shape"),
    ),
)
def ex10_1(answer: Callable[[], Any]) -> str:
    """Run the maker alone, and as a maker of the internal loop beside one that draws at random."""
    maker = answer()
    expect(hasattr(maker, "decide"), "the maker needs a method `decide(self, features, *, rng)`.")
    power = maker.decide(np.arange(12.0).reshape(2, 6), rng=stream(10, "shape"))
    shape = np.shape(power)
    expect(shape == (2, 6), f"`decide` must return powers of shape (2, 6) for two rings, but yours has shape {shape}.")
    alone = _played(lambda queue, rng: maker.decide(queue, rng=rng))
    random = (stream(10, "coins").random((40, 6)) < 0.5).astype(float)
    expect(
        alone < 0.5,
        f"your maker has a mean queue of {100 * alone:.0f} %: access points within two places hurt each other.",
    )
    expect(
        alone < 0.15,
        f"your maker has a mean queue of {100 * alone:.0f} %: a second one can send at the same time, out of reach.",
    )
    policies = {
        "own": lambda queue, rng: maker.decide(queue, rng=rng),
        "random": lambda queue, rng: random[rng.integers(40, size=len(queue))],
    }
    loop = ring_loop(_RING, policies, InternalConfig(period_slots=4, memory=0.5), rng=stream(10, "loop"))
    seen = iter(range(1000))
    together = _played(lambda queue, rng: loop.decide(RingSeen(next(seen), queue)))
    return f"a mean queue of {100 * alone:.0f} % alone, and {100 * together:.0f} % in the loop beside random draws."


_EXPECTED = np.array([[0.6, 0.9, 0.4, 0.7], [0.8, 0.5, 0.5, 0.3]])
_TRUE = np.array([[0.5, 0.8, 0.6, 0.7], [0.7, 0.6, 0.4, 0.2]])


@exercise(
    title="Regret on paper",
    difficulty="easy",
    minutes=6,
    hints=(
        "The twin picks by what it expects; the regret is in what is true.",
        "It picks the second, the first, the second and the first maker.",
        "True values of the picks: 0.7, 0.8, 0.4, 0.7. The best: 0.7, 0.8, 0.6, 0.7.",
    ),
    mistakes=(
        Mistake(0.2, says="mean over the four"),
        Mistake(0.0, says="third"),
        Mistake(0.275, says="distance"),
    ),
)
def ex10_2(answer: Any) -> str:
    """Return the mean regret of the twin's picks."""
    picks = _EXPECTED.argmax(axis=0)
    regret = (_TRUE.max(axis=0) - _TRUE[picks, np.arange(4)]).mean()
    expect_close(
        answer,
        regret,
        tolerance=1e-3,
        what="the mean regret",
        mistakes={
            "that is the sum: take the mean over the four validations.": 4 * regret,
            "in the third validation the twin picks the maker that is truly worse.": 0.0,
            "that is the mean distance of the makers; regret counts only what the picks lost.": 0.275,
        },
    )
    return "18 % of the makers' mean distance of 0.275: the twin is wrong once, where they are 0.2 apart."


@exercise(
    title="For how long is the vote lost? (on paper)",
    difficulty="medium",
    minutes=8,
    hints=(
        "First the gap: what the twin expected of the safe maker, minus what came of it.",
        "The gap is 0.2, so the safe maker is believed to bring 0.7. The other brought 0.46: an advantage of -0.24.",
        "-0.24 is below minus the tolerance. The wait is the larger of 4 and 0.24 / 0.02.",
    ),
    mistakes=(
        Mistake(4, says="budget"),
        Mistake(22, says="gap"),
        Mistake(24, says="budget is"),
        Mistake(0, says="loses"),
    ),
)
def ex10_3(answer: Any) -> str:
    """Return the number of verdicts without a vote."""
    expect_close(
        answer,
        12,
        tolerance=1e-6,
        what="the number of verdicts",
        mistakes={
            "that is the first wait; the loss was so dear that the budget asks for more.": 4,
            "you left out the gap: the twin flatters the safe maker by 0.2 as well.": 22,
            "the budget is 0.02 for each verdict, not 0.01.": 24,
            "an advantage of -0.24 is below minus the tolerance of 0.1: it loses its vote.": 0,
        },
    )
    return "so trying again costs no more than the budget, on average."


@exercise(
    title="Predict: who is right when the twin is not calibrated?",
    difficulty="medium",
    minutes=6,
    hints=(
        "The model and the twin believe the same coupling.",
        "A maker that is best in a world is best by the verdict of that world.",
        "In the twin nobody can beat max-weight on the twin's own coupling.",
    ),
    mistakes=(
        Mistake("GAI", says="tried"),
        Mistake("each half of the time", says="chance"),
        Mistake("oracle", says="not a maker"),
    ),
)
def ex10_4(answer: Any) -> str:
    """Return whom the loop carries out after the change, if the twin keeps the old coupling."""
    reasons = {
        "GAI": "its decisions are better on the true ring, but they are tried on the one that the twin believes.",
        "each half of the time": "a twin that is wrong is not a coin: it is wrong always in the same way, not by chance.",
        "oracle": "the oracle is not a maker of the loop.",
    }
    expect(answer in ("model", *reasons), f"answer 'model', 'GAI' or 'each half of the time', not {answer!r}.")
    expect(answer == "model", reasons.get(str(answer), ""))
    return "a model and a twin that share an error confirm each other."
