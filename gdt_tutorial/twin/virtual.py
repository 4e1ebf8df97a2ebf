"""The virtual network: where decisions are tried before the network has to live with them.

"The generated network management decision is fed back to the DT environment for validation and DT status update" (the
paper, GAI-Based Decision-Making). `VirtualNetwork` continues from what is seen in this very moment, many times side by side.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.batch import original, repeated
from gdt_tutorial.physical.decision_checks import check_decision
from gdt_tutorial.physical.delivery import serving_ap
from gdt_tutorial.physical.interference import part_efficiency
from gdt_tutorial.physical.link_adaptation import LinkAdaptation
from gdt_tutorial.physical.messages import Decision, Load, Session
from gdt_tutorial.physical.network import NetworkConfig
from gdt_tutorial.physical.playback import ViewTape, play
from gdt_tutorial.physical.streaming import StreamState, deliver
from gdt_tutorial.twin.abstraction.features import FeatureAbstractor
from gdt_tutorial.twin.decision.maker import DecisionMaker
from gdt_tutorial.twin.decision.schedule import ScheduleModel
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, StatusEmulator
from gdt_tutorial.twin.observation import Observation
from gdt_tutorial.twin.status import Status
from gdt_tutorial.twin.status_counts import delivery_delay_s
from gdt_tutorial.twin.status_parts import ROLLOUT
from gdt_tutorial.twin.swipe_curves import on_screen
from gdt_tutorial.twin.swipe_model import SwipeModel

__all__ = ["VirtualNetwork"]


@dataclass(frozen=True, kw_only=True)
class VirtualNetwork:
    """The twin's copy of the network: the same sending and playing, on emulated channels and believed swipes.

    What are two decisions worth, if the greedy manager goes on after either? One number per environment for each:

    >>> from gdt_tutorial.physical.network import PhysicalNetwork
    >>> from gdt_tutorial.seeding import stream
    >>> from gdt_tutorial.twin.abstraction.groups import GroupAbstractor
    >>> from gdt_tutorial.twin.decision.greedy import EqualShare, GreedyAllocator
    >>> from gdt_tutorial.twin.decision.schedule import schedule_model
    >>> from gdt_tutorial.twin.emulation.extrapolation import HoldLast
    >>> from gdt_tutorial.twin.status import true_status
    >>> from gdt_tutorial.twin.swipe_curves import SwipeCurves
    >>> from gdt_tutorial.twin.swipe_model import CampusSwipes
    >>> network = PhysicalNetwork.waterloo(1, NetworkConfig(n_users=20), seed=0)
    >>> curves, model = SwipeCurves(1, network.catalog.n_types), schedule_model(network)
    >>> abstractor = GroupAbstractor(network.catalog, network.capacity, curves, network.link)
    >>> virtual = VirtualNetwork(
    ...     model=model, abstractor=abstractor, link=network.link, n_slots=5, n_rollouts=2,
    ...     emulator=HoldLast(topology=network.topology), swipes=CampusSwipes(curves, network.catalog, 20),
    ... )
    >>> seen = Observation(statuses=(true_status(network.reset()),))
    >>> makers = {"greedy": GreedyAllocator(model), "equal": EqualShare(model)}
    >>> rng, features = stream(0, "example"), abstractor.abstract(seen)
    >>> decisions = {name: maker.decide(features, rng=rng) for name, maker in makers.items()}
    >>> score = virtual.score(seen, decisions, dict.fromkeys(makers, makers["greedy"]), rng=rng)
    >>> {name: values.shape for name, values in score.items()}
    {'greedy': (1,), 'equal': (1,)}

    Attributes:
        model: What is known of the network.
        abstractor: Makes the features that makers get in a rollout, as in reality.
        link: From SNR to rate.
        emulator: Says what the channels may be; each rollout gets a path of its own. Who gives futures needs none.
        swipes: Says how long viewers may watch. Who gives tapes needs none.
        hysteresis_db: By which another access point must win.
        n_slots: Slots that `score` looks ahead.
        n_rollouts: Futures that it tries.
    """

    model: ScheduleModel
    abstractor: FeatureAbstractor
    link: LinkAdaptation
    emulator: StatusEmulator | None = None
    swipes: SwipeModel | None = None
    hysteresis_db: float = NetworkConfig().hysteresis_db
    n_slots: int = 15
    n_rollouts: int = 1

    def score(
        self,
        seen: Observation,
        decisions: Mapping[str, Decision],
        then: Mapping[str, DecisionMaker],
        *,
        rng: np.random.Generator,
    ) -> dict[str, Float[np.ndarray, " batch"]]:
        """Return the expected QoE of each decision over the coming slots, if the maker of its name goes on after it.

        All decisions meet the same futures: the same paths, channels and swipes. The first slot is left out where there
        are others: its playback is settled before any decision can act.

        Args:
            seen: What the decisions were made from.
            decisions: Candidates for the coming slot, by name.
            then: Who manages the slots after it, by the same names.
            rng: Draws the futures.

        Raises:
            ValueError: no emulator, no swipes, or a QoE that is not finite.
        """
        require(
            self.emulator is not None, "emulator", "be there to score decisions", None, "pass HoldLast(topology=...)"
        )
        assert self.emulator is not None
        # Spawned streams leave `rng` as it is: swipes are the same whatever the others draw.
        path_rng, maker_rng = rng.spawn(2)
        tape = self.tape(seen.status.session, self.n_rollouts, rng=rng)
        emulated = self.emulator.emulate(seen.window, self.n_slots, n_samples=self.n_rollouts, rng=path_rng)
        many, future = repeated(seen, self.n_rollouts), emulated.futures()
        start = 1 if self.n_slots > 1 else 0
        scores = {}
        catalog, n_aps = self.model.catalog, seen.status.networking.snr_db.shape[2]
        state = StreamState.from_session(seen.status.session, catalog.segment_s)
        for name, decision in decisions.items():
            check_decision(decision, state, n_aps, catalog)
            first = repeated(decision, self.n_rollouts)
            each = self.rollout(many, future, then[name], tape, first=first, rng=deepcopy(maker_rng))
            qoe = np.ascontiguousarray(each.mean(axis=-1).T)
            _require_finite(qoe, name, seen.status.slot)
            scores[name] = qoe.reshape(self.n_rollouts, -1, self.n_slots)[..., start:].mean(axis=(0, 2))
        return scores

    def tape(self, session: Session, n_rollouts: int, *, rng: np.random.Generator) -> ViewTape:
        """Draw how long everybody will watch, `n_rollouts` times, given what they have watched already."""
        require(self.swipes is not None, "swipes", "be there to draw views", None, "pass CampusSwipes")
        assert self.swipes is not None
        catalog, many = self.model.catalog, repeated(session, n_rollouts)
        n_batch, n_users = session.head.shape
        env, user = (np.asarray(axis) for axis in np.indices(many.head.shape))
        viewer = original(env, n_batch) * n_users + user
        tape = ViewTape(self.swipes, viewer, catalog.n_types, many.head, rng=rng)
        kind, played = on_screen(many, catalog)
        view = (env, user, many.head, kind, self.swipes.sample_rest(viewer, kind, played, rng=rng))
        tape.keep_watching(*(each.reshape(-1) for each in view))
        return tape

    def rollout(
        self,
        seen: Observation,
        future: EmulatedStatus,
        maker: DecisionMaker,
        tape: ViewTape,
        *,
        first: Decision | None = None,
        rng: np.random.Generator,
    ) -> Float[np.ndarray, "horizon batch user"]:
        """Let `maker` manage the coming slots; return every user's QoE per second in each of them.

        A decision sees the slot before the one in which it acts, as in reality. The maker sees what went before, and what it
        has decided in this rollout.

        Args:
            seen: What the twin sees now.
            future: Positions and channels of the coming slots.
            maker: Decides.
            tape: How long everybody will watch.
            first: The decision of the first slot; None lets the maker make it.
            rng: For the maker.
        """
        catalog, capacity = self.model.catalog, self.model.capacity
        session, n_slots = seen.status.session, future.snr_db.shape[2]
        state, attached_ap = StreamState.from_session(session, catalog.segment_s), session.serving_ap
        qoe = []
        for slot in range(n_slots):
            decision = (
                first if slot == 0 and first is not None else maker.decide(self.abstractor.abstract(seen), rng=rng)
            )
            _require_versions(decision, catalog.n_versions, maker)
            snr_db = future.snr_db[:, :, slot]
            attached_ap = serving_ap(snr_db, attached_ap, hysteresis_db=self.hysteresis_db)
            service = play(state, tape, catalog, self.model.qoe, capacity.slot_s)
            efficiency = self.link.spectral_efficiency(snr_db)
            in_part = part_efficiency(snr_db, decision.is_muted, capacity.band, self.link)
            _, load = deliver(state, decision, efficiency, attached_ap, catalog, capacity, in_part)
            qoe.append(service.qoe)
            seen = seen.then(decision, _status(seen.status, future, slot, state.session(attached_ap), load))
        return np.stack(qoe)


def _require_versions(decision: Decision, n_versions: int, maker: DecisionMaker) -> None:
    """Hold what an array would take without a word: a version below 0 counts from the end."""
    low, high = int(decision.version.min(initial=0)), int(decision.version.max(initial=0))
    remedy = f"see what contracts.check_maker says of {type(maker).__name__}"
    require(0 <= low and high < n_versions, "decision.version", f"lie in [0, {n_versions})", (low, high), remedy)


def _require_finite(qoe: Float[np.ndarray, "batch horizon"], name: str, slot: int) -> None:
    bad = np.argwhere(~np.isfinite(qoe))
    place = f"{qoe[tuple(bad[0])]} {bad[0][1] + 1} slots after slot {slot}, rollout {bad[0][0]}" if len(bad) else "all"
    remedy = "see what contracts.check_maker says of it, and check_emulator of the emulator"
    require(not len(bad), f"the QoE under manager {name!r}", "be finite", place, remedy)


def _status(before: Status, future: EmulatedStatus, slot: int, session: Session, load: Load) -> Status:
    """Return the status of a slot of a rollout: emulated all of it, and a slot older than the one before.

    Stocks, delays and loads are those that the tried decisions make; what no decision changes is held.
    """
    networking, behavior = before.networking, before.behavior
    return Status(
        slot=before.slot + 1,
        networking=replace(
            networking,
            snr_db=future.snr_db[:, :, slot],
            snr_std_db=future.snr_std_db[:, :, slot],
            age_slots=networking.age_slots + 1,
            delay_s=delivery_delay_s(load, networking.delay_s),
            bandwidth_load=load.bandwidth,
            computing_load=load.computing,
            backhaul_load=load.backhaul,
        ),
        behavior=replace(
            behavior,
            position_m=future.position_m[:, :, slot],
            position_std_m=future.position_std_m[:, :, slot],
            age_slots=behavior.age_slots + 1,
        ),
        session=session,
        emulator=ROLLOUT,
        ahead_slots=before.ahead_slots + 1,
    )
