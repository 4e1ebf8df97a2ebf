"""The schemes of Fig. 5 by name: which buffering, which versions, which scheduler.

"The heuristic scheme consists of the same GDT-assisted segment buffering strategy and different greedy resource scheduling,
while the DRL scheme includes the sequential segment buffering strategy and deep deterministic policy gradient-based resource
scheduling" (the paper, simulation results). It says neither who selects the versions in these two nor what is greedy, so
both readings of each are here: the versions of the proposed scheme, or a rule; greedy by gain, or by gain per cost.

The proposed scheme is our reading too. The paper names swipe-aware buffering, a branching dueling Q-network (BDQ) for the
versions, and SLSQP for the shares. What stands behind `proposed` here is

    buffering    swipe-aware lists
    versions     a BDQ that reads what the myopic search would choose (its prior), and learned where to depart from it;
                 at each capacity a fallback (the network alone, with a margin that it must expect above the search or above
                 a rule, or one of these alone), chosen on validation campuses with the true status
    scheduling   SLSQP

The BDQ learned from replays: the same slots are played again with other versions, under the true future. So in training it
has an oracle, which no network in operation has, and the greedy scheduler in the place of SLSQP. In the runs of the figure it
sees the twin's emulated status, as every scheme does.

`equal_sequential` has the lists and versions of `drl_rule` and an equal split, so what the actor adds is the difference of
these two. `equal` has swipe-aware lists.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gdt_tutorial.case_study.experiment import Campuses, Scheme
from gdt_tutorial.case_study.learning.actor_scheduler import ActorScheduler
from gdt_tutorial.case_study.learning.trained_networks import N_NETWORKS, pretrained_actor, pretrained_versions
from gdt_tutorial.case_study.learning.training import (
    N_BRANCHES,
    PRIORS,
    fitting_version,
    myopic_search,
    sequential_lists,
    swipe_aware_lists,
)
from gdt_tutorial.solutions.data_model.baselines import EqualSplit, GreedyByGain, GreedyByGainPerCost
from gdt_tutorial.solutions.data_model.scheduling import Scheduler, SlsqpScheduler
from gdt_tutorial.solutions.data_model.versions import VersionSelector

__all__ = ["SCHEMES", "NamedScheme", "networks_of"]


@dataclass(frozen=True, kw_only=True)
class NamedScheme:
    """How a scheme is put together for some campuses.

    Attributes:
        title: What a figure calls it.
        has_network: Whether it learns, so that there are `N_NETWORKS` of it.
        make: Makes it from campuses and the index of the network.
    """

    title: str
    has_network: bool
    make: Callable[[Campuses, int], Scheme]


def networks_of(scheme: NamedScheme) -> range:
    """Return the indices of the networks that a scheme was trained with; one index where it does not learn."""
    return range(N_NETWORKS) if scheme.has_network else range(1)


def _learned(campuses: Campuses, index: int) -> VersionSelector:
    return pretrained_versions(index).selector(campuses)


def _actor(campuses: Campuses, index: int) -> Scheduler:
    priors = tuple(make(campuses) for make in PRIORS[1:])
    return ActorScheduler(campuses.model, pretrained_actor(index), priors, N_BRANCHES)


def _scheme(
    title: str,
    scheduler: Callable[[Campuses, int], Scheduler],
    versions: Callable[[Campuses, int], VersionSelector],
    *,
    has_network: bool,
    buffering: Callable = swipe_aware_lists,
) -> NamedScheme:
    def make(campuses: Campuses, index: int) -> Scheme:
        return Scheme(
            buffering=buffering(campuses), versions=versions(campuses, index), scheduler=scheduler(campuses, index)
        )

    return NamedScheme(title=title, has_network=has_network, make=make)


def _by_gain(campuses: Campuses, index: int) -> Scheduler:
    return GreedyByGain(campuses.model)


def _by_gain_per_cost(campuses: Campuses, index: int) -> Scheduler:
    return GreedyByGainPerCost(campuses.model)


def _slsqp(campuses: Campuses, index: int) -> Scheduler:
    return SlsqpScheduler(campuses.model)


def _equal(campuses: Campuses, index: int) -> Scheduler:
    return EqualSplit(campuses.model)


def _fitting(campuses: Campuses, index: int) -> VersionSelector:
    return fitting_version(campuses)


def _search(campuses: Campuses, index: int) -> VersionSelector:
    return myopic_search(campuses)


SCHEMES: dict[str, NamedScheme] = {
    "proposed": _scheme("Proposed, our reading (BDQ + SLSQP)", _slsqp, _learned, has_network=True),
    "greedy_cost_learned": _scheme("Greedy by gain per cost, same BDQ", _by_gain_per_cost, _learned, has_network=True),
    "greedy_gain_learned": _scheme("Greedy by gain, same BDQ", _by_gain, _learned, has_network=True),
    "greedy_cost_rule": _scheme("Greedy by gain per cost, rule", _by_gain_per_cost, _fitting, has_network=False),
    "greedy_gain_rule": _scheme("Greedy by gain, rule", _by_gain, _fitting, has_network=False),
    "drl_learned": _scheme("DRL (DDPG), same BDQ", _actor, _learned, has_network=True, buffering=sequential_lists),
    "drl_rule": _scheme("DRL (DDPG), rule", _actor, _fitting, has_network=True, buffering=sequential_lists),
    "myopic": _scheme("Myopic search + SLSQP", _slsqp, _search, has_network=False),
    "equal": _scheme("Equal split, rule", _equal, _fitting, has_network=False),
    "equal_sequential": _scheme(
        "Equal split, sequential lists", _equal, _fitting, has_network=False, buffering=sequential_lists
    ),
}
"""By name, in the order of a legend. The first is our reading of the paper's; the next four are readings of its heuristic
scheme, then two of its DRL scheme; the last three are ours, to compare with."""
