"""The exercises of chapter 17: a view that still goes on, what two groups must earn, an honest interval, large crowds."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import t as student_t

from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close

_FRACTION = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9])
# One swipe lies in the last of four bins, so that a curve of the swipes alone is a number there too.
_IS_OVER = np.array([True, False, True, False, True, True, False, True])
_GAIN = np.array([0.4, 0.2, 0.3, 0.3, 0.4, 0.2, -0.1, 0.1, 0.2])
_USER = np.array([4, 4, 4, 4, 4, 4, 7, 9, 9])


def _swiped_by(fraction: np.ndarray, is_over: np.ndarray, n_bins: int) -> np.ndarray:
    place = np.minimum((np.asarray(fraction) * n_bins).astype(int), n_bins - 1)
    bins = np.arange(n_bins)
    reach = (place[:, None] >= bins).sum(axis=0)
    swipes = ((place[:, None] == bins) & np.asarray(is_over)[:, None]).sum(axis=0)
    return 1 - np.cumprod(1 - swipes / reach)


def _all_over(fraction: np.ndarray, is_over: np.ndarray, n_bins: int) -> np.ndarray:
    return _swiped_by(fraction, np.ones(len(fraction), dtype=bool), n_bins)


def _dropped(fraction: np.ndarray, is_over: np.ndarray, n_bins: int) -> np.ndarray:
    return _swiped_by(np.asarray(fraction)[is_over], np.asarray(is_over)[is_over], n_bins)


def _completed(fraction: np.ndarray, is_over: np.ndarray, n_bins: int) -> np.ndarray:
    return _swiped_by(np.where(is_over, fraction, 1.0), is_over, n_bins)


def _swipes_alone(fraction: np.ndarray, is_over: np.ndarray, n_bins: int) -> list[float]:
    return [float((fraction[is_over] < (place + 1) / n_bins).mean()) for place in range(n_bins)]


@exercise(
    title="A view that still goes on",
    difficulty="medium",
    minutes=10,
    hints=(
        "In each bin you need two counts: views that have come into it, and swipes inside it.",
        "A view that goes on counts in the first number up to its own bin, and never in the second.",
        "`place = (fraction * n_bins).astype(int)`; hazard = swipes / reached; the answer is one minus the running "
        "product of one minus the hazard.",
    ),
    mistakes=(
        Mistake(_all_over, says="has not swiped"),
        Mistake(_dropped, says="leaves out"),
        Mistake(_completed, says="to the end"),
        Mistake(_swipes_alone, says="leaves out"),
        Mistake(lambda f, o, n: 1 - _swiped_by(f, o, n), says="survive"),
    ),
)
def ex17_1(answer: Callable[[np.ndarray, np.ndarray, int], np.ndarray]) -> str:
    """Return the cumulative swipe probability of views, some of which have not ended."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex17_1(swiped_by)`.")
    views = _FRACTION, _IS_OVER, 4
    expect_close(
        answer(*views),
        _swiped_by(*views),
        what="the curve",
        mistakes={
            "that takes every view as swiped: one that goes on has not swiped.": _all_over(*views),
            "that leaves out the views that go on, and with them the evidence that they lasted.": _dropped(*views),
            "that takes the views that go on as watched to the end: nobody knows that.": _completed(*views),
            "that is the share of views that survive; the swipe probability is one minus it.": 1 - _swiped_by(*views),
        },
    )
    over = np.ones(len(_FRACTION), dtype=bool)
    expect_close(answer(_FRACTION, over, 4), _swiped_by(_FRACTION, over, 4), what="the curve when every view has ended")
    return "a view that goes on is evidence up to where it is, and silent after it."


def _needed(n_users: int, *, n_curves: int = 1, names: str = "users", is_per_user: bool = False) -> float:
    """Return what two groups of a quarter and three quarters must gain, of 20 views per user (nats per hundred views)."""
    n_views, share = 20 * n_users, np.array([0.25, 0.75])
    users_named = {"users": n_users * share, "groups": np.ones(2), "nobody": np.zeros(2)}[names]
    nats = n_curves * 8 / 2 * np.log(n_views) - (users_named * np.log(share)).sum()
    return float(100 * nats / (n_users if is_per_user else n_views))


