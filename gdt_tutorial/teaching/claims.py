"""Claims: numbers that the text of a chapter relies on, recorded where they are computed and checked in every run.

`claim("qoe_gain", value, text="...")` in a cell shows one line to the reader and stores the number in the notebook.
The accepted range of each claim in the profile `book` stands in `notebooks/chapters.toml`, per data source, written from
several seeds by `notebooks/claim_ranges.py`. A run at `book` whose number leaves its range fails.
"""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gdt_tutorial.teaching.page import inline, publish, published, style

__all__ = ["CLAIM_MIME", "Claim", "check_claims", "claim", "read_claims", "read_ranges", "readable"]

CLAIM_MIME = "application/vnd.gdt.claim+json"
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One number of a chapter, with the sentence that it supports.

    Raises:
        ValueError: If `name` is no lower_case_name, or `value` is not finite.
    """

    name: str
    value: float
    unit: str = ""
    text: str = ""
    # "logs" when real watch logs were used, "generator" otherwise.
    source: str = "generator"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name must be lower_case_with_underscores, got {self.name!r}; write e.g. 'qoe_gain'.")
        if not math.isfinite(self.value):
            raise ValueError(
                f"value of claim {self.name!r} must be finite, got {self.value}; find out what made it so."
            )

    def __str__(self) -> str:
        quantity = f"{readable(self.value)} {self.unit}".strip()
        return f"{self.text}: {quantity}" if self.text else f"{self.name} = {quantity}"


def claim(name: str, value: Any, *, text: str = "", unit: str = "") -> None:
    """Show a number that the text relies on, and record it for the checks.

    Args:
        name: A lower_case_name, unique in the chapter.
        value: The number; a zero-dimensional array or tensor is fine.
        text: What the number says, in a few words, without a final period.
        unit: The unit as a reader sees it, such as "dB" or "%".

    Raises:
        ValueError: If the name is malformed, or the value is not one finite number.
    """
    record = Claim(name=name, value=_number(name, value), unit=unit, text=text, source=_data_source())
    publish(_claim_html(record), str(record), {CLAIM_MIME: asdict(record)})


def read_claims(notebook: Mapping[str, Any] | str | Path) -> dict[str, Claim]:
    """Collect the claims of an executed notebook by name.

    Args:
        notebook: The path of an .ipynb file, or its content (a dictionary or a notebook node of nbformat).

    Raises:
        ValueError: If two outputs carry the same name.
    """
    claims: dict[str, Claim] = {}
    for _, payload in published(notebook, CLAIM_MIME):
        if payload["name"] in claims:
            raise ValueError(f"name of a claim must be unique in a chapter, got {payload['name']!r} twice; rename one.")
        claims[payload["name"]] = Claim(**{**payload, "value": float(payload["value"])})
    return claims


def read_ranges(chapters: str | Path, number: str, *, source: str) -> dict[str, tuple[float, float]]:
    """Read the accepted ranges of one chapter at `book` from `chapters.toml`.

    Args:
        chapters: The path of `chapters.toml`.
        number: The chapter, such as "00".
        source: "generator" or "logs".
    """
    entries = tomllib.loads(Path(chapters).read_text(encoding="utf-8")).get("claims", {}).get(number, {})
    key = f"book_{source}"
    return {name: (float(entry[key][0]), float(entry[key][1])) for name, entry in entries.items() if key in entry}


def check_claims(claims: Mapping[str, Claim], ranges: Mapping[str, tuple[float, float]]) -> list[str]:
    """Compare claims with their accepted ranges and return every violation as a sentence; none means all hold."""
    violations = [
        f"Claim {name!r} is missing: the chapter did not make it, although a range is on record."
        for name in ranges
        if name not in claims
    ]
    for name, record in claims.items():
        if name not in ranges:
            violations.append(f"Claim {name!r} is unknown: no range is on record; run notebooks/claim_ranges.py.")
            continue
        low, high = ranges[name]
        if not low <= record.value <= high:
            where = "below" if record.value < low else "above"
            violations.append(
                f"Claim {name!r} is outside its range: {record.value:.6g} is {where} [{low:.6g}, {high:.6g}]."
            )
    return violations


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"value of claim {name!r} must be one number, got {value!r}; reduce it first.") from error


def _data_source() -> str:
    # Imported late: a page without a simulation needs no simulator.
    from gdt_tutorial.physical.logs.watch_logs import data_source

    return data_source()


def readable(value: float) -> str:
    """Write a number with three significant digits, without an exponent where that is readable."""
    if value != 0 and (abs(value) >= 1e7 or abs(value) < 1e-3):
        return f"{value:.3g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    text = f"{value:,.{digits}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "\N{MINUS SIGN}")


def _claim_html(record: Claim) -> str:
    quantity = f"{readable(record.value)} {inline(record.unit)}".strip()
    said = f"<span>{inline(record.text)}</span>" if record.text else ""
    return (
        f'<div class="gdt gdt-claim">{style("claim")}{said}<span class="gdt-value">{quantity}</span>'
        f'<code class="gdt-name" title="recorded and checked in every run">{record.name}</code></div>'
    )
