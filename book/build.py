"""Execute every written chapter and build the site.

    python -m book.build [--jobs N] [--profile book] [--seed 0] [--data PATH] [--fresh]

Chapters run in parallel and are kept until something that they depend on changes. The site is built aside and takes the
old one's place only when it is whole: no warning, no traceback, nothing from another host.
"""

import argparse
import dataclasses
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tqdm import tqdm

from book.cache import digest, execute_cached, library_files
from book.chapters import BOOK, BUILD, PROFILES, ROOT, Chapter, Plan, read_plan
from book.execute import ChapterError, RunRecord
from book.logs import ask_log
from book.scan import scan

STAGE = BUILD / "stage"
SITE = BUILD / "html"
_ASIDE = BUILD / "aside"
_STAMP = BUILD / "site.stamp"


def main(arguments: list[str] | None = None) -> int:
    """Build the book and print where to open it; return the exit status."""
    options = _parse(arguments)
    start_s = time.perf_counter()
    plan = read_plan()
    try:
        options.data, notes = ask_log(options.data, plan)
    except ValueError as error:
        print(f"The book was not built. {error}", file=sys.stderr)
        return 2
    BUILD.mkdir(parents=True, exist_ok=True)
    with _only_one(BUILD / "lock") as lock:
        for path in BUILD.iterdir() if options.fresh else ():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path != lock:
                path.unlink()
        return _build(plan, options, notes, start_s)


