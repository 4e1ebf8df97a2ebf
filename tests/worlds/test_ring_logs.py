"""Logs of the ring: the fitted twin recovers what is hidden, returns by enumeration, turns, bad input."""

from itertools import product

import numpy as np
import pytest

from gdt_tutorial.gai.advantage import advantage
from gdt_tutorial.seeding import stream
from gdt_tutorial.worlds.ring import Ring, RingConfig
from gdt_tutorial.worlds.ring_logs import (
    RingLog,
    draw_log,
    expert_in_part,
    fit_ring,
    poor_policies,
    turned,
    worth_ahead,
)

RING = Ring()


def log_of(ring=RING, n_episodes=4, seed=0):
    return draw_log(ring, poor_policies(ring), n_episodes, rng=stream(seed, "log"))


@pytest.mark.parametrize(("reach", "snr", "coupling"), [(2, 100.0, 1.0), (1, 40.0, 0.2), (2, 300.0, 0.05)])
def test_a_fitted_twin_recovers_what_is_hidden(reach, snr, coupling):
    true = Ring(RingConfig(reach=reach, snr=snr, coupling=coupling))
    twin = fit_ring(log_of(true, 20), RING, rng=stream(0, "fit"))
    assert twin.config.reach == reach
    assert twin.config.snr == pytest.approx(snr, rel=0.02)
    assert twin.config.coupling == pytest.approx(coupling, rel=0.02)
    assert twin.config.arrival_probability == pytest.approx(0.25, abs=0.01)


def test_worth_ahead_by_hand():
    log = log_of(n_episodes=1)
    worth, arrived = worth_ahead(RING, log, 3)
    assert worth.shape == (98, 4)
    assert worth[5, 2] == pytest.approx(-log.left[5:8, 2].mean() / 10)
    np.testing.assert_allclose(arrived[5, 2], log.arrival[5:8, 2].sum(axis=0))


def test_advantage_of_a_known_policy_equals_enumeration():
    # Two APs that hurt each other, and a policy that draws one of the four patterns: the advantage of a pattern is its
    # worth above the mean of the four, and arrivals do not matter.
    ring = Ring(RingConfig(n_aps=3, reach=1, capacity=2, n_slots=60, arrival_probability=0.4))
    patterns = np.array(list(product((0.0, 1.0), repeat=3)))

    def blind(queue, rng):
        return patterns[rng.integers(8, size=len(queue))]

    log = draw_log(ring, {"blind": blind}, 150, rng=stream(0, "tiny"))
    worth, arrived = worth_ahead(ring, log)
    met, power, arrived = (part.reshape(-1, 3) for part in (log.met, log.power, arrived))
    found = advantage(worth.ravel(), np.column_stack([met, arrived]), np.tile(np.arange(150), 60))
    every = np.stack(
        [ring.next_queue(met, np.broadcast_to(each, met.shape), arrived).mean(axis=1) for each in patterns]
    )
    truth = (every.mean(axis=0) - ring.next_queue(met, power, arrived).mean(axis=1)) / 2
    assert np.corrcoef(found, truth)[0, 1] > 0.95
    assert ((found - truth) ** 2).mean() < 0.1 * truth.var()


def test_policies_are_as_they_are_named():
    queue = np.tile([0.0, 3, 1, 7, 2, 2], (2000, 1))
    drawn = {name: policy(queue, stream(0, name)) for name, policy in poor_policies(RING).items()}
    assert drawn["few"].mean() == pytest.approx(0.25, abs=0.02)
    assert (drawn["pair"].sum(axis=1) == 2).all()
    assert drawn["pair"].mean(axis=0) == pytest.approx(np.full(6, 1 / 3), abs=0.05)
    np.testing.assert_array_equal(drawn["longest"], np.eye(6)[[3] * 2000])
    assert (drawn["longest and another"][:, 3] == 1).all()
    assert set(drawn["longest and another"].sum(axis=1)) == {1, 2}
    expert = expert_in_part(RING, 0.67)(queue, stream(0, "expert"))
    assert (expert == RING.max_weight(queue)).all(axis=1).mean() == pytest.approx(0.67, abs=0.03 + 1 / 64)


def test_the_expert_leads_the_poor_and_max_weight_all():
    worth = {
        name: RING.value(policy, 40, rng=stream(0, "value")).mean()
        for name, policy in {**poor_policies(RING), "expert": expert_in_part(RING), "best": RING.max_weight}.items()
    }
    assert max(worth[name] for name in poor_policies(RING)) < 1.5 * worth["expert"] < 3 * worth["best"] < 0


def test_turned_rows_are_worth_the_same_and_differ():
    log = log_of()
    met, power, arrival, left = (part.reshape(-1, 6) for part in log)
    other_met, other_power, other_arrival, other_left = turned(RING, met, power, arrival, left, rng=stream(0, "turn"))
    np.testing.assert_allclose(RING.next_queue(other_met, other_power, other_arrival), other_left)
    assert not np.allclose(other_met, met)
    np.testing.assert_allclose(np.sort(other_met, axis=1), np.sort(met, axis=1))


def test_same_seed_same_log():
    one, same, other = log_of(), log_of(), log_of(seed=1)
    assert all((first == second).all() for first, second in zip(one, same, strict=True))
    assert not (one.arrival == other.arrival).all()


def test_a_log_follows_the_ring():
    log = log_of()
    assert isinstance(log, RingLog)
    np.testing.assert_allclose(RING.next_queue(log.met, log.power, log.arrival), log.left)
    np.testing.assert_allclose(log.met[1:], log.left[:-1])


def test_bad_requests_are_refused():
    with pytest.raises(ValueError, match=r"share must lie in \[0, 1\], got 2"):
        expert_in_part(RING, 2.0)
    with pytest.raises(ValueError, match="policies must name one at least"):
        draw_log(RING, {}, rng=stream(0))
    with pytest.raises(ValueError, match="n_episodes must be above 0, got 0"):
        draw_log(RING, poor_policies(RING), 0, rng=stream(0))
    with pytest.raises(ValueError, match="n_slots must lie in 1 to 100, got 101"):
        worth_ahead(RING, log_of(), 101)
