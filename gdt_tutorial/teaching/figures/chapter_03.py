"""The pictures of chapter 03: maps with holes, coins, emulators side by side, holes by length, reports, augmentation."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from gdt_tutorial.loops.recipes.scene_study import AUGMENTATIONS, SIZES
from gdt_tutorial.loops.recipes.scene_table import SceneTable
from gdt_tutorial.physical.scenes.scene import Scene
from gdt_tutorial.teaching.plots import color
from gdt_tutorial.twin.emulation.maps.maker_scores import OUTAGE_LOSS_DB

__all__ = [
    "draw_augmentation",
    "draw_coins",
    "draw_emulators",
    "draw_holes",
    "draw_maps",
    "draw_update",
]

# Color and line of each emulator, and how figures call it.
LOOKS = {
    "heights drawn anew": ("gray", "s", "heights redrawn (oracle)"),
    "statistical law": ("purple", "D", "statistical law"),
    "ray table": ("gold", "v", "ray table"),
    "U-Net": ("orange", "^", "U-Net (mean)"),
    "U-Net and field": ("green", "P", "U-Net and field"),
    "GAN": ("blue", "o", "GAN"),
}
_LOSS_DB = (70.0, 130.0)


def draw_map(ax: Axes, scene: Scene, loss_db: Float[np.ndarray, "y x"], title: str) -> None:
    """Draw a map of the loss: the darker, the weaker; buildings in gray, outages outlined, the access point as a star."""
    south_west, north_east = scene.box_m
    extent = (south_west[0], north_east[0], south_west[1], north_east[1])
    street = np.where(scene.footprint, np.nan, loss_db)
    ax.set_facecolor(color("muted"))
    ax.imshow(street, origin="lower", extent=extent, cmap="viridis_r", vmin=_LOSS_DB[0], vmax=_LOSS_DB[1])
    is_out = np.where(scene.footprint, 0.0, street > OUTAGE_LOSS_DB)
    if is_out.any():
        x, y = scene.center_m[0, :, 0], scene.center_m[:, 0, 1]
        ax.contour(x, y, is_out, levels=[0.5], colors=[color("orange")], linewidths=1.4)
    ax.plot(*scene.ap_position_m[0], "*", ms=13, color=color("orange"), mec="white")
    ax.set_title(title, fontsize=13)
    ax.set_xticks([])
    ax.set_yticks([])


def draw_maps(
    fig: Figure, scene: Scene, maps: Sequence[tuple[str, Float[np.ndarray, "y x"]]], n_columns: int = 3
) -> None:
    """Draw several maps of one scene side by side."""
    n_rows = -(-len(maps) // n_columns)
    axes = np.ravel(fig.subplots(n_rows, n_columns, squeeze=False))
    for ax, (title, loss_db) in zip(axes, maps, strict=True):
        draw_map(ax, scene, loss_db, title)


def draw_coins(
    fig: Figure,
    real: Float[np.ndarray, "draw y x"],
    rows: Mapping[str, Float[np.ndarray, "draw y x"]],
) -> None:
    """Draw images of one condition: real ones, and those that generators draw."""
    axes = fig.subplots(1 + len(rows), len(real))
    for of_row, (name, images) in zip(axes, {"real": real, **rows}.items(), strict=True):
        for ax, image in zip(of_row, images, strict=True):
            ax.imshow(image, cmap="PuOr", vmin=-1.3, vmax=1.3)
            ax.set_xticks([])
            ax.set_yticks([])
        of_row[0].set_ylabel(name, fontsize=12)


def draw_emulators(fig: Figure, scenes: SceneTable) -> None:
    """Draw error, CRPS, spread and run distance of the emulators, with intervals over seeds."""
    columns = {
        "mean_rmse_db": "RMSE of mean (dB)",
        "crps_db": "CRPS (dB)",
        "spread_db": "Spread (dB)",
        "run_distance_m": "Holes off by (m)",
    }
    axes = np.ravel(fig.subplots(2, 2, sharey=True))
    names = list(LOOKS)
    for ax, (column, title) in zip(axes, columns.items(), strict=True):
        for place, name in enumerate(names):
            own, mark, _ = LOOKS[name]
            mean, half = scenes.mean(column, name)
            ax.errorbar(mean, place, xerr=half, fmt=mark, color=color(own), capsize=4, ms=8)
        ax.set_yticks(range(len(names)), [LOOKS[name][2] for name in names], fontsize=12)
        ax.invert_yaxis() if ax is axes[0] else None
        ax.set_xlim(left=0)
        ax.set_title(title, fontsize=13)


def draw_holes(fig: Figure, lengths_m: Mapping[str, Float[np.ndarray, " draw"]]) -> None:
    """Draw which share of the holes is longer than a length."""
    ax = fig.subplots()
    for name, lengths in lengths_m.items():
        own, _, label = LOOKS.get(name, ("text", "", "true scenes"))
        at = np.arange(0, 161, 8)
        longer = [(lengths > each).mean() for each in at]
        is_truth = name not in LOOKS
        ax.step(at, longer, where="post", color=color(own), lw=3.2 if is_truth else 2, label=label)
    ax.set(xlabel="Length of a hole (m)", ylabel="Share of longer holes", xlim=(0, 160), ylim=(0.05, 1.02))
    ax.set_yscale("log")
    ax.set_yticks([0.1, 0.2, 0.5, 1.0], ["10 %", "20 %", "50 %", "100 %"])
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.legend(fontsize=12)


def draw_update(
    fig: Figure,
    scene: Scene,
    maps: Sequence[tuple[str, Float[np.ndarray, "y x"]]],
    reported: Float[np.ndarray, "point xy"],
    curves: Mapping[str, Sequence[float]],
    n_reports: Sequence[int],
    now: int,
) -> None:
    """Draw three maps after some reports, and the CRPS of generator and kriging over the number of reports.

    Args:
        fig: An empty figure.
        scene: Whose maps these are.
        maps: Titles and maps.
        reported: Where reports came from.
        curves: CRPS of each emulator, by number of reports.
        n_reports: These numbers.
        now: Which of them is shown.
    """
    grid = fig.add_gridspec(2, len(maps), height_ratios=(1.15, 1))
    for column, (title, loss_db) in enumerate(maps):
        ax = fig.add_subplot(grid[0, column])
        draw_map(ax, scene, loss_db, title)
        if len(reported):
            ax.plot(*reported.T, ".", ms=6, color=color("orange"), mec="black", mew=0.4)
    ax, place = fig.add_subplot(grid[1, :]), np.arange(len(n_reports))
    for (name, values), own, mark in zip(curves.items(), ("blue", "green"), "oP", strict=True):
        ax.plot(place, values, f"{mark}-", color=color(own), label=name)
    ax.axvline(list(n_reports).index(now), color=color("text"), lw=1.2, ls=":")
    ax.set_xticks(place, [str(each) for each in n_reports])
    ax.set(xlabel="Reports", ylabel="CRPS (dB)", ylim=(0, 1.1 * max(max(each) for each in curves.values())))
    ax.legend(fontsize=12)


def draw_augmentation(fig: Figure, scenes: SceneTable) -> None:
    """Draw the error of a U-Net against that of the ray table, over the number of measured scenes, by augmentation."""
    ax, place = fig.subplots(), np.arange(len(SIZES))
    marks = (("gray", "x:"), ("orange", "s--"), ("blue", "o-"), ("gold", "v-."))
    looks = dict(zip(AUGMENTATIONS, marks, strict=True))
    for shift, (name, (own, style)) in zip((-0.12, -0.04, 0.04, 0.12), looks.items(), strict=True):
        above = [scenes.percent("rmse_db", name, "ray table", n, kind="augmentation") for n in SIZES]
        mean, half = np.array(above).T
        ax.errorbar(place + shift, mean, yerr=half, fmt=style, color=color(own), capsize=4, label=name)
    ax.axhline(0, color=color("text"), lw=1.4)
    ax.set_xticks(place, [f"{n}" for n in SIZES])
    ax.set(xlabel="Measured scenes", ylabel="RMSE against ray table (%)", xlim=(-0.3, len(SIZES) - 0.7))
    ax.legend(fontsize=12)
