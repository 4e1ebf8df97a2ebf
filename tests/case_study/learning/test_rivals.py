"""The actor of the DRL scheme: its learning curve begins with its untrained start, and the stored one begins so too."""

import pytest

from gdt_tutorial.agents.ddpg import DDPGConfig
from gdt_tutorial.case_study.learning.rivals import train_actor
from gdt_tutorial.case_study.learning.trained_networks import FOLDER, N_NETWORKS
from gdt_tutorial.case_study.learning.training import TrainingConfig
from gdt_tutorial.studies.tables import read_table


def stored_scores(network):
    _, rows = read_table(FOLDER / "learning.csv")
    return {row["round"]: row["gain"] for row in rows if row["kind"] == "actor" and row["network"] == network}


def test_the_stored_curve_begins_with_the_untrained_start():
    # As many steps as there are environments: the start does not depend on what follows.
    short = DDPGConfig(n_steps=64, learning_starts=64, batch_size=16, validation_steps=64)
    _, history = train_actor(TrainingConfig(actor=short), seed=0)
    assert [steps for steps, _ in history] == [0, 64]
    assert history[0][1] == pytest.approx(stored_scores(0)[0], abs=1e-3)


def test_every_stored_curve_has_its_start():
    assert all(min(stored_scores(network)) == 0 for network in range(N_NETWORKS))
