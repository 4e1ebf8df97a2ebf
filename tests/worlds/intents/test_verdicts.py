"""Verdicts: sentences there and back, numbers into words, the sequences of the model, bad input."""

from dataclasses import replace

import pytest

from gdt_tutorial.seeding import stream
from gdt_tutorial.worlds.intents.meaning import Clause, Intent
from gdt_tutorial.worlds.intents.parser import parse
from gdt_tutorial.worlds.intents.verdicts import Verdict, amount_of, draw_verdicts, parse_verdict, say_verdict
from gdt_tutorial.worlds.intents.vocabulary import TOKENS, decode, encode, reading, telling

CLAUSE = Clause(action="fluent", service="video", place="LIB", exception="PAC", relation="after", hour="18")
VERDICT = Verdict.about(CLAUSE, -0.38, 0.1, 0.02, 0.05)


def test_a_verdict_by_hand():
    assert (VERDICT.metric, VERDICT.effect, VERDICT.amount, VERDICT.others) == ("stall", "less", "40", "same")
    told = "After six, video near the library except at the gym stalled forty percent less, at no cost to the others."
    assert parse_verdict(told) == VERDICT


@pytest.mark.parametrize(
    ("change", "half", "effect", "amount"),
    [(0.3, 0.1, "more", "30"), (-0.03, 0.01, "less", "few"), (0.2, 0.3, "same", "none"), (-2.0, 0.5, "less", "90")],
)
def test_changes_become_words(change, half, effect, amount):
    verdict = Verdict.about(CLAUSE, change, half, -1.0, 0.5)
    assert (verdict.effect, verdict.amount, verdict.others) == (effect, amount, "lost")


def test_amounts_are_rounded_to_tens():
    assert [amount_of(each) for each in (0.04, 0.06, -0.24, 0.26, 0.94)] == ["few", "10", "20", "30", "90"]


def test_every_verdict_is_read_back():
    rng = stream(0, "verdicts")
    verdicts = draw_verdicts(500, rng=rng)
    assert all(parse_verdict(say_verdict(each, rng=rng)) == each for each in verdicts)
    assert {each.effect for each in verdicts} == {"less", "more", "same"}


def test_sequences_of_both_directions():
    given, answer = reading("stop games near the gym")
    assert (given, answer) == (["<read>", "stop", "games", "near", "the", "gym", "<so>"], [])
    assert reading("stop games near the gym", parse("stop games near the gym"))[1][-1] == "<end>"
    given, answer = telling(VERDICT, "video at the library got ten percent less at a cost to the others")
    assert given[:2] == ["<tell>", "service:video"]
    assert given[-1] == "<so>"
    assert answer[-2:] == ["others", "<end>"]
    assert telling(VERDICT)[1] == []
    assert decode(encode(given)) == given
    assert len(set(TOKENS)) == len(TOKENS)


@pytest.mark.parametrize(
    ("sentence", "error"),
    [
        ("video at the library exploded", r"hold words of the grammar alone, got \['exploded'\]"),
        ("video at the library stalled", "be made of the phrases of the grammar, got 'stalled'"),
        ("video at the library got ten percent less", r"say what changed for whom, got \"no \['others'\]\""),
    ],
)
def test_bad_tellings_are_refused(sentence, error):
    with pytest.raises(ValueError, match=error):
        parse_verdict(sentence)


def test_bad_verdicts_are_refused():
    with pytest.raises(ValueError, match="amount must come with a change, got .'less', 'none'"):
        replace(VERDICT, amount="none")
    with pytest.raises(ValueError, match="metric must be among .* got 'joy'"):
        replace(VERDICT, metric="joy")
    with pytest.raises(ValueError, match="n_verdicts must be above 0"):
        draw_verdicts(0, rng=stream(0))
    with pytest.raises(ValueError, match=r"tokens must be among TOKENS, got \['castle'\]"):
        encode(["castle"])
    with pytest.raises(ValueError, match=r"sentence must hold words of the grammar alone, got \['castle'\]"):
        reading("stop video at the castle")


def test_an_intent_is_whole():
    assert Intent((CLAUSE,)).tokens()[-1] == "<end>"
