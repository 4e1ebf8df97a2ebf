"""A code of every sub-multicast group (SMG) and how sure it is: the variational autoencoder inside the twin.

"Data feature abstraction module is responsible for distilling useful information from network status" (the paper, Digital
Twin), and "VAE can encode the high-dimensional DT status data into a low-dimensional representation" (the paper, GAI-Based
Feature Abstraction). The encoder reads the last slots of each user, with a mask of what was collected, and returns a mean
and a width for each latent. Whether the width grows with the age of the status depends on how the encoder was trained
(`latent_training`), and whether it says more than the age is measured in `recipes.latent_widths`.

Positions and SNRs are those *relative to the last report*, so that a code is not spent on where on the campus a user is: that
the status says better. An SMG is sent to at the rate of its worst member, so its code is that of the member who sets the rate,
the reachable one with the lowest believed SNR. A mean over members would dilute what that one member's report is worth. An SMG
without such a member gets the prior: mean 0, width 1. (All of it is our choice; the paper gives none.)
"""

from copy import deepcopy
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import require
from gdt_tutorial.gai.vae import VariationalAutoencoder
from gdt_tutorial.physical.link_adaptation import LinkAdaptation
from gdt_tutorial.physical.messages import NOT_SERVED
from gdt_tutorial.twin.abstraction.features import FeatureAbstractor, Features
from gdt_tutorial.twin.abstraction.status_windows import status_features
from gdt_tutorial.twin.observation import MEMORY_SLOTS, Observation
from gdt_tutorial.twin.status import StatusWindow

__all__ = ["LatentAbstractor", "RelativeWindow", "encode_users", "rate_setter", "relative_window"]

_N_XY = 2


class RelativeWindow(NamedTuple):
    """Windows of the status with positions and SNRs counted from each user's last report."""

    values: Float[np.ndarray, "batch user slot feature"]  # as `status_features`, less the last report; 0 where none
    is_collected: Bool[np.ndarray, "batch user slot feature"]
    last: Float[np.ndarray, "batch user feature"]  # what was taken off: position and SNR of the last report, velocity 0


def relative_window(window: StatusWindow) -> RelativeWindow:
    """Count positions and SNRs from each user's last report, and leave out what was not collected.

    Who has no report in the window, as happens late in a rollout, keeps a row of zeros with a mask that is false.
    """
    values, n_aps = status_features(window), window.snr_db.shape[-1]
    behavior, networking = window.is_behavior_collected[..., None], window.is_networking_collected[..., None]
    mask = np.concatenate([behavior.repeat(2 * _N_XY, axis=-1), networking.repeat(n_aps, axis=-1)], axis=-1)
    newest = mask.shape[2] - 1 - mask[:, :, ::-1].argmax(axis=2)  # of each feature; any slot where there is none
    last = np.take_along_axis(values, newest[:, :, None], axis=2)[:, :, 0]
    last[..., _N_XY : 2 * _N_XY] = 0.0
    return RelativeWindow(np.where(mask, values - last[:, :, None], 0.0), mask, last)


def encode_users(
    vae: VariationalAutoencoder, window: StatusWindow
) -> tuple[Float[np.ndarray, "batch user latent"], Float[np.ndarray, "batch user latent"]]:
    """Return every user's latents and their widths; without a report in the window the prior, 0 and 1.

    Raises:
        ValueError: A window of other sizes than the network's.
    """
    relative = relative_window(window)
    found, wanted = relative.values.shape[2:], (vae.n_slots, vae.n_features)
    require(found == wanted, "window", f"have {wanted} slots and features", found, "train the network on such windows")
    shape = (*relative.values.shape[:2], vae.config.n_latent)
    latent, std = np.zeros(shape), np.ones(shape)
    is_known = relative.is_collected.any(axis=(2, 3))
    if is_known.any():
        latent[is_known], std[is_known] = vae.abstract(relative.values[is_known], relative.is_collected[is_known])
    return latent, std


def rate_setter(
    features: Features, snr_db: Float[np.ndarray, "batch user ap"], link: LinkAdaptation
) -> Int[np.ndarray, "batch subgroup"]:
    """Return the member of each SMG who sets its rate, the reachable one with the lowest SNR; `NOT_SERVED` where none."""
    env = np.arange(len(snr_db))[:, None]
    own_ap = features.ap[env, features.subgroup]  # meaningless where NOT_SERVED
    own_db = np.take_along_axis(snr_db, own_ap[..., None], axis=-1)[..., 0]
    is_reachable = (features.subgroup != NOT_SERVED) & (link.spectral_efficiency(own_db) > 0)
    order = np.argsort(-own_db, axis=-1, kind="stable")  # the lowest comes last, and what is written last stays
    row, place = np.nonzero(np.take_along_axis(is_reachable, order, axis=-1))
    user = order[row, place]
    setter = np.full(features.ap.shape, NOT_SERVED)
    setter[row, features.subgroup[row, user]] = user
    return setter


class LatentAbstractor:
    """Adds to the features of another abstractor a code of each SMG, and its width (a `FeatureAbstractor`).

    Memory is in what is seen, so a slot of a rollout is encoded as a real one: nothing in it was collected, and widths grow.

    Args:
        abstractor: Makes the other features.
        vae: Trained on `relative_window`s of `MEMORY_SLOTS` slots.
        link: Says who can be reached.

    Raises:
        ValueError: A network for windows of another length.
    """

    def __init__(self, abstractor: FeatureAbstractor, vae: VariationalAutoencoder, link: LinkAdaptation) -> None:
        rule, remedy = f"read {MEMORY_SLOTS} slots, as an observation holds", "train it on windows of this length"
        require(vae.n_slots == MEMORY_SLOTS, "vae", rule, vae.n_slots, remedy)
        # Double precision: a row of a batch comes out the same whatever stands beside it.
        self.abstractor, self.vae, self.link = abstractor, deepcopy(vae).double(), link

    def abstract(self, seen: Observation) -> Features:
        """Encode the window of every user, and give each SMG the code of the member who sets its rate."""
        features = self.abstractor.abstract(seen)
        latent, std = encode_users(self.vae, seen.window)
        setter = rate_setter(features, seen.status.networking.snr_db, self.link)
        env, has_one = np.arange(len(setter))[:, None], (setter != NOT_SERVED)[..., None]
        return replace(
            features,
            latent=np.where(has_one, latent[env, setter], 0.0),
            latent_std=np.where(has_one, std[env, setter], 1.0),
        )
