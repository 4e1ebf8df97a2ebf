"""The pictures of chapter 02: scores of emulators, a cloud of futures, codes, and what a mean does not tell."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from gdt_tutorial.teaching.plots import color

__all__ = [
    "draw_cloud",
    "draw_codes",
    "draw_drift",
    "draw_learning",
    "draw_scores",
    "draw_worst",
]

_LOOKS = {
    "LSTM": ("blue", "o-"),
    "RNN": ("sky", "D--"),
    "fixed share": ("green", "v-."),
    "constant velocity": ("orange", "^--"),
    "hold last": ("gray", "s:"),
    "LSTM, untrained": ("purple", "x-"),
}
_SMALL = 12


def draw_scores(
    fig: Figure,
    crps_m: Mapping[str, Float[np.ndarray, " horizon"]],
    coverage: Mapping[str, Float[np.ndarray, " horizon"]],
) -> None:
    """Draw CRPS, and the coverage of the 80 % interval, over the slots since the report, one line for each emulator."""
    left, right = fig.subplots(1, 2)
    for name, (own, style) in _LOOKS.items():
        ahead = np.arange(1, len(crps_m[name]) + 1)
        left.plot(ahead, crps_m[name], style, color=color(own), label=name, ms=5, markevery=2)
        right.plot(ahead, 100 * coverage[name], style, color=color(own), ms=5, markevery=2)
    right.axhline(80, color=color("text"), lw=1.2)
    left.set(title="CRPS (m)", ylim=(0, None))
    right.set(title="Inside 80 % interval (%)", ylim=(20, 100))
    for ax in (left, right):
        ax.set(xlabel="Slots after the report", xticks=[1, 5, 10, 15])
    fig.legend(loc="outside upper center", ncols=3, fontsize=_SMALL)


def draw_cloud(
    fig: Figure,
    clouds: Mapping[str, Float[np.ndarray, "draw xy"]],
    report_m: Float[np.ndarray, " xy"],
    straight_m: Float[np.ndarray, " xy"],
    truth_m: Float[np.ndarray, " xy"],
    reach_m: float,
) -> None:
    """Draw where two emulators believe one user to be, where it reported, the straight way on, and where it is."""
    for ax, (name, place_m) in zip(fig.subplots(1, len(clouds), sharey=True), clouds.items(), strict=True):
        own = color(_LOOKS[name][0])
        at_m, end_m, true_m = place_m - report_m, straight_m - report_m, truth_m - report_m
        ax.plot(*at_m.T, ".", color=own, alpha=0.45, ms=6, label="a believed future")
        ax.plot([0, end_m[0]], [0, end_m[1]], "-", color=color("text"), lw=1.2, label="straight on")
        ax.plot(0, 0, "s", color=color("gray"), ms=9, label="last report")
        ax.plot(*true_m, "*", color=color("orange"), ms=17, label="truth")
        ax.set(xlim=(-reach_m, reach_m), ylim=(-reach_m, reach_m), aspect="equal", xlabel="East (m)")
        ax.set_title(name, fontsize=13)
    fig.axes[0].set_ylabel("North (m)")
    fig.legend(*fig.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=_SMALL)


def draw_codes(fig: Figure, n_numbers: Sequence[int], error: Mapping[str, Float[np.ndarray, " count"]]) -> None:
    """Draw the share of a status that is lost over the length of its code, one line for each way to encode."""
    ax = fig.subplots()
    looks = (("gray", "s:"), ("orange", "^--"), ("blue", "o-"))
    for (name, lost), (own, style) in zip(error.items(), looks, strict=True):
        ax.plot(n_numbers, 100 * lost, style, color=color(own), label=name)
    ax.set(xscale="log", xticks=n_numbers, xlabel="Numbers in the code", ylabel="Variance lost (%)", ylim=(0, 62))
    ax.set_xticklabels([str(n) for n in n_numbers])
    ax.minorticks_off()
    fig.legend(loc="outside upper center", ncols=1, fontsize=13)


def draw_worst(
    fig: Figure,
    sizes: Sequence[int],
    bias: Mapping[str, tuple[Float[np.ndarray, " count"], Float[np.ndarray, " count"]]],
) -> None:
    """Draw by how much the worst member of a group is flattered (percent), over the size of the group, with intervals."""
    ax = fig.subplots()
    looks = (("gray", "s:"), ("blue", "o-"), ("green", "v-."))
    for shift, (name, (mean, half)), (own, style) in zip((-0.15, 0, 0.15), bias.items(), looks, strict=True):
        ax.errorbar(np.asarray(sizes) + shift, mean, half, fmt=style, color=color(own), capsize=4, label=name)
    ax.axhline(0, color=color("text"), lw=1.2)
    ax.set(xlabel="Users in the group", ylabel="Expected above realized (%)", ylim=(-60, 320), xticks=sizes)
    ax.legend(loc="upper left", fontsize=13)


def draw_learning(fig: Figure, looks: Float[np.ndarray, "look 3"], level: Mapping[str, float]) -> None:
    """Draw the QoE above the greedy rule over the steps of practice (steps, mean, half an interval), and rivals as lines."""
    ax = fig.subplots()
    step, mean, half = looks.T
    ax.errorbar(step, mean, half, fmt="o-", color=color("blue"), capsize=4, label="learns on this page")
    ax.axhline(0, color=color("text"), lw=1.2, label="greedy, its start")
    for (name, value), (own, line) in zip(
        level.items(), (("gray", ":"), ("green", "-."), ("purple", "--")), strict=True
    ):
        ax.axhline(value, color=color(own), ls=line, lw=2, label=name)
    ax.set(xlabel="Steps of practice", ylabel="QoE above greedy", ylim=(-0.5, 0.25))
    fig.legend(loc="outside upper center", ncols=2, fontsize=_SMALL)


def draw_drift(
    fig: Figure, sessions: Sequence[Mapping[str, Float[np.ndarray, "slot batch"]]], slot_s: float, n_mean: int = 10
) -> None:
    """Draw the QoE of managers over the minutes of a session, in means over `n_mean` slots; the drift is at half time."""
    ax = fig.subplots()
    looks = (("gray", "s:"), ("purple", "D--"), ("orange", "^-"), ("blue", "o-"))
    for name, (own, style) in zip(sessions[0], looks, strict=True):
        slot = np.mean([each[name].mean(axis=1) for each in sessions], axis=0)
        block = slot[: len(slot) // n_mean * n_mean].reshape(-1, n_mean).mean(axis=1)
        minute = (np.arange(len(block)) + 0.5) * n_mean * slot_s / 60
        ax.plot(minute, block, style, color=color(own), label=name, ms=5)
    ax.axvline(len(slot) * slot_s / 120, color=color("text"), lw=1.2)
    ax.set(xlabel="Minutes", ylabel="QoE per user and second")
    fig.legend(loc="outside upper center", ncols=2, fontsize=_SMALL)
