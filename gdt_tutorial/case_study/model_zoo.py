"""The models of the case study beside those of the twin: all models of the book with what one use of each is."""

from functools import partial

import torch
from torch import nn

from gdt_tutorial.agents.ddqn import QNetwork
from gdt_tutorial.case_study.groups.trained_grouping import FOLDER, TrainedGrouping
from gdt_tutorial.case_study.groups.windows import N_FEATURES, N_SLOTS
from gdt_tutorial.case_study.learning.trained_networks import pretrained_actor, pretrained_versions
from gdt_tutorial.case_study.learning.training import N_BRANCHES, N_VERSIONS, PRIORS
from gdt_tutorial.checkpoints import verified
from gdt_tutorial.solutions.data_model.cell_state import n_state
from gdt_tutorial.twin.model_zoo import OneUse, ZooModel, twin_models

__all__ = ["all_models", "case_study_models"]


def all_models() -> list[ZooModel]:
    """Return the models of the twin and those of the case study."""
    return [*twin_models(), *case_study_models()]


def case_study_models() -> list[ZooModel]:
    """Return the shipped models of the case study."""
    row = partial(ZooModel, kind="other", per="")
    return [
        row(
            name="habit encoder",
            chapter="17",
            file="gdt_tutorial/gai/autoencoder.py",
            one_use="the code of how one user swipes",
            make=_habit_encoder,
        ),
        row(
            name="group counter (DDQN)",
            chapter="17",
            file="gdt_tutorial/agents/ddqn.py",
            one_use="one step toward the number of groups",
            make=_group_counter,
        ),
        row(
            name="version chooser (BDQ)",
            chapter="18",
            file="gdt_tutorial/solutions/data_model/version_network.py",
            one_use="versions for all subgroups of one cell",
            make=_version_chooser,
        ),
        row(
            name="scheduler (DDPG)",
            chapter="19",
            file="gdt_tutorial/agents/ddpg.py",
            one_use="time and cycles for all subgroups of one cell",
            make=_scheduler,
        ),
    ]


def _grouping() -> TrainedGrouping:
    return TrainedGrouping.load(verified(FOLDER / "grouping.safetensors"))


def _habit_encoder() -> OneUse:
    network, window = _grouping().encoder, torch.zeros(1, N_SLOTS, N_FEATURES)
    return OneUse(network, lambda: network.encode(window))


def _group_counter() -> OneUse:
    network = _grouping().count
    assert isinstance(network, QNetwork)
    n_states, n_actions = _ends(network.layers)
    state, mask = torch.zeros(1, n_states), torch.ones(1, n_actions, dtype=torch.bool)
    return OneUse(network, lambda: network(state, mask))


def _version_chooser() -> OneUse:
    network = pretrained_versions(0).network
    state = torch.zeros(1, n_state(N_BRANCHES, N_VERSIONS, len(PRIORS)))
    mask = torch.ones(1, N_BRANCHES, N_VERSIONS, dtype=torch.bool)
    return OneUse(network, lambda: network(state, mask))


def _scheduler() -> OneUse:
    network = pretrained_actor(0)
    state = torch.zeros(1, _ends(network.layers)[0])
    return OneUse(network, lambda: network(state))


def _ends(layers: nn.Sequential) -> tuple[int, int]:
    """Return the numbers that go into the first and come out of the last layer."""
    first, last = layers[0], layers[-1]
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    return first.in_features, last.out_features
