"""The axis names of all annotations are those that the package's docstring explains, and no others are in use."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import gdt_tutorial

LIBRARY = Path(gdt_tutorial.__file__).parent
KINDS = {"Bool", "Float", "Int", "Int8", "Shaped"}
ANY_NUMBER = {"shape", "rest"}  # written `*shape`
LATER = {"server"}  # explained already, for parts that are planned


def axes_in_use() -> dict[str, set[str]]:
    found = defaultdict(set)
    for path in LIBRARY.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_array = isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in KINDS
            if is_array and isinstance(node.slice, ast.Tuple) and isinstance(node.slice.elts[1], ast.Constant):
                for name in node.slice.elts[1].value.split():
                    found[name].add(path.relative_to(LIBRARY).as_posix())
    return found


def axes_explained() -> set[str]:
    vocabulary = gdt_tutorial.__doc__.split("Axis vocabulary")[1].split("A suffix says the unit")[0]
    rows = [re.split(r"\s{2,}", line.strip()) for line in vocabulary.splitlines() if line.startswith("    ")]
    return {name for row in rows for name in row[::2]}


def test_every_axis_is_explained():
    named = {name for name in axes_in_use() if name.isidentifier() and name != "_"}
    missing = {name: sorted(axes_in_use()[name]) for name in named - axes_explained()}
    assert not missing, "explain these axes in the package's docstring, or use a name that is there"


def test_no_axis_is_explained_that_nothing_has():
    assert axes_explained() - set(axes_in_use()) - LATER == set()


def test_other_signs_are_sizes_and_any_number_of_axes():
    others = {name for name in axes_in_use() if not name.isidentifier()}
    assert {name for name in others if not name.isdigit()} <= {
        f"{sign}{name}" for sign in ("*", "*#") for name in ANY_NUMBER | axes_explained()
    }
