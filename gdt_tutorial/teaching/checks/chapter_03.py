"""The exercises of chapter 03: runs of outage, the price of a draw, what a product of errors leaves, a maker of one's own."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from gdt_tutorial.physical.scenes.diffraction import scene_inputs, scene_maps
from gdt_tutorial.physical.scenes.layout import SceneConfig, random_scene
from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close
from gdt_tutorial.twin.emulation.maps.ray_table import RayTable, fit_ray_table

_STREET = np.array([1, 1, 0, 1, 0, 0, 1, 1, 1], dtype=bool)


def _runs(is_out: np.ndarray) -> np.ndarray:
    lengths, now = [], 0
    for each in [*is_out, False]:
        if each:
            now += 1
        elif now:
            lengths.append(now)
            now = 0
    return np.array(lengths)


@exercise(
    title="How long is a walker in a hole?",
    difficulty="easy",
    minutes=10,
    hints=(
        "Go along the street and count; when the outage ends, write the count down and start again from 0.",
        "A hole may reach to the end of the street: append one pixel without outage, or write the last count down too.",
        "For one pixel after the other: `now = now + 1` in a hole, else append `now` if it is above 0 and set it to 0.",
    ),
    mistakes=(
        Mistake(lambda is_out: _runs(is_out)[:-1], says="end of the street"),
        Mistake(lambda is_out: np.array([is_out.sum()]), says="sum over all pixels"),
        Mistake(lambda is_out: _runs(~is_out), says="without outage"),
        Mistake(lambda is_out: np.array([len(_runs(is_out))]), says="number of holes"),
    ),
)
def ex3_1(answer: Callable[[np.ndarray], Any]) -> str:
    """Return the lengths of all runs of True along a street, in pixels."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex3_1(hole_lengths)`.")
    got, wanted = np.ravel(answer(_STREET.copy())).tolist(), _runs(_STREET).tolist()
    expect(got != wanted[:-1], "the hole that reaches to the end of the street is missing.")
    expect(got != [sum(wanted)], "that is the sum over all pixels; each hole counts by itself.")
    expect(got != _runs(~_STREET).tolist(), "those are the stretches without outage.")
    expect(got != [len(wanted)], "that is the number of holes, not their lengths.")
    expect(got == wanted, f"the street 1 1 0 1 0 0 1 1 1 has holes of {wanted} pixels; yours has {got}.")
    none = np.asarray(answer(np.zeros(4, dtype=bool)))
    expect(none.size == 0, "a street without a hole has no run: return an empty array.")
    return "three holes of 16, 8 and 24 m: the share of outage, 6 pixels of 9, does not tell them from one of 48 m."


@exercise(
    title="The price of a draw in PSNR",
    difficulty="medium",
    minutes=8,
    hints=(
        "Truth and draw are independent and have the same law: what is the variance of their difference?",
        "The square error of a fair draw is twice that of the mean.",
        "PSNR falls by 10 log10 of the ratio of the square errors.",
    ),
    mistakes=(
        Mistake(6.02, says="ratio of the roots"),
        Mistake(0.0, says="as far"),
        Mistake(1.505, says="root of the"),
        Mistake(-3.01, says="sign"),
        Mistake(2.0, says="decibel"),
    ),
)
def ex3_2(answer: float | int) -> str:
    """Return by how many dB the PSNR of a fair draw lies below that of the mean of the law."""
    expect_close(
        answer,
        10 * np.log10(2),
        tolerance=1e-2,
        what="the price in dB",
        mistakes={
            "that takes the ratio of the roots for 2; it is the squares that double.": 20 * np.log10(2),
            "a draw is not as far from the truth as the mean: its own spread comes on top.": 0.0,
            "PSNR is 10 log10 of squares; you took the root of the square error first.": 5 * np.log10(2),
            "the size is right, and the sign is not: a price is positive.": -10 * np.log10(2),
            "twice the square error is right; now say it in decibel.": 2.0,
        },
    )
    return "the oracle pays it too, so a PSNR below that of the mean map is no fault of a generator."


@exercise(
    title="What the product of errors leaves",
    difficulty="medium",
    minutes=10,
    hints=(
        "The two draws are independent of each other and of the truth y. For a fixed y, E[(G - y)(G' - y)] = (E[G] - y)^2.",
        "E[G] is 10 dB: a quarter of 40.",
        "Three quarters of the time y = 0, else 40: .75 x 10^2 + .25 x 30^2.",
    ),
    mistakes=(
        Mistake(600.0, says="usual square"),
        Mistake(0.0, says="truth"),
        Mistake(400.0, says="never shaded"),
        Mistake(100.0, says="square of the mean"),
    ),
)
def ex3_3(answer: float | int) -> str:
    """Return the mean product of errors of two fair draws, where a pixel is shaded by 40 dB in a quarter of the cases."""
    expect_close(
        answer,
        300.0,
        tolerance=1e-3,
        what="the mean product in dB^2",
        mistakes={
            "that is the usual square error of a fair draw: the product does not count the spread of the draws.": 600.0,
            "the truth varies too, and no draw can know it: the product stays at its variance.": 0.0,
            "that is the error of a map that is never shaded.": 400.0,
            "that is the square of the mean; the errors are taken from the truth.": 100.0,
        },
    )
    return "300, as for the map that says 10 dB everywhere: the product does not mind a fair draw."


