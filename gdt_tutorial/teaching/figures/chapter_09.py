"""The figures of chapter 09: a round of collection, entropies, frontiers, what a belief costs, one user, and learning."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure

from gdt_tutorial.loops.recipes.collection_timeline import Timeline
from gdt_tutorial.teaching.plots import color

__all__ = [
    "Round",
    "draw_entropies",
    "draw_frontier",
    "draw_learning",
    "draw_message_cost",
    "draw_round",
    "draw_timeline",
]

_SMALL = 11  # points
_LARGER = 10  # factor by which errors are drawn larger
_HALVES = (("SNR", "networking", "snr_db", "dB", 32), ("position", "behavior", "position_m", "m", 48))
_MODES = (("walks", "-", "o"), ("stands", "--", "s"))


class Round(NamedTuple):
    """What one slot of collection left behind on one campus."""

    position_m: Float[np.ndarray, "user xy"]
    believed_m: Float[np.ndarray, "user xy"]
    networking_age: Int[np.ndarray, " user"]
    behavior_age: Int[np.ndarray, " user"]


def draw_round(fig: Figure, each: Round, ap_m: Float[np.ndarray, "ap xy"], box_m: Float[np.ndarray, "2 xy"]) -> None:
    """Draw who was asked for a position and where the twin believes all to be, and how old both halves are."""
    left, right = fig.subplots(1, 2, width_ratios=(3, 2))
    asked, drawn_m = each.behavior_age == 0, each.position_m + _LARGER * (each.believed_m - each.position_m)
    for person_m, ring_m in zip(each.position_m, drawn_m, strict=True):
        left.plot(*zip(person_m, ring_m, strict=True), "-", color=color("orange"), lw=1)
    left.plot(*each.position_m[asked].T, "o", color=color("blue"), ms=5, label="asked")
    left.plot(*each.position_m[~asked].T, "o", color=color("blue"), mfc="none", ms=5, label="not asked")
    left.plot(*drawn_m[~asked].T, "o", color=color("orange"), mfc="none", ms=9, label=f"belief, error x {_LARGER}")
    left.plot(*ap_m.T, "^", color=color("green"), ms=11, label="AP")
    (west, south), (east, north) = box_m
    left.set(xlim=(west, east), ylim=(south, north), aspect="equal", xticks=[], yticks=[])
    ages = np.arange(7)
    for number, (name, age) in enumerate((("SNR", each.networking_age), ("position", each.behavior_age))):
        count = np.bincount(np.minimum(age, ages[-1]), minlength=len(ages))
        own = color("purple" if number else "gold")
        right.bar(ages + 0.4 * number - 0.2, count, 0.38, color=own, label=f"{name} is")
    right.set(xlabel="slots old", ylabel="Users", ylim=(0, len(asked)))
    right.set_xticks(ages, [*map(str, ages[:-1]), f"{ages[-1]}+"])
    right.legend(fontsize=_SMALL)
    fig.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=4, fontsize=_SMALL)


def draw_entropies(
    fig: Figure,
    absolute_nat: Mapping[tuple[str, str], Float[np.ndarray, " horizon"]],
    worth_nat: Mapping[tuple[str, str], Float[np.ndarray, " horizon"]],
) -> None:
    """Draw entropy, and what a report is worth, over the age of the status, by half and by mode ("walks" or "stands")."""
    left, right = fig.subplots(1, 2)
    for half, own in (("SNR", "gold"), ("position", "purple")):
        for mode, dash, mark in _MODES:
            for ax, values in ((left, absolute_nat), (right, worth_nat)):
                line, ages = values[half, mode], np.arange(1, len(values[half, mode]) + 1)
                ax.plot(ages, line, ls=dash, marker=mark, ms=4, color=color(own), label=f"{half}, {mode}")
    left.set(title="entropy (nat)", ylim=(-1, 9))
    right.set(title="worth (nat)", ylim=(-1, 9))
    for ax in (left, right):
        ax.set(xlabel="Age in slots", xticks=[1, 5, 10, 15])
    fig.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=_SMALL)


def draw_frontier(fig: Figure, points: Mapping[str, Mapping[str, Float[np.ndarray, " point"]]], scheme: str) -> None:
    """Draw error over bytes in both halves: fixed periods as a line, holding the last report, and one scheme.

    Args:
        fig: Where to draw.
        points: By scheme and column of the stored table: the means at each setting.
        scheme: Of these.
    """
    for ax, (title, half, error, unit, full_byte) in zip(fig.subplots(1, 2), _HALVES, strict=True):
        for name, own, style in (("fixed", "gray", "-o"), ("hold last", "gold", ":v"), (scheme, "blue", "s")):
            of_scheme, size = points[name], 8 if name == scheme else 4
            ax.plot(of_scheme[f"{half}_byte"], of_scheme[error], style, color=color(own), ms=size, label=_called(name))
        ax.set(title=f"{title} ({unit})", xlabel="Bytes per user and slot", xlim=(0, 1.05 * full_byte))
        ax.set_ylim((-0.1, 6.5) if unit == "dB" else (-0.06, 4))
    fig.legend(*fig.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=_SMALL)


def _called(name: str) -> str:
    return {"fixed": "fixed periods, LSTM", "hold last": "fixed periods, hold last"}.get(name, name)


def draw_message_cost(
    fig: Figure,
    report_byte: Sequence[float],
    message_byte: Sequence[float],
    rival_byte: Sequence[float],
    labels: Sequence[str],
) -> None:
    """Draw bytes of devices' reports, those of the predictions that they get, and what fixed periods need."""
    ax, place = fig.subplots(), np.arange(len(labels))
    ax.bar(place, report_byte, 0.6, color=color("blue"), label="reports")
    ax.bar(place, message_byte, 0.6, bottom=report_byte, color=color("orange"), label="predictions sent to devices")
    ax.plot(place, rival_byte, ls="", marker="_", ms=40, mew=3, color=color("text"), label="fixed periods, as close")
    ax.set(ylabel="Bytes per user and slot", xlabel="Error of the twin")
    ax.set_xticks(place, labels, fontsize=_SMALL)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=_SMALL, markerscale=0.5)


