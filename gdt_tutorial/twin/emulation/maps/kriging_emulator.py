"""Status from kriging: the mean map of a scene, corrected by all reports of the window, without any draw.

The strong plain rule beside `MapEmulator`. There a report of one user moves the draws and thereby the whole map; here it moves
the map around its place, with the Gaussian law of `kriging`. Both correct a map by what was reported; a Gaussian does not know
that a roof which is lower than expected is lower for everybody behind it.

An uncertain place x counts as farther from a report at P: the correlation is exp(-sqrt(|x - P|^2 + std^2) / D).
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.linalg import cho_factor, cho_solve

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.channel import ChannelConfig, budget_db
from gdt_tutorial.physical.scenes.scene import Scene
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, StatusEmulator
from gdt_tutorial.twin.emulation.paths import sample_residual_db
from gdt_tutorial.twin.status import StatusWindow

__all__ = ["KrigingEmulator"]


@dataclass(frozen=True, kw_only=True, eq=False)
class KrigingEmulator:
    """Continues positions as another emulator does, and kriges the channel there (a `StatusEmulator`).

    Attributes:
        positions: Says where users go; what it says of SNR is dropped.
        topology: Powers and bands.
        scene: Its footprints and masts are read, its heights are not.
        loss_db: Mean map.
        std_db: Spread of the truth around it.
        correlation_m: D.
        fading_std_db: Spread of fading in a slot.
        channel: Noise.

    Raises:
        ValueError: Maps of another shape than the scene's.
    """

    positions: StatusEmulator
    topology: Topology
    scene: Scene
    loss_db: Float[np.ndarray, "ap y x"]
    std_db: Float[np.ndarray, "ap y x"]
    correlation_m: float = 80.0  # chosen among 10 to 160 on twelve scenes, with a ray table as the mean
    fading_std_db: float = 1.1
    channel: ChannelConfig = ChannelConfig()

    def __post_init__(self) -> None:
        for name in ("loss_db", "std_db"):
            shape, expected = getattr(self, name).shape, (self.scene.n_aps, *self.scene.shape)
            require(shape == expected, name, f"have the shape {expected}", shape, "pass a map of each access point")

    def emulate(
        self, window: StatusWindow, n_slots: int, *, n_samples: int = 0, rng: np.random.Generator | None = None
    ) -> EmulatedStatus:
        """Emulate positions, then krige the channel there.

        Raises:
            ValueError: What the emulator of positions raises.
        """
        said = self.positions.emulate(window, n_slots, n_samples=n_samples, rng=rng)
        spread_m = np.linalg.norm(said.position_std_m, axis=-1)
        mean_db, std_db = self._krige(window, said.position_m, spread_m)
        moments = replace(said, snr_db=mean_db, snr_std_db=np.sqrt(std_db**2 + self.fading_std_db**2))
        if n_samples == 0:
            return moments
        assert rng is not None  # the emulator of positions has seen to it
        path_m = said.position_sample_m
        path_db, path_std_db = self._krige(window, path_m, np.zeros(path_m.shape[:-1]))
        along_m = path_m.swapaxes(0, 1)
        error = sample_residual_db(
            along_m[0, :, :, 0],
            np.zeros((*along_m.shape[1:3], self.scene.n_aps)),
            along_m,
            correlation_m=self.correlation_m,
            start_std_db=1.0,
            lasting_std_db=1.0,
            fading_std_db=0.0,
            rng=rng,
        ).swapaxes(0, 1)
        fading_db = self.fading_std_db * rng.standard_normal(path_db.shape)
        return replace(moments, snr_sample_db=path_db + path_std_db * error + fading_db)

    def _krige(
        self,
        window: StatusWindow,
        position_m: Float[np.ndarray, "batch *rest xy"],
        spread_m: Float[np.ndarray, "batch *rest"],  # noqa: F821
    ) -> tuple[Float[np.ndarray, "batch *rest ap"], Float[np.ndarray, "batch *rest ap"]]:
        """Return mean and spread of the mean SNR at places, given all reports, one environment after another."""
        rest, found = spread_m.shape[1:], []
        for env, (place_m, off_m) in enumerate(zip(position_m, spread_m, strict=True)):
            is_seen = window.is_networking_collected[env]
            report_m, reported_db = window.position_m[env][is_seen], window.snr_db[env][is_seen]
            found.append(self._krige_here(place_m.reshape(-1, 2), off_m.ravel(), report_m, reported_db))
        mean_db, std_db = (np.stack(each).reshape(len(found), *rest, -1) for each in zip(*found, strict=True))
        return mean_db, std_db

    def _krige_here(
        self, place_m: np.ndarray, off_m: np.ndarray, report_m: np.ndarray, reported_db: np.ndarray
    ) -> tuple[Float[np.ndarray, "point ap"], Float[np.ndarray, "point ap"]]:
        (mean_db, std_db), (at_db, at_std_db) = self._prior(place_m), self._prior(report_m)
        square_m2 = ((place_m[:, None] - report_m) ** 2).sum(axis=-1) + off_m[:, None] ** 2
        across = np.exp(-np.sqrt(square_m2) / self.correlation_m)
        among = np.exp(-np.linalg.norm(report_m[:, None] - report_m, axis=-1) / self.correlation_m)
        for ap, (prior_db, at) in enumerate(zip(std_db.T.copy(), at_std_db.T, strict=True)):
            covariance = prior_db[:, None] * at * across
            factor = cho_factor(np.outer(at, at) * among + self.fading_std_db**2 * np.eye(len(at)))
            mean_db[:, ap] += covariance @ cho_solve(factor, (reported_db - at_db)[:, ap])
            explained = (covariance * cho_solve(factor, covariance.T).T).sum(axis=-1)
            std_db[:, ap] = np.sqrt(np.maximum(prior_db**2 - explained, 0.0))
        return mean_db, std_db

    def _prior(
        self, place_m: Float[np.ndarray, "point xy"]
    ) -> tuple[Float[np.ndarray, "point ap"], Float[np.ndarray, "point ap"]]:
        inside_m = np.clip(place_m, *self.scene.box_m)
        loss_db, std_db = (self.scene.at(each.astype(float), inside_m).T for each in (self.loss_db, self.std_db))
        return budget_db(self.topology, self.channel) - loss_db, std_db