def _both(**how: Any) -> tuple[float, float]:
    return _needed(60, **how), _needed(600, **how)


@exercise(
    title="What two groups must earn",
    difficulty="easy",
    minutes=8,
    hints=(
        "Two prices: one further curve of eight numbers, and the group's name for each user.",
        "The curve costs `8 / 2 * ln(n)` with `n` views in all; a name costs `ln 4` for a user of the quarter and `ln(4 / 3)` "
        "for one of the others.",
        "Small crowd: 100 (4 ln 1200 + 15 ln 4 + 45 ln(4 / 3)) / 1200. The large one has ten times the users and the views.",
    ),
    mistakes=(
        Mistake(_both(names="nobody"), says="group of each user"),
        Mistake(_both(n_curves=2), says="one curve is there anyway"),
        Mistake(_both(is_per_user=True), says="twenty views"),
        Mistake(tuple(np.array(_both()) / 100), says="per hundred"),
        Mistake(_both(names="groups"), says="each of its users"),
        Mistake((_needed(60), _needed(60)), says="ten times the views"),
    ),
)
def ex17_2(answer: tuple[float, float]) -> str:
    """Return what two groups must gain to pay for themselves (nats per hundred views), among 60 users and among 600."""
    expect_close(
        answer,
        _both(),
        tolerance=0.01,
        what="the pair of gains",
        mistakes={
            "the group of each user must be told as well: `-ln` of the group's share.": _both(names="nobody"),
            "one curve is there anyway: only k - 1 further ones must be paid for.": _both(n_curves=2),
            "that is per hundred users; a user has twenty views, which share it.": _both(is_per_user=True),
            "that is per view; give it per hundred views, as the task asks.": np.array(_both()) / 100,
            "that names each group once; each of its users must be told it.": _both(names="groups"),
            "the large crowd pays the same kinds of price, but spreads the curve over ten times the views.": (
                _needed(60),
                _needed(60),
            ),
        },
    )
    return "naming costs the same per view in any crowd, the curve gets cheaper: large crowds can afford more groups."


def _interval(values: np.ndarray, half: float) -> np.ndarray:
    return np.array([values.mean() - half, values.mean() + half])


def _by_user(gain: np.ndarray, user: np.ndarray) -> np.ndarray:
    return np.array([np.asarray(gain)[np.asarray(user) == one].mean() for one in np.unique(user)])


def _half(values: np.ndarray, *, ddof: int = 1, degrees: int | None = None, n: int | None = None) -> float:
    """Return half of an interval's length; `degrees` below 1 stand for the normal law."""
    degrees = len(values) - 1 if degrees is None else degrees
    quantile = _quantile(degrees) if degrees > 0 else 1.96
    return quantile * float(np.std(values, ddof=ddof)) / (n or len(values)) ** 0.5


def _quantile(degrees: float | int) -> float:
    """Return the 97.5 % quantile of Student's t."""
    return float(student_t.ppf(0.975, degrees))


def _right(gain: np.ndarray, user: np.ndarray, quantile: Callable[[int], float]) -> np.ndarray:
    own = _by_user(gain, user)
    return _interval(own, quantile(len(own) - 1) * float(own.std(ddof=1)) / len(own) ** 0.5)


def _of_views(gain: np.ndarray, user: np.ndarray, quantile: Any) -> np.ndarray:
    return _interval(np.asarray(gain), _half(np.asarray(gain)))


def _by_users(gain: np.ndarray, user: np.ndarray, quantile: Any, **how: int) -> np.ndarray:
    own = _by_user(gain, user)
    return _interval(own, _half(own, **how))


_WRONG: dict[str, Callable[..., np.ndarray]] = {
    "that takes views as the unit, but views of one user resemble each other.": _of_views,
    "that is the spread of users; the error of their mean has the square root of their number below it.": partial(
        _by_users, n=1
    ),
    "divide by the root of the number of users, not of views.": partial(_by_users, n=len(_GAIN)),
    "pass `ddof=1`: with few users the plain standard deviation is too small.": partial(_by_users, ddof=0),
    "1.96 belongs to the normal law; of three users take Student's t.": partial(_by_users, degrees=0),
    "the degrees of freedom are those of the users, not of the views.": partial(_by_users, degrees=len(_GAIN) - 1),
    "the degrees of freedom are one less than the number of users: their mean is taken from them too.": partial(
        _by_users, degrees=3
    ),
}


