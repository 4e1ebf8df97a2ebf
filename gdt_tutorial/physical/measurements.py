"""What is measured of the network, by whom, and what a report of it costs.

"DT status consists of networking-related data (users' channel conditions and service delay, base stations' transmission
capabilities and traffic load, ...) and behavior-related data (users' interaction frequency, locations, mobility speed,
preferences, etc.)" (the paper, GAI-Based Status Emulation); the dots stand for what edge servers cache and compute.

A phone has to send what it alone knows, and that costs bytes. Access points, edge servers and the video service know the
rest without asking anybody.
"""

from typing import NamedTuple

__all__ = ["MEASUREMENTS", "Measurement", "report_byte"]


class Measurement(NamedTuple):
    """One quantity that the network can report."""

    name: str  # its name in the status
    half: str  # "networking" or "behavior", as the paper divides the status; "session" is the video service's own
    measured_by: str  # "phone", "access point", "edge server" or "video service"
    n_byte: int  # of one user's report; 0 where no phone is asked
    about: str


MEASUREMENTS: tuple[Measurement, ...] = (
    Measurement("snr_db", "networking", "phone", 32, "SNR to every access point, with the headers of its report"),
    Measurement("delay_s", "networking", "access point", 0, "delay of the last delivery to the user's SMG"),
    Measurement("bandwidth_hz", "networking", "access point", 0, "capability: the slice's band"),
    Measurement("bandwidth_load", "networking", "access point", 0, "traffic load: share of the band in use"),
    Measurement("backhaul_load", "networking", "access point", 0, "traffic load: share of the backhaul in use"),
    Measurement("computing_cycles_per_s", "networking", "edge server", 0, "capability: the slice's cycles"),
    Measurement("computing_load", "networking", "edge server", 0, "workload: share of the cycles in use"),
    Measurement("cached_share", "networking", "edge server", 0, "share of the catalog that it holds"),
    Measurement("position_m", "behavior", "phone", 40, "location, with the headers of its report"),
    Measurement("velocity_mps", "behavior", "phone", 8, "mobility speed and direction, in the same report"),
    Measurement("interaction_hz", "behavior", "video service", 0, "views that end, per second on the screen"),
    Measurement("preference", "behavior", "video service", 0, "share of each video type in what was watched"),
    Measurement("session", "session", "video service", 0, "who watches what, and holds what"),
)


def report_byte(half: str) -> int:
    """Return the size of one user's report of a half of the status."""
    return sum(each.n_byte for each in MEASUREMENTS if each.half == half)
