"""Which segments are buffered, how many, and in which order: against simulation, by hand, and against plain loops."""

from dataclasses import fields, replace

import numpy as np
import pytest

from gdt_tutorial.case_study.learning.training import swipe_aware_lists
from gdt_tutorial.case_study.lists.buffering import BufferingConfig, sequential, swipe_aware
from gdt_tutorial.case_study.lists.watching import WatchLaw, wanted_within
from gdt_tutorial.physical.link_adaptation import LinkAdaptation
from gdt_tutorial.physical.messages import Session
from gdt_tutorial.physical.streaming import StreamState, deliver
from gdt_tutorial.seeding import stream
from gdt_tutorial.solutions.data_model.baselines import GreedyByGainPerCost
from gdt_tutorial.twin.decision.schedule import ScheduleModel
from tests.case_study.campuses import small_campuses, trajectory_of
from tests.small_networks import TINY_QOE, capacity, same, seen_in, tiny_catalog

LINK = LinkAdaptation()
STAYS = np.ones((1, 1, 2, 3))  # one campus, one group, two types: nobody swipes
FAR_DB, NEAR_DB = 6.0, 40.0


def tiny_session(head=(0, 0), play_s=(0.0, 0.0), playlist=(1, 2, 0, 1), serving_ap=(0, 0)):
    """Return two users of one group; videos 0, 1 and 2 take 5.5, 3 and 8 seconds."""
    return Session(
        group=np.zeros((1, 2), dtype=np.int64), serving_ap=np.array([serving_ap]), head=np.array([head]),
        play_s=np.array([play_s]), buffered=np.zeros((1, 2, 3, 8), dtype=np.int8), stored_s=np.zeros((1, 2)),
        playlist=np.array([[playlist]]),
    )  # fmt: skip


def holding(session, user, row, segments, version=0):
    buffered = session.buffered.copy()
    buffered[0, user, row, list(segments)] = version + 1
    return replace(session, buffered=buffered)


def snr(*users_db):
    """Return the same SNR of each user to both access points."""
    return np.repeat(np.array([users_db])[..., None], 2, axis=-1)


def tiny_buffering(survival_at=STAYS, config=BufferingConfig(), **changes):
    return swipe_aware(survival_at, tiny_catalog(), capacity(**changes), LINK, config)


def listed(features, subgroup):
    """Return what an SMG's list holds as (position, segment) pairs."""
    return [tuple(pair) for pair in features.segments[0, subgroup].tolist() if pair[0] >= 0]


def stays(survival_at, fraction, duration_s, n_draws, rng):
    """Draw how many seconds more viewers stay who have seen `fraction` of a video, rounded up to the grid."""
    edge = np.linspace(0, 1, len(survival_at))
    level = rng.random(n_draws) * np.interp(fraction, edge, survival_at)
    leaves_at = np.where(level < survival_at[-1], 1.0, np.interp(-level, -survival_at, edge))
    return np.ceil((np.maximum(leaves_at, fraction) - fraction) * duration_s - 1e-9)


def plain_demands(buffering, session, env, user):
    """Work out in loops what sending each segment is worth to one user: {(position, segment): (value, urgent)}."""
    catalog, config, group = buffering.catalog, buffering.config, session.group[env, user]
    edge, n_rows = np.linspace(0, 1, buffering.survival_at.shape[-1]), session.buffered.shape[2]
    _, starts = wanted_within(buffering.law(session), session, catalog, n_rows, config.horizon_s)
    demands = {}
    for row in range(n_rows):
        position = session.head[env, user] + row
        video = session.playlist[env, group, position % session.playlist.shape[2]]
        survival_at = buffering.survival_at[env, group, catalog.video_type[video]]
        played_s = session.play_s[env, user] if row == 0 else 0.0
        first = int(played_s + 1e-9)
        for segment in range(first, min(first + config.n_ahead, catalog.n_segments[video])):
            if session.buffered[env, user, position % n_rows, segment]:
                continue
            surely = np.interp(np.array([segment, played_s]) / catalog.duration_s[video], edge, survival_at)
            demand_s = min(surely[0] / surely[1], 1.0) * min(catalog.duration_s[video] - segment, 1.0)
            value = urgent = 0.0
            for second in range(config.horizon_s + 1):
                wait_s, chance = second + segment - first, starts[env, user, row, second]
                value += chance * (wait_s <= config.horizon_s) / (1 + wait_s / config.halving_s)
                urgent += chance * np.clip((config.safe_s - wait_s) / (config.safe_s - config.urgent_s), 0, 1)
            demands[int(position), segment] = np.array([value, urgent]) * demand_s
    return demands


