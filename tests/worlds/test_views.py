"""Views as a chain: its laws by hand, and the argument that occupancies are hazards."""

import numpy as np
import pytest

from gdt_tutorial.gai.tables import action_counts
from gdt_tutorial.seeding import stream
from gdt_tutorial.worlds.views import SWIPE, WATCH, hazard_of, policy_of, view_chain, walks_of


def test_chain_by_hand():
    world = view_chain(np.array([1.0]), 2)
    policy = policy_of(np.array([[0.3, 0.5]]))
    # Over three slots: all begin, seven of ten reach the second bin.
    np.testing.assert_allclose(3 * world.occupancy(policy).sum(axis=1), [1, 0.7, 1.3])


def test_a_view_is_a_walk():
    state, action = walks_of(np.array([0, 1, 1]), np.array([0.2, 0.7, 1.0]), 2, 2)
    assert state.tolist() == [[0, 4, 4], [2, 3, 4], [2, 3, 4]]
    assert action.tolist() == [[SWIPE, WATCH, WATCH], [WATCH, SWIPE, WATCH], [WATCH, WATCH, WATCH]]


def test_counted_hazards_have_the_occupancy_of_the_views():
    # This is why no practice can improve on counting: the demonstrations' occupancy is already met, exactly.
    rng = stream(0, "views")
    kind, fraction = rng.integers(2, size=300), np.minimum(rng.uniform(0.01, 1.4, size=300), 1.0)
    state, action = walks_of(kind, fraction, 2, 5)
    counts = action_counts(state, action, 11, 2)
    hazard = (counts[:-1, SWIPE] / counts[:-1].sum(axis=1)).reshape(2, 5)
    world = view_chain(np.bincount(kind) / 300, 5)
    occupancy = world.occupancy(policy_of(hazard))
    np.testing.assert_allclose(occupancy[:-1], counts[:-1] / counts.sum(), atol=1e-12)


def test_another_hazard_has_another_occupancy_and_back():
    world, hazard = view_chain(np.array([0.4, 0.6]), 4), stream(0, "hazard").uniform(0.05, 0.5, size=(2, 4))
    occupancy = world.occupancy(policy_of(hazard))
    found = occupancy[:-1, SWIPE] / occupancy[:-1].sum(axis=1)
    np.testing.assert_allclose(found.reshape(2, 4), hazard)
    np.testing.assert_allclose(hazard_of(policy_of(hazard), 2), hazard)


def test_bad_views_are_refused():
    with pytest.raises(ValueError, match="n_bins must be above 0, got 0"):
        view_chain(np.ones(1), 0)
    with pytest.raises(ValueError, match="views must hold one at least, got 0"):
        walks_of(np.zeros(0, dtype=np.int64), np.zeros(0), 1, 2)
    with pytest.raises(ValueError, match=r"fraction must lie in \[0, 1\], got \[0.5, 1.5\]"):
        walks_of(np.zeros(2, dtype=np.int64), np.array([0.5, 1.5]), 1, 2)
