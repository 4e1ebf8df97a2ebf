"""The figures and tables of chapter 17: curves and their errors, clouds of users, numbers of groups, the paper's Fig. 4."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure

from gdt_tutorial.teaching.plots import color

__all__ = [
    "draw_clouds",
    "draw_counts",
    "draw_curve_errors",
    "draw_curves_of_one_type",
    "draw_fig4",
    "draw_gains",
    "stored_words",
]

_TYPE_COLORS = ("blue", "orange", "green", "purple", "gold", "sky", "gray", "text", "muted")
_DASHES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (7, 2)), (0, (1, 3)), "-")
_CLASS_COLORS, _MARKS = ("blue", "orange", "green", "purple"), "os^D"
_SMALL = 11  # points


def draw_curve_errors(
    fig: Figure,
    n_views: Sequence[int],
    error: Mapping[str, Float[np.ndarray, " amount"]],
    impossible: Mapping[str, Float[np.ndarray, " amount"]],
) -> None:
    """Draw how far curves are from the truth, and what they call impossible, over views per user (percent)."""
    left, right = fig.subplots(1, 2)
    for name, own, style in zip(error, ("orange", "blue", "gray"), ("s:", "o-", "^--"), strict=True):
        left.plot(n_views, error[name], style, color=color(own), label=name)
        right.plot(n_views, impossible[name], style, color=color(own))
    left.set(ylim=(0, 17), title="error (points)")
    right.set(ylim=(-2, 60), title="“impossible” (%)")
    for ax in (left, right):
        ax.set(xscale="log", xlabel="Views per user", xticks=n_views)
        ax.set_xticklabels([str(n) for n in n_views])
        ax.minorticks_off()
    fig.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=_SMALL)


def draw_clouds(
    fig: Figure, points: Mapping[str, Float[np.ndarray, "user xy"]], user_class: Int[np.ndarray, " user"]
) -> None:
    """Draw each description of the same users in its two first principal components, with their true classes."""
    for ax, (title, point) in zip(fig.subplots(1, len(points)), points.items(), strict=True):
        # The sign of a component is arbitrary: class 0 stays on the left.
        at = point / np.abs(point).max() * np.where(point[user_class == 0].mean(axis=0) > 0, -1, 1)
        for one in range(int(user_class.max()) + 1):
            ax.plot(*at[user_class == one].T, _MARKS[one], color=color(_CLASS_COLORS[one]), alpha=0.8, ms=6)
        ax.set(xlim=(-1.15, 1.15), ylim=(-0.9, 0.9), xticks=[], yticks=[])
        ax.set_title(title, fontsize=13)


def draw_counts(
    fig: Figure, truth: Sequence[int], answers: Mapping[str, tuple[np.ndarray, np.ndarray]], constant: int
) -> None:
    """Draw the number of groups that choosers name over the number that was planted: means, and halves of intervals."""
    ax = fig.subplots()
    ax.plot(truth, truth, "-", color=color("text"), lw=1.2, label="the truth")
    looks = (("blue", "o-"), ("green", "D-."), ("orange", "s:"))
    for shift, (name, (mean, half)), (own, style) in zip((-0.06, 0, 0.06), answers.items(), looks, strict=True):
        at = np.asarray(truth) + shift
        ax.errorbar(at, mean, half, fmt=style, color=color(own), capsize=4, label=name)
    ax.axhline(constant, color=color("gray"), ls="--", lw=1.5, label="best constant")
    ax.set(xlabel="Classes planted", ylabel="Groups chosen", xticks=truth, ylim=(1, 8.6))
    fig.legend(loc="outside upper center", ncols=2, fontsize=_SMALL)


def draw_fig4(
    fig: Figure,
    curve: Float[np.ndarray, "group type edge"],
    band: tuple[np.ndarray, np.ndarray],
    type_names: Sequence[str],
    group_names: Sequence[str],
) -> None:
    """Draw the paper's Fig. 4: one line style per group, one color per type, with intervals; the first tenth is gray."""
    ax, edge = fig.subplots(), np.linspace(0, 1, curve.shape[-1])
    for number, kind in np.ndindex(curve.shape[:2]):
        own = color(_TYPE_COLORS[kind])
        ax.plot(edge, curve[number, kind], ls=_DASHES[number], color=own, lw=2)
        ax.fill_between(edge, band[0][number, kind], band[1][number, kind], color=own, alpha=0.1, lw=0)
    for kind, name in enumerate(type_names):
        ax.plot([], [], "-", color=color(_TYPE_COLORS[kind]), label=name)
    for number, name in enumerate(group_names):
        ax.plot([], [], ls=_DASHES[number], color=color("text"), label=name)
    ax.axvspan(0, 0.1, color=color("border"), alpha=0.5, zorder=0)
    _as_curve(ax)
    fig.legend(loc="outside upper center", ncols=2, fontsize=_SMALL)


def draw_gains(fig: Figure, gains: Mapping[str, tuple[float, float, float]]) -> None:
    """Draw what each grouping gains on unseen views: value and ends of an interval (percent)."""
    ax, names = fig.subplots(), list(gains)[::-1]
    for row, name in enumerate(names):
        value, low, high = gains[name]
        own = color("blue" if name == "double DQN" else "gray")
        ax.errorbar(value, row, xerr=[[value - low], [high - value]], fmt="o", color=own, capsize=4, ms=8)
    ax.axvline(0, color=color("text"), lw=1.2)
    ax.set(yticks=range(len(names)), yticklabels=names, ylim=(-0.6, len(names) - 0.4))
    ax.set_xlabel("Unseen view more probable by (%)")
    ax.tick_params(axis="y", labelsize=_SMALL)


def draw_curves_of_one_type(
    fig: Figure, curve: Float[np.ndarray, "group edge"], band: tuple[np.ndarray, np.ndarray], title: str
) -> None:
    """Draw the curves of all groups for one type, the fastest swipers first."""
    ax, edge = fig.subplots(), np.linspace(0, 1, curve.shape[-1])
    for number, place in enumerate(np.argsort(-curve[:, -1])):
        own = color(_TYPE_COLORS[number])
        ax.plot(edge, curve[place], ls=_DASHES[number], color=own)
        ax.fill_between(edge, band[0][place], band[1][place], color=own, alpha=0.12, lw=0)
    ax.set_title(title, fontsize=13)
    _as_curve(ax)


def _as_curve(ax: Any) -> None:
    ax.set(xlabel="Part of the video", ylabel="Cumulative swipe probability", xlim=(0, 1), ylim=(0, 1))


def stored_words(
    rows: Sequence[Mapping[str, Any]], quantity: str, source: str, *, scheme: str = "proposed", digits: int = 2
) -> str:
    """Write the mean of a quantity of the stored Fig. 4 over its seeds, with the least and the most.

    Quantities of a grouping are those of `scheme`; a gain in nats per view is written in percent.
    """
    values = np.array(
        [
            row["value"]
            for row in rows
            if row["quantity"] == quantity
            and row["source"] == source
            and (row["scheme"] == scheme or quantity.endswith("gap"))
        ]
    )
    values = 100 * np.expm1(values) if quantity == "likelihood_gain" else values
    return f"{values.mean():.{digits}f} ({values.min():.{digits}f} to {values.max():.{digits}f})"