class TestWatchingProbability:
    def test_it_is_that_of_simulated_viewers(self):
        campuses = small_campuses(seed=3)
        session = trajectory_of(campuses, 5)[-1][0].session
        catalog, curves = campuses.network.catalog, campuses.curves.survival_at
        law = swipe_aware_lists(campuses).law(session)
        _, starts = wanted_within(law, session, catalog, 6, 10)
        rng, n_draws, worst = stream(0, "viewers"), 40_000, 0.0
        for user in (0, 5, 10, 15):
            group, second = session.group[0, user], np.zeros(n_draws)
            for place in range(5):
                video = session.playlist[0, group, (session.head[0, user] + place) % session.playlist.shape[2]]
                fraction = session.play_s[0, user] / catalog.duration_s[video] if place == 0 else 0.0
                curve = curves[0, group, catalog.video_type[video]]
                second += stays(curve, fraction, catalog.duration_s[video], n_draws, rng)
                simulated = (second[:, None] == np.arange(11)).mean(axis=0)
                worst = max(worst, np.abs(simulated - starts[0, user, place + 1]).max())
        assert (session.play_s[0] > 0).any()
        assert worst < 0.01

    def test_the_video_on_screen_starts_now_and_no_row_is_more_than_certain(self):
        campuses = small_campuses(seed=1)
        for telemetry, _ in trajectory_of(campuses, 4):
            law = swipe_aware_lists(campuses).law(telemetry.session)
            now, starts = wanted_within(law, telemetry.session, campuses.network.catalog, 6, 10)
            assert (starts[:, :, 0, 0] == 1).all()
            assert (starts[:, :, 0, 1:] == 0).all()
            assert (starts[:, :, 1:, 0] == 0).all()
            assert starts.min() >= -1e-12
            assert starts.sum(axis=-1).max() <= 1 + 1e-9
            assert ((now > 0) & (now <= 1)).all()

    def test_who_never_swipes_comes_to_the_next_video_when_this_one_ends(self):
        session = tiny_session(play_s=(1.5, 0.0), playlist=(0, 1, 2, 1))
        catalog = tiny_catalog()
        law = WatchLaw(STAYS, session.playlist, catalog, 20)
        _, starts = wanted_within(law, session, catalog, 3, 10)
        # 5.5 s less 1.5 s are 4 s; from the start they count as 6. The second video takes 3 s.
        assert [int(starts[0, user, row].argmax()) for user in (0, 1) for row in (1, 2)] == [4, 7, 6, 9]
        assert (starts.max(axis=-1) == 1).all()

    def test_survival_ends_with_the_video_and_falls(self):
        law = WatchLaw(np.array([[[[1.0, 0.5, 0.2], [1.0, 0.8, 0.6]]]]), np.array([[[1, 2, 0]]]), tiny_catalog(), 10)
        np.testing.assert_allclose(law.alive[0, 0, 0], [1, 1 - 0.4 / 3, 0.8 - 0.2 / 3, 0, 0, 0, 0, 0, 0, 0])
        assert (law.alive[0, 0, 1, :8] > 0).all()
        assert (law.alive[0, 0, 1, 8:] == 0).all()
        assert (np.diff(law.alive) <= 0).all()


