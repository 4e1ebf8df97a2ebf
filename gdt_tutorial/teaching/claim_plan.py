"""What `chapters.toml` says of every claim: its text and unit, what is possible, what the prose needs, the accepted ranges.

    [claims.00.gain_over_model]
    text = "QoE that the internal loop gains on the model-based manager"
    unit = "s"                     # as a reader sees it; none for a bare number
    signed = true                  # a difference: shown with its sign
    digits = 3                     # significant digits where there is no interval; 2 unless said
    within = [0, 100]              # what is possible at all; ranges are clipped to it
    must = ["> 0", "low > -0.01", "< gain_over_data", ">= 0.5 * gain_over_data"]   # what the prose needs
    stored = "fig5"                # read from this stored table, not computed in the run
    exact = true                   # the same in every run
    book_generator = [0.01, 0.02]  # accepted at `book`, by notebooks/claim_ranges.py; `book_logs` with the watch log

A condition speaks of the value, or of the lower or upper end of its interval, and compares it with a number or with the value
of another claim of the book. Names of claims are unique in the book, so a name alone says which one is meant.
"""

import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from gdt_tutorial.configuration import require
from gdt_tutorial.teaching.claim_words import quantity

__all__ = [
    "ROLE",
    "Claim",
    "ClaimPlan",
    "Condition",
    "check_claims",
    "claim_plans",
    "find_sentences",
    "names_in_prose",
    "plans_of",
    "read_claim_plans",
]

# {claim}`name` is the number with unit and interval, {claim}`name.value` the bare number, {claim}`name.size` without its sign.
ROLE = re.compile(r"\{claim\}`([a-z][a-z0-9_]*)(?:\.(value|size))?`")
_CONDITION = re.compile(r"(?:(low|high) )?(<=|>=|<|>) (?:(-?[0-9.]+) \* )?(-?[0-9.]+|[a-z][a-z0-9_]*)")
_HOLDS = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_ROUNDING = 1e-9  # another machine's last digits


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One number of a chapter.

    Raises:
        ValueError: If `name` is no lower_case_name, or a number is not finite, or the interval does not hold the value.
    """

    name: str
    value: float
    # The ends of its 95 % interval, where it has one.
    low: float | None = None
    high: float | None = None
    unit: str = ""
    text: str = ""
    # "logs" when real watch logs were used, "generator" otherwise.
    source: str = "generator"

    def __post_init__(self) -> None:
        require(
            _NAME.fullmatch(self.name) is not None,
            "name",
            "be lower_case_with_underscores",
            self.name,
            "write e.g. 'qoe_gain'",
        )
        numbers = [number for number in (self.value, self.low, self.high) if number is not None]
        is_finite = all(math.isfinite(number) for number in numbers)
        require(is_finite, f"value of claim {self.name!r}", "be finite", numbers, "find out what made it so")
        if self.low is not None and self.high is not None:
            is_inside = self.low <= self.value <= self.high
            require(is_inside, f"interval of claim {self.name!r}", "hold its value", numbers, "pass value, low, high")

    def __str__(self) -> str:
        return f"{self.text or self.name}: {quantity(self.value, self.low, self.high, unit=self.unit)}"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What the prose needs of a claim: `side relation factor * other`."""

    text: str
    side: str  # "value", "low" or "high"
    relation: str
    factor: float
    other: float | str

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Read a condition such as "> 0", "low > 0", "< other_claim" or "< 0.5 * other_claim".

        Raises:
            ValueError: If it is written in another way.
        """
        match = _CONDITION.fullmatch(text)
        require(match is not None, "must", "hold conditions like '> 0' or 'low < other_claim'", text, "write it so")
        side, relation, factor, other = match.groups()  # type: ignore[union-attr]
        is_number = re.fullmatch(r"-?[0-9.]+", other) is not None
        return cls(
            text=text,
            side=side or "value",
            relation=relation,
            factor=float(factor or 1),
            other=float(other) if is_number else other,
        )

    def holds(self, claim: Claim, others: Mapping[str, Claim]) -> bool | None:
        """Say whether a claim is so; None where the other claim, or the interval, is not there."""
        value, limit = getattr(claim, self.side), self._limit(others)
        return None if value is None or limit is None else _HOLDS[self.relation](value, self.factor * limit)

    def _limit(self, others: Mapping[str, Claim]) -> float | None:
        if not isinstance(self.other, str):
            return self.other
        return others[self.other].value if self.other in others else None

    def bound(self) -> float | None:
        """Return the number that a condition on the value names, if it names one."""
        return self.factor * self.other if self.side == "value" and not isinstance(self.other, str) else None


@dataclass(frozen=True, kw_only=True)
class ClaimPlan:
    """One claim of `chapters.toml`; the module's docstring has its keys."""

    name: str
    chapter: str = ""
    text: str = ""
    unit: str = ""
    digits: int = 2
    signed: bool = False
    within: tuple[float, float] = (-math.inf, math.inf)
    must: tuple[Condition, ...] = ()
    stored: str = ""
    exact: bool = False
    # From "book_generator" or "book_logs" to the accepted range.
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require(self.digits >= 1, "digits", "be at least 1", self.digits, "2 is enough for prose")
        require(self.within[0] < self.within[1], "within", "be [least, most]", self.within, "turn them round")

    def faults(self, claim: Claim, others: Mapping[str, Claim]) -> list[Condition]:
        """Return what the prose needs and does not get; a comparison with a claim that is not there is left out."""
        return [condition for condition in self.must if condition.holds(claim, others) is False]

    def accepted(self, source: str, profile: str = "book") -> tuple[float, float] | None:
        """Return the accepted range for a source of data ("generator" or "logs"), if one is on record."""
        return self.ranges.get(f"{profile}_{source}")


