"""Serving access points, and the rates of unicast, multicast and broadcast, on three users and two cells."""

import numpy as np
import pytest

from gdt_tutorial.physical.delivery import (
    broadcast_efficiency,
    multicast_efficiency,
    serving_ap,
    sum_at_own_ap,
    sum_per_ap,
    unicast_efficiency,
)

EFFICIENCY = np.array([[[1.0, 5.0], [2.0, 0.5], [3.0, 4.0]]])


def test_multicast_goes_at_the_rate_of_the_worst_member():
    member = np.array([[[True, True, False], [True, False, True], [False, False, False], [False, True, False]]])
    ap = np.array([[0, 1, 0, 1]])
    np.testing.assert_array_equal(multicast_efficiency(EFFICIENCY, member, ap), [[1.0, 4.0, 0.0, 0.5]])


def test_unicast_is_multicast_to_one_and_broadcast_is_multicast_to_all():
    ap = np.array([[1, 0, 0]])
    np.testing.assert_array_equal(unicast_efficiency(EFFICIENCY, ap), [[5.0, 2.0, 3.0]])
    alone = multicast_efficiency(EFFICIENCY, np.eye(3, dtype=bool)[None], ap)
    np.testing.assert_array_equal(unicast_efficiency(EFFICIENCY, ap), alone)
    np.testing.assert_array_equal(broadcast_efficiency(EFFICIENCY, ap), [[2.0, 5.0]])
    np.testing.assert_array_equal(broadcast_efficiency(EFFICIENCY, np.zeros((1, 3), dtype=int)), [[1.0, 0.0]])


def test_a_user_changes_cell_only_for_a_clear_gain():
    snr_db = np.array([[[10.0, 12.0], [10.0, 14.0], [10.0, 8.0]]])
    np.testing.assert_array_equal(serving_ap(snr_db), [[1, 1, 0]])
    np.testing.assert_array_equal(serving_ap(snr_db, np.array([[0, 0, 0]])), [[0, 1, 0]])
    np.testing.assert_array_equal(serving_ap(snr_db, np.array([[0, 0, 1]]), hysteresis_db=0.0), [[1, 1, 0]])


def test_unknown_channels_and_a_negative_hysteresis_are_refused():
    with pytest.raises(ValueError, match="snr_db must hold no NaN"):
        serving_ap(np.array([[[1.0, np.nan]]]))
    with pytest.raises(ValueError, match=r"hysteresis_db must be at least 0, got -1\.0"):
        serving_ap(np.array([[[1.0, 2.0]]]), hysteresis_db=-1.0)


def test_sums_per_access_point_reach_each_subgroup():
    amount, ap = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]]), np.array([[0, 2, 0], [1, 1, 1]])
    np.testing.assert_array_equal(sum_per_ap(amount, ap, 3), [[5, 0, 2], [0, 56, 0]])
    np.testing.assert_array_equal(sum_at_own_ap(amount, ap, 3), [[5, 2, 5], [56, 56, 56]])
