"""Who decides best on the ring, learning from the same logs: diffusion and its rivals, each as a policy of the ring.

All learn from one set of logged slots, seen once each in a turn or a mirror of the ring; all make as many gradient steps with
batches of one size; all are snapped to on or off. Whoever is asked for a return is asked for the rank of the advantage of one
slot, with what arrived as a control variate (`gai.advantage`); "best fifth" learns from the logged decisions with the highest
ranks alone. Best of 8 draws eight candidates and keeps the one with the highest score in a *fitted* twin
(`worlds.ring_logs.fit_ring`); after each candidate the classes decide, whoever has drawn it. No setting was chosen on the
seeds of the stored table.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gdt_tutorial.agents.ddpg import Actor, Critic, DDPGConfig, DDPGLearner
from gdt_tutorial.agents.replay import ReplayBuffer, Transitions
from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.gai.advantage import advantage, rank_of
from gdt_tutorial.gai.denoiser import BOOK, Denoiser
from gdt_tutorial.gai.diffusion import SamplingConfig, sample, train_denoiser
from gdt_tutorial.gai.supervised_decisions import DecisionClasses, DecisionNetwork, SupervisedConfig
from gdt_tutorial.seeding import stream, torch_from, torch_stream
from gdt_tutorial.worlds.ring import Ring, RingConfig, RingPolicy, snap
from gdt_tutorial.worlds.ring_logs import (
    RingLog,
    draw_log,
    expert_in_part,
    fit_ring,
    poor_policies,
    turned,
    worth_ahead,
)

__all__ = [
    "LoggedDecisions",
    "RingStudyConfig",
    "actor_policy",
    "best_of",
    "class_policy",
    "ddpg_learner",
    "diffusion_policy",
    "logged_decisions",
    "logged_policies",
    "network_policy",
    "random_policy",
    "tensor_of",
    "trained_diffusion",
]


@configclass
class RingStudyConfig:
    """The ring, its logs, and what all learners have in common."""

    ring: RingConfig = parameter(RingConfig(), "The ring.", "chosen")
    n_logged: int = parameter(40, "Episodes that each policy has logged.", "chosen", above=0)
    n_test: int = parameter(60, "Fresh episodes by which a policy is valued.", "chosen", above=0)
    n_updates: int = parameter(1500, "Gradient steps of each learner.", "chosen", above=0)
    best_share: float = parameter(0.2, "Share of the logs that counts as the best.", "chosen", above=0, at_most=1)
    n_candidates: int = parameter(8, "Candidates that the twin compares.", "chosen", above=0)
    n_classes: int = parameter(16, "Classes of decisions.", "chosen", above=0)
    guidance: float = parameter(3.0, "Weight of the condition.", "chosen on other seeds", at_least=0)
    sampling: SamplingConfig = parameter(
        SamplingConfig(n_visited=8, temperature=0.5), "How decisions are drawn.", "chosen on other seeds"
    )
    checkpoints: tuple[int, ...] = parameter((100, 300, 700), "Gradient steps at which curves are valued.", "chosen")
    n_online: int = parameter(24_000, "Slots that the online learner may try.", "chosen", above=0)

    def guided(self) -> SamplingConfig:
        """Return how decisions are drawn under the study's guidance."""
        return replace(self.sampling, guidance=self.guidance)

    def supervised(self) -> SupervisedConfig:
        """Return the training of whatever takes decisions for labels."""
        return SupervisedConfig(n_updates=self.n_updates)


@dataclass(frozen=True, kw_only=True)
class LoggedDecisions:
    """What all learners of one seed begin with.

    Attributes:
        ring: The true one, which values policies and tells nobody.
        twin: Fitted to the log.
        log: Slot by slot.
        queue: What was met, each row in its turn.
        power: What was decided.
        rank: Of the advantage, as a condition.
        blind_rank: The same without the control variate.
        buffer: The same slots as transitions; what arrived is taken out of the rewards, which count packets.
    """

    ring: Ring
    twin: Ring
    log: RingLog
    queue: Float[Tensor, "batch ap"]
    power: Float[Tensor, "batch ap"]
    rank: Float[Tensor, "batch 1"]
    blind_rank: Float[Tensor, "batch 1"]
    buffer: ReplayBuffer

    def best(self, share: float) -> Bool[Tensor, " batch"]:
        """Return which samples have the highest ranks."""
        return self.rank[:, 0] >= 1 - share


def logged_policies(ring: Ring, with_expert: bool) -> dict[str, RingPolicy]:
    """Return whose slots are in the log."""
    expert = {"expert in part": expert_in_part(ring)} if with_expert else {}
    return {**expert, **poor_policies(ring)}


def logged_decisions(with_expert: bool, config: RingStudyConfig = RingStudyConfig(), *, seed: int) -> LoggedDecisions:
    """Draw the logs of one seed, judge every decision, and fit the twin."""
    ring = Ring(config.ring)
    log = draw_log(ring, logged_policies(ring, with_expert), config.n_logged, rng=stream(seed, "ring log"))
    worth, arrived = worth_ahead(ring, log)
    n_slots, n_episodes = worth.shape
    met, power, left, arrived = (
        part.reshape(-1, ring.config.n_aps) for part in (log.met, log.power, log.left, arrived)
    )
    state = np.column_stack([met, np.sort(met, axis=1)])
    episode = np.tile(np.arange(n_episodes), n_slots)
    rank = rank_of(advantage(worth.ravel(), np.column_stack([state, arrived, met * arrived]), episode))
    blind_rank = rank_of(advantage(worth.ravel(), state, episode))
    met, power, left = turned(ring, met, power, left, rng=stream(seed, "turns"))
    reward = ring.config.capacity * worth.ravel() + arrived.mean(axis=1)
    return LoggedDecisions(
        ring=ring,
        twin=fit_ring(log, ring, rng=stream(seed, "fit")),
        log=log,
        queue=tensor_of(met),
        power=tensor_of(power),
        rank=tensor_of(rank)[:, None],
        blind_rank=tensor_of(blind_rank)[:, None],
        buffer=_buffer(met, power, reward, left, ring.config.capacity),
    )


