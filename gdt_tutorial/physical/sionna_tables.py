"""The numbers that come from Sionna: the propagation law of TR 38.901, and when a block of TS 38.214 is lost.

Sionna, the reference implementation, takes seconds to import, and needs newer packages than the library does. What it says
for the book's network is therefore shipped; for every other carrier, height or error rate Sionna is asked, and imported only
then. No other file imports it; `pip install "gdt-tutorial[sionna]"` installs it.

    tables/umi_law.safetensors  path loss and LOS probability at 3.5 GHz, access points at 10 m, phones at 1.5 m
    tables/mcs_steps.csv        modulation, code rate, and SNR at block error rates 1e-1 to 1e-4, of MCS tables 1 and 2

`remake` asks Sionna for both again and writes them with their hashes; the numbers are the same to the last bit:

    python -c "from gdt_tutorial.physical.sionna_tables import FOLDER, remake; remake(FOLDER)"
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from safetensors.numpy import load_file
from safetensors.numpy import save as safetensors_bytes

from gdt_tutorial.checkpoints import verified, write_sums
from gdt_tutorial.configuration import require
from gdt_tutorial.files import write_atomically
from gdt_tutorial.seeding import keep_torch_rng

__all__ = [
    "ERROR_RATES",
    "FOLDER",
    "MAX_DISTANCE_M",
    "McsSteps",
    "ask_mcs_steps",
    "ask_umi_table",
    "law_distance_m",
    "mcs_steps",
    "remake",
    "umi_table",
]

FOLDER = Path(__file__).parent / "tables"
MAX_DISTANCE_M = 5000.0  # TR 38.901 Table 7.4.1-1 ends here
ERROR_RATES = (1e-1, 1e-2, 1e-3, 1e-4)  # of blocks; the shipped ones

_UMI, _MCS = "umi_law.safetensors", "mcs_steps.csv"
_SHIPPED_LAW = (3.5e9, 10.0, 1.5, 8192)  # carrier (Hz), height of access points (m), of phones (m), points
_NOT_INSTALLED = (
    "Carriers, heights and error rates other than those of the shipped tables are asked of Sionna, which is not installed; "
    'pip install "gdt-tutorial[sionna]".'
)
_N_STEPS = {1: 29, 2: 28}  # MCS table -> its steps; TS 38.214 reserves the indices above


def law_distance_m(n_points: int) -> Float[np.ndarray, " point"]:
    """Return the distances of a law's table: 10 m to 5 km, uniform in the logarithm."""
    return np.geomspace(10.0, MAX_DISTANCE_M, n_points)


def umi_table(
    carrier_hz: float, ap_height_m: float, user_height_m: float, n_points: int
) -> Float[np.ndarray, "point law"]:
    """Return LOS path loss (dB), NLOS path loss (dB) and LOS probability at `law_distance_m(n_points)`.

    The book's setting is read from the shipped table; any other one imports Sionna.
    """
    setting = (carrier_hz, ap_height_m, user_height_m, n_points)
    return load_file(verified(FOLDER / _UMI))["table"] if setting == _SHIPPED_LAW else ask_umi_table(*setting)


