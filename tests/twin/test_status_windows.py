"""Windows of the whole status: what they hold, and that they are those of the network's own walk and channel."""

import numpy as np
import pytest

from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.abstraction.status_windows import feature_names, sample_windows, status_features

TOPOLOGY = Topology.waterloo()


def test_a_window_has_one_row_of_named_numbers_per_user_and_slot():
    window = sample_windows(TOPOLOGY, 2, 3, 5, rng=stream(0, "windows"))
    values = status_features(window)
    assert values.shape == (2, 3, 5, len(feature_names(TOPOLOGY.n_aps)))
    np.testing.assert_array_equal(values[..., :2], window.position_m)
    np.testing.assert_array_equal(values[..., 4:], window.snr_db)
    assert window.is_behavior_collected.all()
    assert window.is_networking_collected.all()


def test_the_same_seed_gives_the_same_window_and_another_another():
    first, again, other = (sample_windows(TOPOLOGY, 1, 4, 6, rng=stream(seed, "windows")) for seed in (0, 0, 1))
    np.testing.assert_array_equal(status_features(first), status_features(again))
    assert not np.allclose(status_features(first), status_features(other))


def test_users_move_as_fast_as_they_say():
    window = sample_windows(TOPOLOGY, 1, 50, 20, rng=stream(0, "windows"))
    step_m = np.linalg.norm(np.diff(window.position_m, axis=2), axis=-1)
    assert step_m.max() <= 1.8 * 2 + 1e-9
    is_walking = np.linalg.norm(window.velocity_mps, axis=-1) > 0
    goes_on = is_walking[:, :, :-1] & (window.velocity_mps[:, :, :-1] == window.velocity_mps[:, :, 1:]).all(axis=-1)
    expected_m = 2 * np.linalg.norm(window.velocity_mps[:, :, 1:], axis=-1)
    assert np.median(np.abs(step_m - expected_m)[goes_on]) < 1e-6


def test_no_slot_is_refused():
    with pytest.raises(ValueError, match="n_slots must be above 0"):
        sample_windows(TOPOLOGY, 1, 1, 0, rng=stream(0, "windows"))
