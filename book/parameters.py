"""The provenance of every parameter, read from the library's config classes."""

import dataclasses
import inspect
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from gdt_tutorial.configuration import describe


def config_classes(module: ModuleType) -> list[type]:
    """List the dataclasses of a module that were declared with `parameter`."""
    members = inspect.getmembers(module, inspect.isclass)
    own = [member for _, member in members if member.__module__ == module.__name__ and dataclasses.is_dataclass(member)]
    return [member for member in own if describe(member)]


def parameter_tables(modules: Iterable[ModuleType]) -> str:
    """Return one table per config class: name, default, unit, meaning, source of the number."""
    blocks = []
    for module in modules:
        for config in config_classes(module):
            lines = ["| parameter | default | unit | what it is | source |", "|---|---|---|---|---|"]
            for row in describe(config):
                cells = [f"`{row.name}`", _value(row.default), row.unit, _clean(row.doc), _clean(row.source)]
                lines.append("| " + " | ".join(cells) + " |")
            blocks.append(f"## {config.__name__}\n\n`{module.__name__}`\n\n" + "\n".join(lines))
    return "\n\n".join(blocks) or "The library has no parameters yet."


def _value(default: Any) -> str:
    if default is None:
        return "none"
    if isinstance(default, float) and not isinstance(default, bool):
        return f"`{default:g}`"
    text = repr(default)
    return f"`{text}`" if len(text) <= 60 and "\n" not in text else f"{type(default).__name__}, see the source"


def _clean(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
