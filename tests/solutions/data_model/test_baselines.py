from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from gdt_tutorial.physical.decision_checks import check_decision
from gdt_tutorial.physical.delivery import sum_per_ap
from gdt_tutorial.physical.messages import NOT_SERVED
from gdt_tutorial.physical.streaming import StreamState, deliver
from gdt_tutorial.seeding import stream
from gdt_tutorial.solutions.data_model.baselines import (
    EqualSplit,
    GreedyByGain,
    GreedyByGainPerCost,
    share_schedule,
)
from gdt_tutorial.solutions.data_model.scheduling import Scheduler, SlsqpScheduler
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.schedule import greedy_schedule, member_share
from tests.small_networks import same
from tests.solutions.data_model.schedules import promise_of, slots_of, taken_items, tiny_slot, versions_of, without


class RandomShares:
    """What an untrained agent does: any shares."""

    def __init__(self, model):
        self.model = model

    def schedule(self, features, version):
        share = stream(0, "shares").exponential(size=(2, *features.ap.shape))
        total = [sum_per_ap(each, features.ap, 2) for each in share]
        share = [each / np.take_along_axis(whole, features.ap, 1) for each, whole in zip(share, total, strict=True)]
        return share_schedule(features, self.model, version, *share)


SCHEDULERS = [SlsqpScheduler, GreedyByGain, GreedyByGainPerCost, EqualSplit, RandomShares]


@pytest.fixture(scope="module", params=[2e9, 10e9], ids=["scarce", "ample"])
def slots(request):
    return slots_of(request.param)


@pytest.mark.parametrize("make", SCHEDULERS)
class TestEveryScheduler:
    """The contract of the protocol `Scheduler`."""

    def test_it_is_a_scheduler(self, slots, make):
        assert isinstance(make(slots[1]), Scheduler)

    def test_the_network_takes_every_decision(self, slots, make):
        net, model, trajectory = slots
        for telemetry, features in trajectory:
            version = versions_of(features, model)
            decision = make(model).schedule(features, version)
            state = StreamState.from_session(telemetry.session, 1.0)
            check_decision(decision, state, 2, net.catalog)
            np.testing.assert_array_equal(decision.version, version)

    def test_what_is_scheduled_is_delivered_when_the_channel_is_as_believed(self, slots, make):
        net, model, trajectory = slots
        wide = replace(net.capacity, backhaul_bps=np.full(2, 1e12))
        for telemetry, features in trajectory:
            decision = make(model).schedule(features, versions_of(features, model))
            efficiency = net.link.spectral_efficiency(telemetry.snr_db)
            state, serving_ap = StreamState.from_session(telemetry.session, 1.0), telemetry.session.serving_ap
            _, load = deliver(state, decision, efficiency, serving_ap, net.catalog, wide)
            np.testing.assert_array_equal(load.n_sent, (decision.segments[..., 0] >= 0).sum(axis=-1))
            assert load.n_sent.sum() > 5

    def test_only_items_are_sent_and_none_twice(self, slots, make):
        _, model, trajectory = slots
        for _, features in trajectory:
            decision = make(model).schedule(features, versions_of(features, model))
            is_taken = taken_items(decision, features)
            np.testing.assert_array_equal(is_taken.sum(axis=-1), (decision.segments[..., 0] >= 0).sum(axis=-1))
            # What is taken keeps the order of the list.
            listed = np.where(is_taken[..., None], features.segments, NOT_SERVED)
            order = np.argsort(~is_taken, axis=-1, kind="stable")[..., None]
            np.testing.assert_array_equal(decision.segments, np.take_along_axis(listed, order, axis=2))

    def test_nothing_that_fits_and_is_worth_something_is_left_out(self, slots, make):
        _, model, trajectory = slots
        features = trajectory[-1][1]
        version = versions_of(features, model)
        is_taken = taken_items(make(model).schedule(features, version), features)
        costs = model.cost(features, version)
        used = [sum_per_ap(np.sum(cost, axis=-1, where=is_taken), features.ap, 2) for cost in costs]
        room = [1 - np.take_along_axis(each, features.ap, 1)[..., None] for each in used]
        fits = (costs[0] <= room[0]) & (costs[1] <= room[1]) & (model.gain(features, version) > 0) & ~is_taken
        # Three rounds of packing miss next to nothing.
        assert fits.sum() <= 1

    def test_the_same_features_give_the_same_decision(self, slots, make):
        _, model, trajectory = slots
        features = trajectory[-1][1]
        version = versions_of(features, model)
        assert same(make(model).schedule(features, version), make(model).schedule(features, version))

    def test_campuses_are_scheduled_apart(self, slots, make):
        if make is RandomShares:
            pytest.skip("its shares are drawn for all campuses together")
        _, model, trajectory = slots
        features = trajectory[-1][1]
        version = versions_of(features, model)
        last = Features(**{name: value[1:] for name, value in vars(features).items()})
        alone, among = make(model).schedule(last, version[1:]), make(model).schedule(features, version)
        for name, value in vars(alone).items():
            np.testing.assert_array_equal(value, getattr(among, name)[1:])

    @pytest.mark.parametrize("resource", ["bandwidth_hz", "computing_cycles_per_s"])
    def test_a_slice_that_holds_nothing_sends_nothing(self, slots, make, resource):
        _, model, trajectory = slots
        features = trajectory[-1][1]
        decision = make(without(model, resource)).schedule(features, versions_of(features, model))
        assert (decision.segments == NOT_SERVED).all()
        assert not np.isnan(decision.bandwidth_share).any()
        assert not decision.bandwidth_share.any()

    def test_where_nobody_is_reached_or_wants_anything_nothing_is_sent(self, slots, make):
        _, model, trajectory = slots
        features = trajectory[-1][1]
        nothing = {"efficiency": features.efficiency, "value_s": features.value_s, "urgent_s": features.urgent_s}
        for names in (("efficiency",), ("value_s", "urgent_s")):
            changed = replace(features, **{name: np.zeros_like(nothing[name]) for name in names})
            decision = make(model).schedule(changed, versions_of(features, model))
            assert (decision.segments == NOT_SERVED).all()


