"""The exercises of chapter 16: the best share, an error derived on paper, an emulator of one's own."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.teaching.exercises import Mistake, Wrong, exercise, expect, expect_close
from gdt_tutorial.twin.contracts import check_emulator
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, with_snr
from gdt_tutorial.twin.emulation.extrapolation import ConstantVelocity, HoldLast
from gdt_tutorial.twin.status import StatusWindow

_LEG_M = np.array([2.0, 4.0, 10.0, 20.0])
_PROGRESS = np.array([1.0, 1.0, 0.5, 0.2])


@exercise(
    title="The best share",
    difficulty="medium",
    minutes=10,
    hints=(
        "Write down the squared error of one user: how far it went is `progress * leg_m`, the guess is `share * leg_m`.",
        "Sum over the users, and set the derivative by `share` to zero.",
        "Each user's progress counts with the weight `leg_m**2`.",
    ),
    mistakes=(
        Mistake(lambda leg_m, progress: progress.mean(), says="same weight"),
        Mistake(lambda leg_m, progress: (leg_m * progress).sum() / leg_m.sum(), says="squared"),
        Mistake(lambda leg_m, progress: 1.0, says="constant velocity"),
        Mistake(lambda leg_m, progress: np.median(progress), says="median"),
    ),
)
def ex16_1(answer: Callable[[np.ndarray, np.ndarray], float]) -> str:
    """Return the share of the straight continuation with the smallest mean squared error."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex16_1(best_share)`.")
    square = _LEG_M**2
    expect_close(
        answer(_LEG_M, _PROGRESS),
        float((square * _PROGRESS).sum() / square.sum()),
        what="the share",
        mistakes={
            "that gives every user the same weight; an error of a long leg has more meters.": float(_PROGRESS.mean()),
            "the error is squared, so the weight of a leg is its length squared.": float(
                (_LEG_M * _PROGRESS).sum() / _LEG_M.sum()
            ),
            "that is constant velocity: some of these users have stopped or turned.": 1.0,
            "the median minimizes absolute errors, not squared ones.": float(np.median(_PROGRESS)),
        },
    )
    expect_close(answer(_LEG_M, np.ones(4)), 1.0, what="the share when everybody has gone straight on")
    return "the longest legs decide, and they are the likeliest to have ended: hence the hedge."


@exercise(
    title="From the horizon to the period",
    difficulty="easy",
    minutes=8,
    hints=(
        "An eighth of the users has just reported, an eighth is one slot old, and so on up to seven slots.",
        "Squared errors average, and the error of a fresh report is 0: 0, 1, 4, 9, 16, 25, 36, 49.",
        "Their sum is 140. Divide by the number of users' ages, which is eight, and take the root.",
    ),
    mistakes=(
        Mistake(3.5, says="averages the errors"),
        Mistake(7.0, says="oldest"),
        Mistake(4.47, says="fresh"),
        Mistake(5.05, says="one slot later"),
        Mistake(17.5, says="root"),
    ),
)
def ex16_2(answer: float) -> str:
    """Return the root mean square error in meters of a period of eight slots, where errors grow by 1 m per slot."""
    ages = np.arange(8.0)
    expect_close(
        answer,
        np.sqrt((ages**2).mean()),
        tolerance=5e-3,
        what="the error",
        mistakes={
            "that averages the errors; a root mean square averages their squares, so old reports weigh more.": 3.5,
            "that is the error of the oldest reports alone; seven users of eight have fresher ones.": 7.0,
            "the fresh reports are missing: they have no error, and they count among the eight ages.": 4.47,
            "that lets every report be one slot later: ages run from 0 to 7, not from 1 to 8.": 5.05,
            "that is the mean of the squares, in square meters: take its root.": 17.5,
        },
    )
    return "a period of three has 1.3 m under the same law: 2.7 times the period, 3.2 times the error."


def _window() -> StatusWindow:
    """Return four slots of three users: one walks, one stands, and one was last asked a slot ago."""
    is_asked = np.array([[[True] * 4, [True] * 4, [True, True, True, False]]])
    velocity_mps = np.array([[1.2, -0.5], [0.0, 0.0], [-1.0, 0.8]])[None, :, None].repeat(4, axis=2)
    start_m = np.array([[10.0, 20.0], [60.0, -40.0], [-50.0, 30.0]])[None, :, None]
    position_m = start_m + velocity_mps * 2.0 * np.arange(4.0)[:, None]
    snr_db = np.array([[22.0, 5.0], [14.0, 12.0], [18.0, 2.0]])[None, :, None].repeat(4, axis=2)
    return StatusWindow(
        slot=3,
        position_m=position_m,
        velocity_mps=velocity_mps,
        is_behavior_collected=is_asked,
        snr_db=snr_db,
        is_networking_collected=is_asked.copy(),
    )


