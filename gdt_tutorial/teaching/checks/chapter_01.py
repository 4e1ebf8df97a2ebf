"""The exercises of chapter 01: from a position to a rate, viewers who stay, and a rule of one's own."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close

# 200 m without line of sight: 115.2 dB, 11.8 dB, 3.32 bit/s/Hz, in 5 MHz.
_RATE_MBPS = 16.61


@exercise(
    title="From a position to a rate",
    difficulty="easy",
    minutes=10,
    hints=(
        "Distance, path loss, SNR, step of the table, rate: the same five lines as for 80 m in sight.",
        "The antenna hardly matters at 200 m. Without line of sight the path loss is $22.4+81.2+11.6$ dB.",
        "The SNR is 11.8 dB. Take the last step of the table that begins below it, times 5 MHz.",
    ),
    mistakes=(
        Mistake(27.8, says="best step"),
        Mistake(20.0, says="Shannon"),
        Mistake(26.66, says="receiver"),
        Mistake(18.05, says="begins above"),
        Mistake(3.32, says="one hertz"),
        Mistake(16.6e6, says="Mb/s"),
        Mistake(11.8, says="SNR in decibels"),
        Mistake(115.2, says="path loss"),
        Mistake("fast", says="numbers"),
    ),
)
def ex1_1(answer: Any) -> str:
    """Compute the rate of a phone 200 m away without line of sight, on paper."""
    expect_close(
        answer,
        _RATE_MBPS,
        tolerance=1e-2,
        what="the rate in Mb/s",
        mistakes={
            "that is the best step of the table. Did you take the formula of a phone in sight, or leave out "
            "$21.3\\log_{10}f_{\\text{c}}$?": 27.77,
            "that is Shannon's bound at the right SNR; a phone gets the rate of a step of the table.": 20.03,
            "your SNR is 7 dB too high: the receiver adds 7 dB to the noise.": 26.66,
            "that step begins above your SNR; take the one before it.": 18.05,
            "that is the spectral efficiency, of one hertz; the band has 5 MHz.": 3.32,
            "that is in bit/s; write it in Mb/s.": 16.61e6,
            "that is the SNR in decibels; look up its step, and multiply by the band.": 11.78,
            "that is the path loss in decibels; subtract it from the power, and the noise too.": 115.23,
        },
    )
    return "that is 60 % of the rate at 80 m in sight, and most of the loss is the missing line of sight."


@exercise(
    title="Is anybody still watching?",
    difficulty="medium",
    minutes=8,
    hints=(
        "Turn the question round: when does *nobody* watch any more?",
        "All of them have swiped. They are independent, so the chances multiply.",
        "One minus `swiped` to the power of `n_viewers`.",
    ),
    mistakes=(
        Mistake(lambda swiped, n: (1 - swiped) ** n, says="all of them"),
        Mistake(lambda swiped, n: 1 - (1 - swiped) ** n, says="at least one has swiped"),
        Mistake(lambda swiped, n: swiped**n, says="nobody"),
        Mistake(lambda swiped, n: n * (1 - swiped), says="expected number"),
    ),
)
def ex1_2(answer: Callable[[np.ndarray, int], np.ndarray]) -> str:
    """Return the chance that at least one of several viewers still watches."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex1_2(anybody_left)`.")
    swiped = np.array([0.1, 0.45, 0.7])
    expect_close(
        answer(swiped, 3),
        1 - swiped**3,
        what="the chance for three viewers",
        mistakes={
            "that is the chance that all of them still watch; one is enough.": (1 - swiped) ** 3,
            "that is the chance that at least one has swiped.": 1 - (1 - swiped) ** 3,
            "that is the chance that nobody is left; subtract it from one.": swiped**3,
            "that is the expected number of viewers left, which can exceed one.": 3 * (1 - swiped),
        },
    )
    expect_close(answer(np.array(0.45), 1), 0.55, what="the chance for a single viewer")
    return "with more viewers it becomes ever harder to find a second that nobody wants."


Segment = tuple[int, int]
# Four phones: what each lacks, in order, and the seconds that it has stored.
_MISSING: list[list[Segment]] = [
    [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4)],
    [(0, 2), (0, 3), (1, 0), (1, 1), (1, 2)],
    [(1, 0), (1, 1), (1, 2), (1, 3)],
    [(2, 0), (2, 1), (2, 2), (2, 3)],
]
_STORED_S = np.array([0.0, 1.0, 4.0, 9.0])


