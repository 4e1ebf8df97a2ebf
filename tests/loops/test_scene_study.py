"""The stored comparison of scene emulators: what it says, that it runs, and what is refused."""

import numpy as np
import pytest

from gdt_tutorial.loops.recipes import scene_study
from gdt_tutorial.loops.recipes.scene_table import STORED, SceneTable
from gdt_tutorial.studies.intervals import t_interval
from tests.stored_tables import check_stored_table

ROWS = [
    {"seed": seed, "kind": kind, "n_scenes": 8, "emulator": name, "score": "rmse_db", "value": value}
    for kind in ("emulators", "augmentation")
    for seed, pair in enumerate([(0.6, 0.5), (0.9, 0.6), (0.5, 0.4)])
    for name, value in zip(("one", "other"), pair, strict=True)
]


def test_differences_are_paired_by_seed():
    table = SceneTable({}, ROWS[::-1])
    assert table.mean("rmse_db", "one") == pytest.approx(t_interval(np.array([0.6, 0.9, 0.5])))
    assert table.difference("rmse_db", "one", "other") == pytest.approx(t_interval(np.array([0.1, 0.3, 0.1])))
    augmented = table.percent("rmse_db", "one", "other", 8, kind="augmentation")
    assert augmented == pytest.approx(t_interval(np.array([20.0, 50.0, 25.0])))


@pytest.mark.parametrize(("name", "n_scenes"), [("none", None), ("one", 9)])
def test_what_is_not_there_is_refused(name, n_scenes):
    with pytest.raises(ValueError, match=r"emulator must have one row for each of 3 seeds.*\['one', 'other'\]"):
        SceneTable({}, ROWS).values("rmse_db", name, n_scenes)


def test_stored_table_is_of_this_version_and_says_how_it_was_made():
    check_stored_table("scenes", STORED, scene_study, "seed", "kind", "n_scenes", max_byte=5e4)


def test_emulators_are_scored_side_by_side():
    task = {**scene_study.tasks(1)[0], "n_scenes": 20, "n_updates": 1, "n_test": 3}
    rows = scene_study.work(task)
    names = list(dict.fromkeys(row["emulator"] for row in rows))
    assert names == ["heights drawn anew", "statistical law", "ray table", "U-Net", "U-Net and field", "GAN"]
    assert all(np.isfinite(row["value"]) for row in rows)
    error = {row["emulator"]: row["value"] for row in rows if row["score"] == "mean_rmse_db"}
    assert error["ray table"] < error["statistical law"]


def test_augmentations_learn_from_the_same_scenes():
    task = {**scene_study.tasks(1)[1], "n_updates": 1, "n_test": 2}
    rows = scene_study.work(task)
    assert [row["emulator"] for row in rows] == ["ray table", *scene_study.AUGMENTATIONS]
    assert {row["score"] for row in rows} == {"rmse_db"}


@pytest.mark.slow
def test_stored_cells_of_the_loop_are_made_again():
    """Emulators in the loop are evaluations: nothing is trained here."""
    task = next(task for task in scene_study.tasks(1) if task["kind"] == "loop")
    stored = SceneTable.read()
    for row in scene_study.work({**task, "emulators": ("statistical law", "GAN")}):
        value = stored.values(row["score"], row["emulator"], kind="loop")[0]
        assert row["value"] == pytest.approx(value, rel=1e-2, abs=1e-3), "scenes.csv is stale"
