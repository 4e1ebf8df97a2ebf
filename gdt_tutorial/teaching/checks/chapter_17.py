"""The exercises of chapter 17: a view that still goes on, what a group must earn, an honest interval."""

from collections.abc import Callable

import numpy as np

from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close

_FRACTION = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9])
_IS_OVER = np.array([True, False, True, False, True, True, False, False])
_SIZE = np.array([12, 30, 18])
_GAIN = np.array([0.4, 0.2, 0.3, 0.3, 0.4, 0.2, -0.1, 0.1, 0.2])
_USER = np.array([4, 4, 4, 4, 4, 4, 7, 9, 9])


def _swiped_by(fraction: np.ndarray, is_over: np.ndarray, n_bins: int) -> np.ndarray:
    place = np.minimum((np.asarray(fraction) * n_bins).astype(int), n_bins - 1)
    bins = np.arange(n_bins)
    reach = (place[:, None] >= bins).sum(axis=0)
    swipes = ((place[:, None] == bins) & np.asarray(is_over)[:, None]).sum(axis=0)
    return 1 - np.cumprod(1 - swipes / np.maximum(reach, 1))


def _all_over(fraction: np.ndarray, is_over: np.ndarray, n_bins: int) -> np.ndarray:
    return _swiped_by(fraction, np.ones(len(fraction), dtype=bool), n_bins)


def _dropped(fraction: np.ndarray, is_over: np.ndarray, n_bins: int) -> np.ndarray:
    return _swiped_by(np.asarray(fraction)[is_over], np.asarray(is_over)[is_over], n_bins)


def _completed(fraction: np.ndarray, is_over: np.ndarray, n_bins: int) -> np.ndarray:
    return _swiped_by(np.where(is_over, fraction, 1.0), is_over, n_bins)


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


def _saving(gain_nats: float, size: np.ndarray, n_views: int, n_bins: int) -> float:
    return float(gain_nats - _curves(size, n_views, n_bins) - _names(size)) / np.sum(size)


def _curves(size: np.ndarray, n_views: int, n_bins: int) -> float:
    return (len(size) - 1) * n_bins / 2 * np.log(n_views)


def _names(size: np.ndarray) -> float:
    size = np.asarray(size)
    return float(-(size * np.log(size / size.sum())).sum())


def _nameless(gain_nats: float, size: np.ndarray, n_views: int, n_bins: int) -> float:
    return (gain_nats - _curves(size, n_views, n_bins)) / np.sum(size)


def _one_curve_more(gain_nats: float, size: np.ndarray, n_views: int, n_bins: int) -> float:
    return _saving(gain_nats, size, n_views, n_bins) - n_bins / 2 * np.log(n_views) / np.sum(size)


def _name_per_group(gain_nats: float, size: np.ndarray, n_views: int, n_bins: int) -> float:
    log_share = np.log(np.asarray(size) / np.sum(size))
    return (gain_nats - _curves(size, n_views, n_bins) + log_share.sum()) / np.sum(size)


@exercise(
    title="What a group must earn",
    difficulty="easy",
    minutes=8,
    hints=(
        "Three terms: the gain, what further curves cost, what naming each user's group costs.",
        "One curve is there without any groups, so `len(size) - 1` further ones must be told.",
        "Naming costs `-log(size / size.sum())` for each user, so a group of ten pays it ten times; divide by all users.",
    ),
    mistakes=(
        Mistake(_nameless, says="naming"),
        Mistake(_one_curve_more, says="one curve is there anyway"),
        Mistake(lambda *given: _saving(*given) * np.sum(given[1]), says="per user"),
        Mistake(_name_per_group, says="every user"),
    ),
)
def ex17_2(answer: Callable[[float, np.ndarray, int, int], float]) -> str:
    """Return the saving of a grouping in nats per user."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex17_2(saving)`.")
    given = 400.0, _SIZE, 3000, 8
    expect_close(
        answer(*given),
        _saving(*given),
        what="the saving",
        mistakes={
            "naming each user's group costs as well: `-log` of the group's share.": _nameless(*given),
            "one curve is there anyway: only k - 1 further ones must be paid for.": _one_curve_more(*given),
            "that is for all users together; the saving is per user.": _saving(*given) * _SIZE.sum(),
            "that names each group once; every user must be named.": _name_per_group(*given),
        },
    )
    expect_close(answer(0.0, np.array([60]), 3000, 8), 0.0, what="the saving of one group")
    return "with one group there is nothing to tell and nothing to gain."


def _interval(values: np.ndarray, half: float) -> np.ndarray:
    return np.array([values.mean() - half, values.mean() + half])


def _by_user(gain: np.ndarray, user: np.ndarray) -> np.ndarray:
    return np.array([np.asarray(gain)[np.asarray(user) == one].mean() for one in np.unique(user)])


def _error(values: np.ndarray, ddof: int = 1) -> float:
    return 1.96 * float(np.std(values, ddof=ddof)) / len(values) ** 0.5


def _right(gain: np.ndarray, user: np.ndarray) -> np.ndarray:
    own = _by_user(gain, user)
    return _interval(own, _error(own))


def _of_views(gain: np.ndarray, user: np.ndarray) -> np.ndarray:
    return _interval(np.asarray(gain), _error(gain))


def _of_spread(gain: np.ndarray, user: np.ndarray) -> np.ndarray:
    own = _by_user(gain, user)
    return _interval(own, 1.96 * float(own.std(ddof=1)))


def _too_sure(gain: np.ndarray, user: np.ndarray) -> np.ndarray:
    own = _by_user(gain, user)
    return _interval(own, 1.96 * float(own.std(ddof=1)) / len(gain) ** 0.5)


@exercise(
    title="An honest interval",
    difficulty="easy",
    minutes=8,
    hints=(
        "The unit is the user: first one mean per user.",
        "`np.unique(user)` gives the users; `gain[user == one].mean()` the mean of one of them.",
        "Half of the width is `1.96 * own.std(ddof=1) / np.sqrt(len(own))`, with one entry of `own` per user.",
    ),
    mistakes=(
        Mistake(_of_views, says="resemble each other"),
        Mistake(_of_spread, says="square root"),
        Mistake(_too_sure, says="number of users"),
        Mistake(lambda gain, user: _interval(_by_user(gain, user), _error(_by_user(gain, user), 0)), says="ddof=1"),
    ),
)
def ex17_3(answer: Callable[[np.ndarray, np.ndarray], tuple[float, float]]) -> str:
    """Return the 95 % interval of the mean gain of a user."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex17_3(gain_interval)`.")
    own = _by_user(_GAIN, _USER)
    expect_close(
        answer(_GAIN, _USER),
        _right(_GAIN, _USER),
        what="the interval",
        mistakes={
            "that takes views as the unit, but views of one user resemble each other.": _of_views(_GAIN, _USER),
            "that is the spread of users; the error of their mean has the square root of their number below it.": (
                _of_spread(_GAIN, _USER)
            ),
            "divide by the root of the number of users, not of views.": _too_sure(_GAIN, _USER),
            "pass `ddof=1`: with few users the plain standard deviation is too small.": _interval(own, _error(own, 0)),
        },
    )
    return "one busy user cannot make an interval narrow."
