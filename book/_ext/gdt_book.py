"""What the site needs beyond its themes: one script once, no foreign host, docstrings as reStructuredText."""

import re
from typing import Any

from sphinx.application import Sphinx

_SECTION = re.compile(
    r"^\s*(Args|Arguments|Attributes|Example|Examples|Note|Notes|Raises|Returns|See Also|Yields):\s*$"
)
_CODE_OR_MARK = re.compile(r"(``[^`]+``|`[^`\n]+`|:[a-z]+:`[^`]+`|[*|]|(?<=\w)_(?=[\s.,;:)\]]|$))")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the hooks."""
    app.connect("html-page-context", _mend_page, priority=900)
    app.connect("autodoc-process-docstring", _to_restructured_text, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _mend_page(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Drop the live-code scripts, which would ask another host, and what is there twice."""
    kept, seen = [], set()
    for script in context.get("script_files", []):
        attributes = getattr(script, "attributes", {})
        key = (getattr(script, "filename", str(script)), attributes.get("body"))
        text = f"{key[0]} {key[1]}".lower()
        if key in seen or "thebe" in text:
            continue
        seen.add(key)
        kept.append(script)
    context["script_files"] = kept
    context["css_files"] = [css for css in context.get("css_files", []) if "thebe" not in str(css)]


def _to_restructured_text(app: Sphinx, what: str, name: str, item: Any, options: Any, lines: list[str]) -> None:
    """Turn our docstrings into reStructuredText: `code` becomes a literal, an indented block after a colon stays as it is."""
    is_literal, literal_indent, mended = False, 0, []
    for row, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if is_literal and line.strip() and indent <= literal_indent:
            is_literal = False
        if is_literal or line.lstrip().startswith((">>>", "...")):
            mended.append(line)
            continue
        line = _escape(line)
        mended.append(line)
        if _opens_block(lines, row):
            is_literal, literal_indent = True, indent
            mended += [] if line.rstrip().endswith("::") else ["", " " * indent + "::"]
    lines[:] = mended


def _opens_block(lines: list[str], row: int) -> bool:
    """Whether a blank line and then a deeper block follow a line of text."""
    line = lines[row].rstrip()
    if not line or _SECTION.match(line) or row + 2 >= len(lines) or lines[row + 1].strip():
        return False
    following = next((later for later in lines[row + 1 :] if later.strip()), "")
    return len(following) - len(following.lstrip()) > len(line) - len(line.lstrip())


def _escape(line: str) -> str:
    def mend(match: re.Match[str]) -> str:
        text = match.group(0)
        if text.startswith(("``", ":")):
            return text
        if text.startswith("`"):
            return f"``{text[1:-1]}``"
        return "\\" + text

    return _CODE_OR_MARK.sub(mend, line)
