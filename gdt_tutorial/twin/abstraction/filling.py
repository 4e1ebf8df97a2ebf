"""Fill the reports that were lost: a window of the status with a number in every slot, from those that came.

"DT data needs to be periodically updated to guarantee freshness" (the paper, GAI-Based Status Emulation), and what was not
updated has to be said. An emulator continues a window; here the later reports are known too, as they are when a window is put
together for a network that reads it. Two plain rules, which a learned filler has to beat:

    linear_fill          from report to report on a straight line; before the first and after the last one stays as it is
    GaussianConditional  the mean of a Gaussian with the covariance of training windows, given the reports

and `fill_snr`, which knows what an SNR is made of: the law at the filled position, and a Kalman smoother for the rest.
How we differ: the paper fills nothing; windows, rules and loss patterns are chosen here.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.abstraction.smoothing import smooth_snr

__all__ = ["GaussianConditional", "draw_reports", "fill_snr", "linear_fill"]

_BATCH = 256  # windows that are conditioned at once
_RIDGE = 1e-6  # share of the mean variance that is added to each: windows of few users have no full covariance
_N_BEFORE = 4  # features before the SNRs in `status_features`: position and velocity


def draw_reports(
    n_users: int, n_slots: int, lost_share: float, *, rng: np.random.Generator
) -> Bool[np.ndarray, "user slot"]:
    """Lose each report by chance, and give every user who lost all of them one back.

    Raises:
        ValueError: A share outside [0, 1].
    """
    require(0 <= lost_share <= 1, "lost_share", "lie in [0, 1]", lost_share, "0.3 loses three of ten")
    is_collected = rng.random((n_users, n_slots)) >= lost_share
    spare = rng.integers(n_slots, size=n_users)
    has_none = ~is_collected.any(axis=1)
    is_collected[has_none, spare[has_none]] = True
    return is_collected


def linear_fill(
    window: Float[np.ndarray, "user slot feature"], is_collected: Bool[np.ndarray, "user _"]
) -> Float[np.ndarray, "user slot feature"]:
    """Put straight lines between reports; values that were not collected are not looked at.

    Raises:
        ValueError: A mask of another shape, or a user without a report.
    """
    _check(window, is_collected)
    n_slots = window.shape[1]
    user, slot = np.arange(len(window))[:, None], np.arange(n_slots)
    before = np.maximum.accumulate(np.where(is_collected, slot, -1), axis=1)
    after = np.minimum.accumulate(np.where(is_collected, slot, n_slots)[:, ::-1], axis=1)[:, ::-1]
    low, high = np.where(before < 0, after, before), np.where(after == n_slots, before, after)
    share = ((slot - low) / np.maximum(high - low, 1))[..., None]
    return (1 - share) * window[user, low] + share * window[user, high]


@dataclass(frozen=True, kw_only=True)
class GaussianConditional:
    """Fills a window by the mean of a Gaussian given its reports.

    With o the entries that were collected and u the others,

        E[x_u | x_o] = mean_u + C_uo C_oo^-1 (x_o - mean_o)

    which is the best linear estimate of any law with this mean and covariance.
    """

    mean: Float[np.ndarray, "slot feature"]
    covariance: Float[np.ndarray, "coordinate coordinate"]  # of whole windows, slot after slot

    @classmethod
    def fit(cls, windows: Float[np.ndarray, "user slot feature"]) -> "GaussianConditional":
        """Take mean and covariance of windows in which every report came.

        Raises:
            ValueError: Fewer than two windows, or one that is not finite.
        """
        require(len(windows) >= 2, "windows", "hold two users or more", len(windows), "sample more")
        is_finite = bool(np.isfinite(windows).all())
        require(is_finite, "windows", "be finite", "NaN or infinity", "learn from windows without a gap")
        flat = windows.reshape(len(windows), -1)
        covariance = np.atleast_2d(np.cov(flat, rowvar=False))
        # Each entry by its own scale, so that units do not matter.
        return cls(mean=windows.mean(axis=0), covariance=covariance + _RIDGE * np.diag(np.diag(covariance) + 1e-9))

    def fill(
        self, window: Float[np.ndarray, "user slot feature"], is_collected: Bool[np.ndarray, "user _"]
    ) -> Float[np.ndarray, "user slot feature"]:
        """Keep the reports, and put the conditional mean into every other slot.

        Raises:
            ValueError: A window of other sizes, a mask of another shape, or a user without a report.
        """
        _check(window, is_collected)
        found, wanted = window.shape[1:], self.mean.shape
        require(found == wanted, "window", f"have slots and features {wanted}", found, "fit on windows of its size")
        kept = np.where(is_collected[..., None], window, self.mean)
        covariance = torch.from_numpy(self.covariance)
        is_seen = torch.from_numpy(is_collected).repeat_interleave(wanted[1], dim=1).to(covariance)
        difference = torch.from_numpy((kept - self.mean).reshape(len(window), -1)).to(covariance)
        parts = zip(is_seen.split(_BATCH), difference.split(_BATCH), strict=True)
        # Rows and columns that were not seen become those of the identity: one solve for all patterns of reports.
        moved = [
            torch.linalg.solve(
                seen[:, :, None] * covariance * seen[:, None, :] + torch.diag_embed(1 - seen), each[..., None]
            )[..., 0]
            @ covariance
            for seen, each in parts
        ]
        mean = self.mean + torch.cat(moved).numpy().reshape(window.shape)
        return np.where(is_collected[..., None], window, mean)


def fill_snr(
    filled: Float[np.ndarray, "user slot feature"], is_collected: Bool[np.ndarray, "user _"], topology: Topology
) -> Float[np.ndarray, "user slot feature"]:
    """Keep the filled positions, and replace the SNR of lost slots by what the law and the reports say along them.

    Args:
        filled: Rows of `status_windows.status_features`, filled by either rule.
        is_collected: Which slots were not filled.
        topology: Campus and access points.
    """
    _check(filled, is_collected)
    smoothed = smooth_snr(filled[..., _N_BEFORE:], is_collected, filled[..., :2], topology)
    result = filled.copy()
    result[..., _N_BEFORE:] = np.where(is_collected[..., None], filled[..., _N_BEFORE:], smoothed.mean)
    return result


def _check(window: Float[np.ndarray, "user slot feature"], is_collected: Bool[np.ndarray, "user _"]) -> None:
    rule = f"have shape {window.shape[:2]}"
    require(is_collected.shape == window.shape[:2], "is_collected", rule, is_collected.shape, "one entry per slot")
    n_lost = int((~is_collected.any(axis=1)).sum())
    require(n_lost == 0, "is_collected", "hold a report of every user", f"{n_lost} without", "leave those users out")
    is_finite = bool(np.isfinite(window[is_collected]).all())
    require(is_finite, "window", "be finite where it was collected", "NaN or infinity", "mark those slots as lost")
