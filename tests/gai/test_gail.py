"""GAIL: the best discriminator, occupancies that match on the street, rewards and their bias, all actions, bad input."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import SyncVectorEnv

from gdt_tutorial.agents.actor_critic import CategoricalActorCritic, GaussianActorCritic
from gdt_tutorial.agents.policy_gradient import ActorCriticConfig, ActorCriticLearner, act, collect, sampling
from gdt_tutorial.agents.replay import Collector
from gdt_tutorial.gai.demonstrations import Demonstrations
from gdt_tutorial.gai.gail import GailConfig, Imitator, train_gail
from gdt_tutorial.gai.gail_discriminator import (
    DIFFERENCE,
    LOG_D,
    NEG_LOG_ONE_MINUS_D,
    Discriminator,
    discriminator_loss,
    gradient_penalty,
)
from gdt_tutorial.gai.tables import (
    PRACTICE,
    TABLE,
    TableActorCritic,
    TableDiscriminator,
    action_counts,
    imitate_table,
    smoothed_table,
)
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.worlds.finite import FiniteEnvs
from gdt_tutorial.worlds.street import ACTIONS, Street

STREET = Street()
WORLD, N_ACTIONS = STREET.world, len(ACTIONS)
WALKERS = STREET.soft_optimal()


def one_hot(state):
    return torch.nn.functional.one_hot(torch.from_numpy(state.reshape(-1)), WORLD.n_states).float()


def shown(n_walks, seed=0, policy=WALKERS):
    """Return walks, and the table that copies them."""
    walks = WORLD.sample(policy, n_walks, rng=stream(seed, "walks"))
    counts = action_counts(*walks, WORLD.n_states, N_ACTIONS)
    counts[WORLD.goal] = 0.0
    return walks, smoothed_table(counts, STREET.distance)


def practiced(walks, start, config=TABLE, seed=0):
    config = replace(config, absorbing_entry=WORLD.goal)
    return imitate_table(FiniteEnvs(WORLD, 96), walks, start, config, generator=torch_stream(seed))


def street_imitator(walks, start, config=TABLE):
    learner = ActorCriticLearner(TableActorCritic(start), PRACTICE)
    demonstrations = Demonstrations(one_hot(walks[0]), torch.from_numpy(walks[1].reshape(-1)))
    judge, config = TableDiscriminator(*start.shape), replace(config, absorbing_entry=WORLD.goal)
    return Imitator(learner, judge, demonstrations, N_ACTIONS, config, generator=torch_stream(0, "imitator"))


def distance(one, other):
    """Return the total variation of the time spent in the states."""
    return np.abs(WORLD.occupancy(one).sum(axis=1) - WORLD.occupancy(other).sum(axis=1)).sum() / 2


def test_best_discriminator_is_the_ratio_of_occupancies():
    counts, samples = [], []
    for seed, policy in enumerate((WALKERS, np.full_like(WALKERS, 1 / N_ACTIONS))):
        state, action = WORLD.sample(policy, 3000, rng=stream(seed, "oracle"))
        counts.append(action_counts(state, action, WORLD.n_states, N_ACTIONS))
        samples.append((one_hot(state), torch.eye(N_ACTIONS)[action.reshape(-1)]))
    discriminator = TableDiscriminator(WORLD.n_states, N_ACTIONS)
    optimizer = torch.optim.LBFGS(discriminator.parameters(), max_iter=60, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = discriminator_loss(*(discriminator(state, action) for state, action in samples))
        loss.backward()
        return loss

    optimizer.step(closure)
    found = discriminator.table.detach().sigmoid().numpy()
    expert, other = counts
    often = np.minimum(expert, other) > 200
    # To the last digit it is that of the samples, and up to their chance that of the exact occupancies.
    np.testing.assert_allclose(found[often], (expert / (expert + other))[often], atol=2e-3)
    exact = WORLD.occupancy(WALKERS), WORLD.occupancy(np.full_like(WALKERS, 1 / N_ACTIONS))
    np.testing.assert_allclose(found[often], (exact[0] / sum(exact))[often], atol=0.05)


def test_occupancies_match_on_the_street():
    walks, start = shown(30)
    copy = practiced(walks, np.full_like(start, 1 / N_ACTIONS), replace(TABLE, n_iterations=60))
    assert distance(np.full_like(start, 1 / N_ACTIONS), WALKERS) > 0.4
    assert distance(copy, WALKERS) < 0.1
    assert abs(WORLD.mean_arrival(copy) - WORLD.mean_arrival(WALKERS)) < 1.5


def test_practice_beats_cloning_with_three_walks():
    gaps = []
    for seed in range(3):
        walks, start = shown(3, seed)
        copy = practiced(walks, start, seed=seed)
        gaps.append([abs(WORLD.mean_arrival(policy) - WORLD.mean_arrival(WALKERS)) for policy in (start, copy)])
    cloned, imitated = np.mean(gaps, axis=0)
    assert imitated < cloned / 2


def test_walkers_are_a_fixed_point():
    walks, _ = shown(1000)
    copy = practiced(walks, WALKERS)
    assert distance(copy, WALKERS) < 0.05
    # Against them the discriminator has nothing to say: the reward is near 0 where they are.
    imitator = street_imitator(walks, WALKERS)
    policy = sampling(imitator.learner.network, generator=torch_stream(0))
    rollout = collect(Collector(FiniteEnvs(WORLD, 500), generator=torch_stream(1)), policy, WORLD.n_slots)
    for _ in range(20):
        imitator.update(rollout)
    assert imitator.reward(rollout.transitions).abs().mean() < 0.5


def test_rewards_have_the_signs_of_their_names():
    logits = torch.linspace(-5, 5, 11)
    d = logits.sigmoid()
    torch.testing.assert_close(LOG_D(logits), d.log())
    torch.testing.assert_close(NEG_LOG_ONE_MINUS_D(logits), -(1 - d).log(), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(DIFFERENCE(logits), LOG_D(logits) + NEG_LOG_ONE_MINUS_D(logits))
    assert (LOG_D(logits) < 0).all()
    assert (NEG_LOG_ONE_MINUS_D(logits) > 0).all()


def test_expert_is_high_and_the_loss_says_so():
    right, wrong = torch.full((4,), 3.0), torch.full((4,), -3.0)
    assert discriminator_loss(right, wrong) < discriminator_loss(wrong, right)
    torch.testing.assert_close(discriminator_loss(torch.zeros(4), torch.zeros(4)), 2 * torch.tensor(2.0).log())


def test_gradient_penalty_of_a_plane():
    class Plane(torch.nn.Module):
        def forward(self, state, action):
            return 3 * state[:, 0] + 4 * action[:, 0]

    draw = torch_stream(0, "sides")
    sides = [(torch.randn(8, 2, generator=draw), torch.randn(8, 1, generator=draw)) for _ in range(2)]
    penalty = gradient_penalty(Plane(), *sides, generator=torch_stream(2))
    torch.testing.assert_close(penalty, torch.tensor(16.0))


def test_no_action_counts_in_the_absorbing_state():
    walks, start = shown(3)
    imitator = street_imitator(walks, start)
    state = torch.eye(WORLD.n_states)[[WORLD.goal, 0]]
    _, numbers = imitator.inputs(state, torch.tensor([2, 2]))
    assert numbers.tolist() == [[0, 0, 0, 0], [0, 0, 1, 0]]


class Glide(gymnasium.Env):
    """One number that is to be pushed: x moves by a tenth of the action, and every episode has 20 steps."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (1,), np.float32)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x, self.n_steps = self.np_random.uniform(-1, 1), 0
        return np.array([self.x], dtype=np.float32), {}

    def step(self, action):
        self.x, self.n_steps = self.x + 0.3 * float(action[0]), self.n_steps + 1
        return np.array([self.x], dtype=np.float32), 0.0, False, self.n_steps == 20, {}


