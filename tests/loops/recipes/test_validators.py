import numpy as np

from gdt_tutorial.loops.recipes.validators import Audited, ByDecision, UpsideDown
from gdt_tutorial.seeding import stream


class Worth(float):
    """A maker that is worth something."""

    def decide(self, features, *, rng):
        raise AssertionError


class Sum:
    """A decision is worth itself, and as much as the maker that goes on after it."""

    def score(self, seen, decisions, then, *, rng):
        return {name: decision + then[name] for name, decision in decisions.items()}


DECISIONS, THEN = {"a": np.array([1.0, 5]), "b": np.array([3.0, 3])}, {"a": Worth(10), "b": Worth(0)}


def score(validator):
    return {name: each.tolist() for name, each in validator.score(None, DECISIONS, THEN, rng=stream(0, "x")).items()}


def test_upside_down_the_worst_is_the_best():
    assert score(Sum()) == {"a": [11, 15], "b": [3, 3]}
    assert score(UpsideDown(Sum())) == {"a": [3, 3], "b": [11, 15]}


def test_by_decision_one_maker_goes_on_after_all():
    assert score(ByDecision(Sum(), Worth(2))) == {"a": [3, 7], "b": [5, 5]}


def test_an_audit_returns_the_twins_scores_and_keeps_the_true_ones():
    audited = Audited(UpsideDown(Sum()), Sum())
    assert score(audited) == {"a": [3, 3], "b": [11, 15]}
    np.testing.assert_array_equal(audited.true_value[0], [[11, 15], [3, 3]])
    assert score(Audited(Sum())) == score(Sum())
