"""The stored comparison on the ring, on fresh seeds: part of what the table `reproduce diffusion` holds.

One task for each seed and kind of logs:

    expert        logs of four poor policies and of an expert in part
    no expert     logs of the four poor policies alone
    two patterns  a ring with a reach of 1, logs with an expert: every other AP may send, so there are two good patterns
    online        DDPG in the ring itself, for 24,000 slots; it has no logs

Rows say the value of a policy on fresh episodes (minus the mean queue, as a share of the capacity), after a number of
gradient steps, which is their place; of "visited steps" the place is how many steps a sample visits. `interpolation` says
what its rows are.

    max-weight                   knows the coupling; "in the twin": the same with the fitted one
    best logged                  the best of the policies in the log
    cloning                      the mean decision: of all logs, or of the best fifth; raw or snapped to on and off
    chances                      the chance of each AP to be on, from the best fifth, snapped
    regression, rank 1           the mean decision, asked for rank 1
    classes                      k-means(16) of the decisions and a classifier: of the best fifth, asked for rank 1, or guided
    every pattern                a class for each pattern that is in the log, under guidance
    DDPG offline, DDPG online    deep deterministic policy gradient; its rewards count packets
    diffusion                    of the best fifth, or of all logs: guidance 0, 1 or 3; untrained at place 0
    diffusion, returns as they are   the same under guidance, but what arrived is not taken out of the returns
    ... best of 8                eight candidates, and the best of them in the fitted twin
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from gymnasium.wrappers.vector import TransformReward

from gdt_tutorial.agents.ddpg import DDPGConfig, GaussianNoise, train_ddpg, train_offline
from gdt_tutorial.agents.replay import Transitions
from gdt_tutorial.gai.denoiser import BOOK, Denoiser
from gdt_tutorial.gai.diffusion import SamplingConfig, sample, start_denoiser, train_denoiser
from gdt_tutorial.gai.interpolation import interpolation_quality, slerp
from gdt_tutorial.gai.supervised_decisions import train_classes, train_cloning, train_switches
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.recipes.ring_decisions import (
    LoggedDecisions,
    RingStudyConfig,
    actor_policy,
    best_of,
    class_policy,
    ddpg_learner,
    diffusion_policy,
    logged_decisions,
    logged_policies,
    network_policy,
    random_policy,
    trained_diffusion,
)
from gdt_tutorial.worlds.ring import Ring, RingConfig, RingPolicy, snap
from gdt_tutorial.worlds.ring_envs import RingEnvs
from gdt_tutorial.worlds.ring_logs import turned

__all__ = ["KINDS", "TWO_PATTERNS", "VISITED", "interpolation", "ring_rows", "value_of"]

KINDS = ("expert", "no expert", "two patterns", "online")
VISITED = (1, 2, 4, 8, 50)
TWO_PATTERNS = RingConfig(reach=1, arrival_probability=0.375)
_DDPG = DDPGConfig(
    batch_size=256, discount=0.9, actor_learning_rate=1e-3, critic_learning_rate=1e-3, tau=0.01, steps_per_update=4
)
_NOISE = 0.3  # of exploration

Row = dict[str, Any]


def ring_rows(kind: str, config: RingStudyConfig = RingStudyConfig(), *, seed: int) -> Iterator[Row]:
    """Give the rows of one task.

    Args:
        kind: One of `KINDS`.
        config: The ring is another one with two patterns.
        seed: Of logs, trainings and fresh episodes.
    """
    if kind == "online":
        for name, ring in (("expert", config.ring), ("two patterns", TWO_PATTERNS)):
            yield from _online(name, Ring(ring), config, seed=seed)
        return
    if kind == "two patterns":
        config = replace(config, ring=TWO_PATTERNS)
    logged = logged_decisions(kind != "no expert", config, seed=seed)
    model = trained_diffusion(logged, config, seed=seed)
    policies = _rules(logged, kind != "no expert", config, seed=seed) | _main(logged, model, config, seed=seed)
    if kind != "two patterns":
        policies |= _controls(logged, model, config, seed=seed)
        policies |= _best_of_candidates(logged, policies, config)
    for name, policy in policies.items():
        yield _row(kind, name, config.n_updates, value_of(policy, logged.ring, config, seed=seed))
    if kind != "two patterns":
        yield from _while_learning(kind, logged, config, seed=seed)
        yield from _visited(kind, logged, model, config, seed=seed)
        for name, quality in interpolation(logged, model, config, seed=seed).items():
            yield _row(kind, name, config.n_updates, quality, "interpolation")


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
        n_samples: Pairs.
        seed: Draws the starts.
    """
    sampling, queue = replace(config.sampling, guidance=config.guidance), logged.queue[:n_samples]
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


def _row(study: str, method: str, place: int, value: float, measure: str = "value") -> Row:
    return {"study": study, "place": place, "method": method, "measure": measure, "value": float(f"{value:.6g}")}


def _guided(config: RingStudyConfig) -> SamplingConfig:
    return replace(config.sampling, guidance=config.guidance)


# --- policies


def _rules(logged: LoggedDecisions, with_expert: bool, config: RingStudyConfig, *, seed: int) -> dict[str, RingPolicy]:
    """Return what does not learn, and the best of the policies in the log."""
    known = logged_policies(logged.ring, with_expert)
    best = max(known, key=lambda name: value_of(known[name], logged.ring, config, seed=seed))
    return {
        "max-weight": logged.ring.max_weight,
        "max-weight in the twin": logged.twin.max_weight,
        "best logged": known[best],
        "random": random_policy,
    }