def glide_imitator(config, seed=0):
    rng = stream(seed, "glide")
    x = rng.uniform(-1, 1, 50)
    states, actions = [], []
    for _ in range(20):  # The expert goes to 0.5.
        push = np.clip(0.5 - x, -1, 1)
        states.append(x)
        actions.append(push)
        x = x + 0.3 * push
    state, action = (torch.tensor(np.concatenate(part), dtype=torch.float32)[:, None] for part in (states, actions))
    demonstrations = Demonstrations(state, action)
    network = GaussianActorCritic(1, 1, (32,), std=0.3, generator=torch_stream(seed, "network"))
    learner = ActorCriticLearner(network, ActorCriticConfig(rollout_steps=21, learning_rate=3e-3, entropy_weight=0.0))
    discriminator = Discriminator(demonstrations, 1, (32,), generator=torch_stream(seed, "discriminator"))
    return Imitator(learner, discriminator, demonstrations, None, config, generator=torch_stream(seed, "imitator"))


def last_place(network):
    collector = Collector(SyncVectorEnv([Glide] * 20), generator=torch_stream(7))
    rollout = collect(collector, act(network), 20)
    return rollout.transitions.next_state[-20:, 0].mean().item()


def test_numbers_are_imitated_too():
    imitator = glide_imitator(GailConfig(n_iterations=150, learning_rate=3e-3, penalty_weight=0.1, ema_decay=0.95))
    before = last_place(imitator.learner.network)
    train_gail(imitator, SyncVectorEnv([Glide] * 16), generator=torch_stream(0, "practice"))
    after = last_place(imitator.learner.network)
    assert abs(after - 0.5) < 0.2 < abs(before - 0.5)


def test_practice_has_a_seed_pair():
    walks, start = shown(3)
    few = replace(TABLE, n_iterations=2)
    first, again, other = (practiced(walks, start, few, seed) for seed in (0, 0, 1))
    assert (first == again).all()
    assert not (first == other).all()


