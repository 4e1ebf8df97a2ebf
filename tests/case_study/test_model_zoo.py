"""The zoo of the case study: each row runs, and its file holds its class."""

import inspect
from itertools import pairwise
from pathlib import Path

import pytest

import gdt_tutorial
from gdt_tutorial.case_study.model_zoo import all_models, case_study_models
from gdt_tutorial.gai.layer_flops import linear_flops

MODELS = {model.name: model for model in case_study_models()}
ROOT = Path(gdt_tutorial.__file__).parents[1]


@pytest.mark.parametrize("name", MODELS)
def test_every_model_runs_and_stands_where_it_says(name):
    model = MODELS[name]
    network = model.make().network
    assert model.footprint().n_flops > 0
    assert Path(inspect.getfile(type(network))).relative_to(ROOT).as_posix() == model.file


def test_scheduler_by_hand():
    used = MODELS["scheduler (DDPG)"].footprint()
    widths = [row.output_byte // 4 for row in used.layers]
    n_states = used.layers[0].n_parameters // widths[0] - 1
    assert widths[:2] == [128, 64]
    assert used.n_flops == sum(linear_flops(*pair) for pair in pairwise([n_states, *widths]))


def test_all_models_have_names_of_their_own():
    names = [model.name for model in all_models()]
    assert len(names) == len(set(names))
