"""Status emulation: say what the network looks like where and when nothing was collected.

"The status emulation module relies on the prediction-based algorithms, such as long short-term memory (LSTM) and
recurrent neural network (RNN), to predict future network status" (the paper, Digital Twin). A `StatusEmulator` is
anything that continues a window of past status by some slots, and that says how sure it is. Emulators predict positions;
the SNR follows from them in `snr`.
"""

from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.batch import repeated
from gdt_tutorial.physical.channel import ChannelConfig
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.emulation.paths import sample_positions_m, sample_snr_db
from gdt_tutorial.twin.emulation.snr import SnrEmulationConfig, emulate_snr
from gdt_tutorial.twin.status import StatusWindow

__all__ = ["MIN_STD_M", "EmulatedStatus", "MeanPath", "StatusEmulator", "known", "with_snr"]


NO_SAMPLES = np.zeros((0, 0, 0, 0, 0))
MIN_STD_M = 0.05  # nobody is certain of a position to less than this, and an entropy needs a positive width


@dataclass(frozen=True, kw_only=True)
class EmulatedStatus:
    """What an emulator says about the slots after its window: mean and spread of every position and SNR, and whole paths.

    A mean is enough for one user in one slot. The worst of several users is worse than the worst of their means, and whether a
    user changes its access point depends on the way from slot to slot: that takes samples of whole paths.
    """

    position_m: Float[np.ndarray, "batch user slot xy"]
    position_std_m: Float[np.ndarray, "batch user slot xy"]
    snr_db: Float[np.ndarray, "batch user slot ap"]
    snr_std_db: Float[np.ndarray, "batch user slot ap"]
    # Joint draws over all slots; none where none were asked for.
    position_sample_m: Float[np.ndarray, "batch sample user slot xy"] = field(default_factory=lambda: NO_SAMPLES)
    snr_sample_db: Float[np.ndarray, "batch sample user slot ap"] = field(default_factory=lambda: NO_SAMPLES)

    def __post_init__(self) -> None:
        for name, like in (("position_sample_m", self.position_m), ("snr_sample_db", self.snr_db)):
            if getattr(self, name) is NO_SAMPLES:
                object.__setattr__(self, name, np.zeros((len(like), 0, *like.shape[1:])))

    def futures(self) -> "EmulatedStatus":
        """Return the sampled paths as that many copies of the environments, copy after copy, each sure of its path.

        Raises:
            ValueError: no samples.
        """
        n_samples = self.snr_sample_db.shape[1]
        require(n_samples > 0, "samples", "be there", 0, "emulate with n_samples=1 or more")
        position_m, snr_db = (
            each.swapaxes(0, 1).reshape(-1, *each.shape[2:]) for each in (self.position_sample_m, self.snr_sample_db)
        )
        std_m, std_db = (repeated(each, n_samples) for each in (self.position_std_m, self.snr_std_db))
        return EmulatedStatus(position_m=position_m, position_std_m=std_m, snr_db=snr_db, snr_std_db=std_db)


def known(
    position_m: Float[np.ndarray, "batch user slot xy"], snr_db: Float[np.ndarray, "batch user slot ap"]
) -> EmulatedStatus:
    """Return a future that is known: no spread."""
    std_m, std_db = np.zeros(position_m.shape), np.zeros(snr_db.shape)
    return EmulatedStatus(position_m=position_m, position_std_m=std_m, snr_db=snr_db, snr_std_db=std_db)


@runtime_checkable
class StatusEmulator(Protocol):
    """Continues a window of past status; the first of the four protocols of the twin."""

    def emulate(
        self, window: StatusWindow, n_slots: int, *, n_samples: int = 0, rng: np.random.Generator | None = None
    ) -> EmulatedStatus:
        """Say what the `n_slots` slots after the window look like, in their order.

        Means and spreads come always; `n_samples` joint paths beside them where asked, drawn from `rng`.
        """
        ...


def with_snr(
    window: StatusWindow,
    position_m: Float[np.ndarray, "batch user slot xy"],
    position_std_m: Float[np.ndarray, "batch user slot xy"],
    topology: Topology,
    channel: ChannelConfig,
    snr: SnrEmulationConfig,
    *,
    n_samples: int = 0,
    rng: np.random.Generator | None = None,
) -> EmulatedStatus:
    """Complete emulated positions by the SNR that belongs to them, and both by whole paths where these are asked for.

    Raises:
        ValueError: a negative number of samples, or samples without a generator.
    """
    require(n_samples >= 0, "n_samples", "be at least 0", n_samples, "0 gives means and spreads alone")
    snr_db, snr_std_db = emulate_snr(window, position_m, position_std_m, topology, channel, snr)
    moments = EmulatedStatus(position_m=position_m, position_std_m=position_std_m, snr_db=snr_db, snr_std_db=snr_std_db)
    if n_samples == 0:
        return moments
    require(
        rng is not None, "rng", "be a generator where samples are asked for", rng, "pass seeding.stream(seed, 'name')"
    )
    assert rng is not None
    path_m = sample_positions_m(position_m, position_std_m, n_samples, topology.campus, rng=rng)
    path_db = sample_snr_db(window, path_m, topology, channel, snr, rng=rng)
    return replace(moments, position_sample_m=path_m.swapaxes(0, 1), snr_sample_db=path_db.swapaxes(0, 1))


@dataclass(frozen=True, kw_only=True)
class MeanPath:
    """An emulator that is sure of its means: every sample of another one becomes its mean (a `StatusEmulator`).

    Validation on it is what a twin without a distribution does.
    """

    emulator: StatusEmulator

    def emulate(
        self, window: StatusWindow, n_slots: int, *, n_samples: int = 0, rng: np.random.Generator | None = None
    ) -> EmulatedStatus:
        """Repeat the means as samples."""
        moments = self.emulator.emulate(window, n_slots)
        path_m, path_db = (np.repeat(each[:, None], n_samples, axis=1) for each in (moments.position_m, moments.snr_db))
        return replace(moments, position_sample_m=path_m, snr_sample_db=path_db)