@contextmanager
def _only_one(path: Path) -> Iterator[Path]:
    """Wait for another build: two at a time would take each other's folders away. The second one finds the work done."""
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            print(f"Another build runs (pid {lock.read().strip() or 'unknown'}), waiting ...", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield path


def _build(plan: Plan, options: argparse.Namespace, notes: dict[str, str], start_s: float) -> int:
    try:
        records, executed = run_chapters(plan, options.profile, options.seed, options.data, options.jobs, notes)
        _print_costs(plan, records)
        faults = _stderr_faults(records) or build_site(plan, records, executed)
    except (ChapterError, OSError, ValueError) as error:
        print(f"\nThe book was not built. {error}", file=sys.stderr)
        return 1
    if faults:
        print("\n".join(["", *faults, "The book was not built."]), file=sys.stderr)
        return 1
    print(f"Built in {time.perf_counter() - start_s:.0f} s. Open {SITE / 'index.html'}")
    return 0


def run_chapters(
    plan: Plan, profile: str, seed: int, data: Path | None, n_jobs: int, notes: Mapping[str, str] = {}
) -> tuple[dict[str, RunRecord], dict[str, Path]]:
    """Execute all written chapters, `n_jobs` at a time; return records and executed copies by chapter number.

    Args:
        plan: The chapters.
        profile: How long they may take.
        seed: Theirs.
        data: Watch logs, or None for the generator.
        n_jobs: How many run at a time.
        notes: By number, the chapters that have the generator although there are logs, and why.

    Raises:
        ChapterError: If a chapter fails; those that run at the time are finished first.
    """
    records: dict[str, RunRecord] = {}
    executed = {chapter.number: BUILD / "chapters" / f"{chapter.stem}.ipynb" for chapter in plan.written}
    with ProcessPoolExecutor(max_workers=max(1, n_jobs)) as pool:
        jobs = {
            pool.submit(
                _run_one, chapter, profile, seed, None if chapter.number in notes else data, executed[chapter.number]
            ): chapter
            for chapter in plan.written
        }
        with tqdm(total=len(jobs), desc="Chapters", unit="chapter", file=sys.stdout) as progress:
            for job in as_completed(jobs):
                number = jobs[job].number
                records[number] = dataclasses.replace(job.result(), note=notes.get(number, ""))
                progress.set_postfix_str(jobs[job].stem)
                progress.update()
    return dict(sorted(records.items())), executed


def build_site(plan: Plan, records: dict[str, RunRecord], executed: dict[str, Path]) -> list[str]:
    """Stage the pages and build the site, unless nothing has changed; return the faults."""
    from book.staging import stage

    print("Pages: staging ...", flush=True)
    stage(STAGE, plan, records, executed)
    stamp = _stamp()
    if _STAMP.exists() and _STAMP.read_text() == stamp and (SITE / "index.html").exists():
        print("Pages: nothing has changed.")
        return []
    _STAMP.unlink(missing_ok=True)
    shutil.rmtree(_ASIDE, ignore_errors=True)
    print("Pages: Sphinx ...", flush=True)
    # The same as the command jupyter-book, found wherever this Python has it.
    start = "from jupyter_book.cli.main import main; main()"
    arguments = ["build", str(STAGE), "--path-output", str(_ASIDE), "--warningiserror", "--keep-going", "-q"]
    command = [sys.executable, "-c", start, *arguments]
    run = subprocess.run(command, cwd=STAGE, env=_environment(), capture_output=True, text=True, check=False)
    site = _ASIDE / "_build" / "html"
    if run.returncode != 0 or not (site / "index.html").exists():
        return [_complaint(run.stdout + "\n" + run.stderr)]
    faults = scan(site, {name for plans in plan.claims.values() for name in plans})
    if not faults:
        shutil.rmtree(SITE, ignore_errors=True)
        site.rename(SITE)
        shutil.rmtree(_ASIDE, ignore_errors=True)
        _STAMP.write_text(stamp)
    return faults


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--jobs", type=int, default=2, help="chapters that run at the same time (default: 2)")
    parser.add_argument(
        "--profile", choices=PROFILES, default="book", help="how long chapters may take (default: book)"
    )
    parser.add_argument("--seed", type=int, default=0, help="the chapters' seed (default: 0)")
    parser.add_argument("--data", type=Path, help="watch logs (default: GDT_DATA, else none)")
    parser.add_argument("--fresh", action="store_true", help="forget everything that was built before")
    return parser.parse_args(arguments)


def _run_one(chapter: Chapter, profile: str, seed: int, data: Path | None, out_path: Path) -> RunRecord:
    return execute_cached(chapter.path, profile=profile, seed=seed, data=data, out_path=out_path)


def _print_costs(plan: Plan, records: dict[str, RunRecord]) -> None:
    for number, record in records.items():
        budget_s = plan.budget_s(record.profile)
        budget = f" of {budget_s:.0f} s" if budget_s else ""
        note = " (kept from an earlier run)" if record.is_cached else ""
        over = "  OVER BUDGET" if budget_s and record.cpu_s > budget_s else ""
        print(
            f"  {plan.chapter(number).stem:<24} {record.cpu_s:6.1f} s{budget} of the processor, "
            f"{record.seconds:.1f} s by the clock, {record.peak_mb:4.0f} MB of {plan.memory_mb:.0f} MB, "
            f"{record.data_source}{note}{over}"
        )


def _stderr_faults(records: dict[str, RunRecord]) -> list[str]:
    return [f"{r.chapter} writes to stderr: {text.strip()[:300]}" for r in records.values() for text in r.stderr]


def _stamp() -> str:
    """Identify everything that the site is made from: the staging folder, the library, the builder."""
    staged = sorted(path for path in STAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return digest([*staged, *library_files(), *sorted(BOOK.glob("*.py")), ROOT / "pyproject.toml"])


def _environment() -> dict[str, str]:
    python_path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH")) if part)
    return {**os.environ, "PYTHONPATH": python_path, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "GDT_STATIC": "1"}


def _complaint(output: str) -> str:
    """Return the lines of Sphinx's output that say what is wrong."""
    plain = [line.replace(str(STAGE), "book") for line in output.splitlines()]
    telling = [line for line in plain if "WARNING" in line or "ERROR" in line or "rror:" in line]
    return "\n".join(telling or plain[-30:])


if __name__ == "__main__":
    sys.exit(main())
