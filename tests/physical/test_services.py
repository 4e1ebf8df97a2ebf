"""Three services: their means, a stream of its own for each, the experience of a viewer, and bad input."""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.physical.services import SERVICES, ServicesConfig, draw_days, side_by_side, video_qoe

EVEN = ServicesConfig(
    viewers=(5.0, 5.0), best_effort_bps=(4e6, 4e6), low_latency_bps=(2e6, 2e6), spread=0.0, n_minutes=60
)


def test_each_service_asks_for_what_the_config_says():
    demand = draw_days(range(20), EVEN).demand_bps()
    assert demand.shape == (20, 60, 3)
    np.testing.assert_allclose(demand.mean(axis=(0, 1)), [5 * 2.85e6, 4e6, 2e6], rtol=0.02)


def test_viewers_have_the_law_of_a_queue_without_waiting():
    # M/M/infinity: Poisson, and correlated over the time that people stay.
    viewers = draw_days(range(20), EVEN).viewers
    assert viewers.var() == pytest.approx(viewers.mean(), rel=0.05)
    lag = int(EVEN.stay_s / EVEN.slot_s)
    rest = viewers - viewers.mean()
    assert (rest[lag:] * rest[:-lag]).mean() / rest.var() == pytest.approx(np.exp(-1), abs=0.03)


@pytest.mark.parametrize("burst", [1.0, 8.0])
def test_packets_come_in_bursts(burst):
    config = replace(EVEN, burst_packets=burst)
    packets = draw_days([0], config).arrived_bit[:, 0, 2] / config.packet_bit
    assert np.allclose(packets, np.round(packets))
    # A sum of a Poisson number of geometric bursts: variance over mean is E[B^2] / E[B] = 2 E[B] - 1.
    assert packets.var() / packets.mean() == pytest.approx(2 * burst - 1, rel=0.05)


def test_video_leads_best_effort():
    config = ServicesConfig(spread=0.0, jitter_minutes=0)
    video, files, _ = draw_days(range(8), config).demand_bps().mean(axis=0).T
    assert video[45:60].mean() / video[48 - 6 : 45].mean() > 2
    assert files[48:63].min() > 2 * files[:48].max()
    assert files[64:100].max() < files[48:63].min() / 2


@pytest.mark.parametrize("name", SERVICES)
def test_overload_of_one_service_changes_no_bit_of_the_others(name):
    config = ServicesConfig(n_minutes=10)
    usual, loaded = draw_days([3], config), draw_days([3], config, {name: 4.0})
    for each, service in enumerate(SERVICES):
        is_same = np.array_equal(usual.arrived_bit[..., each], loaded.arrived_bit[..., each])
        assert is_same == (service != name)
    ratio = loaded.arrived_bit.sum(axis=(0, 1)) / usual.arrived_bit.sum(axis=(0, 1))
    assert ratio[SERVICES.index(name)] == pytest.approx(4, rel=0.2)


def test_same_seed_same_day():
    config = ServicesConfig(n_minutes=5)
    both, one = draw_days([1, 2], config), draw_days([2], config)
    assert np.array_equal(both.arrived_bit[:, 1], one.arrived_bit[:, 0])
    assert np.array_equal(both.viewers[:, 1], one.viewers[:, 0])
    assert not np.array_equal(both.viewers[:, 0], both.viewers[:, 1])


def test_days_lie_side_by_side():
    config = ServicesConfig(n_minutes=5)
    usual, loaded = draw_days([1, 2], config), draw_days([1, 2], config, {"video": 2.0})
    both = side_by_side(usual, loaded)
    assert np.array_equal(both.arrived_bit[:, 2:], loaded.arrived_bit)
    assert np.array_equal(both.viewers[:, :2], usual.viewers)
    with pytest.raises(ValueError, match="days must have one config, got 2; draw them alike"):
        side_by_side(usual, draw_days([1], replace(config, n_minutes=4)))


def test_experience_of_a_viewer_by_hand():
    rate_bps = np.array([0.0, 0.375e6, 0.75e6, 2e6, 2.85e6, 9e6])
    # Nothing; half of the time the lowest version; the lowest one; between two; the highest one, and not more.
    expected = [-1.85, 0.375 - 0.925, 0.75, 2.0, 2.85, 2.85]
    np.testing.assert_allclose(video_qoe(rate_bps), expected)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"overload must name services of .*, got \['web'\]; correct"):
        draw_days([0], overload={"web": 2.0})
    with pytest.raises(ValueError, match=r"overload must hold factors above 0, got .*; 1 leaves"):
        draw_days([0], overload={"video": 0.0})
    with pytest.raises(ValueError, match=r"seeds must hold a seed, got \[\]; name one"):
        draw_days([])
    with pytest.raises(ValueError, match=r"viewers must hold two levels, got 1; give those"):
        _one_level()


def _one_level():
    config = ServicesConfig()
    object.__setattr__(config, "viewers", (3.0,))
    config.__post_init__()
