"""Versions by rule: near the best there is, and by hand."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from gdt_tutorial.seeding import stream
from gdt_tutorial.solutions.data_model.baselines import GreedyByGainPerCost
from gdt_tutorial.solutions.data_model.optimum import slot_optimum
from gdt_tutorial.solutions.data_model.versions import (
    FittingVersion,
    FixedVersion,
    MyopicSearch,
    SearchConfig,
    VersionSelector,
    variation_cost,
)
from tests.case_study.campuses import small_campuses, trajectory_of
from tests.solutions.data_model.schedules import promise_of, tiny_slot, without


def with_previous(features, seed=0):
    """Let members hold segments in versions at random, so that a step in quality costs something."""
    n_subgroups = features.ap.shape[1]
    return replace(features, previous=stream(seed, "previous").uniform(0, 1, size=(1, n_subgroups, 2)))


def total_value(features, model, version, version_cost):
    """Return what the greedy schedule in these versions promises, less the steps in quality, over all APs."""
    decision = GreedyByGainPerCost(model).schedule(features, version)
    step = np.take_along_axis(version_cost, version[..., None], axis=-1)[..., 0]
    return promise_of(decision, features, model).sum(axis=-1) - step.sum(axis=-1)


def test_the_search_comes_close_to_the_best_of_all_versions_in_small_slots():
    ratios, greedy_ratios = [], []
    for seed in range(24):
        features, model = tiny_slot(seed, n_subgroups=4, n_items=5)
        features = with_previous(features, seed)
        cost = 0.5 * variation_cost(features, model)
        found = MyopicSearch(model).select(features)
        all_versions = [np.array([each]) for each in product(range(2), repeat=4)]
        best_greedy = max(total_value(features, model, version, cost)[0] for version in all_versions)
        best = slot_optimum(features, model, version_cost=cost).promise.sum()
        exact = slot_optimum(features, model, found, version_cost=cost).promise.sum()
        ratios.append(exact / best)
        greedy_ratios.append(total_value(features, model, found, cost)[0] / best_greedy)
        assert exact <= best + 1e-6
    assert np.mean(ratios) > 0.95
    assert np.min(ratios) > 0.75
    assert np.mean(greedy_ratios) > 0.93


@pytest.mark.parametrize("computing_cycles_per_s", [2e9, 4e9, 8e9])
def test_the_search_beats_the_best_version_for_all(computing_cycles_per_s):
    campuses = small_campuses(computing_cycles_per_s, n_batch=2, seed=1)
    model, found, uniform = campuses.model, [], []
    for _, features in trajectory_of(campuses, 5):
        cost = SearchConfig().step_share * variation_cost(features, model)
        found.append(total_value(features, model, MyopicSearch(model).select(features), cost))
        each = [
            total_value(features, model, FixedVersion(model, version).select(features), cost) for version in range(4)
        ]
        uniform.append(np.max(each, axis=0))
    assert np.mean(found) > np.mean(uniform)


def test_with_plenty_of_everything_the_search_takes_the_best_quality():
    campuses = small_campuses(1e15, seed=1)
    model = replace(campuses.model, capacity=replace(campuses.model.capacity, bandwidth_hz=np.full(2, 1e12)))
    for _, features in trajectory_of(campuses, 2):
        features = replace(features, previous=np.zeros_like(features.previous))
        is_served = (features.value_s > 0).any(axis=-1) & (features.efficiency > 0)
        assert (MyopicSearch(model).select(features)[is_served] == 3).all()


def test_a_step_in_quality_that_costs_more_than_it_brings_is_not_taken():
    features, model = tiny_slot(0)
    model = replace(model, capacity=replace(model.capacity, bandwidth_hz=np.full(2, 1e12),
                                            computing_cycles_per_s=np.full(2, 1e15)))  # fmt: skip
    features = replace(features, previous=np.array([[[1000.0, 0.0], [0.0, 1000.0]]]))
    assert MyopicSearch(model).select(features).tolist() == [[0, 1]]
    assert MyopicSearch(model, SearchConfig(step_share=0.0)).select(features).tolist() == [[1, 1]]


@pytest.mark.parametrize("resource", ["bandwidth_hz", "computing_cycles_per_s"])
@pytest.mark.parametrize("make", [MyopicSearch, lambda model: FittingVersion(model, 3)], ids=["search", "fitting"])
def test_an_access_point_with_nothing_of_a_resource_gets_versions_all_the_same(make, resource):
    features, model = tiny_slot(0)
    version = make(without(model, resource)).select(features)
    assert version.shape == features.ap.shape
    assert ((version >= 0) & (version < 2)).all()


def test_an_unreachable_group_does_not_disturb_the_others():
    features, model = tiny_slot(2, n_subgroups=3)
    alone = replace(features, value_s=features.value_s * [[[1], [0], [1]]],
                    urgent_s=features.urgent_s * [[[1], [0], [1]]])  # fmt: skip
    cut_off = replace(features, efficiency=features.efficiency * [[1, 0, 1]])
    for make in (MyopicSearch, lambda model: FittingVersion(model, 3)):
        left, right = (make(model).select(each) for each in (alone, cut_off))
        if make is MyopicSearch:
            np.testing.assert_array_equal(left[:, [0, 2]], right[:, [0, 2]])
        assert right.max() < 2


class TestFittingVersion:
    def slot(self, computing_cycles_per_s):
        """Return two SMGs at AP 0 and one at AP 1, with four items of 1 s each; versions of 1 and 2 Mb/s."""
        features, model = tiny_slot(0, n_subgroups=3)
        features = replace(features, length_s=np.ones((1, 3, 4)), ap=np.array([[0, 0, 1]]),
                           efficiency=np.full((1, 3), 100.0))  # fmt: skip
        room = replace(model.capacity, computing_cycles_per_s=np.asarray(computing_cycles_per_s))
        return features, replace(model, capacity=room)

    @pytest.mark.parametrize(
        ("n_segments", "expected"), [(1, [1, 1, 1]), (2, [1, 1, 1]), (3, [0, 0, 1]), (4, [0, 0, 0])]
    )
    def test_the_first_segments_of_all_lists_fit(self, n_segments, expected):
        # In 2 s: AP 0 computes 8 Mbit, which is 2 SMGs x 2 segments x 2 Mbit; AP 1 computes 6 Mbit.
        features, model = self.slot([4e6, 3e6])
        assert FittingVersion(model, n_segments).select(features).tolist() == [expected]

    def test_where_nothing_fits_it_is_the_lowest(self):
        features, model = self.slot([1.0, 1.0])
        assert FittingVersion(model, 3).select(features).tolist() == [[0, 0, 0]]

    def test_the_band_counts_too(self):
        features, model = self.slot([1e12, 1e12])
        # 2 s of 1 MHz at 3 bit/s/Hz: 6 Mbit, three segments of 2 Mbit for one SMG and not for two.
        features = replace(features, efficiency=np.full((1, 3), 3.0))
        assert FittingVersion(model, 3).select(features).tolist() == [[0, 0, 1]]


def test_the_cost_of_a_step_is_that_of_the_members_who_see_it():
    features, model = tiny_slot(0)
    features = replace(features, previous=np.array([[[2.0, 1.0], [0.0, 0.5]]]))
    # Qualities 1 and 2: those who hold the other version lose 1 each.
    np.testing.assert_allclose(variation_cost(features, model), [[[1.0, 2.0], [0.5, 0.0]]])
    doubled = replace(model, qoe=replace(model.qoe, variation_weight=2.0, version_quality=(1.0, 4.0)))
    np.testing.assert_allclose(variation_cost(features, doubled), [[[6.0, 12.0], [3.0, 0.0]]])


def test_a_fixed_version_is_the_same_everywhere():
    features, model = tiny_slot(0)
    assert FixedVersion(model, 1).select(features).tolist() == [[1, 1]]


def test_all_rules_are_selectors_and_change_nothing_in_what_they_are_given():
    features, model = tiny_slot(1)
    before = {name: np.copy(value) for name, value in vars(features).items()}
    for rule in (FixedVersion(model, 0), FittingVersion(model, 2), MyopicSearch(model)):
        assert isinstance(rule, VersionSelector)
        np.testing.assert_array_equal(rule.select(features), rule.select(features))
    for name, value in before.items():
        np.testing.assert_array_equal(getattr(features, name), value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda model: FixedVersion(model, 2), "version must lie in 0..1"),
        (lambda model: FixedVersion(model, -1), "version must lie in 0..1"),
        (lambda model: FittingVersion(model, 0), "n_segments must be above 0"),
        (lambda model: SearchConfig(splits=()), r"splits must hold at least one number, got \(\)"),
        (
            lambda model: SearchConfig(splits=(0.5, 1.5)),
            r"splits must hold numbers, each in \[0, 1\], got \(0.5, 1.5\)",
        ),
        (lambda model: SearchConfig(n_bisections=0), "n_bisections must be above 0"),
        (lambda model: SearchConfig(step_share=-0.1), "step_share must be at least 0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make(tiny_slot(0)[1])
