"""What became of an intent: a verdict as a structure, its sentences, and a parser that holds a sentence to it.

    stalls of video around the library after six: 40 percent less; the others: no change
    <-> "after six video near the library stalled forty percent less at no cost to the others"

The paper's operator gives intents; that he is told what came of them, and that the telling is checked, is added here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gdt_tutorial.configuration import require
from gdt_tutorial.worlds.intents import words
from gdt_tutorial.worlds.intents.meaning import NONE, VALUES, Clause, value_token
from gdt_tutorial.worlds.intents.parser import (
    LISTS,
    WHERES_AND_WHENS,
    Pattern,
    check_words,
    read_phrases,
    split_words,
    words_of,
)
from gdt_tutorial.worlds.intents.sentences import one, say_hour, say_place

__all__ = [
    "METRIC_OF",
    "TELLING_WORDS",
    "VERDICT_SLOTS",
    "VERDICT_VALUES",
    "Verdict",
    "amount_of",
    "draw_verdicts",
    "parse_verdict",
    "say_verdict",
    "verdict_tokens",
]

# What an action is about: seconds of stall, quality of watched seconds, or seconds of video that arrive.
METRIC_OF = {"fluent": "stall", "sharp": "quality", "first": "video", "spare": "video", "stop": "video"}

_EFFECTS: dict[tuple[str, str], str] = {
    ("stall", "less"): "stalled {amount} less",
    ("stall", "more"): "stalled {amount} more",
    ("stall", "same"): "stalled as much as before",
    ("quality", "less"): "was {amount} coarser",
    ("quality", "more"): "was {amount} sharper",
    ("quality", "same"): "was as sharp as before",
    ("video", "less"): "got {amount} less",
    ("video", "more"): "got {amount} more",
    ("video", "same"): "got as much as before",
}
_OTHERS: dict[str, tuple[str, ...]] = {
    "gained": ("and the others gained", "to the gain of the others"),
    "lost": ("and the others lost", "at a cost to the others"),
    "same": ("and the others saw no change", "at no cost to the others"),
}
_TENS = ("ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_AMOUNTS = {"few": "a few percent", **{str(10 * (i + 1)): f"{word} percent" for i, word in enumerate(_TENS)}}
_ORDERS = (
    ("time", "subject", "effect", "others"),
    ("subject", "time", "effect", "others"),
    ("subject", "effect", "time", "others"),
)
_WHERE = ("service", "place", "exception", "relation", "hour")

VERDICT_SLOTS = (*_WHERE, "metric", "effect", "amount", "others")
VERDICT_VALUES: dict[str, tuple[str, ...]] = {
    **{slot: VALUES[slot] for slot in _WHERE},
    "metric": ("stall", "quality", "video"),
    "effect": ("less", "more", "same"),
    "amount": (*_AMOUNTS, NONE),
    "others": tuple(_OTHERS),
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What changed for the videos that a clause is about, and for the others.

    Attributes:
        metric: "stall", "quality" or "video" (seconds of it that arrive).
        effect: "less", "more", or "same" where the interval holds no change.
        amount: Of the change: tens of percent, "90" for that and more, "few" for less than five; `NONE` where there is none.
        others: "gained", "lost" or "same", by their quality of experience.

    Raises:
        ValueError: A value that a slot does not know, or an amount without a change or the reverse.
    """

    service: str
    place: str
    exception: str = NONE
    relation: str = NONE
    hour: str = NONE
    metric: str
    effect: str
    amount: str
    others: str

    def __post_init__(self) -> None:
        for slot in VERDICT_SLOTS:
            value, known = getattr(self, slot), VERDICT_VALUES[slot]
            require(value in known, slot, f"be among {known}", value, "see VERDICT_VALUES")
        is_whole = (self.effect == "same") == (self.amount == NONE)
        require(is_whole, "amount", "come with a change", (self.effect, self.amount), "give both or none")

    @classmethod
    def about(cls, clause: Clause, change: float, half: float, others: float, others_half: float) -> "Verdict":
        """Return the verdict on a clause from a relative change of its metric and a change for the others, with intervals."""
        effect = _sign(change, half, ("less", "same", "more"))
        return cls(
            **{slot: getattr(clause, slot) for slot in _WHERE},
            metric=METRIC_OF[clause.action],
            effect=effect,
            amount=NONE if effect == "same" else amount_of(change),
            others=_sign(others, others_half, ("lost", "same", "gained")),
        )

    def tokens(self) -> list[str]:
        """Write the verdict, one token for each slot."""
        return [value_token(slot, getattr(self, slot)) for slot in VERDICT_SLOTS]


