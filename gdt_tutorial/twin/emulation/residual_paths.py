"""Whole paths of the SNR from residuals of other users: analogues, or a joint Gaussian.

"GDM utilizes the state diffusion method to generate the future state (network status)" (the paper, GAI-Based
Decision-Making). This file has what a generated path has to beat, and the emulator that draws with any of them. An emulator's
mean leaves something out in each coming slot, and what it leaves out in one slot it mostly leaves out in the next. So what is
drawn is the whole *residual path*, SNR minus mean over all coming slots, of one user and one access point:

    sample of the SNR = emulated mean + residual path,     residual path ~ what was left out of users in the same situation

The situation is what the twin knows when it emulates: whether the user walked at its last report, the age of that report, and
mean and spread of the coming slot. Samplers of residual paths, from plain to learned:

    IndependentResiduals   each slot by itself, with the emulator's own spread: no law of paths
    GaussianResiduals      a joint Gaussian for walkers and one for those who stand
    AnalogueResiduals      the path of a random user of the past in the same stratum (walking, age, quintile of the mean)
    DiffusedResiduals      a diffusion model that starts as that Gaussian: `diffused_residuals`

Residuals are taken as independent between users and access points: measured correlations are .003 and .01. Positions keep
their means, spreads and samples from the emulator itself; they are drawn apart from the SNR, which nothing here reads jointly.

Sources: analogues are Lorenz 1969 (J. Atmos. Sci. 26); the samplers and the comparison are ours, the paper has none.
"""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, StatusEmulator
from gdt_tutorial.twin.status import StatusWindow, at_slot, last_collected