def test_on_iteration_sees_every_iteration():
    walks, start = shown(3)
    imitator, seen = street_imitator(walks, start, replace(TABLE, n_iterations=3)), []
    train_gail(
        imitator, FiniteEnvs(WORLD, 4), generator=torch_stream(0), on_iteration=lambda *losses: seen.append(losses)
    )
    assert [iteration for iteration, _ in seen] == [0, 1, 2]


def cartpole_imitator(config, demonstrations=None):
    if demonstrations is None:
        demonstrations = Demonstrations(
            torch.randn(20, 4, generator=torch_stream(0)), torch.zeros(20, dtype=torch.int64)
        )
    network = CategoricalActorCritic(4, 2, (8,), generator=torch_stream(0))
    learner = ActorCriticLearner(network, ActorCriticConfig(rollout_steps=60))
    discriminator = Discriminator(demonstrations, 2, (8,), generator=torch_stream(1))
    return Imitator(learner, discriminator, demonstrations, 2, config, generator=torch_stream(2))


def cartpoles():
    return SyncVectorEnv([lambda: gymnasium.make("CartPole-v1")] * 2)


def test_variable_horizon_is_refused_unless_its_bias_is_named():
    config = GailConfig(n_iterations=1, reward=LOG_D)
    sentence = "horizon of the episodes must be fixed, .* or accept in accepted_bias that it favors short episodes"
    with pytest.raises(ValueError, match=sentence):
        train_gail(cartpole_imitator(config), cartpoles(), generator=torch_stream(0))
    wrong = GailConfig(n_iterations=1, reward=LOG_D, accepted_bias="long episodes")
    with pytest.raises(ValueError, match="horizon of the episodes must be fixed"):
        train_gail(cartpole_imitator(wrong), cartpoles(), generator=torch_stream(0))
    named = GailConfig(n_iterations=1, reward=LOG_D, accepted_bias="short episodes")
    train_gail(cartpole_imitator(named), cartpoles(), generator=torch_stream(0))


def test_no_demonstration_is_refused():
    with pytest.raises(ValueError, match="demonstrations must hold one at least, got 0"):
        Demonstrations(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64))


def test_demonstrations_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"lengths of state and action must be equal, got \(3, 2\)"):
        Demonstrations(torch.zeros(3, 3), torch.zeros(2, dtype=torch.int64))
    with pytest.raises(ValueError, match="demonstrations must be finite"):
        Demonstrations(torch.full((3, 3), torch.nan), torch.zeros(3, dtype=torch.int64))
    other = Demonstrations(torch.randn(20, 3, generator=torch_stream(0)), torch.zeros(20, dtype=torch.int64))
    imitator = cartpole_imitator(GailConfig(n_iterations=1), other)
    with pytest.raises(ValueError, match="states of demonstrations must have 4 entries, got 3"):
        train_gail(imitator, cartpoles(), generator=torch_stream(0))
    with pytest.raises(ValueError, match="states of demonstrations must have 51 entries, got 4"):
        train_gail(cartpole_imitator(GailConfig()), FiniteEnvs(WORLD, 2), generator=torch_stream(0))


def test_actions_that_the_world_has_not_are_refused():
    unknown = Demonstrations(torch.zeros(2, 4), torch.tensor([0, 2]))
    with pytest.raises(ValueError, match=r"actions of demonstrations must be whole numbers from 0 to 1, got \[0, 2\]"):
        cartpole_imitator(GailConfig(), unknown)
    numbers = Demonstrations(torch.zeros(2, 4), torch.zeros(2, 1))
    with pytest.raises(ValueError, match="actions of demonstrations must be whole numbers from 0 to 1, got"):
        cartpole_imitator(GailConfig(), numbers)
    choices = Demonstrations(torch.zeros(2, 4), torch.tensor([0, 1]))
    learner = ActorCriticLearner(GaussianActorCritic(4, 1, (8,), generator=torch_stream(0)))
    discriminator = Discriminator(choices, 1, (8,), generator=torch_stream(1))
    with pytest.raises(ValueError, match="actions of demonstrations must be rows of numbers, got"):
        Imitator(learner, discriminator, choices, None, generator=torch_stream(2))
    with pytest.raises(ValueError, match=r"n_actions must be that of envs \(None\), got 2"):
        three = Demonstrations(torch.zeros(2, 1), torch.tensor([0, 1]))
        network = CategoricalActorCritic(1, 2, (8,), generator=torch_stream(0))
        judge = Discriminator(three, 2, (8,), generator=torch_stream(1))
        imitator = Imitator(ActorCriticLearner(network), judge, three, 2, generator=torch_stream(2))
        train_gail(imitator, SyncVectorEnv([Glide] * 2), generator=torch_stream(0))


@pytest.mark.parametrize("name", ["n_iterations", "n_discriminator_steps", "batch_size"])
def test_sizes_are_positive(name):
    with pytest.raises(ValueError, match=f"{name} must be above 0, got 0"):
        GailConfig(**{name: 0})
