"""Meanings: their tokens there and back, the hours in which they hold, the buildings, bad values."""

import pytest

from gdt_tutorial.physical.topology import Campus
from gdt_tutorial.worlds.intents.meaning import END, NEXT, VALUES, Clause, Intent, slot_tokens
from gdt_tutorial.worlds.intents.words import PLACES

FLUENT = Clause(action="fluent", service="video", place="LIB", exception="PAC", relation="after", hour="18")
STOP = Clause(action="stop", service="game", place="campus")


def test_tokens_by_hand_and_back():
    intent = Intent((FLUENT, STOP))
    assert intent.tokens() == [
        *("action:fluent", "service:video", "place:LIB", "exception:PAC", "relation:after", "hour:18", NEXT),
        *("action:stop", "service:game", "place:campus", "exception:none", "relation:none", "hour:none", END),
    ]
    assert Intent.from_tokens(intent.tokens()) == intent
    assert set(intent.tokens()) - {NEXT, END} <= set(slot_tokens())
    assert len(set(slot_tokens())) == len(slot_tokens())


@pytest.mark.parametrize(
    ("relation", "hour", "holds", "does_not"),
    [
        ("after", "18", (18, 18.5, 23.9), (0, 17.99)),
        ("before", "9", (0, 8.99), (9, 23)),
        ("around", "18", (17, 18.5, 19), (16.9, 19.1)),
        ("around", "23", (22.5, 0.0), (0.5, 21.9)),
        ("none", "none", (0, 12), ()),
    ],
)
def test_hours_in_which_a_clause_holds(relation, hour, holds, does_not):
    clause = Clause(action="first", service="video", place="LIB", relation=relation, hour=hour)
    assert all(clause.is_active(each) for each in holds)
    assert not any(clause.is_active(each) for each in does_not)
    assert clause.is_active(24 + 12) == clause.is_active(12)


def test_places_are_buildings_of_the_campus_and_inside_its_box():
    campus = Campus.waterloo()
    at = {building.code: (building.x_m, building.y_m) for building in campus.buildings}
    for place in PLACES:
        x_m, y_m = at[place]
        assert campus.box_m[0, 0] < x_m < campus.box_m[1, 0]
        assert campus.box_m[0, 1] < y_m < campus.box_m[1, 1]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"action": "dance"}, "action must be among .*'fluent'.* got 'dance'"),
        ({"relation": "after"}, "hour must come with a relation, got .'after', 'none'"),
        ({"exception": "LIB"}, "exception must be another place, got 'LIB'"),
    ],
)
def test_bad_clauses_are_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        Clause(**({"action": "stop", "service": "video", "place": "LIB"} | changes))


def test_bad_tokens_are_refused():
    tokens = Intent((FLUENT, STOP)).tokens()
    with pytest.raises(ValueError, match="tokens must be clauses of 6, then <end>"):
        Intent.from_tokens(tokens[:-1])
    with pytest.raises(ValueError, match="tokens must be clauses of 6, then <end>"):
        Intent.from_tokens([])
    with pytest.raises(ValueError, match="tokens must hold <next> between clauses, got 'none'"):
        Intent.from_tokens([*tokens[:6], "none", *tokens[7:]])
    with pytest.raises(ValueError, match="tokens must name the slots"):
        Intent.from_tokens(["hour:fluent", *tokens[1:]])
    with pytest.raises(ValueError, match="clauses must hold one at least"):
        Intent(())


def test_values_are_few():
    assert {slot: len(values) for slot, values in VALUES.items()} == {
        "action": 5,
        "service": 5,
        "place": 26,
        "exception": 26,
        "relation": 4,
        "hour": 24,
    }
