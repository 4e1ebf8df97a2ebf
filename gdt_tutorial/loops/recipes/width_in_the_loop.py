"""Does a maker that reads how sure the twin is decide better? Makers on the same campuses, paired.

    mean       greedy on the rate of the worst member at the status of now
    coming     greedy on the rate at the mean of the coming slot, in which the decision acts
    expected   greedy on the expected rate of the coming slot, in closed form from the emulator's own spread: the plain rule
    rate       `mean`, corrected by a network that reads this rate and the number of members alone
    code       the same, which reads the code beside these
    width      the same, which reads the code and its width
    same width the maker `width`, to whom every SMG of a campus is shown with their mean width
    expected and width   as `width`, but it starts from `expected`

Untrained, a correction is the maker that it starts from. All learn from campuses of other seeds, managed by that maker. Two
things are scored: the rate that is expected of an SMG against the one that it has in the coming slot, and the quality of
experience (QoE) of the users. The true rates are for training and evaluation: the twin does not see them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from gdt_tutorial import seeding
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.gai.vae import VariationalAutoencoder
from gdt_tutorial.loops.external import every
from gdt_tutorial.loops.manager import GdtNetwork, group_abstractor, schedule_model
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.streaming import worst_member_efficiency
from gdt_tutorial.twin.abstraction.expected_worst import ComingMean, ExpectedWorst
from gdt_tutorial.twin.abstraction.features import FeatureAbstractor, Features
from gdt_tutorial.twin.abstraction.latent import LatentAbstractor
from gdt_tutorial.twin.decision.corrected_greedy import (
    CorrectedGreedy,
    CorrectionConfig,
    CorrectionNetwork,
    Reader,
    read_code,
    read_code_and_width,
    read_rate,
    train_correction,
)
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.emulation.emulator import StatusEmulator
from gdt_tutorial.twin.observation import Observation
from gdt_tutorial.twin.swipe_model import SwipeModel

__all__ = [
    "SCHEMES",
    "LoopConfig",
    "RateErrors",
    "SameWidth",
    "Scheme",
    "Slots",
    "TwinParts",
    "WidthStudy",
    "rate_errors",
    "study",
    "train_corrections",
]


@configclass
class LoopConfig:
    """Campuses on which makers are trained and compared."""

    n_users: int = parameter(60, "Users of a campus.", "chosen", above=0)
    period_slots: int = parameter(8, "Slots between two reports of a user.", "chosen", above=0)
    n_slots: int = parameter(32, "Slots of a run.", "chosen", above=0)
    n_first: int = parameter(8, "Slots that do not count: everybody has just reported.", "chosen", at_least=0)
    n_train: int = parameter(12, "Campuses that corrections learn from.", "chosen", above=0)
    n_test: int = parameter(12, "Campuses on which makers are compared.", "chosen", above=1)

    def __post_init__(self) -> None:
        rule = f"be above n_first = {self.n_first}"
        require(self.n_slots > self.n_first, "n_slots", rule, self.n_slots, "let some slots count")


class TwinParts(NamedTuple):
    """What all twins of a study have in common."""

    emulator: StatusEmulator
    vae: VariationalAutoencoder


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """One maker: the scheme whose rates it starts from, what its correction reads, and whether widths are hidden from it."""

    start: str = "mean"
    read: Reader | None = None
    correction: str | None = None  # the scheme whose correction it has
    hides_width: bool = False


SCHEMES: Mapping[str, Scheme] = {
    "mean": Scheme(),
    "coming": Scheme(start="coming"),
    "expected": Scheme(start="expected"),
    "rate": Scheme(read=read_rate, correction="rate"),
    "code": Scheme(read=read_code, correction="code"),
    "width": Scheme(read=read_code_and_width, correction="width"),
    "same width": Scheme(read=read_code_and_width, correction="width", hides_width=True),
    "expected and rate": Scheme(start="expected", read=read_rate, correction="expected and rate"),
    "expected and width": Scheme(start="expected", read=read_code_and_width, correction="expected and width"),
}


class Slots(NamedTuple):
    """What a maker saw, what it expected, and the rate that each SMG then had, slot by slot."""

    features: list[Features]
    expected: list[Float[np.ndarray, "batch subgroup"]]
    true: list[Float[np.ndarray, "batch subgroup"]]


class RateErrors(NamedTuple):
    """Of the rates that a maker expects, in bit/s/Hz, against those of the coming slot."""

    bias: Float[np.ndarray, " campus"]
    rmse: Float[np.ndarray, " campus"]


@dataclass(frozen=True, kw_only=True)
class WidthStudy:
    """QoE of every maker on the same campuses, and how wrong its rates are."""

    qoe: dict[str, Float[np.ndarray, " campus"]]
    errors: dict[str, RateErrors]


class SameWidth:
    """Shows all groups of an environment with the mean of their widths (a `FeatureAbstractor`)."""

    def __init__(self, abstractor: FeatureAbstractor) -> None:
        self.abstractor = abstractor

    def abstract(self, seen: Observation) -> Features:
        """Abstract, and level the widths of the groups that can be reached."""
        features = self.abstractor.abstract(seen)
        counts = (features.efficiency > 0)[..., None]
        mean = (features.latent_std * counts).sum(axis=1, keepdims=True) / np.maximum(
            counts.sum(axis=1, keepdims=True), 1
        )
        return replace(features, latent_std=np.where(counts, mean, features.latent_std))


def train_corrections(
    parts: TwinParts,
    config: LoopConfig = LoopConfig(),
    correction: CorrectionConfig = CorrectionConfig(),
    names: Sequence[str] = ("rate", "code", "width", "expected and rate", "expected and width"),
    *,
    seed: int,
) -> dict[str, CorrectionNetwork]:
    """Record the makers that corrections start from on campuses of `seed`, and fit the corrections of these schemes."""
    starts = sorted({SCHEMES[name].start for name in names})
    recorded = {start: _run(_campuses(config, config.n_train, seed), parts, config, start, {})[0] for start in starts}
    networks = {}
    for name in names:
        scheme, generator = SCHEMES[name], seeding.torch_stream(seed, "correction")
        assert scheme.read is not None
        rows = _rows(recorded[scheme.start], scheme.read)
        networks[name] = train_correction(*rows, correction, generator=generator)[0]
    return networks


def study(
    parts: TwinParts,
    corrections: Mapping[str, CorrectionNetwork],
    config: LoopConfig = LoopConfig(),
    names: Sequence[str] = tuple(SCHEMES),
    *,
    seed: int,
) -> WidthStudy:
    """Let makers manage the same campuses of `seed`.

    Raises:
        ValueError: A scheme that there is not, or one whose correction is missing.
    """
    for name in names:
        require(name in SCHEMES, "names", f"be among {sorted(SCHEMES)}", name, "see SCHEMES")
        needed = SCHEMES[name].correction
        is_there = needed is None or needed in corrections
        require(is_there, "corrections", f"hold that of {needed!r}", sorted(corrections), "train it first")
    runs = {name: _run(_campuses(config, config.n_test, seed), parts, config, name, corrections) for name in names}
    return WidthStudy(
        qoe={name: qoe for name, (_, qoe) in runs.items()},
        errors={name: rate_errors(slots) for name, (slots, _) in runs.items()},
    )


def rate_errors(slots: Slots) -> RateErrors:
    """Compare the expected rates with the true ones, campus by campus, over groups that were thought to be in reach."""
    believed, true = np.stack(slots.expected), np.stack(slots.true)
    is_counted = believed > 0
    error, count = np.where(is_counted, believed - true, 0.0), is_counted.sum(axis=(0, 2))
    return RateErrors(error.sum(axis=(0, 2)) / count, np.sqrt((error**2).sum(axis=(0, 2)) / count))


def _run(
    network: PhysicalNetwork,
    parts: TwinParts,
    config: LoopConfig,
    name: str,
    corrections: Mapping[str, CorrectionNetwork],
) -> tuple[Slots, Float[np.ndarray, " campus"]]:
    """Run one maker; return what it saw, expected and met, and the mean QoE of each campus."""
    scheme, model = SCHEMES[name], schedule_model(network)
    corrected = None
    if scheme.correction is not None and scheme.read is not None:
        corrected = CorrectedGreedy(model, corrections[scheme.correction], scheme.read)
    gdt = GdtNetwork(
        network,
        parts.emulator,
        {name: corrected or GreedyAllocator(model)},
        every(config.period_slots),
        make_abstractor=lambda net, swipes: _Remembering(_abstractor(net, swipes, parts, scheme)),
    )
    slots = Slots([], [], [])

    def keep(slot: int) -> None:
        remembering = gdt.virtual.abstractor
        assert isinstance(remembering, _Remembering)
        features = remembering.last
        if slot < config.n_first or features is None:
            return
        rate = network.link.spectral_efficiency(network.channel.snr_db).astype(np.float64)
        slots.features.append(features)
        slots.expected.append(features.efficiency if corrected is None else corrected.corrected(features))
        slots.true.append(worst_member_efficiency(features.subgroup, features.ap, rate, network.serving_ap))

    history = gdt.run(config.n_slots, keep)
    return slots, history.qoe[config.n_first :].mean(axis=0)


class _Remembering:
    """Keeps the features that it made last, for the record of a run without rollouts."""

    def __init__(self, abstractor: FeatureAbstractor) -> None:
        self.abstractor = abstractor
        self.last: Features | None = None

    def abstract(self, seen: Observation) -> Features:
        self.last = self.abstractor.abstract(seen)
        return self.last


def _abstractor(net: PhysicalNetwork, swipes: SwipeModel, parts: TwinParts, scheme: Scheme) -> FeatureAbstractor:
    rates: FeatureAbstractor = group_abstractor(net, swipes)
    if scheme.start == "coming":
        rates = ComingMean(rates, parts.emulator, net.link)
    elif scheme.start == "expected":
        rates = ExpectedWorst(rates, parts.emulator, net.link)
    coded = LatentAbstractor(rates, parts.vae, net.link)
    return SameWidth(coded) if scheme.hides_width else coded


def _rows(slots: Slots, read: Reader) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what a reader reads of every group in reach, the rate that was expected, and the true one."""
    kept = [each.efficiency > 0 for each in slots.features]
    read_of = [read(each)[mask] for each, mask in zip(slots.features, kept, strict=True)]
    pairs = ((slots.expected, kept), (slots.true, kept))
    believed, true = (np.concatenate([each[mask] for each, mask in zip(*pair, strict=True)]) for pair in pairs)
    return np.concatenate(read_of), believed, true


def _campuses(config: LoopConfig, n_batch: int, seed: int) -> PhysicalNetwork:
    return PhysicalNetwork.waterloo(n_batch, NetworkConfig(n_users=config.n_users), seed=seed)