def test_greedy_by_gain_per_cost_is_what_fill_does(slots):
    _, model, trajectory = slots
    for _, features in trajectory:
        version = versions_of(features, model)
        expected, _ = greedy_schedule(features, model, version, np.ones(features.ap.shape))
        assert same(GreedyByGainPerCost(model).schedule(features, version), expected)


def one_by_one(score, radio, cycles):
    """Take the item of the highest score that fits, again and again."""
    is_taken, used = np.zeros(score.shape, dtype=bool), np.zeros(2)
    for index in np.argsort(-score, kind="stable"):
        cost = np.array([radio[index], cycles[index]])
        if score[index] > 0 and (used + cost <= 1).all():
            is_taken[index], used = True, used + cost
    return is_taken


@pytest.mark.parametrize("make", [GreedyByGain, GreedyByGainPerCost])
def test_the_greedy_rules_equal_a_loop_written_out(make):
    for seed in range(40):
        features, model = tiny_slot(seed, 3, 5)
        version = versions_of(features, model, seed)
        gain, (radio, cycles) = model.gain(features, version), model.cost(features, version)
        score = gain if make is GreedyByGain else gain / (radio + cycles)
        expected = one_by_one(score.ravel(), radio.ravel(), cycles.ravel())
        is_taken = taken_items(make(model).schedule(features, version), features)
        np.testing.assert_array_equal(is_taken.ravel(), expected)


def test_gain_per_cost_beats_gain_and_both_beat_equal_shares():
    _, model, trajectory = slots_of(4e9)
    total = dict.fromkeys((GreedyByGainPerCost, GreedyByGain, EqualSplit), 0.0)
    for _, features in trajectory:
        version = versions_of(features, model)
        for make in total:
            total[make] += promise_of(make(model).schedule(features, version), features, model).sum()
    per_cost, by_gain, equal = total.values()
    assert per_cost > by_gain > equal