class TestLists:
    def test_with_nobody_swiping_the_list_is_the_order_of_play_and_value_falls_with_wait(self):
        features = tiny_buffering().abstract_session(tiny_session(), snr(NEAR_DB, NEAR_DB))
        # Video 1 takes 3 s, then come the 8 s of video 2: after 11 s the third one starts, behind the horizon.
        assert listed(features, 0) == [(0, 0), (0, 1), (0, 2), *((1, segment) for segment in range(8))]
        wait_s = np.arange(11)
        np.testing.assert_allclose(features.value_s[0, 0, :11], 2 / (1 + wait_s / 10))
        np.testing.assert_allclose(features.urgent_s[0, 0, :11], 2 * np.clip((6 - wait_s) / 4, 0, 1), atol=1e-8)
        assert features.n_members.tolist() == [[2, 0, 0, 0]]
        assert (features.length_s[0, 0, :11] == 1).all()

    def test_sequential_buffering_is_the_belief_that_nobody_swipes(self):
        campuses = small_campuses(seed=2)
        network, survival_at = campuses.network, campuses.curves.survival_at
        parts = network.catalog, network.capacity, network.link
        blind, stays_on = sequential(survival_at, *parts), swipe_aware(np.ones_like(survival_at), *parts)
        aware, n_other = swipe_aware(survival_at, *parts), 0
        for telemetry, _ in trajectory_of(campuses, 4):
            left, right, other = (
                each.abstract_session(telemetry.session, telemetry.snr_db) for each in (blind, stays_on, aware)
            )
            assert same(left, right)
            n_other += not np.array_equal(left.segments, other.segments)
        assert n_other >= 3

    def test_an_early_swipe_brings_the_next_video_forward(self):
        leaves = np.ones((1, 1, 2, 11)) * np.array([1, 0.3, *[0.1] * 9])
        session = tiny_session(playlist=(2, 1, 0, 1))
        order = listed(tiny_buffering(leaves).abstract_session(session, snr(NEAR_DB, NEAR_DB)), 0)
        assert order.index((1, 0)) < order.index((0, 1))
        order = listed(tiny_buffering().abstract_session(session, snr(NEAR_DB, NEAR_DB)), 0)
        assert order.index((1, 0)) > order.index((0, 7))

    @pytest.mark.parametrize("seed", range(2))
    def test_lists_hold_what_plain_loops_find_to_be_worth_most(self, seed):
        campuses = small_campuses(seed=seed)
        buffering = swipe_aware_lists(campuses)
        telemetry, features = trajectory_of(campuses, 5, buffering)[-1]
        session, link = telemetry.session, campuses.network.link
        efficiency = link.spectral_efficiency(telemetry.snr_db)
        worth = [{} for _ in range(features.ap.shape[1])]
        for user in range(session.group.shape[1]):
            own = features.subgroup[0, user]
            demands, heard = (
                plain_demands(buffering, session, 0, user),
                efficiency[0, user, session.serving_ap[0, user]],
            )
            sibling = features.efficiency[0, own ^ 1]
            for subgroup in [own, own ^ 1] if heard >= sibling > 0 else [own]:
                for segment, demand in demands.items():
                    worth[subgroup][segment] = worth[subgroup].get(segment, 0.0) + demand
        # 0.75 Mbit each: 10 MHz and 2 Gcycle/s for 2 s, 500 cycles a bit.
        number = np.ceil(np.minimum(10e6 * features.efficiency * 2, 2e9 * 2 / 500) / 0.75e6)[0]
        n_listed, is_full = 0, [len(listed(features, each)) == number[each] for each in range(len(worth))]
        for cell in range(0, len(worth), 2):
            both = listed(features, cell) + listed(features, cell + 1)
            assert len(both) == len(set(both))  # what both want is listed once
            n_listed += len(both)
            for subgroup in (cell, cell + 1):
                own = listed(features, subgroup)
                found = np.stack([features.value_s, features.urgent_s], axis=-1)[0, subgroup, : len(own)]
                expected = [worth[subgroup][segment] for segment in own]
                np.testing.assert_allclose(found, np.reshape(expected, (-1, 2)), rtol=1e-6, atol=1e-7)
                assert (np.diff(found.sum(axis=-1)) <= 1e-9).all()
                others = [sum(worth[subgroup][segment]) for segment in worth[subgroup] if segment not in both]
                # Something was left out: a list is full, if it is the other one's for a segment that is worth more there.
                assert max(others, default=0) < 1e-7 or is_full[subgroup] or is_full[subgroup ^ 1]
                if not worth[subgroup ^ 1] and own:
                    assert max(others, default=0) <= found[-1].sum() + 1e-5
        assert n_listed > 20

    def test_what_is_held_is_not_listed(self):
        session, buffering = tiny_session(), tiny_buffering()
        one = listed(buffering.abstract_session(holding(session, 0, 0, [0, 1]), snr(NEAR_DB, NEAR_DB)), 0)
        assert {(0, 0), (0, 1)} <= set(one)  # the other user lacks it
        both = holding(holding(session, 0, 0, [0, 1]), 1, 0, [0, 1])
        assert listed(buffering.abstract_session(both, snr(NEAR_DB, NEAR_DB)), 0)[:2] == [(0, 2), (1, 0)]

    def test_a_segment_that_was_sent_leaves_the_list(self):
        buffering, catalog = tiny_buffering(), tiny_catalog()
        model = ScheduleModel(catalog=catalog, capacity=buffering.capacity, qoe=TINY_QOE)
        features = buffering.abstract_session(tiny_session(), snr(NEAR_DB, NEAR_DB))
        decision = GreedyByGainPerCost(model).schedule(features, np.ones_like(features.ap))
        sent = [tuple(pair) for pair in decision.segments[0, 0].tolist() if pair[0] >= 0]
        state = StreamState.from_session(tiny_session(), catalog.segment_s)
        at_ap = np.zeros((1, 2), dtype=np.int64)
        efficiency = LINK.spectral_efficiency(snr(NEAR_DB, NEAR_DB))
        deliver(state, decision, efficiency, at_ap, catalog, buffering.capacity)
        later = listed(buffering.abstract_session(state.session(at_ap), snr(NEAR_DB, NEAR_DB)), 0)
        assert 2 < len(sent) < 11
        assert later == [segment for segment in listed(features, 0) if segment not in sent]


