"""The figures of chapter 10: a ring and its verdict, queues around a change, schemes in three worlds, trust, two tastes."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.figure import Figure

from gdt_tutorial.loops.recipes.internal_table import InternalTable
from gdt_tutorial.teaching.plots import color

__all__ = ["draw_change", "draw_held", "draw_tastes", "draw_verdict", "draw_worlds"]

_LOOKS = {
    "model": ("orange", "--"),
    "GAI": ("purple", "-."),
    "loop": ("blue", "-"),
    "recalibrated model": ("green", ":"),
    "oracle": ("gray", "-"),
}
_WORLDS = {
    "ring": "Ring: mean queue (%)",
    "event": "Dense event: QoE",
    "campus": "Campus: QoE",
}
_NAMES = {
    "greedy": "model (greedy)",
    "trained": "trained network",
    "random": "random, best of 8",
    "loop, random": "loop with random",
    "loop, measured": "loop with measured model",
    "loop, textbook twin": "loop, twin not calibrated",
    "loop, old law": "loop, twin not calibrated",
}


def draw_verdict(
    fig: Figure,
    queue: Float[np.ndarray, " ap"],
    sends: Mapping[str, Bool[np.ndarray, " ap"]],
    worth: Mapping[str, float],
    chosen: str,
    capacity: int,
) -> None:
    """Draw the queues of a ring, who would send by each maker, and what the twin expects of both.

    Args:
        fig: An empty figure.
        queue: Packets at each access point.
        sends: By maker.
        worth: By maker: minus the mean queue that the twin expects, as a share of the capacity.
        chosen: The maker that is carried out.
        capacity: The limit of a queue.
    """
    panels = fig.subplots(1, len(sends), sharey=True)
    place = np.arange(len(queue))
    for ax, (name, sent) in zip(panels, sends.items(), strict=True):
        own = color(_LOOKS[name][0]) if name in _LOOKS else color("blue")
        ax.bar(place, queue, color=[own if on else color("background") for on in sent], edgecolor=color("text"), lw=0.8)
        ax.set(ylim=(0, capacity), xlabel="Access point", xticks=place)
        carried = "carried out" if name == chosen else "not chosen"
        ax.set_title(f"{name}: {carried}\nexpected queue {-100 * worth[name]:.0f} %")
    panels[0].set_ylabel("Packets that wait")


def draw_change(fig: Figure, queues: Mapping[str, Float[np.ndarray, " slot"]], change_slot: int) -> None:
    """Draw mean queues over the slots of a run, scheme by scheme, with a line where the network changes."""
    ax = fig.subplots()
    for name, queue in queues.items():
        own, line = _LOOKS[name]
        ax.plot(100 * queue, ls=line, color=color(own), label=name)
    ax.axvline(change_slot, color=color("text"), lw=1)
    ax.set(xlabel="Slot", ylabel="Mean queue (% of capacity)", ylim=(0, None))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3)


def draw_worlds(fig: Figure, table: InternalTable, schemes: Mapping[str, Sequence[str]]) -> None:
    """Draw each world's schemes before the change (hollow) and after it (filled), with 95 % intervals.

    Args:
        fig: An empty figure.
        table: The stored study.
        schemes: Which schemes of which world, from top to bottom.
    """
    panels = fig.subplots(len(schemes), 1, height_ratios=[len(names) for names in schemes.values()])
    for ax, (world, names) in zip(panels, schemes.items(), strict=True):
        place, scale = np.arange(len(names))[::-1], 100 if world.startswith("ring") else 1
        for phase, shift, filled in (("before", 0.15, False), ("after", -0.15, True)):
            found = np.array([table.mean(world, name, phase) for name in names]) * scale
            fill = {} if filled else {"mfc": "none"}
            own = color("blue") if filled else color("gray")
            ax.errorbar(found[:, 0], place + shift, xerr=found[:, 1], fmt="o", color=own, label=phase, **fill)
        ax.set_yticks(place, [_NAMES.get(name, name) for name in names])
        ax.set(xlabel=_WORLDS[world], ylim=(-0.6, len(names) - 0.4))
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)


def draw_held(fig: Figure, queues: Mapping[str, Float[np.ndarray, " _"]]) -> None:
    """Draw mean queues of each validation under a twin that is wrong, for "safe", "believed" and "held"."""
    ax = fig.subplots()
    looks = {
        "safe": ("gray", "-", "safe maker alone"),
        "believed": ("orange", "--", "twin is believed"),
        "held": ("blue", "-", "verdicts are held against what came"),
    }
    for name, queue in queues.items():
        own, line, label = looks[name]
        ax.plot(1 + np.arange(len(queue)), 100 * queue, ls=line, color=color(own), label=label)
    ax.set(xlabel="Validation", ylabel="Mean queue (% of capacity)", ylim=(0, 100))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=1)


def draw_tastes(fig: Figure, gains: Mapping[str, Float[np.ndarray, "2 2"]]) -> None:
    """Draw what users of two tastes gain by each way to weigh them.

    Args:
        fig: An empty figure.
        gains: By way: for each taste the mean and half of its interval.
    """
    ax = fig.subplots()
    place = np.arange(len(gains))[::-1]
    for taste, (name, own, mark) in enumerate((("latency", "blue", "o"), ("quality", "orange", "s"))):
        found = np.array([gain[taste] for gain in gains.values()])
        at = place + 0.12 * (1 - 2 * taste)
        ax.errorbar(found[:, 0], at, xerr=found[:, 1], fmt=mark, color=color(own), label=f"users who weigh {name}")
    ax.axvline(0, color=color("text"), lw=1)
    ax.set_yticks(place, list(gains))
    ax.set(xlabel="QoE by their own weights, against weighing all alike", ylim=(-0.5, len(gains) - 0.5))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2)
