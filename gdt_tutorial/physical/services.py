"""Three services of one access point (AP) over a day: video, best effort and low latency, as fluids in short slots.

"network slicing, i.e., the partitioning of a single physical network infrastructure into multiple and isolated logical
networks" (the paper, GDT network architecture). The book's network carries short videos alone; slices need more:

    video         viewers come and go, and each takes what it can get up to the highest version (adaptive bitrate)
    best effort   files of exponential sizes, in a queue without end: throughput and wait
    low latency   packets of one size with a deadline of one slot: the share that is late

A day has lectures and breaks. When a break begins, people watch; `lead_minutes` later they fetch files. Steps come some minutes
early or late (`jitter_minutes`), and each service has a slow course of its own around them.

Every service draws from a stream of its own, so more load of one changes no bit of the others: this is how isolation can be
tested to the last digit. The timetable is common to all.

What is abstract: no radio and no users with places. An AP carries a fixed number of bits in a slot, whoever gets them. The
quality of experience of a viewer is that of `playback` for a rate that does not change within a slot: quality is the bitrate in
Mb/s between the versions, and below the lowest one the rest of the time is a stall. Quality steps are left out. All numbers of
the traffic are chosen.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import inf
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from gdt_tutorial import seeding
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.playback import QoeConfig
from gdt_tutorial.physical.video import BITRATE_BPS

__all__ = ["SERVICES", "ServiceDays", "ServicesConfig", "draw_days", "side_by_side", "video_qoe"]

SERVICES = ("video", "best effort", "low latency")


@configclass
class ServicesConfig:
    """What three services ask of an access point in a day."""

    slot_s: float = parameter(0.2, "Length of a slot, and the deadline of low latency.", "chosen", above=0, below=inf)
    minute_slots: int = parameter(300, "Slots of a large slot.", "chosen: one minute, as 30 slots of 2 s", above=0)
    n_minutes: int = parameter(240, "Large slots of a day.", "chosen: a morning of four hours", above=0)
    lecture_minutes: int = parameter(45, "Length of a lecture; a break follows.", "chosen", above=0)
    break_minutes: int = parameter(15, "Length of a break.", "chosen", above=0)
    lead_minutes: int = parameter(3, "By which video is ahead of best effort.", "chosen", at_least=0)
    jitter_minutes: int = parameter(2, "By which a step may be early or late.", "chosen", at_least=0)
    viewers: tuple[float, float] = parameter(
        (3.0, 8.0), "Viewers on average, in a lecture and in a break.", "chosen", above=0, below=inf
    )
    stay_s: float = parameter(20.0, "How long a viewer watches on average.", "chosen", above=0, below=inf)
    best_effort_bps: tuple[float, float] = parameter(
        (2e6, 12e6), "Files that are asked for, in a lecture and in a break.", "chosen", above=0, below=inf
    )
    file_bit: float = parameter(2e6, "Mean size of a file.", "chosen: 250 kB", above=0, below=inf)
    low_latency_bps: tuple[float, float] = parameter(
        (2e6, 2e6), "Packets, in a lecture and in a break.", "chosen", above=0, below=inf
    )
    packet_bit: float = parameter(12e3, "Size of a packet.", "1,500 byte, the usual largest", above=0, below=inf)
    burst_packets: float = parameter(8.0, "Packets of a burst, on average; sizes are geometric.", "chosen", at_least=1)
    spread: float = parameter(0.1, "Standard deviation of the logarithm of a slow course.", "chosen", at_least=0)
    persistence: float = parameter(0.9, "What a minute leaves of it.", "chosen", at_least=0, below=1)

    def __post_init__(self) -> None:
        for name in ("viewers", "best_effort_bps", "low_latency_bps"):
            n_levels = len(getattr(self, name))
            require(n_levels == 2, name, "hold two levels", n_levels, "give those of a lecture and of a break")

    @property
    def n_slots(self) -> int:
        """Slots of a day."""
        return self.n_minutes * self.minute_slots


class ServiceDays(NamedTuple):
    """Days of an access point, one in each environment; what each service asks for depends on no decision.

    Attributes:
        viewers: How many watch.
        arrived_bit: What comes in a slot; of video it is what viewers would take at the highest version.
        config: Of the days.
    """

    viewers: Float[np.ndarray, "slot batch"]
    arrived_bit: Float[np.ndarray, "slot batch service"]
    config: ServicesConfig

    def demand_bps(self) -> Float[np.ndarray, "batch minute service"]:
        """Return what each service asks for in each large slot: what local controllers tell the centralized one."""
        config = self.config
        shape = (config.n_minutes, config.minute_slots, *self.arrived_bit.shape[1:])
        return self.arrived_bit.reshape(shape).mean(axis=1).transpose(1, 0, 2) / config.slot_s


def side_by_side(*days: ServiceDays) -> ServiceDays:
    """Put days of one config beside each other, such as a day as usual and the same day under overload.

    Raises:
        ValueError: Days of different configs.
    """
    configs = {each.config for each in days}
    require(len(configs) == 1, "days", "have one config", len(configs), "draw them alike")
    viewers, arrived = (np.concatenate([each[part] for each in days], axis=1) for part in (0, 1))
    return ServiceDays(viewers, arrived, days[0].config)


def video_qoe(rate_bps: Float[np.ndarray, "*shape"], qoe: QoeConfig = QoeConfig()) -> Float[np.ndarray, "*shape"]:
    """Return the quality of experience of a viewer at a rate, per second: quality of what is watched - weight of stalls.

    Between two versions a viewer watches a mixture of both. Below the lowest one it watches for a part of the time, and stalls
    for the rest.
    """
    watched = np.minimum(rate_bps / BITRATE_BPS[0], 1.0)
    quality = watched * np.interp(rate_bps, BITRATE_BPS, qoe.version_quality)
    return qoe.quality_weight * quality - qoe.stall_weight * (1 - watched)


def draw_days(
    seeds: Sequence[int], config: ServicesConfig = ServicesConfig(), overload: Mapping[str, float] | None = None
) -> ServiceDays:
    """Draw a day for each seed.

    Args:
        seeds: One for each day.
        config: Of the days.
        overload: By which factor a service asks for more, by its name; 1 for those that are not named.

    Raises:
        ValueError: A service that there is not, a factor that is not positive, or no seed.
    """
    factor = dict.fromkeys(SERVICES, 1.0) | dict(overload or {})
    unknown = sorted(set(factor) - set(SERVICES))
    require(not unknown, "overload", f"name services of {list(SERVICES)}", unknown, "correct the name")
    require(min(factor.values()) > 0, "overload", "hold factors above 0", factor, "1 leaves a service alone")
    require(len(seeds) > 0, "seeds", "hold a seed", list(seeds), "name one for each day")
    days = [_Day(seed, config, factor) for seed in seeds]
    viewers = np.stack([day.viewers for day in days], axis=1)
    arrived = np.stack([day.arrived_bit for day in days], axis=1)
    return ServiceDays(viewers, arrived, config)


class _Day:
    """One day: a timetable, and three services with a stream each."""

    def __init__(self, seed: int, config: ServicesConfig, factor: Mapping[str, float]) -> None:
        self.seed, self.config, self.factor = seed, config, factor

    @cached_property
    def viewers(self) -> Float[np.ndarray, " slot"]:
        """Viewers who come at random and stay for exponential times; on the first slot there are as many as usual."""
        config, rng = self.config, self._stream("video")
        mean = self._level("video", config.viewers, 0, rng)
        n_before = rng.poisson(mean[0])
        stay_slots = config.stay_s / config.slot_s
        n_new = rng.poisson(mean / stay_slots)
        start = np.concatenate([np.zeros(n_before, dtype=np.int64), np.repeat(np.arange(config.n_slots), n_new)])
        end = start + 1 + rng.exponential(stay_slots, len(start)).astype(np.int64)
        change = np.bincount(start, minlength=config.n_slots).astype(np.float64)
        change -= np.bincount(end[end < config.n_slots], minlength=config.n_slots)
        return np.cumsum(change)

    @property
    def arrived_bit(self) -> Float[np.ndarray, "slot service"]:
        """What comes in each slot."""
        config = self.config
        video = self.viewers * BITRATE_BPS[-1] * config.slot_s
        rng = self._stream("best effort")
        level = self._level("best effort", config.best_effort_bps, config.lead_minutes, rng)
        # A sum of n exponential sizes has a gamma law.
        files = config.file_bit * rng.standard_gamma(rng.poisson(level * config.slot_s / config.file_bit))
        rng = self._stream("low latency")
        level = self._level("low latency", config.low_latency_bps, 0, rng)
        mean_bit = config.packet_bit * config.burst_packets
        n_bursts = rng.poisson(level * config.slot_s / mean_bit)
        packets = config.packet_bit * _geometric_sum(n_bursts, config.burst_packets, rng)
        return np.stack([video, files, packets], axis=1)

    def _stream(self, name: str) -> np.random.Generator:
        return seeding.stream(self.seed, "services", name)

    def _level(self, name: str, levels: tuple[float, float], late: int, rng: np.random.Generator) -> np.ndarray:
        """Return the mean of each slot: lecture or break, times a slow course, times the overload."""
        config = self.config
        step = rng.standard_normal(config.n_minutes) * config.spread * np.sqrt(1 - config.persistence**2)
        course = np.empty(config.n_minutes)
        value = config.spread * rng.standard_normal()
        for minute in range(config.n_minutes):
            value = config.persistence * value + step[minute]
            course[minute] = value
        level = np.array(levels)[self._is_break(late).astype(int)] * np.exp(course - config.spread**2 / 2)
        return np.repeat(self.factor[name] * level, config.minute_slots)

    def _is_break(self, late: int) -> np.ndarray:
        """Return the minutes of a break as a service sees them that follows `late` minutes after the first."""
        config, rng = self.config, seeding.stream(self.seed, "services", "timetable")
        is_break, period = np.zeros(config.n_minutes, dtype=bool), config.lecture_minutes + config.break_minutes
        for start in range(config.lecture_minutes, config.n_minutes + period, period):
            early, end = rng.integers(-config.jitter_minutes, config.jitter_minutes + 1, size=2)
            is_break[max(start + early + late, 0) : max(start + config.break_minutes + end + late, 0)] = True
        return is_break


def _geometric_sum(n_terms: np.ndarray, mean: float, rng: np.random.Generator) -> np.ndarray:
    """Draw sums of geometric numbers, each 1 or more: a negative binomial number beside the one that each has at least."""
    if mean == 1:
        return n_terms.astype(np.float64)
    more = rng.negative_binomial(np.maximum(n_terms, 1), 1 / mean)
    return np.where(n_terms > 0, n_terms + more, 0).astype(np.float64)