def draw_timeline(fig: Figure, line: Timeline, limit_nat: float) -> None:
    """Draw one user: error and reports of the position, what a report was worth, error and reports of the SNR."""
    panels, slot = fig.subplots(3, 1, sharex=True), np.arange(len(line.is_walking))
    rows = (
        (line.position_error_m, line.is_behavior_collected, "Position\n(m off)", (-0.3, 5.0)),
        (line.behavior_entropy_nat, None, "Worth\n(nat)", (-0.1, 2.0)),
        (line.snr_error_db, line.is_networking_collected, "SNR\n(dB off)", (-0.9, 15.0)),
    )
    for ax, (values, came, name, limits) in zip(panels, rows, strict=True):
        ax.fill_between(slot, *limits, where=line.is_walking, step="mid", color=color("sky"), alpha=0.25, lw=0)
        if came is None:
            ax.axhline(limit_nat, color=color("text"), ls=":", lw=1.2)
        else:
            ax.plot(slot[came], np.zeros(int(came.sum())), "o", color=color("blue"), ms=5, label="report")
        ax.plot(slot, np.minimum(values, limits[1]), color=color("orange"), lw=1.6)
        ax.set(ylim=limits)
        ax.set_ylabel(name, fontsize=_SMALL)
    panels[0].legend(loc="upper right", fontsize=_SMALL)
    panels[2].set(xlabel="Slot")


def draw_learning(
    fig: Figure, error_m: Mapping[str, Float[np.ndarray, " slot"]], share: Mapping[str, Float[np.ndarray, " slot"]]
) -> None:
    """Draw over the slots, as running means, how far off positions are and who is asked, in each way of learning."""
    looks = (("gray", "-"), ("orange", "-"), ("gray", "--"), ("orange", "--"), ("blue", ":"))
    panels = fig.subplots(1, 2)
    for ax, values, title in zip(panels, (error_m, share), ("off (m)", "asked (%)"), strict=True):
        for (name, line), (own, dash) in zip(values.items(), looks, strict=False):
            ax.plot(_running(line), ls=dash, color=color(own), label=name)
        ax.set(title=title, xlabel="Slot")
    panels[0].set(yscale="log", ylim=(0.3, 20))
    panels[0].set_yticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
    panels[0].minorticks_off()
    panels[1].set(ylim=(0, 50))
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=_SMALL)


def _running(values: Float[np.ndarray, " slot"], n_slots: int = 8) -> Float[np.ndarray, " slot"]:
    """Return the mean of the last slots."""
    total = np.cumsum(np.concatenate([np.zeros(1), values]))
    end = np.arange(1, len(values) + 1)
    start = np.maximum(end - n_slots, 0)
    return (total[end] - total[start]) / (end - start)
