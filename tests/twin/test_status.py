from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.twin.status import at_slot, last_collected
from gdt_tutorial.twin.status_store import StatusStore


def test_window_is_oldest_first_and_knows_what_was_collected(make_report):
    store = StatusStore(2, 3, 2, window_slots=4)
    store.update(make_report(slot=0))
    nobody = np.zeros((2, 3), dtype=bool)
    first_only = nobody.copy()
    first_only[:, 0] = True
    store.update(make_report(slot=1, behavior=first_only, networking=nobody))

    window = store.window()
    assert window.slot == 1
    np.testing.assert_array_equal(window.position_m[:, 0, -1], make_report(slot=1).position_m[:, 0])
    np.testing.assert_array_equal(window.position_m[:, 1:, -1], make_report(slot=0).position_m[:, 1:])
    # The two slots before the first report repeat it.
    np.testing.assert_array_equal(window.snr_db[:, :, 0], window.snr_db[:, :, 2])
    np.testing.assert_array_equal(window.is_behavior_collected[0, 0], [False, False, True, True])
    np.testing.assert_array_equal(window.is_networking_collected[0, 0], [False, False, True, False])


def test_ages_count_slots_since_the_last_collection_of_each_half(make_report):
    store = StatusStore(2, 3, 2, window_slots=8)
    everybody, nobody = np.ones((2, 3), dtype=bool), np.zeros((2, 3), dtype=bool)
    store.update(make_report(slot=0))
    for slot in (1, 2, 3):
        store.update(make_report(slot=slot, behavior=everybody if slot == 2 else nobody, networking=nobody))
    status = store.status()
    assert status.behavior.age_slots.tolist() == [[1] * 3] * 2
    assert status.networking.age_slots.tolist() == [[3] * 3] * 2


def test_fill_changes_only_what_was_not_collected(make_report):
    store = StatusStore(2, 3, 2, window_slots=4)
    store.update(make_report(slot=0))
    is_collected = np.array([[True, False, False], [False, True, False]])
    store.update(make_report(slot=1, behavior=is_collected, networking=is_collected))
    store.impute(np.full((2, 3, 2), 7.0), np.full((2, 3, 2), 8.0), np.full((2, 3, 2), 1.5), np.full((2, 3, 2), 2.5))
    status = store.status()
    assert (status.behavior.position_m[~is_collected] == 7.0).all()
    assert (status.networking.snr_db[~is_collected] == 8.0).all()
    np.testing.assert_array_equal(
        status.behavior.position_m[is_collected], make_report(slot=1).position_m[is_collected]
    )


def test_what_leaves_the_store_is_a_copy(make_report):
    store = StatusStore(2, 3, 2, window_slots=4)
    store.update(make_report(slot=0))
    store.window().position_m[:] = 0.0
    store.status().networking.snr_db[:] = 0.0
    np.testing.assert_array_equal(store.status().behavior.position_m, make_report(slot=0).position_m)
    np.testing.assert_array_equal(store.status().networking.snr_db, make_report(slot=0).snr_db)


def test_last_collected_finds_the_newest_slot():
    is_collected = np.array([[[True, False, True, False], [True, False, False, False]]])
    index = last_collected(is_collected)
    assert index.tolist() == [[2, 0]]
    values = np.arange(8.0).reshape(1, 2, 4, 1)
    assert at_slot(values, index)[0, :, 0].tolist() == [2.0, 4.0]


def test_last_collected_refuses_a_lost_user():
    with pytest.raises(ValueError, match="window must hold a collected slot of every user"):
        last_collected(np.array([[[True, False], [False, False]]]))


def test_first_report_must_be_complete(make_report):
    nearly = np.ones((2, 3), dtype=bool)
    nearly[0, 0] = False
    store = StatusStore(2, 3, 2, window_slots=4)
    with pytest.raises(ValueError, match=r"report.snr_db must be complete the first time, got '1 users missing'"):
        store.update(make_report(slot=0, networking=nearly))


@pytest.mark.parametrize("slot", [0, 1, 3])
def test_reports_must_come_in_order(make_report, slot):
    store = StatusStore(2, 3, 2, window_slots=4)
    store.update(make_report(slot=1))
    with pytest.raises(ValueError, match=f"report.slot must follow slot 1, got {slot}"):
        store.update(make_report(slot=slot))


