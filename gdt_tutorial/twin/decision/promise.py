"""What rates promise: the QoE that a slot would bring at given rates, for many candidates at once.

Of each access point it is the best version's, if segments could be cut: the greedy rule of `greedy_schedule` on the knapsack
without whole pieces, so a little better rate always counts. With one resource that binds, this is the optimum of the relaxed
problem (Dantzig 1957), and no schedule of whole segments of one version promises more. The paper gives no such rule.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.schedule import ScheduleModel

__all__ = ["Promise", "promise"]


def promise(features: Features, model: ScheduleModel) -> Float[np.ndarray, " batch"]:
    """Return what the best version of each AP would bring if segments could be cut, summed over APs."""
    return Promise(features, model)(features.efficiency[None])[0]


class Promise:
    """The promise of many candidates for the same features, which differ in the efficiency of the SMGs.

    Args:
        features: All but the efficiency counts.
        model: What a slot can carry.
    """

    def __init__(self, features: Features, model: ScheduleModel) -> None:
        n_batch, n_subgroups, n_items = features.value_s.shape
        n_aps = len(model.capacity.bandwidth_hz)
        # SMGs of one AP beside each other: it is the same AP in all environments (see `subgroups`).
        self._order = np.argsort(features.ap[0], kind="stable")
        self._shape = (n_batch, n_aps, n_subgroups // n_aps, n_items)
        at_one = replace(features, efficiency=np.ones(features.ap.shape))
        self._versions = []
        for version in range(model.catalog.n_versions):
            chosen = np.full(features.ap.shape, version)
            parts = (model.gain(features, chosen), *model.cost(at_one, chosen))
            is_open = np.isfinite(parts[1]) & np.isfinite(parts[2]) & (parts[0] > 0)
            self._versions.append([self._by_ap(np.where(is_open, each, 0)) for each in parts])

    def _by_ap(self, amount: Float[np.ndarray, "batch subgroup item"]) -> Float[np.ndarray, "batch ap _ item"]:
        return amount[:, self._order].reshape(self._shape).astype(np.float32)

    def __call__(
        self, efficiency: Float[np.ndarray, "candidate batch subgroup"], env: Int[np.ndarray, " batch"] | None = None
    ) -> Float[np.ndarray, "candidate batch"]:
        """Judge candidates; `env` says whose they are, where not all environments are asked."""
        of_ap = efficiency[..., self._order].reshape(*efficiency.shape[:2], *self._shape[1:3], 1).astype(np.float32)
        best = np.zeros(of_ap.shape[:3])
        for parts in self._versions:
            gain, radio, cycles = parts if env is None else (each[env] for each in parts)
            is_served = of_ap > 0
            needed = np.divide(
                radio, of_ap, out=np.zeros(of_ap.shape[:-1] + radio.shape[-1:], of_ap.dtype), where=is_served
            )
            best = np.maximum(best, _cut_to_fit(gain * is_served, needed, cycles * is_served))
        return best.sum(axis=-1)


def _cut_to_fit(
    gain: Float[np.ndarray, "candidate batch ap _ item"],
    radio: Float[np.ndarray, "candidate batch ap _ item"],
    cycles: Float[np.ndarray, "candidate batch ap _ item"],
) -> Float[np.ndarray, "candidate batch ap"]:
    """Take the items of an AP by gain per cost, the last one in part."""
    gain, radio, cycles = (each.reshape(*each.shape[:3], -1) for each in (gain, radio, cycles))
    cost = radio + cycles
    rank = np.argsort(-np.divide(gain, cost, out=np.zeros_like(gain), where=cost > 0), axis=-1)
    gain, radio, cycles = (np.take_along_axis(each, rank, axis=-1) for each in (gain, radio, cycles))
    taken = np.ones_like(gain)
    for each in (radio, cycles):
        room = 1 - (np.cumsum(each, axis=-1) - each)
        np.minimum(taken, np.divide(room, each, out=np.ones_like(each), where=each > 0).clip(0, 1), out=taken)
    return (taken * gain).sum(axis=-1)
