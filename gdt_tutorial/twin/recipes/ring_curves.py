"""How diffusion and reinforcement learning come to decide well on the ring, and what lies between two decisions.

The paper says that a return-conditional diffusion model has better "training efficiency and inference performance" (Generative
AI). So the values of policies are taken after some gradient steps, after some slots that were tried, and by how many steps a
sample visits; `decision_ms` says what a decision costs on this machine.

Deep deterministic policy gradient climbs its critic to one of the good patterns and stays there, whatever the queues say: its
value is that of one pattern for ever. A deterministic actor has one peak; the ring has several.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from gymnasium.wrappers.vector import TransformReward

from gdt_tutorial.agents.ddpg import DDPGConfig, train_ddpg, train_offline
from gdt_tutorial.agents.exploration_noise import GaussianNoise
from gdt_tutorial.agents.replay import Transitions
from gdt_tutorial.configuration import require
from gdt_tutorial.gai.denoiser import Denoiser
from gdt_tutorial.gai.diffusion import sample, start_denoiser
from gdt_tutorial.gai.interpolation import interpolation_quality, slerp
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.studies.tables import six_digits
from gdt_tutorial.twin.recipes.ring_decisions import (
    LoggedDecisions,
    RingStudyConfig,
    actor_policy,
    ddpg_learner,
    diffusion_policy,
    trained_diffusion,
)
from gdt_tutorial.worlds.ring import Ring, RingPolicy, snap
from gdt_tutorial.worlds.ring_envs import RingEnvs
from gdt_tutorial.worlds.ring_logs import turned

__all__ = [
    "VISITED",
    "Row",
    "by_visited_steps",
    "decision_ms",
    "interpolation",
    "row_of",
    "value_of",
    "while_learning",
    "while_trying",
]

VISITED = (1, 2, 4, 8, 50)
_DDPG = DDPGConfig(
    batch_size=256, discount=0.9, actor_learning_rate=1e-3, critic_learning_rate=1e-3, tau=0.01, steps_per_update=4
)
_NOISE = 0.3  # of exploration

Row = dict[str, Any]


def value_of(policy: RingPolicy, ring: Ring, config: RingStudyConfig, *, seed: int) -> float:
    """Return what a policy is worth on the fresh episodes of a seed, the same for all policies."""
    return float(ring.value(policy, config.n_test, rng=stream(seed, "fresh episodes")).mean())


def interpolation(
    logged: LoggedDecisions,
    model: Denoiser,
    config: RingStudyConfig = RingStudyConfig(),
    n_samples: int = 4000,
    *,
    seed: int,
) -> dict[str, float]:
    """Return what lies between two different decisions for the same queues, over the mean of both.

    A decision is valued by what max-weight maximizes, the sum of queue times rate. "noise between" draws from the middle of the
    arc between both starts, "mean of both" is the mean of the two decisions, and "share that differs" says in how many of the
    logged queues the two decisions are different patterns.

    Args:
        logged: Gives the queues.
        model: Draws under the study's guidance.
        config: The study.
        n_samples: Pairs, for the first queues of the log.
        seed: Draws the starts.
    """
    sampling, queue = config.guided(), logged.queue[:n_samples]
    generator, asked = torch_stream(seed, "interpolation"), torch.ones(len(queue), 1)
    one, other = (torch.randn(len(queue), logged.power.shape[1], generator=generator) for _ in range(2))
    first, second, between = (
        snap(sample(model, len(queue), queue, asked, sampling, generator=generator, start=start).double().numpy())
        for start in (one, other, slerp(one, other, 0.5))
    )
    differs = (first != second).any(axis=1)

    def value(power: np.ndarray) -> torch.Tensor:
        worth = (queue.double().numpy() * logged.ring.rate(power)).sum(axis=1)
        return torch.from_numpy(worth[differs]).float()

    ends, mean = (value(first), value(second)), value((first + second) / 2)
    return {
        "noise between": interpolation_quality(value(between), *ends),
        "mean of both": interpolation_quality(mean, *ends),
        "share that differs": float(differs.mean()),
    }


def decision_ms(policy: RingPolicy, ring: Ring, n_decisions: int = 100, *, rng: np.random.Generator) -> float:
    """Return the processor time of one decision for one ring, in milliseconds on this machine.

    Args:
        policy: Decides.
        ring: Says how many queues there are.
        n_decisions: How many are timed, after one that is not.
        rng: Draws queues, and what the policy draws from.

    Raises:
        ValueError: No decision.
    """
    require(n_decisions > 0, "n_decisions", "be above 0", n_decisions, "time one at least")
    queues = rng.integers(ring.config.capacity, size=(n_decisions + 1, 1, ring.config.n_aps)).astype(float)
    policy(queues[-1], rng)
    start_s = time.process_time()
    for queue in queues[:-1]:
        policy(queue, rng)
    return 1000 * (time.process_time() - start_s) / n_decisions


def row_of(study: str, method: str, place: int, value: float, measure: str = "value") -> Row:
    """Return a row of the table, rounded to six digits."""
    return {"study": study, "place": place, "method": method, "measure": measure, "value": six_digits(value)}


def while_learning(study: str, logged: LoggedDecisions, config: RingStudyConfig, *, seed: int) -> Iterator[Row]:
    """Value diffusion before and after shorter trainings, and offline DDPG on its way."""
    start = start_denoiser(logged.power, logged.queue, logged.rank, generator=torch_stream(seed, "start"))
    models = {0: start} | {n: trained_diffusion(logged, config, n, seed=seed) for n in config.checkpoints}
    for n_updates, model in models.items():
        value = value_of(diffusion_policy(model, config.guided()), logged.ring, config, seed=seed)
        yield row_of(study, "diffusion, guidance 3", n_updates, value)
    learner, capacity = ddpg_learner(logged.ring, _DDPG, seed=seed), logged.ring.config.capacity
    values: dict[int, float] = {}

    def look(update: int, loss: float) -> None:
        if update + 1 in (0, *config.checkpoints, config.n_updates):
            values[update + 1] = value_of(actor_policy(learner.actor, capacity), logged.ring, config, seed=seed)

    look(-1, 0.0)
    train_offline(
        learner, logged.buffer, config.n_updates, generator=torch_stream(seed, "offline batches"), on_update=look
    )
    yield from (row_of(study, "DDPG offline", n_updates, value) for n_updates, value in values.items())


def while_trying(study: str, ring: Ring, config: RingStudyConfig, *, seed: int) -> Iterator[Row]:
    """Value DDPG while it learns in the ring itself, by gradient steps and by slots that it has tried."""
    training = replace(_DDPG, n_steps=config.n_online)
    learner, values = ddpg_learner(ring, training, seed=seed), {}
    n_all = (training.n_steps - training.learning_starts) // training.steps_per_update

    def turn(batch: Transitions) -> Transitions:
        parts = (part.double().numpy() for part in (batch.state, batch.action, batch.next_state))
        turns = turned(ring, *parts, rng=turn_rng)
        state, action, next_state = (torch.from_numpy(part).float() for part in turns)
        return replace(batch, state=state, action=action, next_state=next_state)

    def look(slot: int, loss: float) -> None:
        n_updates = (slot - training.learning_starts) // training.steps_per_update + 1
        if n_updates in (0, *config.checkpoints, config.n_updates, 2 * config.n_updates, n_all):
            policy = actor_policy(learner.actor, ring.config.capacity)
            values[n_updates] = (value_of(policy, ring, config, seed=seed), slot + training.steps_per_update)

    turn_rng, n_envs = stream(seed, "online turns"), 8
    look(training.learning_starts - training.steps_per_update, 0.0)
    noise = GaussianNoise(n_envs, ring.config.n_aps, sigma=_NOISE, generator=torch_stream(seed, "exploration"))
    envs = TransformReward(RingEnvs(ring, n_envs), lambda reward: ring.config.capacity * reward)
    generator = torch_stream(seed, "online")
    train_ddpg(learner, envs, noise, generator=generator, augment=turn, on_update=look)
    for n_updates, (value, n_slots) in values.items():
        yield row_of(study, "DDPG online", n_updates, value)
        yield row_of(study, "DDPG online", n_updates, float(n_slots), "slots tried")


def by_visited_steps(
    study: str, logged: LoggedDecisions, model: Denoiser, config: RingStudyConfig, *, seed: int
) -> Iterator[Row]:
    """Value the same model by how many steps its samples visit."""
    for n_visited in VISITED:
        sampling = replace(config.guided(), n_visited=n_visited)
        value = value_of(diffusion_policy(model, sampling), logged.ring, config, seed=seed)
        yield row_of(study, "visited steps", n_visited, value)
