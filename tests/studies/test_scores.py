"""Scores of predicted distributions: against the integral that defines them, and what a proper score must do."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gamma
from scipy.stats import norm

from gdt_tutorial.seeding import stream
from gdt_tutorial.studies.scores import coverage, crps_gaussian, crps_sample, energy_score


@pytest.mark.parametrize(("mean", "std", "truth"), [(0.0, 1.0, 0.0), (1.0, 2.0, -3.0), (-0.5, 0.1, 0.4)])
def test_the_score_of_a_gaussian_is_its_integral(mean, std, truth):
    below = quad(lambda x: norm.cdf(x, mean, std) ** 2, -np.inf, truth)[0]
    above = quad(lambda x: norm.sf(x, mean, std) ** 2, truth, np.inf)[0]
    score = crps_gaussian(np.array([mean]), np.array([std]), np.array([truth]))
    np.testing.assert_allclose(score, below + above, rtol=1e-7)


def test_the_score_of_draws_is_the_integral_of_their_steps_but_for_the_fair_factor():
    sample, truth = np.array([-1.0, 0.2, 2.0, 0.2]), 0.7
    x = np.linspace(-3, 4, 700_001)
    steps = (np.searchsorted(np.sort(sample), x, side="right") / 4 - (x >= truth)) ** 2
    spread = np.abs(sample[:, None] - sample).sum() / 2
    score = crps_sample(sample[:, None], np.array([truth]))
    np.testing.assert_allclose(score, steps.sum() * 1e-5 + spread / 16 - spread / 12, atol=1e-4)


def test_two_draws_give_in_the_mean_the_score_of_the_gaussian():
    n, truth = 200_000, 0.8
    sample = stream(0, "draws").normal(1.0, 2.0, size=(2, n))
    wanted = crps_gaussian(np.array([1.0]), np.array([2.0]), np.array([truth]))
    scores = crps_sample(sample, np.full(n, truth))
    assert abs(scores.mean() - wanted) < 4 * scores.std() / np.sqrt(n)


def test_without_spread_a_score_is_the_absolute_error():
    mean, truth = np.array([1.0, 2.0, -1e30]), np.array([1.0, -1.0, 1e30])
    np.testing.assert_array_equal(crps_gaussian(mean, np.zeros(3), truth), np.abs(mean - truth))
    np.testing.assert_array_equal(crps_sample(np.stack([mean, mean]), truth), np.abs(mean - truth))


def test_nobody_gains_by_another_spread_than_the_true_one():
    truth = stream(1, "truth").normal(size=20_000)
    score = [crps_gaussian(np.zeros(20_000), np.full(20_000, std), truth).mean() for std in (0.5, 1.0, 2.0)]
    assert score[1] < min(score[0], score[2])


def test_the_energy_score_by_hand():
    sample = np.array([[[0.0, 3.0]], [[4.0, 0.0]]])
    # Distances to the truth 3 and 4, and 5 between both draws.
    np.testing.assert_allclose(energy_score(sample, np.zeros((1, 2))), [3.5 - 2.5])


def test_of_one_number_the_energy_score_is_the_other():
    sample, truth = stream(3, "draws").normal(size=(7, 50)), stream(3, "truth").normal(size=50)
    np.testing.assert_allclose(energy_score(sample[..., None], truth[:, None]), crps_sample(sample, truth))


def test_the_energy_score_of_a_gaussian_is_its_closed_form_and_asks_for_the_joint_law():
    # Of a standard normal in n dimensions, E|X - X'| is sqrt(2) E|X| with E|X| = sqrt(2) Gamma((n + 1) / 2) / Gamma(n / 2).
    n_draws, size = 3000, 4
    sample = stream(4, "draws").normal(size=(n_draws, 1, size))
    length = np.sqrt(2) * gamma((size + 1) / 2) / gamma(size / 2)
    at_center = energy_score(sample, np.zeros((1, size)))[0]
    assert at_center == pytest.approx(length * (1 - np.sqrt(2) / 2), rel=0.02)
    shared = stream(4, "shared").normal(size=(300, 400, 1)) * np.ones(size)
    truth = stream(5, "shared").normal(size=(400, 1)) * np.ones(size)
    alone = stream(6, "alone").normal(size=(300, 400, size))
    assert energy_score(shared, truth).mean() < energy_score(alone, truth).mean()
    with pytest.raises(ValueError, match="sample must hold two draws or more"):
        energy_score(np.zeros((1, 1, 2)), np.zeros((1, 2)))


def test_shapes_stay():
    truth = np.zeros((3, 4))
    assert crps_gaussian(truth, truth + 1, truth).shape == crps_sample(np.zeros((5, 3, 4)), truth).shape == (3, 4)


def test_coverage_counts_truths_inside():
    truth = stream(2, "truth").normal(size=20_000)
    z = np.full(20_000, norm.ppf(0.9))
    assert abs(coverage(-z, z, truth) - 0.8) < 0.01
    assert coverage(np.array([0.0, 0.0]), np.array([1.0, 1.0]), np.array([1.0, 1.1])) == 0.5


def test_what_cannot_be_scored_is_refused():
    one, two = np.zeros(1), np.zeros(2)
    with pytest.raises(ValueError, match="std must be at least 0"):
        crps_gaussian(one, one - 1, one)
    with pytest.raises(ValueError, match="sample must hold two draws"):
        crps_sample(np.zeros((1, 2)), two)
    with pytest.raises(ValueError, match="low must lie at or below high"):
        coverage(one + 1, one, one)
    with pytest.raises(ValueError, match="truth must hold a value"):
        coverage(*[np.zeros(0)] * 3)
