"""The convex program of one access point's (AP's) slot, and its solution by SLSQP.

"In the resource scheduling, the sequential least squares quadratic programming method is utilized to determine the occupation
time of network resources by each SMG" (the paper, case study). SLSQP is that method, an SMG is a sub-multicast group; the
formulas are ours. The full program (`full_program`) has three variables per SMG: how much is sent, and for how much of the
slot the SMG holds the band and the transcoder. Only the amount is worth anything, so the two times can be as short as it
allows. What remains is the *reduced program*, with one variable n_m per SMG, in seconds of video:

    maximize  sum_m G_m(n_m)    subject to  sum_m a_m n_m <= 1,  sum_m c_m n_m <= 1,  0 <= n_m <= N_m

where a second of video of SMG m costs the share a_m of the band and c_m of the cycles of the slot, its list holds N_m
seconds, and G_m adds up the gains of the list, the best items per second first. Seconds and not pieces, since the last
segment of a video is shorter and cheaper. G_m is concave. So that SLSQP finds a gradient everywhere, the marginal gain is
made continuous: from the middle of one item to the middle of the next it runs along a straight line.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import Bounds, OptimizeResult, minimize, nnls

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.schedule import ScheduleModel

__all__ = [
    "ReducedProgram",
    "SlsqpConfig",
    "Solution",
    "reduced_program",
    "shadow_prices",
    "solve_reduced",
]


@configclass
class SlsqpConfig:
    """When SLSQP stops."""

    tolerance: float = parameter(
        1e-5,
        "Change of the gain, relative to that of all lists, at which it stops.",
        "chosen",
        above=0,
        below=1,
        remedy="1e-5 is a thousandth of a percent",
    )
    max_iterations: int = parameter(
        60, "Iterations after which it counts as failed.", "chosen", above=0, remedy="60 is plenty"
    )


class Solution(NamedTuple):
    """Where a solver ended."""

    amount_s: Float[np.ndarray, " subgroup"]
    is_solved: bool
    n_iterations: int


@dataclass(frozen=True, kw_only=True)
class ReducedProgram:
    """Concave gains and linear costs of the SMGs of one AP (or, for its making, of many campuses side by side).

    The marginal gain of an SMG is a broken line. Piece j starts at `start_s[j]`, where the gain so far is `gain[j]` and the
    marginal gain `slope[j]` per second, and bends by `bend[j]` per second.
    """

    start_s: Float[np.ndarray, "*subgroup piece"]
    gain: Float[np.ndarray, "*subgroup piece"]
    slope: Float[np.ndarray, "*subgroup piece"]
    bend: Float[np.ndarray, "*subgroup piece"]
    total_s: Float[np.ndarray, "*subgroup"]  # length of the list
    radio: Float[np.ndarray, "*subgroup"]  # share of the band per second of video
    cycles: Float[np.ndarray, "*subgroup"]  # share of the cycles per second of video

    @classmethod
    def from_lists(
        cls,
        gain: Float[np.ndarray, "*subgroup item"],
        length_s: Float[np.ndarray, "*subgroup item"],
        radio: Float[np.ndarray, "*subgroup"],
        cycles: Float[np.ndarray, "*subgroup"],
    ) -> "ReducedProgram":
        """Smooth lists that are sorted by gain per second, the largest first; entries of length 0 are padding."""
        density = np.divide(gain, length_s, out=np.zeros_like(gain), where=length_s > 0)
        end_s = np.cumsum(length_s, axis=-1)
        middle_s = end_s - length_s / 2
        zero = np.zeros_like(middle_s[..., :1])
        # Flat before the first middle and after the last one, straight in between.
        slope = np.concatenate([density[..., :1], density], axis=-1)
        run_s = np.where(length_s > 0, np.diff(middle_s, axis=-1, prepend=0.0), 0.0)
        rise = np.diff(slope, axis=-1)
        bend = np.divide(rise, run_s, out=np.zeros_like(rise), where=run_s > 0)
        piece = run_s * (slope[..., :-1] + bend * run_s / 2)
        gain = np.concatenate([zero, np.cumsum(piece, axis=-1)], axis=-1)
        start_s = np.concatenate([zero, np.where(length_s > 0, middle_s, np.inf)], axis=-1)
        bend = np.concatenate([bend, zero], axis=-1)
        return cls(
            start_s=start_s, gain=gain, slope=slope, bend=bend, total_s=end_s[..., -1], radio=radio, cycles=cycles
        )

    def rows(self, index: tuple[np.ndarray, ...]) -> "ReducedProgram":
        """Return the program of some SMGs alone."""
        return ReducedProgram(**{name: value[index] for name, value in vars(self).items()})

    def value(
        self, amount_s: Float[np.ndarray, " subgroup"]
    ) -> tuple[Float[np.ndarray, " subgroup"], Float[np.ndarray, " subgroup"]]:
        """Return each SMG's gain and marginal gain."""
        piece = (self.start_s[:, 1:] < amount_s[:, None]).sum(axis=1)
        at = np.arange(len(amount_s)), piece
        beyond_s, bend = amount_s - self.start_s[at], self.bend[at]
        slope = self.slope[at]
        return self.gain[at] + beyond_s * (slope + bend * beyond_s / 2), slope + bend * beyond_s

    def usage(self, amount_s: Float[np.ndarray, " subgroup"]) -> Float[np.ndarray, " resource"]:
        """Return the shares of band and cycles that are used."""
        return np.array([self.radio @ amount_s, self.cycles @ amount_s])


