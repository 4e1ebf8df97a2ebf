"""Intervals of means: against scipy, against each other, and how often they hold the truth."""

import numpy as np
import pytest
from scipy import stats

from gdt_tutorial.seeding import stream
from gdt_tutorial.studies.intervals import crossed_interval, t_interval


def test_a_t_interval_is_that_of_scipy():
    values = np.array([0.1, 0.4, -0.2, 0.3])
    for level in (0.8, 0.95):
        mean, half = t_interval(values, level)
        wanted = stats.ttest_1samp(values, 0.0).confidence_interval(level)
        np.testing.assert_allclose((mean - half, mean + half), (wanted.low, wanted.high))


def test_with_one_network_a_crossed_interval_is_a_t_interval():
    values = stream(0, "values").normal(size=9)
    np.testing.assert_allclose(crossed_interval(values[None]), t_interval(values))
    assert crossed_interval(np.ones((3, 4))) == (1.0, 0.0)


def test_a_t_interval_of_three_values_holds_the_truth_as_often_as_it_says():
    draws = stream(0, "draws").normal(size=(2000, 3))
    hits = [abs(mean) <= half for mean, half in map(t_interval, draws)]
    assert 0.935 < np.mean(hits) < 0.965  # 1.96 standard errors would hold it in 81 %


def test_a_crossed_interval_counts_networks_too():
    rng, hits = stream(0, "crossed"), []
    for _ in range(500):
        values = rng.normal(size=(5, 1)) + rng.normal(size=8) + 0.5 * rng.normal(size=(5, 8))
        mean, half = crossed_interval(values)
        hits.append(abs(mean) <= half)
    assert 0.93 < np.mean(hits) <= 0.99


@pytest.mark.parametrize("interval", [t_interval, lambda values: crossed_interval(values[None])])
def test_one_value_or_a_missing_one_gives_no_interval(interval):
    with pytest.raises(ValueError, match="values must hold two"):
        interval(np.zeros(1))
    with pytest.raises(ValueError, match="values must be finite"):
        interval(np.array([0.0, np.nan]))
