"""Does it pay to go on learning while the campus drifts? One long session, a drift in its middle, and five managers.

"Policy gradient methods can optimize network management policies in an online and incremental way, which can adapt to
network dynamics" (the paper, Digital Twin). At half time the slice loses a part of its computing. Greedy, the evolved
allocator and a frozen agent go on as they are; an agent that learns makes one gradient step every few slots, either from the
network's own rewards, for which it has to try things on real users, or in the twin, on virtual campuses of the same slice.

All meet the same walks, channels and swipes, so differences are paired. Regret is counted against the best of the managers
that do not learn, in hindsight, in each half (external regret; Cesa-Bianchi and Lugosi 2006, sec. 2.1).
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float

from gdt_tutorial import seeding
from gdt_tutorial.agents.policy_gradient import ActorCriticConfig, ActorCriticLearner, Rollout, act, collect, sampling
from gdt_tutorial.agents.replay import Collector
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.physical.slicing import NetworkSlice
from gdt_tutorial.twin.decision.allocator import NetworkAllocator
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.subgroup_policy import SubgroupActorCritic
from gdt_tutorial.twin.twin_cells import TwinCells

__all__ = ["InTwin", "OnOwnRewards", "Online", "OnlineConfig", "manage", "regret"]


@configclass
class OnlineConfig:
    """The session, its drift, and how an agent goes on learning in it."""

    n_campuses: int = parameter(8, "Campuses side by side, managed by one agent.", "chosen", above=0)
    n_slots: int = parameter(240, "Slots of the session; the drift comes at half time.", "chosen", at_least=2)
    computing_cycles_per_s: float = parameter(5e9, "Computing of an edge server before the drift.", "chosen", above=0)
    computing_share: float = parameter(0.4, "What the drift leaves of it.", "chosen", above=0, at_most=1)
    slots_per_update: int = parameter(10, "Slots between two gradient steps.", "chosen", above=0)
    std: float = parameter(0.25, "Spread of the log-weights that are tried.", "chosen", above=0)
    learner: ActorCriticConfig = ActorCriticConfig(learning_rate=3e-4, gae_lambda=1.0, entropy_weight=0.0)


@runtime_checkable
class Online(Protocol):
    """What an agent does after some slots, besides going on."""

    explores: bool

    def learn(self, rollout: Rollout, network_slice: NetworkSlice) -> None:
        """Learn from what came of the last slots, or elsewhere under the same slice."""
        ...


class OnOwnRewards:
    """Learns from the network itself: the agent draws its actions, and real users bear what it tries."""

    explores = True

    def __init__(self, actor_critic: SubgroupActorCritic, config: ActorCriticConfig) -> None:
        self._learner = ActorCriticLearner(actor_critic, config)

    def learn(self, rollout: Rollout, network_slice: NetworkSlice) -> None:
        """Make one gradient step."""
        self._learner.update(rollout)


class InTwin:
    """Learns in the twin: the agent takes its best actions on real users, and draws on virtual ones.

    Args:
        actor_critic: Learns.
        config: How fast.
        cells: Virtual campuses, whose rewards are those beyond a rule.
        generator: Draws the actions.
    """

    explores = False

    def __init__(
        self,
        actor_critic: SubgroupActorCritic,
        config: ActorCriticConfig,
        cells: TwinCells,
        *,
        generator: torch.Generator,
    ) -> None:
        self._learner, self._cells = ActorCriticLearner(actor_critic, config), cells
        self._collector = Collector(cells, generator=generator)
        self._policy = sampling(actor_critic, generator=generator)

    def learn(self, rollout: Rollout, network_slice: NetworkSlice) -> None:
        """Live some slots under the network's slice, and make one gradient step."""
        self._cells.use_slice(network_slice)
        self._learner.update(collect(self._collector, self._policy, self._learner.config.rollout_steps))


def campuses(config: OnlineConfig, seed: int) -> PhysicalNetwork:
    """Return the network of a session before the drift."""
    return PhysicalNetwork.waterloo(config.n_campuses, seed=seed, computing_cycles_per_s=config.computing_cycles_per_s)


def actor_critic_of(maker: NetworkAllocator, std: float, *, generator: torch.Generator) -> SubgroupActorCritic:
    """Return a copy of an allocator's network as an actor with a new critic."""
    return SubgroupActorCritic(deepcopy(maker.network), maker.greedy_logit, std, generator=generator)


def learner_in_twin(agent: SubgroupActorCritic, config: OnlineConfig, *, seed: int) -> InTwin:
    """Return an `InTwin` whose episodes of 30 slots are days of their own, compared with the greedy allocator."""
    # An own seed: the twin does not know what the network's users will do.
    twin = TwinCells(lambda day: campuses(config, 1_000_000 + day), 30, GreedyAllocator)
    learner = replace(config.learner, rollout_steps=31)
    return InTwin(agent, learner, twin, generator=seeding.torch_stream(seed, "online, in the twin"))


def manage(
    agent: SubgroupActorCritic, config: OnlineConfig, *, seed: int, online: Online | None = None
) -> Float[np.ndarray, "slot batch"]:
    """Let `agent` manage the session; return each campus's mean QoE in every slot.

    Args:
        agent: Learns in place where `online` says so.
        config: The session.
        seed: Of the session: agents with the same one meet the same users.
        online: What it does beside managing; None leaves it frozen.
    """
    generator = seeding.torch_stream(seed, "online")
    cells = TwinCells(lambda _: campuses(config, seed), config.n_slots)
    collector = Collector(cells, generator=generator)
    explores = online is not None and online.explores
    policy = sampling(agent, generator=generator) if explores else act(agent)
    n_aps = cells.num_envs // config.n_campuses
    network_slice, parts = NetworkSlice.whole(n_aps), []
    for start in range(0, config.n_slots, config.slots_per_update):
        if start >= config.n_slots // 2 > start - config.slots_per_update:
            network_slice = replace(network_slice, computing_share=np.full(n_aps, config.computing_share))
            cells.use_slice(network_slice)
        rollout = collect(collector, policy, min(config.slots_per_update, config.n_slots - start))
        parts.append(rollout.transitions.reward.double().numpy().reshape(-1, config.n_campuses, n_aps).mean(axis=-1))
        if online is not None:
            online.learn(rollout, network_slice)
    return np.concatenate(parts)


def regret(qoe: Mapping[str, Float[np.ndarray, "slot batch"]], rivals: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return by how much each manager's mean QoE is below that of the best rival, before the drift and after it.

    Args:
        qoe: What `manage` returned, by manager.
        rivals: Managers that do not learn; the best of them in hindsight is chosen in each half.
    """
    require(len(rivals) > 0, "rivals", "name a manager", rivals, "name those that do not learn")
    half = partial(np.array_split, indices_or_sections=2)
    best = np.max([[part.mean() for part in half(qoe[name])] for name in rivals], axis=0)
    found = {name: [part.mean() for part in half(values)] for name, values in qoe.items()}
    return {name: (float(best[0] - before), float(best[1] - after)) for name, (before, after) in found.items()}
