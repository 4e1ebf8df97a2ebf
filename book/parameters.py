"""The provenance of every parameter, read from the library's config classes."""

import dataclasses
import inspect
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from gdt_tutorial.configuration import describe

_ORDER = ("gdt_tutorial.physical", "gdt_tutorial.twin", "gdt_tutorial.loops", "gdt_tutorial.gai", "gdt_tutorial.")


def config_classes(module: ModuleType) -> list[type]:
    """List the dataclasses of a module that were declared with `parameter`."""
    members = inspect.getmembers(module, inspect.isclass)
    own = [member for _, member in members if member.__module__ == module.__name__ and dataclasses.is_dataclass(member)]
    return [member for member in own if describe(member)]


def parameter_tables(modules: Iterable[ModuleType]) -> str:
    """Return one table per config class: name, default, unit, what is allowed, meaning, source of the number."""
    blocks = []
    for module in sorted(modules, key=_rank):
        for config in config_classes(module):
            lines = ["| parameter | default | unit | allowed | what it is | source |", "|---|---|---|---|---|---|"]
            for row in describe(config):
                cells = [
                    f"`{row.name}`",
                    _value(row.default),
                    row.unit,
                    str(row.bounds),
                    _clean(row.doc),
                    _clean(row.source),
                ]
                lines.append("| " + " | ".join(cells) + " |")
            about = f"{_first_sentence(config)} `{module.__name__}`".strip()
            blocks.append(f"## {config.__name__}\n\n{about}\n\n" + "\n".join(lines))
    return "\n\n".join(blocks) or "The library has no parameters yet."


def _rank(module: ModuleType) -> int:
    """Order modules as the architecture does: the network first, the common tools of learning last."""
    found = (rank for rank, name in enumerate(_ORDER) if module.__name__.startswith(name))
    return next(found, len(_ORDER) - 1)


def _first_sentence(config: type) -> str:
    return _clean((config.__doc__ or "").strip().split("\n\n")[0])


def _value(default: Any) -> str:
    return "none" if default is None else f"`{_rounded(default)}`"


def _rounded(value: Any) -> str:
    """Write a default as Python would, with four digits."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        shown = (f"{field.name}={_rounded(getattr(value, field.name))}" for field in dataclasses.fields(value))
        return f"{type(value).__name__}({', '.join(shown)})"
    if isinstance(value, (list, tuple)):
        return ", ".join(_rounded(entry) for entry in value)
    if inspect.isfunction(value) or inspect.isclass(value):
        return value.__name__  # its repr holds an address, which differs from run to run
    if isinstance(value, float):
        text = f"{value:.4g}"
        return f"{value:.0f}" if "e+" in text and abs(value) < 1e5 else text.replace("e+0", "e").replace("e+", "e")
    return value if isinstance(value, str) else repr(value)


def _clean(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
