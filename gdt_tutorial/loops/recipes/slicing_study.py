"""Guarantee, lend, or share? Policies of slicing on the same days, as usual and when one service asks for four times as much.

"the centralized controller implements the large-timescale network slicing" (the paper, GDT network architecture). The policies:

    equal, proportional, contracts   shares that stay all day (`proportional` to the mean demand of recorded days)
    last value, forecast, known      a new partition every 1, 5 or 20 minutes for what is expected; `known` is an oracle
    separate forecast, season        the same from each service's own demand; from recorded days alone
    ... + lending                    local controllers lend what is idle
    strict priority                  no slices
    follows demand                   shares follow what was claimed, without contracts
    guarantee alone                  what a slice has of its guarantee, if it gets nothing of the surplus
    ..., a slot late                 the local controller stands in the cloud and sees the needs of the slot before

Days, forecasts and policies are paired by seed. All policies on eight days, with all overloads, take some seconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.loops.demand_forecasts import (
    Expect,
    ForecastDemand,
    SeparateForecasts,
    known_demand,
    last_value,
    season_of,
)
from gdt_tutorial.loops.slice_scheduling import Outcome, Policy, lend, own_slice, run_day, strict_priority
from gdt_tutorial.loops.slicing import (
    SlicingConfig,
    contract_share,
    equal_share,
    follow_demand,
    guarantees,
    proportional_share,
    repartition,
)
from gdt_tutorial.physical.services import SERVICES, ServicesConfig, draw_days, side_by_side
from gdt_tutorial.studies.intervals import t_interval

__all__ = ["OVERLOADS", "PERIODS", "SlicingStudy", "recorded_demand", "slicing_policies", "study"]

PERIODS = (1, 5, 20)
OVERLOADS: Mapping[str, Mapping[str, float]] = {"none": {}, **{name: {name: 4.0} for name in SERVICES}}
_RECORDED_SEED, _N_RECORDED = 120_000, 40


def recorded_demand(
    config: ServicesConfig = ServicesConfig(), n_days: int = _N_RECORDED
) -> Float[np.ndarray, "day minute service"]:
    """Return the demand of recorded days, which forecasts are fitted on; no policy is tried on them."""
    return draw_days(range(_RECORDED_SEED, _RECORDED_SEED + n_days), config).demand_bps()


def slicing_policies(
    demand_bps: Float[np.ndarray, "batch minute service"],
    recorded_bps: Float[np.ndarray, "day minute service"],
    config: SlicingConfig = SlicingConfig(),
) -> dict[str, Policy]:
    """Return all policies by name, for days with this demand."""
    joint, separate = (each(recorded_bps, max(PERIODS)) for each in (ForecastDemand, SeparateForecasts))
    expects: dict[str, Expect] = {"last value": last_value, "forecast": joint, "known": known_demand}
    shares = {
        "equal": equal_share(demand_bps, config),
        "proportional": proportional_share(demand_bps, recorded_bps, config),
        "contracts": contract_share(demand_bps, config),
        **{
            f"{name}, {period}": repartition(demand_bps, expect, period, config)
            for name, expect in expects.items()
            for period in PERIODS
        },
        "separate forecast, 5": repartition(demand_bps, separate, 5, config),
        "season, 5": repartition(demand_bps, season_of(recorded_bps), 5, config),
    }
    policies = {name: Policy(share_bps=share, schedule=own_slice) for name, share in shares.items()}
    policies |= {f"{name} + lending": Policy(share_bps=share, schedule=lend) for name, share in shares.items()}
    for name, expect in (("forecast", joint), ("separate forecast", separate)):
        alone = guarantees(demand_bps, expect, 5, config)
        policies[f"guarantee alone, {name}, 5"] = Policy(share_bps=alone, schedule=own_slice)
    late = Policy(share_bps=shares["forecast, 5"], schedule=lend, old_slots=1)
    return policies | {
        "forecast, 5 + lending, a slot late": late,
        "strict priority": Policy(share_bps=shares["equal"], schedule=strict_priority),
        "follows demand": Policy(share_bps=follow_demand(demand_bps, config), schedule=own_slice),
    }


@dataclass(frozen=True)
class SlicingStudy:
    """Outcomes on the same days, by overload and policy, with paired intervals over the days.

    A score is "qoe", "late", "wait_s" or "throughput_bps" (see `Outcome`); an overload is a service, or "none".
    """

    outcomes: Mapping[str, Mapping[str, Outcome]]

    def values(self, score: str, policy: str, overload: str = "none") -> Float[np.ndarray, " seed"]:
        """Return a score of one policy, day by day.

        Raises:
            ValueError: A score, a policy or an overload that was not played.
        """
        named = {"overload": (overload, self.outcomes), "score": (score, Outcome._fields)}
        for argument, (name, known) in named.items():
            require(name in known, argument, f"be among {list(known)}", name, "correct the name")
        played = self.outcomes[overload]
        require(policy in played, "policy", f"be among {list(played)}", policy, "name it in `study`")
        return getattr(played[policy], score)

    def mean(self, score: str, policy: str, overload: str = "none") -> tuple[float, float]:
        """Return the mean over days, with its half interval."""
        return t_interval(self.values(score, policy, overload))

    def difference(self, score: str, policy: str, rival: str, overload: str = "none") -> tuple[float, float]:
        """Return the mean paired difference to a rival, with its half interval."""
        return t_interval(self.values(score, policy, overload) - self.values(score, rival, overload))

    def change(self, score: str, policy: str, overload: str) -> tuple[float, float]:
        """Return what an overload changes in a score, paired by day, with the half interval."""
        return t_interval(self.values(score, policy, overload) - self.values(score, policy))

    def ratio(self, score: str, policy: str, rival: str, overload: str = "none") -> float:
        """Return the mean of a score over the mean of a rival's."""
        return float(self.values(score, policy, overload).mean() / self.values(score, rival, overload).mean())


def study(
    seeds: Sequence[int],
    names: Sequence[str] | None = None,
    overloads: Sequence[str] = tuple(OVERLOADS),
    *,
    services: ServicesConfig = ServicesConfig(),
    slicing: SlicingConfig = SlicingConfig(),
) -> SlicingStudy:
    """Play the days of these seeds under all policies.

    Args:
        seeds: One for each day.
        names: Policies that are played; None for all.
        overloads: Services that ask for four times as much, one at a time, or "none".
        services: Of the days.
        slicing: Capacity and contracts.

    Raises:
        ValueError: A policy or an overload that there is not.
    """
    for name in overloads:
        require(name in OVERLOADS, "overloads", f"be among {list(OVERLOADS)}", name, "correct the name")
    days = side_by_side(*(draw_days(seeds, services, OVERLOADS[name]) for name in overloads))
    policies = slicing_policies(days.demand_bps(), recorded_demand(services), slicing)
    for name in names or ():
        require(name in policies, "names", f"be among {list(policies)}", name, "correct the name")
    found = run_day(days, {name: policies[name] for name in (names or policies)})
    n_days = len(seeds)
    parts = {name: slice(place * n_days, (place + 1) * n_days) for place, name in enumerate(overloads)}
    return SlicingStudy(
        {
            overload: {name: Outcome(*(each[part] for each in outcome)) for name, outcome in found.items()}
            for overload, part in parts.items()
        }
    )
