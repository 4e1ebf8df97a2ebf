"""What the mean of a status does not tell: how the worst of several users fares, and how often users change their cell.

A multicast group is served at the rate of its worst member. With independent Gaussian SNRs the expected rate of the worst
one has a closed form: it carries a modulation step where everybody's SNR lies above the threshold of the step, so

    E[efficiency(min of SNRs)] = sum over steps of (gain of the step) * prod over members of Phi((mean - threshold) / std)

The efficiency at the mean status, efficiency(min of means), is larger: each member may turn out worse than its mean, and
somebody will. That is enough for one slot. What depends on the way from slot to slot, such as a handover, needs draws of whole
paths (`paths`). The paper knows no such comparison; the closed form follows from the definition of link adaptation.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.delivery import serving_ap
from gdt_tutorial.physical.link_adaptation import LinkAdaptation
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus

__all__ = ["WorstMembers", "expected_worst_efficiency", "handovers", "random_groups", "worst_members"]


def expected_worst_efficiency(
    mean_db: Float[np.ndarray, "*shape member"], std_db: Float[np.ndarray, "*shape member"], link: LinkAdaptation
) -> Float[np.ndarray, "*shape"]:
    """Return the expected efficiency in bit/s/Hz of the worst of some users with independent Gaussian SNRs.

    Raises:
        ValueError: No user, or a spread that is not above 0.
    """
    require(mean_db.shape[-1] > 0, "mean_db", "hold a user", mean_db.shape, "pass the members of a group")
    require(
        bool((std_db > 0).all()), "std_db", "be above 0", np.min(std_db), "of a known SNR take the efficiency itself"
    )
    gain = np.diff(link.efficiency, prepend=0.0)
    total = np.zeros(mean_db.shape[:-1])
    for threshold_db, step in zip(link.threshold_db, gain, strict=True):
        total += step * ndtr((mean_db - threshold_db) / std_db).prod(axis=-1)
    return total


def random_groups(
    ap: Int[np.ndarray, "batch user"], n_members: int, n_groups: int, *, rng: np.random.Generator
) -> tuple[Int[np.ndarray, " group"], Int[np.ndarray, "group member"]]:
    """Draw groups of users of one environment and one access point; return the environment, and the members, of each.

    Raises:
        ValueError: No access point has so many users.
    """
    count = np.stack([(ap == each).sum(axis=1) for each in range(int(ap.max()) + 1)], axis=1)
    env, cell = np.nonzero(count >= n_members)
    is_possible = n_members > 0 and len(env) > 0
    require(is_possible, "n_members", f"lie in 1..{count.max()}", n_members, "no access point has so many users")
    pick = rng.integers(len(env), size=n_groups)
    members = [rng.choice(np.flatnonzero(ap[env[each]] == cell[each]), n_members, replace=False) for each in pick]
    return env[pick], np.stack(members)


@dataclass(frozen=True, kw_only=True, eq=False)
class WorstMembers:
    """Efficiency of the worst member of each group in bit/s/Hz, as it was, and as an emulated status tells it."""

    truth: Float[np.ndarray, "group slot"]
    of_means: Float[np.ndarray, "group slot"]  # at the smallest mean
    closed_form: Float[np.ndarray, "group slot"]  # expected, of independent Gaussians
    of_paths: Float[np.ndarray, "group slot"]  # mean over the sampled paths


def worst_members(
    emulated: EmulatedStatus,
    true_db: Float[np.ndarray, "batch user slot ap"],
    ap: Int[np.ndarray, "batch user"],
    env: Int[np.ndarray, " group"],
    member: Int[np.ndarray, "group member"],
    link: LinkAdaptation,
) -> WorstMembers:
    """Compare four ways to say how fast a group can be served by the access point of its members.

    Args:
        emulated: With sampled paths.
        true_db: SNR of the slots that were emulated.
        ap: That a group's members belong to.
        env: Environment of each group.
        member: Its users.
        link: From SNR to efficiency.

    Raises:
        ValueError: No samples.
    """
    n_samples = emulated.snr_sample_db.shape[1]
    require(n_samples > 0, "samples", "be there", 0, "emulate with n_samples=1 or more")
    place, own = (env[:, None], member), ap[env, member[:, 0]]

    def at_own(values: Float[np.ndarray, "batch user slot ap"]) -> Float[np.ndarray, "group member slot"]:
        return np.take_along_axis(values[place], own[:, None, None, None], axis=-1)[..., 0]

    def worst(snr_db: Float[np.ndarray, "batch user slot ap"]) -> Float[np.ndarray, "group slot"]:
        return link.spectral_efficiency(at_own(snr_db).min(axis=1)).astype(np.float64)

    mean_db, std_db = (at_own(each).swapaxes(1, 2) for each in (emulated.snr_db, emulated.snr_std_db))
    return WorstMembers(
        truth=worst(true_db),
        of_means=worst(emulated.snr_db),
        closed_form=expected_worst_efficiency(mean_db, std_db, link),
        of_paths=np.mean([worst(emulated.snr_sample_db[:, draw]) for draw in range(n_samples)], axis=0),
    )


def handovers(
    snr_db: Float[np.ndarray, "batch user slot ap"], attached_ap: Int[np.ndarray, "batch user"], *, hysteresis_db: float
) -> Float[np.ndarray, "batch user"]:
    """Return how often each user changes its access point along a path."""
    count = np.zeros(attached_ap.shape)
    for slot in range(snr_db.shape[2]):
        following = serving_ap(snr_db[:, :, slot], attached_ap, hysteresis_db=hysteresis_db)
        count += following != attached_ap
        attached_ap = following
    return count
