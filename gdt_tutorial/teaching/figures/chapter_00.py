"""The pictures of chapter 00: the campus and what its twin believes, drawn maps, one person's timeline, waiting by manager."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gdt_tutorial.physical.scenes.scene import Scene
from gdt_tutorial.teaching.figures.chapter_03 import draw_map
from gdt_tutorial.teaching.page import publish, style
from gdt_tutorial.teaching.plots import color

__all__ = ["Course", "draw_campus", "draw_drawn", "draw_person", "draw_waiting", "four_numbers"]

ENLARGED = 10  # errors on the map


class Course(NamedTuple):
    """People of one day, and what the twin believed of them, slot by slot."""

    position_m: Float[np.ndarray, "slot user xy"]
    emulated_m: Float[np.ndarray, "slot user xy"]
    is_asked: Bool[np.ndarray, "slot user"]  # for the position
    period_slots: Int[np.ndarray, "slot user"]

    @property
    def error_m(self) -> Float[np.ndarray, "slot user"]:
        """Distance of the belief."""
        return np.linalg.norm(self.emulated_m - self.position_m, axis=-1)


def draw_campus(fig: Figure, scene: Scene, course: Course, slot: int) -> None:
    """Draw people, who of them was asked, and where the twin believes them to be, with enlarged errors."""
    ax = fig.subplots()
    _draw_buildings(ax, scene)
    true_m, asked = course.position_m[slot], course.is_asked[slot]
    belief_m = true_m + ENLARGED * (course.emulated_m[slot] - true_m)
    for person, ring in zip(true_m, belief_m, strict=True):
        ax.plot(*zip(person, ring, strict=True), "-", color=color("orange"), lw=1)
    ax.plot(*true_m[asked].T, "o", color=color("blue"), ms=5, label="asked")
    ax.plot(*true_m[~asked].T, "o", color=color("blue"), mfc="none", ms=5, label="not asked")
    ax.plot(*belief_m.T, "o", color=color("orange"), ms=10, mfc="none", label=f"belief (error × {ENLARGED})")
    ax.plot(*scene.ap_position_m.T, "^", color=color("green"), ms=12, label="access point")
    fig.legend(loc="outside upper center", ncols=2)


def _draw_buildings(ax: Axes, scene: Scene) -> None:
    (west, south), (east, north) = scene.box_m
    outline = np.where(scene.footprint, 1.0, np.nan)
    ax.imshow(outline, origin="lower", extent=(west, east, south, north), cmap="gray", vmin=0, vmax=2, alpha=0.5)
    ax.set(xlim=(west, east), ylim=(south, north), aspect="equal", xlabel="East (m)", ylabel="North (m)")
    ax.grid(False)


def draw_drawn(fig: Figure, scene: Scene, maps: Sequence[tuple[str, Float[np.ndarray, "y x"]]]) -> None:
    """Draw maps of the loss around the first access point, two in a row."""
    for ax, (title, loss_db) in zip(np.ravel(fig.subplots(-(-len(maps) // 2), 2)), maps, strict=True):
        draw_map(ax, scene, loss_db, title)


def draw_person(fig: Figure, course: Course, person: int) -> None:
    """Draw the true path of a person with the twin's belief, and below the error, the reports and the period."""
    way, *rows = fig.subplots(3, 1, height_ratios=[2.4, 1, 1])
    slot, asked = np.arange(len(course.position_m)), course.is_asked[:, person]
    way.plot(*course.position_m[:, person].T, "-", color=color("blue"), lw=3, alpha=0.5, label="true path")
    way.plot(*course.emulated_m[:, person].T, "o--", color=color("orange"), ms=4, lw=1, label="belief")
    way.plot(*course.position_m[asked, person].T, "o", color=color("blue"), ms=5, label="asked")
    low_m, high_m = course.position_m[:, person].min(axis=0), course.position_m[:, person].max(axis=0)
    middle_m, span_m = (low_m + high_m) / 2, high_m - low_m
    half_m = max(span_m[0] / 4, span_m[1] / 2, 5.0) + 2  # who stands has a map too
    west, east = middle_m[0] - 2 * half_m, middle_m[0] + 2 * half_m
    way.set(xlim=(west, east), ylim=(middle_m[1] - half_m, middle_m[1] + half_m), aspect="equal")
    way.set(xlabel="East (m)", ylabel="North (m)")
    rows[0].plot(slot, course.error_m[:, person], "-", color=color("orange"))
    rows[0].plot(slot[asked], 0 * slot[asked], "o", color=color("blue"), ms=5)
    rows[0].set(ylabel="Error (m)", ylim=(-0.6, 8), xticklabels=[])
    rows[1].step(slot, course.period_slots[:, person], where="mid", color=color("blue"))
    rows[1].set(xlabel="Slot", ylabel="Period", yscale="log", ylim=(0.8, 20))
    rows[1].set_yticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
    fig.legend(ncols=3, loc="outside upper center")


def draw_waiting(
    fig: Figure,
    waiting_s: Mapping[str, Float[np.ndarray, " day"]],
    interval: Callable[[np.ndarray], tuple[float, float]],
) -> None:
    """Draw seconds of waiting per minute: one bar for each way to decide, one dot for each day."""
    ax = fig.subplots()
    colors = ("blue", "orange", "purple", "gray")
    for row, ((name, days), own) in enumerate(zip(waiting_s.items(), colors, strict=False)):
        mean, half = interval(days)
        ax.barh(row, mean, 0.6, color=color(own), alpha=0.6, xerr=half, ecolor=color("text"), capsize=4, label=name)
        ax.plot(days, row + np.linspace(-0.2, 0.2, len(days)), "o", color=color("text"), ms=4)
    ax.set_yticks(range(len(waiting_s)), list(waiting_s))
    ax.set(xlabel="Waiting of a viewer (s per minute)", xlim=(0, None))
    ax.invert_yaxis()


def four_numbers(rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Show what each number is, its value here, that of its plain rival, and the chapter that goes into it."""
    head = "".join(f"<th>{name}</th>" for name in ("What", "GDT network", "Plain rival", "Chapter"))
    body = "".join(
        f"<tr><td>{escape(what)}</td><td><strong>{escape(value)}</strong></td><td>{escape(rival)}</td>"
        f'<td><span class="gdt-chapter">{chapter}</span></td></tr>'
        for what, value, rival, chapter in rows
    )
    text = "; ".join(f"{what}: {value}, {rival} (chapter {chapter})" for what, value, rival, chapter in rows)
    publish(
        f'{style("figure")}<table class="table gdt-four"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>',
        text,
    )