@exercise(
    title="An honest interval",
    difficulty="easy",
    minutes=8,
    hints=(
        "The unit is the user: first one mean per user.",
        "`np.unique(user)` gives the users; `gain[user == one].mean()` the mean of one of them.",
        "Half of the width is `quantile(len(own) - 1) * own.std(ddof=1) / np.sqrt(len(own))`, one entry of `own` per user.",
    ),
    mistakes=tuple(Mistake(answer, says=says) for says, answer in _WRONG.items()),
)
def ex17_3(answer: Callable[[np.ndarray, np.ndarray, Callable[[int], float]], tuple[float, float]]) -> str:
    """Return the 95 % interval of the mean gain of a user."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex17_3(gain_interval)`.")
    given = _GAIN, _USER, _quantile
    expect_close(
        answer(*given),
        _right(*given),
        what="the interval",
        mistakes={says: wrong(*given) for says, wrong in _WRONG.items()},
    )
    return "one busy user cannot make an interval narrow, and few users make it wide."


class _Answers:
    """A chooser of numbers of groups that keeps the sizes of the crowds it was asked about; its answers are in turn these."""

    answers = (2, 8, 3, 8, 4)

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def choose(self, crowd: Any) -> int:
        self.sizes.append(len(crowd.point))
        return self.answers[(len(self.sizes) - 1) % len(self.answers)]


def _large_crowd() -> Any:
    # Imported late: the other exercises need no clustering.
    from gdt_tutorial.case_study.groups.grouping import Crowd

    rng = np.random.default_rng(17)
    return Crowd(rng.normal(size=(240, 3)), rng=rng)


class _OfWhat:
    """An answer to 17.4 that puts the answers of samples together in some way."""

    def __init__(self, chooser: Any, how: Callable[[Any, Any], Any]) -> None:
        self._chooser, self._how = chooser, how

    def choose(self, crowd: Any) -> Any:
        return self._how(self._chooser, crowd)


def _each(chooser: Any, crowd: Any, n_samples: int = 5) -> list[int]:
    return [chooser.choose(part) for part in crowd.samples(100, n_samples)]


@exercise(
    title="A chooser for large crowds",
    difficulty="medium",
    minutes=10,
    hints=(
        "`crowd.samples(100, 5)` is a list of five crowds; `chooser.choose(part)` is what a chooser says of one of them.",
        "Keep the chooser in `__init__`, and take the median of the five answers in `choose`.",
        "`return int(np.median([self.chooser.choose(part) for part in crowd.samples(100, 5)]))`",
    ),
    mistakes=(
        Mistake(partial(_OfWhat, how=lambda chooser, crowd: chooser.choose(crowd)), says="whole crowd"),
        Mistake(partial(_OfWhat, how=lambda chooser, crowd: _each(chooser, crowd, 1)[0]), says="five samples"),
        Mistake(partial(_OfWhat, how=lambda chooser, crowd: int(np.mean(_each(chooser, crowd)))), says="median"),
        Mistake(partial(_OfWhat, how=lambda chooser, crowd: max(_each(chooser, crowd))), says="median"),
        Mistake(_Answers, says="takes a chooser"),
    ),
)
def ex17_4(answer: Callable[[Any], Any]) -> str:
    """Return a class that asks a chooser about samples of a crowd, and takes the median."""
    expect(callable(answer), "pass the class itself: `check.ex17_4(OfSamples)`.")
    crowd, asked = _large_crowd(), _Answers()
    try:
        mine = answer(asked)
    except NotImplementedError:
        raise
    except TypeError:
        expect(False, "`OfSamples(chooser)` takes a chooser: give `__init__` a parameter for it, and keep it.")
    got = mine.choose(crowd)
    expect(
        len(crowd.point) not in asked.sizes, "that asks about the whole crowd, which is what the network does not know."
    )
    expect(asked.sizes == [100] * 5, f"ask about five samples of 100 users; you asked about {asked.sizes or 'none'}.")
    expect_close(got, np.median(_Answers.answers), what="the number of groups, the median of the five answers,")
    return "any `CountChooser` can be wrapped so; `Grouper(encoder=..., chooser=OfSamples(...))` uses it."