def test_nan_is_refused_where_the_mask_says_collected(make_report):
    report = make_report(slot=0)
    position_m = report.position_m.copy()
    position_m[1, 2, 0] = np.nan
    with pytest.raises(
        ValueError, match=r"report.position_m must be finite where it was collected, got '1 bad values'"
    ):
        StatusStore(2, 3, 2, window_slots=4).update(replace(report, position_m=position_m))


def test_wrong_shapes_are_refused(make_report):
    with pytest.raises(ValueError, match=r"report.position_m must have shape \(2, 4, 2\), got \(2, 3, 2\)"):
        StatusStore(2, 4, 2, window_slots=4).update(make_report(slot=0))


def test_bad_fill_is_refused(make_report):
    store = StatusStore(2, 3, 2, window_slots=4)
    with pytest.raises(ValueError, match="store must have a report"):
        store.impute(*[np.zeros((2, 3, 2))] * 4)
    store.update(make_report(slot=0))
    store.update(make_report(slot=1, behavior=np.zeros((2, 3), dtype=bool), networking=np.zeros((2, 3), dtype=bool)))
    with pytest.raises(ValueError, match=r"position_m must have shape \(2, 3, 2\)"):
        store.impute(*[np.zeros((2, 4, 2))] * 4)
    with pytest.raises(ValueError, match="snr_db must be finite where nothing was collected"):
        store.impute(np.zeros((2, 3, 2)), np.full((2, 3, 2), np.nan), *[np.zeros((2, 3, 2))] * 2)


def test_sizes_must_be_positive():
    with pytest.raises(ValueError, match="window_slots must be above 0, got 0"):
        StatusStore(1, 1, 1, window_slots=0)


def test_an_empty_store_has_no_status():
    with pytest.raises(ValueError, match="store must have a report, got None; call update first"):
        StatusStore(1, 1, 1, window_slots=2).status()


def test_a_late_report_goes_into_its_own_slot_and_once(make_report):
    store, nobody = StatusStore(2, 3, 2, window_slots=4), np.zeros((2, 3), dtype=bool)
    store.update(make_report(slot=0))
    for slot in (1, 2):
        store.update(make_report(slot=slot, behavior=nobody, networking=nobody))
    one = nobody.copy()
    one[0, 1] = True
    late = make_report(slot=1, behavior=one, networking=nobody)
    store.insert(late)
    window, status = store.window(), store.status()
    np.testing.assert_array_equal(window.position_m[0, 1, 2], late.position_m[0, 1])
    np.testing.assert_array_equal(window.is_behavior_collected[0, 1], [False, True, True, False])
    assert status.behavior.age_slots[0, 1] == 1
    assert status.networking.age_slots[0, 1] == 2
    np.testing.assert_array_equal(
        status.behavior.velocity_mps[0, 1], late.velocity_mps[0, 1]
    )  # the newest that was told
    store.insert(late)  # comes twice
    np.testing.assert_array_equal(store.window().position_m, window.position_m)
    np.testing.assert_array_equal(store.status().behavior.age_slots, status.behavior.age_slots)


def test_a_late_report_older_than_the_newest_one_makes_nothing_younger(make_report):
    store = StatusStore(2, 3, 2, window_slots=4)
    nobody, everybody = np.zeros((2, 3), dtype=bool), np.ones((2, 3), dtype=bool)
    for slot, who in enumerate((everybody, nobody, everybody, nobody)):
        store.update(make_report(slot=slot, behavior=who, networking=who))
    before = store.status()
    store.insert(make_report(slot=1))
    after = store.status()
    np.testing.assert_array_equal(after.behavior.age_slots, before.behavior.age_slots)
    np.testing.assert_array_equal(after.behavior.velocity_mps, before.behavior.velocity_mps)
    assert store.window().is_behavior_collected[:, :, 1].all()


def test_a_report_of_now_is_not_late_and_one_before_the_window_is_dropped(make_report):
    store, nobody = StatusStore(2, 3, 2, window_slots=2), np.zeros((2, 3), dtype=bool)
    store.update(make_report(slot=0))
    with pytest.raises(ValueError, match="report.slot must be before slot 0, and at least 0, got 0"):
        store.insert(make_report(slot=0))
    store.update(make_report(slot=1))
    store.update(make_report(slot=2, behavior=nobody, networking=nobody))
    window = store.window()
    store.insert(make_report(slot=0))
    np.testing.assert_array_equal(store.window().position_m, window.position_m)
