"""Averages of decisions: a case on paper in which either decision is good and their mean is not, and who decides how often."""

import numpy as np
import pytest

from gdt_tutorial.physical.link_adaptation import LinkAdaptation
from gdt_tutorial.physical.messages import NOT_SERVED, Decision
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.decision.average import Average, OneOf, average_decision
from gdt_tutorial.twin.decision.greedy import EqualShare, GreedyAllocator
from gdt_tutorial.twin.decision.schedule import schedule_model
from tests.small_networks import network, seen_in, twin_of


def serving(subgroup, version=0):
    """Return a decision of two SMGs of one access point that gives all to one of them."""
    share = np.array([[float(subgroup == 0), float(subgroup == 1)]])
    segments = np.full((1, 2, 3, 2), NOT_SERVED)
    segments[0, subgroup, 0] = (0, 0)
    zero = np.zeros((1, 2), dtype=np.int64)
    return Decision(
        subgroup=np.array([[0, 1]]),
        group=zero,
        ap=zero,
        version=zero + version,
        bandwidth_share=share,
        computing_share=share.copy(),
        segments=segments,
    )


def test_the_mean_shares_the_band_and_keeps_every_list():
    mean = average_decision([serving(0, version=0), serving(1, version=3)])
    np.testing.assert_array_equal(mean.bandwidth_share, [[0.5, 0.5]])
    np.testing.assert_array_equal(mean.version, [[2, 2]])  # 1.5, rounded up
    np.testing.assert_array_equal(mean.segments[0, :, 0], [[0, 0], [0, 0]])
    same = average_decision([serving(0), serving(0)])
    for name, value in vars(serving(0)).items():
        np.testing.assert_array_equal(getattr(same, name), value)


@pytest.fixture(scope="module")
def features():
    net = network(n_batch=2, n_users=12, seed=3)
    abstractor = twin_of(net)[0]
    assert isinstance(net.link, LinkAdaptation)
    return schedule_model(net), abstractor.abstract(seen_in(net.reset()))


def test_one_of_two_is_each_of_them_in_half_of_the_slots(features):
    model, seen = features
    makers = (GreedyAllocator(model), EqualShare(model))
    first, second = (maker.decide(seen, rng=stream(0, "m")).bandwidth_share for maker in makers)
    rng, hits = stream(0, "draws"), []
    for _ in range(200):
        share = OneOf(makers).decide(seen, rng=rng).bandwidth_share
        for env in range(2):
            hits.append(np.array_equal(share[env], first[env]))
            assert hits[-1] or np.array_equal(share[env], second[env])
    assert 0.4 < np.mean(hits) < 0.6


def test_the_average_of_one_maker_is_that_maker(features):
    model, seen = features
    greedy = GreedyAllocator(model)
    one, other = greedy.decide(seen, rng=stream(0, "m")), Average((greedy, greedy)).decide(seen, rng=stream(0, "m"))
    for name, value in vars(one).items():
        np.testing.assert_array_equal(getattr(other, name), value)


def test_what_has_no_average_is_refused():
    with pytest.raises(ValueError, match="decisions must hold one, got 0"):
        average_decision([])
    other = serving(0)
    object.__setattr__(other, "subgroup", np.array([[1, 0]]))
    with pytest.raises(ValueError, match="decisions must be about the same SMGs"):
        average_decision([serving(0), other])
