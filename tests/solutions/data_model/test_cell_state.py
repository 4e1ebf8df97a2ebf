"""Cells: there and back again, and what a state holds."""

from dataclasses import replace

import numpy as np

from gdt_tutorial.seeding import stream
from gdt_tutorial.solutions.data_model.cell_state import (
    EMPTY,
    N_CELL,
    N_OWN,
    describe_cells,
    gather,
    legal,
    n_row,
    n_state,
    order_branches,
    scatter,
)
from gdt_tutorial.solutions.data_model.versions import FittingVersion, FixedVersion
from tests.case_study.campuses import small_campuses, trajectory_of


def slots(n_branches=16, n_slots=3, seed=0):
    campuses = small_campuses(n_batch=2, seed=seed)
    return campuses.model, [
        (features, order_branches(features, 2, n_branches)) for _, features in trajectory_of(campuses, n_slots)
    ]


def test_choices_of_branches_come_back_to_their_groups():
    _, trajectory = slots()
    for features, order in trajectory:
        version = stream(0, "versions").integers(1, 4, size=features.ap.shape)
        branch = gather(version[..., None].astype(np.float64), order)[..., 0]
        back = scatter(branch.astype(np.int64), order, features.ap.shape[1])
        has_branch = np.zeros_like(back, dtype=bool)
        for env in range(len(order)):
            has_branch[env, order[env][order[env] != EMPTY]] = True
        np.testing.assert_array_equal(back, np.where(has_branch, version, 0))
        total_value = (features.value_s + features.urgent_s).sum(axis=-1)
        wanted = (total_value > 0) & (features.n_members > 0) & (features.efficiency > 0)
        np.testing.assert_array_equal(has_branch, wanted)
        assert has_branch.any()


def test_branches_belong_to_their_access_point_and_are_ordered_by_worth():
    _, trajectory = slots()
    for features, order in trajectory:
        total_value = (features.value_s + features.urgent_s).sum(axis=-1)
        for env, ap in np.ndindex(order.shape[:2]):
            own = order[env, ap]
            n_own = int((own != EMPTY).sum())
            assert (own[n_own:] == EMPTY).all()
            assert (features.ap[env, own[:n_own]] == ap).all()
            assert len(set(own[:n_own].tolist())) == n_own
            assert (np.diff(total_value[env, own[:n_own]]) <= 0).all()


def test_with_too_few_branches_those_worth_most_are_kept():
    _, ((_, wide),) = slots(16, 1)
    _, ((features, narrow),) = slots(2, 1)
    np.testing.assert_array_equal(narrow, wide[..., :2])
    kept = scatter(np.ones_like(narrow), narrow, features.ap.shape[1])
    assert kept.sum() == (narrow != EMPTY).sum()
    assert (kept.sum(axis=1) <= 4).all()


def test_there_can_be_more_branches_than_groups():
    _, ((features, order),) = slots(40, 1)
    assert order.shape == (2, 2, 40)
    assert (order[..., features.ap.shape[1] :] == EMPTY).all()


def test_empty_branches_are_zero_and_have_no_legal_version():
    _, ((features, order),) = slots(16, 1)
    mask = legal(order, 4)
    assert mask.shape == (2, 2, 16, 4)
    np.testing.assert_array_equal(mask.any(axis=-1), order != EMPTY)
    np.testing.assert_array_equal(mask.all(axis=-1), order != EMPTY)
    rows = gather(np.ones((*features.ap.shape, 3)), order)
    np.testing.assert_array_equal(rows.all(axis=-1), order != EMPTY)
    assert (rows[order == EMPTY] == 0).all()


def test_a_state_has_the_length_that_is_promised_and_holds_finite_numbers():
    for n_branches, n_priors in ((16, 0), (4, 2)):
        model, trajectory = slots(n_branches)
        for features, order in trajectory:
            priors = [FixedVersion(model, 1).select(features), FittingVersion(model, 3).select(features)][:n_priors]
            state = describe_cells(features, model, order, priors)
            assert state.shape == (2, 2, n_state(n_branches, 4, n_priors))
            assert n_state(n_branches, 4, n_priors) == n_branches * n_row(4, n_priors) + N_CELL
            assert state.dtype == np.float32
            assert np.isfinite(state).all()
            assert np.abs(state).max() < 20


def test_rows_say_size_channel_and_advice_of_their_group_and_the_cell_its_capacity():
    model, ((features, order),) = slots(16, 1)
    priors = [FixedVersion(model, 2).select(features), FixedVersion(model, 1).select(features)]
    state = describe_cells(features, model, order, priors)
    rows = state[..., : 16 * n_row(4, 2)].reshape(2, 2, 16, -1)
    env, ap, branch = np.nonzero(order != EMPTY)
    own, subgroup = rows[env, ap, branch], order[env, ap, branch]
    assert (own[:, 0] == 1).all()
    np.testing.assert_allclose(own[:, 1] * 10, features.n_members[env, subgroup], rtol=1e-6)
    np.testing.assert_allclose(own[:, 2] * 8, features.efficiency[env, subgroup], rtol=1e-6)
    np.testing.assert_allclose(own[:, N_OWN : N_OWN + 4] * 5, features.previous[env, subgroup], rtol=1e-6)
    assert (own[:, N_OWN + 4 :] == [0, 0, 1, 0, 0, 1, 0, 0]).all()
    cell = state[..., -N_CELL:]
    np.testing.assert_allclose(cell[..., 0], 2e9 / 12e9, rtol=1e-6)
    np.testing.assert_allclose(cell[..., 1], 10e6 / 20e6, rtol=1e-6)
    np.testing.assert_allclose(cell[..., -1], (order != EMPTY).mean(axis=-1), rtol=1e-6)


def test_nothing_to_serve_leaves_a_cell_empty():
    model, ((features, _),) = slots(16, 1)
    features = replace(features, efficiency=np.zeros_like(features.efficiency))
    order = order_branches(features, 2, 16)
    assert (order == EMPTY).all()
    state = describe_cells(features, model, order, [])
    assert (state[..., :-N_CELL] == 0).all()
    assert np.isfinite(state).all()
    assert (scatter(np.ones_like(order), order, features.ap.shape[1]) == 0).all()
