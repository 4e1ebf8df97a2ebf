"""The policy gradient against exact enumeration, GAE against its recursion, and one update against stable-baselines3's A2C."""

import functools
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import torch

from gdt_tutorial.agents.actor_critic import (
    Categorical,
    CategoricalActorCritic,
    GaussianActorCritic,
    MultiCategoricalActorCritic,
)
from gdt_tutorial.agents.evaluation import Validation, episode_returns
from gdt_tutorial.agents.policy_gradient import (
    ActorCriticConfig,
    ActorCriticLearner,
    Rollout,
    act,
    advantages,
    collect,
    policy_gradient_loss,
    sampling,
    train_actor_critic,
)
from gdt_tutorial.agents.replay import Collector, Transitions
from gdt_tutorial.seeding import keep_torch_rng, torch_stream

QUICK = ActorCriticConfig(n_steps=200, rollout_steps=5, validation_steps=100)


def random_rollout(n_steps=8, n_envs=4, n_states=3, n_actions=2, seed=0):
    """Draw a rollout in which every environment acts in every step, with ends of both kinds."""
    draw, n = torch_stream(seed, "rollout"), n_steps * n_envs
    everything = torch.ones(n, n_actions, dtype=torch.bool)
    state = torch.randn(n_steps + 1, n_envs, n_states, generator=draw)
    end = torch.rand(n, generator=draw)
    return Rollout(
        transitions=Transitions(
            state=state[:-1].reshape(n, n_states),
            action=torch.randint(n_actions, (n,), generator=draw),
            reward=torch.randn(n, generator=draw),
            next_state=state[1:].reshape(n, n_states),
            is_terminated=end < 0.15,
            is_truncated=end > 0.8,
            mask=everything,
            next_mask=everything,
        ),
        env=torch.arange(n_envs).repeat(n_steps),
        step=torch.arange(n_steps).repeat_interleave(n_envs),
    )


def learner_of(seed=0, config=QUICK, hidden=(16, 8), n_states=3, n_actions=2):
    network = CategoricalActorCritic(n_states, n_actions, hidden, generator=torch_stream(seed, "network"))
    return ActorCriticLearner(network, config)


# Two states, two actions, horizon three: all 64 courses from each start can be written down.
N_STATES, N_ACTIONS, HORIZON, DISCOUNT = 2, 2, 3, 0.9
NEXT = torch.tensor([[0, 1], [1, 0]])
REWARD = torch.tensor([[1.0, -0.5], [0.3, 2.0]], dtype=torch.float64)


def exact_return(theta):
    """Return the expected return from state 0 by dynamic programming, as a function of the logits."""
    policy = theta.softmax(dim=-1)
    value = torch.zeros(N_STATES, dtype=theta.dtype)
    for _ in range(HORIZON):
        value = (policy * (REWARD + DISCOUNT * value[NEXT])).sum(dim=-1)
    return value[0]


