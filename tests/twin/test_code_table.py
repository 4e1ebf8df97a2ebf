"""The stored comparison of codes: what it says, that the code of today still makes it, and what it refuses."""

import numpy as np
import pytest

from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.studies.tables import read_table
from gdt_tutorial.twin.recipes import vae_study
from gdt_tutorial.twin.recipes.code_table import STORED, CodeTable
from tests.stored_tables import check_stored_table

ROWS = [
    {
        "seed": seed,
        "code": code,
        "n_latent": 2,
        "beta": 1.0,
        "n_windows": 200,
        "mse": mse,
        "rate_nats": 6.0,
        "bound_nats": 5.0,
    }
    for seed, (one, other) in enumerate([(0.2, 0.1), (0.4, 0.1), (0.3, 0.1)])
    for code, mse in (("vae", one), ("pca", other), ("vae, by beta", one))
]


def test_differences_are_paired_by_seed():
    table = CodeTable({}, ROWS[::-1])
    np.testing.assert_array_equal(table.values("mse", "vae"), [0.2, 0.4, 0.3])
    assert table.lost_percent("vae", "pca", n_latent=2) == pytest.approx(t_interval(np.array([100.0, 300.0, 200.0])))
    assert table.nats_percent("vae", 1.0) == pytest.approx((20.0, 0.0))


@pytest.mark.parametrize(("code", "place"), [("other", {}), ("vae", {"n_latent": 3})])
def test_what_is_not_there_is_refused(code, place):
    with pytest.raises(ValueError, match="code must have one row for each of 3 seeds"):
        CodeTable({}, ROWS).values("mse", code, **place)


def test_stored_table_is_of_this_version_and_says_how_it_was_made():
    check_stored_table("vae", STORED, vae_study, "seed", "n_windows", max_byte=5e4)


def test_cells_made_again_are_the_stored_ones():
    task = {**vae_study.tasks(1)[-1], "n_latents": (2,)}  # few windows: a second
    assert task["n_windows"] == 200
    stored = {
        row["code"]: row
        for row in read_table(STORED)[1]
        if (row["seed"], row["n_windows"], row["n_latent"]) == (task["seed"], 200, 2)
    }
    again = {row["code"]: row for row in vae_study.work(task)}
    assert again.keys() == stored.keys()
    for code, row in again.items():
        # Rounding grows while a network learns; what is closed form repeats.
        close = 1e-4 if code in ("principal components", "untrained") else 1e-2
        assert row["mse"] == pytest.approx(stored[code]["mse"], rel=close), f"vae.csv is stale in {code}"


def test_rates_are_scored_for_every_beta():
    task = {**vae_study.tasks(1)[0], "n_latents": (), "betas": (16.0,), "n_epochs": 1, "n_test": 300}
    rows = vae_study.work(task)
    assert [row["code"] for row in rows] == ["untrained, by beta", "vae, by beta", "vae from noise, by beta"]
    assert all(row["bound_nats"] > 0 and row["distortion"] > row["mse"] for row in rows)
