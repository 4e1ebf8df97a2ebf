"""Tailored service: some users weigh latency, others quality, and the twin estimates which from what they do.

"Due to the diversity of users' service demands, such as some users prioritizing service latency and others focusing on the
quality of transmitted content, DT can analyze their differences in service requirements to make tailored resource management"
(the paper, Digital Twin, Benefits). It names no method. Here each user has one of two tastes, which scale two parts of its
quality of experience (QoE):

    QoE = (quality_factor quality - variation - stall_factor stall_weight stall) / slot

The twin is not told the tastes. It sees *gestures*: after a slot with a stall, or with less quality than `sharp` for each
watched second, a user may complain, and who weighs what went wrong does so more often. Each slot in which something went wrong
adds to the log odds that a user weighs latency

    log P(complained or not | latency) - log P(complained or not | quality)

and the weights that enter the features (`GroupAbstractor`) are the expected factors. That is naive Bayes.

What is declared: the two tastes, and how often users complain; the twin knows these rates. A gesture changes nothing else: the
swipes of this network do not react to it. A segment that a group shares is weighed by the sum over its members, and an access
point sends one version to all its groups, so a user gets no quality of its own.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from gdt_tutorial import seeding
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.loops.recipes.carried_out import greedy_network
from gdt_tutorial.physical.messages import Service
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.playback import QoeConfig
from gdt_tutorial.twin.abstraction.groups import DemandWeights
from gdt_tutorial.twin.observation import Observation

__all__ = ["SCHEMES", "Served", "TailoredConfig", "Tastes", "run_tailored"]


@configclass
class TailoredConfig:
    """Two tastes, how often they complain, and the campuses."""

    strong: float = parameter(1.8, "Factor of what a user weighs more.", "chosen", at_least=1, below=2)
    sharp: float = parameter(1.2, "Quality of a watched second below which it is low.", "chosen: the second version")
    if_weighed: float = parameter(0.3, "Chance to complain of what one weighs more.", "chosen", above=0, below=1)
    if_not: float = parameter(0.1, "Chance to complain of the other.", "chosen", above=0, below=1)
    n_campuses: int = parameter(12, "Campuses side by side.", "chosen", above=1)
    n_users: int = parameter(30, "Users of a campus.", "chosen", above=0)
    n_slots: int = parameter(60, "Slots of a run.", "chosen", above=1)
    n_first: int = parameter(20, "Slots that do not count: the twin learns the tastes.", "chosen", at_least=0)
    period_slots: int = parameter(4, "Slots between two reports of a user.", "chosen", above=0)

    def __post_init__(self) -> None:
        rule = f"be above n_first = {self.n_first}"
        require(self.n_slots > self.n_first, "n_slots", rule, self.n_slots, "let some slots count")

    @property
    def weak(self) -> float:
        """Return the factor of the other half: the mean user is the book's."""
        return 2 - self.strong


class Tastes:
    """Who weighs latency, as far as gestures tell (a `Weigh`; state of one run).

    Attributes:
        log_odds: Of "weighs latency", user by user; 0 knows nothing.
    """

    def __init__(self, n_batch: int, n_users: int, n_types: int, config: TailoredConfig = TailoredConfig()) -> None:
        self.config, self._n_types = config, n_types
        self.log_odds = np.zeros((n_batch, n_users))

    @property
    def probability(self) -> Float[np.ndarray, "batch user"]:
        """Return the probability that a user weighs latency."""
        return 1 / (1 + np.exp(-self.log_odds))

    def learn(
        self,
        stalled: Bool[np.ndarray, "batch user"],
        blurred: Bool[np.ndarray, "batch user"],
        complained: Bool[np.ndarray, "batch user 2"],
    ) -> None:
        """Take in a slot: what went wrong, and who complained of the stall and of the blur."""
        high, low = self.config.if_weighed, self.config.if_not
        loud, silent = float(np.log(high / low)), float(np.log((1 - high) / (1 - low)))
        tells = silent + (loud - silent) * complained
        self.log_odds += stalled * tells[..., 0] - blurred * tells[..., 1]

    def __call__(self, seen: Observation) -> DemandWeights:
        """Return the expected factors."""
        return self.weights(self.probability)

    def weights(self, latency: Float[np.ndarray, "batch user"]) -> DemandWeights:
        """Return the factors, with the probabilities that users weigh latency."""
        strong, weak = self.config.strong, self.config.weak
        urgent, value = (weak + (strong - weak) * each for each in (latency, 1 - latency))
        return DemandWeights(*(np.repeat(each[..., None], self._n_types, axis=-1) for each in (value, urgent)))


