"""Small campuses of the case study, and slots of them, for the tests of everything that manages them."""

from functools import partial

from gdt_tutorial.case_study.experiment import open_campuses
from gdt_tutorial.case_study.learning.cell_environment import CellEnvironments, VersionActuator
from gdt_tutorial.case_study.learning.training import swipe_aware_lists
from gdt_tutorial.case_study.scenario import CaseStudyConfig
from gdt_tutorial.physical.network import NetworkConfig
from gdt_tutorial.seeding import stream
from gdt_tutorial.solutions.data_model.baselines import GreedyByGainPerCost

SMALL = CaseStudyConfig(n_slots=6, n_earlier_views=30, network=NetworkConfig(n_users=16))


def small_campuses(computing_cycles_per_s=2e9, n_batch=1, seed=0, config=SMALL, **options):
    return open_campuses(n_batch, config, computing_cycles_per_s=computing_cycles_per_s, seed=seed, **options)


def greedy(campuses):
    return GreedyByGainPerCost(campuses.model)


def trajectory_of(campuses, n_slots=5, buffering=None, seed=0):
    """Return telemetry and features of some slots that a greedy rule managed in versions at random."""
    buffering, rng = buffering or swipe_aware_lists(campuses), stream(seed, "versions")
    telemetry, trajectory = campuses.network.reset(campuses.group), []
    for _ in range(n_slots):
        features = buffering.abstract_session(telemetry.session, telemetry.snr_db)
        trajectory.append((telemetry, features))
        version = rng.integers(campuses.model.catalog.n_versions, size=features.ap.shape)
        telemetry = campuses.network.step(greedy(campuses).schedule(features, version))
    return trajectory


def small_cells(capacities=(2e9,), priors=(), actuator=None, n_batch=1, opened=None, **options):
    """Return cells of small campuses; `opened` collects the campuses of every episode."""

    def world(seed, capacity):
        campuses = small_campuses(capacity, n_batch, seed)
        if opened is not None:
            opened.append(campuses)
        return campuses

    actuator = actuator or VersionActuator(greedy)
    return CellEnvironments(world, capacities, swipe_aware_lists, priors, actuator, **{"n_slots": 4, **options})


def world(n_batch, seed, capacity):
    return small_campuses(capacity, n_batch, seed)


def picklable_cells(actuator=None, priors=(), n_batch=1, **options):
    """Return cells made of nothing but functions of modules."""
    actuator = actuator or VersionActuator(greedy)
    options = {"n_slots": 4, "n_branches": 4, **options}
    return CellEnvironments(partial(world, n_batch), (2e9, 4e9), swipe_aware_lists, priors, actuator, **options)


def versions_at_random(features, seed=0):
    return stream(seed, "versions").integers(4, size=features.ap.shape)
