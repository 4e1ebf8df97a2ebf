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

from gdt_tutorial.gai.denoiser import BOOK, Denoiser
from gdt_tutorial.gai.diffusion import train_denoiser
from gdt_tutorial.gai.supervised_decisions import train_classes, train_cloning, train_switches
from gdt_tutorial.seeding import torch_stream
from gdt_tutorial.twin.recipes.ring_curves import (
    Row,
    by_visited_steps,
    interpolation,
    row_of,
    value_of,
    while_learning,
    while_trying,
)
from gdt_tutorial.twin.recipes.ring_decisions import (
    LoggedDecisions,
    RingStudyConfig,
    best_of,
    class_policy,
    diffusion_policy,
    logged_decisions,
    logged_policies,
    network_policy,
    random_policy,
    trained_diffusion,
)
from gdt_tutorial.worlds.ring import Ring, RingConfig, RingPolicy

__all__ = ["KINDS", "TWO_PATTERNS", "ring_rows"]

KINDS = ("expert", "no expert", "two patterns", "online")
TWO_PATTERNS = RingConfig(reach=1, arrival_probability=0.375)


def ring_rows(kind: str, config: RingStudyConfig = RingStudyConfig(), *, seed: int) -> Iterator[Row]:
    """Give the rows of one task.

    Args:
        kind: One of `KINDS`.
        config: The ring is another one with two patterns.
        seed: Of logs, trainings and fresh episodes.
    """
    if kind == "online":
        for name, ring in (("expert", config.ring), ("two patterns", TWO_PATTERNS)):
            yield from while_trying(name, Ring(ring), config, seed=seed)
        return
    if kind == "two patterns":
        config = replace(config, ring=replace(TWO_PATTERNS, n_slots=config.ring.n_slots))
    logged = logged_decisions(kind != "no expert", config, seed=seed)
    model = trained_diffusion(logged, config, seed=seed)
    policies = _rules(logged, kind != "no expert", config, seed=seed) | _main(logged, model, config, seed=seed)
    if kind != "two patterns":
        policies |= _controls(logged, model, config, seed=seed)
        policies |= _best_of_candidates(logged, policies, config)
    for name, policy in policies.items():
        yield row_of(kind, name, config.n_updates, value_of(policy, logged.ring, config, seed=seed))
    if kind != "two patterns":
        yield from while_learning(kind, logged, config, seed=seed)
        yield from by_visited_steps(kind, logged, model, config, seed=seed)
        for name, quality in interpolation(logged, model, config, seed=seed).items():
            yield row_of(kind, name, config.n_updates, quality, "interpolation")


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
        "diffusion, guidance 3": diffusion_policy(model, config.guided()),
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
        "diffusion, guidance 3, raw": diffusion_policy(model, config.guided(), is_snapped=False),
        "diffusion, returns as they are": diffusion_policy(blind, config.guided()),
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
