"""The exercise of the template notebook: a model for the modules of the chapters."""

from collections.abc import Callable

import numpy as np

from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close
from gdt_tutorial.units import db_to_linear, linear_to_db


@exercise(
    title="The power of two signals",
    difficulty="easy",
    minutes=3,
    hints=(
        "Powers add up; decibels do not.",
        "Go to linear powers with `db_to_linear`, add, and come back with `linear_to_db`.",
        "Two equal signals give 3 dB more than one.",
    ),
    mistakes=(
        Mistake(lambda first_db, second_db: first_db + second_db, says="multiplies"),
        Mistake(lambda first_db, second_db: db_to_linear(first_db) + db_to_linear(second_db), says="linear"),
        Mistake(lambda first_db, second_db: max(first_db, second_db), says="the weaker"),
    ),
)
def ex99_1(answer: Callable[[float, float], float]) -> str:
    """Add the powers of two signals that are given in decibels."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex99_1(total_db)`.")
    linear = db_to_linear(np.array([10.0, 7.0]))
    expect_close(
        answer(10.0, 7.0),
        linear_to_db(linear.sum()),
        what="the total of 10 dB and 7 dB",
        mistakes={
            "adding decibels multiplies the powers; add the powers themselves.": 17.0,
            "that is a linear power; turn it into decibels at the end.": linear.sum(),
            "the weaker signal counts too: 7 dB is half of 10 dB.": 10.0,
        },
    )
    return "powers were added, not decibels."
