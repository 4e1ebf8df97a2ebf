"""What each stored table of a study over seeds must be."""

from types import ModuleType

from gdt_tutorial.reproduce import FIGURES
from gdt_tutorial.studies.tables import read_table


def check_stored_table(name: str, path, study: ModuleType, *columns: str, max_byte: float) -> None:
    """It is of this version of its study, made by the command and from a commit, whole, and small.

    `columns` name what a task and its rows have in common, the seed among them.
    """
    header, rows = read_table(path)
    n_seeds = FIGURES[name].n_seeds
    assert header["version"].split(",")[0] == study.VERSION, f"run `python -m gdt_tutorial reproduce {name}` again"
    assert header["command"] == f"python -m gdt_tutorial reproduce {name} --seeds {n_seeds}"
    assert not header["commit"].endswith("with changes"), "stored runs are made from a commit"
    tasks = {tuple(task[column] for column in columns) for task in study.tasks(n_seeds)}
    assert {tuple(row[column] for column in columns) for row in rows} == tasks
    assert path.stat().st_size < max_byte