def courses():
    """List every sequence of actions from state 0, with states and discounted rewards to go (all weighted by its time)."""
    for code in range(N_ACTIONS**HORIZON):
        actions = [code // N_ACTIONS**t % N_ACTIONS for t in range(HORIZON)]
        states, rewards = [0], []
        for action in actions:
            rewards.append(DISCOUNT ** len(rewards) * REWARD[states[-1], action])
            states.append(int(NEXT[states[-1], action]))
        to_go = torch.stack([sum(rewards[t:], torch.zeros((), dtype=torch.float64)) for t in range(HORIZON)])
        yield torch.tensor(states[:-1]), torch.tensor(actions), to_go


def test_the_gradient_is_the_analytic_policy_gradient():
    theta = torch.randn(2, 2, generator=torch_stream(0), dtype=torch.float64).requires_grad_()
    (expected,) = torch.autograd.grad(exact_return(theta), theta)
    # Any baseline that knows the state and the time alone leaves the expectation as it is.
    baseline = torch.randn(HORIZON, N_STATES, generator=torch_stream(1), dtype=torch.float64)
    found = torch.zeros_like(theta)
    for state, action, to_go in courses():
        choice = Categorical(theta[state], torch.ones(HORIZON, N_ACTIONS, dtype=torch.bool))
        log_prob = choice.log_prob(action)
        probability = log_prob.sum().exp().detach()
        loss = policy_gradient_loss(log_prob, to_go - baseline[torch.arange(HORIZON), state])
        found -= probability * HORIZON * torch.autograd.grad(loss, theta)[0]  # the loss is a mean over the steps
    torch.testing.assert_close(found, expected)


def test_a_softmax_gradient_by_hand():
    logits = torch.tensor([[0.3, -0.2, 0.1]], requires_grad=True)
    choice = Categorical(logits, torch.ones(1, 3, dtype=torch.bool))
    policy_gradient_loss(choice.log_prob(torch.tensor([2])), torch.tensor([4.0])).backward()
    torch.testing.assert_close(logits.grad, 4 * (logits.detach().softmax(-1) - torch.tensor([[0.0, 0.0, 1.0]])))


def test_advantages_equal_their_recursion_by_hand():
    # Environment 0: two steps, terminated, a step lost to the reset, one step. Environment 1: truncated after one, ...
    env, step = torch.tensor([0, 1, 0, 1, 0]), torch.tensor([0, 0, 1, 2, 3])
    ones = torch.ones(5, 0, dtype=torch.bool)
    batch = Transitions(
        state=torch.zeros(5, 1),
        action=torch.zeros(5, 1),
        reward=torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]),
        next_state=torch.zeros(5, 1),
        is_terminated=torch.tensor([False, False, True, False, False]),
        is_truncated=torch.tensor([False, True, False, False, False]),
        mask=ones,
        next_mask=ones,
    )
    value, next_value = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5]), torch.tensor([10.0, 20.0, 30.0, 40.0, 50.0])
    found = advantages(Rollout(transitions=batch, env=env, step=step), value, next_value, 0.5, 0.8)
    last_of_first = 3 - 0.3  # terminated: no bootstrap
    expected = [1 + 5 - 0.1 + 0.4 * last_of_first, 2 + 10 - 0.2, last_of_first, 4 + 20 - 0.4, 5 + 25 - 0.5]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_with_lambda_one_an_advantage_is_the_return_minus_the_value():
    rollout, draw = random_rollout(), torch_stream(1)
    batch = rollout.transitions
    value, next_value = torch.randn(len(rollout), generator=draw), torch.randn(len(rollout), generator=draw)
    # The value of the next state must be that of the next row for the sums to telescope.
    goes_on = ~(batch.is_terminated | batch.is_truncated)
    follows = goes_on[: -rollout.env.max() - 1]
    next_value[: len(follows)] = torch.where(follows, value[rollout.env.max() + 1 :], next_value[: len(follows)])
    found = advantages(rollout, value, next_value, 0.9, 1.0)
    for env in range(4):
        rows = (rollout.env == env).nonzero().flatten().tolist()
        for start in range(len(rows)):
            total, weight = 0.0, 1.0
            for row in rows[start:]:
                total, weight = total + weight * batch.reward[row], weight * 0.9
                if batch.is_terminated[row] or batch.is_truncated[row] or row == rows[-1]:
                    total = total + weight * next_value[row] * ~batch.is_terminated[row]
                    break
            assert found[rows[start]].item() == pytest.approx((total - value[rows[start]]).item(), abs=1e-5)


def copy_into_sb3(policy, network):
    """Put the weights of our network into a stable-baselines3 policy; return their names in order, each with ours."""
    parts = [
        (policy.mlp_extractor.policy_net[0], network.actor[0]),
        (policy.mlp_extractor.policy_net[2], network.actor[2]),
        (policy.action_net, network.actor[4]),
        (policy.mlp_extractor.value_net[0], network.critic[0]),
        (policy.mlp_extractor.value_net[2], network.critic[2]),
        (policy.value_net, network.critic[4]),
    ]
    for theirs, ours in parts:
        theirs.load_state_dict(ours.state_dict())
    return parts


@pytest.mark.parametrize(
    "change",
    [
        {"entropy_weight": 0.0, "max_gradient_norm": 100.0},
        {"entropy_weight": 0.3},
        {"value_weight": 0.1, "entropy_weight": 0.02, "max_gradient_norm": 0.05},
    ],
    ids=["plain", "entropy", "clipped"],
)
def test_updates_equal_those_of_stable_baselines3(change):
    config = ActorCriticConfig(discount=0.9, gae_lambda=0.8, learning_rate=1e-3, **change)
    ours, rollout = learner_of(config=config), random_rollout()
    with keep_torch_rng():
        from stable_baselines3 import A2C  # here, since importing it takes seconds
        from stable_baselines3.common.env_util import make_vec_env
        from stable_baselines3.common.logger import Logger

        class Random(gym.Env):
            observation_space = gym.spaces.Box(-10, 10, (3,), np.float32)
            action_space = gym.spaces.Discrete(2)

            def reset(self, **options):
                return np.zeros(3, np.float32), {}

        theirs = A2C(
            "MlpPolicy",
            make_vec_env(Random, n_envs=4),
            learning_rate=1e-3,
            n_steps=8,
            gamma=0.9,
            gae_lambda=0.8,
            ent_coef=config.entropy_weight,
            vf_coef=config.value_weight,
            max_grad_norm=config.max_gradient_norm,
            policy_kwargs={
                "net_arch": [16, 8],
                "optimizer_class": torch.optim.Adam,
                "optimizer_kwargs": {"eps": 1e-8},
            },
        )
        parts = copy_into_sb3(theirs.policy, ours.network)
        theirs.set_logger(Logger(None, []))
    for _ in range(3):
        fill_sb3(theirs, rollout, n_steps=8, n_envs=4)
        theirs.train()
        ours.update(rollout)
        for their_layer, our_layer in parts:
            for weight, expected in zip(our_layer.parameters(), their_layer.parameters(), strict=True):
                torch.testing.assert_close(weight, expected, rtol=0, atol=1e-6)


