"""The running text of a chapter: what a reader reads from top to bottom, without quiz, exercises, tables, formulas and code."""

import re
from typing import Any

from gdt_tutorial.teaching.claim_plan import ROLE

__all__ = ["LEAST_WORDS", "MOST_WORDS", "bare_names", "count_words", "running_text"]

LEAST_WORDS, MOST_WORDS = 1800, 3000
_NOT_TEXT = re.compile(r"```.*?```|\$\$.*?\$\$|^\|[^\n]*$|<[^>]*>|^>[^\n]*$", re.MULTILINE | re.DOTALL)
_SKIPPED_TAGS = {"instructor", "remove-cell"}


def running_text(notebook: Any) -> str:
    """Return the markdown of a chapter, without its box, its quiz, its exercises, tables and formulas."""
    parts, is_skipped = [], False
    for cell in notebook["cells"]:
        if cell["cell_type"] != "markdown" or _SKIPPED_TAGS & set(cell["metadata"].get("tags", [])):
            continue
        # A cell may end the exercises and go on with the take-away.
        for part in re.split(r"^(?=## )", "".join(cell["source"]), flags=re.MULTILINE):
            heading = re.match(r"## (.*)", part)
            is_skipped = heading.group(1).startswith(("Quiz", "Exercises")) if heading else is_skipped
            if not is_skipped:
                parts.append(_NOT_TEXT.sub(" ", part))
    return "\n\n".join(parts)


def count_words(notebook: Any) -> int:
    """Count the words of the running text; a number by role is one word."""
    return sum(bool(re.search(r"\w", word)) for word in ROLE.sub("number", running_text(notebook)).split())


def bare_names(text: str, names: set[str]) -> list[str]:
    """List the names of claims that stand in a text as code, where a reader wants the number."""
    spans = re.findall(r"(?<![`}])`([a-z][a-z0-9_]*)`(?!`)", text)
    return [name for name in spans if name in names]
