#!/usr/bin/env python3
"""Write the accepted range of every claim into chapters.toml, from several seeds.

    python notebooks/claim_ranges.py                         # all written chapters
    python notebooks/claim_ranges.py 00                      # one chapter
    GDT_DATA=my_logs.csv python notebooks/claim_ranges.py    # with the generator, and again with real watch logs

Chapters run in the profile `book`, whose numbers their text tells.
The range of a claim is [min, max] over the seeds, widened on both sides by half of their distance, or by 5 % of the
largest magnitude where that is more, and rounded outward to four digits. So a claim holds for seeds that were not
tried, and a range says how far a number moves. Ranges of other chapters and data sources, and everything
above `[claims]` but the fingerprint of the watch log, stay as they are. All ranges of logs must come from one log, so with
another log all chapters have to run.
"""

import argparse
import math
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
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

CHAPTERS = ROOT / "notebooks" / "chapters.toml"
PROFILE = "book"
RELATIVE_FLOOR = 0.05
SPREAD_SHARE = 0.5
LEAST_SEEDS = 5


def widened_range(values: Sequence[float]) -> tuple[float, float]:
    """Return the accepted range of a claim from its values over the seeds.

    Raises:
        ValueError: If there are fewer than five values, or one is not finite.
    """
    if len(values) < LEAST_SEEDS or not all(math.isfinite(value) for value in values):
        raise ValueError(
            f"values must be {LEAST_SEEDS} or more finite numbers, got {list(values)}; run more seeds."
        )
    low, high = min(values), max(values)
    margin = max(
        SPREAD_SHARE * (high - low), RELATIVE_FLOOR * max(abs(low), abs(high)), 1e-9
    )
    return _rounded(low - margin, math.floor), _rounded(high + margin, math.ceil)


def measure(
    chapter: Path, seeds: Iterable[int], data: Path | None, n_jobs: int
) -> dict[str, dict[str, Any]]:
    """Execute a chapter once per seed and return, by claim, its text, its source and its values."""
    found: dict[str, dict[str, Any]] = defaultdict(lambda: {"values": []})
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(n_jobs) as pool:

        def run(seed: int) -> list[dict[str, Any]]:
            out_path = Path(folder) / f"{seed}.ipynb"
            record = execute(
                chapter, profile=PROFILE, seed=seed, out_path=out_path, data=data
            )
            print(
                f"{chapter.stem} seed {seed}: {record.cpu_s:.1f} s, {len(record.claims)} claims",
                flush=True,
            )
            return record.claims

        for claims in pool.map(run, seeds):
            for claim in claims:
                found[claim["name"]].update(
                    text=claim["text"], unit=claim["unit"], source=claim["source"]
                )
                found[claim["name"]]["values"].append(claim["value"])
    return dict(found)


def write_ranges(
    document: tomlkit.TOMLDocument,
    number: str,
    source: str,
    found: dict[str, Any],
) -> None:
    """Put the ranges of one chapter and source into the document; a claim that is no longer made goes."""
    claims = document.setdefault("claims", tomlkit.table(is_super_table=True))
    chapter = claims.setdefault(number, tomlkit.table(is_super_table=True))
    for name in [name for name in chapter if name not in found]:
        del chapter[name]
    for name, claim in found.items():
        entry = chapter.setdefault(name, tomlkit.table())
        entry["text"] = claim["text"]
        if claim["unit"]:
            entry["unit"] = claim["unit"]
        entry[f"{PROFILE}_{source}"] = list(widened_range(claim["values"]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the chapters and rewrite the ranges."""
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
    for chapter in chosen:
        for data in sources(data_place()):
            found = measure(chapter.path, options.seeds, data, options.jobs)
            document = tomlkit.parse(CHAPTERS.read_text(encoding="utf-8"))
            source = "generator" if data is None else "logs"
            write_ranges(document, chapter.number, source, found)
            if data is not None:
                document["ranges"]["logs"] = logs
            CHAPTERS.write_text(tomlkit.dumps(document), encoding="utf-8")
    print(f"Ranges of {len(chosen)} chapters written to {CHAPTERS.relative_to(ROOT)}.")


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
    main()
