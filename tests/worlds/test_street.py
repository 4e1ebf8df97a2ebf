"""The street: its laws against linear solves, sums over paths and samples; walkers; the environment; bad input."""

import numpy as np
import pytest
from scipy.special import logsumexp

from gdt_tutorial.seeding import stream
from gdt_tutorial.worlds.finite import FiniteEnvs, FiniteWorld
from gdt_tutorial.worlds.street import ACTIONS, Street, StreetConfig

STREET = Street()
WORLD = STREET.world
WALKERS = STREET.soft_optimal()
UNIFORM = np.full((WORLD.n_states, len(ACTIONS)), 0.25)


def corridor(n_cells=4, **changes):
    """Return a street of one row: from a door in the west to a goal in the east."""
    return Street(StreetConfig(rows=("D" + "." * (n_cells - 2) + "G",), **changes))


def test_transition_is_a_law_and_the_goal_absorbs():
    np.testing.assert_allclose(WORLD.transition.sum(axis=-1), 1)
    assert (WORLD.transition >= 0).all()
    assert (WORLD.transition[WORLD.goal, :, WORLD.goal] == 1).all()


def test_transition_by_hand():
    # A step east at .8 + .2 / 4; the other three directions leave the walker in the first cell.
    street = corridor(3)
    np.testing.assert_allclose(street.world.transition[0, 0], [0.15, 0.85, 0])
    np.testing.assert_allclose(street.world.transition[0, 2], [0.95, 0.05, 0])
    # In the wrong model half of the steps are not made.
    np.testing.assert_allclose(street.wrong().world.transition[0, 0], [0.575, 0.425, 0])


def test_walls_stand_and_gates_lead_through():
    at = {tuple(cell): state for state, cell in enumerate(STREET.cells)}
    assert STREET.next_state[at[0, 3], 0] == at[0, 3]
    assert STREET.next_state[at[1, 3], 0] == at[1, 4]
    assert STREET.is_gate.sum() == 2


def test_soft_optimal_walkers_obey_their_equations():
    price, temperature = 1 + STREET.is_gate, STREET.config.temperature
    way = np.arange(WORLD.n_states) != WORLD.goal
    # log pi(a | s) - log pi(b | s) = (Q(s, a) - Q(s, b)) / T; V from any action: V = Q(s, a) - T log pi(a | s).
    law = WORLD.step_law(WALKERS)[np.ix_(way, way)]
    entropy = -(WALKERS * np.log(WALKERS)).sum(axis=1)
    value = np.zeros(WORLD.n_states)
    value[way] = np.linalg.solve(np.eye(way.sum()) - law, (temperature * entropy - price)[way])
    worth = -price[:, None] + WORLD.transition @ value
    np.testing.assert_allclose(temperature * logsumexp(worth / temperature, axis=1)[way], value[way], atol=1e-6)
    expected = np.exp((worth - value[:, None]) / temperature)
    np.testing.assert_allclose(WALKERS[way], expected[way], atol=1e-6)


def test_cold_walkers_take_the_shortest_way():
    policy = corridor(5, temperature=0.01).soft_optimal()
    np.testing.assert_allclose(policy[:-1, 0], 1, atol=1e-6)


def test_walkers_who_never_end_are_refused():
    with pytest.raises(ValueError, match="temperature must let the values settle, got 5.0; lower"):
        Street(StreetConfig(temperature=5.0)).soft_optimal()


def test_arrival_law_by_hand():
    # Two cells, always east: each slot arrives with .85.
    east = np.tile([1.0, 0, 0, 0], (2, 1))
    street = corridor(2, n_slots=4)
    np.testing.assert_allclose(street.world.arrival_cdf(east), [0, 0.85, 1 - 0.15**2, 1 - 0.15**3])
    assert street.world.mean_arrival(east) == pytest.approx(1 + 0.15 + 0.15**2 + 0.15**3)


def test_occupancy_is_a_law_that_flows():
    share = WORLD.occupancy(WALKERS)
    assert share.sum() == pytest.approx(1)
    # What enters a state over the horizon is what is there, but for the first and the slot after the last.
    n_slots, law = STREET.config.n_slots, WORLD.step_law(WALKERS)
    last = WORLD.start @ np.linalg.matrix_power(law, n_slots)
    here = share.sum(axis=1) * n_slots
    np.testing.assert_allclose(here, WORLD.start + here @ law - last, atol=1e-9)
    assert share[WORLD.goal].sum() * n_slots == pytest.approx(WORLD.arrival_cdf(WALKERS).sum())


def test_long_horizon_equals_the_linear_solve():
    long = Street(StreetConfig(n_slots=2000))
    share, visits = long.world.occupancy(WALKERS).sum(axis=1) * 2000, long.world.expected_visits(WALKERS)
    way = np.arange(long.world.n_states) != long.world.goal
    np.testing.assert_allclose(share[way], visits[way], atol=1e-8)
    assert visits.sum() == pytest.approx(long.world.mean_arrival(WALKERS))


