#!/usr/bin/env python3
"""Write the accepted range of every claim into chapters.toml, from several seeds.

    python notebooks/claim_ranges.py                         # all written chapters
    python notebooks/claim_ranges.py 00                      # one chapter
    GDT_DATA=my_logs.csv python notebooks/claim_ranges.py    # with the generator, and again with real watch logs

Chapters run in the profile `book`, whose numbers their text tells.
The range of a claim is [min, max] over the seeds, widened on both sides by half of their distance, or by 5 % of the
largest magnitude where that is more (of what is possible, where that is bounded), and rounded outward to four digits. It is
clipped to what is possible (`within`) and to what the text needs (`must`). A claim that is `exact` or `stored` has the same
value in every run, so its range is that value. So a claim holds for seeds that were not tried, and a range says how far a
number moves. Ranges of other chapters and data sources, and everything that is written by hand, stay as they are. All
ranges of logs must come from one log, so with another log all chapters have to run.

The exit code is 1 where a seed breaks what the text needs of a claim, or a number is the same in all runs and not marked so:
then more seeds belong into the experiment, or the sentence has to change.
"""

import argparse
import math
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import tomlkit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from book.chapters import read_plan
from book.execute import execute
from book.logs import log_facts
from gdt_tutorial.physical.logs.watch_logs import data_place
from gdt_tutorial.teaching.claim_plan import Claim, ClaimPlan

CHAPTERS = ROOT / "notebooks" / "chapters.toml"
PROFILE = "book"
RELATIVE_FLOOR = 0.05
SPREAD_SHARE = 0.5
LEAST_SEEDS = 5


def widened_range(values: Sequence[float], plan: ClaimPlan) -> tuple[float, float]:
    """Return the accepted range of a claim from its values over the seeds.

    Raises:
        ValueError: If there are fewer than five values, or one is not finite.
    """
    if len(values) < LEAST_SEEDS or not all(math.isfinite(value) for value in values):
        raise ValueError(
            f"values must be {LEAST_SEEDS} or more finite numbers, got {list(values)}; run more seeds."
        )
    low, high = min(values), max(values)
    if (plan.exact or plan.stored) and is_fixed(values):
        return float(f"{low:.10g}"), float(f"{low:.10g}")
    span = plan.within[1] - plan.within[0]
    floor = RELATIVE_FLOOR * max(
        abs(low), abs(high), span if math.isfinite(span) else 0
    )
    margin = max(SPREAD_SHARE * (high - low), floor, 1e-9)
    least, most = possible(plan)
    return (
        max(_rounded(low - margin, math.floor), min(least, low)),
        min(_rounded(high + margin, math.ceil), max(most, high)),
    )


def possible(plan: ClaimPlan) -> tuple[float, float]:
    """Return what a claim may be at all: what is possible, and what the text needs of its value."""
    least, most = plan.within
    for condition in plan.must:
        bound = condition.bound()
        if bound is not None and condition.relation in (">", ">="):
            least = max(least, bound)
        elif bound is not None:
            most = min(most, bound)
    return least, most


def is_fixed(values: Sequence[float]) -> bool:
    """Say whether all values are one, up to rounding."""
    return math.isclose(min(values), max(values), rel_tol=1e-9, abs_tol=1e-12)


def faults(
    number: str, runs: Sequence[Mapping[str, Claim]], plans: Mapping[str, ClaimPlan]
) -> list[str]:
    """Return each seed that breaks what the text needs, and each number that never moves and is not marked so."""
    found = []
    for seed, claims in enumerate(runs):
        for name, claim in claims.items():
            plan = plans.get(name, ClaimPlan(name=name))
            for condition in plan.faults(claim, claims):
                at = getattr(claim, condition.side)
                found.append(
                    f"{number} {name}, run {seed}: must be {condition.text}, got {at:.4g}"
                )
    for name, plan in plans.items():
        values = [claims[name].value for claims in runs if name in claims]
        if not values:
            continue
        is_marked, is_at_end = plan.exact or plan.stored, values[0] in (0, *plan.within)
        if is_fixed(values) and not is_marked and not is_at_end:
            found.append(
                f"{number} {name}: the same in all runs; mark it `exact` or `stored`"
            )
        elif is_marked and not is_fixed(values):
            found.append(f"{number} {name}: neither exact nor stored, it moves")
    return found


