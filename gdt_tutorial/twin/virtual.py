"""The virtual network: where decisions are tried before the network has to live with them.

"The generated network management decision is fed back to the DT environment for validation and DT status update" (the
paper, GAI-Based Decision-Making). `VirtualNetwork` continues from the status of this very moment, many times side by side.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gdt_tutorial.physical.batch import original, repeated
from gdt_tutorial.physical.delivery import serving_ap
from gdt_tutorial.physical.messages import Session, video_at
from gdt_tutorial.physical.network import NetworkConfig
from gdt_tutorial.physical.playback import ViewTape, play
from gdt_tutorial.physical.streaming import StreamState, deliver
from gdt_tutorial.twin.abstraction.groups import GroupAbstractor
from gdt_tutorial.twin.decision.maker import DecisionMaker
from gdt_tutorial.twin.decision.schedule import ScheduleModel

__all__ = ["VirtualNetwork"]


@dataclass(frozen=True, kw_only=True)
class VirtualNetwork:
    """The twin's copy of the network: the same sending and playing, on emulated channels and estimated swipes."""

    model: ScheduleModel
    abstractor: GroupAbstractor
    hysteresis_db: float = NetworkConfig().hysteresis_db

    def tape(self, session: Session, n_rollouts: int, *, rng: np.random.Generator) -> ViewTape:
        """Draw how long everybody will watch, `n_rollouts` times, given what they have watched already."""
        curves, catalog = self.abstractor.curves, self.model.catalog
        many = repeated(session, n_rollouts)
        env, user = (np.asarray(axis) for axis in np.indices(many.head.shape))
        own_env = original(env, len(session.head))  # whose curves a copy draws from
        tape = ViewTape(curves, own_env, catalog.n_types, many.head, rng=rng)
        video = video_at(many.playlist, many.group, many.head)
        kind, played = catalog.video_type[video], many.play_s / catalog.duration_s[video]
        view = (env, user, many.head, kind, curves.sample_rest(own_env, kind, played, rng=rng))
        tape.keep_watching(*(each.reshape(-1) for each in view))
        return tape

    def rollout(
        self,
        session: Session,
        snr_db: Float[np.ndarray, "batch user slot ap"],
        maker: DecisionMaker,
        tape: ViewTape,
        n_rollouts: int,
    ) -> Float[np.ndarray, "rollout batch horizon"]:
        """Let `maker` manage the coming slots; return the mean QoE per user, second, and slot.

        `snr_db` starts with the current slot: a decision sees the slot before the one in which it acts, as in reality.
        """
        n_batch, n_slots = len(snr_db), snr_db.shape[2] - 1
        many, channel = repeated(session, n_rollouts), repeated(snr_db, n_rollouts)
        state, attached_ap = StreamState.from_session(many, self.model.catalog.segment_s), many.serving_ap
        capacity = self.model.capacity
        qoe = np.zeros((n_rollouts * n_batch, n_slots))
        for slot in range(n_slots):
            features = self.abstractor.abstract_session(state.session(attached_ap), channel[:, :, slot])
            decision = maker.decide(features)
            attached_ap = serving_ap(channel[:, :, slot + 1], attached_ap, hysteresis_db=self.hysteresis_db)
            efficiency = self.abstractor.link.spectral_efficiency(channel[:, :, slot + 1])
            service = play(state, tape, self.model.catalog, self.model.qoe, capacity.slot_s)
            deliver(state, decision, efficiency, attached_ap, self.model.catalog, capacity)
            qoe[:, slot] = service.qoe.mean(axis=-1)
        return qoe.reshape(n_rollouts, n_batch, n_slots)

    def validate(
        self,
        session: Session,
        snr_db: Float[np.ndarray, "batch user slot ap"],
        makers: Mapping[str, DecisionMaker],
        n_rollouts: int,
        *,
        rng: np.random.Generator,
    ) -> dict[str, Float[np.ndarray, " batch"]]:
        """Return each maker's expected QoE over the coming slots; all of them meet the same draws.

        The first slot is left out where there are others: its playback is settled before any of them can act.
        """
        tape = self.tape(session, n_rollouts, rng=rng)
        start = 1 if snr_db.shape[2] > 2 else 0
        return {
            name: self.rollout(session, snr_db, maker, tape, n_rollouts)[..., start:].mean(axis=(0, 2))
            for name, maker in makers.items()
        }
