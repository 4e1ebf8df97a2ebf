"""Check the shapes and types in the library's signatures while a chapter runs."""

from typing import Any

from jaxtyping import install_import_hook

__all__ = ["checked"]


def checked(package: str = "gdt_tutorial") -> Any:
    """Return a context in which everything imported from the library checks its arguments and results.

    with checked():
        from gdt_tutorial.units import linear_to_db

    Args:
        package: What is checked. Every function that is costs about 3 ms of import, so a chapter with many imports may
            name the part that it is about; the tests check all of it.
    """
    return install_import_hook(package, "beartype.beartype")
