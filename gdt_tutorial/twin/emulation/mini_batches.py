"""Mini-batches of the status: random users and windows on which an emulator is judged, and from which it may learn.

"The updated DT status is sampled to a mini-batch that is transferred to GAI to conduct status emulation. Next, the error
discriminator in DT evaluates the quality of newly generated status" (the paper, Procedure of Closed-Loop Network
Management). An entry of a mini-batch is a user, and a slot of the store's window in which that user was collected: the
emulator gets what was known before that slot and says what comes, and the report of the slot says what came. So an emulated
value is never what another one is judged by.

The paper does not say what a mini-batch is for, other than emulation. Here it judges the emulator as a whole, in each round,
and as an option an update (such as `LstmUpdate`) learns from it. The status itself is emulated for all users.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np
import torch
from jaxtyping import Bool, Float

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.twin.emulation.emulator import StatusEmulator
from gdt_tutorial.twin.emulation.lstm import LstmEmulator, read_walks
from gdt_tutorial.twin.status import StatusWindow

__all__ = ["Judgment", "LstmUpdate", "MiniBatch", "MiniBatchConfig", "MiniBatches"]


@configclass
class MiniBatchConfig:
    """What is drawn in each round."""

    n_windows: int = parameter(32, "Users and windows in a mini-batch, at most.", "chosen", above=0)


@dataclass(frozen=True, kw_only=True)
class MiniBatch:
    """Windows that end before a collected slot, one "user" each, and what was collected in that slot."""

    window: StatusWindow
    position_m: Float[np.ndarray, "batch user xy"]
    snr_db: Float[np.ndarray, "batch user ap"]
    is_behavior_collected: Bool[np.ndarray, "batch user"]  # others have no position to be judged by
    is_networking_collected: Bool[np.ndarray, "batch user"]


@dataclass(frozen=True, kw_only=True)
class Judgment:
    """How an emulator did on one mini-batch; NaN for a half without a report."""

    n_windows: int
    position_mse_m2: float  # per coordinate
    snr_mse_db2: float
    position_spread: float  # mean square error over mean variance: 1 where the emulator knows how wrong it is
    snr_spread: float


class MiniBatches:
    """Draws mini-batches from the store's windows, judges the emulator on them, and lets it learn.

    Args:
        config: How much is drawn.
        update: Learns from each mini-batch after it was judged; None leaves the emulator as it is.
        rng: Draws users and windows.
    """

    def __init__(
        self,
        config: MiniBatchConfig = MiniBatchConfig(),
        update: Callable[[MiniBatch], object] | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        self._config, self._update, self._rng = config, update, rng

    def sample(self, window: StatusWindow) -> MiniBatch | None:
        """Draw users and windows without replacement; None where nobody has been collected twice."""
        behavior, networking = window.is_behavior_collected, window.is_networking_collected
        # Both halves must have been collected before, or there is nothing to go on from.
        is_known = np.logical_and(*(np.cumsum(each, axis=-1) - each > 0 for each in (behavior, networking)))
        places = np.argwhere(is_known & (behavior | networking))
        if not len(places):
            return None
        n_drawn = min(self._config.n_windows, len(places))
        env, user, slot = places[self._rng.choice(len(places), n_drawn, replace=False)].T
        return _cut(window, env, user, slot)

    def judge(self, emulator: StatusEmulator, window: StatusWindow) -> Judgment | None:
        """Judge the emulator on one mini-batch, then let it learn from that; None where there is none."""
        batch = self.sample(window)
        if batch is None:
            return None
        emulated, came = emulator.emulate(batch.window, 1), (batch.is_behavior_collected, batch.is_networking_collected)
        position = _score(emulated.position_m, emulated.position_std_m, batch.position_m, came[0])
        snr = _score(emulated.snr_db, emulated.snr_std_db, batch.snr_db, came[1])
        if self._update is not None:
            self._update(batch)
        return Judgment(
            n_windows=came[0].shape[1],
            position_mse_m2=position[0],
            snr_mse_db2=snr[0],
            position_spread=position[1],
            snr_spread=snr[1],
        )


class LstmUpdate:
    """One gradient step of the LSTM emulator on the positions of each mini-batch: online fine-tuning.

    It pays where users walk otherwise than those that the network learned from. Where they do not, it is a little noise.
    It changes the network of the emulator in place; give it a copy where the old one is still needed. Updated networks are
    no longer what their sums say, and a device that runs the emulator must get each update.

    Args:
        emulator: Whose network learns.
        learning_rate: Of Adam.
        max_norm: Longer gradients are cut to this norm; as shipped they stay whole. Where a loop asks those of whom the
            emulator is unsure, most reports confirm it, and a report that contradicts has a very long gradient. Cut, it
            weighs no more than the others, and the emulator becomes ever surer.

    Raises:
        ValueError: a norm that is not positive.
    """

    def __init__(self, emulator: LstmEmulator, learning_rate: float = 3e-4, max_norm: float = inf) -> None:
        require(max_norm > 0, "max_norm", "be above 0", max_norm, "leave it out to keep gradients whole")
        self._emulator, self._max_norm = emulator, max_norm
        self._optimizer = torch.optim.Adam(emulator.network.parameters(), lr=learning_rate)

    def __call__(self, batch: MiniBatch) -> float | None:
        """Take a step on the Gaussian negative log-likelihood, and return it; None where no position was collected."""
        came = batch.is_behavior_collected[0]
        if not came.any():
            return None
        window = batch.window
        position_m, velocity_mps = window.position_m[0, came], window.velocity_mps[0, came]
        reading = read_walks(position_m, velocity_mps, window.is_behavior_collected[0, came], self._emulator.slot_s)
        moved_m = torch.from_numpy(batch.position_m[0, came] - reading.anchor_m[:, -1]).float()
        leg_m = torch.from_numpy(reading.leg_m[:, -1]).float()
        elapsed_s = torch.from_numpy(reading.elapsed_s).float()
        share, std_m = self._emulator.network(torch.from_numpy(reading.features), elapsed_s)
        square_m2 = ((moved_m - share[:, -1:] * leg_m) ** 2).sum(dim=-1)
        loss = (0.5 * square_m2 / std_m[:, -1] ** 2 + 2 * std_m[:, -1].log()).mean()
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._emulator.network.parameters(), self._max_norm)
        self._optimizer.step()
        return float(loss.detach())


def _cut(window: StatusWindow, env: np.ndarray, user: np.ndarray, slot: np.ndarray) -> MiniBatch:
    """Cut windows that end before `slot`; slots before the store's window repeat its oldest, and were not collected."""
    n_slots = window.is_behavior_collected.shape[-1]
    source = slot[:, None] - n_slots + np.arange(n_slots)
    is_real, at = source >= 0, (env[:, None], user[:, None], np.maximum(source, 0))
    masks = ("is_behavior_collected", "is_networking_collected")
    values = ("position_m", "velocity_mps", "snr_db")
    return MiniBatch(
        window=StatusWindow(
            slot=window.slot,
            **{name: getattr(window, name)[at][None] for name in values},
            **{name: (getattr(window, name)[at] & is_real)[None] for name in masks},
        ),
        position_m=window.position_m[env, user, slot][None],
        snr_db=window.snr_db[env, user, slot][None],
        **{name: getattr(window, name)[env, user, slot][None] for name in masks},
    )


def _score(
    mean: Float[np.ndarray, "batch user slot coordinate"],
    std: Float[np.ndarray, "batch user slot coordinate"],
    came: Float[np.ndarray, "batch user coordinate"],
    is_collected: Bool[np.ndarray, "batch user"],
) -> tuple[float, float]:
    """Return the mean square error of what was collected, and its ratio to the mean variance."""
    if not is_collected.any():
        return float("nan"), float("nan")
    mse = float(((mean[:, :, 0] - came)[is_collected] ** 2).mean())
    return mse, mse / float((std[:, :, 0][is_collected] ** 2).mean())
