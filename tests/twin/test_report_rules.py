"""Recalibrated errors, relative entropies and the rules on them, against closed forms."""

import numpy as np
import pytest

from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.discriminator import Discriminator, ErrorDiscriminator
from gdt_tutorial.twin.recalibration import Recalibration, RecalibrationConfig
from gdt_tutorial.twin.relative_entropy import ModeChain, categorical_entropy_nat, relative_entropy_nat
from gdt_tutorial.twin.report_rules import (
    EntropyThreshold,
    ErrorIndex,
    ErrorThreshold,
    Expected,
    ReportRule,
    RuleDiscriminator,
)

TOPOLOGY = Topology.waterloo()


def expected(square, square_sum=0.0, age_slots=1, report_nat=0.0):
    return Expected(
        np.full((1, 1), float(square)), np.full((1, 1), float(square_sum)),
        np.full((1, 1), age_slots), np.full((1, 1), float(report_nat)),
    )  # fmt: skip


# Recalibration.


def test_variances_become_true_square_errors():
    rng, learned = stream(0, "errors"), Recalibration(RecalibrationConfig(trust=1.0))
    age = rng.integers(1, 5, (1, 2000))
    is_walking = rng.random((1, 2000)) < 0.5
    true_std = np.where(is_walking, 2.0, 0.5) * age
    said = np.ones((1, 2000))
    for _ in range(20):
        square = (true_std * rng.standard_normal(true_std.shape)) ** 2
        learned.learn(square, said, age, is_walking, np.ones((1, 2000), dtype=bool))
    np.testing.assert_allclose(learned.expected(said, age, is_walking), true_std**2, rtol=0.15)


def test_without_reports_the_emulator_is_believed():
    said, age, still = np.array([[0.3, 7.0]]), np.array([[1, 9]]), np.zeros((1, 2), dtype=bool)
    np.testing.assert_allclose(Recalibration().expected(said, age, still), said)


def test_errors_that_were_not_collected_are_not_read():
    learned, age, still = Recalibration(), np.ones((1, 2), dtype=int), np.zeros((1, 2), dtype=bool)
    learned.learn(np.array([[1.0, np.nan]]), np.ones((1, 2)), age, still, np.array([[True, False]]))
    with pytest.raises(ValueError, match="square must be finite where collected, got '1 bad values'"):
        learned.learn(np.array([[1.0, np.nan]]), np.ones((1, 2)), age, still, np.ones((1, 2), dtype=bool))


# Entropies.


def test_relative_entropy_is_that_of_the_ratio_and_never_negative():
    std = np.array([[2.0, 6.0], [1.0, 1.0]])
    np.testing.assert_allclose(relative_entropy_nat(std, np.array([1.0, 2.0])), [np.log(6), 0.0])
    with pytest.raises(ValueError, match="std_with_report must be above 0( and finite)?, got 0"):
        relative_entropy_nat(std, np.zeros(2))


def test_what_a_report_says_of_the_mode_is_the_mutual_information_of_two_slots():
    rng, chain = stream(0, "modes"), ModeChain()
    start, stop = 0.05, 0.2
    walking = rng.random((1, 4000)) < 0.5
    for age in (1, 3, 2, 5) * 4:
        before = walking
        for _ in range(age):
            draw = rng.random(walking.shape)
            walking = np.where(walking, draw >= stop, draw < start)
        chain.learn(before, np.full(before.shape, age), walking, np.ones(before.shape, dtype=bool))
    P = chain.transition()
    assert P[0, 1] == pytest.approx(start, abs=0.02)
    assert P[1, 0] == pytest.approx(stop, abs=0.02)
    for age, mode in ((1, 1), (4, 0), (20, 1)):
        belief = np.linalg.matrix_power(P, age)[mode]
        joint = belief[:, None] * P
        wanted = (joint * np.log(joint / (belief[:, None] * joint.sum(axis=0)))).sum()
        value = chain.report_value_nat(np.array([[bool(mode)]]), np.array([[age]]))
        assert value[0, 0] == pytest.approx(wanted)
    assert chain.report_value_nat(np.array([[True]]), np.array([[0]]))[0, 0] == pytest.approx(0, abs=1e-12)


def test_categorical_entropy():
    np.testing.assert_allclose(categorical_entropy_nat(np.array([[0.5, 0.5], [1.0, 0.0]])), [np.log(2), 0.0])


# Rules.


@pytest.mark.parametrize("price", [0.5, 3.0, 20.0])
def test_index_finds_the_cheapest_period(price):
    v = 2.0 * np.arange(1, 60) ** 1.3  # square errors by age, from age 1 on
    cost = [(v[: period - 1].sum() + price) / period for period in range(1, 50)]
    best = 1 + int(np.argmin(cost))
    rule = ErrorIndex(price=price)
    period = next(age for age in range(1, 60) if rule.is_due(expected(v[age - 1], v[: age - 1].sum(), age))[0, 0])
    assert period == best


def test_index_leaves_those_alone_whose_error_grows_at_once_and_stays():
    v = np.full(30, 9.0)
    index_due = [bool(ErrorIndex(price=10.0).is_due(expected(v[0], v[:age].sum(), age + 1))) for age in range(30)]
    assert not any(index_due)  # the index stays 9, below the price
    assert ErrorThreshold(limit=2.9).is_due(expected(9.0))[0, 0]


def test_thresholds():
    assert not ErrorThreshold(limit=3.1).is_due(expected(9.0))[0, 0]
    assert EntropyThreshold(limit_nat=1.0).is_due(expected(0, report_nat=1.1))[0, 0]
    assert not EntropyThreshold(limit_nat=1.0).is_due(expected(0, report_nat=0.9))[0, 0]


@pytest.mark.parametrize("rule", [ErrorThreshold(), ErrorIndex(), EntropyThreshold()])
def test_contracts(rule):
    assert isinstance(rule, ReportRule)
    assert isinstance(RuleDiscriminator(rule, rule), Discriminator)
    assert isinstance(ErrorDiscriminator(), Discriminator)


def test_bad_rules_are_refused():
    with pytest.raises(ValueError, match="limit must be above 0( and finite)?, got 0"):
        ErrorThreshold(limit=0.0)
    with pytest.raises(ValueError, match="price must be above 0( and finite)?, got -1"):
        ErrorIndex(price=-1.0)
    with pytest.raises(ValueError, match="limit_nat must be above 0( and finite)?, got 0"):
        EntropyThreshold(limit_nat=0.0)
    with pytest.raises(ValueError, match="max_period_slots must be above 0( and finite)?, got 0"):
        RuleDiscriminator(ErrorIndex(), ErrorIndex(), max_period_slots=0)
    with pytest.raises(ValueError, match="recalibrations must be two, of networking and behavior, got 1"):
        RuleDiscriminator(ErrorIndex(), ErrorIndex(), recalibrations=[Recalibration()])
