"""Decibels: the only place of the project that takes ten times a logarithm.

Everything takes a number or a NumPy array and returns the same shape. The library computes in SI base units and in dB
or dBm where a name ends in `_db` or `_dbm`; display units such as Mb/s are made in plots.
"""

from typing import Any, overload

import numpy as np


@overload
def db_to_linear(ratio_db: float) -> float: ...
@overload
def db_to_linear(ratio_db: np.ndarray) -> np.ndarray: ...
def db_to_linear(ratio_db: Any) -> Any:
    """Return the power ratio of a value in decibels: 3 dB is about 2."""
    return np.power(10.0, np.asarray(ratio_db) / 10.0)


@overload
def linear_to_db(ratio: float) -> float: ...
@overload
def linear_to_db(ratio: np.ndarray) -> np.ndarray: ...
def linear_to_db(ratio: Any) -> Any:
    """Return a power ratio in decibels; a ratio of 0 gives minus infinity.

    Raises:
        ValueError: `ratio` holds a negative value or NaN.
    """
    _require_power("ratio", ratio)
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(ratio)


@overload
def dbm_to_w(power_dbm: float) -> float: ...
@overload
def dbm_to_w(power_dbm: np.ndarray) -> np.ndarray: ...
def dbm_to_w(power_dbm: Any) -> Any:
    """Return in watts a power given in decibels above one milliwatt: 30 dBm is 1 W."""
    return db_to_linear(np.asarray(power_dbm) - 30.0)


@overload
def w_to_dbm(power_w: float) -> float: ...
@overload
def w_to_dbm(power_w: np.ndarray) -> np.ndarray: ...
def w_to_dbm(power_w: Any) -> Any:
    """Return in decibels above one milliwatt a power given in watts; 0 W gives minus infinity.

    Raises:
        ValueError: `power_w` holds a negative value or NaN.
    """
    _require_power("power_w", power_w)
    return linear_to_db(power_w) + 30.0


def _require_power(name: str, value: Any) -> None:
    is_power = np.asarray(value) >= 0
    if not is_power.all():
        worst = np.asarray(value)[~is_power].flat[0]
        raise ValueError(
            f"{name} must be at least 0, got {worst}; a power has no sign, and one in dB needs no conversion."
        )