class _Halves:
    """What the wrong answers share: both plain guesses, and the position between them."""

    def __init__(self, topology: Topology) -> None:
        self.stay, self.go = HoldLast(topology=topology), ConstantVelocity(topology=topology)

    def both(self, window: StatusWindow, n_slots: int) -> tuple[EmulatedStatus, np.ndarray]:
        """Return the straight continuation, and the positions halfway to it."""
        stay, go = self.stay.emulate(window, n_slots), self.go.emulate(window, n_slots)
        return go, (stay.position_m + go.position_m) / 2


class _OldSnr(_Halves):
    def emulate(
        self, window: StatusWindow, n_slots: int, *, n_samples: int = 0, rng: np.random.Generator | None = None
    ) -> EmulatedStatus:
        go, position_m = self.both(window, n_slots)
        return replace(go, position_m=position_m)


class _NoSamples(_Halves):
    def emulate(
        self, window: StatusWindow, n_slots: int, *, n_samples: int = 0, rng: np.random.Generator | None = None
    ) -> EmulatedStatus:
        (go, position_m), one = self.both(window, n_slots), self.go
        return with_snr(window, position_m, go.position_std_m, one.topology, one.channel, one.snr)


class _Straight(_Halves):
    def emulate(
        self, window: StatusWindow, n_slots: int, *, n_samples: int = 0, rng: np.random.Generator | None = None
    ) -> EmulatedStatus:
        return self.go.emulate(window, n_slots, n_samples=n_samples, rng=rng)


class _Still(_Halves):
    def emulate(
        self, window: StatusWindow, n_slots: int, *, n_samples: int = 0, rng: np.random.Generator | None = None
    ) -> EmulatedStatus:
        return self.stay.emulate(window, n_slots, n_samples=n_samples, rng=rng)


@exercise(
    title="An emulator of your own",
    difficulty="hard",
    minutes=15,
    hints=(
        "Ask both plain emulators: `stay = self.stay.emulate(window, n_slots)`, and the same for `self.go`.",
        "The position is `(stay.position_m + go.position_m) / 2`; as its spread, take `go.position_std_m`.",
        "End with `return with_snr(window, position_m, go.position_std_m, self.go.topology, self.go.channel, "
        "self.go.snr, n_samples=n_samples, rng=rng)`.",
    ),
    mistakes=(
        Mistake(_OldSnr, says="SNR is still that of the straight continuation"),
        Mistake(_NoSamples, says="pass `n_samples` and `rng` on"),
        Mistake(_Straight, says="constant velocity"),
        Mistake(_Still, says="hold last"),
        Mistake(_Halves(Topology.waterloo()), says="pass the class itself"),
    ),
)
def ex16_3(answer: Any) -> str:
    """Return a class whose `emulate` puts every user halfway along the straight continuation."""
    expect(isinstance(answer, type), "pass the class itself, without making one: `check.ex16_3(Halfway)`.")
    topology, window = Topology.waterloo(), _window()
    emulator, halves = answer(topology), _Halves(topology)
    got = emulator.emulate(window, 3)
    expect(isinstance(got, EmulatedStatus), "`emulate` must return what `with_snr` returns, an `EmulatedStatus`.")
    go, position_m = halves.both(window, 3)
    stay = halves.stay.emulate(window, 3)
    expect_close(
        got.position_m,
        position_m,
        what="the position",
        mistakes={
            "that is constant velocity: go only half of the way.": go.position_m,
            "that is hold last: go half of the way.": stay.position_m,
        },
    )
    one = halves.go
    wanted = with_snr(window, position_m, got.position_std_m, topology, one.channel, one.snr)
    expect_close(
        got.snr_db,
        wanted.snr_db,
        what="the SNR",
        mistakes={
            "the positions are right, but the SNR is still that of the straight continuation: a channel belongs to its "
            "position, so complete your positions by `with_snr`.": go.snr_db,
            "the positions are right, but the SNR is still that of hold last: complete your positions by `with_snr`.": (
                stay.snr_db
            ),
        },
    )
    try:
        check_emulator(emulator, window)
    except ValueError as error:
        raise Wrong(
            f"the means are right; for whole paths, pass `n_samples` and `rng` on to `with_snr`: {error}"
        ) from None
    return "it keeps the protocol, so every loop and every scheme of the book can run on it."
