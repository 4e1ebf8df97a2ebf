"""The stored studies of the variational autoencoder in the twin: what they say, that they run, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.learning import FitConfig
from gdt_tutorial.loops.recipes import vae_in_the_twin
from gdt_tutorial.loops.recipes.twin_table import STORED, TwinTable
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.studies.tables import read_table
from gdt_tutorial.twin.recipes.mended_reports import MendingConfig, denoising_errors
from tests.stored_tables import check_stored_table

ROWS = [
    {"seed": seed, "study": "loop", "place": 8.0, "method": method, "measure": "qoe", "value": value}
    for seed, pair in enumerate([(0.6, 0.5), (0.9, 0.6), (0.5, 0.4)])
    for method, value in zip(("one", "other"), pair, strict=True)
]


def test_differences_are_paired_by_seed():
    table = TwinTable({}, ROWS[::-1])
    assert table.mean("loop", 8, "one", "qoe") == pytest.approx(t_interval(np.array([0.6, 0.9, 0.5])))
    assert table.difference("loop", 8, "one", "other", "qoe") == pytest.approx(t_interval(np.array([0.1, 0.3, 0.1])))
    assert table.percent("loop", 8, "one", "other", "qoe") == pytest.approx(t_interval(np.array([20.0, 50.0, 25.0])))


def test_what_is_not_there_is_refused():
    with pytest.raises(ValueError, match="method must have one row for each of 3 seeds"):
        TwinTable({}, ROWS).values("loop", 4, "one", "qoe")


def test_stored_table_is_of_this_version_and_says_how_it_was_made():
    check_stored_table("vae_twin", STORED, vae_in_the_twin, "seed", max_byte=1e5)


@pytest.mark.parametrize("kind", ["reports", "codes"])
def test_a_small_study_has_the_rows_of_the_stored_one(kind):
    rows = vae_in_the_twin.work({"seed": 0, "kind": kind, "is_small": True})
    assert all(np.isfinite(row["value"]) for row in rows)
    names = ("study", "place", "method", "measure")
    stored = [row for row in read_table(STORED)[1] if (row["study"] in ("width", "loop")) == (kind == "codes")]
    assert {tuple(row[n] for n in names) for row in rows} == {tuple(row[n] for n in names) for row in stored}


def test_what_is_closed_form_is_what_is_stored():
    # The correction learns in vain here, in one step of the smallest network: only the smoother is compared.
    config = MendingConfig()
    small = replace(config.correction.vae, n_latent=1, n_hidden=1, fit=FitConfig(n_epochs=1, batch_size=6000))
    config = replace(config, correction=replace(config.correction, vae=small))
    seed, noise_db = vae_in_the_twin.tasks(1)[0]["seed"], vae_in_the_twin.NOISE_DB
    found = denoising_errors(Topology.waterloo(), noise_db, config, seed=seed)
    for method in ("reports", "smoother"):
        stored = TwinTable.read().values("denoising", noise_db, method, "snr_db")[0]
        assert found[method].snr_db.mean() == pytest.approx(stored, rel=1e-6)


def test_another_kind_of_task_is_refused():
    with pytest.raises(ValueError, match=r"kind must be one of \['codes', 'reports'\], got 'other'"):
        vae_in_the_twin.work({"seed": 0, "kind": "other"})