def fill_sb3(algorithm, rollout, n_steps, n_envs):
    """Put a full rollout into the buffer, as `collect_rollouts` does."""
    buffer, policy = algorithm.rollout_buffer, algorithm.policy
    buffer.reset()
    column = {
        name: getattr(rollout.transitions, name).reshape(n_steps, n_envs, -1).squeeze(-1)
        for name in ("state", "action", "reward", "next_state", "is_terminated", "is_truncated")
    }
    starts = np.ones(n_envs, dtype=bool)
    for step in range(n_steps):
        state, action, reward, next_state, terminated, truncated = (values[step] for values in column.values())
        with torch.no_grad():
            value, log_prob, _ = policy.evaluate_actions(state, action)
            next_value = policy.predict_values(next_state)
        # A truncated episode: the value of its last state goes into the reward.
        bootstrap = torch.where(truncated, algorithm.gamma * next_value.flatten(), 0.0)
        args = (state.numpy(), action[:, None].numpy(), (reward + bootstrap).numpy(), starts)
        buffer.add(*args, value, log_prob)
        starts = (terminated | truncated).numpy()
    buffer.compute_returns_and_advantage(next_value, starts)


def test_a_rollout_leaves_resets_out_and_keeps_the_order(vector, counting):
    envs = vector(lambda: counting(2), lambda: counting(3))
    network = CategoricalActorCritic(2, 3, (4,), generator=torch_stream(0))
    collector = Collector(envs, generator=torch_stream(0))
    policy = sampling(network, generator=torch_stream(0))
    first, second = (collect(collector, policy, 4) for _ in range(2))
    # Lengths 2 and 3, a reset between: of environment 0 the steps 2, 5 are missing, of environment 1 the steps 3, 7.
    assert list(zip(first.step.tolist(), first.env.tolist(), strict=True)) == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
        (2, 1),
        (3, 0),
    ]
    assert second.env.tolist() == [0, 1, 1, 0, 1, 0]
    states = first.transitions.state[first.env == 1]
    assert states.tolist() == [[1, 0], [1, 1], [1, 2]]
    taken = first.transitions.mask.gather(1, first.transitions.action[:, None])
    assert taken.all()


