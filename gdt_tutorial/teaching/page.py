"""HTML that works everywhere: the built book, a file opened from disk, JupyterLab, Colab, and without scripts.

Every helper of `teaching` builds one self-contained piece of HTML: its style and its script travel with it, nothing is
fetched, and what a reader needs is there before any script runs. Colors come from `THEME`, once for a light and once
for a dark page; `tests/teaching` measures their contrast.
"""

import hashlib
import html
import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from IPython.display import display

__all__ = ["THEME", "element_id", "inline", "is_static", "load_script", "publish", "published", "style"]

# Text and lines follow the book's theme where there is one. Everything else is ours, so that its contrast is known.
THEME: dict[str, dict[str, str]] = {
    "light": {
        "background": "#ffffff",
        "surface": "#f5f7f9",
        "text": "#222832",
        "muted": "#48566b",
        "border": "#cfd6de",
        "control": "#6b7787",
        "accent": "#0a6475",
        "accent-soft": "#e4f2f4",
        "on-accent": "#ffffff",
        "right": "#00653a",
        "right-soft": "#e5f4ec",
        "wrong": "#a8201a",
        "wrong-soft": "#fbebea",
        "open": "#704600",
        "open-soft": "#fcf3e0",
        "code-keyword": "#8a2a7c",
        "code-name": "#0b5cad",
        "code-string": "#1f6b2c",
        "code-number": "#99440a",
        "code-comment": "#596474",
    },
    "dark": {
        "background": "#12171e",
        "surface": "#1d232c",
        "text": "#dbe2e9",
        "muted": "#b9c4cf",
        "border": "#3c4858",
        "control": "#8996a6",
        "accent": "#66c9d8",
        "accent-soft": "#12303a",
        "on-accent": "#0d1116",
        "right": "#74d3a0",
        "right-soft": "#14322a",
        "wrong": "#ffa39b",
        "wrong-soft": "#3d2023",
        "open": "#f0c670",
        "open-soft": "#352b17",
        "code-keyword": "#e6a3da",
        "code-name": "#8fc1ff",
        "code-string": "#93d6a0",
        "code-number": "#f3b07f",
        "code-comment": "#9aa6b4",
    },
}

# Which pages are dark: the book, JupyterLab, Colab, VS Code; else the reader's system decides.
_DARK_PAGES = (
    'html[data-theme="dark"]',
    'body[data-jp-theme-light="false"]',
    'html[theme="dark"]',
    "body.vscode-dark",
)
_UNDECIDED_PAGE = "html:not([data-theme]):not([theme]) body:not([data-jp-theme-light]):not(.vscode-light)"

_MATH = re.compile(r"\$([^$\s](?:[^$]*[^$\s])?)\$")
_seen: Counter[str] = Counter()


def is_static() -> bool:
    """Say whether the output is for a page without a kernel: `GDT_STATIC` is set in the environment, and not 0."""
    return os.environ.get("GDT_STATIC", "0") not in ("", "0")


def element_id(kind: str, content: str) -> str:
    """Return an id for an element: the same in every run, and another one for each repetition of the content."""
    stem = f"gdt-{kind}-{hashlib.sha256(content.encode()).hexdigest()[:10]}"
    _seen[stem] += 1
    return stem if _seen[stem] == 1 else f"{stem}-{_seen[stem]}"


def inline(text: str) -> str:
    r"""Escape a sentence for HTML; `code` in backticks and $math$ in dollars keep their meaning.

    >>> inline("a < b, `x`, $y^2$")
    'a &lt; b, <code>x</code>, <span class="math notranslate nohighlight">\\(y^2\\)</span>'
    """
    escaped = html.escape(text)
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
    return _MATH.sub(r'<span class="math notranslate nohighlight">\\(\1\\)</span>', escaped)


@cache
def style(*names: str) -> str:
    """Return the `<style>` element of the theme and of the style sheets `names` in `assets`."""
    light, dark = (_declarations(scheme) for scheme in ("light", "dark"))
    dark_pages = ",".join(f"{page} .gdt" for page in _DARK_PAGES)
    theme = (
        f".gdt{{{light};--gdt-show-light:block;--gdt-show-dark:none}}"
        f"@media (prefers-color-scheme:dark){{{_UNDECIDED_PAGE} .gdt{{{dark}}}}}"
        f"{dark_pages}{{{dark}}}"
        f"@media print{{html .gdt.gdt{{{light};--gdt-show-light:block;--gdt-show-dark:none}}}}"
    )
    return f"<style>{theme}{''.join(_minified(f'{name}.css') for name in ('base', *names))}</style>"


@cache
def load_script(name: str) -> str:
    """Return the `<script>` element of `assets/NAME.js`; it may run any number of times."""
    return f"<script>{_asset(f'{name}.js').strip()}</script>"


def publish(page: str, plain: str, payload: dict[str, dict] | None = None) -> None:
    """Display `page` as HTML, with `plain` for a terminal and machine-readable data by MIME type."""
    display({"text/html": page, "text/plain": plain, **(payload or {})}, raw=True)


def published(notebook: Mapping[str, Any] | str | Path, mime: str) -> list[tuple[list[str], dict[str, Any]]]:
    """Return the tags of the cell and the data for each output of an executed notebook that carries data of this type.

    Args:
        notebook: The path of an .ipynb file, or its content (a dictionary or a notebook node of nbformat).
        mime: The type under which the data were published.
    """
    content = json.loads(Path(notebook).read_text(encoding="utf-8")) if isinstance(notebook, (str, Path)) else notebook
    return [
        (cell.get("metadata", {}).get("tags", []), output["data"][mime])
        for cell in content["cells"]
        for output in cell.get("outputs", [])
        if mime in output.get("data", {})
    ]


def _declarations(scheme: str) -> str:
    followed = {"background": "background", "text": "text-base", "muted": "text-muted", "border": "border"}
    values = {
        name: f"var(--pst-color-{followed[name]},{value})" if name in followed else value
        for name, value in THEME[scheme].items()
    }
    shown = ";--gdt-show-light:none;--gdt-show-dark:block" if scheme == "dark" else ""
    return ";".join(f"--gdt-{name}:{value}" for name, value in values.items()) + shown


def _minified(name: str) -> str:
    without_comments = re.sub(r"/\*.*?\*/", "", _asset(name), flags=re.DOTALL)
    return re.sub(r"\s*([{};:,>])\s*", r"\1", re.sub(r"\s+", " ", without_comments)).strip()


def _asset(name: str) -> str:
    return (files("gdt_tutorial.teaching") / "assets" / name).read_text(encoding="utf-8")
