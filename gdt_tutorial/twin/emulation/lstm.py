"""The trained emulator: a long short-term memory (LSTM) that says how long legs and pauses go on.

"The status emulation module relies on the prediction-based algorithms, such as long short-term memory (LSTM) and
recurrent neural network (RNN)" (the paper, Digital Twin); "the well-trained LSTM model is used to emulate users'
trajectories" (its case study). The paper gives neither sizes nor inputs. One layer of 64 cells reads the window slot by slot
and says, for every next slot,

    displacement since the last report ~ Gaussian(share * velocity * elapsed, std^2),   share in (0, 1)

so it learns what can be learned of a Levy flight: whether the leg or pause that was last reported is still going on. It
cannot know the next heading, which is uniform on the circle; a share below 1 is the price of that. Slots without a
report enter as zeros and their age alone, hence several slots ahead are one pass, and the standard deviation is that of
the whole displacement rather than a sum of steps whose errors hang together. Walls reflect, so they are no input.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gdt_tutorial.checkpoints import load, save
from gdt_tutorial.configuration import parameter, require
from gdt_tutorial.physical.channel import ChannelConfig
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.emulation.emulator import MIN_STD_M, EmulatedStatus, with_snr
from gdt_tutorial.twin.emulation.paths import reflect
from gdt_tutorial.twin.emulation.snr import SnrEmulationConfig
from gdt_tutorial.twin.status import StatusWindow, last_collected

__all__ = ["N_FEATURES", "LstmEmulator", "Reading", "TrajectoryNetwork", "read_walks"]

N_FEATURES = 8
_WALKING_MPS = 1.5  # brings speeds to about one
_SAME_M, _SAME_MPS = 0.2, 0.05  # two reports of one leg or pause agree to less than this


class Reading(NamedTuple):
    """A walk as the network gets it; entries are for the slot after the one that they stand at."""

    features: Float[np.ndarray, "user slot feature"]
    anchor_m: Float[np.ndarray, "user slot xy"]  # position in the last report
    leg_m: Float[np.ndarray, "user slot xy"]  # displacement since then if nothing changed
    elapsed_s: Float[np.ndarray, "user slot"]  # since then
    is_known: Bool[np.ndarray, "user slot"]  # whether there has been a report


def read_walks(
    position_m: Float[np.ndarray, "user slot xy"],
    velocity_mps: Float[np.ndarray, "user slot xy"],
    is_collected: Bool[np.ndarray, "user slot"],
    slot_s: float,
) -> Reading:
    """Turn reports into the inputs of the network; values that were not collected are not looked at."""
    user, slot = np.arange(len(position_m))[:, None], np.arange(position_m.shape[1])
    last = np.maximum.accumulate(np.where(is_collected, slot, -1), axis=1)
    before = np.concatenate([np.full_like(last[:, :1], -1), last[:, :-1]], axis=1)
    is_known, is_second = last >= 0, is_collected & (before >= 0)

    # 1. Between two reports: the mean velocity, seen along and across the present heading.
    gap_s = np.where(is_second, (slot - before) * slot_s, slot_s)
    moved_m = np.where(is_second[..., None], position_m - position_m[user, before], 0.0)
    speed_mps = np.linalg.norm(velocity_mps, axis=-1)
    heading = velocity_mps / np.maximum(speed_mps, 1e-9)[..., None]
    along_mps = (moved_m * heading).sum(axis=-1) / gap_s
    across_mps = np.sqrt(np.maximum((moved_m**2).sum(axis=-1) / gap_s**2 - along_mps**2, 0.0))

    # 2. How long the reports have agreed with one leg or one pause: the longer, the longer it will go on.
    expected_m = velocity_mps * gap_s[..., None]
    is_same = is_second & (np.abs(moved_m - expected_m).max(axis=-1) < _SAME_M)
    is_same &= np.abs(velocity_mps - velocity_mps[user, before]).max(axis=-1) < _SAME_MPS
    start = np.maximum.accumulate(np.where(is_collected & ~is_same, slot, 0), axis=1)

    features = np.stack(
        [
            is_collected,
            _log_scale(np.where(is_known, slot - last, 0)),
            is_collected * speed_mps / _WALKING_MPS,
            is_second,
            is_second * _log_scale(gap_s / slot_s),
            is_second * along_mps / _WALKING_MPS,
            is_second * across_mps / _WALKING_MPS,
            is_second * _log_scale((slot - start) * slot_s),
        ],
        axis=-1,
    )
    elapsed_s = (slot + 1 - last) * slot_s
    leg_m = velocity_mps[user, last] * elapsed_s[..., None]
    return Reading(features.astype(np.float32), position_m[user, last], leg_m, elapsed_s, is_known)


class TrajectoryNetwork(nn.Module):
    """A recurrent layer over the slots of a window, and a linear readout of share and standard deviation.

    Args:
        n_hidden: Cells of the layer.
        cell: Class of the layer: `nn.LSTM`, or `nn.RNN` for the plain network whose memory has no gates.
    """

    std_scale: Tensor

    def __init__(self, n_hidden: int = 64, cell: type[nn.LSTM] | type[nn.RNN] = nn.LSTM) -> None:
        super().__init__()
        self.lstm = cell(N_FEATURES, n_hidden, batch_first=True)  # called so in checkpoints, whatever its class
        self.readout = nn.Linear(n_hidden, 2)
        self.register_buffer("std_scale", torch.ones(()))  # set after training, by calibration

    def forward(
        self, features: Float[Tensor, "user slot feature"], elapsed_s: Float[Tensor, "user slot"]
    ) -> tuple[Float[Tensor, "user slot"], Float[Tensor, "user slot"]]:
        """Return the share of the leg that is walked, and the standard deviation per coordinate in meters."""
        hidden, _ = self.lstm(features)
        share_logit, width = self.readout(hidden).unbind(dim=-1)
        std_m = self.std_scale * nn.functional.softplus(width) * elapsed_s.sqrt() + MIN_STD_M
        return torch.sigmoid(share_logit), std_m


@dataclass(frozen=True, kw_only=True)
class LstmEmulator:
    """Emulates positions with a trained `TrajectoryNetwork`, and the SNR that belongs to them."""

    network: TrajectoryNetwork
    topology: Topology
    slot_s: float = parameter(2.0, "Length of a slot, the same as in training.", "as NetworkConfig.slot_s")
    channel: ChannelConfig = ChannelConfig()
    snr: SnrEmulationConfig = SnrEmulationConfig()

    def emulate(
        self, window: StatusWindow, n_slots: int, *, n_samples: int = 0, rng: np.random.Generator | None = None
    ) -> EmulatedStatus:
        """Continue the window; the slots to come enter the network as slots without a report."""
        require(n_slots > 0, "n_slots", "be above 0", n_slots, "emulate at least one slot")
        last_collected(window.is_behavior_collected)  # raises when a user was never collected
        shape = window.position_m.shape[:2]
        reading = read_walks(
            _append_slots(window.position_m, n_slots - 1),
            _append_slots(window.velocity_mps, n_slots - 1),
            _append_slots(window.is_behavior_collected, n_slots - 1),
            self.slot_s,
        )
        position_m, std_m = self.predict(reading)
        position_m = position_m[:, -n_slots:].reshape(*shape, n_slots, 2)
        std_m = std_m[:, -n_slots:].reshape(*shape, n_slots, 1).repeat(2, axis=-1)
        topology, channel, snr = self.topology, self.channel, self.snr
        return with_snr(window, position_m, std_m, topology, channel, snr, n_samples=n_samples, rng=rng)

    @torch.no_grad()
    def predict(self, reading: Reading) -> tuple[Float[np.ndarray, "user slot xy"], Float[np.ndarray, "user slot"]]:
        """Return the position in the slot after each one, and its standard deviation per coordinate."""
        features, elapsed_s = torch.from_numpy(reading.features), torch.from_numpy(reading.elapsed_s).float()
        share, std_m = (output.numpy().astype(np.float64) for output in self.network(features, elapsed_s))
        return reflect(reading.anchor_m + share[..., None] * reading.leg_m, self.topology.campus), std_m

    def save(self, path: str | Path) -> None:
        """Write the trained network as a safetensors file."""
        save(self.network, path, {"n_hidden": self.network.lstm.hidden_size, "slot_s": self.slot_s})

    @classmethod
    def load(
        cls, path: str | Path, topology: Topology, *, cell: type[nn.LSTM] | type[nn.RNN] = nn.LSTM
    ) -> "LstmEmulator":
        """Read what `save` wrote, of a network of the same cell.

        Raises:
            ValueError: As `checkpoints.load`.
        """
        network, config = load(path, lambda config: TrajectoryNetwork(config["n_hidden"], cell))
        return cls(network=network, topology=topology, slot_s=config["slot_s"])


def _log_scale(values: np.ndarray) -> np.ndarray:
    return np.log1p(values) / 3


def _append_slots(values: np.ndarray, n_slots: int) -> np.ndarray:
    """Merge environments and users, and append slots without a report."""
    flat = values.reshape(-1, *values.shape[2:])
    return np.concatenate([flat, np.zeros_like(flat[:, :1]).repeat(n_slots, axis=1)], axis=1)