def test_other_rewards_make_another_update():
    first, same, other = learner_of(), learner_of(), learner_of()
    rollout = random_rollout()
    first.update(rollout)
    same.update(rollout.with_reward(rollout.transitions.reward.clone()))
    other.update(rollout.with_reward(-rollout.transitions.reward))
    weights = [learner.network.actor[0].weight for learner in (first, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def trained(vector, make, network, seed=0, config=QUICK, **options):
    learner = ActorCriticLearner(network, config)
    train_actor_critic(learner, vector(make, n=4), generator=torch_stream(seed, "training"), **options)
    return network


def test_choices_are_learned_with_one_masked_branch_padding(vector, locks):
    config = ActorCriticConfig(n_steps=4_000, rollout_steps=5, discount=0.0, learning_rate=1e-2)
    make = functools.partial(locks, (3, 2))
    network = MultiCategoricalActorCritic(4, (3, 2), (16,), generator=torch_stream(0))
    trained(vector, make, network, config=config)
    returns = episode_returns(act(network), vector(make, n=4), 20, generator=torch_stream(0, "test"))
    assert returns.mean() > 4.9  # of 5


def test_a_point_is_brought_to_zero(vector, reach):
    config = ActorCriticConfig(n_steps=12_000, discount=0.9, learning_rate=1e-2, entropy_weight=0.0)
    network = GaussianActorCritic(2, 1, (16,), generator=torch_stream(0))
    untrained = episode_returns(act(network), vector(reach, n=10), 50, generator=torch_stream(0, "test")).mean()
    trained(vector, reach, network, config=config)
    found = episode_returns(act(network), vector(reach, n=10), 50, generator=torch_stream(0, "test")).mean()
    assert found > 0.2 * untrained


def test_same_generators_same_weights_other_generators_other_weights(vector, counting):
    make = functools.partial(counting, 3)
    first, again, other = (
        trained(vector, make, CategoricalActorCritic(2, 3, (4,), generator=torch_stream(0)), seed) for seed in (0, 0, 1)
    )
    assert torch.equal(first.actor[0].weight, again.actor[0].weight)
    assert not torch.equal(first.actor[0].weight, other.actor[0].weight)


def test_validation_is_done_when_due_and_at_the_end_and_updates_are_reported(vector, counting):
    make, updates = functools.partial(counting, 3), []
    validation = Validation(vector(make), 2, generator=torch_stream(0, "validation"))
    network = CategoricalActorCritic(2, 3, (4,), generator=torch_stream(0))
    trained(vector, make, network, validation=validation, on_update=lambda step, losses: updates.append((step, losses)))
    assert len(validation.history) == 2
    assert updates[0][0] == 4 * 5 - 4  # one reset each within five steps
    assert 0 < updates[0][1].entropy <= np.log(2) + 1e-6  # one of three actions is illegal


def test_a_loss_that_is_not_finite_leaves_the_weights():
    learner, rollout = learner_of(), random_rollout()
    before = learner.network.actor[0].weight.clone()
    with pytest.raises(ValueError, match="loss must be finite, got nan; lower learning_rate"):
        learner.update(rollout.with_reward(torch.full((len(rollout),), torch.nan)))
    assert torch.equal(learner.network.actor[0].weight, before)


def test_bad_rollouts_raise():
    rollout = random_rollout()
    with pytest.raises(ValueError, match=r"reward must have shape \(32,\), got \(3,\); give one for each"):
        rollout.with_reward(torch.zeros(3))
    with pytest.raises(ValueError, match="step must never fall"):
        replace(rollout, step=rollout.step.flip(0))
    with pytest.raises(ValueError, match="env and step must have 32 entries"):
        replace(rollout, env=rollout.env[:3], step=rollout.step[:3])
    with pytest.raises(ValueError, match="transitions must hold one at least, got 0"):
        replace(rollout, transitions=rollout.transitions[torch.zeros(0, dtype=torch.int64)])


def test_networks_that_do_not_fit_are_refused(vector, counting):
    envs = vector(lambda: counting(3))
    for sizes, message in (((5, 3), "network must take states of 2 numbers"), ((2, 4), "network must take states")):
        network = CategoricalActorCritic(*sizes, (4,), generator=torch_stream(0))
        with pytest.raises(ValueError, match=message):
            train_actor_critic(ActorCriticLearner(network, QUICK), envs, generator=torch_stream(0))
    with pytest.raises(ValueError, match="network must return the shape"):
        network = GaussianActorCritic(2, 1, (4,), generator=torch_stream(0))
        train_actor_critic(ActorCriticLearner(network, QUICK), envs, generator=torch_stream(0))
    collector = Collector(envs, generator=torch_stream(0))
    with pytest.raises(ValueError, match="n_steps must be above 0"):
        collect(collector, act(network), 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"gae_lambda": 1.5}, r"gae_lambda must lie in \[0, 1\], got 1.5"), ({"rollout_steps": 0}, "rollout_steps must")],
)
def test_config_is_checked(change, message):
    with pytest.raises(ValueError, match=message):
        ActorCriticConfig(**change)


def score_after_training(vector, name, seed, config):
    """Train on 8 environments, choose the checkpoint by validation; return the mean of 100 fresh episodes, greedy."""
    make = functools.partial(gym.make, name)
    n_actions, n_states = {"CartPole-v1": (2, 4), "Acrobot-v1": (3, 6)}[name]
    network = CategoricalActorCritic(n_states, n_actions, generator=torch_stream(seed, "network"))
    validation = Validation(vector(make, n=10), 10, generator=torch_stream(seed, "validation"))
    generator = torch_stream(seed, "training")
    train_actor_critic(
        ActorCriticLearner(network, config), vector(make, n=8), generator=generator, validation=validation
    )
    return episode_returns(act(network), vector(make, n=20), 100, generator=torch_stream(seed, "test")).mean()


@pytest.mark.slow
def test_the_pole_is_balanced(vector):
    config = ActorCriticConfig(n_steps=200_000, learning_rate=3e-3)
    scores = [score_after_training(vector, "CartPole-v1", seed, config) for seed in range(3)]
    assert min(scores) >= 475, scores


@pytest.mark.slow
def test_the_acrobot_swings_up(vector):
    config = ActorCriticConfig(n_steps=100_000, learning_rate=3e-3)
    scores = [score_after_training(vector, "Acrobot-v1", seed, config) for seed in range(3)]
    assert np.median(scores) >= -100, scores
