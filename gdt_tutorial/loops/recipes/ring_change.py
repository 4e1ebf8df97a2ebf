"""The internal loop on a ring whose coupling widens in mid-run: who decides best before and after, on the same arrivals.

For half of the run an AP is hurt by its two neighbors, then by those two places away as well. The logs that the GAI learned
from hold both times, and nobody tells it which time it is; or the second time alone (`RingChangeConfig.logged`).

    model                   max-weight with the coupling of the first half, for ever
    GAI                     diffusion, eight candidates, the best of them in the twin
    random                  eight patterns at random, the best of them in the twin
    recalibrated model      max-weight with the coupling that the twin believes
    loop                    model and GAI, the better one in the twin is carried out
    loop with trust         the same under the rule of trust, with the GAI as the safe maker
    loop, random            model and random
    loop, textbook twin     model and GAI in a twin that is never calibrated
    oracle                  max-weight that knows the coupling

The twin is calibrated from the last slots (`worlds.ring_calibration`), the textbook one never. All rings of a seed share one
twin: logs have no noise, so one ring would tell the same. After a candidate the classes decide in the twin, whoever drew it.

`run_upside_down` is the loop of two makers in a twin that gives each the score of the other: it is wrong on purpose. The safe
maker is max-weight with the true coupling, so that all of the loss is the twin's; the other one sends at random.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float

from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.gai.denoiser import BOOK, Denoiser
from gdt_tutorial.gai.diffusion import train_denoiser
from gdt_tutorial.gai.supervised_decisions import DecisionClasses, train_classes
from gdt_tutorial.loops.internal import InternalConfig, InternalLoop
from gdt_tutorial.loops.recipes.validators import Audited, UpsideDown
from gdt_tutorial.loops.ring_loop import PolicyMaker, RingSeen, RingTwin
from gdt_tutorial.loops.trust import Trust, TrustConfig
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.recipes.ring_decisions import (
    RingStudyConfig,
    best_of,
    class_policy,
    diffusion_policy,
    logged_decisions,
    random_policy,
)
from gdt_tutorial.worlds.ring import Ring, RingConfig, RingPolicy
from gdt_tutorial.worlds.ring_calibration import RingCalibration

__all__ = [
    "RingChangeConfig",
    "RingModels",
    "RingRun",
    "RingScheme",
    "ring_models",
    "ring_schemes",
    "run_ring",
    "run_upside_down",
]


@configclass
class RingChangeConfig:
    """Two times of a ring, and how the loop runs on it."""

    before: RingConfig = parameter(RingConfig(reach=1), "The first half.", "chosen")
    after: RingConfig = parameter(RingConfig(reach=2), "The second half.", "chosen")
    n_slots: int = parameter(120, "Slots of a run; the coupling widens at half.", "chosen", above=1)
    n_rings: int = parameter(16, "Rings side by side.", "chosen", above=0)
    internal: InternalConfig = parameter(
        InternalConfig(period_slots=4, memory=0.5), "How the twin validates.", "memory chosen on other seeds"
    )
    logged: tuple[RingConfig, ...] = parameter(
        (RingConfig(reach=1), RingConfig(reach=2)), "Whose logs the GAI learns from.", "chosen: both times"
    )
    trust: TrustConfig = parameter(TrustConfig(tolerance=0.02), "The rule of trust.", "chosen on other seeds")
    learning: RingStudyConfig = parameter(RingStudyConfig(n_logged=20), "How the GAI learns.", "as in chapter 07")


@dataclass(frozen=True)
class RingModels:
    """What was learned from the logs of both times."""

    denoiser: Denoiser
    classes: DecisionClasses
    config: RingChangeConfig

    def candidates(self, draw: RingPolicy | None, twin: RingTwin) -> RingPolicy:
        """Return the maker that keeps the best of eight candidates in the twin as it then is; None draws by diffusion."""
        learning = self.config.learning
        source = diffusion_policy(self.denoiser, learning.guided()) if draw is None else draw
        then = class_policy(self.classes, learning.guidance)
        return lambda queue, rng: best_of(source, learning.n_candidates, twin.ring, then)(queue, rng)


@dataclass
class RingRun:
    """What came, and what the makers' decisions were truly worth at each validation.

    Attributes:
        queue: Mean over the APs after each slot, as a share of the capacity.
        true_value: Of each maker's decision over the coming slots, on the true ring: for evaluation alone.
        carried: Whose decision was carried out, by the number of the maker.
        n_fits: How often the twin was fitted.
    """

    queue: Float[np.ndarray, "slot batch"]
    true_value: list[Float[np.ndarray, "candidate batch"]] = field(default_factory=list)
    carried: list[np.ndarray] = field(default_factory=list)
    n_fits: int = 0

    def regret(self) -> tuple[float, float]:
        """Return the mean regret of the choices, and the mean distance of the best from the worst maker."""
        value, carried = np.stack(self.true_value), np.stack(self.carried)
        got = np.take_along_axis(value, carried[:, None], axis=1)[:, 0]
        return float((value.max(axis=1) - got).mean()), float((value.max(axis=1) - value.min(axis=1)).mean())


def ring_models(config: RingChangeConfig = RingChangeConfig(), *, seed: int) -> RingModels:
    """Learn from logs of both times together."""
    learning = config.learning
    logs = [logged_decisions(True, replace(learning, ring=ring), seed=seed) for ring in config.logged]
    power, queue, rank = (torch.cat([getattr(log, name) for log in logs]) for name in ("power", "queue", "rank"))
    diffusing = replace(BOOK, n_updates=learning.n_updates)
    denoiser = train_denoiser(power, queue, rank, diffusing, generator=torch_stream(seed, "diffusion"))
    supervised, generator = learning.supervised(), torch_stream(seed, "classes")
    classes = train_classes(power, queue, rank, learning.n_classes, supervised, generator=generator)
    return RingModels(denoiser, classes, config)


@dataclass(frozen=True)
class RingScheme:
    """Makers by name, the twin in which they are validated, and whether that is calibrated in mid-run.

    `safe` is the number of the maker that decides where the twin is not trusted; None trusts it always.
    """

    makers: Mapping[str, RingPolicy]
    twin: RingTwin
    is_calibrated: bool = True
    safe: int | None = None


def ring_schemes(models: RingModels) -> dict[str, RingScheme]:
    """Return the schemes by name, each with a twin of its own; the oracle is none of them."""
    first = Ring(models.config.before)

    def scheme(*names: str, is_calibrated: bool = True, safe: int | None = None) -> RingScheme:
        twin = RingTwin(first)
        makers: dict[str, RingPolicy] = {
            "model": first.max_weight,
            "GAI": models.candidates(None, twin),
            "random": models.candidates(random_policy, twin),
            "recalibrated model": lambda queue, rng: twin.ring.max_weight(queue),
        }
        return RingScheme({name: makers[name] for name in names}, twin, is_calibrated, safe)

    return {
        "model": scheme("model"),
        "GAI": scheme("GAI"),
        "random": scheme("random"),
        "recalibrated model": scheme("recalibrated model"),
        "loop": scheme("model", "GAI"),
        "loop with trust": scheme("model", "GAI", safe=1),
        "loop, random": scheme("model", "random"),
        "loop, textbook twin": scheme("model", "GAI", is_calibrated=False),
    }


def run_ring(
    scheme: RingScheme | None, config: RingChangeConfig = RingChangeConfig(), *, is_audited: bool = False, seed: int
) -> RingRun:
    """Let a scheme decide for both halves of a run.

    Args:
        scheme: One of `ring_schemes`, fresh; None is the oracle, which knows the coupling.
        config: The two times.
        is_audited: Whether all decisions of a validation are tried on the true ring too, for evaluation.
        seed: Of arrivals, of futures in the twin and of what makers draw.
    """
    if scheme is None:
        return RingRun(_play(config, lambda slot, queue, ring: ring.max_weight(queue), seed=seed))
    twin, audited = scheme.twin, Audited(scheme.twin)
    makers = {name: PolicyMaker(policy) for name, policy in scheme.makers.items()}
    trust = None if scheme.safe is None else Trust(scheme.safe, config.trust)
    loop = InternalLoop(twin, makers, audited, config.internal, trust=trust, rng=stream(seed, "validation"))
    calibration = RingCalibration(twin.ring)

    def decide(slot: int, queue: np.ndarray, ring: Ring) -> np.ndarray:
        if scheme.is_calibrated and slot % config.internal.period_slots == 0:
            twin.ring = calibration.refit(rng=stream(seed, "fit", slot))
        if slot:
            loop.note(-queue.mean(axis=1) / ring.config.capacity)
        if is_audited:
            audited.truth = RingTwin(ring)
        return loop.decide(RingSeen(slot, queue))

    queue = _play(config, decide, calibration, seed=seed)
    carried = [verdict.chosen for verdict in loop.verdicts if verdict.expected_qoe]
    return RingRun(queue, audited.true_value, carried, calibration.n_fits)


def run_upside_down(
    has_trust: bool, config: RingChangeConfig = RingChangeConfig(), *, seed: int
) -> Float[np.ndarray, "slot batch"]:
    """Run the loop of two makers in a twin that is wrong on purpose; return the queues.

    Args:
        has_trust: Whether verdicts are held against what came.
        config: Its first half, all the time.
        seed: As in `run_ring`.
    """
    still, first = replace(config, after=config.before), Ring(config.before)
    makers = {"safe": PolicyMaker(first.max_weight), "other": PolicyMaker(random_policy)}
    twin, trust = RingTwin(first), Trust(0, config.trust) if has_trust else None
    loop = InternalLoop(twin, makers, UpsideDown(twin), config.internal, trust=trust, rng=stream(seed, "validation"))

    def decide(slot: int, queue: np.ndarray, ring: Ring) -> np.ndarray:
        if slot:
            loop.note(-queue.mean(axis=1) / ring.config.capacity)
        return loop.decide(RingSeen(slot, queue))

    return _play(still, decide, seed=seed)


def _play(
    config: RingChangeConfig,
    decide: Callable[[int, np.ndarray, Ring], np.ndarray],
    calibration: RingCalibration | None = None,
    *,
    seed: int,
) -> Float[np.ndarray, "slot batch"]:
    """Play both halves from empty queues; return the mean queues of the APs as shares of the capacity."""
    halves, rng = [Ring(config.before), Ring(config.after)], stream(seed, "arrivals")
    queue = np.zeros((config.n_rings, config.before.n_aps))
    left = []
    for slot in range(config.n_slots):
        ring, met = halves[2 * slot // config.n_slots], queue
        power, arrival = decide(slot, met, ring), ring.arrivals((config.n_rings,), rng=rng)
        queue = ring.next_queue(met, power, arrival)
        if calibration is not None:
            calibration.note(met, power, arrival, queue)
        left.append(queue.mean(axis=1) / ring.config.capacity)
    return np.stack(left)
