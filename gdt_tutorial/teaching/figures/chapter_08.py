"""The figures of chapter 08: sizes beside the paper's ranges, layers, growth, rounded weights, and who pays for computing."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from gdt_tutorial.gai.footprint import Footprint
from gdt_tutorial.teaching.plots import color
from gdt_tutorial.twin.model_zoo import PaperRange

__all__ = ["Growth", "draw_charge", "draw_growth", "draw_layers", "draw_rounded", "draw_sizes"]

_LOOKS = {
    "GAN": ("blue", "o"),
    "GT": ("orange", "s"),
    "VAE": ("green", "D"),
    "GDM": ("purple", "^"),
    "other": ("gray", "v"),
}
_LINES = (("blue", "o", "-"), ("orange", "s", "--"), ("green", "D", "-."), ("purple", "^", ":"), ("gray", "v", "-"))
_SMALL = 11  # points
_WIDEST = 12  # percent


def draw_sizes(
    fig: Figure, sizes: Sequence[tuple[str, int, int]], ranges: Mapping[str, PaperRange], edge_byte: float
) -> None:
    """Draw storage and computing of models as points, and the paper's ranges as boxes.

    Args:
        fig: Where to draw.
        sizes: Kind, bytes and FLOPs of each model.
        ranges: Of the paper, by kind.
        edge_byte: Cache of an edge server, as a line.
    """
    ax = fig.subplots()
    ax.set(xscale="log", yscale="log", xlim=(100, 1e12), ylim=(1e3, 1e17))
    for kind, (own, mark) in _LOOKS.items():
        of_kind = [(byte, flops) for each, byte, flops in sizes if each == kind]
        byte, flops = zip(*of_kind, strict=True)
        ax.plot(byte, flops, ls="", marker=mark, color=color(own), label=f"{kind}, this book")
        if kind in ranges:
            (left, right), (low, high) = ranges[kind].storage_byte, ranges[kind].flops
            box = Rectangle((left, low), right - left, high - low, fill=False, ec=color(own), lw=2)
            ax.add_patch(box)
    ax.axvline(edge_byte, color=color("text"), ls=":", lw=1)
    ax.text(edge_byte, 3e3, " cache of an\n edge server", fontsize=_SMALL, va="bottom", color=color("text"))
    ax.set(xlabel="Storage (bytes)", ylabel="FLOPs of one use")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=_SMALL)


def draw_layers(fig: Figure, used: Footprint) -> None:
    """Draw of each layer in order its FLOPs, and the bytes that a cut behind it has to send."""
    left, right = fig.subplots(1, 2, sharey=True)
    place = np.arange(len(used.layers))[::-1]
    left.barh(place, [layer.n_flops / 1e6 for layer in used.layers], color=color("blue"))
    right.barh(place, [layer.live_byte / 1e3 for layer in used.layers], color=color("orange"))
    left.set(xlabel="MFLOPs", yticks=place, title="computed")
    left.set_yticklabels([layer.name for layer in used.layers])
    right.set(xlabel="kB", title="alive behind")


class Growth(NamedTuple):
    """Parameters and FLOPs of a model at growing widths."""

    n_parameters: Float[np.ndarray, " _"]
    n_flops: Float[np.ndarray, " _"]


def draw_growth(fig: Figure, factors: Sequence[int], growth: Mapping[str, Growth], factor: int) -> None:
    """Draw parameters and FLOPs over the width, with a mark at one width and a slope of 2 as a guide."""
    panels = fig.subplots(1, 2)
    for ax, part, title in zip(panels, Growth._fields, ("parameters", "FLOPs of one use"), strict=True):
        values = [getattr(each, part) for each in growth.values()]
        for (name, each), (own, mark, line) in zip(growth.items(), _LINES, strict=False):
            y = getattr(each, part)
            ax.plot(factors, y, ls=line, color=color(own), label=name)
            ax.plot(factor, y[list(factors).index(factor)], marker=mark, ms=9, color=color(own))
        low = min(each[0] for each in values) / 3
        ax.plot(factors, low * np.array(factors, float) ** 2, color=color("text"), ls=":", lw=1)
        ax.axvline(factor, color=color("text"), lw=1, alpha=0.4)
        ax.set(
            xscale="log", yscale="log", xlabel="Times as wide", title=title, ylim=(low / 1.5, 2 * max(map(max, values)))
        )
        ax.set_xticks(factors, [str(each) for each in factors])
        ax.minorticks_off()
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=_SMALL)


def draw_rounded(fig: Figure, change_percent: Mapping[str, float], byte_percent: float) -> None:
    """Draw how far each measure moves when weights are rounded, and what is left of the bytes."""
    left, right = fig.subplots(1, 2, width_ratios=(4, 1))
    place = np.arange(len(change_percent))[::-1]
    left.barh(place, list(change_percent.values()), color=color("orange"))
    left.axvline(0, color=color("text"), lw=1)
    for at, value in zip(place, change_percent.values(), strict=True):
        left.text(_WIDEST, at, f"{value:+.2g} ", ha="right", va="center", fontsize=_SMALL, color=color("text"))
    left.set(xlim=(-_WIDEST, _WIDEST), xlabel="Change of the measure (%)", yticks=place)
    left.set_yticklabels(list(change_percent))
    right.bar([0], [byte_percent], color=color("blue"))
    right.set(ylim=(0, 105), xticks=[], ylabel="Bytes (%)")


def draw_charge(
    fig: Figure,
    share: Sequence[float],
    change: Sequence[tuple[float, float]],
    marks: Mapping[str, float],
    idle: float,
) -> None:
    """Draw what a charge on the edge servers changes in QoE.

    Args:
        fig: Where to draw.
        share: Of an edge server's cycles.
        change: Mean and half interval at each.
        marks: Shares of interest, by the words that stand there.
        idle: Share of the cycles that nobody uses without a charge.
    """
    ax = fig.subplots()
    mean, half = np.array(change).T
    ax.errorbar(100 * np.array(share), mean, yerr=half, color=color("blue"), marker="o", capsize=3)
    ax.axhline(0, color=color("text"), lw=1)
    ax.axvspan(100 * idle, 150, color=color("gray"), alpha=0.2, lw=0)
    top, bottom = 0.04, min(-0.04, 1.2 * float((mean - half).min()))
    for words, at in marks.items():
        ax.text(100 * at, top / 3, words, fontsize=_SMALL, ha="left", color=color("text"))
    ax.text(95, bottom * 0.95, "more than\nis idle", fontsize=_SMALL, ha="right", color=color("text"))
    ax.set(xscale="log", xlim=(0.015, 100), xlabel="Share of the edge servers' cycles (%)", ylabel="Change of QoE (/s)")
    ax.set_ylim(bottom, top)
    ax.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