def _main(logged: LoggedDecisions, model: Denoiser, config: RingStudyConfig, *, seed: int) -> dict[str, RingPolicy]:
    """Return what is compared on every ring: diffusion under guidance, the clone and the classes of the best fifth."""
    best, training = logged.best(config.best_share), config.supervised()
    power, queue = logged.power[best], logged.queue[best]
    clone = train_cloning(power, queue, None, training, generator=torch_stream(seed, "clone of the best"))
    classes = train_classes(power, queue, None, config.n_classes, training, generator=torch_stream(seed, "classes"))
    return {
        "diffusion, guidance 3": diffusion_policy(model, _guided(config)),
        "cloning, best fifth": network_policy(clone),
        "cloning, best fifth, raw": network_policy(clone, is_snapped=False),
        "classes, best fifth": class_policy(classes),
    }


def _controls(logged: LoggedDecisions, model: Denoiser, config: RingStudyConfig, *, seed: int) -> dict[str, RingPolicy]:
    """Return the other ways to learn from the same logs, and the other ways to draw from the same model."""
    power, queue, rank, best = logged.power, logged.queue, logged.rank, logged.best(config.best_share)
    training, denoising = config.supervised(), replace(BOOK, n_updates=config.n_updates)
    names = ("clone", "chances", "asked", "all classes", "every pattern", "filtered", "blind")
    draw = {name: torch_stream(seed, name) for name in names}
    clone = train_cloning(power, queue, None, training, generator=draw["clone"])
    chances = train_switches(power[best], queue[best], None, training, generator=draw["chances"])
    asked = train_cloning(power, queue, rank, training, generator=draw["asked"])
    classes = train_classes(power, queue, rank, config.n_classes, training, generator=draw["all classes"])
    n_patterns = len(power.unique(dim=0))
    every = train_classes(power, queue, rank, n_patterns, training, generator=draw["every pattern"])
    filtered = train_denoiser(power[best], queue[best], None, denoising, generator=draw["filtered"])
    blind = train_denoiser(power, queue, logged.blind_rank, denoising, generator=draw["blind"])
    return {
        "cloning, all logs": network_policy(clone),
        "chances, best fifth": network_policy(chances, has_chances=True),
        "regression, rank 1": network_policy(asked),
        "classes, rank 1": class_policy(classes),
        "classes, guidance 3": class_policy(classes, config.guidance),
        "every pattern, guidance 3": class_policy(every, config.guidance),
        "every pattern, rank 1": class_policy(every),
        "diffusion, best fifth": diffusion_policy(filtered, config.sampling),
        "diffusion, guidance 0": diffusion_policy(model, config.sampling, rank=None),
        "diffusion, guidance 1": diffusion_policy(model, config.sampling),
        "diffusion, guidance 3, raw": diffusion_policy(model, _guided(config), is_snapped=False),
        "diffusion, returns as they are": diffusion_policy(blind, _guided(config)),
        "candidates of classes": class_policy(classes, config.guidance, is_drawn=True),
    }


def _best_of_candidates(
    logged: LoggedDecisions, policies: dict[str, RingPolicy], config: RingStudyConfig
) -> dict[str, RingPolicy]:
    """Return the makers whose candidates are compared in the fitted twin, where the classes go on after each of them."""
    then = policies["classes, guidance 3"]
    makers = {
        "diffusion, best of 8": "diffusion, guidance 3",
        "classes, best of 8": "candidates of classes",
        "random, best of 8": "random",
    }
    n_candidates, twin = config.n_candidates, logged.twin
    return {name: best_of(policies[maker], n_candidates, twin, then) for name, maker in makers.items()}


# --- curves


def _while_learning(study: str, logged: LoggedDecisions, config: RingStudyConfig, *, seed: int) -> Iterator[Row]:
    """Value diffusion before and after shorter trainings, and offline DDPG on its way."""
    start = start_denoiser(logged.power, logged.queue, logged.rank, generator=torch_stream(seed, "start"))
    models = {0: start} | {n: trained_diffusion(logged, config, n, seed=seed) for n in config.checkpoints}
    for n_updates, model in models.items():
        value = value_of(diffusion_policy(model, _guided(config)), logged.ring, config, seed=seed)
        yield _row(study, "diffusion, guidance 3", n_updates, value)
    learner, capacity = ddpg_learner(logged.ring, _DDPG, seed=seed), logged.ring.config.capacity
    values: dict[int, float] = {}

    def look(update: int, loss: float) -> None:
        if update + 1 in (0, *config.checkpoints, config.n_updates):
            values[update + 1] = value_of(actor_policy(learner.actor, capacity), logged.ring, config, seed=seed)

    look(-1, 0.0)
    train_offline(
        learner, logged.buffer, config.n_updates, generator=torch_stream(seed, "offline batches"), on_update=look
    )
    yield from (_row(study, "DDPG offline", n_updates, value) for n_updates, value in values.items())


def _online(study: str, ring: Ring, config: RingStudyConfig, *, seed: int) -> Iterator[Row]:
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
        yield _row(study, "DDPG online", n_updates, value)
        yield _row(study, "DDPG online", n_updates, n_slots, "slots tried")


def _visited(
    study: str, logged: LoggedDecisions, model: Denoiser, config: RingStudyConfig, *, seed: int
) -> Iterator[Row]:
    """Value the same model by how many steps its samples visit."""
    for n_visited in VISITED:
        sampling = replace(_guided(config), n_visited=n_visited)
        value = value_of(diffusion_policy(model, sampling), logged.ring, config, seed=seed)
        yield _row(study, "visited steps", n_visited, value)
