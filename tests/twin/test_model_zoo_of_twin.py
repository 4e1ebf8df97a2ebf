"""The zoo of the twin: each row runs, its file holds its class, and its numbers are those by hand."""

import inspect
from pathlib import Path

import pytest

import gdt_tutorial
from gdt_tutorial.gai.footprint import file_byte
from gdt_tutorial.gai.layer_flops import linear_flops, recurrent_flops
from gdt_tutorial.twin.model_zoo import PAPER_RANGES, flops_per_slot, twin_models
from gdt_tutorial.twin.pretrained import FOLDER

MODELS = {model.name: model for model in twin_models()}
ROOT = Path(gdt_tutorial.__file__).parents[1]


@pytest.mark.parametrize("name", MODELS)
def test_every_model_runs_and_stands_where_it_says(name):
    model = MODELS[name]
    used, network = model.footprint(), model.make().network
    assert used.n_flops > 0
    assert used.n_parameters == sum(each.numel() for each in network.parameters())
    assert Path(inspect.getfile(type(network))).relative_to(ROOT).as_posix() == model.file
    assert model.kind in (*PAPER_RANGES, "other")
    assert model.per in ("", "user", "access point", "subgroup")


def test_names_are_unique_and_every_kind_of_table_1_has_a_row():
    assert len(MODELS) == len(twin_models())
    assert set(PAPER_RANGES) <= {model.kind for model in MODELS.values()}


def test_lstm_by_hand():
    used = MODELS["walk LSTM"].footprint()
    assert used.n_flops == recurrent_flops(4, 8, 64, 20) + linear_flops(64, 2, 20) == 742_400


def test_diffusion_asks_twice_in_each_step():
    used = MODELS["pattern diffuser"].footprint()
    layers = linear_flops(26, 80) + 2 * linear_flops(80, 80) + linear_flops(80, 6)
    assert used.n_flops == 8 * 2 * layers


def test_map_generator_by_hand():
    network, used = MODELS["map generator"].make().network, MODELS["map generator"].footprint()
    n_inputs, width = network.n_planes + network.n_noise, network.width
    # Inputs, and planes times planes: down, twice below, up and up, at 1, 1/4 and 1/16 of the pixels.
    per_pixel = n_inputs * width + (2 / 4 + 2 * 4 / 16 + 4 / 4 + 2) * width**2
    assert used.n_flops == 32**2 * (2 * 9 * per_pixel + 2 * width)


@pytest.mark.parametrize(
    ("name", "file"),
    [("map generator", "scenes"), ("status encoder", "latents"), ("walk LSTM", "lstm"), ("allocator", "allocator")],
)
def test_files_are_the_shipped_ones(name, file):
    shipped = (FOLDER / f"{file}.safetensors").stat().st_size
    # A shipped file also carries its config.
    assert 0 <= shipped - file_byte(MODELS[name].make().network) < 1500


def test_flops_per_slot():
    used = {name: model.footprint().n_flops for name, model in MODELS.items()}
    counts = {"user": 30, "subgroup": 8, "access point": 1}
    by_hand = 30 * (used["walk LSTM"] + used["status encoder"]) + 8 * used["allocator"]
    assert flops_per_slot(twin_models(), counts) == by_hand
    assert flops_per_slot([MODELS["map generator"]], counts) == 0
