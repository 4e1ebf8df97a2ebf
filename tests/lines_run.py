"""How much Python a call runs: a count that no machine changes, for code whose cost must not grow with its arrays."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def lines_run(call: Callable[[], object]) -> int:
    """Return the number of lines of Python that a call runs, in the library and whatever it calls."""
    n_lines, outer = 0, sys.gettrace()

    def count(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal n_lines
        n_lines += event == "line"
        return count

    sys.settrace(count)
    try:
        call()
    finally:
        sys.settrace(outer)
    return n_lines