class TestShares:
    def equal_items(self, n_subgroups, n_fit):
        """Return SMGs with alike items of 1 s, of which `n_fit` fit into the slot's cycles; the band is wide."""
        features, model = tiny_slot(0, n_subgroups, 5)
        one = np.ones_like(features.value_s)
        features = replace(features, value_s=one, urgent_s=0 * one, length_s=one, efficiency=one[..., 0] * 1e3)
        cycles = np.full(2, n_fit * model.catalog.bitrate_bps[0] * model.capacity.cycles_per_bit / 2)
        return features, replace(model, capacity=replace(model.capacity, computing_cycles_per_s=cycles * (1 + 1e-9)))

    def counts(self, share, n_fit):
        features, model = self.equal_items(len(share), n_fit)
        share = np.array([share])
        version = np.zeros(share.shape, dtype=np.int64)
        decision = share_schedule(features, model, version, share, share)
        return (decision.segments[0, :, :, 0] >= 0).sum(axis=-1).tolist()

    def test_shares_that_are_whole_segments_are_met(self):
        assert self.counts([0.5, 0.25, 0.25], 8) == [4, 2, 2]

    def test_the_largest_remainder_gets_what_is_left(self):
        # Quotas 3.2, 1.9, 0.9.
        assert self.counts([3.2 / 6, 1.9 / 6, 0.9 / 6], 6) == [3, 2, 1]

    def test_with_shares_below_one_segment_something_is_sent_all_the_same(self):
        assert self.counts([0.3, 0.25, 0.24, 0.21], 2) == [1, 1, 0, 0]

    def test_what_a_short_list_does_not_need_goes_to_the_others(self):
        # A quota of 8 for a list of 5; the rest is divided by quota.
        assert self.counts([0.8, 0.15, 0.05], 10) == [5, 4, 1]

    def test_unused_shares_are_refilled(self):
        assert self.counts([0.1, 0.1], 4) == [2, 2]

    def test_without_a_share_there_is_nothing(self):
        assert self.counts([1.0, 0.0], 8) == [5, 0]

    def test_the_scarcer_share_counts_first(self):
        features, model = self.equal_items(2, 4)
        band, computing = np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]])
        decision = share_schedule(features, model, np.zeros((1, 2), dtype=np.int64), band, computing)
        assert (decision.segments == NOT_SERVED).all()

    def test_equal_shares_follow_the_members(self):
        features, model = self.equal_items(2, 4)
        features = replace(features, n_members=np.array([[3, 1]]))
        np.testing.assert_allclose(member_share(features, 2), [[0.75, 0.25]])
        decision = EqualSplit(model).schedule(features, np.zeros((1, 2), dtype=np.int64))
        assert (decision.segments[0, :, :, 0] >= 0).sum(axis=-1).tolist() == [3, 1]

    def test_an_smg_without_members_gets_nothing(self):
        features, _ = self.equal_items(2, 4)
        features = replace(features, n_members=np.array([[3, 0]]))
        assert member_share(features, 2).tolist() == [[1, 0]]

    def test_send_order_is_kept_but_for_shorter_segments(self):
        for seed, n_items in product(range(20), (4, 6)):
            features, model = tiny_slot(seed, 3, n_items)
            share = stream(seed, "shares").dirichlet(np.ones(3))[None]
            version = versions_of(features, model, seed)
            is_taken = taken_items(share_schedule(features, model, version, share, share), features)
            for taken, length_s in zip(is_taken[0], features.length_s[0], strict=True):
                skipped = np.nonzero(~taken)[0]
                for item in np.nonzero(taken)[0]:
                    assert all(length_s[item] < length_s[early] for early in skipped[skipped < item])

    @pytest.mark.parametrize(
        ("band", "computing", "message"),
        [
            ([[0.5, 0.5]], [[-0.1, 0.5]], r"computing_share must be at least 0 and not NaN, got -0.1"),
            ([[np.nan, 0.5]], [[0.5, 0.5]], r"band_share must be at least 0 and not NaN, got nan"),
            ([[0.8, 0.5]], [[0.5, 0.5]], r"band_share must sum to at most 1 per AP, got 1.3; take a softmax"),
        ],
    )
    def test_shares_that_are_none_are_refused(self, band, computing, message):
        features, model = tiny_slot(0)
        with pytest.raises(ValueError, match=message):
            share_schedule(features, model, np.zeros((1, 2), dtype=np.int64), np.array(band), np.array(computing))
