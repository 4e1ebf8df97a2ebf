"""What an operator wants, as a structure: clauses of six slots each, and the tokens that write them.

    keep video fluent around the library except at the gym after six
    ->  action fluent | service video | place LIB | exception PAC | relation after | hour 18

Hours are those of a day. "after" holds from the hour on, "before" until it, "around" one hour to either side.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gdt_tutorial.configuration import require
from gdt_tutorial.worlds.intents import words

__all__ = ["END", "NEXT", "NONE", "SLOTS", "VALUES", "Clause", "Intent", "slot_tokens", "value_token"]

NONE = "none"
SLOTS = ("action", "service", "place", "exception", "relation", "hour")
_PLACES, _HOURS = (*words.PLACES, words.EVERYWHERE), tuple(str(hour) for hour in words.HOURS)
VALUES: dict[str, tuple[str, ...]] = {
    "action": tuple(words.ACTIONS),
    "service": tuple(words.SERVICES),
    "place": _PLACES,
    "exception": (*words.PLACES, NONE),
    "relation": (*words.RELATIONS, NONE),
    "hour": (*_HOURS, NONE),
}
NEXT, END = "<next>", "<end>"  # another clause follows; the meaning, or the sentence, is over


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One wish: do this for this service there, except there, in these hours.

    Raises:
        ValueError: A value that a slot does not know, an hour without relation or the reverse, or an empty place.
    """

    action: str
    service: str
    place: str
    exception: str = NONE
    relation: str = NONE
    hour: str = NONE

    def __post_init__(self) -> None:
        for slot in SLOTS:
            value = getattr(self, slot)
            require(value in VALUES[slot], slot, f"be among {VALUES[slot]}", value, "see VALUES")
        is_timed = (self.relation == NONE) == (self.hour == NONE)
        require(is_timed, "hour", "come with a relation", (self.relation, self.hour), "give both or none")
        remedy = "leave the exception out"
        require(self.place != self.exception, "exception", "be another place", self.exception, remedy)

    def is_active(self, hour: float | int) -> bool:
        """Say whether the clause holds at an hour of the day, such as 18.5."""
        if self.relation == NONE:
            return True
        wanted, now = int(self.hour), hour % 24
        if self.relation == "after":
            return now >= wanted
        return now < wanted if self.relation == "before" else abs((now - wanted + 12) % 24 - 12) <= 1


@dataclass(frozen=True)
class Intent:
    """One clause or more."""

    clauses: tuple[Clause, ...]

    def __post_init__(self) -> None:
        require(len(self.clauses) > 0, "clauses", "hold one at least", 0, "an operator wants something")

    def tokens(self) -> list[str]:
        """Write the intent, six tokens for each clause, with `NEXT` between clauses and `END` at last."""
        parts = [[value_token(slot, getattr(clause, slot)) for slot in SLOTS] for clause in self.clauses]
        return [token for part in parts for token in (*part, NEXT)][:-1] + [END]

    @classmethod
    def from_tokens(cls, tokens: Sequence[str]) -> "Intent":
        """Read what `tokens` writes.

        Raises:
            ValueError: Tokens that `tokens` does not write.
        """
        is_whole = len(tokens) > 0 and len(tokens) % (len(SLOTS) + 1) == 0 and tokens[-1] == END
        require(
            is_whole, "tokens", f"be clauses of {len(SLOTS)}, then {END}", list(tokens[-8:]), "ask the reader again"
        )
        clauses = []
        for start in range(0, len(tokens), len(SLOTS) + 1):
            own, after = tokens[start : start + len(SLOTS)], tokens[start + len(SLOTS)]
            is_last = start + len(SLOTS) + 1 == len(tokens)
            require(is_last or after == NEXT, "tokens", f"hold {NEXT} between clauses", after, "ask the reader again")
            values = {slot: token.rpartition(":")[2] for slot, token in zip(SLOTS, own, strict=True)}
            clause = Clause(**values)
            is_written = [value_token(slot, value) for slot, value in values.items()] == list(own)
            require(is_written, "tokens", f"name the slots {SLOTS}", list(own), "ask the reader again")
            clauses.append(clause)
        return cls(tuple(clauses))


def value_token(slot: str, value: str) -> str:
    """Return the token of a slot's value. No two slots share one, so each token tells which slot comes next."""
    return f"{slot}:{value}"


def slot_tokens() -> tuple[str, ...]:
    """Return all tokens of meanings, each once."""
    tokens = [value_token(slot, value) for slot in SLOTS for value in VALUES[slot]]
    return tuple(dict.fromkeys(tokens))
