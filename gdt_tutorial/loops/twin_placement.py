"""Where the twins stand: one beside each access point, one in the cloud. Bytes and delay between them, counted.

"DTs are deployed in a distributed manner at edge and cloud servers to process time-sensitive and time-insensitive tasks" (the
paper, GDT network architecture). The time-sensitive task is the schedule of a slot, the other one is slicing, once in a large
slot. So the question is what has to cross the backhaul:

    distributed       reports end in the twin at the edge, beside the access point. In each large slot it tells the cloud how
                      much each service asked for, and gets shares back.
    in the cloud      every report crosses, and every decision comes back. The needs that a schedule reads are as old as the way
                      there and back takes, in whole slots.

What an old need costs is a run away: `Policy.old_slots` (`slice_scheduling`). Delay is propagation and transmission of what
crosses at once; queues on the backhaul and the time that models compute are left out.
"""

from math import ceil, inf
from typing import NamedTuple

from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.physical.measurements import report_byte
from gdt_tutorial.physical.services import SERVICES
from gdt_tutorial.physical.topology import Backhaul

__all__ = ["PlacementConfig", "PlacementCost", "distributed", "in_the_cloud"]

_NUMBER_BYTE = 8


@configclass
class PlacementConfig:
    """What is told, how often, and over which line."""

    n_aps: int = parameter(2, "Access points.", "the paper's case study", above=0)
    n_users: int = parameter(60, "Users of all access points.", "as NetworkConfig", above=0)
    slot_s: float = parameter(0.2, "Length of a slot of the schedule.", "as ServicesConfig", above=0, below=inf)
    large_slot_s: float = parameter(60.0, "Length of a large slot.", "30 slots of 2 s", above=0, below=inf)
    report_period_s: float = parameter(2.0, "Time between two reports of a user.", "one slot of the network", above=0)
    report_byte: int = parameter(
        report_byte("networking") + report_byte("behavior"), "Size of a user's report.", "`MEASUREMENTS`", above=0
    )
    header_byte: int = parameter(40, "Headers of a message.", "IP and TCP without options", at_least=0)
    propagation_s: float = parameter(
        0.01, "One way between edge and cloud.", "chosen: a data center 1,000 km or some routers away", at_least=0
    )
    backhaul: Backhaul = Backhaul()


class PlacementCost(NamedTuple):
    """What a placement costs.

    Attributes:
        backhaul_byte: Over the backhaul in a large slot, both ways, of all access points.
        round_trip_s: From the need of a slot to its decision, over the backhaul.
        old_slots: The same in whole slots: how old the needs are that a schedule reads.
        slicing_trip_s: From the demand of a large slot to its shares.
    """

    backhaul_byte: float
    round_trip_s: float
    old_slots: int
    slicing_trip_s: float


def distributed(config: PlacementConfig = PlacementConfig()) -> PlacementCost:
    """Count for twins at the edge that schedule, and one in the cloud that slices."""
    message = _message_byte(config)
    trip_s = 2 * _way_s(message, config)
    return PlacementCost(2.0 * message * config.n_aps, 0.0, 0, trip_s)


def in_the_cloud(config: PlacementConfig = PlacementConfig()) -> PlacementCost:
    """Count for one twin in the cloud that does both."""
    n_slots = config.large_slot_s / config.slot_s
    reports = config.n_users * config.report_byte * config.large_slot_s / config.report_period_s
    # What each service needs goes up once a slot, what it gets comes down; shares stay where they are made.
    message = _message_byte(config)
    at_once = message + config.report_byte * ceil(config.n_users / config.n_aps)
    trip_s = _way_s(at_once, config) + _way_s(message, config)
    return PlacementCost(reports + 2 * n_slots * message * config.n_aps, trip_s, ceil(trip_s / config.slot_s), 0.0)


def _message_byte(config: PlacementConfig) -> int:
    """Return the size of one number for each service, and headers."""
    return config.header_byte + _NUMBER_BYTE * len(SERVICES)


def _way_s(n_byte: int, config: PlacementConfig) -> float:
    return config.propagation_s + 8 * n_byte / config.backhaul.rate_bps