SCHEMES = ("alike", "estimated", "known", "swapped")
"""Nobody is weighed, by gestures, by the true tastes, and by the wrong ones."""


class Served(NamedTuple):
    """What users of one scheme got, campus by campus; first those who weigh latency, then the others.

    Attributes:
        qoe: By their own weights, per second.
        stall: Seconds of stall in a minute.
        quality: Of a watched second.
        right: Share of users whose taste the twin knows at the end.
    """

    qoe: Float[np.ndarray, "2 campus"]
    stall: Float[np.ndarray, "2 campus"]
    quality: Float[np.ndarray, "2 campus"]
    right: Float[np.ndarray, " campus"]


def run_tailored(scheme: str, config: TailoredConfig = TailoredConfig(), *, seed: int) -> Served:
    """Run the campuses of a seed under the greedy maker, which weighs users as the scheme says.

    Args:
        scheme: One of `SCHEMES`.
        config: Tastes and campuses.
        seed: Of walks, channels, swipes, tastes and gestures: schemes are paired.

    Raises:
        ValueError: Another scheme.
    """
    require(scheme in SCHEMES, "scheme", f"be one of {sorted(SCHEMES)}", scheme, "see SCHEMES")
    network = PhysicalNetwork.waterloo(config.n_campuses, NetworkConfig(n_users=config.n_users), seed=seed)
    shape = (config.n_campuses, config.n_users)
    is_latency = seeding.stream(seed, "tastes").random(shape) < 0.5
    tastes = Tastes(*shape, network.catalog.n_types, config)
    told = {"known": is_latency, "swapped": ~is_latency}
    weigh = {"alike": None, "estimated": tastes}.get(scheme, lambda seen: tastes.weights(told[scheme].astype(float)))
    gdt = greedy_network(network, weigh, config.period_slots)
    services: list[Service] = []

    def on_slot(slot: int) -> None:
        service = gdt.telemetry.service
        services.append(service)
        chance = seeding.stream(seed, "gestures", slot).random((*shape, 2))
        tastes.learn(*_gestures(service, is_latency, chance, config))

    gdt.run(config.n_slots, on_slot)
    right = ((tastes.log_odds > 0) == is_latency).mean(axis=1)
    return _served(services[config.n_first :], is_latency, right, config, network.config.slot_s)


def _gestures(
    service: Service,
    is_latency: Bool[np.ndarray, "batch user"],
    chance: Float[np.ndarray, "batch user 2"],
    config: TailoredConfig,
) -> tuple[Bool[np.ndarray, "batch user"], Bool[np.ndarray, "batch user"], Bool[np.ndarray, "batch user 2"]]:
    """Return what went wrong, and who complains of it: of a stall, of a blur."""
    stalled = service.stall_s > 0
    blurred = (service.watched_s > 0) & (service.quality < config.sharp * service.watched_s)
    weighed = np.stack([is_latency, ~is_latency], axis=-1)
    would = chance < np.where(weighed, config.if_weighed, config.if_not)
    return stalled, blurred, would & np.stack([stalled, blurred], axis=-1)


def _served(
    services: Sequence[Service],
    is_latency: Bool[np.ndarray, "batch user"],
    right: Float[np.ndarray, " campus"],
    config: TailoredConfig,
    slot_s: float,
) -> Served:
    quality, variation, stall, watched = (
        np.stack([getattr(each, name) for each in services]).sum(axis=0)
        for name in ("quality", "variation", "stall_s", "watched_s")
    )
    own_quality = np.where(is_latency, config.weak, config.strong) * quality
    own_stall = np.where(is_latency, config.strong, config.weak) * QoeConfig().stall_weight * stall
    seconds = len(services) * slot_s

    def of(values: np.ndarray, per: np.ndarray | float) -> Float[np.ndarray, "2 campus"]:
        per_user = np.broadcast_to(per, values.shape)
        kinds = (is_latency, ~is_latency)
        return np.stack([(values * who).sum(axis=1) / np.maximum((per_user * who).sum(axis=1), 1e-9) for who in kinds])

    qoe = of(own_quality - variation - own_stall, seconds)
    return Served(qoe, of(60 * stall, seconds), of(quality, watched), right)
