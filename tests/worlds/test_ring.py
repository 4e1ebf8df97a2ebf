"""The ring: rates by hand, the three patterns, max-weight against a search and an exact optimum, scores, bad input."""

from itertools import product

import numpy as np
import pytest

from gdt_tutorial.seeding import stream
from gdt_tutorial.worlds.ring import Ring, RingConfig, snap
from gdt_tutorial.worlds.ring_envs import RingEnvs

RING = Ring()


def on(*aps, n_aps=6):
    """Return the pattern in which these send."""
    return np.isin(np.arange(n_aps), aps).astype(float)


def always(pattern):
    return lambda queue, rng: np.broadcast_to(pattern, queue.shape)


def random_patterns(queue, rng):
    return (rng.random(queue.shape) < 0.5).astype(float)


def queues(n_samples=50, seed=0):
    return stream(seed, "queues").integers(0, 8, size=(n_samples, 6)).astype(float)


def test_near_are_neighbors_at_distances_1_and_2():
    assert np.flatnonzero(RING.is_near[0]).tolist() == [1, 2, 4, 5]
    assert (RING.is_near == RING.is_near.T).all()
    assert (RING.is_near.sum(axis=1) == 4).all()


def test_rates_by_hand():
    np.testing.assert_allclose(RING.rate(on(0)), on(0))
    np.testing.assert_allclose(RING.rate(on(0, 3)), on(0, 3))  # opposite: out of reach
    both = np.log2(1 + 100 / 101) / np.log2(101)
    np.testing.assert_allclose(RING.rate(on(0, 1)), both * on(0, 1))
    np.testing.assert_allclose(RING.rate(on(0, 2)), both * on(0, 2))
    np.testing.assert_allclose(RING.rate(np.ones(6)), np.log2(1 + 100 / 401) / np.log2(101))
    # Weak coupling: 50 / (1 + 100 * .01 * .25) at half and quarter power.
    weak = Ring(RingConfig(coupling=0.01)).rate(np.array([0.5, 0.25, 0, 0, 0, 0]))
    assert weak[0] == pytest.approx(np.log2(1 + 50 / 1.25) / np.log2(101))


def test_three_patterns_are_good_and_their_mean_is_none():
    good = RING.good_patterns
    assert sorted(np.flatnonzero(pattern).tolist() for pattern in good) == [[0, 3], [1, 4], [2, 5]]
    total = RING.rate(RING.patterns).sum(axis=1)
    best = RING.patterns[np.isclose(total, total.max())]
    np.testing.assert_array_equal(best, good)  # no other of the 64 serves as much
    assert RING.rate(good.mean(axis=0)).sum() < 0.15 * total.max()
    assert (snap(good.mean(axis=0)) == 0).all()
    assert len(Ring(RingConfig(n_aps=6, reach=1)).good_patterns) == 2


def test_queue_by_hand():
    queue, arrival = np.array([3.0, 0.5, 10, 0, 0, 0]), np.array([1.0, 0, 1, 1, 0, 0])
    left = RING.next_queue(queue, on(0, 3), arrival)
    np.testing.assert_allclose(left, [3, 0.5, 10, 1, 0, 0])  # the third is full, the fourth had nothing to send


def test_ring_looks_alike_from_each_access_point():
    power, queue = stream(0).random((9, 6)), queues(9)
    turns = RING.symmetries
    assert len(np.unique(turns, axis=0)) == 12
    for turn in turns:
        np.testing.assert_allclose(RING.rate(power[:, turn]), RING.rate(power)[:, turn])
        weight = (queue[:, turn] * RING.rate(RING.max_weight(queue[:, turn]))).sum(axis=1)
        np.testing.assert_allclose(weight, (queue * RING.rate(RING.max_weight(queue))).sum(axis=1))


def test_max_weight_is_the_best_of_all_patterns():
    queue = queues()
    best = np.max(
        [(queue * RING.rate(np.array(pattern))).sum(axis=1) for pattern in product((0.0, 1.0), repeat=6)], axis=0
    )
    np.testing.assert_allclose((queue * RING.rate(RING.max_weight(queue))).sum(axis=1), best)


