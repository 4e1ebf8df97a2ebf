"""How a number is written for a reader: two significant digits, with its interval and its unit.

>>> quantity(0.05213, 0.0433, 0.0609, unit="s", signed=True)
'+0.052 ± 0.009 s'
>>> quantity(37.3, unit="%")
'37 %'
"""

import math

__all__ = ["plain", "quantity", "readable"]

_SPACE, _MINUS = "\N{NO-BREAK SPACE}", "\N{MINUS SIGN}"


def quantity(
    value: float,
    low: float | None = None,
    high: float | None = None,
    *,
    unit: str = "",
    digits: int = 2,
    signed: bool = False,
) -> str:
    """Write a number with its interval, where it has one, and its unit.

    Args:
        value: The number.
        low: Lower end of its interval.
        high: Upper end.
        unit: As a reader sees it.
        digits: Significant digits of a number without an interval; with one, the interval's width decides.
        signed: Whether a positive number gets its sign.
    """
    if low is None or high is None or low == high:
        text = readable(value, digits, signed=signed)
    else:
        half = (high - low) / 2
        decimals = _decimals(half, 2 if _leads_with_one(half) else 1)
        if abs((low + high) / 2 - value) <= 0.1 * half:
            text = f"{_fixed(value, decimals, signed)}{_SPACE}±{_SPACE}{_fixed(half, decimals)}"
        else:
            ends = f"{_fixed(low, decimals, signed)} to {_fixed(high, decimals, signed)}"
            text = f"{_fixed(value, decimals, signed)} ({ends})"
    return f"{text}{_SPACE}{unit}" if unit else text


def readable(value: float, digits: int = 3, *, signed: bool = False) -> str:
    """Write a number with some significant digits; counts stay whole, and exponents are for what is unreadable without."""
    if value == 0:
        return "0"
    if value == round(value) and abs(value) < 1e7:
        return _fixed(value, 0, signed)
    if abs(value) >= 1e7 or abs(value) < 1e-3:
        return f"{value:{'+' if signed else ''}.{digits}g}".replace("-", _MINUS)
    return _fixed(value, max(_decimals(value, digits), 0), signed)


def plain(value: float) -> str:
    """Write a bound or the end of a range: three significant digits, without zeros at the end."""
    text = readable(value)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def _decimals(value: float, digits: int) -> int:
    """Count the decimals that show `digits` significant digits."""
    return digits - 1 - math.floor(math.log10(abs(value)) + 1e-12)


def _leads_with_one(value: float) -> bool:
    return f"{value:e}".startswith("1")


def _fixed(value: float, decimals: int, signed: bool = False) -> str:
    rounded = round(value, decimals)
    sign = "+" if signed and rounded > 0 else ""
    return f"{sign}{rounded + 0.0:,.{max(decimals, 0)}f}".replace("-", _MINUS)