def ask_umi_table(
    carrier_hz: float, ap_height_m: float, user_height_m: float, n_points: int
) -> Float[np.ndarray, "point law"]:
    """Tabulate Sionna's `UMiScenario` (TR 38.901 Tables 7.4.1-1 and 7.4.2-1, street canyon); see `umi_table`.

    Sionna computes the distances between all users of a topology, so each grid point is a topology of its own with one
    user: time and memory grow with the number of points, not with its square.
    """
    with keep_torch_rng():
        import torch

        scenario = _umi_scenario(carrier_hz)
        zeros = torch.zeros(n_points, 1, 3, dtype=torch.float64)
        user_m, mast_m = zeros.clone(), zeros.clone()
        user_m[:, 0, 0] = torch.from_numpy(law_distance_m(n_points))
        user_m[:, 0, 2], mast_m[:, 0, 2] = user_height_m, ap_height_m
        is_indoor = torch.zeros(n_points, 1, dtype=torch.bool)
        columns = []
        for is_los in (True, False):
            scenario.set_topology(user_m, mast_m, zeros, zeros, zeros, is_indoor, los=is_los)
            columns.append(scenario.basic_pathloss[:, 0, 0].numpy().copy())
        columns.append(scenario.los_probability[:, 0, 0].numpy().copy())
    return np.stack(columns, axis=-1).astype(np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class McsSteps:
    """The steps of one table of modulation and coding schemes (MCS) of TS 38.214; the row is the MCS index.

    The SNR comes from Sionna's block error tables for the largest tabulated block, read between their grid points along
    a straight line in log(error rate), as a waterfall curve nearly is. Where no block was lost the rate counts as 1e-4.
    The grid has steps of 1.6 to 1.8 dB and, to judge by its values, at most 3000 blocks a point. So the lower the error
    rate, the rougher its SNR: that at 1e-4 is the first grid point without an error.

    Attributes:
        modulation_order: Bits of a symbol: 2 is QPSK, 4, 6 and 8 are 16-, 64- and 256-QAM.
        code_rate: Information bits per sent bit.
        error_rate: The block error rates that were asked for.
        snr_db: SNR at each of them; NaN for a step without a table (below 0.49 bit/s/Hz) or whose table ends above it.
    """

    modulation_order: Int[np.ndarray, " mcs"]
    code_rate: Float[np.ndarray, " mcs"]
    error_rate: Float[np.ndarray, " rate"]
    snr_db: Float[np.ndarray, "mcs rate"]

    @property
    def efficiency(self) -> Float[np.ndarray, " mcs"]:
        """Information bits per second and hertz."""
        return self.modulation_order * self.code_rate


@cache
def mcs_steps(mcs_table: int = 1, error_rates: tuple[float, ...] = ERROR_RATES) -> McsSteps:
    """Return the steps of an MCS table and the SNR that each needs to lose no more than a share of its blocks.

    The rates 1e-1, 1e-2, 1e-3 and 1e-4 are read from the shipped table; any other one imports Sionna.

    Args:
        mcs_table: 1 (up to 64-QAM) or 2 (up to 256-QAM) of TS 38.214 sec. 5.1.3.1.
        error_rates: Shares of lost blocks, one for each column of `snr_db`.

    Raises:
        ValueError: If there is no such table, or a rate is below 1e-4 or not below 1.
    """
    require(mcs_table in _N_STEPS, "mcs_table", "be 1 or 2", mcs_table, "1: up to 64-QAM, 2: up to 256-QAM")
    is_tabulated = all(1e-4 <= rate < 1 for rate in error_rates)
    require(is_tabulated, "error_rates", "lie in [1e-4, 1)", error_rates, "0.1 is what a network aims at")
    if not set(error_rates) <= set(ERROR_RATES):
        return ask_mcs_steps(mcs_table, error_rates)
    with verified(FOLDER / _MCS).open(encoding="utf-8", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(line for line in file if not line.startswith("#"))
            if int(row["mcs_table"]) == mcs_table
        ]
    return McsSteps(
        modulation_order=np.array([int(row["modulation_order"]) for row in rows]),
        code_rate=np.array([float(row["code_rate"]) for row in rows]),
        error_rate=np.array(error_rates),
        snr_db=np.array([[float(row[_column(rate)] or "nan") for rate in error_rates] for row in rows]),
    )


def ask_mcs_steps(mcs_table: int, error_rates: tuple[float, ...]) -> McsSteps:
    """Read modulation, code rate and error curves from Sionna; see `mcs_steps`."""
    sionna = _sionna()
    file = Path(sionna.sys.__file__).parent / "bler_tables" / f"PDSCH_table{mcs_table}.json"
    curves = sionna.sys.PHYAbstraction.load_table(str(file))["category"][1]["index"][mcs_table]["MCS"]
    decode = sionna.phy.nr.utils.decode_mcs_index
    steps = [decode(mcs, mcs_table, is_pusch=False, device="cpu") for mcs in range(_N_STEPS[mcs_table])]
    snr_db = np.full((len(steps), len(error_rates)), np.nan)
    for mcs, curve in curves.items():
        error_rate = np.array(curve["CBS"][max(curve["CBS"])]["BLER"])
        for column, target in enumerate(error_rates):
            if error_rate.min() < target:
                snr_db[mcs, column] = _crossing_db(np.array(curve["SNR_db"]), error_rate, target)
    return McsSteps(
        modulation_order=np.array([int(order) for order, _ in steps]),
        code_rate=np.array([float(rate) for _, rate in steps]),
        error_rate=np.array(error_rates),
        snr_db=snr_db,
    )


def _crossing_db(snr_db: np.ndarray, error_rate: np.ndarray, target: float) -> float:
    """Return the SNR where the error rate falls below the target, along a straight line in its logarithm."""
    first = int(np.argmax(error_rate < target))
    # Tables are simulated: no error in their some thousand blocks means a rate below 1e-4.
    log_rate = np.log(np.maximum(error_rate[first - 1 : first + 1], 1e-4))
    return float(np.interp(-np.log(target), -log_rate, snr_db[first - 1 : first + 1]))


def remake(folder: Path) -> None:
    """Ask Sionna for everything that is shipped, and write it with its hashes into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    table = ask_umi_table(*_SHIPPED_LAW)
    carrier_hz, ap_m, user_m, n_points = _SHIPPED_LAW
    sionna = f"sionna-no-rt {version('sionna-no-rt')}"
    source = (
        f"{sionna}, UMiScenario: 3GPP TR 38.901 UMi street canyon at {carrier_hz:g} Hz, access points at {ap_m} m, users at "
        f"{user_m} m; LOS path loss (dB), NLOS path loss (dB), LOS probability at np.geomspace(10, 5000, {n_points}) m"
    )
    write_atomically(folder / _UMI, safetensors_bytes({"table": table}, {"source": source}))
    lines = [
        f"# source: {sionna}: decode_mcs_index (3GPP TS 38.214 Tables 5.1.3.1-1 and -2), bler_tables/PDSCH_table[12].json",
        "# snr_db_at_*: SNR (dB) at that block error rate; empty: no error table, or one that ends above the rate",
        '# command: python -c "from gdt_tutorial.physical.sionna_tables import FOLDER, remake; remake(FOLDER)"',
        ",".join(["mcs_table", "mcs", "modulation_order", "code_rate", *map(_column, ERROR_RATES)]),
    ]
    for mcs_table in _N_STEPS:
        steps = ask_mcs_steps(mcs_table, ERROR_RATES)
        for mcs, (order, code_rate) in enumerate(zip(steps.modulation_order, steps.code_rate, strict=True)):
            snr = ["" if np.isnan(snr_db) else repr(float(snr_db)) for snr_db in steps.snr_db[mcs]]
            lines.append(",".join([str(mcs_table), str(mcs), str(order), repr(float(code_rate)), *snr]))
    write_atomically(folder / _MCS, "\n".join(lines) + "\n")
    write_sums(folder)


def _column(error_rate: float) -> str:
    return f"snr_db_at_{error_rate:g}"


def _umi_scenario(carrier_hz: float) -> Any:
    """Build Sionna's scenario; its antennas do not enter the laws that are read from it."""
    tr38901 = _sionna().phy.channel.tr38901
    on_cpu = {"precision": "double", "device": "cpu"}
    array = tr38901.PanelArray(1, 1, "single", "V", "omni", carrier_hz, **on_cpu)
    return tr38901.UMiScenario(carrier_hz, "low", array, array, "downlink", **on_cpu)


@cache
def _sionna() -> ModuleType:
    """Import Sionna with the CPU as its default device, and without its reseeding of torch."""
    with keep_torch_rng():
        try:
            import sionna.phy
            import sionna.sys
        except ModuleNotFoundError as error:
            if error.name != "sionna":
                raise
            raise ModuleNotFoundError(_NOT_INSTALLED, name="sionna") from None

        sionna.phy.config.device = "cpu"
    return sionna