class TestSiblings:
    """A leader at 4 s of video 2 and a laggard at its start; what follows from 4 s on both want."""

    SESSION = tiny_session(play_s=(4.0, 0.0), playlist=(2, 1, 0, 1))

    def lists(self, *users_db, **changes):
        features = tiny_buffering(**changes).abstract_session(self.SESSION, snr(*users_db))
        assert features.subgroup.tolist() == [[0, 1]]
        return features, listed(features, 0), listed(features, 1)

    def test_scarce_cycles_put_it_where_more_hear_it(self):
        features, lead, lag = self.lists(NEAR_DB, FAR_DB, computing_cycles_per_s=np.full(2, 1e6))
        # The leader hears the laggard's stream, which is slow but reaches both.
        assert (0, 4) not in lead
        place = lag.index((0, 4))
        # The leader wants it now and the laggard in 4 s.
        assert features.value_s[0, 1, place] == pytest.approx(1 + 1 / 1.4)
        assert features.urgent_s[0, 1, place] == pytest.approx(1 + 0.5)

    def test_a_scarce_band_puts_it_where_it_is_heard_better(self):
        features, lead, lag = self.lists(NEAR_DB, FAR_DB)
        assert (0, 4) in lead
        assert (0, 4) not in lag
        assert features.value_s[0, 0, lead.index((0, 4))] == pytest.approx(1)  # the laggard does not hear it
        assert features.value_s[0, 1, lag.index((0, 0))] == pytest.approx(1)

    def test_who_hears_a_sibling_equally_well_counts_there(self):
        features, lead, lag = self.lists(NEAR_DB, NEAR_DB)
        # Both hear both, so that the lead's stream takes all of what is worth the same in both.
        assert lag == []
        assert {(0, 0), (0, 4)} <= set(lead)
        assert features.value_s[0, 0, lead.index((0, 4))] == pytest.approx(1 + 1 / 1.4)

    def test_a_sibling_at_another_access_point_does_not_count(self):
        session = replace(self.SESSION, serving_ap=np.array([[0, 1]]))
        features = tiny_buffering().abstract_session(session, snr(NEAR_DB, NEAR_DB))
        assert features.n_members.tolist() == [[1, 0, 1, 0]]
        assert (0, 4) in listed(features, 0)
        assert (0, 4) in listed(features, 2)
        assert features.value_s.max() == pytest.approx(1)

    def test_who_cannot_be_reached_waits(self):
        features = tiny_buffering().abstract_session(self.SESSION, snr(NEAR_DB, -30.0))
        assert features.efficiency[0, 1] == 0
        assert listed(features, 1) == []


