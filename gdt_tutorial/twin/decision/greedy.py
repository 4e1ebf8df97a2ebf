"""Model-based makers: the greedy allocator, and equal shares, the floor that every maker must beat."""

import numpy as np
from jaxtyping import Int

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.batch import repeated
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.schedule import ScheduleModel, greedy_schedule, member_share, schedule_of

__all__ = ["EqualShare", "GreedyAllocator", "best_of_versions"]


class GreedyAllocator:
    """Model-based: for each AP the version whose greedy schedule promises the most QoE.

    Greedy by gain per cost is not the optimum of a slot, but near it: on small cases the tests hold it to 95 % of the
    best choice of segments, on average.
    """

    def __init__(self, model: ScheduleModel) -> None:
        self.model = model

    def decide(self, features: Features, *, rng: np.random.Generator) -> Decision:
        """Try each version at all SMGs of an AP and keep, for each AP, the best."""
        version = np.arange(self.model.catalog.n_versions)[:, None, None]
        return best_of_versions(features, self.model, np.broadcast_to(version, (len(version), *features.ap.shape)))


def best_of_versions(
    features: Features, model: ScheduleModel, version: Int[np.ndarray, "candidate batch subgroup"]
) -> Decision:
    """Schedule each candidate greedily, and keep for each AP the one that promises the most QoE.

    Args:
        features: What the schedules are made from.
        model: What a slot can carry.
        version: Candidates, a version for each SMG.
    """
    n_candidates, n_batch, n_subgroups = version.shape
    # All candidates are tried side by side, as if they were more environments.
    flat = version.reshape(-1, n_subgroups)
    decision, promise = greedy_schedule(repeated(features, n_candidates), model, flat)
    best = promise.reshape(n_candidates, n_batch, -1).argmax(axis=0)
    env = np.arange(n_batch)[:, None]
    row = best[env, features.ap] * n_batch + env
    chosen = {
        name: getattr(decision, name)[row, np.arange(n_subgroups)]
        for name in ("version", "bandwidth_share", "computing_share", "segments")
    }
    return Decision(subgroup=features.subgroup, group=features.group, ap=features.ap, **chosen)


class EqualShare:
    """The floor: every SMG gets its members' share of band and cycles, at one fixed version, most valuable segments first."""

    def __init__(self, model: ScheduleModel, version: int = 0) -> None:
        rule = f"lie in 0..{model.catalog.n_versions - 1}"
        require(0 <= version < model.catalog.n_versions, "version", rule, version, "0 is the lowest bitrate")
        self.model, self.version = model, version

    def decide(self, features: Features, *, rng: np.random.Generator) -> Decision:
        """Cut each SMG's list where its equal share ends."""
        version = np.full(features.ap.shape, self.version)
        share = member_share(features, len(self.model.capacity.bandwidth_hz))[..., None]
        radio, cycles = self.model.cost(features, version)
        is_taken = (np.cumsum(radio, axis=-1) <= share) & (np.cumsum(cycles, axis=-1) <= share) & (features.value_s > 0)
        return schedule_of(features, self.model, version, is_taken)
