from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.loops.internal import InternalConfig, InternalLoop, Seen
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.decision.greedy import EqualShare, GreedyAllocator
from gdt_tutorial.twin.decision.schedule import greedy_schedule
from tests.small_networks import ANY, network, random_decision, same, seen_in, twin_of, virtual_of

N_BATCH, N_USERS = 3, 12


@pytest.fixture(scope="module")
def scene():
    """Return a network in the middle of a session, and its status with everything collected."""
    net = network(N_BATCH, N_USERS, seed=6)
    rng, telemetry = stream(6, "decisions"), net.reset()
    for _ in range(6):
        telemetry = net.step(random_decision(telemetry.session, net.catalog, 2, rng=rng))
    return net, seen_in(replace(telemetry, snr_db=telemetry.snr_db.astype(float)))


def loop_over(net, managers, seed=0, **config):
    virtual, config = virtual_of(net), InternalConfig(**{"n_slots": 4, **config})
    made = {name: make(virtual.model) for name, make in managers.items()}
    return InternalLoop(virtual.abstractor, made, virtual, config, rng=stream(seed, "validation"))


class Mixed:
    """Greedy in the first environment, idle elsewhere; and the other way round."""

    def __init__(self, model, is_greedy):
        self.model, self.is_greedy = model, np.array(is_greedy)

    def decide(self, features, *, rng):
        decision = GreedyAllocator(self.model).decide(features, rng=ANY)
        n_copies = len(features.ap) // len(self.is_greedy)
        works = np.tile(self.is_greedy, n_copies)[:, None, None, None]
        return replace(decision, segments=np.where(works, decision.segments, -1))


def test_each_environment_gets_the_manager_with_the_larger_score(scene):
    net, seen = scene
    works_here, works_there = [True, False, False], [False, True, True]
    loop = loop_over(net, {"a": lambda model: Mixed(model, works_here), "b": lambda model: Mixed(model, works_there)})
    decision = loop.decide(seen)
    verdict = loop.verdicts[-1]
    assert verdict.chosen.tolist() == [0, 1, 1]
    scores = np.stack(list(verdict.expected_qoe.values()))
    np.testing.assert_array_equal(verdict.chosen, scores.argmax(axis=0))
    greedy = loop_over(net, {"g": GreedyAllocator}).decide(seen)
    assert same(decision, greedy)


def test_the_decision_is_put_together_from_the_chosen_managers(scene):
    net, seen = scene
    loop = loop_over(net, {"greedy": GreedyAllocator, "equal": EqualShare})
    decision = loop.decide(seen)
    features = twin_of(net)[0].abstract(seen)
    each = [maker.decide(features, rng=ANY) for maker in loop.managers.values()]
    for env, chosen in enumerate(loop.verdicts[-1].chosen):
        for name, value in vars(decision).items():
            np.testing.assert_array_equal(value[env], getattr(each[chosen], name)[env])


def test_one_manager_needs_no_validation(scene):
    net, seen = scene
    loop = loop_over(net, {"greedy": GreedyAllocator})
    decision = loop.decide(seen)
    assert loop.verdicts[-1].expected_qoe == {}
    assert loop.verdicts[-1].chosen.tolist() == [0, 0, 0]
    assert same(decision, loop.managers["greedy"].decide(twin_of(net)[0].abstract(seen), rng=ANY))


def test_between_validations_the_last_choice_stands(scene):
    net, seen = scene
    works = {
        "a": lambda model: Mixed(model, [True, False, False]),
        "b": lambda model: Mixed(model, [False, True, True]),
    }
    loop = loop_over(net, works, period_slots=3)
    for _ in range(4):
        loop.decide(seen)
    assert [bool(verdict.expected_qoe) for verdict in loop.verdicts] == [True, False, False, True]
    assert all(verdict.chosen.tolist() == [0, 1, 1] for verdict in loop.verdicts)


def test_earlier_verdicts_weigh_in_as_long_as_the_memory_says(scene):
    net, seen = scene
    loop = loop_over(net, {"a": EqualShare, "b": GreedyAllocator}, memory=0.5, period_slots=1)
    total = 0.0
    for _ in range(4):
        loop.decide(seen)
        total = 0.5 * total + np.stack(list(loop.verdicts[-1].expected_qoe.values()))
        np.testing.assert_array_equal(loop.verdicts[-1].chosen, total.argmax(axis=0))


