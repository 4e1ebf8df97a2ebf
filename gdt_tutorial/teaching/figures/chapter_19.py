"""The figures of chapter 19, from stored runs: Fig. 5, its differences, parts of QoE, learning, parts, and maps."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from gdt_tutorial.case_study.figures.scheme_parts import PARTS
from gdt_tutorial.case_study.figures.scheme_table import SchemeTable
from gdt_tutorial.case_study.figures.win_map import MapDifference, WinMap
from gdt_tutorial.case_study.learning.learning_curves import LearningCurve
from gdt_tutorial.physical.playback import QoeConfig
from gdt_tutorial.teaching.plots import color

__all__ = [
    "FRAMES",
    "SIDES",
    "STYLES",
    "draw_differences",
    "draw_learning",
    "draw_maps",
    "draw_qoe",
    "draw_qoe_parts",
    "draw_worth",
    "stored_note",
]

STYLES = {  # color, marker and line, name in a legend
    "proposed": ("blue", "o-", "proposed (our reading)"),
    "greedy_cost_rule": ("orange", "s-", "gain per cost, rule"),
    "greedy_cost_learned": ("orange", "s:", "gain per cost, same BDQ"),
    "greedy_gain_rule": ("gold", "D-", "gain, rule"),
    "greedy_gain_learned": ("gold", "D:", "gain, same BDQ"),
    "drl_rule": ("purple", "v-", "DRL, rule"),
    "drl_learned": ("purple", "v:", "DRL, same BDQ"),
    "myopic": ("green", "^-", "search + SLSQP"),
    "equal": ("gray", "x--", "equal split, aware lists"),
    "equal_sequential": ("gray", "+-", "equal split, sequential"),
    "unicast": ("sky", "x:", "unicast, rule"),
    "bound": ("text", "-.", "bound"),
}
_THREE = ("proposed", "greedy_cost_rule", "drl_rule")
_EQUAL = ("equal_sequential", "equal")
_READINGS = tuple(name for name in STYLES if name not in ("unicast", "bound"))
FRAMES = {  # what Fig. 5 shows: its schemes, and the limits of its vertical axis
    "three schemes": ((*_THREE, *_EQUAL), (-0.55, 1.2)),
    "all readings": (_READINGS, (-0.55, 1.2)),
    "bound and unicast": (("bound", "proposed", "drl_rule", "equal_sequential", "unicast"), (-1.6, 2.9)),
}
SIDES = {"alone": lambda part: (f"{part} alone", "base"), "among the others": lambda part: ("full", f"without {part}")}
"""A part's worth: which variant of the table of parts minus which one."""

_COMPARED = {  # panel: differences of two schemes, with a look each
    "proposed minus": (
        ("proposed", "greedy_cost_rule", "gain per cost, rule"),
        ("proposed", "greedy_cost_learned", "gain per cost, same BDQ"),
        ("proposed", "myopic", "search + SLSQP"),
    ),
    "heuristic and actor": (
        ("greedy_cost_rule", "drl_rule", "gain per cost - DRL, rule"),
        ("greedy_gain_learned", "drl_learned", "gain - DRL, same BDQ"),
        ("drl_rule", "equal_sequential", "DRL - equal split, sequential"),
    ),
}
_LOOKS = (("blue", "o"), ("orange", "s"), ("green", "^"))
_FIRST_LABELS = {"greedy_cost_rule": "heuristic (gain/cost, rule)", "drl_rule": "DRL (rule)"}
_PALE = 0.28  # opacity of an undecided cell
_SMALL = 12  # points: legible when a phone shows the picture at 350 pixels
_MAPS = {
    ("proposed", "greedy_cost_rule"): "proposed -\ngain per cost, rule",
    ("proposed", "myopic"): "proposed -\nsearch + SLSQP",
    ("proposed", "drl_rule"): "proposed -\nDRL, rule",
    ("proposed", "equal"): "proposed -\nequal split",
    ("refit", "greedy_cost_rule"): "refitted -\ngain per cost, rule",
    ("refit", "myopic"): "refitted -\nsearch + SLSQP",
}


def stored_note(header: Mapping[str, str]) -> str:
    """Say in a caption which command made a table, from how many seeds, and of which viewers."""
    seeds = header["seeds"].split(", ")
    return (
        f"Stored runs: `{header['command']}`, {len(seeds)} seeds ({seeds[0]} to {seeds[-1]}) of four campuses, commit "
        f"`{header['commit']}`. Viewers: generator."
    )


def draw_qoe(fig: Figure, runs: SchemeTable, frame: str) -> None:
    """Draw one frame of Fig. 5: QoE over computing capacity, with the intervals of the three schemes."""
    ax, (names, limits) = fig.subplots(), FRAMES[frame]
    gcycles = runs.capacity_cycles_per_s / 1e9
    for name in names:
        own, style, label = STYLES[name]
        is_main = name in _THREE and frame == "three schemes"
        label = _FIRST_LABELS.get(name, label) if is_main else label
        mean = runs.mean(name)
        ax.plot(gcycles, mean.mean, style, color=color(own), label=label, lw=2.6 if is_main else 1.6, ms=6)
        if is_main:
            ax.fill_between(gcycles, mean.low, mean.high, color=color(own), alpha=0.18, lw=0)
    ax.set(xlabel="Computing capacity of an AP (Gcycle/s)", ylabel="QoE per second", xticks=gcycles, ylim=limits)
    fig.legend(loc="outside lower center", ncols=2, fontsize=_SMALL)