def solve_reduced(
    program: ReducedProgram, start_s: Float[np.ndarray, " subgroup"], config: SlsqpConfig = SlsqpConfig()
) -> Solution:
    """Solve one AP's reduced program by SLSQP with analytic derivatives.

    A start outside the limits is drawn back to them first: into the bounds, then in proportion toward nothing.

    Raises:
        ValueError: The start is not one number per SMG, or holds NaN.
    """
    n_subgroups = len(program.total_s)
    rule, remedy = f"hold {n_subgroups} numbers and no NaN", "give the seconds of video of every SMG"
    require(start_s.shape == (n_subgroups,) and not np.isnan(start_s).any(), "start_s", rule, start_s, remedy)
    start_s = np.clip(start_s, 0.0, program.total_s)
    start_s = start_s / max(1.0, program.usage(start_s).max())
    limit = np.stack([program.radio, program.cycles])
    scale = program.value(program.total_s)[0].sum()

    def loss(amount_s: np.ndarray) -> tuple[float, np.ndarray]:
        gain, slope = program.value(amount_s)
        return -gain.sum(), -slope

    result: OptimizeResult = minimize(
        loss,
        start_s,
        jac=True,
        method="SLSQP",
        bounds=Bounds(np.zeros(n_subgroups), program.total_s),
        constraints={"type": "ineq", "fun": lambda amount_s: 1 - limit @ amount_s, "jac": lambda _: -limit},
        options={"ftol": max(config.tolerance * scale, 1e-12), "maxiter": config.max_iterations},
    )
    amount_s = np.clip(result.x, 0.0, program.total_s)
    is_solved = bool(result.success and np.isfinite(amount_s).all())
    # SLSQP keeps the limits within its tolerance only.
    amount_s = amount_s / max(1.0, program.usage(amount_s).max()) if is_solved else start_s
    return Solution(amount_s, is_solved, int(result.nit))


def shadow_prices(
    program: ReducedProgram, amount_s: Float[np.ndarray, " subgroup"]
) -> Float[np.ndarray, " resource"] | None:
    """Return what a bit more of band and of cycles would bring at an optimum; None where no SMG tells.

    At the optimum the marginal gain of every SMG that is served in part equals a_m p + c_m q with prices p, q >= 0, and what
    is not used up has no price (the conditions of Karush, Kuhn and Tucker). The prices come from that by least squares.
    """
    inner = (amount_s > 1e-6) & (amount_s < program.total_s - 1e-6)
    is_scarce = program.usage(amount_s) > 1 - 1e-4
    cost = np.stack([program.radio, program.cycles], axis=-1)[inner] * is_scarce
    price = nnls(cost, program.value(amount_s)[1][inner])[0] if inner.any() else np.zeros(2)
    return price if price.any() else None


def reduced_program(
    features: Features,
    model: ScheduleModel,
    version: Int[np.ndarray, "batch subgroup"],
    ratio: Float[np.ndarray, "batch subgroup item"],
) -> ReducedProgram:
    """Return the reduced programs of all campuses and SMGs, their items sorted by `gain_per_cost`."""
    is_open = ratio > 0
    order = np.argsort(-ratio, axis=-1, kind="stable")
    gain, length_s = (
        np.take_along_axis(np.where(is_open, each, 0.0), order, axis=-1)
        for each in (model.gain(features, version), features.length_s)
    )
    total_s = length_s.sum(axis=-1)
    radio, cycles = (np.sum(cost, axis=-1, where=is_open) for cost in model.cost(features, version))
    per_s = 1 / np.where(total_s > 0, total_s, 1.0)
    return ReducedProgram.from_lists(gain, length_s, radio * per_s, cycles * per_s)
