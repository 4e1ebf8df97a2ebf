"""Every implementation of a protocol passes its contract check; each way to break a contract is named."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from gdt_tutorial.case_study.experiment import Scheme
from gdt_tutorial.case_study.figures.schemes import SCHEMES
from gdt_tutorial.case_study.learning.training import swipe_aware_lists
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.physical.streets import Streets
from gdt_tutorial.seeding import stream, torch_seeded, torch_stream
from gdt_tutorial.twin.contracts import check_abstractor, check_emulator, check_maker, check_swipe_model
from gdt_tutorial.twin.decision.allocator import NetworkAllocator, SubgroupNetwork
from gdt_tutorial.twin.decision.average import Average, OneOf
from gdt_tutorial.twin.decision.greedy import EqualShare, GreedyAllocator
from gdt_tutorial.twin.decision.schedule import greedy_schedule
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, MeanPath
from gdt_tutorial.twin.emulation.extrapolation import ConstantVelocity, HoldLast
from gdt_tutorial.twin.emulation.fixed_share import FixedShare
from gdt_tutorial.twin.emulation.imitator import ImitatorEmulator
from gdt_tutorial.twin.emulation.lstm import LstmEmulator, TrajectoryNetwork
from gdt_tutorial.twin.emulation.turn_policy import Crossings, untrained
from gdt_tutorial.twin.observation import Observation
from gdt_tutorial.twin.pretrained import pretrained_emulator
from gdt_tutorial.twin.swipe_model import CampusSwipes
from tests.case_study.campuses import small_campuses
from tests.small_networks import network, random_decision, seen_in, twin_of


@pytest.fixture(scope="module")
def moment():
    """Return a network in the middle of a session, and what a perfect twin has seen of three slots."""
    net = network(n_batch=2, n_users=12, seed=3)
    rng, telemetry = stream(3, "decisions"), net.reset()
    seen = seen_in(telemetry)
    for _ in range(3):
        decision = random_decision(telemetry.session, net.catalog, 2, rng=rng)
        telemetry = net.step(decision)
        seen = seen.then(decision, seen_in(telemetry).status)
    return net, seen


def plain_network():
    with torch_seeded(torch_stream(0, "plain")):
        return TrajectoryNetwork(8, torch.nn.RNN)


EMULATORS = {
    "hold last": lambda topology: HoldLast(topology=topology),
    "constant velocity": lambda topology: ConstantVelocity(topology=topology),
    "LSTM": pretrained_emulator,
    "imitator": lambda topology: ImitatorEmulator(
        policy=untrained(Crossings(Streets.of(topology.campus))), topology=topology
    ),
    "RNN": lambda topology: LstmEmulator(network=plain_network(), topology=topology),
    "fixed share": lambda topology: FixedShare(
        topology=topology, share=np.array([0.9, 0.6]), growth=HoldLast(topology=topology).growth
    ),
    "mean path": lambda topology: MeanPath(emulator=HoldLast(topology=topology)),
}


@pytest.mark.parametrize("make", EMULATORS.values(), ids=EMULATORS)
def test_every_emulator_keeps_its_contract(moment, make):
    net, seen = moment
    check_emulator(make(net.topology), seen.window)


def test_the_twins_swipe_model_keeps_its_contract(moment):
    net, _ = moment
    check_swipe_model(CampusSwipes(twin_of(net)[0].curves, net.catalog, 12), 24, net.catalog.n_types)


def test_every_abstractor_keeps_its_contract(moment):
    net, seen = moment
    check_abstractor(twin_of(net)[0], seen)
    campuses = small_campuses()
    check_abstractor(swipe_aware_lists(campuses), seen_in(campuses.network.reset(campuses.group)))


def drawing(model):
    class Drawing:
        def decide(self, features, *, rng):
            version = rng.integers(model.catalog.n_versions, size=features.ap.shape)
            return greedy_schedule(features, model, version, np.ones(features.ap.shape))[0]

    return Drawing()


MAKERS = {
    "greedy": GreedyAllocator,
    "average": lambda model: Average((GreedyAllocator(model), EqualShare(model))),
    "one of two": lambda model: OneOf((GreedyAllocator(model), EqualShare(model))),
    "equal": EqualShare,
    "network": lambda model: NetworkAllocator(
        model, SubgroupNetwork(16, model.catalog.n_versions, 8, generator=torch_stream(0, "weights"))
    ),
    "drawing": drawing,
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_every_maker_keeps_its_contract(moment, make):
    net, seen = moment
    abstractor, model = twin_of(net)
    check_maker(make(model), abstractor.abstract(seen), 2)


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_of_the_case_study_is_a_maker(name):
    campuses = small_campuses()
    scheme = SCHEMES[name].make(campuses, 0)
    assert isinstance(scheme, Scheme)
    features = scheme.buffering.abstract(seen_in(campuses.network.reset(campuses.group)))
    check_maker(scheme, features, 2)


# --- broken contracts -------------------------------------------------------------------------------------------------


def changed(part, method, change):
    """Return a part one of whose methods gives something else."""

    class Broken:
        def __getattr__(self, name):
            return getattr(part, name)

    broken = Broken()
    setattr(broken, method, lambda *args, **options: change(getattr(part, method)(*args, **options)))
    return broken


def emulated_for_one_user(emulated):
    names = ("position_m", "position_std_m", "snr_db", "snr_std_db")
    return EmulatedStatus(**{name: getattr(emulated, name)[:, :1] for name in names})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda each: replace(each, snr_db=each.snr_db * np.nan),
            r"snr_db must be finite, got 'nan at \(0, 0, 0, 0\)'",
        ),
        (lambda each: replace(each, position_std_m=-each.position_std_m), "position_std_m must be at least 0"),
        (emulated_for_one_user, r"position_m must have shape \(2, 12, 3, 2\), got \(2, 1, 3, 2\)"),
        (lambda each: None, "emulate must return EmulatedStatus, got 'NoneType'"),
    ],
)
def test_a_broken_emulator_is_told_what_is_wrong(moment, change, says):
    net, seen = moment
    with pytest.raises(ValueError, match=says):
        check_emulator(changed(HoldLast(topology=net.topology), "emulate", change), seen.window)


def test_signatures_are_compared_and_not_only_names(moment):
    net, seen = moment

    class OldEmulator:
        def emulate(self, window, n_slots):
            return HoldLast(topology=net.topology).emulate(window, n_slots)

    class OldMaker:
        def decide(self, features):
            return None

    with pytest.raises(ValueError, match=r"OldEmulator.emulate must take window, n_slots, n_samples, rng, got"):
        check_emulator(OldEmulator(), seen.window)
    with pytest.raises(ValueError, match=r"OldMaker.decide must take features, rng, got '\(features\)'; add rng"):
        check_maker(OldMaker(), twin_of(net)[0].abstract(seen), 2)
    with pytest.raises(ValueError, match=r"int must have a method abstract, got 'none'; see FeatureAbstractor"):
        check_abstractor(3, seen)


def test_a_maker_with_a_memory_of_its_own_is_found(moment):
    net, seen = moment
    abstractor, model = twin_of(net)

    class Counting:
        n_calls = 0

        def decide(self, features, *, rng):
            self.n_calls += 1
            return EqualShare(model, self.n_calls % 2).decide(features, rng=rng)

    with pytest.raises(
        ValueError, match=r"decision.* must be the same when asked again.*memory belongs into the features"
    ):
        check_maker(Counting(), abstractor.abstract(seen), 2)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda each: replace(each, bandwidth_share=each.bandwidth_share * np.nan), r"bandwidth_share must be finite"),
        (
            lambda each: replace(each, bandwidth_share=each.bandwidth_share + 2),
            r"must lie in \[0, 1\], got '2.* in environment 0",
        ),
        (lambda each: replace(each, computing_share=np.full(each.ap.shape, 0.9)), "must add up to 1 at most at AP 0"),
        (lambda each: replace(each, version=each.version - 9), "decision.version must hold integers from 0 on"),
    ],
)
def test_a_broken_maker_is_told_what_is_wrong(moment, change, says):
    net, seen = moment
    abstractor, model = twin_of(net)
    with pytest.raises(ValueError, match=says):
        check_maker(changed(GreedyAllocator(model), "decide", change), abstractor.abstract(seen), 2)


def unchecked(features, **changes):
    """Return features whose shapes nobody has looked at."""
    broken = copy(features)
    for name, value in changes.items():
        object.__setattr__(broken, name, value)
    return broken


def test_a_broken_abstractor_is_told_what_is_wrong(moment):
    net, seen = moment
    abstractor, _ = twin_of(net)
    endless = changed(abstractor, "abstract", lambda each: replace(each, value_s=each.value_s + np.inf))
    with pytest.raises(ValueError, match=r"features.value_s must be finite, got 'NaN or infinity'; mask it"):
        check_abstractor(endless, seen)
    mixing = changed(abstractor, "abstract", lambda each: replace(each, value_s=each.value_s / each.value_s.sum()))
    with pytest.raises(
        ValueError, match=r"features.value_s must not depend on what else is asked.*rollouts stand beside"
    ):
        check_abstractor(mixing, seen)
    flat = changed(abstractor, "abstract", lambda each: unchecked(each, context=np.zeros(2)))
    with pytest.raises(ValueError, match=r"features.context must have shape \(2, 2\), got \(2,\)"):
        check_abstractor(flat, seen)


def test_a_broken_swipe_model_is_told_what_is_wrong(moment):
    net, _ = moment
    swipes = CampusSwipes(twin_of(net)[0].curves, net.catalog, 12)
    with pytest.raises(
        ValueError, match=r"sample_fraction must lie in \(0, 1\], got \[0.0, 0.0, 0.0\]; 1 is a complete view"
    ):
        check_swipe_model(changed(swipes, "sample_fraction", lambda each: each * 0), 24, net.catalog.n_types)
    with pytest.raises(ValueError, match=r"sample_rest must be at least `played`, got -"):
        check_swipe_model(changed(swipes, "sample_rest", lambda each: each * 0 + 0.1), 24, net.catalog.n_types)


def test_an_observation_goes_on_and_forgets(moment):
    _, seen = moment
    assert len(seen.statuses) == 4
    long = seen
    for _ in range(30):
        long = long.then(seen.decisions[-1], seen.status)
    assert len(long.statuses) == 20
    assert len(long.decisions) == 19
    with pytest.raises(ValueError, match="decisions must hold 3, one per step between statuses, got 1"):
        Observation(statuses=seen.statuses, decisions=seen.decisions[:1])
    with pytest.raises(ValueError, match="statuses must hold one at least"):
        Observation(statuses=())


def test_the_window_of_an_observation_is_the_one_of_the_store():
    from gdt_tutorial.loops.external import FixedPeriod
    from gdt_tutorial.twin.observation import Memory
    from gdt_tutorial.twin.status_store import StatusStore

    net = PhysicalNetwork.waterloo(2, seed=8)
    store, memory = StatusStore(2, 60, 2, 20), Memory()
    collection = FixedPeriod(store, HoldLast(topology=net.topology), 4)
    rng, telemetry = stream(8, "decisions"), net.reset()
    for _ in range(25):
        seen = memory.see(collection.observe(telemetry))
        for name, value in vars(store.window()).items():
            np.testing.assert_array_equal(value, getattr(seen.window, name), err_msg=name)
        telemetry = net.step(memory.note(random_decision(telemetry.session, net.catalog, 2, rng=rng)))
    with pytest.raises(ValueError, match="memory must know the decision of the last slot"):
        memory.see(memory.see(seen.status) and seen.status)