def draw_differences(fig: Figure, runs: SchemeTable) -> None:
    """Draw paired differences over capacity: the proposed scheme minus three others, and the order of its rivals."""
    gcycles = runs.capacity_cycles_per_s / 1e9
    for ax, (title, pairs) in zip(fig.subplots(2, 1, sharex=True), _COMPARED.items(), strict=True):
        for place, ((first, second, label), (own, marker)) in enumerate(zip(pairs, _LOOKS, strict=True)):
            gap, shift = runs.difference(first, second), 0.12 * (place - 1)
            line = {"color": color(own), "ms": 5, "capsize": 3, "lw": 1.4}
            ax.errorbar(gcycles + shift, gap.mean, gap.half, fmt=f"{marker}-", label=label, **line)
        ax.axhline(0, color=color("text"), lw=0.9)
        ax.set_title(title, fontsize=14)
        ax.set(ylabel="QoE per second", xticks=gcycles)
        _raise_ceiling(ax, 0.42)
        ax.legend(fontsize=_SMALL, loc="upper left")
    ax.set(xlabel="Computing capacity of an AP (Gcycle/s)")


def _raise_ceiling(ax: Axes, share: float) -> None:
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + share * (high - low))


def draw_qoe_parts(fig: Figure, runs: SchemeTable, place: int, names: Sequence[str], weights: QoeConfig) -> None:
    """Draw what the QoE of some schemes is made of at one capacity, and how far it lies apart between users."""
    ax = fig.subplots()

    def at(name: str, column: str) -> float:
        return float(runs.values(name, column)[..., place].mean())

    for row, name in enumerate(names):
        stall = weights.stall_weight * at(name, "stall")
        ax.barh(row, weights.quality_weight * at(name, "quality"), 0.6, color=color("blue"), alpha=0.55)
        ax.barh(row, -stall, 0.6, color=color("orange"), alpha=0.55)
        variation = weights.variation_weight * at(name, "variation")
        ax.barh(row, -variation, 0.6, left=-stall, color=color("purple"), alpha=0.55)
        ax.plot([at(name, "qoe_p10"), at(name, "qoe_p90")], [row, row], "-", color=color("text"), lw=1.6)
        ax.plot(at(name, "qoe"), row, "o", color=color("text"), ms=6)
    ax.set_yticks(range(len(names)), [STYLES[name][2].replace(", ", ",\n") for name in names], fontsize=_SMALL)
    ax.invert_yaxis()
    ax.axvline(0, color=color("text"), lw=0.9)
    ax.set(xlim=(-2.6, 2.9), xlabel="QoE per second and its parts")
    for own, text in (("blue", "quality"), ("orange", "stalls"), ("purple", "variation")):
        ax.barh([0], [0], color=color(own), alpha=0.55, label=text)
    fig.legend(loc="outside upper center", ncols=3, fontsize=_SMALL)


def draw_learning(
    fig: Figure,
    versions: Sequence[LearningCurve],
    bare: Sequence[LearningCurve],
    rules: float,
    differences: Sequence[LearningCurve],
    actors: Sequence[LearningCurve],
) -> None:
    """Draw learning curves, each with the line it has to beat: the search, a rule, or its own untrained start.

    Args:
        versions: QoE gained on the search by the version networks with their fallbacks, round by round.
        bare: The same of the networks alone.
        rules: QoE gained on the search by the better rule at each capacity.
        differences: QoE gained on the search by temporal differences.
        actors: QoE of the actors; their first look is the untrained start.
    """
    axes: dict[str, Axes] = fig.subplot_mosaic([["replays", "differences"], ["actor", "actor"]])
    for curves, own, style, label in (
        (versions, "blue", "o-", "with fallback"),
        (bare, "orange", "s:", "network alone"),
    ):
        for place, curve in enumerate(curves):
            axes["replays"].plot(
                curve.step, curve.score, style, color=color(own), ms=5, lw=1.4, label="" if place else label
            )
    axes["replays"].axhline(0, color=color("text"), lw=1.4, label="search (zero)")
    axes["replays"].axhline(rules, color=color("gray"), ls="--", lw=1.6, label="better rule")
    axes["replays"].set(xlabel="Round", xticks=versions[0].step, ylabel="QoE gained on search")
    axes["replays"].legend(fontsize=_SMALL, loc="lower right")
    for curve in differences:
        axes["differences"].plot(curve.step / 1e3, curve.score, "o-", color=color("green"), ms=5)
    axes["differences"].set(xlabel="Thousand steps")
    for curve in actors:
        axes["actor"].plot(curve.step / 1e3, curve.gain_on_start(), "v-", color=color("purple"), ms=5, lw=1.4)
    axes["actor"].set(xlabel="Thousand steps", ylabel="QoE gained on\nuntrained start")
    titles = {"replays": "paired replays", "differences": "temporal diff.", "actor": "the DRL scheme's actor"}
    for name, title in titles.items():
        axes[name].axhline(0, color=color("text"), lw=1.4)
        axes[name].set_title(title, fontsize=14)
    axes["actor"].annotate(
        "zero: equal split, untrained start",
        (0.02, 0),
        (0, 4),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        fontsize=_SMALL,
    )
    for name in ("replays", "differences"):
        axes[name].set_ylim(-0.13, 0.06)
    axes["actor"].set_ylim(top=0.05)


