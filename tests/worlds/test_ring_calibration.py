"""A twin of the ring in mid-run: the fitted rates are the true ones, where slots can tell."""

import numpy as np
import pytest

from gdt_tutorial.seeding import stream
from gdt_tutorial.worlds.ring import Ring, RingConfig
from gdt_tutorial.worlds.ring_calibration import RingCalibration

NEAR, FAR = Ring(RingConfig(reach=1)), Ring()


def slots(calibration, ring, policy, n_slots, n_rings=1, seed=0):
    queue, rng = np.full((n_rings, 6), 3.0), stream(seed, "slots")
    for _ in range(n_slots):
        power, arrival = policy(queue, rng), ring.arrivals((n_rings,), rng=rng)
        left = ring.next_queue(queue, power, arrival)
        calibration.note(queue, power, arrival, left)
        queue = left


def test_a_few_slots_of_one_ring_tell_the_rates_of_what_is_chosen():
    """Without noise: the fitted twin follows the true queues on the patterns that were sent."""
    calibration = RingCalibration(NEAR)
    slots(calibration, FAR, NEAR.max_weight, 6)
    twin = calibration.refit(rng=stream(0, "fit"))
    assert calibration.n_fits == 1
    assert twin.config.reach == 2
    assert twin.config.arrival_probability == NEAR.config.arrival_probability
    power = NEAR.max_weight(stream(1, "queues").uniform(0, 9, (50, 6)))
    np.testing.assert_allclose(twin.rate(power), FAR.rate(power), atol=0.01)


def test_who_always_sends_with_all_learns_the_sum_of_the_interference_alone():
    """Two near APs at coupling 2 disturb like four at coupling 1: the fit may take either."""
    calibration = RingCalibration(Ring(RingConfig(coupling=0.0)))
    slots(calibration, FAR, lambda queue, rng: np.ones_like(queue), 6)
    twin = calibration.refit(rng=stream(0, "fit"))
    everybody = np.ones((1, 6))
    np.testing.assert_allclose(twin.rate(everybody), FAR.rate(everybody), atol=0.01)
    assert twin.config.reach < 2


def test_a_belief_that_explains_the_last_slots_stays():
    calibration = RingCalibration(FAR)
    slots(calibration, FAR, FAR.max_weight, 6)
    assert calibration.refit(rng=stream(0, "fit")) is FAR
    assert calibration.n_fits == 0


def test_too_much_care_is_never_contradicted():
    """Who believes in a long reach lets no near APs send together, and learns nothing of the short one."""
    calibration = RingCalibration(FAR)
    slots(calibration, NEAR, FAR.max_weight, 20)
    assert calibration.refit(rng=stream(0, "fit")) is FAR


def test_slots_of_a_time_that_is_over_are_forgotten():
    calibration = RingCalibration(NEAR)
    slots(calibration, NEAR, NEAR.max_weight, 6)
    slots(calibration, FAR, NEAR.max_weight, 3, seed=1)
    assert calibration.refit(rng=stream(0, "fit")).config.reach == 2


def test_nothing_is_fitted_to_nothing():
    assert RingCalibration(FAR).refit(rng=stream(0, "fit")) is FAR


@pytest.mark.parametrize(("name", "value"), [("n_recent", 0), ("tolerance", 0.0)])
def test_errors_say_what_to_do(name, value):
    with pytest.raises(ValueError, match=rf"{name} must be above 0, got {value}"):
        RingCalibration(FAR, **{name: value})
