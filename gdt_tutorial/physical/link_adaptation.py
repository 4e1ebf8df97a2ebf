"""Link adaptation: the rate that a transmitter makes of an SNR, in bits per second and hertz.

Paper: the case study takes rates from the channels of its users and does not say how. Here a transmitter picks the
best modulation and coding scheme (MCS) of 5G that the SNR carries; Shannon's bound stands beside it.
"""

import numpy as np
from jaxtyping import Float

from gdt_tutorial.physical.sionna_tables import mcs_steps
from gdt_tutorial.units import db_to_linear

__all__ = ["LinkAdaptation", "shannon_efficiency"]


class LinkAdaptation:
    """The MCSs of TS 38.214, each used from the SNR where it loses 10 % of its blocks.

    Rates come from MCS table 1 of TS 38.214 (up to 64-QAM, what a connection starts with) or table 2 (256-QAM). The SNR
    thresholds come from `mcs_steps`, where the library reads them from simulated block errors. An MCS without an error
    table (below 0.49 bit/s/Hz), or whose table never reaches the target, is left out; so is one that another MCS beats
    at a lower SNR.

    Args:
        mcs_table: 1 or 2.
        error_rate: Share of blocks that may be lost; 10 % is what 5G aims at.

    Attributes:
        threshold_db: Lowest SNR of each MCS that is worth using, ascending.
        efficiency: Information bits per second and hertz of those.

    Raises:
        ValueError: If `mcs_table` is neither 1 nor 2, or `error_rate` is below 1e-4 or not below 1.
    """

    threshold_db: Float[np.ndarray, " mcs"]
    efficiency: Float[np.ndarray, " mcs"]

    def __init__(self, mcs_table: int = 1, error_rate: float = 0.1) -> None:
        steps = mcs_steps(mcs_table, (error_rate,))
        threshold_db, efficiency = steps.snr_db[:, 0], steps.efficiency
        order = np.lexsort((efficiency, threshold_db))  # NaN, a step that is never reached, comes last
        order = order[: np.isfinite(threshold_db).sum()]
        threshold_db, efficiency = threshold_db[order], efficiency[order]
        is_useful = efficiency > np.maximum.accumulate(np.concatenate([[0.0], efficiency[:-1]]))
        self.threshold_db, self.efficiency = threshold_db[is_useful], efficiency[is_useful]
        self._steps = np.concatenate([[0.0], self.efficiency]).astype(np.float32)

    def spectral_efficiency(self, snr_db: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Return the rate of the best MCS that the SNR carries; 0 below the lowest."""
        return self._steps[np.searchsorted(self.threshold_db, snr_db, side="right")]


def shannon_efficiency(snr_db: Float[np.ndarray, "*shape"], cap: float = np.inf) -> Float[np.ndarray, "*shape"]:
    """Return log2(1 + SNR), at most `cap`: the bound that no link adaptation passes."""
    return np.minimum(np.log2(1 + db_to_linear(snr_db)), cap)
