"""The figures of chapter 04: the street with the time spent on it, copies over numbers of walks, arrivals, swipes."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from gdt_tutorial.teaching.plots import color
from gdt_tutorial.worlds.street import Street

__all__ = ["draw_arrivals", "draw_errors", "draw_horizon", "draw_streets", "draw_survival"]

_LOOKS = (("gray", ":", "^"), ("orange", "--", "s"), ("gold", "-.", "D"), ("blue", "-", "o"))
_SMALL = 11  # points


def draw_streets(fig: Figure, street: Street, policies: Mapping[str, Float[np.ndarray, "state action"]]) -> None:
    """Draw the slots that a walk spends in each cell, the goal left out, for several policies."""
    rows, columns = np.array([list(row) for row in street.config.rows]).shape
    for ax, (name, policy) in zip(fig.subplots(1, len(policies)), policies.items(), strict=True):
        grid = np.full((rows, columns), np.nan)
        share = street.world.occupancy(policy).sum(axis=1) * street.config.n_slots
        share[street.world.goal] = np.nan
        grid[tuple(street.cells.T)] = share
        ax.imshow(grid, vmin=0, vmax=2.5, cmap="Blues", aspect="equal")
        for row, text in enumerate(street.config.rows):
            for column, sign in enumerate(text):
                if sign in "DG#":
                    tint = color("muted") if sign == "#" else color("orange")
                    ax.text(column, row, sign, color=tint, ha="center", va="center", fontsize=_SMALL)
        ax.set(xticks=[], yticks=[])
        ax.set_title(name, fontsize=12)


def draw_errors(
    fig: Figure,
    n_walks: Sequence[int],
    gap: Mapping[str, tuple[Float[np.ndarray, " count"], Float[np.ndarray, " count"]]],
    likelihood: Mapping[str, tuple[Float[np.ndarray, " count"], Float[np.ndarray, " count"]]],
    best: float,
) -> None:
    """Draw the arrival gap and the log-likelihood of copies over the number of walks, with intervals."""
    left, right = fig.subplots(1, 2)
    for ax, part in ((left, gap), (right, likelihood)):
        for (name, (mean, half)), (own, dash, mark) in zip(part.items(), _LOOKS, strict=False):
            ax.errorbar(n_walks, mean, half, color=color(own), ls=dash, marker=mark, capsize=3, label=name)
        ax.set(xscale="log", xlabel="Walks seen", xticks=n_walks)
        ax.set_xticklabels([str(n) for n in n_walks])
        ax.minorticks_off()
    left.set(title="arrival gap (slots)", ylim=(0, None))
    right.axhline(best, color=color("text"), lw=1)
    right.set(title="nats per action", ylim=(-1.8, -0.5))
    fig.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=_SMALL)


def draw_arrivals(
    fig: Figure, true: Float[np.ndarray, " slot"], copy: Float[np.ndarray, " slot"], start: Float[np.ndarray, " slot"]
) -> None:
    """Draw who has arrived over the slots: the true walkers, a copy, and where the copy started."""
    ax, slots = fig.subplots(), np.arange(len(true))
    ax.plot(slots, 100 * start, color=color("orange"), ls="--", label="smoothed clone, the start")
    ax.plot(slots, 100 * copy, color=color("blue"), label="after practice")
    ax.plot(slots, 100 * true, color=color("text"), ls=":", label="true walkers")
    ax.set(xlabel="Slot", ylabel="Arrived (%)", ylim=(0, 102), xlim=(0, len(true) - 1))
    ax.legend(loc="center right", fontsize=_SMALL)


def draw_survival(fig: Figure, curves: Mapping[str, Float[np.ndarray, " edge"]], title: str) -> None:
    """Draw the share of views that still run over the part of the video."""
    ax = fig.subplots()
    looks = (("text", ":"), ("gray", "-."), ("orange", "--"), ("blue", "-"))
    for (name, curve), (own, dash) in zip(curves.items(), looks, strict=False):
        ax.plot(np.linspace(0, 1, len(curve)), 100 * curve, color=color(own), ls=dash, label=name)
    ax.set(xlabel="Part of the video", ylabel="Still watching (%)", ylim=(0, 102), xlim=(0, 1), title=title)
    ax.legend(loc="upper right", fontsize=_SMALL)


def draw_horizon(fig: Figure, arrival: Mapping[str, tuple[float, float]], true: float) -> None:
    """Draw the mean arrival of each reward, with episodes that end on arrival and with an absorbing state."""
    ax = fig.subplots()
    place = np.arange(len(arrival))
    ends, stays = np.array(list(arrival.values())).T
    ax.barh(place + 0.19, ends, 0.36, color=color("orange"), label="episodes end on arrival")
    ax.barh(place - 0.19, stays, 0.36, color=color("blue"), label="absorbing state")
    ax.axvline(true, color=color("text"), ls=":", label="true walkers")
    ax.set(xlabel="Mean arrival (slots)", yticks=place, xlim=(0, 41))
    ax.set_yticklabels(list(arrival))
    fig.legend(loc="outside upper center", ncols=2, fontsize=_SMALL)