@cache
def _town() -> tuple[RayTable, np.ndarray]:
    """Return a ray table and the inputs of a scene with two access points."""
    rng = np.random.default_rng(0)
    scenes = [random_scene(SceneConfig(n_pixels=16, max_buildings=6, n_aps=2), rng=rng) for _ in range(8)]
    inputs = np.concatenate([scene_inputs(each) for each in scenes])
    return fit_ray_table(inputs, np.concatenate([scene_maps(each).loss_db for each in scenes])), inputs[:2]


class _Wrapped:
    """What the wrong answers share."""

    def __init__(self, table: RayTable) -> None:
        self.table = table

    def _with(self, inputs: np.ndarray, shift: np.ndarray) -> np.ndarray:
        return self.table.mean(inputs) + self.table.std(inputs) * shift


class _EachPixel(_Wrapped):
    def __call__(self, inputs: np.ndarray, n_draws: int, *, rng: np.random.Generator) -> np.ndarray:
        return self._with(inputs, rng.standard_normal((n_draws, len(inputs), *inputs.shape[2:])))


class _OneForAll(_Wrapped):
    def __call__(self, inputs: np.ndarray, n_draws: int, *, rng: np.random.Generator) -> np.ndarray:
        return np.repeat(self._with(inputs, rng.standard_normal((1, len(inputs), 1, 1))), n_draws, axis=0)


class _NoSpread(_Wrapped):
    def __call__(self, inputs: np.ndarray, n_draws: int, *, rng: np.random.Generator) -> np.ndarray:
        return np.repeat(self.table.mean(inputs)[None], n_draws, axis=0)


class _OwnDice(_Wrapped):
    def __call__(self, inputs: np.ndarray, n_draws: int, *, rng: np.random.Generator) -> np.ndarray:
        return self._with(inputs, np.random.default_rng().standard_normal((n_draws, len(inputs), 1, 1)))


@exercise(
    title="A town that is shaded as a whole",
    difficulty="hard",
    minutes=15,
    hints=(
        "`self.table.mean(inputs)` and `self.table.std(inputs)` have the axes (ap, y, x).",
        "Draw one standard normal number for each draw and access point: `rng.standard_normal((n_draws, len(inputs), 1, 1))`.",
        "Return mean + std * number: NumPy stretches the axes of length 1.",
    ),
    mistakes=(
        Mistake(_EachPixel, says="number of its own"),
        Mistake(_OneForAll, says="all draws are the same"),
        Mistake(_NoSpread, says="no spread"),
        Mistake(_OwnDice, says="rng"),
    ),
)
def ex3_4(answer: Any) -> str:
    """Return a class that makes maps of a ray table: mean plus spread times one number for each draw and access point."""
    expect(isinstance(answer, type), "pass the class itself, without making one: `check.ex3_4(OneNumber)`.")
    table, inputs = _town()
    maker, n_draws = answer(table), 400
    got = np.asarray(maker(inputs, n_draws, rng=np.random.default_rng(1)))
    wanted = (n_draws, len(inputs), *inputs.shape[2:])
    expect(got.shape == wanted, f"return the axes (draw, ap, y, x), here {wanted}; yours has {got.shape}.")
    again = np.asarray(maker(inputs, n_draws, rng=np.random.default_rng(1)))
    expect(np.array_equal(got, again), "take all numbers from `rng`: the same rng must give the same maps.")
    spread = table.std(inputs) > 1.0
    number = ((got - table.mean(inputs)) / np.maximum(table.std(inputs), 1.0))[:, spread]
    expect(float(np.abs(number).max()) > 1e-6, "these draws have no spread: add the table's spread times a number.")
    expect(float(number.std(axis=0).min()) > 1e-6, "all draws are the same: draw one number for each of them.")
    of_ap = [((got - table.mean(inputs)) / np.maximum(table.std(inputs), 1.0))[:, ap][:, spread[ap]] for ap in (0, 1)]
    is_shared = all(float(each.std(axis=1).max()) < 1e-6 for each in of_ap)
    expect(is_shared, "each pixel has a number of its own; here all pixels of an access point share one.")
    expect_close(float(number.std()), 1.0, tolerance=0.15, what="the spread of your number")
    return "each pixel has the right law, and the holes are as long as the town: marginals do not make a map."
