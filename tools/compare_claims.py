"""Compare the claims of two sets of executed chapters, to the last digit: what a change has moved, and what it has not.

    python tools/compare_claims.py BEFORE AFTER

Both are folders with executed copies, such as `book/_build/executed` of two checkouts. Copies are matched by chapter, profile,
seed and data. The exit code is 0 where every claim of BEFORE is in AFTER with the same value.
"""

import json
import sys
from pathlib import Path
from typing import Any

Run = tuple[str, str, int, str]


def main(before: str, after: str) -> int:
    """Print a line per run and one per claim that differs; return the exit code."""
    old, new = read_runs(Path(before)), read_runs(Path(after))
    n_same, n_other = 0, 0
    for run in sorted(old.keys() & new.keys()):
        values = old[run], new[run]
        moved = [
            name for name in sorted(values[0].keys() | values[1].keys()) if len({repr(v.get(name)) for v in values}) > 1
        ]
        n_same, n_other = n_same + len(values[0]) - len(moved), n_other + len(moved)
        print(f"{' '.join(map(str, run))}: {len(values[0]) - len(moved)} claims equal, {len(moved)} differ")
        for name in moved:
            print(f"    {name}: {values[0].get(name)} -> {values[1].get(name)}")
    for run in sorted(old.keys() ^ new.keys()):
        print(f"{' '.join(map(str, run))}: only {'before' if run in old else 'after'}")
    print(f"{n_same} claims equal, {n_other} differ")
    return int(n_other > 0 or n_same == 0)


def read_runs(folder: Path) -> dict[Run, dict[str, Any]]:
    """Return the claims of every run: name to value; of several copies of a run, the newest."""
    runs: dict[Run, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.ipynb"), key=lambda path: path.stat().st_mtime):
        record = json.loads(path.read_text(encoding="utf-8"))["metadata"]["gdt"]
        run = (record["chapter"], record["profile"], record["seed"], record["data_source"])
        runs[run] = {claim["name"]: claim["value"] for claim in record["claims"]}
    return runs


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
