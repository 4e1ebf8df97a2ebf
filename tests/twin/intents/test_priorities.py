"""Priorities: whom an intent concerns, what becomes of the weights and of the features, bad input."""

import numpy as np
import pytest

from gdt_tutorial.physical.topology import Campus
from gdt_tutorial.twin.abstraction.groups import DemandWeights, GroupAbstractor
from gdt_tutorial.twin.abstraction.intents.priorities import Priorities, PriorityConfig, type_of_service
from gdt_tutorial.worlds.intents.parser import parse
from tests.small_networks import network, seen_in, twin_of

CAMPUS, TYPES = Campus.waterloo(), ("Study", "Entertainment", "Life", "Game")
LIB, GYM = (np.array([each.x_m, each.y_m]) for each in CAMPUS.buildings if each.code in ("LIB", "PAC"))
LIB, GYM = (LIB, GYM) if LIB[1] < 0 else (GYM, LIB)


def priorities(sentence, **config):
    return Priorities(parse(sentence), CAMPUS, TYPES, PriorityConfig(**config))


def test_whom_a_clause_concerns():
    position_m = np.stack([LIB, LIB + [99.0, 0.0], LIB + [101.0, 0.0], GYM])[None]
    own = priorities("keep video fluent around the library", radius_m=100.0)
    assert own.concerned(own.intent.clauses[0], position_m, 0).tolist() == [[True, True, False, False]]
    everywhere = priorities("keep video fluent everywhere except at the gym")
    assert everywhere.concerned(everywhere.intent.clauses[0], position_m, 0).tolist() == [[True, True, True, False]]


def test_when_a_clause_holds():
    own = priorities("keep video fluent around the library after six", start_hour=17.99, slot_s=2.0)
    assert own.hour_at(0) == 17.99
    first = next(slot for slot in range(100) if own.concerned(own.intent.clauses[0], LIB[None, None], slot).any())
    assert first == 18


@pytest.mark.parametrize(
    ("action", "value", "urgent"),
    [
        ("keep {} fluent", 1, 4),
        ("show {} sharp", 4, 1),
        ("prefer {}", 4, 4),
        ("throttle {}", 1 / 4, 1 / 4),
        ("stop {}", 0, 0),
    ],
)
def test_actions_become_weights(action, value, urgent):
    net = network(1, 4)
    seen = seen_in(net.reset())
    seen.status.behavior.position_m[:] = [GYM]
    seen.status.behavior.position_m[0, 1] = LIB
    weights = priorities(f"{action.format('games')} near the library")(seen)
    for weight, wanted in zip(weights, (value, urgent), strict=True):
        expected = np.ones((1, 4, 4))
        expected[0, 1, 3] = wanted
        np.testing.assert_allclose(weight, expected)


def test_two_clauses_count_both():
    seen = seen_in(network(1, 3).reset())
    weights = priorities("prefer games everywhere and stop vlogs across the campus")(seen)
    np.testing.assert_allclose(weights.value, np.broadcast_to([1, 1, 0, 4], (1, 3, 4)))


def features_with(weigh):
    net = network(2, 12)
    seen = seen_in(net.reset())
    curves = twin_of(net)[0].curves
    return GroupAbstractor(net.catalog, net.capacity, curves, net.link, weigh=weigh).abstract(seen)


def test_equal_weights_change_nothing_and_large_ones_do():
    plain = features_with(None)
    same = features_with(lambda seen: DemandWeights.alike(2, 12, 4))
    np.testing.assert_array_equal(plain.value_s, same.value_s)
    np.testing.assert_array_equal(plain.segments, same.segments)
    urgent = features_with(lambda seen: DemandWeights(np.ones((2, 12, 4)), np.full((2, 12, 4), 4.0)))
    np.testing.assert_allclose(urgent.urgent_s.sum(), 4 * plain.urgent_s.sum(), rtol=0.05)
    nothing = features_with(lambda seen: DemandWeights(*np.zeros((2, 2, 12, 4))))
    assert (nothing.segments == -1).all()
    assert not nothing.value_s.any()


def test_bad_intents_are_refused():
    with pytest.raises(ValueError, match=r"service must be a type of these videos, .'short', 'long'., got 'game'"):
        type_of_service("game", ("short", "long"))
    with pytest.raises(ValueError, match="place must be a building of this campus, got 'LIB'"):
        Priorities(parse("stop video at the library"), Campus(CAMPUS.box_m, CAMPUS.buildings[:2]), TYPES)
    assert type_of_service("video", ("short",)) is None
