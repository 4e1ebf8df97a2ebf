"""Parameters that carry their meaning, the source of their number, and what else they may be.

A config of this project is a frozen, keyword-only dataclass, made by `configclass`. Each field is written with
`parameter`, so that the sentence about a number, the place it comes from and its bounds are data: a page of the book
prints them, a new config checks them, and a test finds a field without a source.

    @configclass
    class RadioConfig:
        tx_power_dbm: float = parameter(27.0, "Power that one access point transmits.", "chosen", above=-inf, below=inf)
        bandwidth_hz: float = parameter(5e6, "Width of its band.", "chosen", above=0, remedy="5e6 is 5 MHz")

    RadioConfig(bandwidth_hz=0.0)  # ValueError: bandwidth_hz must be above 0, got 0.0; 5e6 is 5 MHz.

    for row in describe(RadioConfig):
        ...  # row.name, row.default, row.unit, row.doc, row.source, row.bounds

A rule that is no bound, or that relates two fields, stands in `__post_init__` of the config, written with `require`.
"""

import dataclasses
from collections.abc import Iterable
from math import inf, isinf
from typing import Any, NamedTuple, TypeVar, dataclass_transform

__all__ = [
    "Bounds",
    "Limit",
    "ParameterRow",
    "configclass",
    "describe",
    "parameter",
    "require",
    "require_counts",
    "unit_of",
]

Limit = int | float | None
_T = TypeVar("_T")

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


class Bounds(NamedTuple):
    """What a number may be. A side without a limit is None; "below infinity" is how a bound says "finite"."""

    above: Limit = None
    at_least: Limit = None
    below: Limit = None
    at_most: Limit = None

    def __str__(self) -> str:
        """Say them in words: "above 0", "at least 1", "in [0, 1)", "above 0 and finite", "finite"; "" for none."""
        sides = {side: limit for side, limit in self._asdict().items() if limit is not None}
        is_finite = len(sides) == 2 and (self.above == -inf or self.below == inf)
        if len(sides) == 2 and not is_finite:
            low, high = (_number(limit) for limit in sides.values())
            return f"in {'(' if self.at_least is None else '['}{low}, {high}{')' if self.at_most is None else ']'}"
        words = [
            f"{s.replace('_', ' ')} {_number(limit)}" for s, limit in sides.items() if not (is_finite and isinf(limit))
        ]
        return " and ".join(words + ["finite"] * is_finite)

    def hold(self, value: Any) -> bool:
        """Say whether a number, or each number of a tuple, lies inside. NaN is outside of every limit."""
        return all(
            (self.above is None or number > self.above)
            and (self.at_least is None or number >= self.at_least)
            and (self.below is None or number < self.below)
            and (self.at_most is None or number <= self.at_most)
            for number in (value if isinstance(value, Iterable) else (value,))
        )

    def rule(self, value: Any) -> str:
        """Say them as the rule of an error sentence about `value`: "be above 0", "lie in [0, 1)"."""
        if isinstance(value, Iterable):
            return f"hold numbers, each {self}"
        return f"{'lie' if str(self).startswith('in ') else 'be'} {self}"


class ParameterRow(NamedTuple):
    """One field of a config, as a page prints it."""

    name: str
    default: Any
    unit: str
    doc: str
    source: str
    bounds: Bounds


def require(is_met: Any, argument: str, rule: str, value: Any, remedy: str) -> None:
    """Raise the one kind of error sentence of this project unless a rule is met.

    Raises:
        ValueError: "ARGUMENT must RULE, got VALUE; REMEDY."
    """
    if not is_met:
        raise ValueError(f"{argument} must {rule}, got {value!r}; {remedy}.")


def require_counts(remedy: str, **counts: int) -> None:
    """Raise `require`'s sentence about the first count that is not above 0.

    Raises:
        ValueError: There is one.
    """
    for name, count in counts.items():
        require(count > 0, name, "be above 0", count, remedy)


def parameter(
    default: Any,
    doc: str,
    source: str,
    *,
    above: Limit = None,
    at_least: Limit = None,
    below: Limit = None,
    at_most: Limit = None,
    remedy: str = "leave it out for the default",
) -> Any:
    """Declare a field of a config with its default, one sentence about it, the source of the number, and its bounds.

    Args:
        default: The value; a list, dict or set is copied for each instance.
        doc: One sentence that says what the number is.
        source: Where the number comes from, in words: "the paper", "TR 38.901 Table 7.4.1-1", "chosen", ...
        above: The number, or each number of a tuple, is greater than this. None is always allowed.
        at_least: It is this or greater.
        below: It is less than this.
        at_most: It is this or less.
        remedy: What the error sentence about a number outside advises.

    Raises:
        ValueError: If `doc` or `source` is empty, or if a side has two limits.
    """
    for name, text in (("doc", doc), ("source", source)):
        require(text.strip(), name, "be a non-empty sentence", text, "write 'chosen' for a free choice")
    bounds = Bounds(above, at_least, below, at_most)
    for name, limits in (("above", bounds[:2]), ("below", bounds[2:])):
        require(None in limits, name, "be the only limit of its side", limits, "leave out one of the two")
    metadata = {"doc": doc, "source": source, "bounds": bounds, "remedy": remedy}
    if isinstance(default, (list, dict, set)):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def configclass(cls: type[_T]) -> type[_T]:
    """Make a class a frozen, keyword-only dataclass that checks the bounds of its fields, then its `__post_init__`."""
    own_rules = getattr(cls, "__post_init__", None)

    def check_fields(self: Any) -> None:
        for field in dataclasses.fields(self):
            bounds, value = field.metadata.get("bounds"), getattr(self, field.name)
            if bounds is not None and value is not None:
                require(bounds.hold(value), field.name, bounds.rule(value), value, field.metadata["remedy"])
        if own_rules is not None:
            own_rules(self)

    setattr(cls, "__post_init__", check_fields)  # noqa: B010 - a type checker knows no such attribute
    return dataclasses.dataclass(frozen=True, kw_only=True)(cls)


def describe(config_class: type) -> list[ParameterRow]:
    """List the fields of a config class that were declared with `parameter`, in their order.

    Raises:
        ValueError: If `config_class` is not a dataclass.
    """
    require(dataclasses.is_dataclass(config_class), "config_class", "be a dataclass", config_class, "decorate it")
    return [
        ParameterRow(field.name, _default(field), unit_of(field.name), data["doc"], data["source"], data["bounds"])
        for field in dataclasses.fields(config_class)
        if "source" in (data := field.metadata)
    ]


def unit_of(name: str) -> str:
    """Return the display unit that the suffix of a name stands for; "" where it has none."""
    return next((unit for suffix, unit in _UNITS.items() if f"_{name}".endswith(suffix)), "")


def _default(field: dataclasses.Field) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default


def _number(limit: int | float) -> str:
    return f"{limit:g}".replace("e+0", "e").replace("e+", "e")