def draw_worth(fig: Figure, table: SchemeTable) -> None:
    """Draw the worth of each part of the proposed scheme, alone and among the others."""
    panels = fig.subplots(1, 2, sharey=True, sharex=True)
    gcycles = table.capacity_cycles_per_s / 1e9
    for ax, (title, pair) in zip(panels, SIDES.items(), strict=True):
        for place, part in enumerate(PARTS):
            gap = table.difference(*pair(part))
            for mean, half, (own, marker), up in zip(gap.mean, gap.half, _LOOKS, (-0.2, 0, 0.2), strict=True):
                ax.errorbar(mean, place + up, xerr=half, fmt=marker, color=color(own), ms=6, capsize=3, lw=1.6)
        ax.axvline(0, color=color("text"), lw=0.9)
        ax.set_title(title, fontsize=14)
        ax.set(xlabel="QoE per second")
    handles = [
        Line2D([], [], ls="", marker=marker, color=color(own), label=f"{capacity:.0f} Gcycle/s")
        for capacity, (own, marker) in zip(gcycles, _LOOKS, strict=True)
    ]
    panels[0].set_yticks(range(len(PARTS)), PARTS, fontsize=13)
    panels[0].invert_yaxis()
    fig.legend(handles=handles, loc="outside upper center", ncols=3, fontsize=_SMALL)


def draw_maps(fig: Figure, table: WinMap) -> None:
    """Draw six small maps: blue where the first scheme is better, orange where the other is, pale where it is undecided."""
    panels = fig.subplots(3, 2, sharex=True, sharey=True)
    for ax, ((first, second), title) in zip(panels.flat, _MAPS.items(), strict=True):
        _draw_map(ax, table.difference(first, second))
        ax.set_title(title, fontsize=_SMALL)
    users, bands = (table.axes[name] for name in ("n_users", "bandwidth_hz"))
    rows = [f"{user:.0f}, {band / 1e6:.0f}" for user in users for band in bands]
    capacities = [f"{capacity / 1e9:.0f}" for capacity in table.axes["capacity"]]
    weights = table.axes["stall_weight"]
    for ax in panels[:, 0]:
        ax.set_yticks(range(len(rows)), rows, fontsize=11)
        ax.set_ylabel("users, MHz", fontsize=_SMALL)
    for ax in panels[-1]:
        ax.set_xticks(range(len(capacities) * len(weights)), capacities * len(weights), fontsize=11)
        said = f"Gcycle/s; stall weight\n{weights[0]:g} left, {weights[-1]:g} right"
        ax.set_xlabel(said, fontsize=_SMALL)
    handles = [
        Patch(color=color("blue"), label="first is better"),
        Patch(color=color("orange"), label="other is better"),
        Patch(color=color("blue"), alpha=_PALE, label="pale: undecided"),
        Patch(facecolor=color("muted"), hatch="////", lw=0, label="seeds differ in sign"),
    ]
    fig.legend(handles=handles, loc="outside upper center", ncols=2, fontsize=_SMALL)


def _draw_map(ax: Axes, gap: MapDifference) -> None:
    """Draw a condition as a cell: rows are users and band, columns stall weight and capacity."""
    n_weights, *_, n_capacities = gap.mean.shape

    def flat(values: np.ndarray) -> np.ndarray:
        return np.concatenate([each.reshape(-1, n_capacities) for each in values], axis=1)

    mean, is_decided, has_both = flat(gap.mean), flat(gap.is_decided), flat(gap.has_both_signs)
    for (row, column), value in np.ndenumerate(mean):
        corner, own = (column - 0.5, row - 0.5), color("blue" if value > 0 else "orange")
        ax.add_patch(Rectangle(corner, 1, 1, color=own, alpha=0.95 if is_decided[row, column] else _PALE, lw=0))
        if has_both[row, column]:
            ax.add_patch(Rectangle(corner, 1, 1, facecolor="none", hatch="////", lw=0))
    for edge in range(1, n_weights):
        ax.axvline(edge * n_capacities - 0.5, color=color("background"), lw=5)
    ax.set(xlim=(-0.5, mean.shape[1] - 0.5), ylim=(len(mean) - 0.5, -0.5))
    ax.grid(False)
