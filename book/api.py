"""The reference of the library: one page per module, written by Sphinx from the docstrings."""

import importlib
import pkgutil
from functools import cache
from types import ModuleType

import gdt_tutorial

_GROUPS = (
    ("gdt_tutorial.physical", "The physical network"),
    ("gdt_tutorial.gai", "Generative AI"),
    ("gdt_tutorial.worlds", "Worlds: small abstractions with an oracle"),
    ("gdt_tutorial.agents", "Learning agents"),
    ("gdt_tutorial.studies", "Studies of many runs"),
    ("gdt_tutorial.twin", "The digital twin"),
    ("gdt_tutorial.loops", "The closed loops"),
    ("gdt_tutorial.solutions", "The paper's solutions"),
    ("gdt_tutorial.case_study", "The case study"),
    ("gdt_tutorial.open_issues", "The open issues"),
    ("gdt_tutorial.teaching", "What the chapters use"),
)


@cache
def modules() -> tuple[ModuleType, ...]:
    """Import and list every module of the library that a reader may import."""
    names = [info.name for info in pkgutil.walk_packages(gdt_tutorial.__path__, "gdt_tutorial.")]
    # The checks of exercises hold answers.
    shown = [name for name in names if not any(part.startswith("_") or part == "checks" for part in name.split("."))]
    return tuple(importlib.import_module(name) for name in sorted(shown))


@cache
def pages() -> dict[str, str]:
    """Return path and text of each page of the reference."""
    return {"api/index.md": _index()} | {
        _path(module): _page(module) for module in modules() if not _is_package(module)
    }


def files() -> frozenset[str]:
    """Return the files whose source has a page of the site."""
    return frozenset(module.__name__.replace(".", "/") + ".py" for module in modules() if not _is_package(module))


def summary(module: ModuleType) -> str:
    """Return the first sentence of a module's docstring."""
    first = (module.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
    return first.replace("|", "\\|")


def _is_package(module: ModuleType) -> bool:
    return hasattr(module, "__path__")


def _path(module: ModuleType) -> str:
    return f"api/{module.__name__}.md"


def _page(module: ModuleType) -> str:
    name = module.__name__
    title = name.removeprefix("gdt_tutorial.")
    directive = f".. automodule:: {name}\n   :members:\n   :member-order: bysource\n   :ignore-module-all:"
    return f"# {title}\n\n[Up to the reference of the library](index.md)\n\n```{{eval-rst}}\n{directive}\n```\n"


def _index() -> str:
    shown = [module for module in modules() if not _is_package(module)]
    grouped = [(title, [m for m in shown if m.__name__.startswith(f"{group}.")]) for group, title in _GROUPS]
    used = {module for _, members in grouped for module in members}
    grouped.insert(0, ("Common ground", [module for module in shown if module not in used]))
    blocks = ["# Reference of the library", _INTRODUCTION]
    for title, members in grouped:
        if members:
            rows = [f"| [`{m.__name__}`]({m.__name__}.md) | {summary(m)} |" for m in members]
            blocks.append(f"## {title}\n\n" + "\n".join(["| module | what it holds |", "|---|---|", *rows]))
    return "\n\n".join(blocks) + "\n"


_INTRODUCTION = (
    "Everything here is written by Sphinx from the docstrings, so it cannot say other things than the code. "
    "Each entry has a link to its source. The axis names in the annotations are explained on the page about "
    "[notation](../pages/notation.md)."
)
