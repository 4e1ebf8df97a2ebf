from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.loops.internal import InternalConfig, InternalLoop
from gdt_tutorial.physical.controllers import LocalController
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.decision.greedy import EqualShare, GreedyAllocator
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus
from gdt_tutorial.twin.status import StatusStore
from gdt_tutorial.twin.virtual import VirtualNetwork
from tests.small_networks import network, random_decision, same, twin_of

N_BATCH, N_USERS = 3, 12


@pytest.fixture(scope="module")
def scene():
    """Return a network in the middle of a session, and its status with everything collected."""
    net = network(N_BATCH, N_USERS, seed=6)
    rng, telemetry = stream(6, "decisions"), net.reset()
    for _ in range(6):
        telemetry = net.step(random_decision(telemetry.session, net.catalog, 2, rng=rng))
    store = StatusStore(N_BATCH, N_USERS, 2, 5)
    everybody = np.ones((N_BATCH, N_USERS), dtype=bool)
    telemetry = replace(telemetry, snr_db=telemetry.snr_db.astype(float))
    store.update(LocalController().collect(telemetry, everybody, everybody))
    return net, store.status()


def forecast(status, n_held=4):
    """Return a forecast that holds position and channel for `n_held` slots, however many are asked for."""

    def emulate(n_slots):
        position_m, snr_db = (
            np.repeat(value[:, :, None], n_held, axis=2)
            for value in (status.behavior.position_m, status.networking.snr_db)
        )
        return EmulatedStatus(
            position_m=position_m, position_std_m=np.ones_like(position_m),
            snr_db=snr_db, snr_std_db=np.ones_like(snr_db),
        )  # fmt: skip

    return emulate


def loop_over(net, managers, seed=0, **config):
    abstractor, model = twin_of(net)
    virtual = VirtualNetwork(model=model, abstractor=abstractor)
    made = {name: make(model) for name, make in managers.items()}
    config = InternalConfig(**{"n_slots": 4, **config})
    return InternalLoop(abstractor, made, virtual, config, rng=stream(seed, "validation"))


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
    net, status = scene
    works_here, works_there = [True, False, False], [False, True, True]
    loop = loop_over(net, {"a": lambda model: Mixed(model, works_here), "b": lambda model: Mixed(model, works_there)})
    decision = loop.decide(status, forecast(status))
    verdict = loop.verdicts[-1]
    assert verdict.chosen.tolist() == [0, 1, 1]
    scores = np.stack(list(verdict.expected_qoe.values()))
    np.testing.assert_array_equal(verdict.chosen, scores.argmax(axis=0))
    greedy = loop_over(net, {"g": GreedyAllocator}).decide(status, forecast(status))
    assert same(decision, greedy)


def test_the_decision_is_put_together_from_the_chosen_managers(scene):
    net, status = scene
    loop = loop_over(net, {"greedy": GreedyAllocator, "equal": EqualShare})
    decision = loop.decide(status, forecast(status))
    features = twin_of(net)[0].abstract(status)
    each = [maker.decide(features, rng=ANY) for maker in loop.managers.values()]
    for env, chosen in enumerate(loop.verdicts[-1].chosen):
        for name, value in vars(decision).items():
            np.testing.assert_array_equal(value[env], getattr(each[chosen], name)[env])


def test_one_manager_needs_no_validation(scene):
    net, status = scene
    loop = loop_over(net, {"greedy": GreedyAllocator})
    decision = loop.decide(status, forecast(status))
    assert loop.verdicts[-1].expected_qoe == {}
    assert loop.verdicts[-1].chosen.tolist() == [0, 0, 0]
    assert same(decision, loop.managers["greedy"].decide(twin_of(net)[0].abstract(status)))


def test_between_validations_the_last_choice_stands(scene):
    net, status = scene
    works = {
        "a": lambda model: Mixed(model, [True, False, False]),
        "b": lambda model: Mixed(model, [False, True, True]),
    }
    loop = loop_over(net, works, period_slots=3)
    for _ in range(4):
        loop.decide(status, forecast(status))
    assert [bool(verdict.expected_qoe) for verdict in loop.verdicts] == [True, False, False, True]
    assert all(verdict.chosen.tolist() == [0, 1, 1] for verdict in loop.verdicts)


def test_earlier_verdicts_weigh_in_as_long_as_the_memory_says(scene):
    net, status = scene
    loop = loop_over(net, {"a": EqualShare, "b": GreedyAllocator}, memory=0.5, period_slots=1)
    total = 0.0
    for _ in range(4):
        loop.decide(status, forecast(status))
        total = 0.5 * total + np.stack(list(loop.verdicts[-1].expected_qoe.values()))
        np.testing.assert_array_equal(loop.verdicts[-1].chosen, total.argmax(axis=0))


def test_verdicts_have_a_seed_pair(scene):
    net, status = scene
    managers = {"greedy": GreedyAllocator, "equal": EqualShare}
    found = []
    for seed in (0, 0, 1):
        loop = loop_over(net, managers, seed=seed)
        loop.decide(status, forecast(status))
        found.append(np.stack(list(loop.verdicts[-1].expected_qoe.values())))
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_the_second_validation_does_not_depend_on_how_much_the_first_drew(scene):
    net, status = scene
    short, long = (loop_over(net, {"e": EqualShare, "g": GreedyAllocator}, period_slots=1) for _ in range(2))
    short.decide(status, forecast(status, 1))
    long.decide(status, forecast(status, 60))
    for loop in (short, long):
        loop.decide(status, forecast(status))
    np.testing.assert_array_equal(short.verdicts[-1].expected_qoe["g"], long.verdicts[-1].expected_qoe["g"])


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
