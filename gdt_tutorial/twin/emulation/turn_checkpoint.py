"""A turn policy in a file: how users of one map walk, as a `checkpoints` file has weights."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from gdt_tutorial import checkpoints
from gdt_tutorial.configuration import require
from gdt_tutorial.twin.emulation.turn_policy import Crossings, TurnPolicy

__all__ = ["load_turns", "save_turns"]

_N_SPEEDS = 64  # quantiles that stand for all speeds that were seen
_SIZES = ("n_choices", "n_hazards")


class _TurnTables(nn.Module):
    """The numbers of a policy: the laws of the possible choices one after the other, in half precision."""

    turn: torch.Tensor
    stay_hazard: torch.Tensor
    speed_mps: torch.Tensor

    def __init__(self, n_choices: int, n_hazards: int) -> None:
        super().__init__()
        self.register_buffer("turn", torch.zeros(n_choices, dtype=torch.float16))
        self.register_buffer("stay_hazard", torch.zeros(n_hazards))
        self.register_buffer("speed_mps", torch.zeros(_N_SPEEDS))


def save_turns(policy: TurnPolicy, path: str | Path) -> None:
    """Write the policy; of its map only the number of choices.

    Raises:
        WriteError: The disk is full, or the folder cannot be made or written.
    """
    turn = policy.turn[policy.crossings.is_possible]
    tables = _TurnTables(len(turn), len(policy.stay_hazard))
    speed_mps = np.quantile(policy.speed_mps, (np.arange(_N_SPEEDS) + 0.5) / _N_SPEEDS)
    for name, values in (("turn", turn), ("stay_hazard", policy.stay_hazard), ("speed_mps", speed_mps)):
        getattr(tables, name).copy_(torch.from_numpy(values))
    checkpoints.save(tables, path, dict(zip(_SIZES, (len(turn), len(policy.stay_hazard)), strict=True)))


def load_turns(path: str | Path, crossings: Crossings) -> TurnPolicy:
    """Return the policy that `save_turns` wrote, on its map.

    Raises:
        ValueError: No such file, one that holds something else, or a map with another number of choices.
    """
    tables, config = checkpoints.load(path, lambda config: _TurnTables(*(config[name] for name in _SIZES)))
    n_choices, remedy = int(crossings.is_possible.sum()), "pass the map on which it was learned"
    require(config["n_choices"] == n_choices, "crossings", f"have {config['n_choices']} choices", n_choices, remedy)
    turn = np.zeros(crossings.is_possible.shape)
    turn[crossings.is_possible] = tables.turn.double().numpy()
    turn /= turn.sum(axis=1, keepdims=True)
    return TurnPolicy(crossings, turn, tables.stay_hazard.double().numpy(), tables.speed_mps.double().numpy())
