import numpy as np

from gdt_tutorial.loops.recipes.validators import Audited, ByDecision, RecordingTwin, UpsideDown
from gdt_tutorial.loops.ring_loop import PolicyMaker, RingSeen, RingTwin
from gdt_tutorial.seeding import stream
from gdt_tutorial.worlds.ring import Ring, RingConfig


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


def test_a_recording_twin_validates_as_any_other_and_keeps_it():
    ring = Ring(RingConfig(horizon_slots=2))
    seen, decisions = RingSeen(3, np.ones((2, 6))), {"all": np.ones((2, 6)), "none": np.zeros((2, 6))}
    then = dict.fromkeys(decisions, PolicyMaker(ring.max_weight))
    twin = RecordingTwin(ring)
    found = twin.score(seen, decisions, then, rng=np.random.default_rng(0))
    plain = RingTwin(ring).score(seen, decisions, then, rng=np.random.default_rng(0))
    assert all((found[name] == plain[name]).all() for name in decisions)
    assert twin.kept == [(seen, decisions, found)]
