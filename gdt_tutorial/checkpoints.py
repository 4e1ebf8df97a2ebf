"""Trained weights in safetensors files that say what they hold, and whose folder says what they must hash to.

    save(network, path, {"n_hidden": 64})
    network, config = load(path, lambda config: Network(config["n_hidden"]))

A file carries the config from which its model can be built again, as JSON in its metadata, so nobody has to guess a size
from the shape of a weight. Shipped files are listed in `SHA256SUMS` beside them; `verified` holds a file to its sum.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as safetensors_bytes
from torch import Tensor, nn

from gdt_tutorial.configuration import require
from gdt_tutorial.files import write_atomically
from gdt_tutorial.seeding import keep_torch_rng

__all__ = ["OutsideTrainingWarning", "load", "outside_training", "save", "verified", "write_sums"]

Model = TypeVar("Model", bound=nn.Module)

_SUMS = "SHA256SUMS"
_REMEDY = "pass a file that `checkpoints.save` wrote of the same model"


class OutsideTrainingWarning(UserWarning):
    """A shipped network met a case beyond those that it knows, and left it to something else."""


def outside_training(network: str, what: str, known: tuple[int, int] | None, value: int, instead: str) -> str:
    """Return the sentence about a case that a trained network was neither trained nor tested on; "" where it knows it.

    Outside of what it knows a network still answers, and nothing tells how badly. So whoever holds one asks first, and
    warns (`OutsideTrainingWarning`).

    Args:
        network: What the sentence calls it.
        what: What is counted, in words.
        known: Smallest and largest number that it knows; None for any.
        value: The number at hand.
        instead: What decides where the network does not, in words.
    """
    if known is None or known[0] <= value <= known[1]:
        return ""
    return f"{network} knows {known[0]} to {known[1]} {what}, got {value}; {instead} instead."


def save(model: nn.Module, path: str | Path, config: Mapping[str, Any]) -> None:
    """Write the weights of a model, and the config from which it can be built again.

    Args:
        model: Its parameters and buffers are written, in their own precision.
        path: Of the file; its folder is made.
        config: Plain numbers, text, and lists and dictionaries of them.

    Raises:
        WriteError: The disk is full, or the folder cannot be made or written.
    """
    weights = {name: weight.detach().clone() for name, weight in model.state_dict().items()}
    write_atomically(Path(path), safetensors_bytes(weights, {"config": json.dumps(dict(config))}))


def load(path: str | Path, make: Callable[[dict[str, Any]], Model]) -> tuple[Model, dict[str, Any]]:
    """Build the model that a file holds, in evaluation mode; return it with its config.

    Args:
        path: A file that `save` wrote.
        make: Builds the model from the config; its first weights are replaced, whatever they are.

    Raises:
        ValueError: No such file, a file that `save` did not write, or one of another model.
    """
    path = Path(path)
    require(path.is_file(), "path", "be a checkpoint", str(path), "train the model, and save it there")
    weights, config = _read(path)
    with keep_torch_rng():  # first weights are drawn, and then replaced
        try:
            model = make(config)
        except (KeyError, TypeError) as error:
            rule = f"hold the config of this model (missing or of another kind: {error})"
            require(False, "path", rule, f"{path.name}: {sorted(config)}", _REMEDY)
    own = {name: weight.shape for name, weight in model.state_dict().items()}
    found = {name: weight.shape for name, weight in weights.items()}
    differing = sorted(name for name in own.keys() | found.keys() if own.get(name) != found.get(name))
    require(not differing, "path", "hold the weights of this model", f"{path.name}: {differing[:3]} differ", _REMEDY)
    model.load_state_dict(weights)
    return model.eval(), config


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it has no iterator
            metadata = file.metadata() or {}
    except SafetensorError as error:
        require(False, "path", "be a safetensors file", f"{path.name}: {error}", _REMEDY)
    require("config" in metadata, "path", "say the config of its model", f"{path.name}: {sorted(metadata)}", _REMEDY)
    return weights, json.loads(metadata["config"])


def verified(path: Path) -> Path:
    """Return `path` when it holds what its folder's SHA256SUMS says.

    Raises:
        ValueError: The file is missing, has no sum, or holds something else.
    """
    require(path.is_file(), "path", "be a shipped file", str(path), "install the package again, or remake it")
    lines = (path.parent / _SUMS).read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, name in (line.split() for line in lines)}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    rule, remedy = f"have the hash in {_SUMS}", "install the package again, or remake it"
    require(sums.get(path.name) == digest, "path", rule, f"{path.name}: {digest}", remedy)
    return path


def write_sums(folder: Path) -> None:
    """Write the hashes of all files in `folder`."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != _SUMS)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    write_atomically(folder / _SUMS, "".join(lines))