def test_verdicts_have_a_seed_pair(scene):
    net, seen = scene
    managers = {"greedy": GreedyAllocator, "equal": EqualShare}
    found = []
    for seed in (0, 0, 1):
        loop = loop_over(net, managers, seed=seed)
        loop.decide(seen)
        found.append(np.stack(list(loop.verdicts[-1].expected_qoe.values())))
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


class Drawing:
    """A manager that draws its versions."""

    def __init__(self, model):
        self.model, self.n_calls = model, 0

    def decide(self, features, *, rng):
        self.n_calls += 1
        version = rng.integers(self.model.catalog.n_versions, size=features.ap.shape)
        return greedy_schedule(features, self.model, version, np.ones(features.ap.shape))[0]


def test_a_drawing_manager_decides_the_same_at_every_validation_period(scene):
    net, seen = scene
    decisions = []
    for period_slots in (1, 2, 5, 5):
        loop = loop_over(
            net, {"drawing": Drawing, "idle": lambda model: Mixed(model, [False] * 3)}, period_slots=period_slots
        )
        trail = seen
        for _ in range(5):
            decisions.append(loop.decide(trail))
            assert loop.verdicts[-1].chosen.tolist() == [0, 0, 0]
            trail = trail.then(decisions[-1], replace(trail.status, slot=trail.status.slot + 1))
    for slot in range(5):
        assert all(same(decisions[slot], decisions[slot + 5 * run]) for run in (1, 2, 3))
    assert not same(decisions[0], decisions[1])


def test_between_validations_only_the_chosen_managers_decide(scene):
    net, seen = scene
    made = {}

    def keep(name, make):
        def of(model):
            made[name] = make(model)
            return made[name]

        return of

    managers = {"a": keep("a", Drawing), "b": keep("b", Drawing), "c": lambda model: Mixed(model, [False] * 3)}
    loop = loop_over(net, managers, period_slots=4, n_slots=4)
    for _ in range(4):
        loop.decide(seen)
    chosen = set(loop.verdicts[-1].chosen.tolist())
    for index, name in enumerate("ab"):
        # One decision and the rollout's three at the validation, and three more where it was chosen.
        assert made[name].n_calls == 4 + 3 * (index in chosen)


class OneMethod:
    """A world of its own: any decision of the manager `good` is worth 1."""

    def score(self, seen, decisions, then, *, rng):
        return {name: np.full(N_BATCH, float(name == "good")) for name in decisions}


def test_a_world_needs_one_method(scene):
    net, seen = scene
    abstractor, model = twin_of(net)
    managers = {"bad": EqualShare(model), "good": GreedyAllocator(model)}
    loop = InternalLoop(abstractor, managers, OneMethod(), rng=stream(0, "validation"))
    loop.decide(seen)
    assert loop.verdicts[-1].chosen.tolist() == [1, 1, 1]


def test_a_loop_without_managers_is_refused(scene):
    with pytest.raises(ValueError, match=r"managers must hold at least one, got 0; pass GreedyAllocator"):
        loop_over(scene[0], {})


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("n_slots", 0, "be above 0"), ("period_slots", 0, "be above 0"), ("n_rollouts", 0, "be above 0"),
        ("memory", 1.0, r"lie in \[0, 1\)"), ("memory", -0.1, r"lie in \[0, 1\)"),
        ("memory", np.nan, r"lie in \[0, 1\)"),
    ],
)  # fmt: skip
def test_configs_are_checked(name, value, rule):
    with pytest.raises(ValueError, match=rf"{name} must {rule}, got {value}; "):
        InternalConfig(**{name: value})


def test_all_that_the_loop_reads_of_what_is_seen_is_slot_and_number_of_environments(scene):
    _, seen = scene
    assert isinstance(seen, Seen)
    assert (seen.slot, seen.n_batch) == (seen.status.slot, N_BATCH)

    class Bare:
        slot, n_batch = 7, 2

    class Own:
        def abstract(self, seen):
            return np.zeros(seen.n_batch)

        def score(self, seen, decisions, then, *, rng):
            return dict(decisions)

    class Says:
        def __init__(self, value):
            self.value = np.array(value)

        def decide(self, features, *, rng):
            return self.value

    own = Own()
    loop = InternalLoop(own, {"a": Says([1.0, 2.0]), "b": Says([3.0, 0.0])}, own, rng=stream(0, "validation"))
    assert loop.decide(Bare()).tolist() == [3.0, 2.0]
    assert loop.verdicts[-1].slot == 7
