"""The stored frontiers of bytes against error: that they run, what they say, and what is refused."""

import numpy as np
import pytest

from gdt_tutorial.loops.recipes import external_frontier
from gdt_tutorial.loops.recipes.external_frontier import SCHEMES, SETTINGS, FrontierConfig, follow, scheme, work
from gdt_tutorial.loops.recipes.frontier_table import STORED, FrontierTable
from gdt_tutorial.loops.recipes.walkers import walkers
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.studies.intervals import t_interval
from tests.stored_tables import check_stored_table

SMALL = FrontierConfig(n_batch=1, n_users=6, n_slots=6, n_start=2)
COLUMNS = ("networking_byte", "behavior_byte", "belief_byte", "snr_db", "position_m")


def row(seed, name, setting, networking_byte, behavior_byte, snr_db, position_m, belief_byte=0.0):
    values = (networking_byte, behavior_byte, belief_byte, snr_db, position_m)
    return {"seed": seed, "scheme": name, "setting": setting} | dict(zip(COLUMNS, values, strict=True))


def by_hand():
    """Return fixed periods whose mean square errors are proportional to the slots missed, and a scheme that saves half."""
    rows = []
    for seed in range(3):
        for place, (period, _) in enumerate(SETTINGS["fixed"]):
            missed = 1 - 1 / period
            rows.append(row(seed, "fixed", place, 32 / period, 48 / period, 4 * missed**0.5, missed**0.5))
        rows.append(row(seed, "index", 0, 8.0 + seed, 12.0, 4 * 0.5**0.5, 0.5**0.5, belief_byte=8.0))
    return FrontierTable({}, rows[::-1])


def test_savings_are_those_at_equal_error_in_both_halves_paired_by_seed():
    table = by_hand()
    np.testing.assert_allclose(table.fixed_byte("networking", "index", 0), 16.0)
    np.testing.assert_allclose(table.saved_percent("index", 0, half="behavior"), 50.0)
    np.testing.assert_allclose(table.saved_percent("index", 0), 100 * (1 - np.array([20.0, 21.0, 22.0]) / 40))
    np.testing.assert_allclose(
        table.saved_percent("index", 0, with_belief=True), 100 * (1 - np.array([28.0, 29.0, 30.0]) / 40)
    )
    np.testing.assert_allclose(table.saved_percent("index", 0, period="shared"), table.saved_percent("index", 0))
    assert table.saving("index", 0) == pytest.approx(t_interval(table.saved_percent("index", 0)))
    np.testing.assert_allclose([table.saved_percent("fixed", place) for place in range(10)], 0.0, atol=1e-9)


def test_what_is_not_there_is_refused():
    with pytest.raises(ValueError, match="scheme must have one row for each of 3 seeds"):
        by_hand().mean("snr_db", "devices", 0)
    with pytest.raises(ValueError, match="half must be one of"):
        by_hand().fixed_byte("session", "index", 0)
    with pytest.raises(ValueError, match="period must be 'by half' or 'shared'"):
        by_hand().saved_percent("index", 0, period="own")
    topology = Topology.waterloo()
    with pytest.raises(ValueError, match="name must be one of"):
        scheme("never", 0, topology)
    with pytest.raises(ValueError, match="setting must be from 0 to 2, got 3"):
        scheme("dual", 3, topology)
    with pytest.raises(ValueError, match="n_start must be at least 0 and below n_slots = 6, got 6"):
        FrontierConfig(n_slots=6, n_start=6)


def test_a_small_study_has_a_row_for_each_scheme_and_setting():
    rows = work({"seed": 0, "config": SMALL})
    assert [(each["scheme"], each["setting"]) for each in rows] == [
        (name, setting) for name in SCHEMES for setting in range(len(SETTINGS[name]))
    ]
    assert all(np.isfinite(each[column]) for each in rows for column in COLUMNS)
    assert rows[0]["networking_byte"] == 32
    assert rows[0]["snr_db"] == rows[0]["position_m"] == 0


def test_devices_save_a_third_and_periods_of_the_access_point_a_little():
    """On one seed; the interval over ten is in the stored table."""
    topology, config = Topology.waterloo(), FrontierConfig(n_batch=1, n_slots=40)
    course = walkers(topology, config.n_batch, config.n_users, config.n_slots, seed=200)
    wanted = [("fixed", place) for place in range(10)] + [("devices, straight", 2), ("threshold", 2)]
    rows = [
        {"seed": 200, "scheme": name, "setting": place}
        | vars(follow(scheme(name, place, topology), course, topology, config.n_start))
        for name, place in wanted
    ]
    table = FrontierTable({}, rows)
    assert table.saved_percent("devices, straight", 2)[0] > 35
    assert table.saved_percent("threshold", 2)[0] > 5


def test_stored_table_is_of_this_version_and_says_how_it_was_made():
    check_stored_table("external_frontier", STORED, external_frontier, "seed", max_byte=1e5)


@pytest.mark.parametrize(("name", "setting"), [("threshold", 2), ("devices, straight", 2)])
def test_a_stored_cell_comes_out_again(name, setting):
    table, topology, config = FrontierTable.read(), Topology.waterloo(), FrontierConfig()
    course = walkers(topology, config.n_batch, config.n_users, config.n_slots, seed=table.seeds[0])
    again = vars(follow(scheme(name, setting, topology), course, topology, config.n_start))
    for column in COLUMNS:
        assert table.values(column, name, setting)[0] == pytest.approx(again[column], rel=1e-3, abs=1e-9)


def test_devices_save_more_than_a_third_at_equal_error_in_both_halves():
    table = FrontierTable.read()
    for setting in range(5):
        for name in ("devices", "devices, straight"):
            mean, half = table.saving(name, setting)
            assert mean - half > 35
            mean, half = table.saving(name, setting, with_belief=True)
            assert mean + half < 5  # a prediction that is sent costs about what it saves, or more
    assert all(sum(table.saving("devices", setting, with_belief=True)) < -5 for setting in range(5))


def test_periods_of_the_access_point_save_a_tenth_where_the_twin_is_to_be_close():
    """Up to 1 m and 3 dB they do; where the twin may be further off, less, and more than nothing."""
    table = FrontierTable.read()
    for setting in range(6):
        mean, half = table.saving("threshold", setting)
        is_close = table.mean("position_m", "threshold", setting)[0] < 1 or setting == 1
        assert (mean - half > 10) == is_close
        assert mean - half > 5


def test_where_fixed_periods_win():
    table = FrontierTable.read()
    for setting in (1, 2):  # the entropy that a report would reduce, in the networking half
        assert table.saving("entropy", setting, half="networking")[0] < 0
    assert all(table.saving("hold last", setting)[0] < -10 for setting in range(1, 7))


def test_tasks_are_seeds():
    assert external_frontier.tasks(3) == [{"seed": 0}, {"seed": 1}, {"seed": 2}]
