"""Train the version network of the proposed scheme, and what all training of the case study has in common.

One network serves all capacities. Campuses to learn from, to choose the best round on, and to report on come from three
ranges of seeds that do not meet.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from gdt_tutorial import seeding
from gdt_tutorial.agents.ddpg import DDPGConfig
from gdt_tutorial.case_study.experiment import Campuses, Scheme, open_campuses, run_session
from gdt_tutorial.case_study.learning.counterfactual import (
    Changes,
    CounterfactualConfig,
    collect_changes,
    learn_changes,
)
from gdt_tutorial.case_study.lists.buffering import SegmentBuffering, sequential, swipe_aware
from gdt_tutorial.case_study.scenario import CaseStudyConfig, TrueStatus
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.batch import joined
from gdt_tutorial.physical.playback import QoeConfig
from gdt_tutorial.solutions.data_model.baselines import GreedyByGainPerCost
from gdt_tutorial.solutions.data_model.cell_state import n_row, n_state
from gdt_tutorial.solutions.data_model.version_network import BranchingVersions, Fallback, VersionNetwork
from gdt_tutorial.solutions.data_model.versions import FittingVersion, MyopicSearch, VersionSelector

__all__ = [
    "FALLBACKS",
    "N_BRANCHES",
    "N_VERSIONS",
    "PRIORS",
    "TrainedVersions",
    "TrainingConfig",
    "choose_fallbacks",
    "fitting_version",
    "greedy_scheduler",
    "myopic_search",
    "new_network",
    "sequential_lists",
    "swipe_aware_lists",
    "train_versions",
    "validation_qoe",
]

N_BRANCHES = 16
N_VERSIONS = len(QoeConfig().version_quality)
TRAINING_SEED, VALIDATION_SEED = 100_000, 9_000


def swipe_aware_lists(campuses: Campuses) -> SegmentBuffering:
    """Return the GDT-assisted buffering of these campuses."""
    network = campuses.network
    return swipe_aware(campuses.curves.survival_at, network.catalog, network.capacity, network.link)


def sequential_lists(campuses: Campuses) -> SegmentBuffering:
    """Return the sequential buffering of these campuses."""
    network = campuses.network
    return sequential(campuses.curves.survival_at, network.catalog, network.capacity, network.link)


def myopic_search(campuses: Campuses) -> VersionSelector:
    """Return the myopic search over versions."""
    return MyopicSearch(campuses.model)


def fitting_version(campuses: Campuses) -> VersionSelector:
    """Return the rule that takes the highest version in which the first three segments of every list fit."""
    return FittingVersion(campuses.model, 3)


PRIORS: tuple[Callable[[Campuses], VersionSelector], ...] = (myopic_search, fitting_version)
FALLBACKS = (
    Fallback(),
    *(Fallback(rule=rule, margin=margin) for rule in range(len(PRIORS)) for margin in (0.1, 0.3, float("inf"))),
)
"""What `choose_fallbacks` chooses from at each capacity: the network alone, or with some caution, or a rule alone."""


@configclass
class TrainingConfig:
    """How `train_versions` and `rivals.train_actor` learn."""

    n_rounds: int = parameter(3, "Rounds of trying changes and learning from all of them so far.", "chosen", above=0)
    n_episodes: int = parameter(3, "Episodes per round and capacity.", "chosen", above=0)
    n_batch: int = parameter(8, "Campuses in an episode.", "chosen", above=0)
    n_validation: int = parameter(
        3, "Lots of twice as many campuses, per capacity, on which fallbacks and rounds are chosen.", "chosen", above=0
    )
    changes: CounterfactualConfig = parameter(
        CounterfactualConfig(), "How changes are tried and learned.", "see CounterfactualConfig"
    )
    actor: DDPGConfig = parameter(
        DDPGConfig(
            n_steps=60_000,
            learning_starts=2_000,
            steps_per_update=4,
            batch_size=128,
            discount=0.9,
            tau=5e-3,
            validation_steps=10_000,
        ),
        "How the actor learns.",
        "chosen; rates of Lillicrap et al. 2016",
    )


@dataclass(kw_only=True)
class TrainedVersions:
    """A version network, when it is overruled, and how it came about."""

    network: nn.Module
    fallbacks: dict[float, Fallback] = field(default_factory=dict)  # by computing capacity in cycles/s; empty: never
    history: list[dict[str, float]] = field(default_factory=list)

    def fallback_at(self, computing_cycles_per_s: float) -> Fallback:
        """Return the fallback that was chosen at the nearest capacity, nearest as a ratio."""
        require(
            computing_cycles_per_s > 0,
            "computing_cycles_per_s",
            "be above 0",
            computing_cycles_per_s,
            "5e9 is 5 Gcycle/s",
        )
        if not self.fallbacks:
            return Fallback()
        return self.fallbacks[min(self.fallbacks, key=lambda each: abs(np.log(each / computing_cycles_per_s)))]

    def selector(self, campuses: Campuses) -> BranchingVersions:
        """Return the network as a selection of versions for these campuses."""
        priors = [make(campuses) for make in PRIORS]
        fallbacks = [self.fallback_at(each) for each in campuses.model.capacity.computing_cycles_per_s]
        return BranchingVersions(campuses.model, self.network, priors, fallbacks, N_BRANCHES)


def new_network(n_versions: int, *, generator: torch.Generator) -> VersionNetwork:
    """Return a version network that knows nothing yet."""
    n_priors = len(PRIORS)
    n_states = n_state(N_BRANCHES, n_versions, n_priors)
    return VersionNetwork(n_states, N_BRANCHES, n_versions, n_row(n_versions, n_priors), generator=generator)


def validation_qoe(
    choices: Sequence[Callable[[Campuses], VersionSelector]], config: TrainingConfig, scenario: CaseStudyConfig
) -> Float[np.ndarray, "choice capacity sample"]:
    """Return the QoE of campuses kept for choices, with the greedy scheduler, under each selection of versions."""
    n_batch = 2 * config.n_batch
    shape = (len(choices), len(scenario.capacities_cycles_per_s), config.n_validation, n_batch)
    qoe = np.empty(shape)
    for place, capacity in enumerate(scenario.capacities_cycles_per_s):
        for batch in range(config.n_validation):
            campuses = open_campuses(n_batch, scenario, computing_cycles_per_s=capacity, seed=VALIDATION_SEED + batch)
            for index, versions in enumerate(choices):
                scheme = Scheme(
                    buffering=swipe_aware_lists(campuses),
                    versions=versions(campuses),
                    scheduler=greedy_scheduler(campuses),
                )
                qoe[index, place, batch] = run_session(campuses, scheme, TrueStatus(), scenario.n_slots).mean_qoe()
    return qoe.reshape(*shape[:2], -1)


def choose_fallbacks(
    network: nn.Module, config: TrainingConfig = TrainingConfig(), scenario: CaseStudyConfig = CaseStudyConfig()
) -> tuple[dict[float, Fallback], dict[str, float]]:
    """Choose at each capacity the fallback under which `network` does best on validation campuses.

    Returns the fallbacks by capacity, and what they gain on the search, what the network alone gains, and what the better of
    the rules gains; means over the capacities. The first and the last are the best of several on the same campuses, so they
    flatter.
    """
    capacities = scenario.capacities_cycles_per_s
    tried = [
        TrainedVersions(network=network, fallbacks=dict.fromkeys(capacities, fallback)).selector
        for fallback in FALLBACKS
    ]
    qoe = validation_qoe(tried, config, scenario).mean(axis=-1)  # choice, capacity
    gain = qoe - qoe[FALLBACKS.index(Fallback(rule=0, margin=float("inf")))]
    best = gain.argmax(axis=0)
    is_rule = np.array([np.isinf(fallback.margin) for fallback in FALLBACKS])
    gains = {
        "gain": gain.max(axis=0).mean(),
        "gain_without_caution": gain[0].mean(),
        "gain_of_rules": gain[is_rule].max(axis=0).mean(),
    }
    chosen = {capacity: FALLBACKS[index] for capacity, index in zip(capacities, best, strict=True)}
    return chosen, {name: float(value) for name, value in gains.items()}


def train_versions(
    config: TrainingConfig = TrainingConfig(),
    scenario: CaseStudyConfig = CaseStudyConfig(),
    *,
    seed: int,
    on_round: Callable[[dict[str, float]], object] | None = None,
) -> TrainedVersions:
    """Train a version network from nothing, round by round, and return the round that was best on validation campuses.

    The first round tries changes to what the myopic search does, the later ones changes to what the network does.
    """
    trained = TrainedVersions(network=new_network(N_VERSIONS, generator=seeding.torch_stream(seed, "network")))
    best, best_gain, data = deepcopy(trained), -np.inf, []
    for index_of_round in range(config.n_rounds):
        policy: Callable[[Campuses], VersionSelector] = myopic_search if index_of_round == 0 else trained.selector
        data += _episodes(policy, config, scenario, seed, index_of_round)
        generator = seeding.torch_stream(seed, "learn", index_of_round)
        learn_changes(trained.network, joined(data), config.changes, generator=generator)
        trained.fallbacks, gains = choose_fallbacks(trained.network, config, scenario)
        row = {"round": index_of_round + 1, "n_changes": sum(map(len, data)), **gains}
        trained.history.append(row)
        if on_round is not None:
            on_round(row)
        if row["gain"] > best_gain:
            best, best_gain = deepcopy(trained), row["gain"]
    best.history = trained.history
    return best


def _episodes(
    policy: Callable[[Campuses], VersionSelector],
    config: TrainingConfig,
    scenario: CaseStudyConfig,
    seed: int,
    index_of_round: int,
) -> list[Changes]:
    parts = []
    for episode in range(config.n_episodes):
        for index, capacity in enumerate(scenario.capacities_cycles_per_s):
            own = TRAINING_SEED + 10_000 * seed + 1_000 * index_of_round + 100 * episode + index
            campuses = open_campuses(config.n_batch, scenario, computing_cycles_per_s=capacity, seed=own)
            n_slots = scenario.n_slots + config.changes.n_horizon // 2
            rng = seeding.stream(own, "changes")
            parts.append(
                collect_changes(
                    campuses,
                    swipe_aware_lists,
                    policy,
                    greedy_scheduler,
                    PRIORS,
                    n_slots,
                    config.changes,
                    n_branches=N_BRANCHES,
                    rng=rng,
                )
            )
    return parts


def greedy_scheduler(campuses: Campuses) -> GreedyByGainPerCost:
    """Return the greedy scheduler, which stands in for SLSQP while a network learns: it is faster, and nearly as good."""
    return GreedyByGainPerCost(campuses.model)
