"""Status from maps: where a user goes is emulated as before, and the channel there is read from drawn maps.

A twin with the statistical law knows the distance of a place and nothing else of it. With maps of a scene, the position tells
the channel. Draws of a `MapMaker` say how sure that is: where all maps agree the twin is sure, and in the shade of a building
whose height nobody knows it is not. All users of an environment stand in the same draw, so the error of a map is shared.

Read at a place x, draw k says l_k(x). With the last report y of a user, made at P, and D the correlation of errors,

    SNR = l_k(x) + g exp(-|x - P| / D) (y - l_k(P)) + c + w,      g = V / (V + F^2)

where V is the variance of the error at P (of the draws, and `lasting_std_db` squared), F that of fading: where all maps agree,
a report tells nothing but its fading. c is what no draw has, with spread `lasting_std_db`, and w is fading. Beyond that, draws
may be weighed by all reports of the window (`tempered_weights`), which moves the twin to the maps that explain them.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from math import inf

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.channel import ChannelConfig, budget_db
from gdt_tutorial.physical.scenes.scene import Scene
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, StatusEmulator
from gdt_tutorial.twin.emulation.maps.sharpening import tempered_weights
from gdt_tutorial.twin.emulation.paths import sample_residual_db
from gdt_tutorial.twin.status import StatusWindow, at_slot, last_collected

__all__ = ["MapEmulator", "MapSnrConfig"]


@configclass
class MapSnrConfig:
    """What the twin assumes beside its maps."""

    correlation_m: float = parameter(
        40.0,
        "Distance over which the error of a map decorrelates to 1/e.",
        "chosen among 5, 10, 20, 40 on twelve scenes",
        above=0,
        below=inf,
    )
    lasting_std_db: float = parameter(
        0.0,
        "Spread of the error that the draws do not have; that of the mean, where there is one map.",
        "0 for draws that differ as truth does",
        at_least=0,
        below=inf,
    )
    fading_std_db: float = parameter(
        1.1, "Spread of fading in a slot.", "16 Rayleigh blocks, the default channel", above=0, below=inf
    )
    report_noise_db: float = parameter(
        6.0,
        "How far a report may lie from a good draw; infinity leaves all draws alike.",
        "chosen: the error of a map; 3 is as good",
        above=0,
    )
    min_effective: float = parameter(4.0, "Draws that keep their weight at least.", "chosen", at_least=1, below=inf)


@dataclass(frozen=True, kw_only=True, eq=False)
class MapEmulator:
    """Continues positions as another emulator does, and reads the channel from maps (a `StatusEmulator`).

    Attributes:
        positions: Says where users go; what it says of SNR is dropped.
        topology: Powers and bands.
        scene: Its footprints and masts are read, its heights are not.
        loss_db: Draws of a `MapMaker`; one alone is a twin that is sure of its map.
        snr: What is assumed beside the maps.
        channel: Noise.

    Raises:
        ValueError: Maps of another shape than the scene's, or masts elsewhere than those of the topology.
    """

    positions: StatusEmulator
    topology: Topology
    scene: Scene
    loss_db: Float[np.ndarray, "draw ap y x"]
    snr: MapSnrConfig = MapSnrConfig()
    channel: ChannelConfig = ChannelConfig()

    def __post_init__(self) -> None:
        rule = f"end in the shape {(self.scene.n_aps, *self.scene.shape)}"
        is_map = len(self.loss_db) > 0 and self.loss_db.shape[1:] == (self.scene.n_aps, *self.scene.shape)
        require(is_map, "loss_db", rule, self.loss_db.shape, "pass draws of a MapMaker for this scene")
        self.scene.check_masts(self.topology.ap_position_m)

    def emulate(
        self, window: StatusWindow, n_slots: int, *, n_samples: int = 0, rng: np.random.Generator | None = None
    ) -> EmulatedStatus:
        """Emulate positions, then read the maps there.

        Raises:
            ValueError: What the emulator of positions raises.
        """
        said = self.positions.emulate(window, n_slots, n_samples=n_samples, rng=rng)
        measured_at, weight = last_collected(window.is_networking_collected), self.weights(window)
        place_m, measured_db = at_slot(window.position_m, measured_at), at_slot(window.snr_db, measured_at)
        # What each draw leaves of the last report, as far as it is an error of the map and not fading.
        left_db = measured_db - self.levels_db(place_m)
        variance = _moments(left_db, weight)[1] ** 2 + self.snr.lasting_std_db**2
        left_db = left_db * variance / (variance + self.snr.fading_std_db**2)

        square_m2 = (said.position_m - place_m[:, :, None]) ** 2 + said.position_std_m**2
        kept = np.exp(-np.sqrt(square_m2.sum(axis=-1)) / self.snr.correlation_m)[..., None]
        mean_db, std_db = _moments(self.levels_db(said.position_m) + kept * left_db[:, :, :, None], weight)
        own_db2 = (1 - kept**2) * self.snr.lasting_std_db**2 + self.snr.fading_std_db**2
        moments = replace(said, snr_db=mean_db, snr_std_db=np.sqrt(std_db**2 + own_db2))
        if n_samples == 0:
            return moments
        assert rng is not None  # the emulator of positions has seen to it
        path_db = self._paths_db(said.position_sample_m, place_m, left_db, weight, rng=rng)
        return replace(moments, snr_sample_db=path_db)

    def weights(self, window: StatusWindow) -> Float[np.ndarray, "draw batch ap"]:
        """Weigh the draws by all reports of the window, in each environment and for each access point."""
        n_batch, n_draws = len(window.position_m), len(self.loss_db)
        shape = (n_draws, n_batch, self.scene.n_aps)
        if self.snr.report_noise_db == inf:
            return np.full(shape, 1 / n_draws)
        env, user, slot = np.nonzero(window.is_networking_collected)
        error_db = window.snr_db[env, user, slot] - self.levels_db(window.position_m[env, user, slot])
        is_of = (env == np.arange(n_batch)[:, None]).astype(float)
        square_db2 = np.einsum("bp,dpa->dba", is_of, error_db**2)
        enough = min(self.snr.min_effective, float(n_draws))
        return tempered_weights(-square_db2 / (2 * self.snr.report_noise_db**2), enough)

    @cached_property
    def _level_db(self) -> Float[np.ndarray, "draw ap y x"]:
        """The mean SNR of each draw, also indoors."""
        budget = budget_db(self.topology, self.channel)[:, None, None]
        return self.scene.spread_indoors(budget - self.loss_db.astype(np.float64))

    def levels_db(self, position_m: Float[np.ndarray, "*shape xy"]) -> Float[np.ndarray, "draw *shape ap"]:
        """Read all draws at positions; outside of the scene as at its border."""
        inside_m = np.clip(position_m, *self.scene.box_m)
        return np.moveaxis(self.scene.between(self._level_db, inside_m), 1, -1)

    def _paths_db(
        self,
        path_m: Float[np.ndarray, "batch sample user slot xy"],
        place_m: Float[np.ndarray, "batch user xy"],
        left_db: Float[np.ndarray, "draw batch user ap"],
        weight: Float[np.ndarray, "draw batch ap"],
        *,
        rng: np.random.Generator,
    ) -> Float[np.ndarray, "batch sample user slot ap"]:
        """Draw a map for each sample and environment, and read it along the sampled paths."""
        n_batch, n_samples = path_m.shape[:2]
        draw = _chosen(weight, rng.random((n_samples, n_batch, 1)))
        env, ap = np.arange(n_batch)[:, None], np.arange(weight.shape[-1])
        start_db = np.moveaxis(left_db, 2, -1)[draw, env, ap].swapaxes(-1, -2)
        along_m = path_m.swapaxes(0, 1)
        row, column, corner_weight = self.scene.corners(np.clip(along_m, *self.scene.box_m))
        level_db = [
            (self._level_db[draw[:, :, each, None, None, None], each, row, column] * corner_weight).sum(axis=-1)
            for each in ap
        ]
        path_db = np.stack(level_db, axis=-1) + sample_residual_db(
            place_m,
            start_db,
            along_m,
            correlation_m=self.snr.correlation_m,
            start_std_db=0.0,
            lasting_std_db=self.snr.lasting_std_db,
            fading_std_db=self.snr.fading_std_db,
            rng=rng,
        )
        return path_db.swapaxes(0, 1)


def _moments(
    level_db: Float[np.ndarray, "draw batch *rest ap"],
    weight: Float[np.ndarray, "draw batch ap"],
) -> tuple[Float[np.ndarray, "batch *rest ap"], Float[np.ndarray, "batch *rest ap"]]:
    """Return weighted mean and standard deviation over draws."""
    shape = (*weight.shape[:2], *[1] * (level_db.ndim - 3), weight.shape[-1])
    weight = weight.reshape(shape)
    mean_db = (weight * level_db).sum(axis=0)
    return mean_db, np.sqrt((weight * (level_db - mean_db) ** 2).sum(axis=0))


def _chosen(
    weight: Float[np.ndarray, "draw batch ap"],
    chance: Float[np.ndarray, "sample batch 1"],
) -> Int[np.ndarray, "sample batch ap"]:
    """Draw by weight; access points share their chance, so draws that belong together stay together where weights agree."""
    total = np.cumsum(weight, axis=0)
    return (total[None] <= chance[:, None] * total[-1]).sum(axis=1).astype(np.int64)
