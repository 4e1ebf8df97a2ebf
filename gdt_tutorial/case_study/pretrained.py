"""The trained networks of the case study, ready to use: five version networks and five actors, each trained independently.

Every checkpoint is checked against its hash before it is read. `remake` trains all of them anew (about an hour on one
core), and writes how the training went beside them:

    python -c "from gdt_tutorial.case_study.pretrained import FOLDER, remake; remake(FOLDER)"
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from gdt_tutorial.agents.ddpg import Actor
from gdt_tutorial.case_study.cells import n_state
from gdt_tutorial.case_study.learned import Fallback
from gdt_tutorial.case_study.rivals import temporal_difference_curve, train_actor
from gdt_tutorial.case_study.tables import write_table
from gdt_tutorial.case_study.training import (
    ADVICE,
    N_BRANCHES,
    N_VERSIONS,
    TrainedVersions,
    TrainingConfig,
    new_network,
    train_versions,
)
from gdt_tutorial.configuration import check
from gdt_tutorial.twin.pretrained import verified, write_sums

__all__ = ["FOLDER", "N_NETWORKS", "pretrained_actor", "pretrained_versions", "remake", "remake_one"]

FOLDER = Path(__file__).parent / "checkpoints"
N_NETWORKS = 5


def pretrained_versions(index: int, folder: Path = FOLDER) -> TrainedVersions:
    """Load one of the version networks, the shipped one or what `remake` wrote elsewhere.

    Raises:
        ValueError: An index that there is not, or a checkpoint that is missing or not the one that was shipped.
    """
    path = _path("versions", index, folder)
    network = new_network(N_VERSIONS, generator=torch.Generator().manual_seed(0))
    metadata = _load(network, verified(path))
    fallbacks = {float(capacity): Fallback(**each) for capacity, each in json.loads(metadata["fallbacks"]).items()}
    return TrainedVersions(network=network, fallbacks=fallbacks)


def pretrained_actor(index: int, folder: Path = FOLDER) -> Actor:
    """Load one of the actors of the DRL scheme.

    Raises:
        ValueError: As `pretrained_versions`.
    """
    path = _path("actor", index, folder)
    n_states = n_state(N_BRANCHES, N_VERSIONS, len(ADVICE) - 1)
    actor = Actor(n_states, 2 * N_BRANCHES, generator=torch.Generator().manual_seed(0))
    _load(actor, verified(path))
    return actor


def _path(kind: str, index: int, folder: Path) -> Path:
    rule = f"lie in 0..{N_NETWORKS - 1}"
    check(0 <= index < N_NETWORKS, "index", rule, index, "that many networks were trained")
    return folder / f"{kind}_{index}.safetensors"


def _load(network: nn.Module, path: Path) -> dict[str, str]:
    with safe_open(path, framework="pt") as file:
        network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        return file.metadata() or {}


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
    folder.mkdir(parents=True, exist_ok=True)
    fallbacks = json.dumps({capacity: vars(each) for capacity, each in trained.fallbacks.items()})
    save_file(trained.network.state_dict(), _path("versions", index, folder), {"fallbacks": fallbacks})
    actor, history = train_actor(config, seed=index)
    # Half precision is plenty for shares, and keeps the file small.
    halved = {name: weight.half() for name, weight in actor.state_dict().items()}
    save_file(halved, _path("actor", index, folder))
    rows: list[dict[str, Any]] = [{"kind": "versions", "network": index, **row} for row in trained.history]
    blank = dict.fromkeys(rows[0], "")
    curves = {"actor": history}
    if index == 0:  # one is enough to see that it does not pay
        curves["temporal differences"] = temporal_difference_curve(config, seed=index)
    return rows + [
        {**blank, "kind": kind, "network": index, "round": steps, "gain": score}
        for kind, curve in curves.items()
        for steps, score in curve
    ]


def remake(folder: Path, config: TrainingConfig = TrainingConfig(), indices: Iterable[int] = range(N_NETWORKS)) -> None:
    """Train everything anew and write checkpoints, learning curves and hashes into `folder`."""
    rows = [row for index in indices for row in remake_one(folder, index, config)]
    write_table(rows, folder / "learning.csv", {"command": "gdt_tutorial.case_study.pretrained.remake"})
    write_sums(folder)
