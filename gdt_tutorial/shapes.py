"""Check the shapes and types in the library's signatures while a chapter runs."""

from typing import Any

from jaxtyping import install_import_hook

__all__ = ["checked"]


def checked() -> Any:
    """Return a context in which everything imported from the library checks its arguments and results.

    with checked():
        from gdt_tutorial.units import linear_to_db
    """
    return install_import_hook("gdt_tutorial", "beartype.beartype")
