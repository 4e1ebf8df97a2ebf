"""Logs of official size, and crowds beyond those that the shipped networks know."""

import json
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest

from gdt_tutorial.case_study.figures.fig4 import generated_views, logged_views
from gdt_tutorial.case_study.groups.cluster_count import SAMPLE_USERS, LearnedCount, WatchedCrowd
from gdt_tutorial.case_study.groups.grouping import BySilhouette, Crowd, FixedCount
from gdt_tutorial.case_study.groups.planted import planted_classes, planted_views
from gdt_tutorial.case_study.groups.trained_grouping import pretrained_grouper
from gdt_tutorial.case_study.groups.windows import principal_components, view_windows
from gdt_tutorial.checkpoints import OutsideTrainingWarning
from gdt_tutorial.seeding import stream
from tests.physical.logs.log_files import log_of, write_official_shape

ROOT = Path(__file__).parents[3]
GROUPER = pretrained_grouper()


def crowd(n_users, seed, n_views=60):
    """Return a crowd of two to six planted classes, or of the embedded generator, with its views."""
    rng = stream(seed, "large crowd", n_users)
    if seed % 4 == 3:
        views = generated_views(n_users, n_views, rng=rng)[:2]
    else:
        views = planted_views(planted_classes(2 + seed % 5, rng=rng), n_users, n_views, rng=rng)[1:]
    points = GROUPER.encoder(view_windows(*views))[0]
    return WatchedCrowd(Crowd(points, rng=rng), views[0][0], views[1][0])


def regrets(n_users, seeds):
    """Return the mean regret (nats per user) of the shipped choice, of the network outside of its limits, of the silhouette."""
    raw = LearnedCount(GROUPER.chooser.network)
    rows = []
    for seed in seeds:
        watched = crowd(n_users, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OutsideTrainingWarning)
            picks = [chooser.choose(watched.crowd) for chooser in (GROUPER.chooser, raw, BySilhouette())]
        rows.append([watched.regret(pick) for pick in picks])
    return np.mean(rows, axis=0)


def test_a_large_crowd_is_chosen_for_by_samples_and_says_so():
    watched = crowd(400, 0)
    with pytest.warns(OutsideTrainingWarning, match=r"knows 10 to 120 users, got 400; it chooses for 5 samples of 100"):
        first = GROUPER.chooser.choose(watched.crowd)
    with pytest.warns(OutsideTrainingWarning):
        assert GROUPER.chooser.choose(watched.crowd) == first
    shipped, raw, silhouette = regrets(400, range(200, 208))
    assert shipped < raw < silhouette


@pytest.mark.parametrize("n_users", [10, 19])
def test_at_the_lower_limit_the_network_is_better_than_the_silhouette(n_users):
    shipped, _, silhouette = regrets(n_users, range(300, 316))
    assert shipped < silhouette


def test_a_small_crowd_is_chosen_for_by_the_silhouette_and_says_so():
    watched = crowd(6, 1)
    with pytest.warns(OutsideTrainingWarning, match=r"knows 10 to 120 users, got 6; the silhouette chooses instead"):
        assert GROUPER.chooser.choose(watched.crowd) == BySilhouette().choose(watched.crowd)
    assert GROUPER.chooser.note(6).startswith("The network for the number of groups knows")


def test_a_known_crowd_says_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GROUPER.chooser.choose(crowd(60, 2).crowd)
    assert GROUPER.chooser.note(60) == ""


def test_the_number_of_groups_is_capped_by_the_users():
    small = crowd(5, 1).crowd
    assert FixedCount(n_groups=8).choose(small) == 5
    assert max(small.labels(FixedCount(n_groups=8).choose(small))) == 4
    assert principal_components(np.ones((1, 3, 8, 5))).shape == (1, 3, 3)


def test_samples_of_a_crowd_are_of_its_users_and_always_the_same():
    everybody = crowd(150, 0).crowd
    for part, again in zip(everybody.samples(SAMPLE_USERS, 2), everybody.samples(SAMPLE_USERS, 2), strict=True):
        np.testing.assert_array_equal(part.point, again.point)
        assert len(np.unique(part.point, axis=0)) == SAMPLE_USERS
        assert (part.point[:, None] == everybody.point).all(-1).any(1).all()
    with pytest.raises(ValueError, match=r"n_users must lie in 1 ... 150, got 151; draw fewer"):
        everybody.samples(151, 1)


def test_windows_of_many_views_take_bounded_memory():
    shape, rng = (1, 200, 15_000), stream(0, "views")
    kind = rng.integers(0, 4, shape)
    kind[:, 1:, 1000:] = -1  # one user watched fifteen times as much as the others
    fraction = rng.random(shape)
    tracemalloc.start()
    window = view_windows(kind, fraction)
    peak_byte = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert window.shape == (1, 200, 8, 5)
    # All differences at once would take 600 MB each.
    assert peak_byte < 200e6


def test_of_each_logged_user_the_first_views_count():
    log = log_of([1] * 30 + [2] * 12, np.linspace(0, 1, 42))
    views = logged_views(log, max_views=20)
    assert (views.view_type >= 0).sum(axis=2).tolist() == [[20, 12]]
    np.testing.assert_allclose(views.view_fraction[0, 0, :20], log.watched_fraction[:20])
    with pytest.raises(ValueError, match=r"max_views must be at least 10, got 5"):
        logged_views(log, max_views=5)


USE = """
import json, re, warnings
from pathlib import Path
from gdt_tutorial.case_study.figures.fig4 import logged_views
from gdt_tutorial.case_study.groups.trained_grouping import pretrained_grouper
from gdt_tutorial.physical.logs.watch_logs import find_watch_log
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.seeding import stream
log = find_watch_log()
PhysicalNetwork.waterloo(2, watch_log=log, seed=0).reset()
views = logged_views(log)
with warnings.catch_warnings(record=True):
    group = pretrained_grouper().group_users(views.view_type, views.view_fraction, rng=stream(0, "groups"))
# Of this program alone: what getrusage says may be the parent's.
peak_mb = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024 / 1e6
print(json.dumps({"rows": log.report.n_rows, "kept": log.n_views, "users": group.size, "peak_mb": peak_mb}))
"""


def use_log(folder, monkeypatch):
    monkeypatch.setenv("GDT_DATA", str(folder))
    run = subprocess.run([sys.executable, "-c", USE], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted otherwise elsewhere")
@pytest.mark.parametrize(
    ("n_rows", "n_videos", "most_mb"),
    [(300_000, 100_000, 900), pytest.param(11_713_045, 4_371_868, 1_500, marks=pytest.mark.slow)],
    ids=["part", "whole"],
)
def test_a_log_of_official_shape_is_used_in_bounded_memory(
    tmp_path, monkeypatch, record_property, n_rows, n_videos, most_mb
):
    folder = write_official_shape(tmp_path, n_rows, n_videos)
    found = use_log(folder, monkeypatch)
    record_property("peak_mb", found["peak_mb"])
    assert found["rows"] == n_rows
    assert 0.5 * n_rows < found["kept"] < n_rows
    assert found["users"] == 1000
    assert found["peak_mb"] < most_mb
