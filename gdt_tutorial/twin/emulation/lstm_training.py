"""Train the LSTM emulator on walks, calibrate its uncertainty, and hold it against the baselines.

"Eighty percent of label data is selected as the training sample" (the paper, case study). The split is by walk, not by
window: windows of one walk overlap, and a test on them would flatter. The loss is the negative log-likelihood of a
Gaussian, so the standard deviation is learned too; then one factor makes the squared errors agree with it.

A Levy flight turns without warning. Expect a gain from knowing whether a leg or pause goes on, and no more.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.learning import FitConfig, fit
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import torch_seeded
from gdt_tutorial.twin.emulation.lstm import LstmEmulator, Reading, TrajectoryNetwork, read_walks
from gdt_tutorial.twin.emulation.paths import reflect
from gdt_tutorial.twin.emulation.walks import Walks, collection_pattern

__all__ = ["BOOK", "FULL", "SMOKE", "LstmConfig", "TrainedLstm", "TrajectoryErrors", "compare", "train_lstm"]


@configclass
class LstmConfig:
    """Size and training of the LSTM emulator."""

    n_walks: int = parameter(2400, "Walks to sample for it (Walks.sample takes this number).", "chosen", above=0)
    n_slots: int = parameter(41, "Slots of a walk.", "chosen: window and horizon of twenty each", above=0)
    n_hidden: int = parameter(64, "Cells of the one layer.", "chosen", above=0)
    cell: type[nn.LSTM] | type[nn.RNN] = parameter(nn.LSTM, "Its class; `nn.RNN` has no gates.", "the paper names both")
    train_share: float = parameter(0.8, "Share of the walks that it learns from.", "the paper", above=0, below=1)
    max_period_slots: int = parameter(
        20, "Longest gap between two reports in training.", "chosen, above the loop's 16", above=0
    )
    fit: FitConfig = parameter(
        FitConfig(n_epochs=12, batch_size=64, learning_rate=1e-2, max_gradient_norm=1.0),
        "How it learns; steps of 1e-3 need ten times the epochs.",
        "chosen",
    )


SMOKE = LstmConfig(n_walks=1000, fit=FitConfig(n_epochs=6, batch_size=64, learning_rate=1e-2, max_gradient_norm=1.0))
BOOK = LstmConfig()
FULL = LstmConfig(n_walks=10000, fit=FitConfig(n_epochs=40, batch_size=128, learning_rate=3e-3, max_gradient_norm=1.0))


@dataclass(frozen=True, kw_only=True)
class TrajectoryErrors:
    """Errors on walks that nobody learned from, by the slots since the last report."""

    age_slots: Float[np.ndarray, " age"]  # 1 is the slot after the report
    lstm_m: Float[np.ndarray, " age"]  # root mean square distances
    hold_last_m: Float[np.ndarray, " age"]
    constant_velocity_m: Float[np.ndarray, " age"]
    coverage: float  # share of coordinates within one standard deviation of the LSTM's


class TrainedLstm(NamedTuple):
    """What training gives."""

    emulator: LstmEmulator
    errors: TrajectoryErrors
    train_loss: Float[np.ndarray, " epoch"]
    start: LstmEmulator  # the same network before the first step, to compare with


def train_lstm(
    walks: Walks,
    topology: Topology,
    config: LstmConfig = BOOK,
    *,
    generator: torch.Generator,
    on_epoch: Callable[[int, float], object] | None = None,
) -> TrainedLstm:
    """Learn from the first walks, test on the others.

    Raises:
        ValueError: too few walks for a split.
    """
    n_train = round(config.train_share * len(walks))
    require(0 < n_train < len(walks), "walks", "leave some to train and some to test", len(walks), "pass ten or more")
    rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
    train, test = walks.part(slice(n_train)), walks.part(slice(n_train, None))

    tensors = _tensors(train, config.max_period_slots, topology, rng=rng)
    with torch_seeded(generator):
        network = TrajectoryNetwork(config.n_hidden, config.cell)
    start = LstmEmulator(network=deepcopy(network).eval(), topology=topology, slot_s=walks.slot_s)
    history = fit(network, tensors, _negative_log_likelihood, config.fit, generator=generator, on_epoch=on_epoch)
    _calibrate(network, _tensors(train, config.max_period_slots, topology, rng=rng))
    emulator = LstmEmulator(network=network, topology=topology, slot_s=walks.slot_s)
    errors = compare(emulator, test, config.max_period_slots, rng=rng)
    return TrainedLstm(emulator, errors, history.train_loss, start)


def compare(
    emulator: LstmEmulator, walks: Walks, max_period_slots: int, *, rng: np.random.Generator, max_age_slots: int = 8
) -> TrajectoryErrors:
    """Measure the emulator and both baselines on the same walks and reports."""
    reading, target_m = _read(walks, max_period_slots, rng=rng)
    position_m, std_m = emulator.predict(reading)
    campus = emulator.topology.campus
    predictions = {
        "lstm_m": position_m,
        "hold_last_m": reading.anchor_m,
        "constant_velocity_m": reflect(reading.anchor_m + reading.leg_m, campus),
    }
    age = np.round(reading.elapsed_s / walks.slot_s)
    ages = np.arange(1.0, max_age_slots + 1)
    at_age = [reading.is_known & (age == wanted) for wanted in ages]
    rms_m = {
        name: np.array([_rms_m(predicted[which], target_m[which]) for which in at_age])
        for name, predicted in predictions.items()
    }
    is_within = np.abs(position_m - target_m) < std_m[..., None]
    return TrajectoryErrors(age_slots=ages, coverage=float(is_within[reading.is_known].mean()), **rms_m)


def _read(
    walks: Walks, max_period_slots: int, *, rng: np.random.Generator
) -> tuple[Reading, Float[np.ndarray, "user slot xy"]]:
    """Collect walks irregularly; return what the network reads, and the truth one slot later."""
    position_m, velocity_mps = walks.position_m[:, :-1], walks.velocity_mps[:, :-1]
    n_walks, n_slots, _ = position_m.shape
    is_collected = collection_pattern(n_walks, n_slots, max_period_slots, rng=rng)
    return read_walks(position_m, velocity_mps, is_collected, walks.slot_s), walks.position_m[:, 1:]


def _tensors(walks: Walks, max_period_slots: int, topology: Topology, *, rng: np.random.Generator) -> list[Tensor]:
    """Return features, elapsed time, leg, displacement and weight; legs through a wall have no weight."""
    reading, target_m = _read(walks, max_period_slots, rng=rng)
    is_inside = topology.campus.contains(reading.anchor_m + reading.leg_m)
    weight = (reading.is_known & is_inside).astype(np.float32)
    arrays = (reading.features, reading.elapsed_s, reading.leg_m, target_m - reading.anchor_m, weight)
    return [torch.from_numpy(array).float() for array in arrays]


def _negative_log_likelihood(
    network: TrajectoryNetwork,
    features: Float[Tensor, "user slot feature"],
    elapsed_s: Float[Tensor, "user slot"],
    leg_m: Float[Tensor, "user slot xy"],
    moved_m: Float[Tensor, "user slot xy"],
    weight: Float[Tensor, "user slot"],
) -> Float[Tensor, ""]:
    """Return the mean of 1/2 (error / std)^2 + ln(std) over slots, summed over the coordinates."""
    share, std_m = network(features, elapsed_s)
    square_m2 = ((moved_m - share[..., None] * leg_m) ** 2).sum(dim=-1)
    return (weight * (0.5 * square_m2 / std_m**2 + 2 * std_m.log())).sum() / weight.sum()


@torch.no_grad()
def _calibrate(network: TrajectoryNetwork, tensors: list[Tensor]) -> None:
    """Scale the standard deviation so that squared errors agree with it on the walks of the training."""
    features, elapsed_s, leg_m, moved_m, weight = tensors
    share, std_m = network(features, elapsed_s)
    square = ((moved_m - share[..., None] * leg_m) ** 2).mean(dim=-1) / std_m**2
    network.std_scale.mul_(((weight * square).sum() / weight.sum()).sqrt())


def _rms_m(predicted_m: Float[np.ndarray, "user xy"], true_m: Float[np.ndarray, "user xy"]) -> float:
    return float(np.sqrt(((predicted_m - true_m) ** 2).sum(axis=-1).mean())) if len(true_m) else float("nan")