def least_cost(ring):
    """Return the exact least long-run mean queue of a ring in which at most one AP is served well, by value iteration."""
    config, cap = ring.config, ring.config.capacity
    states = np.array(list(product(range(cap + 1), repeat=config.n_aps)), dtype=float)
    base = (cap + 1) ** np.arange(config.n_aps)[::-1]
    arrivals = np.array(list(product((0.0, 1.0), repeat=config.n_aps)))
    chance = np.prod(np.where(arrivals == 1, config.arrival_probability, 1 - config.arrival_probability), axis=1)
    singles = ring.patterns[ring.patterns.sum(axis=1) == 1]
    queue, power, arrival = np.broadcast_arrays(states[:, None, None], singles[:, None], arrivals)
    after = ring.next_queue(queue, power, arrival)
    index, value = (after @ base).round().astype(int), np.zeros(len(states))
    cost = (after.mean(axis=-1) * chance).sum(axis=-1)
    for _ in range(2000):
        new = (cost + (value[index] * chance).sum(axis=-1)).min(axis=1)
        gain, value = new[0] - value[0], new - new[0]
    return gain / cap


def test_max_weight_is_near_the_exact_optimum_of_a_small_ring():
    ring = Ring(RingConfig(n_aps=3, reach=1, coupling=1e9, capacity=4, n_slots=4000, arrival_probability=0.2))
    found = -ring.value(ring.max_weight, 20, rng=stream(0)).mean()
    assert found == pytest.approx(least_cost(ring), rel=0.01)


def test_rules_are_ordered():
    def value(policy, ring=RING):
        return ring.value(policy, 50, rng=stream(0)).mean()

    def good(queue, rng):
        return RING.good_patterns[rng.integers(3, size=len(queue))]

    rules = [RING.max_weight, good, random_patterns, always(np.ones(6)), always(np.zeros(6))]
    values = [value(rule) for rule in rules]
    assert (np.diff(values) < 0).all()
    assert values[0] > -0.1
    # Beyond a third of the slots no rule keeps up.
    assert value(RING.max_weight, Ring(RingConfig(arrival_probability=0.45))) < 4 * values[0]


def test_a_policy_is_worth_what_its_queues_say():
    arrival = np.zeros((2, 1, 6))
    arrival[0, 0, 1] = 1
    played = RING.play(always(on(1)), np.zeros((1, 6)), arrival, rng=stream(0))
    np.testing.assert_allclose(played.left[:, 0], [on(1), np.zeros(6)])
    np.testing.assert_allclose(played.met[:, 0], [np.zeros(6), on(1)])
    np.testing.assert_allclose(RING.worth(played.left), [-(1 / 6 / 2) / 10])


def test_score_tries_the_decision_and_then_goes_on():
    queue = np.array([[6.0, 0, 0, 6, 0, 0], [0, 6, 0, 0, 6, 0]])
    decisions = {"first": np.stack(2 * [on(0, 3)]), "second": np.stack(2 * [on(1, 4)])}
    scores = RING.score(queue, decisions, dict.fromkeys(decisions, RING.max_weight), rng=stream(0))
    assert scores["first"][0] > scores["second"][0]
    assert scores["first"][1] < scores["second"][1]
    # One slot, by hand: the mean queue falls by 2 packets over 6 APs, and the same arrivals come on top.
    ring = Ring(RingConfig(horizon_slots=1))
    scores = ring.score(queue, decisions, dict.fromkeys(decisions, ring.max_weight), rng=stream(0))
    assert scores["first"][0] - scores["second"][0] == pytest.approx(2 / 6 / 10)


def test_all_decisions_meet_the_same_future():
    queue = queues(5)
    decisions = dict.fromkeys("abc", np.tile(on(0, 3), (5, 1)))
    scores = RING.score(queue, decisions, dict.fromkeys(decisions, random_patterns), rng=stream(0))
    np.testing.assert_array_equal(scores["a"], scores["b"])
    alone = RING.score(queue, {"c": decisions["c"]}, {"c": random_patterns}, rng=stream(0))
    np.testing.assert_array_equal(scores["a"], alone["c"])


