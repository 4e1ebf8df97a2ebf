"""The vector environment of access points: rewards against the network's own, episodes, and the policy on it."""

import numpy as np
import pytest
import torch
from gymnasium.error import ResetNeeded

from gdt_tutorial.agents.actor_critic import ActionDistribution, ActorCritic
from gdt_tutorial.agents.policy_gradient import act, collect
from gdt_tutorial.agents.replay import Collector
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.slicing import NetworkSlice
from gdt_tutorial.seeding import torch_stream
from gdt_tutorial.twin.decision.greedy import EqualShare, GreedyAllocator
from gdt_tutorial.twin.decision.subgroup_policy import SubgroupActorCritic, SubgroupChoices, zero_headed
from gdt_tutorial.twin.twin_cells import TwinCells


def campuses(seed, n_batch=2):
    return PhysicalNetwork.waterloo(n_batch, NetworkConfig(n_users=20), seed=seed, computing_cycles_per_s=2e9)


def actor_critic(greedy_logit=4.0):
    return SubgroupActorCritic(zero_headed(16, 4, generator=torch_stream(0)), greedy_logit, generator=torch_stream(1))


def test_the_untrained_actor_is_the_greedy_allocator():
    cells = TwinCells(campuses, 6, GreedyAllocator)
    rollout = collect(Collector(cells, generator=torch_stream(0)), act(actor_critic()), 6)
    assert (rollout.transitions.reward == 0).all()
    against_equal = TwinCells(campuses, 6, EqualShare)
    gain = collect(Collector(against_equal, generator=torch_stream(0)), act(actor_critic()), 6).transitions.reward
    assert gain.mean() > 0.1


def test_rewards_of_a_campus_average_to_its_qoe(monkeypatch):
    cells, served = TwinCells(campuses, 4), []
    step = PhysicalNetwork.step

    def noted(self, decision):
        telemetry = step(self, decision)
        served.append(telemetry.service.qoe.mean(axis=-1))
        return telemetry

    monkeypatch.setattr(PhysicalNetwork, "step", noted)
    rollout = collect(Collector(cells, generator=torch_stream(0)), act(actor_critic()), 4)
    n_aps = cells.num_envs // 2
    of_campus = rollout.transitions.reward.reshape(4, 2, n_aps).mean(dim=-1)
    torch.testing.assert_close(of_campus, torch.tensor(np.array(served)).float())


def test_episodes_are_truncated_together_and_start_anew():
    cells = TwinCells(campuses, 3)
    rollout = collect(Collector(cells, generator=torch_stream(0)), act(actor_critic()), 8)
    assert not rollout.transitions.is_terminated.any()
    assert rollout.step[rollout.transitions.is_truncated].unique().tolist() == [2, 6]
    assert 3 not in rollout.step


def test_a_smaller_slice_costs_qoe_from_then_on():
    n_aps = campuses(0).topology.n_aps
    half = NetworkSlice(
        name="video",
        bandwidth_share=np.ones(n_aps),
        computing_share=np.full(n_aps, 0.3),
        backhaul_share=np.ones(n_aps),
        cache_share=np.ones(n_aps),
    )
    rewards = []
    for drifts in (False, True):
        cells = TwinCells(campuses, 20)
        collector, policy = Collector(cells, generator=torch_stream(0)), act(actor_critic())
        before = collect(collector, policy, 8)
        if drifts:
            cells.use_slice(half)
        rewards.append((before.transitions.reward, collect(collector, policy, 12).transitions.reward))
    assert torch.equal(rewards[0][0], rewards[1][0])
    assert rewards[1][1].mean() < rewards[0][1].mean() - 0.05


def test_bad_use_raises():
    cells = TwinCells(campuses, 3)
    action = np.zeros(cells.action_space.shape, dtype=np.float32)
    with pytest.raises(ResetNeeded, match="before the first reset"):
        cells.step(action)
    cells.reset(seed=0)
    with pytest.raises(ValueError, match="action must lie in the action space"):
        cells.step(action + 2)
    with pytest.raises(ValueError, match="n_slots must be above 0, got 0"):
        TwinCells(campuses, 0)
    with pytest.raises(ValueError, match="std must be above 0, got 0.0"):
        SubgroupActorCritic(zero_headed(16, 4, generator=torch_stream(0)), std=0.0, generator=torch_stream(0))


def choices(is_served=True):
    draw = torch_stream(0, "choices")
    return SubgroupChoices(
        logits=torch.randn(50, 3, 4, generator=draw),
        log_weight=torch.randn(50, 3, generator=draw) / 4,
        log_std=torch.tensor(-0.7),
        is_served=torch.full((50, 3), is_served),
    )


def test_the_density_of_a_draw_is_that_of_its_parts():
    ours = choices()
    assert isinstance(ours, ActionDistribution)
    assert isinstance(actor_critic(), ActorCritic)
    action = ours.sample(generator=torch_stream(1))
    number, weight = action.unflatten(-1, (3, 2)).unbind(-1)
    version = torch.distributions.Categorical(logits=ours.logits)
    normal = torch.distributions.Normal(ours.log_weight, ours.log_std.exp())
    chosen = (number * 2 + 1.5).round().long()  # the middles -3/4, -1/4, 1/4, 3/4
    expected = (version.log_prob(chosen) + normal.log_prob(2.0 * weight)).sum(-1)
    torch.testing.assert_close(ours.log_prob(action), expected)
    torch.testing.assert_close(ours.entropy(), (version.entropy() + normal.entropy()).sum(-1))


def test_groups_without_members_contribute_nothing():
    empty = choices(is_served=False)
    action = empty.sample(generator=torch_stream(1))
    assert (empty.log_prob(action) == 0).all()
    assert (empty.entropy() == 0).all()
