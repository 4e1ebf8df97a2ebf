from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.discriminator import (
    DiscriminatorConfig,
    DualError,
    ErrorDiscriminator,
    ErrorLimits,
    gaussian_entropy_nat,
)
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus

LIMITS = ErrorLimits(mse=1.0, entropy_nat=0.0)


def emulated(rng):
    shape = (2, 3, 1, 2)
    return EmulatedStatus(
        position_m=rng.normal(size=shape),
        position_std_m=rng.uniform(0.5, 3.0, size=shape),
        snr_db=rng.normal(size=shape),
        snr_std_db=rng.uniform(1.0, 6.0, size=shape),
    )


def error(mse, entropy_nat):
    return DualError(mse=np.array([mse]), entropy_nat=np.array([entropy_nat]))


def periods(period, age, dual_error):
    return ErrorDiscriminator().next_period_slots(np.array([period]), np.array([age]), dual_error, LIMITS).tolist()[0]


@pytest.mark.parametrize("std", [0.1, 1.0, 7.5])
def test_entropy_is_the_closed_form_and_scipy_s(std):
    assert gaussian_entropy_nat(np.array([std])) == pytest.approx(0.5 * np.log(2 * np.pi * np.e * std**2))
    assert gaussian_entropy_nat(np.array([std])) == pytest.approx(stats.norm(scale=std).entropy())
    both = stats.multivariate_normal(cov=np.diag([std**2, 4.0])).entropy()
    assert gaussian_entropy_nat(np.array([std, 2.0])) == pytest.approx(both)


def test_entropy_of_a_certain_value_is_refused():
    with pytest.raises(ValueError, match="std must be above 0, got 0.0"):
        gaussian_entropy_nat(np.array([1.0, 0.0]))


def test_mse_is_that_of_the_collected_and_nan_elsewhere(make_report):
    rng = stream(0, "test")
    predicted, upcoming = emulated(rng), emulated(rng)
    is_collected = np.array([[True, False, True], [False, True, False]])
    report = make_report(slot=1, behavior=is_collected, networking=~is_collected)
    networking, behavior = ErrorDiscriminator().assess(predicted, upcoming, report)
    np.testing.assert_array_equal(np.isnan(behavior.mse), ~is_collected)
    np.testing.assert_array_equal(np.isnan(networking.mse), is_collected)
    difference_m = predicted.position_m[0, 0, 0] - report.position_m[0, 0]
    assert behavior.mse[0, 0] == pytest.approx((difference_m**2).sum() / 2)
    assert np.isfinite(behavior.entropy_nat).all()
    np.testing.assert_allclose(behavior.entropy_nat, gaussian_entropy_nat(upcoming.position_std_m[:, :, 0]))


@pytest.mark.parametrize("seed", range(5))
def test_what_was_not_collected_cannot_change_a_decision(make_report, seed):
    rng = stream(seed, "test")
    predicted, upcoming = emulated(rng), emulated(rng)
    is_collected = rng.uniform(size=(2, 3)) < 0.5
    report = make_report(slot=1, behavior=is_collected, networking=is_collected)
    # Were the truth looked at, it would show here: values of any size in the place of what was not collected.
    guess = {
        name: np.where(is_collected[..., None], getattr(report, name), rng.normal(size=(2, 3, 2)) * 100)
        for name in ("position_m", "velocity_mps", "snr_db")
    }
    discriminator, period, age = ErrorDiscriminator(), np.full((2, 3), 4), np.ones((2, 3), dtype=np.int64)
    decisions = [
        [
            discriminator.next_period_slots(period, age, dual_error, LIMITS)
            for dual_error in discriminator.assess(predicted, upcoming, one)
        ]
        for one in (report, replace(report, **guess))
    ]
    np.testing.assert_array_equal(*decisions)


def test_a_bad_sample_shortens_the_period_and_a_good_one_lengthens_it():
    sure = [-1.0, -1.0, -1.0, -1.0]
    assert periods([4, 4, 4, 4], [0, 0, 0, 1], error([2.0, 0.2, 0.8, np.nan], sure)) == [2, 8, 4, 4]


def test_periods_stay_within_one_and_the_longest():
    assert periods([1, 16], [0, 0], error([2.0, 0.2], [-1.0, -1.0])) == [1, 16]


def test_entropy_above_the_limit_ends_the_period_with_the_next_slot():
    # Age 2 now, so 3 when the next slot comes: with a period of 3 it is due then.
    assert periods([8, 2, 8], [2, 2, 0], error([np.nan] * 3, [0.1, 0.1, 0.1])) == [3, 2, 1]


def test_limits_from_a_standard_deviation():
    limits = ErrorLimits.of_std(2.0, surprise=3.0)
    assert limits.mse == pytest.approx(36.0)
    assert limits.entropy_nat == pytest.approx(2 * stats.norm(scale=2.0).entropy())


def test_bad_configs_are_refused():
    with pytest.raises(ValueError, match="mse must be above 0, got 0.0"):
        ErrorLimits(mse=0.0, entropy_nat=1.0)
    with pytest.raises(ValueError, match="entropy_nat must be finite"):
        ErrorLimits(mse=1.0, entropy_nat=np.inf)
    with pytest.raises(ValueError, match="std must be above 0 and finite, got -1.0"):
        ErrorLimits.of_std(-1.0)
    with pytest.raises(ValueError, match=r"shrink must lie in \(0, 1\], got 2.0"):
        DiscriminatorConfig(shrink=2.0)
    with pytest.raises(ValueError, match=r"grow must be above 1, got 1.0"):
        DiscriminatorConfig(grow=1.0)
    with pytest.raises(ValueError, match="max_period_slots must be above 0, got 0"):
        DiscriminatorConfig(max_period_slots=0)