__all__ = [
    "AnalogueResiduals",
    "GaussianResiduals",
    "IndependentResiduals",
    "ResidualArchive",
    "ResidualPathEmulator",
    "ResidualSampler",
    "Situation",
    "observe_residuals",
    "paths_of",
    "require_horizon",
]


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What is known of each path when it is emulated: one path is of one user and one access point."""

    is_walking: Float[np.ndarray, " path"]  # 1 for who walked at the last report
    age_slots: Float[np.ndarray, " path"]  # of that report
    mean_db: Float[np.ndarray, "path slot"]  # emulated
    std_db: Float[np.ndarray, "path slot"]

    @classmethod
    def of(cls, window: StatusWindow, emulated: EmulatedStatus) -> "Situation":
        """Read it from a window and what was emulated after it; paths are ordered by environment, user, access point."""
        last = last_collected(window.is_behavior_collected)
        is_walking = (at_slot(window.velocity_mps, last) != 0).any(axis=-1)
        age, n_aps = window.is_behavior_collected.shape[-1] - 1 - last, emulated.snr_db.shape[-1]
        mean_db, std_db = (paths_of(each) for each in (emulated.snr_db, emulated.snr_std_db))
        walking, aged = (each.reshape(-1).repeat(n_aps).astype(float) for each in (is_walking, age))
        return cls(is_walking=walking, age_slots=aged, mean_db=mean_db, std_db=std_db)

    def context(self) -> Float[np.ndarray, "path context"]:
        """Return it as numbers for a network: the first and the last slot stand for the whole mean and spread."""
        ends = [each[:, slot] for each in (self.mean_db, self.std_db) for slot in (0, -1)]
        return np.stack([self.is_walking, self.age_slots, *ends], axis=1)


def paths_of(values: Float[np.ndarray, "batch user slot ap"]) -> Float[np.ndarray, "path slot"]:
    """Return one row for each environment, user and access point."""
    return values.swapaxes(2, 3).reshape(-1, values.shape[2])


@dataclass(frozen=True, kw_only=True)
class ResidualArchive:
    """Residual paths of the past and the situation of each: what every sampler learns from."""

    situation: Situation
    residual_db: Float[np.ndarray, "path slot"]


def observe_residuals(emulator: StatusEmulator, past: StatusWindow, future: StatusWindow) -> ResidualArchive:
    """Emulate what came after a window of the past, and note what the mean left out.

    Args:
        emulator: Says the means.
        past: What was collected.
        future: What was true in the slots after it; a twin learns it from reports that come later.
    """
    said = emulator.emulate(past, future.snr_db.shape[2])
    return ResidualArchive(situation=Situation.of(past, said), residual_db=paths_of(future.snr_db - said.snr_db))


@runtime_checkable
class ResidualSampler(Protocol):
    """Draws residual paths."""

    def sample(
        self, situation: Situation, n_samples: int, *, rng: np.random.Generator
    ) -> Float[np.ndarray, "draw path slot"]:
        """Draw `n_samples` paths for each situation, over as many slots as the emulated mean has."""
        ...


@dataclass(frozen=True, kw_only=True)
class IndependentResiduals:
    """Each slot by itself, with the spread that the emulator says: right in every slot, and no path."""

    def sample(
        self, situation: Situation, n_samples: int, *, rng: np.random.Generator
    ) -> Float[np.ndarray, "draw path slot"]:
        """Draw."""
        return situation.std_db * rng.standard_normal((n_samples, *situation.std_db.shape))


@dataclass(frozen=True, kw_only=True)
class GaussianResiduals:
    """A joint Gaussian over slots, one for who stands and one for who walks.

    Attributes:
        center_db: Its mean.
        factor_db: Principal components, each as long as its standard deviation; the longest comes last.
    """

    center_db: Float[np.ndarray, "2 slot"]
    factor_db: Float[np.ndarray, "2 slot feature"]

    @classmethod
    def of(cls, archive: ResidualArchive) -> "GaussianResiduals":
        """Fit means and covariances.

        Raises:
            ValueError: Fewer walkers, or fewer who stand, than there are slots.
        """
        walking, residual_db = archive.situation.is_walking, archive.residual_db
        n_slots, centers, factors = residual_db.shape[1], [], []
        for kind in (0, 1):
            own = residual_db[walking == kind]
            rule, remedy = f"hold more than {n_slots} paths of each kind", "watch more users"
            require(len(own) > n_slots, "archive", rule, len(own), remedy)
            variance, direction = np.linalg.eigh(np.cov(own.T))
            centers.append(own.mean(axis=0))
            factors.append(direction * np.sqrt(np.maximum(variance, 1e-9)))
        return cls(center_db=np.stack(centers), factor_db=np.stack(factors))

    def sample(
        self, situation: Situation, n_samples: int, *, rng: np.random.Generator
    ) -> Float[np.ndarray, "draw path slot"]:
        """Draw."""
        n_slots = require_horizon(situation, self.center_db.shape[1])
        return self.colored(situation, rng.standard_normal((n_samples, len(situation.age_slots), n_slots)))

    def colored(
        self, situation: Situation, white: Float[np.ndarray, "draw path feature"]
    ) -> Float[np.ndarray, "draw path slot"]:
        """Return residual paths from their principal components."""
        kind = situation.is_walking.astype(int)
        return self.center_db[kind] + np.einsum("psf,dpf->dps", self.factor_db[kind], white)

    def whitened(self, archive: ResidualArchive) -> Float[np.ndarray, "path feature"]:
        """Return the principal components of residual paths: uncorrelated, with unit variance."""
        kind = archive.situation.is_walking.astype(int)
        off_db = archive.residual_db - self.center_db[kind]
        square = (self.factor_db**2).sum(axis=1)  # directions are orthogonal
        return np.einsum("psf,ps->pf", self.factor_db[kind], off_db) / square[kind]


@dataclass(frozen=True, kw_only=True)
class AnalogueResiduals:
    """The residual path of somebody else: a random one of the archive, of the same stratum.

    Attributes:
        archive: Paths of the past.
        edge_db: Between the classes of the mean in the coming slot.
        n_least: Strata with fewer paths are left for those of all ages, then of all means.
    """

    archive: ResidualArchive
    edge_db: Float[np.ndarray, " edge"]
    n_least: int = 20

    @classmethod
    def of(cls, archive: ResidualArchive, n_classes: int = 5) -> "AnalogueResiduals":
        """Cut the emulated means of the archive into classes of equal size."""
        edge_db = np.quantile(archive.situation.mean_db[:, 0], np.arange(1, n_classes) / n_classes)
        return cls(archive=archive, edge_db=edge_db)

    def sample(
        self, situation: Situation, n_samples: int, *, rng: np.random.Generator
    ) -> Float[np.ndarray, "draw path slot"]:
        """Draw."""
        n_slots = require_horizon(situation, self.archive.residual_db.shape[1])
        own, here = self._stratum(self.archive.situation), self._stratum(situation)
        picked = np.empty((n_samples, len(here)), dtype=np.int64)
        for stratum in np.unique(here, axis=0):
            member, alike = (here == stratum).all(axis=1), np.arange(len(own))
            for n_kept in (3, 2, 1):  # walking, class of the mean, age
                alike = np.flatnonzero((own[:, :n_kept] == stratum[:n_kept]).all(axis=1))
                if len(alike) >= self.n_least:
                    break
            alike = alike if len(alike) else np.arange(len(own))
            picked[:, member] = rng.choice(alike, (n_samples, int(member.sum())))
        return self.archive.residual_db[picked][..., :n_slots]

    def _stratum(self, situation: Situation) -> np.ndarray:
        level = np.searchsorted(self.edge_db, situation.mean_db[:, 0])
        return np.stack([situation.is_walking, level, situation.age_slots], axis=1)


def require_horizon(situation: Situation, n_known: int) -> int:
    """Return how many slots are asked for.

    Raises:
        ValueError: Another number than the paths of the past have.
    """
    n_slots = situation.mean_db.shape[1]
    require(n_slots == n_known, "n_slots", f"be {n_known}", n_slots, "watch residual paths of that length")
    return n_slots


@dataclass(frozen=True, kw_only=True)
class ResidualPathEmulator:
    """An emulator whose samples of the SNR are its means plus residual paths (a `StatusEmulator`).

    Attributes:
        emulator: Says means, spreads, and samples of positions.
        sampler: Draws residual paths.
        horizon_slots: Slots of a residual path; fewer may be emulated, not more.
    """

    emulator: StatusEmulator
    sampler: ResidualSampler
    horizon_slots: int = 15

    def emulate(
        self, window: StatusWindow, n_slots: int, *, n_samples: int = 0, rng: np.random.Generator | None = None
    ) -> EmulatedStatus:
        """Emulate, and draw whole paths where they are asked for.

        Raises:
            ValueError: More slots than a residual path has where samples are asked for, or what the emulator refuses.
        """
        if n_samples == 0:
            return self.emulator.emulate(window, n_slots)
        rule, remedy = f"be at most {self.horizon_slots}", "learn from longer paths"
        require(n_slots <= self.horizon_slots, "n_slots", rule, n_slots, remedy)
        said = self.emulator.emulate(window, n_slots, n_samples=n_samples, rng=rng)
        assert rng is not None  # the emulator has refused that
        whole = self.emulator.emulate(window, self.horizon_slots)
        drawn_db = self.sampler.sample(Situation.of(window, whole), n_samples, rng=rng)
        n_batch, n_users, _, n_aps = said.snr_db.shape
        residual_db = drawn_db.reshape(n_samples, n_batch, n_users, n_aps, -1)[..., :n_slots]
        return replace(said, snr_sample_db=said.snr_db[:, None] + residual_db.transpose(1, 0, 2, 4, 3))
