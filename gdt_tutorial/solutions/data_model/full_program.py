"""The resource schedule of one access point as the paper states it: with the time that every SMG occupies each resource.

`reduced_program` solves a smaller program with the same optimum; this one stands here to show that. Per sub-multicast group
(SMG) m there are three variables: the seconds of video n_m that are sent, the share x_m of the slot for which the SMG holds
the band, and the share y_m for which it holds the transcoder:

    maximize    sum_m G_m(n_m)
    subject to  a_m n_m <= x_m,  c_m n_m <= y_m,  sum_m x_m <= 1,  sum_m y_m <= 1,  0 <= n_m <= N_m,  x_m, y_m >= 0

with a_m and c_m the shares of band and cycles that a second of video takes. (The paper gives the words, "the occupation
time of network resources by each SMG", and no formulas; that band and transcoder are held side by side, not one after the
other, is our reading.)

Why the reduced program is enough: x_m and y_m bring nothing by themselves. Where (n, x, y) is feasible, (n, a n, c n) is too,
with the same gain.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import Bounds, minimize

from gdt_tutorial.solutions.data_model.reduced_program import ReducedProgram, SlsqpConfig

__all__ = ["FullSolution", "solve_full"]


class FullSolution(NamedTuple):
    """Where the solver ended."""

    amount_s: Float[np.ndarray, " subgroup"]
    band_time: Float[np.ndarray, " subgroup"]  # share of the slot
    transcoder_time: Float[np.ndarray, " subgroup"]  # share of the slot
    is_solved: bool
    n_iterations: int


def solve_full(
    program: ReducedProgram, start_s: Float[np.ndarray, " subgroup"], config: SlsqpConfig = SlsqpConfig()
) -> FullSolution:
    """Solve one AP's full program by SLSQP with analytic derivatives.

    Args:
        program: Gains and costs of the AP's SMGs.
        start_s: Feasible seconds of video of every SMG; the times start as short as these allow.
        config: When SLSQP stops.
    """
    n_subgroups = len(program.total_s)
    coefficient = _coefficients(program)
    offset = np.concatenate([np.zeros(2 * n_subgroups), [1.0, 1.0]])
    upper = np.concatenate([program.total_s, np.ones(2 * n_subgroups)])

    def loss(variables: np.ndarray) -> tuple[float, np.ndarray]:
        gain, slope = program.value(variables[:n_subgroups])
        return -gain.sum(), np.concatenate([-slope, np.zeros(2 * n_subgroups)])

    result = minimize(
        loss,
        np.concatenate([start_s, program.radio * start_s, program.cycles * start_s]),
        jac=True,
        method="SLSQP",
        bounds=Bounds(np.zeros(3 * n_subgroups), upper),
        constraints={"type": "ineq", "fun": lambda each: offset - coefficient @ each, "jac": lambda _: -coefficient},
        options={
            "ftol": max(config.tolerance * program.value(program.total_s)[0].sum(), 1e-12),
            "maxiter": config.max_iterations,
        },
    )
    amount_s, band_time, transcoder_time = np.split(np.clip(result.x, 0.0, upper), 3)
    return FullSolution(amount_s, band_time, transcoder_time, bool(result.success), int(result.nit))


def _coefficients(program: ReducedProgram) -> Float[np.ndarray, "constraint variable"]:
    """Return the rows of all constraints: a n - x, c n - y, the sum of x, the sum of y."""
    n_subgroups = len(program.total_s)
    identity, zero = np.eye(n_subgroups), np.zeros((n_subgroups, n_subgroups))
    one, none = np.ones(n_subgroups), np.zeros(n_subgroups)
    return np.block(
        [
            [np.diag(program.radio), -identity, zero],
            [np.diag(program.cycles), zero, -identity],
            [none, one, none],
            [none, none, one],
        ]
    )
