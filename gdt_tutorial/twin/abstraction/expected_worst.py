"""The rate that a sub-multicast group (SMG) can expect: a closed form of the emulator's own spread, no training.

An SMG is served at the rate of its worst member whom the lowest modulation step still reaches; who is below it is left out
(`physical.streaming`). With independent Gaussian SNRs, let q_i be the chance that member i is out of reach, and p_ik that it
carries step k. The rate is at least that of step k when nobody in reach is below k, and somebody is in reach:

    E[efficiency] = sum over steps k of gain_k (prod_i (q_i + p_ik) - prod_i q_i)

A decision acts one slot after the status that it was made from, so mean and spread are those of the coming slot. The paper
takes the mean status; this rule is what a learned width has to beat. `ComingMean` stands between both: the coming slot, without
its spread. Both know access points on bands of their own alone: the closed form of a SINR is another.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.batch import sum_by
from gdt_tutorial.physical.link_adaptation import LinkAdaptation
from gdt_tutorial.physical.messages import NOT_SERVED
from gdt_tutorial.physical.streaming import worst_member_efficiency
from gdt_tutorial.twin.abstraction.features import FeatureAbstractor, Features
from gdt_tutorial.twin.emulation.emulator import StatusEmulator
from gdt_tutorial.twin.observation import Observation

__all__ = ["ComingMean", "ExpectedWorst", "expected_subgroup_efficiency"]

_TINY = 1e-12


def expected_subgroup_efficiency(
    subgroup: Int[np.ndarray, "batch user"],
    ap: Int[np.ndarray, "batch subgroup"],
    mean_db: Float[np.ndarray, "batch user ap"],
    std_db: Float[np.ndarray, "batch user ap"],
    link: LinkAdaptation,
) -> Float[np.ndarray, "batch subgroup"]:
    """Return each SMG's expected efficiency in bit/s/Hz, of independent Gaussian SNRs; 0 where it has no member."""
    env = np.arange(len(ap))[:, None]
    own_ap = ap[env, subgroup][..., None]  # meaningless where NOT_SERVED
    mean, std = (np.take_along_axis(each, own_ap, axis=-1)[..., 0] for each in (mean_db, std_db))
    is_member = subgroup != NOT_SERVED

    def at_least(threshold_db: float) -> Float[np.ndarray, "batch user"]:
        return np.where(std > 0, ndtr((mean - threshold_db) / np.maximum(std, _TINY)), mean >= threshold_db)

    def product(chance: Float[np.ndarray, "batch user"]) -> Float[np.ndarray, "batch subgroup"]:
        return np.exp(sum_by(np.where(is_member, np.log(np.maximum(chance, _TINY)), 0.0), subgroup, ap.shape[1]))

    out_of_reach = 1 - at_least(float(link.threshold_db[0]))
    nobody = product(out_of_reach)
    total = np.zeros(ap.shape)
    for threshold_db, gain in zip(link.threshold_db, np.diff(link.efficiency, prepend=0.0), strict=True):
        total += gain * (product(np.minimum(out_of_reach + at_least(threshold_db), 1.0)) - nobody)
    return np.maximum(total, 0.0)


def _alone(features: Features) -> Features:
    """Return the features, if no two access points share a band.

    Raises:
        ValueError: They do.
    """
    width, remedy = features.pattern_efficiency.shape[2], "use GroupAbstractor alone where access points interfere"
    require(width == 0, "features", "come from access points on bands of their own", f"{width} patterns", remedy)
    return features


class ComingMean:
    """Replaces the efficiency at the status of now by the one at the mean of the coming slot (a `FeatureAbstractor`).

    Args:
        abstractor: Makes the other features.
        emulator: Says the mean of the coming slot.
        link: From SNR to rate.
    """

    def __init__(self, abstractor: FeatureAbstractor, emulator: StatusEmulator, link: LinkAdaptation) -> None:
        self.abstractor, self.emulator, self.link = abstractor, emulator, link

    def abstract(self, seen: Observation) -> Features:
        """Emulate one slot, and take the rate of the worst member in reach.

        Raises:
            ValueError: Access points share a band.
        """
        features, coming = _alone(self.abstractor.abstract(seen)), self.emulator.emulate(seen.window, 1)
        rate = self.link.spectral_efficiency(coming.snr_db[:, :, 0])
        own_ap = features.ap[np.arange(len(rate))[:, None], features.subgroup]
        coming_rate = worst_member_efficiency(features.subgroup, features.ap, rate, own_ap)
        return replace(features, efficiency=np.where(features.efficiency > 0, coming_rate, 0.0))


class ExpectedWorst:
    """Replaces the efficiency at the mean status by the one that is expected of the coming slot (a `FeatureAbstractor`).

    Args:
        abstractor: Makes the other features.
        emulator: Says mean and spread of the coming slot.
        link: From SNR to rate.
    """

    def __init__(self, abstractor: FeatureAbstractor, emulator: StatusEmulator, link: LinkAdaptation) -> None:
        self.abstractor, self.emulator, self.link = abstractor, emulator, link

    def abstract(self, seen: Observation) -> Features:
        """Emulate one slot, and put the expectation in the place of the rate.

        Raises:
            ValueError: Access points share a band.
        """
        features, coming = _alone(self.abstractor.abstract(seen)), self.emulator.emulate(seen.window, 1)
        moments = (coming.snr_db[:, :, 0], coming.snr_std_db[:, :, 0])
        expected = expected_subgroup_efficiency(features.subgroup, features.ap, *moments, self.link)
        # Who is out of reach today is not sent to, as before.
        return replace(features, efficiency=np.where(features.efficiency > 0, expected, 0.0))
