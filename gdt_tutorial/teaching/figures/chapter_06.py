"""The figures of chapter 06 about loads: who forecasts how well, gates over the day, walks that were learned, traffic."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure

from gdt_tutorial.teaching.plots import color

__all__ = ["draw_gates", "draw_traffic", "draw_walks", "draw_worlds"]

_LOOKS = {
    "autoregression": ("gray", "^"),
    "autoregression on events": ("gold", "D"),
    "mixture on events": ("green", "v"),
    "attention by hand": ("orange", "s"),
    "attention, trained": ("blue", "o"),
}
_SMALL = 11  # points


def draw_worlds(
    fig: Figure, rmse: Mapping[str, Mapping[str, tuple[float, float]]], oracle: float, names: Mapping[str, str]
) -> None:
    """Draw the error at arrivals of five forecasts in each world, with intervals.

    Args:
        fig: Where to draw.
        rmse: Mean and half interval of each forecast, by world.
        oracle: Error of whoever knows the arrivals.
        names: What the worlds are called.
    """
    ax, place = fig.subplots(), np.arange(len(rmse))[::-1]
    for number, (name, (own, mark)) in enumerate(_LOOKS.items()):
        mean, half = np.array([world[name] for world in rmse.values()]).T
        height = place + 0.3 - 0.15 * number
        ax.errorbar(mean, height, xerr=half, color=color(own), fmt=mark, capsize=3, label=name)
    ax.axvline(oracle, color=color("text"), ls=":", lw=1)
    ax.set(xlabel="Error at arrivals (crowd units)", yticks=place, xlim=(0.2, 0.85))
    ax.set_yticklabels([names[world] for world in rmse])
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=_SMALL)


def draw_gates(
    fig: Figure,
    gates: Mapping[str, Float[np.ndarray, "ap ap"]],
    route: Int[np.ndarray, " ap"],
) -> None:
    """Draw gate matrices of one slot; rings are the true routes."""
    for ax, (name, gate) in zip(fig.subplots(1, len(gates)), gates.items(), strict=True):
        ax.imshow(gate, vmin=0, vmax=1, cmap="Blues", aspect="equal")
        ax.plot(route, np.arange(len(route)), ls="", marker="o", ms=15, mfc="none", mec=color("orange"), mew=2)
        ax.grid(visible=False)
        places = np.arange(len(route))
        ax.set(xticks=places, yticks=places, xlabel="goes to AP", title=name)
        ax.set_xticklabels([str(place + 1) for place in places])
        ax.set_yticklabels([str(place + 1) for place in places])
    fig.axes[0].set_ylabel("leaves AP")


def draw_walks(
    fig: Figure,
    spread: Float[np.ndarray, " age"],
    true: Mapping[int, float],
    weight: Float[np.ndarray, " _"],
) -> None:
    """Draw the walk lengths that attention learned, and where a plain transformer looks.

    Args:
        fig: Where to draw.
        spread: Learned share of a crowd that arrives after 1, 2, ... slots.
        true: The true shares.
        weight: Mean attention of a plain transformer to 0, 1, 2, ... slots back, over an even spread.
    """
    left, right = fig.subplots(1, 2)
    left.bar(np.arange(1, len(spread) + 1), spread, color=color("blue"), label="learned")
    left.plot(list(true), list(true.values()), ls="", marker="_", ms=14, mew=3, color=color("orange"), label="true")
    left.set(xlabel="Slots after a departure", title="who arrives", ylim=(-0.1, 0.65))
    left.legend(loc="upper right", fontsize=_SMALL)
    right.plot(np.arange(len(weight)), weight, color=color("blue"))
    right.axhline(1, color=color("text"), ls=":", lw=1)
    right.axvspan(min(true) - 1.5, max(true) - 0.5, color=color("orange"), alpha=0.25, lw=0)
    right.set(xlabel="Slots back", title="plain transformer", ylim=(0, None))


def draw_traffic(
    fig: Figure,
    position_m: Float[np.ndarray, "user xy"],
    ap_m: Float[np.ndarray, "ap xy"],
    load: Float[np.ndarray, " ap"],
    coming: Float[np.ndarray, " ap"],
    box_m: Float[np.ndarray, "2 xy"],
) -> None:
    """Draw where people are, how many each access point has, and how many are forecast for the next slot."""
    ax = fig.subplots()
    (east_m, north_m), (x, y) = position_m.T, ap_m.T
    ax.scatter(east_m, north_m, s=9, color=color("gray"), lw=0)
    ax.scatter(x, y, s=12 * load, color=color("blue"), alpha=0.25, lw=0)
    ax.scatter(x, y, s=12 * np.maximum(coming, 0), facecolor="none", edgecolor=color("orange"), lw=2)
    for (x_m, y_m), now in zip(ap_m, load, strict=True):
        ax.text(x_m, y_m, f"{now:.0f}", ha="center", va="center", color=color("text"))
    (left, low), (right, high) = box_m
    ax.grid(visible=False)
    ax.set(xlim=(left, right), ylim=(low, high), xticks=[], yticks=[], aspect="equal")
