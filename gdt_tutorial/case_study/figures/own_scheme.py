"""A scheme of your own in Fig. 5: run on the campuses of the stored table, and compared with the stored schemes in pairs.

A scheme is a function from campuses to a `Scheme`. It says which segments come first (`buffering`, with `abstract`), in which
version (`versions`, with `select`), and who gets which share of band and cycles (`scheduler`, with `schedule`):

    # mine.py
    def my_scheme(campuses):
        return Scheme(
            buffering=sequential_lists(campuses),
            versions=FixedVersion(campuses.model, 1),
            scheduler=GreedyByGain(campuses.model),
        )

In a notebook, `compare(my_scheme)` runs it on a few lots of campuses. For all of them there is

    python -m gdt_tutorial reproduce fig5 --with mine:my_scheme

Only your scheme is run: what the others got on the same lots is read from the table. An entry like those of
`schemes.SCHEMES` serves as well, where a scheme has several networks.
"""

import hashlib
import importlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gdt_tutorial.case_study.experiment import Campuses, Scheme
from gdt_tutorial.case_study.figures.fig5 import EXTRAS, N_CAMPUSES, Lot
from gdt_tutorial.case_study.figures.scheme_table import SchemeTable
from gdt_tutorial.case_study.figures.schemes import SCHEMES, NamedScheme
from gdt_tutorial.configuration import require
from gdt_tutorial.solutions.data_model.scheduling import Scheduler
from gdt_tutorial.solutions.data_model.versions import VersionSelector
from gdt_tutorial.studies.tables import read_table
from gdt_tutorial.twin.abstraction.features import FeatureAbstractor

__all__ = ["OwnScheme", "compare", "load", "named", "summary", "tasks", "try_out", "with_differences", "work"]

STORED = Path(__file__).parents[1] / "results" / "fig5.csv"
_PARTS = {
    "buffering": (FeatureAbstractor, "abstract"),
    "versions": (VersionSelector, "select"),
    "scheduler": (Scheduler, "schedule"),
}


def compare(
    scheme: Callable[[Campuses], Scheme] | NamedScheme,
    *,
    name: str = "own",
    n_seeds: int = 4,
    capacities_cycles_per_s: Sequence[float] | None = None,
) -> SchemeTable:
    """Run a scheme on the first lots of the stored table, and return its runs beside those of all schemes there.

    A lot is four campuses at one capacity; it takes a rule a third of a second.

        beside = compare(my_scheme, capacities_cycles_per_s=(3e9, 6e9, 12e9))
        mean, half = beside.mean_difference("own", "equal")  # paired; half of the 95 % interval

    Args:
        scheme: See the module.
        name: What the table calls it.
        n_seeds: How many of the table's seeds, from the first on; an interval needs two.
        capacities_cycles_per_s: Some of the table's; None takes all.

    Raises:
        ValueError: No scheme, a name that is taken, or seeds or capacities that the table does not have.
    """
    own, known = named(scheme, name), _stored_table().capacity_cycles_per_s.tolist()
    capacities = known if capacities_cycles_per_s is None else capacities_cycles_per_s
    is_known = len(capacities) > 0 and set(capacities) <= set(known)
    require(is_known, "capacities_cycles_per_s", f"be some of {known}", capacities, "only these are stored")
    chosen = [task for task in _lots(n_seeds, "n_seeds") if task["capacity"] in capacities]
    return _beside([row for task in chosen for row in Lot(task).rows_of(name, own)])


def named(scheme: Any, name: str) -> NamedScheme:
    """Return a scheme as an entry of Fig. 5 that checks what it makes.

    Raises:
        ValueError: No scheme, or a name that is taken.
    """
    taken = (*SCHEMES, *EXTRAS)
    require(name not in taken, "scheme", f"have another name than {', '.join(taken)}", name, "rename it")
    is_entry = isinstance(scheme, NamedScheme)
    remedy = "write def my_scheme(campuses): return Scheme(buffering=..., versions=..., scheduler=...)"
    rule = "be a function from campuses to a Scheme"
    require(is_entry or callable(scheme), "scheme", rule, type(scheme).__name__, remedy)
    entry = (
        scheme
        if is_entry
        else NamedScheme(title=name, has_network=False, make=lambda campuses, index: scheme(campuses))
    )
    return replace(entry, make=lambda campuses, index: _checked(entry.make(campuses, index)))


def _checked(made: Any) -> Scheme:
    remedy = "build it with buffering=, versions= and scheduler="
    require(isinstance(made, Scheme), "scheme", "return a Scheme", type(made).__name__, remedy)
    for part, (protocol, method) in _PARTS.items():
        own = getattr(made, part)
        rule = f"have the method {method}"
        require(isinstance(own, protocol), f"scheme.{part}", rule, type(own).__name__, f"see {protocol.__name__}")
    return made


# --- from the command line


@dataclass(frozen=True, kw_only=True)
class OwnScheme:
    """A scheme of another module.

    Attributes:
        reference: Where it is, as module:scheme.
        name: What the table calls it.
        scheme: The scheme.
        code: Fingerprint of the module's file.
    """

    reference: str
    name: str
    scheme: NamedScheme
    code: str