def read_claim_plans(path: str | Path) -> dict[str, dict[str, ClaimPlan]]:
    """Read the claims of `chapters.toml`: chapter's number to name to plan.

    Raises:
        ValueError: If a key is unknown, a condition malformed, or a name stands in two chapters.
    """
    return plans_of(tomllib.loads(Path(path).read_text(encoding="utf-8")))


def plans_of(table: Mapping[str, Any]) -> dict[str, dict[str, ClaimPlan]]:
    """Return the claims of `chapters.toml`, parsed: chapter's number to name to plan."""
    plans: dict[str, dict[str, ClaimPlan]] = {}
    where: dict[str, str] = {}
    for number, entries in table.get("claims", {}).items():
        for name, entry in entries.items():
            require(name not in where, "claims", "have names that are unique in the book", name, "rename one")
            where[name] = number
            plans.setdefault(number, {})[name] = _plan(number, name, entry)
    return plans


def _plan(number: str, name: str, entry: Mapping[str, Any]) -> ClaimPlan:
    ranges = {key: (float(low), float(high)) for key, (low, high) in _ranges_in(entry)}
    known = {key: value for key, value in entry.items() if key not in ranges}
    unknown = set(known) - set(ClaimPlan.__dataclass_fields__) | set(known) & {"name", "chapter", "ranges"}
    require(not unknown, f"claims.{number}.{name}", "have known keys", sorted(unknown), "see teaching/claim_plan.py")
    if "within" in known:
        known["within"] = (float(known["within"][0]), float(known["within"][1]))
    known["must"] = tuple(Condition.parse(text) for text in known.get("must", ()))
    return ClaimPlan(name=name, chapter=number, ranges=ranges, **known)


def _ranges_in(entry: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(key, value) for key, value in entry.items() if re.fullmatch(r"(smoke|book|full)_(generator|logs)", key)]


@cache
def claim_plans() -> dict[str, ClaimPlan]:
    """Return the plans of all claims by name: from the installed copy of `chapters.toml`, or from the project's own."""
    here = Path(__file__).resolve()
    for path in (here.with_name("chapters.toml"), here.parents[2] / "notebooks" / "chapters.toml"):
        if path.exists():
            return {name: plan for plans in read_claim_plans(path).values() for name, plan in plans.items()}
    return {}


def check_claims(
    claims: Mapping[str, Claim],
    plans: Mapping[str, ClaimPlan],
    *,
    source: str,
    sentences: Mapping[str, str] | None = None,
) -> list[str]:
    """Return as a sentence each claim that is missing, unknown, outside of its range, or not what the prose needs.

    Args:
        claims: What a run at `book` recorded.
        plans: The chapter's claims.
        source: "generator" or "logs".
        sentences: From a claim to the sentence that rests on it (see `find_sentences`).
    """
    violations = [
        f"Claim {name!r} is missing: the chapter did not make it, although it is in its plan."
        for name in plans
        if name not in claims
    ]
    for name, record in claims.items():
        said = f' The text says: "{sentences[name]}"' if sentences and name in sentences else ""
        if name not in plans or plans[name].accepted(source) is None:
            violations.append(f"Claim {name!r} has no range: run notebooks/claim_ranges.py.{said}")
            continue
        violations += [f"{fault}{said}" for fault in _outside(record, plans[name], source)]
        violations += [
            f"Claim {name!r} must be {condition.text}, got {getattr(record, condition.side):.6g}"
            f"{_compared(condition, claims)}.{said}"
            for condition in plans[name].faults(record, claims)
        ]
    return violations


def _outside(record: Claim, plan: ClaimPlan, source: str) -> list[str]:
    accepted = plan.accepted(source)
    assert accepted is not None
    found = []
    for kind, (low, high) in (("possible", plan.within), ("accepted", accepted)):
        slack = _ROUNDING * max(1.0, abs(record.value))
        if not low - slack <= record.value <= high + slack:
            side = "below" if record.value < low else "above"
            found.append(
                f"Claim {plan.name!r} is outside its range: {record.value:.6g} is {side} what is {kind}, "
                f"[{low:.6g}, {high:.6g}]."
            )
    return found


def _compared(condition: Condition, claims: Mapping[str, Claim]) -> str:
    return f" against {claims[condition.other].value:.6g}" if isinstance(condition.other, str) else ""


def names_in_prose(text: str) -> list[str]:
    """List the claims that a text names by the role, in order."""
    return [match.group(1) for match in ROLE.finditer(text)]


def find_sentences(notebook: Mapping[str, Any] | str | Path) -> dict[str, str]:
    """Find for each claim the first sentence of a chapter's text that rests on it."""
    content = json.loads(Path(notebook).read_text(encoding="utf-8")) if isinstance(notebook, (str, Path)) else notebook
    found: dict[str, str] = {}
    for cell in content["cells"]:
        if cell["cell_type"] != "markdown":
            continue
        for block in re.split(r"\n\s*\n|\n(?=\s*[-|*] )", "".join(cell["source"])):
            for sentence in re.split(r"(?<=[.?!])\s+(?=[A-Z*\[({])", " ".join(block.split())):
                for name in names_in_prose(sentence):
                    found.setdefault(name, sentence.lstrip("-*| ").strip())
    return found