class TestNumberAndPrevious:
    @pytest.mark.parametrize(("cycles_per_s", "number"), [(1e12, None), (1.75e6, 4), (2.5e5, 1), (0.0, 0)])
    def test_the_buffering_number_is_what_the_access_point_could_carry_for_one_group_alone(self, cycles_per_s, number):
        changes = {"computing_cycles_per_s": np.full(2, cycles_per_s)}
        features = tiny_buffering(**changes).abstract_session(tiny_session(), snr(FAR_DB, FAR_DB))
        efficiency = float(LINK.spectral_efficiency(snr(FAR_DB, FAR_DB))[0, 0, 0])
        # Of 1 Mbit each: the band carries 2 s of 1 MHz, the processor `cycles_per_s` bits a second.
        expected = int(np.ceil(2 * efficiency)) if number is None else number
        assert len(listed(features, 0)) == min(expected, 11)
        assert 1 < np.ceil(2 * efficiency) < 11

    def test_previous_counts_the_members_whose_next_segment_follows_one_that_they_hold(self):
        session = holding(holding(tiny_session(), 0, 0, [0, 1], version=1), 1, 0, [0], version=0)
        features = tiny_buffering().abstract_session(session, snr(NEAR_DB, NEAR_DB))
        assert features.previous[0, 0].tolist() == [1, 1]
        # Nothing before the start of a video, and nothing of other videos.
        features = tiny_buffering().abstract_session(tiny_session(), snr(NEAR_DB, NEAR_DB))
        assert (features.previous == 0).all()

    def test_previous_does_not_count_a_member_who_holds_the_video_to_its_end(self):
        session = holding(tiny_session(), 0, 0, [0, 1, 2], version=1)
        features = tiny_buffering().abstract_session(session, snr(NEAR_DB, NEAR_DB))
        assert (features.previous == 0).all()

    def test_previous_counts_by_the_probability_that_the_next_segment_is_reached(self):
        leaves = np.ones((1, 1, 2, 3)) * np.array([1.0, 0.4, 0.4])
        session = holding(tiny_session(playlist=(2, 1, 0, 1)), 1, 0, [0, 1], version=1)
        features = tiny_buffering(leaves).abstract_session(session, snr(NEAR_DB, NEAR_DB))
        # After 2 of 8 s: a quarter of the length, half the way from 1 down to 0.4.
        np.testing.assert_allclose(features.previous[0, 0], [0, 0.7])


def test_copies_side_by_side_get_the_features_of_one():
    campuses = small_campuses(n_batch=2, seed=4)
    buffering = swipe_aware_lists(campuses)
    telemetry, features = trajectory_of(campuses, 4, buffering)[-1]
    session = Session(
        **{field.name: np.concatenate([getattr(telemetry.session, field.name)] * 3) for field in fields(Session)}
    )
    copies = buffering.abstract_session(session, np.concatenate([telemetry.snr_db] * 3))
    for field in fields(features):
        for part in np.split(getattr(copies, field.name), 3):
            np.testing.assert_array_equal(part, getattr(features, field.name))


def test_the_status_of_a_twin_is_enough():
    campuses = small_campuses()
    telemetry, features = trajectory_of(campuses, 2)[-1]
    assert same(swipe_aware_lists(campuses).abstract(seen_in(telemetry)), features)


def test_segments_of_low_probability_are_left_out_where_that_is_asked_for():
    leaves = np.ones((1, 1, 2, 3)) * np.array([1.0, 0.1, 0.1])
    session, all_of_them = tiny_session(playlist=(2, 1, 0, 1)), None
    for min_probability in (0.0, 0.5):
        buffering = tiny_buffering(leaves, BufferingConfig(min_probability=min_probability))
        found = listed(buffering.abstract_session(session, snr(NEAR_DB, NEAR_DB)), 0)
        all_of_them = all_of_them or found
    assert found
    assert len(found) < len(all_of_them)
    # 8 s: below one half from 2.2 s on, so segments 0 to 2 of it stay.
    assert [segment for position, segment in found if position == 0] == [0, 1, 2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"horizon_s": 0}, "horizon_s must be above 0"),
        ({"n_items": 0}, "n_items must be above 0"),
        ({"n_ahead": -1}, "n_ahead must be above 0"),
        ({"halving_s": 0.0}, "halving_s must be above 0"),
        ({"urgent_s": 0.0}, "urgent_s must be above 0"),
        ({"n_spread": -1}, "n_spread must be at least 0"),
        ({"min_probability": 1.0}, r"min_probability must lie in \[0, 1\)"),
    ],
)
def test_a_config_without_sense_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        BufferingConfig(**changes)
