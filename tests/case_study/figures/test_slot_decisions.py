"""The decisions of a slot taken apart: what chapter 18 reads of them is what the parts of a scheme see and do."""

import numpy as np
import pytest

from gdt_tutorial.case_study.experiment import Scheme, run_session
from gdt_tutorial.case_study.figures.slot_decisions import (
    held_share,
    offers_at,
    record_slots,
    schedule_losses,
    stay_laws,
    version_losses,
    watching_chances,
)
from gdt_tutorial.case_study.learning.training import myopic_search, sequential_lists, swipe_aware_lists
from gdt_tutorial.case_study.lists.watching import wanted_within
from gdt_tutorial.case_study.scenario import TrueStatus
from gdt_tutorial.solutions.data_model.baselines import EqualSplit, GreedyByGainPerCost
from gdt_tutorial.solutions.data_model.scheduling import SlsqpScheduler
from gdt_tutorial.solutions.data_model.versions import FixedVersion
from tests.case_study.campuses import greedy, small_campuses

N_SLOTS = 5


@pytest.fixture(scope="module")
def campuses():
    return small_campuses(seed=4)


@pytest.fixture(scope="module")
def moments(campuses):
    return record_slots(campuses, swipe_aware_lists(campuses), myopic_search(campuses), greedy(campuses), N_SLOTS)


def test_a_record_is_the_session_that_the_scheme_would_run(campuses, moments):
    scheme = Scheme(buffering=swipe_aware_lists(campuses), versions=myopic_search(campuses), scheduler=greedy(campuses))
    result = run_session(campuses, scheme, TrueStatus(), N_SLOTS)
    np.testing.assert_array_equal(np.stack([each.service.qoe for each in moments]), result.qoe)
    assert sum(each.n_sent for each in moments) > 0


def test_no_slot_is_no_record(campuses):
    with pytest.raises(ValueError, match="n_slots must be above 0"):
        record_slots(campuses, swipe_aware_lists(campuses), myopic_search(campuses), greedy(campuses), 0)


def test_convolved_laws_are_the_librarys_starts(campuses, moments):
    session, buffering = moments[-1].session, swipe_aware_lists(campuses)
    _, starts = wanted_within(buffering.law(session), session, buffering.catalog, 3, 10)
    for user in range(4):
        stays = stay_laws(campuses, session, user, 3, 10)
        assert (stays >= 0).all()
        assert (stays.sum(axis=-1) <= 1 + 1e-9).all()
        np.testing.assert_allclose(stays[0], starts[0, user, 1], atol=1e-9)


def test_who_never_swipes_wants_the_list_in_order(campuses, moments):
    session = moments[-1].session
    chances = watching_chances(sequential_lists(campuses), session, 0)
    seen = np.concatenate(chances)
    assert set(np.unique(seen[np.isfinite(seen)])) <= {0.0, 1.0}
    aware = watching_chances(swipe_aware_lists(campuses), session, 0)
    assert aware[0][0] == pytest.approx(1.0)  # what is on screen is wanted
    assert (np.diff(aware[0][np.isfinite(aware[0])]) <= 1e-9).all()


def test_held_shares_count_members(campuses, moments):
    session = moments[-1].session
    group = int(session.group[0, 0])
    is_member = session.group[0] == group
    base = int(session.head[0][is_member].min())
    n_videos = 4
    video = session.playlist[0, group, (base + np.arange(n_videos)) % session.playlist.shape[2]]
    edge = np.append(0, np.cumsum(campuses.network.catalog.n_segments[video]))
    share = held_share(session, is_member, base, edge)
    assert share.shape == (edge[-1],)
    assert (share >= 0).all()
    assert (share <= 1).all()
    assert share.max() > 0
    assert (held_share(session, np.zeros_like(is_member), base, edge) == 0).all()


def test_offers_of_an_access_point(campuses, moments):
    offers = offers_at(0, moments[-1].features, campuses.model)
    assert (moments[-1].features.ap[0, offers.subgroup] == 0).all()
    assert (offers.gain >= 0).all()
    assert (np.diff(offers.cycles.sum(axis=-1), axis=-1) > 0).all()  # a higher version costs more
    nobody = moments[-1].features
    with pytest.raises(ValueError, match="ap must have an SMG with a list, got 7"):
        offers_at(7, nobody, campuses.model)


def test_nothing_is_better_than_the_optimum(campuses, moments):
    selectors = {"search": myopic_search(campuses), "highest": FixedVersion(campuses.model, 3)}
    lost = version_losses(campuses.model, moments[2:4], selectors, relative_gap=1e-6)
    assert all(len(each) == 2 for each in lost.values())
    assert min(map(min, lost.values())) >= 0
    assert np.mean(lost["search"]) < np.mean(lost["highest"])


def test_schedules_are_held_against_whole_segments(campuses, moments):
    makers = {"slsqp": SlsqpScheduler, "greedy": GreedyByGainPerCost, "equal": EqualSplit}
    lost = schedule_losses(campuses.model, moments[2:4], makers)
    assert min(map(min, lost.values())) >= 0
    assert all(slsqp <= greedy + 1e-9 for slsqp, greedy in zip(lost["slsqp"], lost["greedy"], strict=True))
    assert np.mean(lost["equal"]) > np.mean(lost["greedy"])


def test_a_coarse_optimum_is_not_beaten(campuses, moments):
    selectors = {"search": myopic_search(campuses)}
    lost = version_losses(campuses.model, moments[2:4], selectors, relative_gap=0.5)
    assert min(lost["search"]) >= 0
