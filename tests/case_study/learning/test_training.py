"""Training of version networks: which fallback is chosen where, and that a trained network can be kept."""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.agents.ddpg import Actor
from gdt_tutorial.case_study.learning import trained_networks
from gdt_tutorial.case_study.learning.counterfactual import CounterfactualConfig
from gdt_tutorial.case_study.learning.training import (
    FALLBACKS,
    TrainedVersions,
    TrainingConfig,
    choose_fallbacks,
    fitting_version,
    myopic_search,
    new_network,
    train_versions,
    validation_qoe,
)
from gdt_tutorial.seeding import torch_stream
from gdt_tutorial.solutions.data_model.version_network import Fallback
from tests.case_study.campuses import SMALL

SCENARIO = replace(SMALL, n_slots=8, capacities_cycles_per_s=(1e9, 4e9))
CONFIG = TrainingConfig(
    n_rounds=2,
    n_episodes=1,
    n_batch=1,
    n_validation=1,
    changes=CounterfactualConfig(n_horizon=3, every_slots=3, n_updates=20, batch_size=16),
)


def network(seed=0):
    return new_network(4, generator=torch_stream(seed, "network"))


class TestFallbacks:
    def test_the_nearest_capacity_counts_as_a_ratio(self):
        low, high = Fallback(margin=0.1), Fallback(rule=1, margin=0.3)
        trained = TrainedVersions(network=network(), fallbacks={2e9: low, 8e9: high})
        assert [trained.fallback_at(each) for each in (0.1e9, 2e9, 3.9e9, 4.1e9, 50e9)] == [low, low, low, high, high]

    def test_a_network_of_which_nothing_is_known_is_never_overruled(self):
        assert TrainedVersions(network=network()).fallback_at(3e9) == Fallback()

    def test_a_capacity_of_nothing_is_refused(self):
        with pytest.raises(ValueError, match="computing_cycles_per_s must be above 0"):
            TrainedVersions(network=network(), fallbacks={2e9: Fallback()}).fallback_at(0.0)

    def test_each_capacity_gets_the_best_of_all(self):
        chosen, gains = choose_fallbacks(network(), CONFIG, SCENARIO)
        tried = [TrainedVersions(network=network(), fallbacks={1e9: each}).selector for each in FALLBACKS]
        qoe = validation_qoe([*tried, myopic_search, fitting_version], CONFIG, SCENARIO).mean(axis=-1)
        best = qoe[: len(FALLBACKS)].argmax(axis=0)
        assert chosen == {1e9: FALLBACKS[best[0]], 4e9: FALLBACKS[best[1]]}
        gain = qoe - qoe[-2]
        np.testing.assert_allclose(gains["gain"], gain[: len(FALLBACKS)].max(axis=0).mean())
        np.testing.assert_allclose(gains["gain_without_caution"], gain[0].mean())
        np.testing.assert_allclose(gains["gain_of_rules"], gain[-2:].max(axis=0).mean())

    def test_the_choice_is_among_both_rules_alone_and_the_network_alone(self):
        assert Fallback() in FALLBACKS
        assert {each.rule for each in FALLBACKS if np.isinf(each.margin)} == {0, 1}


class TestTraining:
    def test_a_trained_network_is_the_best_of_its_rounds_and_survives_being_stored(self, tmp_path, monkeypatch):
        rows = []
        trained = train_versions(CONFIG, SCENARIO, seed=3, on_round=rows.append)
        assert trained.history == rows
        assert [row["round"] for row in rows] == [1, 2]
        assert rows[1]["n_changes"] > rows[0]["n_changes"] > 0
        _, gains = choose_fallbacks(trained.network, CONFIG, SCENARIO)
        assert gains["gain"] == max(row["gain"] for row in rows)

        actor = Actor(3, 2, generator=torch_stream(0, "actor"))
        monkeypatch.setattr(trained_networks, "train_versions", lambda *args, **options: trained)
        monkeypatch.setattr(trained_networks, "train_actor", lambda *args, **options: (actor, []))
        monkeypatch.setattr(trained_networks, "temporal_difference_curve", lambda *args, **options: [])
        trained_networks.remake(tmp_path, CONFIG, indices=[0])
        again = trained_networks.pretrained_versions(0, tmp_path)
        assert again.fallbacks == trained.fallbacks
        np.testing.assert_array_equal(*(validation_qoe([each.selector], CONFIG, SCENARIO) for each in (trained, again)))
