"""Checkpoints: what is loaded is what was saved, built from the config in the file; anything else is refused."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from gdt_tutorial.checkpoints import load, save, verified, write_sums
from gdt_tutorial.seeding import torch_seeded, torch_stream


@pytest.fixture(autouse=True)
def _own_weights():
    with torch_seeded(torch_stream(0, "weights")):
        yield


def linear(config):
    return nn.Linear(config["n_in"], config["n_out"])


@pytest.mark.parametrize("precision", [torch.float16, torch.float32, torch.float64])
def test_what_is_loaded_is_what_was_saved(tmp_path, precision):
    path = tmp_path / "new" / "model.safetensors"
    model = linear({"n_in": 3, "n_out": 2})
    save(model.to(precision), path, {"n_in": 3, "n_out": 2, "limit": float("inf")})
    loaded, config = load(path, lambda config: linear(config).to(precision))
    assert config == {"n_in": 3, "n_out": 2, "limit": float("inf")}
    assert not loaded.training
    for name, weight in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight)


def test_half_precision_on_disk_fills_a_model_in_single_precision(tmp_path):
    model = nn.Linear(3, 2)
    save(nn.Linear(3, 2).half(), tmp_path / "half", {"n_in": 3, "n_out": 2})
    loaded, _ = load(tmp_path / "half", linear)
    assert loaded.weight.dtype == model.weight.dtype
    assert torch.equal(loaded.weight, loaded.weight.half().float())


def test_parameters_shared_by_two_layers_are_saved(tmp_path):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    save(model, tmp_path / "tied", {})
    loaded, _ = load(tmp_path / "tied", lambda config: nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    assert torch.equal(loaded[1].weight, model[0].weight)


def test_bad_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"path must be a checkpoint, got '.*none'; train the model"):
        load(tmp_path / "none", linear)
    (tmp_path / "text").write_text("no weights")
    with pytest.raises(ValueError, match=r"path must be a safetensors file, got 'text: .*'; pass a file that"):
        load(tmp_path / "text", linear)
    save_file({"weight": torch.zeros(1)}, tmp_path / "bare")
    with pytest.raises(ValueError, match=r"path must say the config of its model, got 'bare: \[\]'; pass a file that"):
        load(tmp_path / "bare", linear)
    save(nn.Linear(3, 2), tmp_path / "other", {"n_in": 3})
    with pytest.raises(
        ValueError, match=r"path must hold the config of this model .*'n_out'.*got \"other: \['n_in'\]\""
    ):
        load(tmp_path / "other", linear)
    save(nn.Linear(3, 2), tmp_path / "wrong", {"n_in": 3, "n_out": 4})
    with pytest.raises(ValueError, match=r"path must hold the weights of this model, got .*'bias', 'weight'\] differ"):
        load(tmp_path / "wrong", linear)


def test_a_file_must_hash_to_its_sum(tmp_path):
    path = tmp_path / "model.safetensors"
    with pytest.raises(
        ValueError, match=r"path must be a shipped file, got '.*model.safetensors'; install the package"
    ):
        verified(path)
    save(nn.Linear(1, 1), path, {})
    write_sums(tmp_path)
    assert verified(path) == path
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ValueError, match="path must have the hash in SHA256SUMS, got 'model.safetensors: "):
        verified(path)
