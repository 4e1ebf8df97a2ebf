"""The learners that the proposed scheme is held against: an actor for shares, and its own network by temporal differences.

They get the same campuses, cells and time scale as the proposed one (`training`).
"""

from collections.abc import Callable, Sequence
from functools import partial

from gdt_tutorial import seeding
from gdt_tutorial.agents.branching import BranchingConfig, train_branching
from gdt_tutorial.agents.ddpg import Actor, Critic, DDPGLearner, act, train_ddpg
from gdt_tutorial.agents.evaluation import Validation
from gdt_tutorial.agents.exploration_noise import OrnsteinUhlenbeckNoise
from gdt_tutorial.case_study.experiment import Campuses, open_campuses
from gdt_tutorial.case_study.learning.actor_scheduler import ShareActuator
from gdt_tutorial.case_study.learning.cell_environment import (
    Actuator,
    CampusEnvironment,
    CellEnvironments,
    VersionActuator,
)
from gdt_tutorial.case_study.learning.training import (
    N_BRANCHES,
    N_VERSIONS,
    PRIORS,
    TRAINING_SEED,
    TrainedVersions,
    TrainingConfig,
    fitting_version,
    greedy_scheduler,
    myopic_search,
    new_network,
    sequential_lists,
    swipe_aware_lists,
    validation_qoe,
)
from gdt_tutorial.case_study.lists.buffering import SegmentBuffering
from gdt_tutorial.case_study.scenario import CaseStudyConfig
from gdt_tutorial.solutions.data_model.cell_state import n_row
from gdt_tutorial.solutions.data_model.version_network import follow_prior
from gdt_tutorial.solutions.data_model.versions import VersionSelector

__all__ = ["case_study_campus", "cells_of", "temporal_difference_curve", "train_actor"]


def cells_of(
    offset: int,
    config: TrainingConfig,
    scenario: CaseStudyConfig,
    capacities: Sequence[float],
    actuator: Actuator,
    buffering: Callable[[Campuses], SegmentBuffering],
    priors: Sequence[Callable[[Campuses], VersionSelector]],
    *,
    n_worlds: int,
    n_batch: int,
) -> CellEnvironments:
    """Return cells to learn in, whose campuses have seeds from `offset` on."""
    return CellEnvironments(
        partial(_open, offset, n_batch, scenario),
        capacities,
        buffering,
        priors,
        actuator,
        n_worlds=n_worlds,
        n_branches=N_BRANCHES,
        n_slots=scenario.n_slots,
    )


def _open(offset: int, n_batch: int, scenario: CaseStudyConfig, own: int, capacity: float) -> Campuses:
    return open_campuses(n_batch, scenario, computing_cycles_per_s=capacity, seed=offset + own % 1_000_000)


def case_study_campus(scenario: CaseStudyConfig = CaseStudyConfig()) -> CampusEnvironment:
    """Return the cells in which the proposed scheme learns, one campus of them, for `gymnasium.make`.

    Versions are chosen, `greedy_scheduler` divides the slot, and episodes go through the capacities of the scenario.
    """
    cells = cells_of(
        30_000_000,
        TrainingConfig(),
        scenario,
        scenario.capacities_cycles_per_s,
        VersionActuator(greedy_scheduler),
        swipe_aware_lists,
        PRIORS,
        n_worlds=1,
        n_batch=1,
    )
    return CampusEnvironment(cells)


def temporal_difference_curve(
    config: TrainingConfig = TrainingConfig(),
    scenario: CaseStudyConfig = CaseStudyConfig(),
    n_steps: int = 60_000,
    n_parts: int = 3,
    *,
    seed: int,
) -> list[tuple[int, float]]:
    """Train the same network by temporal differences, from a warm start that follows the search; for comparison.

    Returns steps in the cells, and by how much the network beats the search on validation campuses.
    """
    envs = cells_of(
        TRAINING_SEED + 5_000_000,
        config,
        scenario,
        scenario.capacities_cycles_per_s,
        VersionActuator(greedy_scheduler),
        swipe_aware_lists,
        PRIORS,
        n_worlds=2,
        n_batch=2 * config.n_batch,
    )
    generator = seeding.torch_stream(seed, "temporal differences")
    trained = TrainedVersions(network=new_network(N_VERSIONS, generator=generator))
    follow_prior(trained.network, envs, n_row(N_VERSIONS, len(PRIORS)), generator=generator)
    reference = validation_qoe([myopic_search], config, scenario)

    def gain() -> float:
        return float((validation_qoe([trained.selector], config, scenario) - reference).mean())

    curve = [(0, gain())]
    learner = BranchingConfig(
        n_steps=n_steps // n_parts,
        learning_starts=2_000,
        steps_per_update=4,
        batch_size=128,
        discount=0.9,
        learning_rate=3e-4,
        epsilon_start=0.15,
        epsilon_end=0.15,
        capacity=100_000,
    )
    for part in range(n_parts):
        train_branching(trained.network, envs, learner, generator=generator)
        curve.append(((part + 1) * n_steps // n_parts, gain()))
    return curve


def train_actor(
    config: TrainingConfig = TrainingConfig(), scenario: CaseStudyConfig = CaseStudyConfig(), *, seed: int
) -> tuple[Actor, Sequence[tuple[int, float]]]:
    """Train the actor of the DRL scheme; return it, and its QoE on validation episodes over the steps of training.

    The first score, at step 0, is that of the untrained start, which splits nearly equally. Training may end below it: the
    weights that are kept are the best of the later scores.
    """

    def cells(offset: int, n_worlds: int, n_batch: int, capacities: Sequence[float]) -> CellEnvironments:
        actuator, priors = ShareActuator(fitting_version), PRIORS[1:]
        return cells_of(
            offset,
            config,
            scenario,
            capacities,
            actuator,
            sequential_lists,
            priors,
            n_worlds=n_worlds,
            n_batch=n_batch,
        )

    envs = cells(10_000_000, 2, 2 * config.n_batch, scenario.capacities_cycles_per_s)
    n_states, n_actions = envs.single_observation_space.shape[0], envs.single_action_space.shape[0]  # type: ignore[index]
    generator = seeding.torch_stream(seed, "actor")
    learner = DDPGLearner(
        Actor(n_states, n_actions, generator=generator), Critic(n_states, n_actions, generator=generator), config.actor
    )
    # One lot after the other goes through the capacities, so whole rounds of episodes are comparable.
    capacities = scenario.capacities_cycles_per_s[1::2]
    judges = cells(20_000_000, len(capacities), max(config.n_batch // 2, 1), capacities)
    validation = Validation(judges, judges.num_envs, generator=generator)
    start = validation.score(act(learner.actor))
    noise = OrnsteinUhlenbeckNoise(envs.num_envs, n_actions, generator=generator)
    train_ddpg(learner, envs, noise, generator=generator, validation=validation)
    return learner.actor, [(steps, score / scenario.n_slots) for steps, score in [(0, start), *validation.history]]
