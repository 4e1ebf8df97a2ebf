"""Scores of emulators by age: against numbers made by hand, and against an emulator whose spread is the truth's."""

import numpy as np
import pytest

from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.abstraction.status_windows import sample_windows
from gdt_tutorial.twin.emulation.emulation_scores import past_and_future, position_scores
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus
from gdt_tutorial.twin.emulation.extrapolation import HoldLast

TOPOLOGY = Topology.waterloo()


def status(position_m, std_m):
    snr = np.zeros((*position_m.shape[:3], 1))
    return EmulatedStatus(position_m=position_m, position_std_m=std_m, snr_db=snr, snr_std_db=snr)


def test_a_spread_that_is_true_covers_as_it_says_and_another_does_not():
    truth_m = np.zeros((10, 500, 2, 2))
    std_m = np.broadcast_to(np.array([1.0, 3.0])[:, None], truth_m.shape).copy()
    position_m = std_m * stream(0, "errors").normal(size=truth_m.shape)
    good, narrow, wide = (position_scores(status(position_m, factor * std_m), truth_m) for factor in (1.0, 0.5, 2.0))
    np.testing.assert_allclose(good.coverage, 0.8, atol=0.02)
    np.testing.assert_allclose(good.rms_m, np.sqrt(2) * np.array([1, 3]), rtol=0.05)
    assert (narrow.coverage < 0.6).all()
    assert (wide.coverage > 0.95).all()
    assert (good.crps_m < np.minimum(narrow.crps_m, wide.crps_m)).all()
    np.testing.assert_array_equal(good.rms_m, narrow.rms_m)


def test_a_window_is_cut_at_its_last_report():
    window = sample_windows(TOPOLOGY, 1, 5, 12, rng=stream(0, "windows"))
    past, future = past_and_future(window, 4, period_slots=3)
    assert past.is_behavior_collected[0, 0].tolist() == [False, True, False, False, True, False, False, True]
    assert (past.slot, future.slot) == (7, 11)
    for name in ("position_m", "velocity_mps", "snr_db"):
        whole = np.concatenate([getattr(past, name), getattr(future, name)], axis=2)
        np.testing.assert_array_equal(whole, getattr(window, name))
    held = position_scores(HoldLast(topology=TOPOLOGY).emulate(past, 4), future.position_m)
    moved_m = np.linalg.norm(future.position_m - past.position_m[:, :, -1:], axis=-1)
    np.testing.assert_allclose(held.rms_m, np.sqrt((moved_m**2).mean(axis=(0, 1))))


def test_what_cannot_be_cut_or_scored_is_refused():
    window = sample_windows(TOPOLOGY, 1, 2, 6, rng=stream(0, "windows"))
    with pytest.raises(ValueError, match=r"n_ahead must lie in 1\.\.5, got 6"):
        past_and_future(window, 6)
    with pytest.raises(ValueError, match="period_slots must be above 0"):
        past_and_future(window, 2, period_slots=0)
    with pytest.raises(ValueError, match=r"level must lie in \(0, 1\)"):
        position_scores(status(window.position_m, window.position_m), window.position_m, level=1.0)
