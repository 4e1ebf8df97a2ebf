"""Simple kriging: the maps that agree with reports, when the error of a mean is Gaussian.

With mean m, covariance K(x, x') = s(x) s(x') exp(-|x - x'| / D) and reports y at places P with variance n of their own,

    mean given y      m + K_xP (K_PP + n)^-1 (y - m_P)
    variance given y  K_xx - K_xP (K_PP + n)^-1 K_Px

It is the conditional law of a Gaussian, known in mining as simple kriging (Krige 1951, Matheron 1963), elsewhere as Gaussian
process regression. A draw of it is a free draw of map and reports, corrected by the same weights as if its own reports had
been wrong (Matheron's rule). The more reports, the less the mean matters: this is how a twin's map is *updated*.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import cho_factor, cho_solve

from gdt_tutorial.configuration import require
from gdt_tutorial.twin.emulation.maps.map_maker import MapMean
from gdt_tutorial.twin.emulation.maps.random_field import exponential_fields

__all__ = ["MapReports", "SimpleKriging"]


@dataclass(frozen=True, eq=False)
class MapReports:
    """Losses that phones reported, each in the pixel that it stood in.

    Attributes:
        pixel: Row y and column x of each report.
        loss_db: Loss to each access point there.
    """

    pixel: Int[np.ndarray, "point 2"]
    loss_db: Float[np.ndarray, "ap point"]

    def __post_init__(self) -> None:
        n_points, rule = len(self.pixel), "hold a loss for each report"
        require(self.loss_db.shape[-1] == n_points, "loss_db", rule, self.loss_db.shape, "pass ap, point")

    def of(self, level: Float[np.ndarray, "*shape y x"]) -> Float[np.ndarray, "*shape point"]:
        """Read maps where the reports were made.

        Raises:
            ValueError: A report from outside the map.
        """
        is_inside = ((self.pixel >= 0) & (self.pixel < np.array(level.shape[-2:]))).all()
        require(is_inside, "pixel", f"lie in a map of {level.shape[-2:]} pixels", "others", "use Scene.pixel_of")
        return level[..., self.pixel[:, 0], self.pixel[:, 1]]


@dataclass(frozen=True, kw_only=True)
class SimpleKriging:
    """Draws maps of a Gaussian law, given reports (a `MapMaker`); without reports it is `MeanAndField`.

    Attributes:
        mean, std: Of the law before the reports, as of `MeanAndField`.
        correlation_m: D.
        reports: What was reported; all access points report from the same places.
        noise_db: Spread of a report around the map: fading, and where in its pixel the phone stood.
        pixel_m: Side of a pixel.
    """

    mean: MapMean
    std: MapMean
    correlation_m: float
    reports: MapReports
    noise_db: float = 1.0
    pixel_m: float = 8.0

    def __post_init__(self) -> None:
        require(self.noise_db > 0, "noise_db", "be above 0", self.noise_db, "two reports of one pixel would contradict")

    def __call__(
        self, inputs: Float[np.ndarray, "ap feature y x"], n_draws: int, *, rng: np.random.Generator
    ) -> Float[np.ndarray, "draw ap y x"]:
        """Draw maps, and correct each by what its reports would have been (Matheron's rule)."""
        n_aps, _, n_y, n_x = inputs.shape
        fields = exponential_fields(n_draws * n_aps, (n_y, n_x), self.correlation_m / self.pixel_m, rng=rng)
        std_db = self.std(inputs)
        free_db = self.mean(inputs) + std_db * fields.reshape(n_draws, n_aps, n_y, n_x)
        noise_db = self.noise_db * rng.standard_normal((n_draws, *self.reports.loss_db.shape))
        missing_db = self.reports.loss_db - self.reports.of(free_db) - noise_db
        for ap, prior_db in enumerate(std_db):
            across, factor = self._covariances(prior_db)
            free_db[:, ap] += (across @ cho_solve(factor, missing_db[:, ap].T)).T.reshape(n_draws, n_y, n_x)
        return free_db

    def moments(
        self, inputs: Float[np.ndarray, "ap feature y x"]
    ) -> tuple[Float[np.ndarray, "ap y x"], Float[np.ndarray, "ap y x"]]:
        """Return mean and standard deviation of the maps, given the reports."""
        mean_db, std_db = self.mean(inputs).astype(float), self.std(inputs).astype(float)
        missing_db = self.reports.loss_db - self.reports.of(mean_db)
        for ap, prior_db in enumerate(std_db.copy()):
            across, factor = self._covariances(prior_db)
            mean_db[ap] += (across @ cho_solve(factor, missing_db[ap])).reshape(prior_db.shape)
            explained = (across * cho_solve(factor, across.T).T).sum(axis=-1).reshape(prior_db.shape)
            std_db[ap] = np.sqrt(np.maximum(prior_db**2 - explained, 0.0))
        return mean_db, std_db

    def _covariances(self, std_db: Float[np.ndarray, "y x"]) -> tuple[np.ndarray, tuple]:
        """Return the covariance of all pixels with the reports, and the factored one of the reports."""
        std_db, pixel = std_db.astype(float), self.reports.pixel
        every = np.argwhere(np.ones(std_db.shape, dtype=bool))
        distance_m = self.pixel_m * np.linalg.norm(every[:, None] - pixel, axis=-1)
        at = self.reports.of(std_db)
        across = std_db.reshape(-1, 1) * at * np.exp(-distance_m / self.correlation_m)
        among = across[pixel[:, 0] * std_db.shape[1] + pixel[:, 1]]
        return across, cho_factor(among + self.noise_db**2 * np.eye(len(pixel)))