def measure(
    chapter: Path, seeds: Iterable[int], data: Path | None, n_jobs: int
) -> list[dict[str, Claim]]:
    """Execute a chapter once per seed and return the claims of each run by name."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(n_jobs) as pool:

        def run(seed: int) -> dict[str, Claim]:
            out_path = Path(folder) / f"{seed}.ipynb"
            record = execute(
                chapter, profile=PROFILE, seed=seed, out_path=out_path, data=data
            )
            print(
                f"{chapter.stem} seed {seed}: {record.cpu_s:.1f} s, {len(record.claims)} claims",
                flush=True,
            )
            return {entry["name"]: Claim(**entry) for entry in record.claims}

        return list(pool.map(run, seeds))


def write_ranges(
    document: tomlkit.TOMLDocument,
    number: str,
    source: str,
    runs: Sequence[Mapping[str, Claim]],
    plans: Mapping[str, ClaimPlan],
) -> None:
    """Put the ranges of one chapter and source into the document; a claim that is no longer made goes."""
    claims = document.setdefault("claims", tomlkit.table(is_super_table=True))
    chapter = claims.setdefault(number, tomlkit.table(is_super_table=True))
    made = list(dict.fromkeys(name for run in runs for name in run))
    for name in [name for name in chapter if name not in made]:
        del chapter[name]
    for name in made:
        entry = chapter.setdefault(name, tomlkit.table())
        entry.setdefault("text", "")
        values = [run[name].value for run in runs if name in run]
        plan = plans.get(name, ClaimPlan(name=name))
        entry[f"{PROFILE}_{source}"] = list(widened_range(values, plan))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chapters and rewrite the ranges; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "chapters", nargs="*", help="numbers, such as 00; default: all that are written"
    )
    parser.add_argument(
        "--seeds", nargs="+", type=int, default=list(range(LEAST_SEEDS))
    )
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    options = parser.parse_args(arguments)
    plan = read_plan(CHAPTERS)
    chosen = [plan.chapter(number) for number in options.chapters] or plan.written
    logs = fingerprint_of_logs(data_place())
    if logs not in ("", plan.logs) and len(chosen) < len(plan.written):
        parser.error(
            f"chapters must be all with a log other than {plan.logs}; name none."
        )
    broken: list[str] = []
    for chapter in chosen:
        for data in sources(data_place()):
            runs = measure(chapter.path, options.seeds, data, options.jobs)
            plans = plan.claims.get(chapter.number, {})
            document = tomlkit.parse(CHAPTERS.read_text(encoding="utf-8"))
            source = "generator" if data is None else "logs"
            broken += [
                f"{source}: {fault}" for fault in faults(chapter.number, runs, plans)
            ]
            write_ranges(document, chapter.number, source, runs, plans)
            if data is not None:
                document["ranges"]["logs"] = logs
            CHAPTERS.write_text(tomlkit.dumps(document), encoding="utf-8")
    print(f"Ranges of {len(chosen)} chapters written to {CHAPTERS.relative_to(ROOT)}.")
    print("\n".join(broken))
    return int(bool(broken))


def fingerprint_of_logs(data: Path | None) -> str:
    """Name the watch log; "" for none."""
    return "" if data is None else log_facts(data).fingerprint


def sources(data: Path | None) -> list[Path | None]:
    """Return the data sources to run: the generator always, and real logs where the reader has them."""
    return [None] if data is None else [None, data]


def _rounded(value: float, direction: Any) -> float:
    if value == 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 3)
    return float(f"{direction(value / step) * step:.4g}")


if __name__ == "__main__":
    sys.exit(main())
