"""The library's own source, read from the live object, so that a chapter cannot show code that is not run."""

import ast
import html
import inspect
import textwrap
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from gdt_tutorial.teaching.page import publish, style

__all__ = ["show", "source_lines"]


def show(thing: Any, *, body_only: bool = False, is_open: bool = True) -> None:
    """Show the source of a function, method, property, class or module.

    Args:
        thing: The live object; wrappers that follow `functools.wraps` are taken off.
        body_only: Leave out the docstring.
        is_open: Show the code at once; otherwise the reader opens it.

    Raises:
        ValueError: If the object has no Python source.
    """
    source, first_line, path = source_lines(thing)
    code = _without_docstring(source) if body_only else source
    place = f"{_relative(path)}, line {first_line}"
    link = _repository_link(path, first_line, first_line + source.rstrip().count("\n"))
    listing = highlight(code, PythonLexer(), HtmlFormatter(nowrap=True))
    name = html.escape(_name(thing))
    publish(
        f'<details class="gdt gdt-code"{" open" if is_open else ""}><summary><code>{name}</code>'
        f'<span class="gdt-place">{html.escape(place)}</span></summary>{style("code")}'
        f'<pre tabindex="0" role="region" aria-label="Source of {name}">{listing}</pre>{link}</details>',
        f"# {place}\n{code}",
    )


def source_lines(thing: Any) -> tuple[str, int, str]:
    """Return source text (no common indent, no trailing blank), first line number and file of an object.

    Raises:
        ValueError: If the object has no Python source.
    """
    target: Any = thing.fget if isinstance(thing, property) else thing
    target = inspect.unwrap(getattr(target, "__func__", target))
    try:
        lines, first_line = inspect.getsourcelines(target)
        path = inspect.getsourcefile(target) or "?"
    except (TypeError, OSError) as error:
        raise ValueError(f"thing must be a Python function, class or module, got {thing!r}; show its class.") from error
    return textwrap.dedent("".join(lines)).rstrip() + "\n", max(1, first_line), path


def _without_docstring(source: str) -> str:
    tree = ast.parse(source)
    node = tree if ast.get_docstring(tree) else tree.body[0]
    documented = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    if not isinstance(node, documented) or ast.get_docstring(node) is None:
        return source
    docstring = node.body[0]
    lines = source.splitlines(keepends=True)
    after = lines[docstring.end_lineno :]
    while after and not after[0].strip():
        after = after[1:]
    return "".join(lines[: docstring.lineno - 1] + after)


def _name(thing: Any) -> str:
    target = thing.fget if isinstance(thing, property) else thing
    return getattr(target, "__qualname__", getattr(target, "__name__", type(target).__name__))


def _relative(path: str) -> str:
    parts = Path(path).parts
    return "/".join(parts[parts.index("gdt_tutorial") :]) if "gdt_tutorial" in parts else Path(path).name


def _repository_link(path: str, first_line: int, last_line: int) -> str:
    relative = _relative(path)
    repository = _repository() if relative.startswith("gdt_tutorial/") else None
    if repository is None:
        return ""
    address = html.escape(f"{repository}/{relative}#L{first_line}-L{last_line}")
    return f'<p class="gdt-link"><a href="{address}">View {html.escape(relative)} in the repository</a></p>'


def _repository() -> str | None:
    try:
        about = metadata("gdt-tutorial")
    except PackageNotFoundError:
        return None
    addresses = dict(entry.split(", ", 1) for entry in about.get_all("Project-URL") or [])
    return f"{addresses['Repository'].rstrip('/')}/blob/v{about['Version']}" if "Repository" in addresses else None