def load(reference: str) -> OwnScheme:
    """Import a scheme by module:scheme; a module may lie in the current folder.

    Raises:
        ValueError: No such module or scheme, one that cannot be imported, or no scheme.
    """
    module_name, _, name = reference.partition(":")
    is_reference = all(map(str.isidentifier, [*module_name.split("."), name]))
    require(
        is_reference, "--with", "be module:scheme", reference, "mine:my_scheme is the function my_scheme of mine.py"
    )
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        remedy = f"go to the folder of {module_name.split('.')[0]}, and see that python -c 'import {module_name}' works"
        rule = "name a module that can be imported"
        raise ValueError(f"--with must {rule}, got {module_name!r} ({_said(error, module_name)}); {remedy}.") from error
    file = getattr(module, "__file__", None)
    offered = ", ".join(key for key, each in vars(module).items() if _is_scheme_of(each, module_name)) or "nothing"
    require(hasattr(module, name), "--with", f"name a scheme of {module_name}", name, f"it offers {offered}")
    code = hashlib.sha256(Path(file).read_bytes() if file else b"").hexdigest()[:12]
    return OwnScheme(reference=reference, name=name, scheme=named(getattr(module, name), name), code=code)


def _is_scheme_of(value: Any, module_name: str) -> bool:
    is_function = callable(value) and not isinstance(value, type) and getattr(value, "__module__", "") == module_name
    return isinstance(value, NamedScheme) or is_function


def try_out(own: OwnScheme) -> tuple[float, str]:
    """Run the scheme on one lot; return the seconds of processor time that it took, and a fingerprint of what came out.

    Raises:
        ValueError: It does not run.
    """
    task, start_s = _lots(1, "n_seeds")[0], time.process_time()
    try:
        rows = Lot(task).rows_of(own.name, own.scheme)
    except Exception as error:
        remedy = "own_scheme.compare shows all of the error"
        raise ValueError(
            f"--with must name a scheme that runs, got {own.reference!r} ({_said(error, own.reference)}); {remedy}."
        ) from error
    return time.process_time() - start_s, hashlib.sha256(repr(rows).encode()).hexdigest()[:12]


def _said(error: BaseException, reference: str) -> str:
    """Return an error in one line: its kind, where in the module it came from, and its sentence."""
    stem = reference.partition(":")[0].rpartition(".")[2]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).stem == stem]
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}: {' '.join(str(error).split()).rstrip('.')}"


def tasks(own: OwnScheme, n_seeds: int, trial: str) -> list[dict[str, Any]]:
    """Return a task for each lot of the stored table.

    A task names the code of the scheme and what came out of its trial: a scheme that was changed is run anew.

    Raises:
        ValueError: More seeds than the table has.
    """
    return [{**lot, "with": own.reference, "code": own.code, "trial": trial} for lot in _lots(n_seeds, "--seeds")]


def work(task: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Run the scheme of a task on one lot.

    Raises:
        ValueError: The module is missing here, or it is another one than where the sweep began.
    """
    own = load(task["with"])
    rule, remedy = f"be the module with fingerprint {task['code']}", "copy it to where the work is done"
    require(own.code == task["code"], task["with"], rule, own.code, remedy)
    return Lot(dict(task)).rows_of(own.name, own.scheme)


def with_differences(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add for each stored scheme what the own one got more, on the same lot; where one learns, than its mean network."""
    beside = _beside(rows)
    stored = {name: beside.values(name, "qoe").mean(axis=0) for name in _stored_table().schemes}
    places = [
        (beside.seeds.index(row["seed"]), int(np.searchsorted(beside.capacity_cycles_per_s, row["capacity"])))
        for row in rows
    ]
    return [
        {**row, **{f"minus_{name}": round(float(row["qoe"] - qoe[place]), 6) for name, qoe in stored.items()}}
        for row, place in zip(rows, places, strict=True)
    ]


def summary(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the mean differences over all lots in words; empty with one seed, which gives no interval."""
    beside, name = _beside(rows), str(rows[0]["scheme"])
    n_seeds, n_capacities = len(beside.seeds), len(beside.capacity_cycles_per_s)
    if n_seeds < 2:
        return []
    lines = [f"QoE per second, {name} minus ... (mean over {n_capacities} capacities, 95 % interval, {n_seeds} seeds):"]
    for other in _stored_table().schemes:
        mean, half = beside.mean_difference(name, other)
        lines.append(f"  {other:20} {mean:+.3f} ± {half:.3f}")
    return lines


@cache
def _stored() -> tuple[dict[str, str], list[dict[str, Any]]]:
    return read_table(STORED)


@cache
def _stored_table() -> SchemeTable:
    return SchemeTable(*_stored())


def _lots(n_seeds: int, argument: str) -> list[dict[str, Any]]:
    """Return the lots of the stored table, those of the first seeds."""
    seeds = _stored_table().seeds
    remedy = "leave it out for the default"
    require(1 <= n_seeds <= len(seeds), argument, f"lie in 1..{len(seeds)}, the seeds of the table", n_seeds, remedy)
    return [
        {"seed": seed, "capacity": capacity, "n_campuses": N_CAMPUSES}
        for seed in seeds[:n_seeds]
        for capacity in _stored_table().capacity_cycles_per_s.tolist()
    ]


def _beside(rows: Sequence[Mapping[str, Any]]) -> SchemeTable:
    """Return rows and the stored ones of the same lots as one table, the own scheme first."""
    header, stored = _stored()
    lots = {(row["seed"], row["capacity"]) for row in rows}
    return SchemeTable(header, [*rows, *(row for row in stored if (row["seed"], row["capacity"]) in lots)])
