"""The internal loop at the dense event, where two access points lose 15 dB in mid-run: who mutes best before and after.

All users report every fourth slot. Each maker sees the channels in its own way, and behind each bitmap stands the same greedy
schedule. In the twin, time division by two goes on after each of their decisions (`ByDecision`). The twin emulates what was not
reported by the textbook's law with an offset for each access point (`OffsetEmulator`).

    model               local search on the textbook's SNR at the users' positions, as if no access point had changed
    GAI                 diffusion on what is measured, eight candidates, the best by its promise
    random              eight bitmaps at random, the same
    recalibrated model  local search on the textbook's SNR and the offset of each access point (`emulation.ap_offsets`)
    measured model      local search on what is measured, or emulated since
    loop                model and GAI; the better one in the virtual network is carried out
    loop with trust     the same under the rule of trust, with the GAI as the safe maker
    loop, random        model and random
    loop, measured      measured model and GAI
    loop, old law       model and GAI in a twin that emulates by the textbook's law, as if nothing had changed
    oracle              local search on the true SNR

`run_wrong_event` has two makers, the measured model and coins, in a twin that is upside down, without a change of the network.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.gai.denoiser import Denoiser, DiffusionConfig
from gdt_tutorial.gai.diffusion import SamplingConfig, train_denoiser
from gdt_tutorial.loops.external import every
from gdt_tutorial.loops.internal import InternalConfig
from gdt_tutorial.loops.manager import GdtNetwork, schedule_model
from gdt_tutorial.loops.recipes.validators import ByDecision, UpsideDown
from gdt_tutorial.loops.trust import Trust, TrustConfig
from gdt_tutorial.physical.channel import ChannelConfig, expected_snr_db
from gdt_tutorial.physical.dense_event import WeakenedMasts, dense_event
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.abstraction.groups import GroupAbstractor
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.learned_bitmaps import DrawnBitmap
from gdt_tutorial.twin.decision.muting import (
    BestOfDraws,
    BestPattern,
    Bitmap,
    LocalSearch,
    MutingMaker,
    alternating,
    random_bitmaps,
)
from gdt_tutorial.twin.decision.schedule import ScheduleModel
from gdt_tutorial.twin.emulation.ap_offsets import OffsetEmulator, ap_offset_db
from gdt_tutorial.twin.emulation.emulator import StatusEmulator
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.observation import Observation
from gdt_tutorial.twin.recipes.dense_event_logs import draw_log, play_event, true_snr
from gdt_tutorial.twin.recipes.dense_event_study import training_set
from gdt_tutorial.twin.swipe_curves import experienced_curves
from gdt_tutorial.twin.virtual import VirtualNetwork

__all__ = ["SCHEMES", "EventChangeConfig", "OwnSight", "event_denoiser", "run_event", "run_wrong_event"]


@configclass
class EventChangeConfig:
    """The event, its change, and how the loop runs on it."""

    aps: tuple[int, ...] = parameter((1, 4), "Access points that lose power at half time.", "chosen: the middle column")
    loss_db: float = parameter(15.0, "How much they lose.", "chosen", at_least=0)
    n_events: int = parameter(8, "Events side by side.", "chosen", above=0)
    n_slots: int = parameter(48, "Slots of a run.", "chosen", above=1)
    period_slots: int = parameter(4, "Slots between two reports of a user.", "chosen", above=0)
    internal: InternalConfig = parameter(
        InternalConfig(n_slots=4, period_slots=2, n_rollouts=4, memory=0.8),
        "How the twin validates.",
        "chosen on other seeds",
    )
    trust: TrustConfig = parameter(
        TrustConfig(tolerance=0.1, lag_slots=1), "The rule of trust.", "chosen on other seeds"
    )
    n_logged: int = parameter(64, "Events that the GAI learns from, before the change.", "chosen", above=0)
    n_updates: int = parameter(1500, "Gradient steps of the GAI.", "as in chapter 07", above=0)
    n_candidates: int = parameter(8, "Candidates of a maker that draws.", "as in chapter 07", above=0)


Sight = Callable[[Observation], np.ndarray]
"""From what is seen to the SNRs that a maker believes, "batch user ap"."""


@dataclass(frozen=True)
class OwnSight:
    """A maker that abstracts for itself (a `loops.internal.Maker` of observations).

    Attributes:
        abstractor: Makes its features.
        sight: What it believes of the channels.
        maker: Decides.
    """

    abstractor: GroupAbstractor
    sight: Sight
    maker: MutingMaker

    def decide(self, features: Observation, *, rng: np.random.Generator) -> Decision:
        """Abstract, and decide."""
        own = self.abstractor.abstract_session(features.status.session, self.sight(features))
        return self.maker.decide(own, rng=rng)


class _AsSeen:
    """Hands on what is seen: makers abstract for themselves (an `Abstractor`)."""

    def abstract(self, seen: Observation) -> Any:
        return seen


def event_denoiser(config: EventChangeConfig = EventChangeConfig(), *, seed: int) -> Denoiser:
    """Train the diffusion model on the best fifth of logs from before the change (half a minute)."""
    best = draw_log(config.n_logged, seed=seed).best()
    context, vector, _ = training_set(best, False, rng=stream(seed, "orders"))
    diffusing = DiffusionConfig(n_updates=config.n_updates)
    return train_denoiser(vector, context, None, diffusing, generator=torch_stream(seed, "diffusion"))


SCHEMES: dict[str, tuple[str, ...]] = {
    "oracle": (),
    "model": ("model",),
    "GAI": ("GAI",),
    "random": ("random",),
    "recalibrated model": ("recalibrated model",),
    "measured model": ("measured model",),
    "loop": ("model", "GAI"),
    "loop with trust": ("model", "GAI"),
    "loop, random": ("model", "random"),
    "loop, measured": ("measured model", "GAI"),
    "loop, old law": ("model", "GAI"),
}
"""The makers of each scheme."""


def run_event(
    scheme: str, denoiser: Denoiser, config: EventChangeConfig = EventChangeConfig(), *, seed: int
) -> tuple[Float[np.ndarray, "slot batch"], Float[np.ndarray, "slot batch"]]:
    """Let a scheme decide while the access points weaken at half time; return QoE, and the number of the maker.

    Args:
        scheme: One of `SCHEMES`.
        denoiser: What the GAI has learned, on other events.
        config: The event.
        seed: Of walks, channels, swipes, and of what makers draw.
    """
    channel = WeakenedMasts(aps=config.aps, loss_db=config.loss_db, from_slot=config.n_slots // 2)
    network = dense_event(config.n_events, channel=channel, seed=seed)
    if not SCHEMES[scheme]:
        qoe = play_event(network, _search, config.n_slots, sight=true_snr, seed=seed).qoe
        return qoe, np.zeros_like(qoe)
    makers = _makers(network, denoiser, config)
    safe = 1 if scheme == "loop with trust" else None
    own = {name: makers[name] for name in SCHEMES[scheme]}
    hold = HoldLast(topology=network.topology)
    emulator = hold if scheme == "loop, old law" else OffsetEmulator(emulator=hold, topology=network.topology)
    gdt = _twin_of(network, own, config, emulator, safe, lambda virtual: ByDecision(virtual, makers["TDM by two"]))
    history = gdt.run(config.n_slots)
    return history.qoe, history.chosen.astype(float)


def run_wrong_event(
    scheme: str, config: EventChangeConfig = EventChangeConfig(), *, seed: int
) -> Float[np.ndarray, "slot batch"]:
    """Run the measured model and coins in a twin that is upside down, for as many validations as the run has; return QoE.

    Args:
        scheme: "safe" is the measured model alone, "believed" the loop, "held" the loop with trust.
        config: The event; nothing weakens.
        seed: As in `run_event`.
    """
    network = dense_event(config.n_events, seed=seed)
    makers = _makers(network, None, config)
    names = ("measured model",) if scheme == "safe" else ("measured model", "coins")
    safe = 0 if scheme == "held" else None
    own = {name: makers[name] for name in names}

    def wrong(virtual: VirtualNetwork) -> UpsideDown:
        return UpsideDown(ByDecision(virtual, makers["TDM by two"]))

    gdt = _twin_of(network, own, config, HoldLast(topology=network.topology), safe, wrong)
    return gdt.run(config.n_slots).qoe


def _twin_of(
    network: PhysicalNetwork,
    makers: Mapping[str, Any],
    config: EventChangeConfig,
    emulator: StatusEmulator,
    safe: int | None,
    make_validator: Callable[[VirtualNetwork], Any],
) -> GdtNetwork:
    return GdtNetwork(
        network,
        emulator,
        makers,
        every(config.period_slots),
        config.internal,
        make_abstractor=lambda network, swipes: _AsSeen(),
        make_trust=None if safe is None else partial(Trust, safe, config.trust),
        make_validator=make_validator,
    )


def _search(model: ScheduleModel) -> Bitmap:
    n_aps = len(model.capacity.bandwidth_hz)
    return LocalSearch(model, (alternating(n_aps), BestPattern(model)))


def _makers(network: PhysicalNetwork, denoiser: Denoiser | None, config: EventChangeConfig) -> dict[str, OwnSight]:
    """Return all makers by name, with the channels as each believes them to be; without a denoiser there is no GAI."""
    model, topology = schedule_model(network), network.topology
    curves = experienced_curves(network.viewers, network.catalog.n_types, seed=network.seed)
    abstractor = GroupAbstractor(network.catalog, network.capacity, curves, network.link)
    coins = random_bitmaps(topology.n_aps)

    def measured(seen: Observation) -> np.ndarray:
        return seen.status.networking.snr_db

    def textbook(seen: Observation) -> np.ndarray:
        law_db = expected_snr_db(seen.status.behavior.position_m, topology, ChannelConfig())
        return law_db.astype(seen.status.networking.snr_db.dtype)

    def calibrated(seen: Observation) -> np.ndarray:
        offset_db = ap_offset_db(seen.window, topology)
        return textbook(seen) + offset_db[:, None].astype(seen.status.networking.snr_db.dtype)

    choose: dict[str, tuple[Sight, Bitmap]] = {
        "model": (textbook, _search(model)),
        "recalibrated model": (calibrated, _search(model)),
        "measured model": (measured, _search(model)),
        "random": (measured, BestOfDraws(model, coins, config.n_candidates)),
        "coins": (measured, coins),
        "TDM by two": (measured, alternating(topology.n_aps)),
    }
    if denoiser is not None:
        drawn = DrawnBitmap(denoiser, topology.n_aps, SamplingConfig(temperature=0.5))
        choose["GAI"] = (measured, BestOfDraws(model, drawn, config.n_candidates))
    return {
        name: OwnSight(abstractor, sight, MutingMaker(GreedyAllocator(model), bitmap))
        for name, (sight, bitmap) in choose.items()
    }
