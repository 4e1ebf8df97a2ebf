"""Trust, with its oracle: worlds in which the values of two makers are known, and the twin is right or wrong on purpose."""

import numpy as np
import pytest

from gdt_tutorial.loops.internal import InternalConfig, InternalLoop
from gdt_tutorial.loops.trust import Trust, TrustConfig
from gdt_tutorial.seeding import stream

SAFE, BOLD, N_BATCH = 0, 1, 64


class Seen:
    n_batch = N_BATCH

    def __init__(self, slot):
        self.slot = slot


class Constant:
    """A maker whose decision is its own number."""

    def __init__(self, number):
        self.number = number

    def decide(self, features, *, rng):
        return np.full(N_BATCH, self.number)


class Twin:
    """Says of each maker what it is told to say, slot by slot."""

    def __init__(self, says):
        self.says = says

    def abstract(self, seen):
        return None

    def score(self, seen, decisions, then, *, rng):
        return {name: np.full(N_BATCH, float(self.says(seen.slot)[name])) for name in decisions}


def run(says, truth, n_validations=30, period=5, trust=True, noise=0.1, lag=0, budget=0.02):
    """Return the mean value of each validation's slots, and the loop."""
    twin, rng = Twin(says), stream(0, "noise")
    rule = Trust(SAFE, TrustConfig(tolerance=0.1, lag_slots=lag, budget=budget)) if trust else None
    makers, config = {"safe": Constant(SAFE), "bold": Constant(BOLD)}, InternalConfig(period_slots=period, memory=0.0)
    loop, came = InternalLoop(twin, makers, twin, config, trust=rule, rng=stream(0, "validation")), []
    for slot in range(n_validations * period):
        decision = loop.decide(Seen(slot))
        values = truth(slot)
        came.append(np.where(decision == SAFE, values["safe"], values["bold"]) + rng.normal(0, noise, N_BATCH))
        loop.note(came[-1])
    return np.reshape(came, (n_validations, period, N_BATCH)).mean(axis=(1, 2)), loop


def always(safe, bold):
    return lambda slot: {"safe": safe, "bold": bold}


WRONG = {"flatters": always(0.5, 0.9), "upside down": always(0.1, 0.9), "all too good": always(1.5, 1.9)}


@pytest.mark.parametrize("says", WRONG.values(), ids=WRONG)
def test_a_twin_that_is_wrong_on_purpose_costs_little_of_the_safe_maker(says):
    """Over validations 11 to 30 within .02, where the twin alone would cost .3."""
    truth = always(0.5, 0.2)
    value, _ = run(says, truth)
    believed, _ = run(says, truth, trust=False)
    assert value[10:].mean() > 0.5 - 0.02
    assert believed[10:].mean() == pytest.approx(0.2, abs=0.01)


def test_a_twin_that_is_right_keeps_its_vote():
    """It is heard from the third validation on, whatever it thinks of the level."""
    for level in (-1.0, 0.0, 1.0):
        value, loop = run(always(0.2 + level, 0.5 + level), always(0.2, 0.5))
        assert value[10:].mean() > 0.5 - 0.01
        assert loop.trust.held[5].has_vote.mean() > 0.95


def test_a_twin_that_becomes_right_gets_its_vote_back():
    truth = lambda slot: {"safe": 0.5, "bold": 0.2 if slot < 80 else 0.8}  # noqa: E731
    value, _ = run(always(0.5, 0.8), truth, n_validations=60)
    assert value[8:16].mean() == pytest.approx(0.5, abs=0.02)
    assert value[20:].mean() > 0.8 - 0.02


def test_a_twin_that_becomes_wrong_loses_its_vote():
    truth = lambda slot: {"safe": 0.5, "bold": 0.8 if slot < 100 else 0.2}  # noqa: E731
    value, loop = run(always(0.5, 0.8), truth, n_validations=60)
    assert value[10:20].mean() > 0.8 - 0.02
    assert value[30:].mean() > 0.5 - 0.03
    assert loop.trust.held[-1].has_vote.mean() < 0.2


def test_a_word_about_the_safe_maker_that_does_not_come_true_keeps_the_vote_away():
    """The twin's level jumps up and down: its word is worth nothing."""
    says = lambda slot: {"safe": 0.5 + (slot // 5) % 2, "bold": 9.0}  # noqa: E731
    value, loop = run(says, always(0.5, 0.2))
    assert not any(held.has_vote.any() for held in loop.trust.held)
    assert value.mean() == pytest.approx(0.5, abs=0.02)


def test_each_verdict_is_held_against_the_slots_that_it_could_change():
    _, loop = run(always(0.5, 0.9), always(0.5, 0.2), n_validations=3, noise=0.0, lag=1)
    first = loop.trust.held[0]
    np.testing.assert_allclose(first.expected, 0.5)
    np.testing.assert_allclose(first.came, 0.5)
    trust = Trust(SAFE, TrustConfig(lag_slots=2))
    trust.carried_out(np.zeros((2, 1)), np.array([BOLD]))
    for came in (9.0, 9.0, 1.0, 2.0):
        trust.note(np.array([came]))
    trust.carried_out(np.zeros((2, 1)), np.array([BOLD]))
    assert trust.held[0].came.tolist() == [1.5]


def test_the_waits_double():
    """By hand, without noise: votes at validations 3, 8, 17 and 34, each lost at once."""
    _, loop = run(always(0.5, 0.9), always(0.5, 0.2), n_validations=40, noise=0.0, budget=9.0)
    votes = [number for number, held in enumerate(loop.trust.held, start=1) if held.has_vote.all()]
    assert votes == [3, 8, 17, 34]


def test_trying_again_costs_no_more_than_the_budget():
    """By hand, without noise: a trial costs .3, so 15 verdicts lie between two of them, or 30 for half of the budget."""
    for budget, expected in ((0.02, [3, 19, 35]), (0.01, [3, 34])):
        _, loop = run(always(0.5, 0.9), always(0.5, 0.2), n_validations=40, noise=0.0, budget=budget)
        assert [number for number, held in enumerate(loop.trust.held, start=1) if held.has_vote.all()] == expected


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match=r"safe must be at least 0, got -1; count the managers"):
        Trust(-1)
    with pytest.raises(ValueError, match=r"safe must be below 2, got 2; count the managers"):
        Trust(2).carried_out(np.zeros((2, 1)), np.array([0]))
    trust = Trust(0, TrustConfig(lag_slots=1))
    trust.carried_out(np.zeros((2, 1)), np.array([0]))
    trust.note(np.zeros(1))
    with pytest.raises(
        ValueError, match=r"note must be told of more than 1 slots between two verdicts, got 1; call it"
    ):
        trust.carried_out(np.zeros((2, 1)), np.array([0]))


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [("budget", 0.0, "be above 0"),
     ("memory", 1.0, r"lie in \[0, 1\)"), ("tolerance", -0.1, "be at least 0"), ("wait", 0, "be above 0"),
     ("lag_slots", -1, "be at least 0")],
)  # fmt: skip
def test_the_rule_is_checked(name, value, rule):
    with pytest.raises(ValueError, match=rf"{name} must {rule}, got {value}"):
        TrustConfig(**{name: value})
