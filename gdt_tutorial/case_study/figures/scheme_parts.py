"""What matters: how much quality of experience (QoE) each part of the proposed scheme is worth, alone and among the others.

A part is at its full level or at its plain one. `base` has all parts plain, `full` has all of them full. What a part is worth
alone is `base` with this part at its full level, minus `base`; what it is worth among the others is `full`, minus `full` with
this part plain. Where the two differ, parts stand in for each other, or need each other.

    part         full                                    plain
    grouping     groups by taste                         groups of the same sizes, drawn by lot
    buffering    swipe-aware                             sequential
    versions     branching dueling Q-network             highest version of which three segments fit
    scheduling   SLSQP                                   equal split
    emulation    LSTM                                    the last report, held

Three more variants change one part of `full` beyond its levels: `true status` (no emulation error), `swipe groups` (the groups
of chapter 17), and `one group` (the same list for everybody).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Int

from gdt_tutorial import seeding
from gdt_tutorial.case_study.experiment import (
    Campuses,
    GroupUsers,
    Scheme,
    StatusSource,
    by_favorite_type,
    open_campuses,
    run_session,
)
from gdt_tutorial.case_study.figures.fig5 import N_CAMPUSES, TEST_SEED
from gdt_tutorial.case_study.groups.trained_grouping import pretrained_grouper
from gdt_tutorial.case_study.learning.trained_networks import pretrained_versions
from gdt_tutorial.case_study.learning.training import fitting_version, sequential_lists, swipe_aware_lists
from gdt_tutorial.case_study.scenario import CaseStudyConfig, ReplayedStatus, TrueStatus, TwinStatus, Views
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.solutions.data_model.baselines import EqualSplit
from gdt_tutorial.solutions.data_model.scheduling import SlsqpScheduler
from gdt_tutorial.twin.emulation.emulator import StatusEmulator
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.pretrained import pretrained_emulator

__all__ = ["PARTS", "VERSION", "at_random", "by_swipes", "one_group", "tasks", "work"]

VERSION = "2"
PARTS = ("grouping", "buffering", "versions", "scheduling", "emulation")
_CAPACITIES = (3e9, 6e9, 12e9)


def tasks(n_seeds: int) -> list[dict[str, Any]]:
    """Return one task for each seed and capacity."""
    return [
        {"seed": TEST_SEED + seed, "capacity": capacity, "n_campuses": N_CAMPUSES}
        for seed in range(n_seeds)
        for capacity in _CAPACITIES
    ]


def work(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Run every variant on one lot of campuses; a task may name some of them under "variants"."""
    run = _Runner(task)
    everything = frozenset(PARTS)
    variants: dict[str, Callable[[], float]] = {"base": lambda: run(frozenset()), "full": lambda: run(everything)}
    for part in PARTS:
        variants[f"{part} alone"] = lambda part=part: run(frozenset({part}))  # type: ignore[misc]
        variants[f"without {part}"] = lambda part=part: run(everything - {part})  # type: ignore[misc]
    variants["true status"] = lambda: run(everything, source=TrueStatus())
    variants["swipe groups"] = lambda: run(everything, group_users=by_swipes)
    variants["one group"] = lambda: run(everything, group_users=one_group)
    return [
        {"capacity": task["capacity"], "seed": task["seed"], "variant": name, "qoe": variants[name]()}
        for name in task.get("variants", variants)
    ]


class _Runner:
    """Runs sessions on the campuses of a task; what several variants share is made once."""

    def __init__(self, task: dict[str, Any]) -> None:
        self._task, self._scenario = task, CaseStudyConfig()
        self._campuses: dict[GroupUsers, Campuses] = {}
        self._versions = pretrained_versions(0)
        network = self._open(by_favorite_type).network
        emulators: dict[bool, StatusEmulator] = {
            True: pretrained_emulator(network.topology),
            False: HoldLast(topology=network.topology),
        }
        self._sources = {
            is_full: ReplayedStatus.record(
                TwinStatus(network, emulator, self._scenario.period_slots), network, self._scenario.n_slots
            )
            for is_full, emulator in emulators.items()
        }

    def _open(self, group_users: GroupUsers) -> Campuses:
        if group_users not in self._campuses:
            self._campuses[group_users] = open_campuses(
                self._task["n_campuses"],
                self._scenario,
                computing_cycles_per_s=self._task["capacity"],
                seed=self._task["seed"],
                group_users=group_users,
            )
        return self._campuses[group_users]

    def __call__(
        self, full: frozenset[str], *, source: StatusSource | None = None, group_users: GroupUsers | None = None
    ) -> float:
        """Return the mean QoE with these parts at their full level."""
        campuses = self._open(group_users or (by_favorite_type if "grouping" in full else at_random))
        scheme = Scheme(
            buffering=swipe_aware_lists(campuses) if "buffering" in full else sequential_lists(campuses),
            versions=self._versions.selector(campuses) if "versions" in full else fitting_version(campuses),
            scheduler=SlsqpScheduler(campuses.model) if "scheduling" in full else EqualSplit(campuses.model),
        )
        source = source or self._sources["emulation" in full]
        return float(run_session(campuses, scheme, source, self._scenario.n_slots).mean_qoe().mean())


def at_random(network: PhysicalNetwork, views: Views) -> Int[np.ndarray, "batch user"]:
    """Shuffle the groups by taste among the users."""
    rng = seeding.stream(network.seed, "groups by lot")
    return rng.permuted(by_favorite_type(network, views), axis=1)


def by_swipes(network: PhysicalNetwork, views: Views) -> Int[np.ndarray, "batch user"]:
    """Group by swipe behavior: autoencoder, double deep Q-network and k-means++."""
    rng = seeding.stream(network.seed, "swipe groups")
    return pretrained_grouper().group_users(views.view_type, views.view_fraction, rng=rng)


def one_group(network: PhysicalNetwork, views: Views) -> Int[np.ndarray, "batch user"]:
    """Give everybody the same list."""
    return np.zeros(network.viewers.user.shape, dtype=np.int64)
