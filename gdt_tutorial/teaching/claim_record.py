"""Claims: numbers that the text of a chapter relies on, recorded where they are computed and checked in every run.

    claims(gain_over_model=(mean, low, high), regret=0.003)

in a cell shows the first of them, folds the others away, and stores all in the notebook. What each means, its unit, what the
prose needs of it and the accepted range stand in `notebooks/chapters.toml` (see `claim_plan`). A run at `book` whose number
leaves its range, or breaks a sentence, fails; in a notebook that a reader runs on other data such a number says so itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gdt_tutorial.configuration import require
from gdt_tutorial.teaching.claim_plan import Claim, ClaimPlan, claim_plans
from gdt_tutorial.teaching.claim_words import quantity
from gdt_tutorial.teaching.page import inline, publish, published, style

__all__ = ["CLAIM_MIME", "Claim", "claims", "claims_html", "read_claims", "words"]

CLAIM_MIME = "application/vnd.gdt.claims+json"
# What this kernel has claimed so far, so that an order between two of them can be seen.
_so_far: dict[str, Claim] = {}


def claims(*, shown: str | Sequence[str] = (), **values: Any) -> None:
    """Show numbers that the text relies on, and record them for the checks.

    Args:
        shown: Those that stay in sight; the others are folded away. The first one, unless said.
        values: Each claim's number, or (number, half of its interval), or (number, lower end, upper end). A
            zero-dimensional array or tensor is fine.

    Raises:
        ValueError: If there is none, a name is malformed or in `shown` alone, or a value is not one to three finite numbers.
    """
    require(len(values) > 0, "values", "hold a claim or more", "none", "write e.g. claims(qoe_gain=gain)")
    records = {name: _record(name, value) for name, value in values.items()}
    visible = [shown] if isinstance(shown, str) else list(shown) or [next(iter(records))]
    unknown = [name for name in visible if name not in records]
    require(not unknown, "shown", "name claims of the same call", unknown, f"take some of {', '.join(records)}")
    _so_far.update(records)
    page = claims_html(records, visible, claim_plans(), others=_so_far)
    payload = {"claims": [asdict(record) for record in records.values()], "shown": visible}
    publish(page, "\n".join(map(str, records.values())), {CLAIM_MIME: payload})


def claims_html(
    records: Mapping[str, Claim],
    shown: Sequence[str],
    plans: Mapping[str, ClaimPlan],
    *,
    others: Mapping[str, Claim] | None = None,
    name_html: Callable[[str], str] = lambda name: f"<code>{name}</code>",
) -> str:
    """Return the list of claims of one cell: those in `shown`, and the others behind a fold.

    Args:
        records: The claims of the cell by name.
        shown: Which stay in sight; a claim that breaks its sentence does so too.
        plans: What `chapters.toml` says of each.
        others: All claims of the chapter, for orders between two of them.
        name_html: How a name is written: as a link on a page.
    """
    others, rows = others or records, {}
    for name, record in records.items():
        plan = plans.get(name, ClaimPlan(name=name, text=name.replace("_", " ")))
        faults = plan.faults(record, others)
        needs = "; ".join(fault.text for fault in faults)
        broken = f'<span class="gdt-broken">the text needs: {inline(needs)}</span>' if faults else ""
        stored = '<span class="gdt-stored">stored</span>' if plan.stored else ""
        rows[name] = (
            bool(faults),
            f'<li><span class="gdt-said">{inline(plan.text)} {stored}{broken}</span>'
            f'<span class="gdt-value">{inline(words(record, plan))}</span><span class="gdt-name">{name_html(name)}</span></li>',
        )
    seen = "".join(row for name, (is_broken, row) in rows.items() if is_broken or name in shown)
    folded = [row for name, (is_broken, row) in rows.items() if not is_broken and name not in shown]
    more = f"{len(folded)} more number{'s' if len(folded) > 1 else ''}"
    behind = f"<details><summary>{more}</summary><ul>{''.join(folded)}</ul></details>" if folded else ""
    return f'<div class="gdt gdt-claims">{style("claim")}<ul>{seen}</ul>{behind}</div>'


def words(record: Claim, plan: ClaimPlan, form: str = "") -> str:
    """Write a claim for a sentence: in full, as its bare "value", or as its "size" without a sign."""
    value, low, high = record.value, record.low, record.high
    if form == "size" and value < 0:
        value, low, high = -value, *(None if end is None else -end for end in (high, low))
    elif form == "value":
        low = high = None
    return quantity(
        value,
        low,
        high,
        unit="" if form == "value" else plan.unit,
        digits=plan.digits,
        signed=plan.signed and form != "size",
    )


def read_claims(notebook: Mapping[str, Any] | str | Path) -> dict[str, Claim]:
    """Collect the claims of an executed notebook by name.

    Args:
        notebook: The path of an .ipynb file, or its content (a dictionary or a notebook node of nbformat).

    Raises:
        ValueError: If two outputs carry the same name.
    """
    found: dict[str, Claim] = {}
    for _, payload in published(notebook, CLAIM_MIME):
        for entry in payload["claims"]:
            name = entry["name"]
            require(name not in found, "name of a claim", "be unique in a chapter", name, "rename one of the two")
            found[name] = Claim(**{**entry, "value": float(entry["value"])})
    return found


def _record(name: str, value: Any) -> Claim:
    plan = claim_plans().get(name, ClaimPlan(name=name))
    number, low, high = _numbers(name, value)
    return Claim(
        name=name, value=number, low=low, high=high, unit=plan.unit, text=plan.text or name, source=_data_source()
    )


def _numbers(name: str, value: Any) -> tuple[float, float | None, float | None]:
    parts = value if isinstance(value, (tuple, list)) else (value,)
    try:
        numbers = [float(part) for part in parts]
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"value of claim {name!r} must be one number, got {value!r}; reduce it first.") from error
    match numbers:
        case [number]:
            return number, None, None
        case [number, half]:
            return number, number - abs(half), number + abs(half)
        case [number, low, high]:
            return number, low, high
    raise ValueError(f"value of claim {name!r} must be one to three numbers, got {value!r}; pass value, low, high.")


def _data_source() -> str:
    # Imported late: a page without a simulation needs no simulator.
    from gdt_tutorial.physical.logs.watch_logs import data_source

    return data_source()
