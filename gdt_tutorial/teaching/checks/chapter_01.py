"""The exercises of chapter 01: segments in a slot, viewers who stay, handovers."""

from collections.abc import Callable

import numpy as np

from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close

# A walk along the border of two cells: AP 2 leads by 2 dB, by 1 dB, by 4 dB, then AP 1 comes back.
_BORDER_DB = np.array(
    [[20.0, 15.0], [18.0, 20.0], [19.0, 18.0], [17.0, 21.0], [18.0, 19.0], [22.0, 20.0], [24.0, 19.0]]
)


@exercise(
    title="How many segments fit",
    difficulty="easy",
    minutes=5,
    hints=(
        "Which member's efficiency may the signal have, so that every member decodes it?",
        "Bits in the slot: bandwidth times efficiency times slot length. Bits in a segment of one second: the bitrate.",
        "Divide, and round down: a segment is sent whole or not at all.",
    ),
    mistakes=(
        Mistake(lambda e, w, t, r: int(w * np.mean(e) * t // r), says="mean member"),
        Mistake(lambda e, w, t, r: int(w * np.max(e) * t // r), says="best member"),
        Mistake(lambda e, w, t, r: w * np.min(e) * t / r, says="whole"),
        Mistake(lambda e, w, t, r: int(w * np.min(e) // r), says="slot"),
        Mistake(lambda e, w, t, r: int(w * np.min(e) * t // r) * len(e), says="once"),
    ),
)
def ex1_1(answer: Callable[[np.ndarray, float, float, float], int]) -> str:
    """Count the whole segments that reach every member of a group."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex1_1(segments_that_fit)`.")
    efficiency = np.array([4.0, 1.1, 2.5])
    expect_close(
        answer(efficiency, 5e6, 2.0, 1.2e6),
        9,
        what="the number of segments",
        mistakes={
            "that is the rate of the mean member: the worst one cannot decode it.": int(5e6 * 7.6 / 3 * 2 // 1.2e6),
            "that is the rate of the best member: nobody else can decode it.": int(5e6 * 4.0 * 2 // 1.2e6),
            "only whole segments can be played: round down.": 5e6 * 1.1 * 2 / 1.2e6,
            "you counted one second; the slot is `slot_s` long.": int(5e6 * 1.1 // 1.2e6),
            "a segment is sent once for all members; do not count it for each of them.": 27,
        },
    )
    expect_close(
        answer(np.array([0.0, 3.0]), 5e6, 2.0, 1.2e6), 0, what="the number for a group with a member who hears nothing"
    )
    return "the worst member set the rate, and the last part of a segment stayed behind."


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


@exercise(
    title="Count the handovers",
    difficulty="hard",
    minutes=15,
    hints=(
        "Keep one variable for the AP that serves the user; it changes only at a handover.",
        "In each slot compare the best AP with the *serving* one, not with the best of the slot before.",
        "Change and count when `now[best] - now[serving] > hysteresis_db`.",
    ),
    mistakes=(
        Mistake(
            lambda snr_db, hysteresis_db: int((np.diff(snr_db.argmax(axis=1)) != 0).sum()),
            says="hysteresis",
        ),
        Mistake(lambda snr_db, hysteresis_db: int((np.ptp(snr_db, axis=1) > hysteresis_db).sum()), says="serving"),
        Mistake(lambda snr_db, hysteresis_db: _first_ap_stays(snr_db, hysteresis_db), says="update"),
    ),
)
def ex1_3(answer: Callable[[np.ndarray, float], int]) -> str:
    """Count the handovers of one user along a track."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex1_3(count_handovers)`.")
    expect_close(
        answer(_BORDER_DB, 3.0),
        2,
        what="the number of handovers with 3 dB",
        mistakes={
            "you count every change of the loudest AP: the hysteresis does not enter.": 4,
            "you count slots with a clear lead, also those of the AP that is already serving.": 3,
            "the user comes back in the end: update the serving AP after a handover.": 1,
        },
    )
    expect_close(answer(_BORDER_DB, 0.0), 4, what="the number without hysteresis")
    expect_close(
        answer(_BORDER_DB, 4.0), 0, what='the number with 4 dB, where a lead of exactly 4 dB is not "more than"'
    )
    return "the hysteresis held the user through the short leads."


def _first_ap_stays(snr_db: np.ndarray, hysteresis_db: float) -> int:
    """Forget to update the serving AP, as a wrong answer does."""
    lead_db = snr_db.max(axis=1) - snr_db[:, snr_db[0].argmax()]
    return int((lead_db > hysteresis_db).sum())
