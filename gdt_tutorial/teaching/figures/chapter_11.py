"""The figures of chapter 11: queues and their formulas, the square-root rule, shares of a day, policies against each other."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from gdt_tutorial.loops.recipes.slicing_study import PERIODS, SlicingStudy
from gdt_tutorial.physical.queues import md1_queue, mm1_delay_s
from gdt_tutorial.physical.services import SERVICES
from gdt_tutorial.teaching.plots import color

__all__ = ["draw_isolation", "draw_partition", "draw_periods", "draw_policies", "draw_queues", "draw_shares"]

_OF_SERVICE = dict(zip(SERVICES, ("blue", "orange", "green"), strict=True))
_SMALL = 11  # points
_EXPECTED = {
    "last value": ("last value", "orange", "s--"),
    "forecast": ("forecast", "blue", "o-"),
    "known": ("oracle", "gray", "v:"),
}
_WAITS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)


def draw_queues(
    fig: Figure,
    files: Mapping[float, float],
    packets: Mapping[float, float],
) -> None:
    """Draw simulated queues as points on the curves of their formulas, over the load.

    Args:
        fig: An empty figure.
        files: Mean time of a file by load, in times of its service.
        packets: Mean number of packets that wait, by load.
    """
    left, right = fig.subplots(1, 2)
    load = np.linspace(0, 0.92, 60)
    left.plot(load, [mm1_delay_s(float(each), 1.0) for each in load], color=color("orange"))
    right.plot(load, [md1_queue(float(each)) for each in load], color=color("green"))
    for ax, found, own in ((left, files, "orange"), (right, packets, "green")):
        ax.plot(list(found), list(found.values()), "o", ms=8, color=color(own))
        ax.set(xlabel="Load", xlim=(0, 1))
    left.set(ylabel="Times of service", ylim=(0, 13), title="files (M/M/1)")
    right.set(ylabel="Packets that wait", ylim=(0, 6), title="packets (M/D/1)")


def draw_partition(
    fig: Figure,
    guaranteed_bps: Float[np.ndarray, " service"],
    share_bps: Float[np.ndarray, " service"],
    contract_bps: Float[np.ndarray, " service"],
    capacity_bps: float,
) -> None:
    """Draw one partition: of each slice the guarantee, the surplus on top of it, and a line at its contract."""
    ax, place = fig.subplots(), np.arange(len(SERVICES))
    own = [color(_OF_SERVICE[name]) for name in SERVICES]
    ax.bar(place, guaranteed_bps / 1e6, color=own, label="guaranteed")
    ax.bar(
        place, (share_bps - guaranteed_bps) / 1e6, bottom=guaranteed_bps / 1e6, color=own, alpha=0.4, label="surplus"
    )
    for at, contract in zip(place, contract_bps / 1e6, strict=True):
        ax.plot([at - 0.45, at + 0.45], [contract, contract], color=color("text"), ls="--", lw=2)
    ax.set(ylim=(0, 0.75 * capacity_bps / 1e6), ylabel="Rate (Mb/s)", xticks=place)
    ax.set_xticklabels(SERVICES)


def draw_shares(
    fig: Figure,
    demand_bps: Float[np.ndarray, "minute service"],
    share_bps: Float[np.ndarray, "minute service"],
    capacity_bps: float,
) -> None:
    """Draw the shares of a day as layers, and what each service asked for as a line in a panel of its own."""
    panels = fig.subplots(len(SERVICES), 1, sharex=True)
    top = 1.05 * max(capacity_bps, demand_bps.max()) / 1e6
    for ax, name, demand, share in zip(panels, SERVICES, demand_bps.T / 1e6, share_bps.T / 1e6, strict=True):
        minute = np.arange(len(demand))
        ax.fill_between(minute, share, step="post", color=color(_OF_SERVICE[name]), alpha=0.35, lw=0)
        ax.step(minute, demand, where="post", color=color(_OF_SERVICE[name]), lw=1.5)
        ax.set(ylim=(0, top), title=name)
    panels[1].set(ylabel="Rate (Mb/s)")
    panels[-1].set(xlabel="Minute of the day", xlim=(0, len(demand_bps)))


def draw_periods(fig: Figure, played: SlicingStudy) -> None:
    """Draw how long best effort waits over the minutes between two partitions, by what is expected."""
    ax = fig.subplots()
    for name, (words, own, style) in _EXPECTED.items():
        mean, half = np.array([played.mean("wait_s", f"{name}, {period}") for period in PERIODS]).T
        low = np.minimum(half, 0.9 * mean)  # the axis is logarithmic
        ax.errorbar(range(len(PERIODS)), mean, yerr=(low, half), fmt=style, color=color(own), capsize=3, label=words)
    ax.set(yscale="log", xlabel="Minutes between two partitions", ylabel="Best effort waits (s)")
    ax.set_xticks(range(len(PERIODS)), [str(period) for period in PERIODS])
    low, high = ax.get_ylim()
    shown = [each for each in _WAITS_S if low <= each <= high]
    ax.set_yticks(shown, [f"{each:g}" for each in shown])
    ax.set_yticks([], minor=True)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=_SMALL)


def draw_policies(fig: Figure, played: SlicingStudy, names: Mapping[str, str], overload: str = "none") -> None:
    """Draw every policy by what video has of it and how long best effort waits; filled where it lends.

    Args:
        fig: An empty figure.
        played: The study.
        names: What the figure calls a policy, by its name in the study.
        overload: The service that asks for four times as much.
    """
    ax = fig.subplots()
    places = {policy: [played.mean(score, policy, overload)[0] for score in ("wait_s", "qoe")] for policy in names}
    best = max(places, key=lambda policy: places[policy][1])
    for policy, (wait_s, qoe) in places.items():
        own = color("purple" if policy == "strict priority" else "blue" if "lending" in policy else "orange")
        ax.plot(wait_s, qoe, "o", ms=9, color=own, mfc=own if "lending" in policy else "none", mew=2)
        is_above = policy in (best, "equal + lending")
        ax.annotate(
            names[policy],
            (wait_s, qoe),
            (0, 9 if is_above else -9),
            textcoords="offset points",
            fontsize=_SMALL,
            ha="right" if policy == "equal + lending" else "center",
            va="bottom" if is_above else "top",
            color=color("text"),
        )
    ax.margins(0.3, 0.15)
    ax.set(xscale="log", xlabel="Best effort waits (s)", ylabel="QoE of video")


def draw_isolation(fig: Figure, played: SlicingStudy, names: Mapping[str, str], loud: Sequence[str]) -> None:
    """Draw what an overload of each of the other services changes in the QoE of video.

    Args:
        fig: An empty figure.
        played: The study.
        names: What the figure calls a policy, by its name in the study.
        loud: The services that ask for four times as much, one at a time.
    """
    ax, place = fig.subplots(), np.arange(len(names))[::-1]
    width = 0.8 / len(loud)
    for order, service in enumerate(loud):
        mean, half = np.array([played.change("qoe", policy, service) for policy in names]).T
        at = place - width * (order - (len(loud) - 1) / 2)
        own = color(_OF_SERVICE[service])
        for row in np.flatnonzero((mean == 0) & (half == 0)):
            ax.annotate(
                "0", (0, at[row]), (-4, 0), textcoords="offset points", fontsize=_SMALL, ha="right", va="center"
            )
        ax.barh(at, mean, width, xerr=half, color=own, ecolor=color("text"), capsize=2, label=f"{service} times 4")
    ax.axvline(0, color=color("text"), lw=1)
    ax.set(xlabel="Change in the QoE of video", yticks=place)
    ax.set_yticklabels(list(names.values()))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=_SMALL)
