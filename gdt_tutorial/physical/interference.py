"""Interference between access points (APs) on one band, and what it buys to mute some of them for a part of a slot.

Fig. 1 of the paper has several APs side by side; whether they share a band it does not say. Where they do, a user hears its
own AP through the others:

    SINR of user u and AP a  =  snr[u, a] / (1 + sum of snr[u, k] over the other APs k of a's band that send)          (linear)

An AP that is not muted counts as sending, at full power and for the whole part, whether its schedule fills it or not: that is
the worst case, and what a twin can rely on. Handover stays by SNR, since a phone measures the received power of each AP on
signals of its own.

3GPP calls a muted part of the time an *almost-blank subframe* (TS 36.300, section 16.1.5; "almost", because control signals
go on; ours are blank). A slot has parts of equal length, and a *muting bitmap* says for each AP in which of them it is silent.

Who is left out of a stream? Whoever its AP would not reach if all others were silent, as on a band without rivals. Interference
leaves nobody out: in a part in which one such member cannot decode even the lowest scheme, the stream stands still. So nobody
loses a piece out of the middle of a segment, and it never pays to shout a member down. This reading is ours.
"""

from itertools import product
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import require
from gdt_tutorial.units import db_to_linear, linear_to_db

__all__ = [
    "MAX_PATTERN_APS",
    "RateLaw",
    "all_patterns",
    "part_efficiency",
    "pattern_efficiency",
    "pattern_number",
    "shares_band",
    "sinr_db",
]

MAX_PATTERN_APS = 10  # 1024 patterns


@runtime_checkable
class RateLaw(Protocol):
    """Anything that makes rates of SINRs, such as `LinkAdaptation`."""

    def spectral_efficiency(self, snr_db: np.ndarray) -> np.ndarray:
        """Return bit/s/Hz for each SINR."""
        ...


def shares_band(band: Int[np.ndarray, " ap"] | None) -> bool:
    """Say whether any two APs are on one band; None is a band for each."""
    return band is not None and len(np.unique(band)) < len(band)


def sinr_db(
    snr_db: Float[np.ndarray, "batch user ap"], is_on: Bool[np.ndarray, "batch ap"], band: Int[np.ndarray, " ap"]
) -> Float[np.ndarray, "batch user ap"]:
    """Return the SINR of each user to each AP, if the APs that are on send: for a muted one, what it would have."""
    is_rival = (band[:, None] == band) & ~np.eye(len(band), dtype=bool)
    disturbance = (db_to_linear(snr_db) * is_on[:, None]) @ is_rival.astype(snr_db.dtype)
    return snr_db - linear_to_db(1 + disturbance)


def pattern_number(is_on: Bool[np.ndarray, "*candidate batch ap part"]) -> Int[np.ndarray, "*candidate batch part"]:
    """Return the number of each part's pattern, as `all_patterns` counts."""
    return np.einsum("...ap,a->...p", is_on.astype(np.int64), 2 ** np.arange(is_on.shape[-2])[::-1])


def part_efficiency(
    snr_db: Float[np.ndarray, "batch user ap"],
    is_muted: Bool[np.ndarray, "batch _ _"],
    band: Int[np.ndarray, " ap"] | None,
    link: RateLaw,
) -> Float[np.ndarray, "batch user ap part"] | None:
    """Return what each user can decode from each AP in each part of a slot, in bit/s/Hz, and 0 where the AP is muted.

    Args:
        snr_db: Of each user to each AP.
        is_muted: The bitmap; of width 0 all send, in a slot of one part.
        band: Of each AP; None is a band for each.
        link: From SINR to rate.

    Returns:
        None where nobody mutes and no two APs share a band: then the rates at the SNR hold for the whole slot.
    """
    if is_muted.shape[2] == 0 and not shares_band(band):
        return None
    n_batch, n_aps = len(snr_db), snr_db.shape[2]
    band = np.arange(n_aps) if band is None else band
    is_on = ~is_muted if is_muted.shape[2] else np.ones((n_batch, n_aps, 1), dtype=bool)
    parts = [link.spectral_efficiency(sinr_db(snr_db, on, band)) * on[:, None] for on in np.moveaxis(is_on, 2, 0)]
    return np.stack(parts, axis=-1)


def all_patterns(n_aps: int) -> Bool[np.ndarray, "pattern ap"]:
    """Return all ways to switch APs on; the number of a pattern is binary, AP 0 first: none is on in 0, all in the last.

    Raises:
        ValueError: More APs than can be counted.
    """
    remedy = "share a band among fewer APs, or judge each bitmap by itself"
    require(n_aps <= MAX_PATTERN_APS, "n_aps", f"be at most {MAX_PATTERN_APS}", n_aps, remedy)
    return np.array(list(product((False, True), repeat=n_aps)))


def pattern_efficiency(
    snr_db: Float[np.ndarray, "batch user ap"],
    ap: Int[np.ndarray, "batch user"],
    band: Int[np.ndarray, " ap"],
    link: RateLaw,
) -> Float[np.ndarray, "batch user pattern"]:
    """Return what each user can decode from one AP under every on/off pattern, in bit/s/Hz; 0 where that AP is off.

    Raises:
        ValueError: As `all_patterns`.
    """
    pattern = all_patterns(snr_db.shape[2])
    is_rival = (band[ap][..., None] == band) & (ap[..., None] != np.arange(len(band)))
    disturbance = (db_to_linear(snr_db) * is_rival) @ pattern.T.astype(snr_db.dtype)
    own_db = np.take_along_axis(snr_db, ap[..., None], axis=2)
    return link.spectral_efficiency(own_db - linear_to_db(1 + disturbance)) * pattern.T[ap]
