"""Sentences: the hand parser is right on all of them, the splits are what they say, bad sentences are told what is wrong."""

import pytest

from gdt_tutorial.seeding import stream
from gdt_tutorial.worlds.intents import words
from gdt_tutorial.worlds.intents.meaning import NONE, VALUES, Clause, Intent
from gdt_tutorial.worlds.intents.parser import KNOWN_WORDS, parse, split_words
from gdt_tutorial.worlds.intents.sentences import (
    SPLITS,
    draw_examples,
    draw_splits,
    is_held_out,
    say_clause,
    say_intent,
)

DRAWN = draw_splits(600, 200, rng=stream(0, "intents"))
FLUENT = Clause(action="fluent", service="video", place="LIB", exception="PAC", relation="after", hour="18")


@pytest.mark.parametrize("split", DRAWN)
def test_the_hand_parser_reads_every_sentence(split):
    assert all(parse(sentence) == intent for sentence, intent in DRAWN[split])


@pytest.mark.parametrize(
    "sentence",
    [
        "keep video fluent around the library except at the gym after six",
        "From six in the evening on, avoid stalls of streams at the porter library but not near the gym.",
        "but not in the gym from six on near the library keep videos smooth",
    ],
)
def test_sentences_by_hand(sentence):
    assert parse(sentence) == Intent((FLUENT,))


def test_numbers_are_hours_or_buildings():
    intent = parse("stop games near engineering five around five in the morning then prefer vlogs at biology one")
    assert [(each.place, each.hour) for each in intent.clauses] == [("E5", "5"), ("B1", NONE)]


def test_every_phrase_is_said():
    said = {word for examples in DRAWN.values() for sentence, _ in examples for word in sentence.split()}
    assert said == KNOWN_WORDS


def orders_of(split):
    return words.NEW_ORDERS if split == "orders" else words.TRAINED_ORDERS


@pytest.mark.parametrize("split", SPLITS)
def test_splits_are_what_they_say(split):
    known = {sentence for sentence, _ in DRAWN["train"]}
    assert not known & {sentence for sentence, _ in DRAWN[split]}
    for _, intent in DRAWN[split]:
        assert (len(intent.clauses) == 3) == (split == "clauses")
        assert all(is_held_out(clause) == (split == "combinations") for clause in intent.clauses)


def test_three_clauses_are_longer_than_the_training():
    longest = max(len(sentence.split()) for sentence, _ in DRAWN["train"])
    assert max(len(sentence.split()) for sentence, _ in DRAWN["clauses"]) > longest


def test_training_sees_every_word_and_value_but_not_every_pair():
    clauses = [clause for _, intent in DRAWN["train"] for clause in intent.clauses]
    for slot, values in VALUES.items():
        assert {getattr(clause, slot) for clause in clauses} == set(values)
    assert {word for sentence, _ in DRAWN["train"] for word in sentence.split()} == KNOWN_WORDS
    pairs = {(clause.action, clause.place) for clause in clauses}
    n_pairs = len(VALUES["action"]) * len(VALUES["place"])
    assert 0.6 * n_pairs < len(pairs) <= 0.81 * n_pairs


def test_new_orders_are_no_trained_ones():
    """A sentence of a new order, whose parts are all there, comes from no trained order."""
    rng = stream(0, "orders")
    for _, intent in DRAWN["orders"][:50]:
        for clause in intent.clauses:
            assert NONE not in (clause.exception, clause.hour)
            assert not set(words.TRAINED_ORDERS) & set(words.NEW_ORDERS)
            said = say_clause(clause, words.NEW_ORDERS[2], rng=rng)
            assert said.split()[0] in words.VERBS
            assert "except" in said.split()[-5:] or "but" in said.split()[-6:]


def test_sentences_have_a_seed_pair():
    first, again, other = (draw_examples("same", 5, rng=stream(seed)) for seed in (0, 0, 1))
    assert first == again != other
    assert say_intent(first[0].intent, rng=stream(0)) == say_intent(first[0].intent, rng=stream(0))


@pytest.mark.parametrize(
    ("sentence", "error"),
    [
        ("please keep video fluent at the castle", r"hold words of the grammar alone, got \['please', 'castle'\]"),
        ("video around the library after six", r"hold a verb in each clause, \('keep', .*got 'video around"),
        ("keep video fluent at the gym and games at the library", r"hold a verb in each clause.*got 'games at the"),
        ("", "sentence must hold words, got ''"),
        (" . ", "sentence must hold words"),
        ("keep around the library", "be made of the phrases of the grammar, got 'keep around the library'"),
        ("keep video fluent after six", r"say action, service and place, got \"no \['place'\]\""),
        ("stop video at the gym near the library", r"say each part of a clause once, got \['place'\]"),
        ("stop video at the gym except at the gym", "exception must be another place, got 'PAC'"),
        ("stop video at the gym and", "hold a verb in each clause.*got ''"),
    ],
)
def test_bad_sentences_are_told_what_is_wrong(sentence, error):
    with pytest.raises(ValueError, match=error):
        parse(sentence)


def test_bad_draws_are_refused():
    with pytest.raises(ValueError, match="split must be train or one of .*got 'test'"):
        draw_examples("test", 1, rng=stream(0))
    with pytest.raises(ValueError, match="n_examples must be above 0, got 0"):
        draw_examples("same", 0, rng=stream(0))


def test_words_lose_case_and_stops():
    assert split_words("Stop  games, near the GYM.") == ["stop", "games", "near", "the", "gym"]
