"""Fig. 4's numbers: reading a log, halving views, the likelihood gain, the picture of the paper, one format of rows."""

import os

import numpy as np
import pytest

from gdt_tutorial.case_study.figures.fig4 import (
    RecordedViews,
    fig4,
    generated_views,
    halve,
    likelihood_gain,
    logged_views,
    tasks,
    widest_pair,
    work,
)
from gdt_tutorial.case_study.groups.planted import planted_classes
from gdt_tutorial.physical.logs.watch_logs import find_watch_log, read_watch_log
from gdt_tutorial.physical.swipes import SwipeGeneratorConfig
from gdt_tutorial.seeding import stream

KEYS = ["source", "seed", "quantity", "scheme", "group", "type", "edge", "value", "lower", "upper"]


def pick(rows, quantity, scheme="proposed"):
    return [row for row in rows if row["quantity"] == quantity and row["scheme"] in (scheme, None)]


def small_log(tmp_path):
    path = tmp_path / "log.csv"
    lines = ["user_id,video_id,time_ms,play_time_ms,duration_ms"]
    rng = stream(0, "log")
    for user in range(30):
        for view in range(12 if user else 3):  # user 0 has too few
            length = int(rng.integers(6, 50)) * 1000
            share = rng.choice([0.3, 1.2]) if user % 2 else rng.choice([0.2, 0.4, 0.6])
            lines.append(f"{user},{view + 100 * user},{view},{int(share * length)},{length}")
    path.write_text("\n".join(lines))
    return read_watch_log(path)


def test_log_becomes_a_table_of_views(tmp_path):
    log = small_log(tmp_path)
    views = logged_views(log)
    assert views.view_type.shape == (1, 29, 12)
    assert all("no type in log" in name for name in views.type_names)
    assert views.view_fraction.max() == 1  # replays are capped
    user_one = log.watched_fraction[log.user_id == 1].clip(max=1)
    np.testing.assert_array_equal(views.view_fraction[0, 0], user_one)
    with pytest.raises(ValueError, match="min_views must be at most 12, the views of the most active user, got 13"):
        logged_views(log, min_views=13)


def test_rows_of_a_log_say_where_they_come_from(tmp_path):
    rows = fig4(0, small_log(tmp_path), n_draws=10)
    assert {row["source"] for row in rows} == {"watch log"}
    assert all("no type in log" in row["type"] for row in pick(rows, "cumulative"))


def test_halves_share_no_view_and_lose_none():
    views = generated_views(20, 15, rng=stream(0, "views"))
    first, second = halve(views, rng=stream(0, "halves"))
    in_first, in_second = first.view_type >= 0, second.view_type >= 0
    assert not (in_first & in_second).any()
    assert (in_first | in_second).all()
    assert (in_first.sum(axis=2) == 8).all()
    one = RecordedViews(np.zeros((1, 2, 1), dtype=np.int64), np.ones((1, 2, 1)), ("any",), "test")
    with pytest.raises(ValueError, match="views must hold two of each user, got 1"):
        halve(one, rng=stream(0, "halves"))


def test_gain_is_positive_for_planted_classes_and_not_for_chance():
    rng = stream(0, "views")
    views = generated_views(60, 100, planted_classes(3, rng=rng), rng=rng)
    first, second = halve(views, rng=rng)
    level = (first.view_fraction * (first.view_type >= 0)).sum(axis=2)
    by_level = np.digitize(level, np.quantile(level, [1 / 3, 2 / 3]))
    good = likelihood_gain(by_level, first, second)
    by_chance = likelihood_gain(rng.permuted(by_level, axis=1), first, second)
    assert good.shape == (1, 60)
    assert good.mean() > 0.05 > by_chance.mean() + 0.04
    np.testing.assert_array_equal(likelihood_gain(0 * by_level, first, second), 0)


def test_widest_pair_starts_alike():
    edges = np.linspace(0, 1, 21)
    curves = np.stack([0.3 * edges, 0.8 * edges, 0.9 * np.minimum(edges / 0.05, 1)])[:, None]
    assert widest_pair(curves)[:3] in {(0, 1, 0), (1, 0, 0)}
    assert widest_pair(curves).late == 20


def test_fig4_shows_the_papers_picture_on_the_generator():
    early, late, gain = [], [], []
    for seed in range(3):
        rows = fig4(seed, n_draws=50)
        assert all(list(row) == KEYS for row in rows)
        n_groups = int(pick(rows, "n_groups")[0]["value"])
        curves = pick(rows, "cumulative")
        assert len(curves) == n_groups * SwipeGeneratorConfig().n_types * 21
        assert all(row["lower"] <= row["upper"] for row in curves)
        assert sum(row["value"] for row in pick(rows, "share")) == pytest.approx(1)
        assert pick(rows, "regret", "exhaustive")[0]["value"] == 0
        early += [row["value"] for row in rows if row["quantity"] == "early_gap"]
        late += [row["value"] for row in rows if row["quantity"] == "late_gap"]
        gain += [row["value"] for row in pick(rows, "likelihood_gain")]
    assert np.median(early) <= 0.1
    assert np.median(late) >= 0.2
    assert np.median(gain) > 0


@pytest.mark.skipif("GDT_DATA" not in os.environ, reason="needs a watch log in GDT_DATA")
def test_fig4_shows_the_papers_picture_on_logs():
    runs = [fig4(seed, find_watch_log(), n_draws=50) for seed in range(3)]
    gaps = {
        name: np.median([row["value"] for rows in runs for row in rows if row["quantity"] == name])
        for name in ("early_gap", "late_gap")
    }
    assert gaps["early_gap"] <= 0.1
    assert gaps["late_gap"] >= 0.2


def test_fig4_depends_on_its_seed_alone():
    first, again, other = (fig4(seed, n_users=20, n_views=20, n_draws=5) for seed in (0, 0, 1))
    assert first == again
    assert [row["value"] for row in first] != [row["value"] for row in other]


def test_tasks_and_work_are_what_reproduce_wants(monkeypatch):
    monkeypatch.delenv("GDT_DATA", raising=False)
    todo = tasks(2)
    assert [task["source"] for task in todo] == ["generator"] * 2
    rows = work(todo[0])
    assert {row["seed"] for row in rows} == {todo[0]["seed"]}
    monkeypatch.setenv("GDT_DATA", "somewhere.csv")
    assert [task["source"] for task in tasks(1)] == ["generator", "watch log"]
