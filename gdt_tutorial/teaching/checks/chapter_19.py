"""The exercises of chapter 19: two kinds of chance."""

from collections.abc import Callable

import numpy as np

from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close


@exercise(
    title="Two kinds of chance",
    difficulty="medium",
    minutes=10,
    hints=(
        "Average over the seeds first: one mean per network. What is their variance?",
        "Then the other way round: one mean per seed. Each variance is divided by the number of its means.",
        "Use `ddof=1`, add `V_n / N` and `V_s / S`, and take the root.",
    ),
    mistakes=(
        Mistake(lambda d: d.std(ddof=1) / np.sqrt(d.size), says="not independent"),
        Mistake(lambda d: np.sqrt(d.mean(axis=0).var(ddof=1) / d.shape[1]), says="networks"),
        Mistake(lambda d: np.sqrt(d.mean(axis=1).var(ddof=1) / d.shape[0]), says="seeds"),
        Mistake(lambda d: np.sqrt(d.mean(axis=1).var() / d.shape[0] + d.mean(axis=0).var() / d.shape[1]), says="ddof"),
    ),
)
def ex19_1(answer: Callable[[np.ndarray], float]) -> str:
    """Return the standard error of a mean over networks and seeds."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex19_1(standard_error)`.")
    difference = np.array([[0.10, 0.02, 0.06, 0.01], [0.14, 0.05, 0.09, 0.06], [0.03, -0.02, 0.03, -0.04]])
    n_networks, n_seeds = difference.shape
    of_networks, of_seeds = difference.mean(axis=1), difference.mean(axis=0)
    network_part, seed_part = of_networks.var(ddof=1) / n_networks, of_seeds.var(ddof=1) / n_seeds
    expect_close(
        answer(difference),
        float(np.sqrt(network_part + seed_part)),
        what="the standard error",
        mistakes={
            "the entries are not independent: those of one network share its luck, those of one seed too.": float(
                difference.std(ddof=1) / np.sqrt(difference.size)
            ),
            "that leaves out the luck of the networks' training.": float(np.sqrt(seed_part)),
            "that leaves out the luck of the seeds.": float(np.sqrt(network_part)),
            "a variance of few means needs `ddof=1`.": float(
                np.sqrt(of_networks.var() / n_networks + of_seeds.var() / n_seeds)
            ),
        },
    )
    return "more seeds do not help when the networks differ, and the other way round."
