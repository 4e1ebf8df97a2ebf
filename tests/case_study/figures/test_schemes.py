"""The schemes by name, and the networks that they need."""

import numpy as np
import pytest

from gdt_tutorial.case_study.experiment import Scheme, run_session
from gdt_tutorial.case_study.figures.schemes import SCHEMES, networks_of
from gdt_tutorial.case_study.learning.trained_networks import N_NETWORKS, pretrained_actor, pretrained_versions
from gdt_tutorial.case_study.scenario import TrueStatus
from tests.case_study.campuses import small_campuses, trajectory_of


def test_names_and_titles_are_unique_and_the_proposed_scheme_comes_first():
    assert next(iter(SCHEMES)) == "proposed"
    assert len({scheme.title for scheme in SCHEMES.values()}) == len(SCHEMES)


def test_only_what_learns_has_several_networks():
    n_networks = {name: len(networks_of(scheme)) for name, scheme in SCHEMES.items()}
    learners = {"proposed", "greedy_cost_learned", "greedy_gain_learned", "drl_learned", "drl_rule"}
    assert {name for name, n in n_networks.items() if n == N_NETWORKS} == learners
    assert {n for name, n in n_networks.items() if name not in learners} == {1}


@pytest.mark.parametrize("name", [name for name, scheme in SCHEMES.items() if not scheme.has_network])
def test_a_scheme_of_rules_runs(name):
    campuses = small_campuses(3e9)
    scheme = SCHEMES[name].make(campuses, 0)
    assert isinstance(scheme, Scheme)
    result = run_session(campuses, scheme, TrueStatus(), 3)
    assert result.received_s.sum() > 0


@pytest.mark.parametrize("name", [name for name, scheme in SCHEMES.items() if scheme.has_network])
def test_a_scheme_that_learned_runs_with_each_of_its_networks(name):
    campuses = small_campuses(8e9, n_batch=2)
    qoe = [
        run_session(campuses, SCHEMES[name].make(campuses, index), TrueStatus(), 4).qoe
        for index in networks_of(SCHEMES[name])
    ]
    assert np.isfinite(qoe).all()
    assert len({each.tobytes() for each in qoe}) > 1


def test_networks_differ_and_loading_one_twice_gives_the_same():
    campuses = small_campuses(8e9, n_batch=2)
    _, features = trajectory_of(campuses, 4)[-1]
    chosen = [pretrained_versions(index).selector(campuses).select(features) for index in (*range(N_NETWORKS), 0)]
    np.testing.assert_array_equal(chosen[0], chosen[-1])
    weights = [next(pretrained_versions(index).network.parameters()) for index in range(N_NETWORKS)]
    assert all((weights[0] != other).any() for other in weights[1:])
    weights = [next(pretrained_actor(index).parameters()) for index in range(N_NETWORKS)]
    assert all((weights[0] != other).any() for other in weights[1:])


@pytest.mark.parametrize("load", [pretrained_versions, pretrained_actor])
@pytest.mark.parametrize("index", [-1, N_NETWORKS])
def test_a_network_that_there_is_not_is_refused(load, index):
    with pytest.raises(ValueError, match=r"index must lie in 0..4"):
        load(index)