def amount_of(change: float) -> str:
    """Return the size of a relative change in the words of a verdict: .38 is "40"."""
    tens = min(round(abs(change) * 10), 9)
    return str(10 * tens) if tens else "few"


def verdict_tokens() -> tuple[str, ...]:
    """Return all tokens of verdicts, each once."""
    tokens = [value_token(slot, value) for slot in VERDICT_SLOTS for value in VERDICT_VALUES[slot]]
    return tuple(dict.fromkeys(tokens))


def say_verdict(verdict: Verdict, *, rng: np.random.Generator) -> str:
    """Return one of the sentences that tell a verdict."""
    subject = f"{one(words.SERVICES[verdict.service], rng)} {say_place(verdict.place, rng)}"
    if verdict.exception != NONE:
        subject += f" {one(words.BUT, rng)} {say_place(verdict.exception, rng)}"
    effect = _EFFECTS[verdict.metric, verdict.effect].format(amount=_AMOUNTS.get(verdict.amount))
    parts = {"subject": subject, "effect": effect, "others": one(_OTHERS[verdict.others], rng), "time": ""}
    if verdict.relation != NONE:
        parts["time"] = one(words.RELATIONS[verdict.relation], rng).format(hour=say_hour(int(verdict.hour), rng))
    return " ".join(parts[part] for part in one(_ORDERS, rng) if parts[part])


def parse_verdict(sentence: str) -> Verdict:
    """Read a sentence that tells a verdict.

    Raises:
        ValueError: Unknown words, words in no order of the grammar, or a part that is missing.
    """
    found = split_words(sentence)
    check_words(found, TELLING_WORDS)
    values = {"amount": NONE, **_once(read_phrases(found, _PATTERNS, _LISTS))}
    missing = sorted({"service", "place", "metric", "others"} - values.keys())
    require(not missing, "sentence", "say what changed for whom", f"no {missing}", "see `say_verdict`")
    return Verdict(**values)


def draw_verdicts(n_verdicts: int, *, rng: np.random.Generator) -> list[Verdict]:
    """Draw verdicts; half of them with an exception, and most with hours.

    Raises:
        ValueError: No verdict.
    """
    require(n_verdicts > 0, "n_verdicts", "be above 0", n_verdicts, "draw one at least")
    drawn: list[Verdict] = []
    while len(drawn) < n_verdicts:
        value = {slot: one(VERDICT_VALUES[slot], rng) for slot in VERDICT_SLOTS}
        if rng.random() < 0.5:
            value["exception"] = NONE
        if NONE in (value["relation"], value["hour"]):
            value["relation"] = value["hour"] = NONE
        is_same = value["effect"] == "same"
        if value["place"] == value["exception"] or (value["amount"] == NONE and not is_same):
            continue
        value["amount"] = NONE if is_same else value["amount"]
        drawn.append(Verdict(**value))
    return drawn


def _sign(change: float, half: float, names: tuple[str, str, str]) -> str:
    return names[1] if abs(change) <= half else names[0 if change < 0 else 2]


def _once(values: Mapping[str, str]) -> dict[str, str]:
    """Take the pair of metric and effect apart."""
    own = dict(values)
    if "effect" in own:
        own["metric"], own["effect"] = own["effect"].split()
    return own


_LISTS = {**LISTS, "amount": {phrase: value for value, phrase in _AMOUNTS.items()}}
_PATTERNS: list[Pattern] = [
    *WHERES_AND_WHENS,
    ("{service}", {}),
    *((phrase, {"effect": " ".join(pair)}) for pair, phrase in _EFFECTS.items()),
    *((phrase, {"others": value}) for value, phrases in _OTHERS.items() for phrase in phrases),
]
TELLING_WORDS = words_of(_PATTERNS, _LISTS)
