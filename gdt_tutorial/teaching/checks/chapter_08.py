"""The exercises of chapter 08: FLOPs of an LSTM, growth and a budget on paper, and an emulator that asks a network seldom."""

from collections.abc import Callable
from typing import Any

from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close
from gdt_tutorial.twin.emulation.emulator import StatusEmulator


def _lstm(n_inputs: int, n_hidden: int, n_slots: int) -> int:
    return 2 * n_slots * 4 * n_hidden * (n_inputs + n_hidden)


@exercise(
    title="FLOPs of an LSTM",
    difficulty="medium",
    minutes=10,
    hints=(
        "Each slot multiplies two matrices: one with the inputs, one with what the hidden units said in the slot before.",
        "Both have four rows per hidden unit: three gates, and what may be written.",
        "`2 * n_slots * 4 * n_hidden * (n_inputs + n_hidden)`: one multiply-add is two FLOPs.",
    ),
    mistakes=(
        Mistake(lambda n_inputs, n_hidden, n_slots: _lstm(n_inputs, n_hidden, n_slots) // 2, says="two FLOPs"),
        Mistake(lambda n_inputs, n_hidden, n_slots: _lstm(n_inputs, n_hidden, n_slots) // 4, says="gates"),
        Mistake(lambda n_inputs, n_hidden, n_slots: 2 * n_slots * 4 * n_hidden * n_inputs, says="slot before"),
        Mistake(lambda n_inputs, n_hidden, n_slots: _lstm(n_inputs, n_hidden, 1), says="every slot"),
    ),
)
def ex8_1(answer: Callable[[int, int, int], Any]) -> str:
    """Count an LSTM layer by hand."""
    for sizes in ((8, 64, 20), (6, 64, 96), (3, 5, 2)):
        expect_close(
            answer(*sizes),
            _lstm(*sizes),
            what=f"`lstm_flops{sizes}`",
            mistakes={
                "one multiply-add counts as two FLOPs.": _lstm(*sizes) // 2,
                "there are four rows per hidden unit: three gates and the new content.": _lstm(*sizes) // 4,
                "the hidden units of the slot before are multiplied too.": 2 * sizes[2] * 4 * sizes[1] * sizes[0],
                "the layer is called in every slot.": _lstm(*sizes[:2], 1),
            },
        )
    return "torch's own counter says 0 for the same layer."


def _parameters(width: int) -> int:
    return 10 * width + width + width * width + width + width * 2 + 2


_TIMES = _parameters(64) / _parameters(32)


@exercise(
    title="Twice as wide (on paper)",
    difficulty="easy",
    minutes=8,
    hints=(
        "A layer from n to m has n m weights and m biases.",
        "32: 10 * 32 + 32, then 32 * 32 + 32, then 32 * 2 + 2. Together 1,474.",
        "64: 4,994. Divide.",
    ),
    mistakes=(
        Mistake(2.0, says="both sides"),
        Mistake(4.0, says="hidden layer alone"),
        Mistake((10 * 64 + 64 * 64 + 128) / (10 * 32 + 32 * 32 + 64), says="biases"),
    ),
)
def ex8_2(answer: Any) -> str:
    """Return how many times as many parameters the wider perceptron has."""
    expect_close(
        answer,
        _TIMES,
        tolerance=0.005,
        what="the factor",
        mistakes={
            "the matrix between the hidden layers grows on both sides.": 2.0,
            "that holds for the matrix between the hidden layers; the outer ones only double: it is of the "
            "hidden layer alone.": 4.0,
            "you left out the biases.": (10 * 64 + 64 * 64 + 128) / (10 * 32 + 32 * 32 + 64),
        },
    )
    return "less than 3.7: the ends weigh more in a narrow network with more inputs."


_BUDGET = 0.01 * 5e9 * 10 * 2 / 30


@exercise(
    title="A budget (on paper)",
    difficulty="medium",
    minutes=8,
    hints=(
        "5e9 cycles per second with 10 FLOPs each are 5e10 FLOPs per second.",
        "A slot has two seconds; one hundredth of that is for the twin.",
        "1e9 FLOPs per slot, for 30 users.",
    ),
    mistakes=(
        Mistake(30 * _BUDGET, says="30 users"),
        Mistake(_BUDGET / 2, says="two seconds"),
        Mistake(_BUDGET / 10, says="10 FLOPs"),
        Mistake(100 * _BUDGET, says="one hundredth"),
    ),
)
def ex8_3(answer: Any) -> str:
    """Return the FLOPs that one user's model may take."""
    expect_close(
        answer,
        _BUDGET,
        tolerance=0.01,
        what="the budget",
        mistakes={
            "that is for all: divide it between the 30 users.": 30 * _BUDGET,
            "a slot has two seconds.": _BUDGET / 2,
            "a cycle makes 10 FLOPs.": _BUDGET / 10,
            "the twin gets one hundredth of the cycles.": 100 * _BUDGET,
        },
    )
    return "some 45 walk LSTMs, and one thirty-thousandth of the smallest model of the paper's table."


class _Noted:
    """An emulator that notes how it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def emulate(self, window: Any, n_slots: int, *, n_samples: int = 0, rng: Any = None) -> Any:
        self.asked.append((window, n_slots, n_samples, rng))
        return (id(self), n_slots)


class _Both:
    def __init__(self, cheap: Any, dear: Any, period: int) -> None:
        self.cheap, self.dear, self.period, self.n = cheap, dear, period, 0

    def emulate(self, window: Any, n_slots: int, *, n_samples: int = 0, rng: Any = None) -> Any:
        one, other = (each.emulate(window, n_slots, n_samples=n_samples, rng=rng) for each in (self.cheap, self.dear))
        self.n += 1
        return other if self.n % self.period == 1 else one


class _Late(_Both):
    def emulate(self, window: Any, n_slots: int, *, n_samples: int = 0, rng: Any = None) -> Any:
        self.n += 1
        chosen = self.dear if self.n % self.period == 0 else self.cheap
        return chosen.emulate(window, n_slots, n_samples=n_samples, rng=rng)


class _Deaf(_Both):
    def emulate(self, window: Any, n_slots: int, *, n_samples: int = 0, rng: Any = None) -> Any:
        self.n += 1
        return (self.dear if self.n % self.period == 1 else self.cheap).emulate(window, n_slots)


@exercise(
    title="An emulator that asks seldom",
    difficulty="medium",
    minutes=12,
    hints=(
        "An emulator is any object with `emulate(window, n_slots, *, n_samples=0, rng=None)`.",
        "Count your calls in `self`; in call 0, period, 2 period, ... ask the dear one.",
        "Choose first, then `return chosen.emulate(window, n_slots, n_samples=n_samples, rng=rng)`.",
    ),
    mistakes=(
        Mistake(_Both, says="both"),
        Mistake(_Late, says="first call"),
        Mistake(_Deaf, says="n_samples"),
    ),
)
def ex8_4(answer: Callable[[Any, Any, int], Any]) -> str:
    """Take turns between two emulators behind one protocol."""
    expect(isinstance(answer, type), "pass the class itself: `check.ex8_4(AskSeldom)`.")
    cheap, dear = _Noted(), _Noted()
    emulator = answer(cheap, dear, 3)
    expect(isinstance(emulator, StatusEmulator), "an emulator has a method `emulate`.")
    mark = object()
    said = [emulator.emulate("window", 2, n_samples=5, rng=mark) for _ in range(7)]
    expect(
        len(cheap.asked) + len(dear.asked) <= 7,
        "you asked both and used one: then nothing is saved. Choose first, ask then.",
    )
    by_dear = [each[0] == id(dear) for each in said]
    expect(
        by_dear == [True, False, False, True, False, False, True],
        "with a period of 3 the dear one answers in the first call, the fourth and the seventh.",
    )
    expect(
        all(each == ("window", 2, 5, mark) for each in cheap.asked + dear.asked),
        "pass `window`, `n_slots`, `n_samples` and `rng` on as they came.",
    )
    return "with a period of 3 and a cheap one that costs nothing it computes a third as much, in the place of any emulator."
