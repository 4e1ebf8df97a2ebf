"""The plainest estimator of a map: mean and spread of the excess loss by distance, apart for open and for blocked rays.

Excess is what the loss has above that of line of sight. It is counted on measured maps and looked up, nothing is trained by
gradient. The distance enters as the loss in line of sight, which grows with it: bins of equal width in dB.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import require

__all__ = ["RayTable", "fit_ray_table"]


@dataclass(frozen=True, eq=False)
class RayTable:
    """Excess loss by the bin of the distance and by blockage; `mean` and `std` are each a `MapMean`.

    Attributes:
        edge_db: Loss in line of sight at the inner borders of the bins, ascending.
        mean_db: Mean excess; row 0 for open rays, row 1 for blocked ones.
        std_db: Its standard deviation.
    """

    edge_db: Float[np.ndarray, " edge"]
    mean_db: Float[np.ndarray, "2 bin"]
    std_db: Float[np.ndarray, "2 bin"]

    def mean(self, inputs: Float[np.ndarray, "ap feature y x"]) -> Float[np.ndarray, "ap y x"]:
        """Return the loss that the table expects."""
        return inputs[:, 1] + self.mean_db[_cells(inputs, self.edge_db)]

    def std(self, inputs: Float[np.ndarray, "ap feature y x"]) -> Float[np.ndarray, "ap y x"]:
        """Return how far maps lay from it."""
        return self.std_db[_cells(inputs, self.edge_db)]


def fit_ray_table(
    inputs: Float[np.ndarray, "batch feature y x"],
    loss_db: Float[np.ndarray, "batch y x"],
    n_bins: int = 16,
) -> RayTable:
    """Count a table on measured maps, outdoors; an empty bin takes the mean of its row.

    Raises:
        ValueError: Another number of maps than of inputs, or no bin.
    """
    require(n_bins > 0, "n_bins", "be above 0", n_bins, "16 are enough")
    n_maps, rule = len(loss_db), f"hold {len(inputs)} maps, one for each of inputs"
    require(n_maps == len(inputs), "loss_db", rule, n_maps, "pass them together")
    is_street = inputs[:, 0] == 0
    law_db, excess_db = inputs[:, 1][is_street], (loss_db - inputs[:, 1])[is_street].astype(float)
    edge_db = np.linspace(law_db.min(), law_db.max(), n_bins + 1)[1:-1].astype(float)
    row, column = (each[is_street] for each in _cells(inputs, edge_db))
    cell = row * n_bins + column
    count, total, square = (
        np.bincount(cell, weight, 2 * n_bins).reshape(2, n_bins) for weight in (None, excess_db, excess_db**2)
    )
    of_row = np.maximum(count.sum(axis=1, keepdims=True), 1)
    mean_db = np.where(count > 0, total / np.maximum(count, 1), total.sum(axis=1, keepdims=True) / of_row)
    square_db2 = np.where(count > 0, square / np.maximum(count, 1), square.sum(axis=1, keepdims=True) / of_row)
    return RayTable(edge_db, mean_db, np.sqrt(np.maximum(square_db2 - mean_db**2, 0.0)))


def _cells(
    inputs: Float[np.ndarray, "batch feature y x"], edge_db: Float[np.ndarray, " edge"]
) -> tuple[Int[np.ndarray, "batch y x"], Int[np.ndarray, "batch y x"]]:
    is_blocked: Bool[np.ndarray, "batch y x"] = inputs[:, 2] > 0
    return is_blocked.astype(np.int64), np.digitize(inputs[:, 1], edge_db).astype(np.int64)