def test_policies_meet_the_same_arrivals():
    ring = Ring(RingConfig(coupling=0.0, snr=1e-9, capacity=1000))  # nothing is ever near

    def drawing(queue, rng):
        rng.random(100)
        return np.ones_like(queue)

    np.testing.assert_array_equal(
        ring.value(drawing, 4, rng=stream(0)), ring.value(always(np.ones(6)), 4, rng=stream(0))
    )
    assert (ring.value(drawing, 4, rng=stream(1)) != ring.value(drawing, 4, rng=stream(0))).any()


def test_environment_is_the_ring():
    ring = Ring(RingConfig(n_slots=30))
    envs = RingEnvs(ring, 500)
    seen, _ = envs.reset(seed=0)
    rewards = []
    for slot in range(1, 31):
        assert envs.observation_space.contains(seen)
        seen, reward, terminated, truncated, _ = envs.step(ring.max_weight(seen * ring.config.capacity))
        rewards.append(reward)
        assert not terminated.any()
        assert (truncated == (slot == 30)).all()
    expected = ring.value(ring.max_weight, 500, rng=stream(0))
    noise = np.hypot(*(each.std() / np.sqrt(500) for each in (np.mean(rewards, axis=0), expected)))
    assert abs(np.mean(rewards) - expected.mean()) < 4 * noise
    # The step after the last begins anew, with empty queues, and does nothing.
    seen, reward, _, truncated, _ = envs.step(np.ones((500, 6)))
    assert not seen.any()
    assert not reward.any()
    assert not truncated.any()


def test_same_seed_same_episodes():
    found = []
    for seed in (0, 0, 1):
        envs = RingEnvs(RING, 3)
        envs.reset(seed=seed)
        found.append([envs.step(np.zeros((3, 6)))[1] for _ in range(5)])
    np.testing.assert_array_equal(found[0], found[1])
    assert (np.array(found[0]) != found[2]).any()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_aps": 1}, r"n_aps must lie in \(1, 12\], got 1"),
        ({"reach": 3}, "reach must be less than half of n_aps, got 3"),
        ({"snr": 0.0}, "snr must be above 0"),
        ({"coupling": -1.0}, "coupling must be at least 0"),
        ({"arrival_probability": 1.5}, r"arrival_probability must lie in \[0, 1\]"),
        ({"capacity": 0}, "capacity must be above 0"),
        ({"n_slots": 0}, "n_slots must be above 0"),
        ({"horizon_slots": 0}, "horizon_slots must be above 0"),
    ],
)
def test_bad_rings_are_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        RingConfig(**changes)


def test_bad_powers_are_refused():
    with pytest.raises(ValueError, match=r"power must have \(6,\) entries, got \(5,\)"):
        RING.rate(np.ones(5))
    with pytest.raises(ValueError, match=r"power must lie in \[0, 1\], got \[0.0, 1.5\]; clip it"):
        RING.rate(1.5 * on(0))
    with pytest.raises(ValueError, match=r"power must lie in \[0, 1\], got \[nan, nan\]"):
        RING.rate(np.full(6, np.nan))


def test_bad_requests_are_refused():
    with pytest.raises(ValueError, match="arrival must hold a slot, got 0"):
        RING.play(RING.max_weight, np.zeros((1, 6)), np.zeros((0, 1, 6)), rng=stream(0))
    with pytest.raises(ValueError, match="n_episodes must be above 0, got 0"):
        RING.value(RING.max_weight, 0, rng=stream(0))
    with pytest.raises(ValueError, match=r"then must name a policy for each decision, got \['a'\]"):
        RING.score(queues(2), {"a": np.ones((2, 6))}, {}, rng=stream(0))
    with pytest.raises(ValueError, match="num_envs must be above 0, got 0"):
        RingEnvs(RING, 0)
