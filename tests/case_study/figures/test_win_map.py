"""The map of who wins where: pairs, intervals, and cells that two seeds cannot decide."""

from itertools import product

import numpy as np
import pytest

from gdt_tutorial.case_study.figures.win_map import AXES, WinMap
from gdt_tutorial.case_study.learning.trained_networks import FOLDER
from gdt_tutorial.studies.intervals import t_interval

GAIN = {  # by capacity: what scheme "a" gains on "b" with the first and the second seed
    3e9: (0.1, 0.3),
    6e9: (0.2, 0.2001),
    12e9: (-0.1, 0.3),
}


def rows():
    return [
        {
            "stall_weight": 1.85,
            "n_users": users,
            "bandwidth_hz": 5e6,
            "capacity": capacity,
            "seed": seed,
            "scheme": scheme,
            "qoe": users + seed + (GAIN[capacity][seed] if scheme == "a" else 0.0),
        }
        for users, capacity, seed, scheme in product((24, 60), GAIN, (0, 1), ("a", "b"))
    ]


def test_differences_are_paired_and_have_the_interval_of_the_seeds():
    gap = WinMap({}, rows()).difference("a", "b")
    assert gap.mean.shape == (1, 2, 1, 3)
    for place, pair in enumerate(GAIN.values()):
        mean, half = t_interval(np.array(pair))
        np.testing.assert_allclose(gap.mean[0, :, 0, place], mean)
        np.testing.assert_allclose(gap.half[0, :, 0, place], half)


def test_two_seeds_decide_little():
    gap = WinMap({}, rows()).difference("a", "b")
    assert gap.is_decided[0, 0, 0].tolist() == [False, True, False]
    assert gap.is_above[0, 0, 0].tolist() == [False, True, False]
    assert not gap.is_below.any()
    assert gap.has_both_signs[0, 0, 0].tolist() == [False, False, True]


def test_the_other_way_round_is_the_negative():
    table = WinMap({}, rows())
    there, back = table.difference("a", "b"), table.difference("b", "a")
    np.testing.assert_allclose(there.mean, -back.mean)
    np.testing.assert_array_equal(there.is_above, back.is_below)


def test_a_scheme_against_itself_is_undecided():
    assert not WinMap({}, rows()).difference("a", "a").is_decided.any()


def test_the_stored_map_has_all_conditions():
    stored = WinMap.read(FOLDER.parent / "results" / "who_wins.csv")
    assert stored.difference("proposed", "equal").mean.size == 54
    assert tuple(stored.axes) == AXES


def test_a_scheme_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"scheme must be one of \('a', 'b'\), got 'c'; see who_wins"):
        WinMap({}, rows()).difference("a", "c")


def test_one_seed_is_refused():
    with pytest.raises(ValueError, match="rows must hold two seeds or more, got 1; let the sweep end"):
        WinMap({}, [row for row in rows() if row["seed"] == 0])


def test_a_missing_run_is_refused():
    with pytest.raises(ValueError, match="rows must hold every run of b, got '1 missing'; let the sweep end"):
        WinMap({}, rows()[:-1])