def tensor_of(array: np.ndarray) -> Tensor:
    """Return an array in torch's usual precision; a mirrored view is copied."""
    return torch.from_numpy(np.ascontiguousarray(array)).float()


def _buffer(met: np.ndarray, power: np.ndarray, reward: np.ndarray, left: np.ndarray, capacity: int) -> ReplayBuffer:
    n_samples, never = len(met), torch.zeros(len(met), dtype=torch.bool)
    no_mask = torch.ones(n_samples, 0, dtype=torch.bool)
    buffer = ReplayBuffer(n_samples)
    buffer.add(
        Transitions(
            state=tensor_of(met / capacity),
            action=tensor_of(2 * power - 1),
            reward=tensor_of(reward),
            next_state=tensor_of(left / capacity),
            is_terminated=never,
            is_truncated=never,  # bootstraps the same
            mask=no_mask,
            next_mask=no_mask,
        )
    )
    return buffer


# --- from what was learned to policies of the ring


def diffusion_policy(
    model: Denoiser, sampling: SamplingConfig, rank: float | None = 1.0, is_snapped: bool = True
) -> RingPolicy:
    """Draw a decision for each queue.

    Args:
        model: From queues, and ranks where it has a condition, to powers.
        sampling: Steps, noise and guidance.
        rank: What is asked for; none draws from all the logs.
        is_snapped: Whether each AP is on or off.
    """

    def policy(queue: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        condition = None if rank is None or model.n_condition == 0 else torch.full((len(queue), 1), rank)
        power = (
            sample(model, len(queue), tensor_of(queue), condition, sampling, generator=torch_from(rng)).double().numpy()
        )
        return snap(power) if is_snapped else power.clip(0, 1)

    return policy


def network_policy(network: DecisionNetwork, is_snapped: bool = True, has_chances: bool = False) -> RingPolicy:
    """Decide by a network that answers one decision; where it has a condition, rank 1 is asked for.

    Args:
        network: From queues to powers, or to log-odds.
        is_snapped: Whether each AP is on or off.
        has_chances: Whether it answers log-odds.
    """

    @torch.no_grad()
    def policy(queue: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        found = network(tensor_of(queue), torch.ones(len(queue), network.n_condition))
        power = (found.sigmoid() if has_chances else found).double().numpy()
        return snap(power) if is_snapped else power.clip(0, 1)

    return policy


def class_policy(classes: DecisionClasses, guidance: float = 1.0, is_drawn: bool = False) -> RingPolicy:
    """Decide by classes, the likeliest or a drawn one; where they have a condition, rank 1 is asked for."""

    def policy(queue: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        n_asked = classes.network.n_condition
        condition = torch.ones(len(queue), n_asked) if n_asked else None
        logits = classes.logits(tensor_of(queue), condition, guidance)
        found = classes.draw(logits, generator=torch_from(rng)) if is_drawn else classes.likeliest(logits)
        return snap(found.double().numpy())

    return policy


def actor_policy(actor: Actor, capacity: int, is_snapped: bool = True) -> RingPolicy:
    """Decide by the actor of DDPG."""

    @torch.no_grad()
    def policy(queue: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        power = (actor(tensor_of(queue / capacity)).double().numpy() + 1) / 2
        return snap(power) if is_snapped else power.clip(0, 1)

    return policy


def random_policy(queue: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw any of the patterns."""
    return (rng.random(queue.shape) < 0.5).astype(float)


def best_of(draw: RingPolicy, n_candidates: int, twin: Ring, then: RingPolicy) -> RingPolicy:
    """Draw some candidates, and keep the one that is worth most in the twin.

    Args:
        draw: Draws them.
        n_candidates: How many.
        twin: Scores them, all with the same arrivals.
        then: Who decides in the twin after the first slot.
    """

    def policy(queue: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        drawn = draw(np.repeat(queue, n_candidates, axis=0), rng).reshape(len(queue), n_candidates, -1)
        candidates = {str(place): drawn[:, place] for place in range(n_candidates)}
        scores = twin.score(queue, candidates, dict.fromkeys(candidates, then), rng=rng)
        best = np.stack([scores[name] for name in candidates]).argmax(axis=0)
        return drawn[np.arange(len(queue)), best]

    return policy


# --- training


def trained_diffusion(
    logged: LoggedDecisions,
    config: RingStudyConfig = RingStudyConfig(),
    n_updates: int | None = None,
    on_update: Callable[[int, float], object] | None = None,
    *,
    seed: int,
) -> Denoiser:
    """Train the diffusion model on all the logs, with the rank of the advantage as its condition (some three seconds).

    Args:
        logged: What it learns from.
        config: The study.
        n_updates: Other than the study's.
        on_update: For a progress bar.
        seed: Draws first weights, batches and noise.
    """
    training = replace(BOOK, n_updates=config.n_updates if n_updates is None else n_updates)
    generator = torch_stream(seed, "diffusion")
    return train_denoiser(logged.power, logged.queue, logged.rank, training, generator=generator, on_update=on_update)


def ddpg_learner(ring: Ring, config: DDPGConfig, *, seed: int) -> DDPGLearner:
    """Return actor and critic with their first weights."""
    n_aps = ring.config.n_aps
    actor = Actor(n_aps, n_aps, generator=torch_stream(seed, "actor"))
    return DDPGLearner(actor, Critic(n_aps, n_aps, generator=torch_stream(seed, "critic")), config)
