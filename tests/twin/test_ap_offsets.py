"""Offsets of access points: a loss that was made is found again."""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.physical.channel import ChannelConfig, expected_snr_db
from gdt_tutorial.physical.dense_event import dense_topology
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.contracts import check_emulator
from gdt_tutorial.twin.emulation.ap_offsets import OffsetEmulator, ap_offset_db
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.status import StatusWindow

TOPOLOGY, N_SLOTS = dense_topology(), 20
LOSS_DB = np.array([0.0, 15, 0, 0, 15, 0])


def window_of(loss_db, n_users=30, period=4, noise_db=0.0):
    """Return a window on the law, with a loss for each slot and access point, and reports in turns."""
    rng = stream(0, "window")
    position_m = rng.uniform(-70, 70, (2, n_users, N_SLOTS, 2))
    snr_db = (
        expected_snr_db(position_m, TOPOLOGY, ChannelConfig()) - loss_db + rng.normal(0, noise_db, (2, n_users, 1, 6))
    )
    is_collected = np.broadcast_to(
        (np.arange(n_users)[:, None] + np.arange(N_SLOTS)) % period == 0, position_m.shape[:3]
    )
    return StatusWindow(
        slot=N_SLOTS,
        position_m=position_m,
        velocity_mps=np.zeros_like(position_m),
        is_behavior_collected=is_collected,
        snr_db=np.where(is_collected[..., None], snr_db, 999.0),
        is_networking_collected=is_collected,
    )


def test_a_loss_of_all_times_is_found_to_the_digit():
    window = window_of(LOSS_DB)
    np.testing.assert_allclose(ap_offset_db(window, TOPOLOGY), np.tile(-LOSS_DB, (2, 1)), atol=1e-4)


def test_a_loss_of_late_is_found_by_its_weight():
    """Four of twenty slots after the change, a half-life of two: three quarters of the weight and more."""
    late = np.where(np.arange(N_SLOTS)[:, None] >= N_SLOTS - 4, LOSS_DB, 0)
    found = -ap_offset_db(window_of(late, period=1), TOPOLOGY)[:, LOSS_DB > 0] / 15
    np.testing.assert_allclose(found, 0.75, atol=0.01)


def test_residuals_of_users_average_out():
    found = ap_offset_db(window_of(LOSS_DB, n_users=200, noise_db=8.0), TOPOLOGY)
    np.testing.assert_allclose(found, np.tile(-LOSS_DB, (2, 1)), atol=4 * 8 / np.sqrt(100))


def test_without_a_report_nothing_is_known():
    window = window_of(LOSS_DB)
    window = replace(window, is_networking_collected=np.zeros_like(window.is_networking_collected))
    assert not ap_offset_db(window, TOPOLOGY).any()


def test_an_emulator_on_the_corrected_law_goes_on_with_the_loss():
    """Far from the last report the plain one is back at the law; this one keeps the loss."""
    window, hold = window_of(LOSS_DB), HoldLast(topology=TOPOLOGY)
    corrected = OffsetEmulator(emulator=hold, topology=TOPOLOGY)
    args = {"n_samples": 2, "rng": stream(0, "paths")}
    plain, own = hold.emulate(window, 60), corrected.emulate(window, 60, **args)
    gap_db = (plain.snr_db - own.snr_db)[:, :, -1].mean(axis=(0, 1))
    assert (gap_db[LOSS_DB > 0] > 3).all()
    np.testing.assert_allclose(gap_db[LOSS_DB == 0], 0, atol=0.01)
    assert own.snr_sample_db.shape == (2, 2, 30, 60, 6)
    lossless = window_of(0 * LOSS_DB)
    np.testing.assert_allclose(hold.emulate(lossless, 5).snr_db, corrected.emulate(lossless, 5).snr_db, atol=1e-3)


def test_it_keeps_the_contract():
    check_emulator(OffsetEmulator(emulator=HoldLast(topology=TOPOLOGY), topology=TOPOLOGY), window_of(LOSS_DB))


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match=r"half_life_slots must be above 0, got 0.0; 2 slots"):
        ap_offset_db(window_of(LOSS_DB), TOPOLOGY, half_life_slots=0.0)
