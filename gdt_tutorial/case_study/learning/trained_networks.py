"""The trained networks of the case study, ready to use: five version networks and five actors, each trained independently.

Every checkpoint is checked against its hash before it is read. `remake` trains all of them anew (about an hour on one
core), and writes how the training went beside them:

    python -c "from gdt_tutorial.case_study.learning.trained_networks import FOLDER, remake; remake(FOLDER)"
"""

from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch

from gdt_tutorial.agents.ddpg import Actor
from gdt_tutorial.case_study.learning.rivals import temporal_difference_curve, train_actor
from gdt_tutorial.case_study.learning.training import (
    N_BRANCHES,
    N_VERSIONS,
    PRIORS,
    TrainedVersions,
    TrainingConfig,
    new_network,
    train_versions,
)
from gdt_tutorial.checkpoints import load, save, verified, write_sums
from gdt_tutorial.configuration import require
from gdt_tutorial.solutions.data_model.cell_state import n_state
from gdt_tutorial.solutions.data_model.version_network import Fallback, VersionNetwork
from gdt_tutorial.studies.tables import write_table

__all__ = ["FOLDER", "N_NETWORKS", "pretrained_actor", "pretrained_versions", "remake", "remake_one"]

FOLDER = Path(__file__).parents[1] / "checkpoints"
N_NETWORKS = 5


def pretrained_versions(index: int, folder: Path = FOLDER) -> TrainedVersions:
    """Load one of the version networks, the shipped one or what `remake` wrote elsewhere.

    Raises:
        ValueError: An index that there is not, or a checkpoint that is missing or not the one that was shipped.
    """

    def make(config: dict[str, Any]) -> VersionNetwork:
        return new_network(config["n_versions"], generator=torch.Generator())

    network, config = load(verified(_path("versions", index, folder)), make)
    fallbacks = {float(capacity): Fallback(**each) for capacity, each in config["fallbacks"].items()}
    return TrainedVersions(network=network, fallbacks=fallbacks)


def pretrained_actor(index: int, folder: Path = FOLDER) -> Actor:
    """Load one of the actors of the DRL scheme.

    Raises:
        ValueError: As `pretrained_versions`.
    """

    def make(config: dict[str, Any]) -> Actor:
        return Actor(config["n_states"], config["n_actions"], generator=torch.Generator())

    return load(verified(_path("actor", index, folder)), make)[0]


def _path(kind: str, index: int, folder: Path) -> Path:
    rule = f"lie in 0..{N_NETWORKS - 1}"
    require(0 <= index < N_NETWORKS, "index", rule, index, "that many networks were trained")
    return folder / f"{kind}_{index}.safetensors"


def remake_one(
    folder: Path,
    index: int,
    config: TrainingConfig = TrainingConfig(),
    on_round: Callable[[dict[str, float]], object] | None = None,
) -> list[dict[str, Any]]:
    """Train the version network and the actor number `index`, save both, and return how their training went.

    With the first pair goes the curve of a version network that learns by temporal differences, for comparison.
    """
    trained = train_versions(config, seed=index, on_round=on_round)
    fallbacks = {str(capacity): vars(each) for capacity, each in trained.fallbacks.items()}
    save(trained.network, _path("versions", index, folder), {"n_versions": N_VERSIONS, "fallbacks": fallbacks})
    actor, history = train_actor(config, seed=index)
    sizes = {"n_states": n_state(N_BRANCHES, N_VERSIONS, len(PRIORS) - 1), "n_actions": 2 * N_BRANCHES}
    # Half precision is plenty for shares, and keeps the file small.
    save(deepcopy(actor).half(), _path("actor", index, folder), sizes)
    rows: list[dict[str, Any]] = [{"kind": "versions", "network": index, **row} for row in trained.history]
    blank = dict.fromkeys(rows[0], "")
    curves = {"actor": history}
    if index == 0:  # one run, in one setting
        curves["temporal differences"] = temporal_difference_curve(config, seed=index)
    return rows + [
        {**blank, "kind": kind, "network": index, "round": steps, "gain": score}
        for kind, curve in curves.items()
        for steps, score in curve
    ]


def remake(folder: Path, config: TrainingConfig = TrainingConfig(), indices: Iterable[int] = range(N_NETWORKS)) -> None:
    """Train everything anew and write checkpoints, learning curves and hashes into `folder`."""
    rows = [row for index in indices for row in remake_one(folder, index, config)]
    write_table(rows, folder / "learning.csv", {"command": "gdt_tutorial.case_study.learning.trained_networks.remake"})
    write_sums(folder)