def test_sampled_walks_have_the_exact_laws():
    n_walks = 20_000
    state, action = WORLD.sample(WALKERS, n_walks, rng=stream(0, "walks"))
    arrived = (state == WORLD.goal).mean(axis=0)
    # Dvoretzky, Kiefer and Wolfowitz: beyond this once in 10,000 times.
    band = np.sqrt(np.log(2 / 1e-4) / (2 * n_walks))
    assert np.abs(arrived - WORLD.arrival_cdf(WALKERS)).max() < band
    counts = np.zeros((WORLD.n_states, len(ACTIONS)))
    np.add.at(counts, (state, action), 1 / state.size)
    assert np.abs(counts - WORLD.occupancy(WALKERS)).sum() / 2 < 0.015


def test_environment_has_the_exact_arrival_law():
    envs = FiniteEnvs(WORLD, 5_000)
    state, _ = envs.reset(seed=0)
    rng, arrived = stream(0, "actions"), []
    for _ in range(STREET.config.n_slots):
        arrived.append((state == WORLD.goal).mean())
        action = (rng.random(len(state))[:, None] > WALKERS[state].cumsum(axis=1)[:, :-1]).sum(axis=1)
        state, reward, terminated, truncated, _ = envs.step(action)
        assert not reward.any()
        assert not terminated.any()
    assert truncated.all()
    assert np.abs(np.array(arrived) - WORLD.arrival_cdf(WALKERS)).max() < 0.03
    # The step after the last resets.
    state, _, _, truncated, _ = envs.step(action)
    assert WORLD.start[state].all()
    assert not truncated.any()


def test_log_likelihood_by_hand_and_at_its_best():
    street = corridor(2, slip=0.0, n_slots=1)
    walkers = np.array([[0.5, 0.25, 0.25, 0.0], [0.25] * 4])
    copy = np.array([[0.25, 0.5, 0.25, 0.0], [0.25] * 4])
    assert street.world.log_likelihood(copy, walkers) == pytest.approx(0.75 * np.log(0.25) + 0.25 * np.log(0.5))
    best = WORLD.log_likelihood(WALKERS, WALKERS)
    assert WORLD.log_likelihood(UNIFORM, WALKERS) == pytest.approx(np.log(0.25))
    assert best > np.log(0.25)
    assert WORLD.log_likelihood(np.eye(4)[np.zeros(WORLD.n_states, int)], WALKERS) == -np.inf


def test_walks_have_a_seed_pair():
    first, again, other = (WORLD.sample(WALKERS, 5, rng=stream(seed))[0] for seed in (0, 0, 1))
    assert (first == again).all()
    assert not (first == other).all()
    (first, _), (again, _), (other, _) = (FiniteEnvs(WORLD, 50).reset(seed=seed) for seed in (0, 0, 1))
    assert (first == again).all()
    assert not (first == other).all()


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (("DG", "..."), r"rows must be of one length, got \[2, 3\]"),
        (("D?G",), "rows must hold D, #, "),
        (("D..",), "rows must hold one goal G, got 0"),
        (("..G",), "rows must hold a door D"),
    ],
)
def test_bad_maps_are_refused(rows, sentence):
    with pytest.raises(ValueError, match=sentence):
        StreetConfig(rows=rows)


def test_bad_policies_are_refused():
    with pytest.raises(ValueError, match=r"policy must have shape \(51, 4\), got \(50, 4\)"):
        WORLD.occupancy(UNIFORM[1:])
    with pytest.raises(ValueError, match="policy must hold probabilities"):
        WORLD.arrival_cdf(UNIFORM * 2)
    with pytest.raises(ValueError, match="policy must arrive at last"):
        corridor(3, slip=0.0).world.expected_visits(np.tile([0, 1.0, 0, 0], (3, 1)))


def test_bad_numbers_are_refused():
    with pytest.raises(ValueError, match="n_walks must be above 0, got 0"):
        WORLD.sample(WALKERS, 0, rng=stream(0))
    with pytest.raises(ValueError, match="num_envs must be above 0, got 0"):
        FiniteEnvs(WORLD, 0)
    envs = FiniteEnvs(WORLD, 2)
    envs.reset(seed=0)
    with pytest.raises(ValueError, match=r"actions must hold 2 numbers from 0 to 3, got \[0, 4\]"):
        envs.step(np.array([0, 4]))


def test_bad_worlds_are_refused():
    law, start = np.array([[[0.5, 0.5]], [[0.0, 1.0]]]), np.array([1.0, 0.0])
    with pytest.raises(ValueError, match=r"transition must hold probabilities, got \[2.0"):
        FiniteWorld(2 * law, start, 1, 3)
    with pytest.raises(ValueError, match=r"goal must be absorbing, got \[0.5\]"):
        FiniteWorld(law, start, 0, 3)
    with pytest.raises(ValueError, match="n_slots must be above 0, got 0"):
        FiniteWorld(law, start, 1, 0)


def test_episodes_may_end_at_the_goal():
    street = corridor(2, n_slots=3, slip=0.0)
    envs = FiniteEnvs(street.world, 2, ends_at_goal=True)
    envs.reset(seed=0)
    # One goes east and has arrived, the other stays.
    state, _, terminated, truncated, _ = envs.step(np.array([0, 1]))
    assert (state.tolist(), terminated.tolist(), truncated.tolist()) == ([1, 0], [True, False], [False, False])
    state, _, terminated, _, _ = envs.step(np.array([0, 1]))
    assert (state.tolist(), terminated.tolist()) == ([0, 0], [False, False])
    _, _, _, truncated, _ = envs.step(np.array([1, 1]))
    assert truncated.tolist() == [False, True]