def _votes(weight: np.ndarray, n_wishes: int = 4) -> dict[Segment, float]:
    """Add up what each segment is wanted, when a member's vote counts `weight`."""
    votes: dict[Segment, float] = defaultdict(float)
    for missing, one in zip(_MISSING, weight, strict=True):
        for segment in missing[:n_wishes]:
            votes[segment] += float(one)
    return dict(votes)


def _follows(given: Sequence[Segment], votes: dict[Segment, float]) -> bool:
    """Say whether a list is that of the most wanted, most wanted first; equal votes may stand in any order."""
    best = sorted(votes.values(), reverse=True)[: len(given)]
    return np.allclose([votes.get(segment, -1.0) for segment in given], best)


def _rule(weigh: Callable[[np.ndarray], np.ndarray], n_wishes: int = 4, n_sent: int = 8, sign: int = -1) -> Callable:
    """Return a rule that ranks segments by weighted votes, as answers do, right or wrong."""

    def choose(missing: list[list[Segment]], stored_s: np.ndarray) -> list[Segment]:
        votes: dict[Segment, float] = defaultdict(float)
        for segments, weight in zip(missing, weigh(stored_s), strict=True):
            for segment in segments[:n_wishes]:
                votes[segment] += weight
        return sorted(votes, key=lambda segment: sign * votes[segment])[:n_sent]

    return choose


@exercise(
    title="A rule of your own",
    difficulty="medium",
    minutes=15,
    hints=(
        "Begin with a dictionary from a segment to the sum of its votes.",
        "Go through members and stored seconds together with `zip`, and through the first four segments of each.",
        "`sorted(votes, key=votes.get, reverse=True)[:8]` is the list.",
    ),
    mistakes=(
        Mistake(_rule(np.ones_like), says="same weight"),
        Mistake(_rule(lambda stored_s: 1 + stored_s), says="the other way round"),
        Mistake(_rule(lambda stored_s: 1 / (1 + stored_s), n_wishes=5), says="four"),
        Mistake(_rule(lambda stored_s: 1 / (1 + stored_s), n_sent=12), says="eight"),
        Mistake(_rule(lambda stored_s: 1 / (1 + stored_s), sign=1), says="begins with the least"),
        Mistake(lambda missing, stored_s: missing[stored_s.argmin()], says="emptiest phone alone"),
        Mistake(lambda missing, stored_s: {(0, 2): 1.5}, says="list of segments"),
        Mistake(lambda missing, stored_s: [((0, 2), 1.5)], says="list of segments"),
        Mistake(lambda missing, stored_s: [(0, 3), (0, 2), (0, 0)], says="right order"),
        Mistake([(0, 2)], says="the function itself"),
    ),
)
def ex1_3(answer: Any) -> str:
    """Choose segments by votes that count more where a phone is empty."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex1_3(weighted_vote)`.")
    given = _segments(answer([list(missing) for missing in _MISSING], _STORED_S.copy()))
    expect(given != _MISSING[0], "you serve the emptiest phone alone; here all members vote.")
    need = 1 / (1 + _STORED_S)
    wrong = {
        "all votes have the same weight: that is the plain vote.": _votes(np.ones(4)),
        "you have it the other way round: the more a phone has stored, the less its vote counts.": _votes(
            1 + _STORED_S
        ),
        "each member votes for its next four segments, not for all that it lacks.": _votes(need, 5),
        "the list begins with the least wanted segment.": {key: -votes for key, votes in _votes(need).items()},
    }
    if not _follows(given, _votes(need)):
        for message, votes in wrong.items():
            expect(not _follows(given, votes), message)
    expect(len(given) <= 8, f"a slot has room for eight segments, but your list has {len(given)}.")
    is_right = len(given) == 8 and _follows(given, _votes(need))
    expect(is_right, "the eight most wanted segments are not there, or not in the right order.")
    return "now let the network run with it: is your prediction right?"


def _segments(given: Any) -> list[Segment]:
    """Read an answer as segments."""
    is_list = isinstance(given, (list, tuple)) and len(given) > 0
    is_list = is_list and all(isinstance(one, tuple) and len(one) == 2 for one in given)
    is_list = is_list and all(isinstance(part, (int, np.integer)) for one in given for part in one)
    expect(is_list, "return a list of segments alone, each a pair (place in the list, number).")
    segments = [(int(position), int(number)) for position, number in given]
    expect(len(set(segments)) == len(segments), "a segment stands in your list twice.")
    return segments
