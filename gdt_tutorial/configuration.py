"""Parameters that carry their meaning and the source of their number.

A config of this project is a frozen, keyword-only dataclass. Each field is written with `parameter`, so that the
sentence about a number and the place it comes from are data: a page of the book prints them, and a test finds a field
without one.

    @dataclass(frozen=True, kw_only=True)
    class RadioConfig:
        # Power of one access point; chosen.
        tx_power_dbm: float = parameter(27.0, "Power that one access point transmits.", "chosen")

    for row in describe(RadioConfig):
        ...  # row.name, row.default, row.unit, row.doc, row.source
"""

import dataclasses
from typing import Any, NamedTuple

__all__ = ["ParameterRow", "check", "describe", "parameter", "unit_of"]

# The longest suffix that matches wins, so that `_cycles_per_s` is not read as seconds.
_UNITS = {
    "_cycles_per_bit": "cycles/bit",
    "_cycles_per_s": "cycles/s",
    "_bit_per_s_per_hz": "bit/s/Hz",
    "_cycles": "cycles",
    "_dbm_per_hz": "dBm/Hz",
    "_dbm": "dBm",
    "_mps": "m/s",
    "_bps": "bit/s",
    "_byte": "byte",
    "_bit": "bit",
    "_rad": "rad",
    "_db": "dB",
    "_hz": "Hz",
    "_m": "m",
    "_s": "s",
    "_w": "W",
    "_j": "J",
}


class ParameterRow(NamedTuple):
    """One field of a config, as a page prints it."""

    name: str
    default: Any
    unit: str
    doc: str
    source: str


def check(is_met: Any, argument: str, rule: str, value: Any, remedy: str) -> None:
    """Raise the one kind of error sentence of this project unless a rule is met.

    Raises:
        ValueError: "ARGUMENT must RULE, got VALUE; REMEDY."
    """
    if not is_met:
        raise ValueError(f"{argument} must {rule}, got {value!r}; {remedy}.")


def parameter(default: Any, doc: str, source: str) -> Any:
    """Declare a dataclass field with its default, one sentence about it, and the source of the number.

    Args:
        default: The value; a list, dict or set is copied for each instance.
        doc: One sentence that says what the number is.
        source: Where the number comes from, in words: "the paper", "TR 38.901 Table 7.4.1-1", "chosen", ...

    Raises:
        ValueError: If `doc` or `source` is empty.
    """
    for name, text in (("doc", doc), ("source", source)):
        check(text.strip(), name, "be a non-empty sentence", text, "write 'chosen' for a free choice")
    metadata = {"doc": doc, "source": source}
    if isinstance(default, (list, dict, set)):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def describe(config_class: type) -> list[ParameterRow]:
    """List the fields of a config class that were declared with `parameter`, in their order.

    Raises:
        ValueError: If `config_class` is not a dataclass.
    """
    check(dataclasses.is_dataclass(config_class), "config_class", "be a dataclass", config_class, "decorate it")
    return [
        ParameterRow(field.name, _default(field), unit_of(field.name), field.metadata["doc"], field.metadata["source"])
        for field in dataclasses.fields(config_class)
        if "source" in field.metadata
    ]


def unit_of(name: str) -> str:
    """Return the display unit that the suffix of a name stands for; "" where it has none."""
    return next((unit for suffix, unit in _UNITS.items() if f"_{name}".endswith(suffix)), "")


def _default(field: dataclasses.Field) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default
