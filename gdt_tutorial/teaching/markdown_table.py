"""A table in a chapter, from rows of values."""

from collections.abc import Iterable, Sequence
from typing import Any

from IPython.display import Markdown, display

from gdt_tutorial.configuration import require

__all__ = ["table"]


def table(header: Sequence[str], rows: Iterable[Sequence[Any]], *, below: str = "") -> None:
    """Display rows under a header, and a line below; cells are text, or values that are shown as `str` does.

    Raises:
        ValueError: A row with another number of cells than the header.
    """
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for row in rows:
        require(len(row) == len(header), "rows", f"have {len(header)} cells each", row, "fill what is missing with ''")
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |")
    display(Markdown("\n".join(lines) + (f"\n\n{below}" if below else "")))
