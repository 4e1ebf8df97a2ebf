"""The pictures of chapter 16: errors of emulated positions and channels, the campus, the QoE lost, and three crowds."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gdt_tutorial.case_study.figures.horizon_study import Horizon
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.teaching.plots import color

__all__ = ["LOOKS", "CampusCourse", "draw_audience", "draw_cost", "draw_errors", "draw_progress", "draw_snr"]

# Color and line of each way to emulate.
LOOKS = {
    "LSTM": ("blue", "o-"),
    "fixed share": ("green", "v-."),
    "constant velocity": ("orange", "^--"),
    "hold last": ("gray", "s:"),
}


def draw_errors(fig: Figure, horizon: Horizon) -> None:
    """Draw position errors over the slots since the report: of all users, and split by whether they have turned."""
    left, right = fig.subplots(1, 2, sharey=True)
    ahead = np.arange(1, len(horizon.turned_share) + 1)
    for name, (own, style) in LOOKS.items():
        error = horizon.errors[name]
        left.plot(ahead, error.position_m, style, color=color(own), label=name)
        right.plot(ahead, error.turned_m, style, color=color(own))
        right.plot(ahead, error.kept_m, style, color=color(own), alpha=0.45, lw=1.3, ms=4)
    left.set(ylabel="Error (m)", title="All users", ylim=(0, None))
    right.set(title="Turned (pale: not)")
    for ax in (left, right):
        ax.set(xlabel="Slots after report", xticks=[1, 4, 8])
    fig.legend(loc="outside upper center", ncols=2, fontsize=13)


def draw_progress(
    fig: Figure, age: int, progress: Float[np.ndarray, " user"], fixed: float, learned: Float[np.ndarray, " user"]
) -> None:
    """Draw which part of the straight continuation walkers really went, and which share the twin believes in."""
    ax = fig.subplots()
    bins = np.linspace(-1.05, 1.15, 23)
    ax.hist(progress, bins.tolist(), weights=np.full(len(progress), 100 / len(progress)), color=color("sky"), alpha=0.6)
    ax.axvline(fixed, color=color("green"), ls="-.", label="best fixed share")
    low, high = np.quantile(learned, [0.1, 0.9])
    ax.plot([low, high], [80, 80], color=color("blue"), lw=7, solid_capstyle="butt", label="LSTM, 8 users of 10")
    for place in (0.0, 1.0):
        ax.axvline(place, color=color("text"), lw=1.0)
    ax.set_xticks([-1, 0, 0.5, 1], ["-1", "0\nhold last", "0.5", "1\nconst. velocity"])
    ax.set(xlim=(-1.1, 1.3), ylim=(0, 100), title=f"{age} slot{'s' if age > 1 else ''} after the report")
    ax.set(xlabel="Part of the straight continuation", ylabel="Walkers (%)")
    fig.legend(loc="outside lower center", ncols=2, fontsize=12)


class CampusCourse:
    """True and believed positions on one campus over some slots, and who was asked in each.

    Args:
        topology: Campus and access points.
        true_m: Where users are.
        believed_m: Where the twin believes them to be.
        is_asked: Who reported in the slot.
        enlarged: Factor of the drawn error.
    """

    def __init__(
        self,
        topology: Topology,
        true_m: Float[np.ndarray, "slot user xy"],
        believed_m: Float[np.ndarray, "slot user xy"],
        is_asked: Bool[np.ndarray, "slot user"],
        enlarged: float = 5,
    ) -> None:
        self._topology, self._true_m, self._believed_m = topology, true_m, believed_m
        self._is_asked, self._enlarged = is_asked, enlarged
        self._gap_m = np.linalg.norm(believed_m - true_m, axis=-1)

    def n_off(self, slot: int, least_m: float = 5.0) -> int:
        """Count the users that are misplaced by at least so much."""
        return int((self._gap_m[slot] >= least_m).sum())

    def asked(self, slot: int) -> str:
        """Name the users that were asked in a slot."""
        users = np.flatnonzero(self._is_asked[slot])
        return ", ".join(map(str, users[:3])) + ", ..." if len(users) > 4 else ", ".join(map(str, users))

    def draw(self, fig: Figure, slot: int) -> None:
        """Draw one slot."""
        ax, truth_m, asked = fig.subplots(), self._true_m[slot], self._is_asked[slot]
        ring_m = truth_m + self._enlarged * (self._believed_m[slot] - truth_m)
        self._draw_ground(ax)
        for user, ring in zip(truth_m, ring_m, strict=True):
            ax.plot(*zip(user, ring, strict=True), "-", color=color("orange"), lw=1.2)
        belief = f"belief (error x {self._enlarged:g})"
        ax.plot(*ring_m[~asked].T, "o", ms=9, mfc="none", color=color("orange"), label=belief)
        ax.plot(*truth_m[~asked].T, "o", ms=5, color=color("blue"), label="user, emulated")
        ax.plot(*truth_m[asked].T, "D", ms=9, color=color("purple"), label="user, asked: its turn")
        ax.plot(*self._topology.ap_position_m.T, "^", ms=13, color=color("green"), label="access point")
        fig.legend(loc="outside upper center", ncols=2, fontsize=13)

    def _draw_ground(self, ax: Axes) -> None:
        campus = self._topology.campus
        places_m = [one[2:] for one in campus.buildings if campus.contains(np.array(one[2:]))]
        ax.plot(*np.array(places_m).T, "s", ms=8, color=color("gray"), alpha=0.3)
        (left, bottom), (right, top) = campus.box_m
        ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal", xlabel="East (m)", ylabel="North (m)")
        ax.grid(False)


def draw_snr(fig: Figure, horizon: Horizon) -> None:
    """Draw SNR errors over the slots since the report, with and without the measurement and the true position."""
    ax, ahead = fig.subplots(), np.arange(1, len(horizon.held_db) + 1)
    for label, error_db, own, style in (
        ("law alone, true position (oracle)", horizon.law_alone_db, "orange", "^--"),
        ("last measurement", horizon.held_db, "gray", "s:"),
        ("both, LSTM's position", horizon.errors["LSTM"].snr_db, "blue", "o-"),
        ("both, true position (oracle)", horizon.known_place_db, "green", "-."),
    ):
        ax.plot(ahead, error_db, style, color=color(own), label=label)
    ax.set(xlabel="Slots after the report", ylabel="SNR error (dB)", ylim=(0, 10.5), xticks=ahead)
    ax.legend(loc="lower right", fontsize=12)


def draw_cost(
    fig: Figure,
    panels: Mapping[str, Sequence[tuple[str, int, tuple[float, float, float]]]],
) -> None:
    """Draw the QoE lost in percent with its interval: by panel, rows of an emulator's name, the period, and the loss."""
    looks = LOOKS | {"LSTM, law alone": ("purple", "D-.")}
    short = {"constant velocity": "straight", "hold last": "hold", "LSTM, law alone": "law alone"}
    for ax, (title, rows) in zip(fig.subplots(1, 2, sharex=True), panels.items(), strict=True):
        names = list(dict.fromkeys(name for name, _, _ in rows))
        for name, period_slots, (lost, low, high) in rows:
            is_rare = period_slots > 3
            place = -names.index(name) - 0.28 * is_rare
            marker, error = "s" if is_rare else "o", [[lost - low], [high - lost]]
            own = color(looks[name][0])
            ax.errorbar(lost, place, xerr=error, fmt=marker, ms=8, color=own, mfc="none" if is_rare else own, capsize=4)
        ax.axvline(0, color=color("text"), lw=0.9)
        ax.set(title=title, xlabel="QoE lost (%)", ylim=(-len(names) + 0.4, 0.5))
        ax.set_yticks(-np.arange(len(names)), [short.get(name, name) for name in names])
        ax.tick_params(axis="y", labelleft=ax.get_subplotspec().is_first_col())
    for marker, fill, text in (("o", True, "report every 3 slots"), ("s", False, "every 8 slots")):
        mfc = color("text") if fill else "none"
        ax.plot([], [], marker, color=color("text"), mfc=mfc, label=text)
    fig.legend(loc="outside upper center", ncols=2, fontsize=13)


def draw_audience(fig: Figure, curves: Mapping[str, Float[np.ndarray, " edge"]]) -> None:
    """Draw the share of views that were swiped away by each part of a video, one line for each crowd."""
    ax = fig.subplots()
    styles = [("text", "-"), ("blue", "o--"), ("orange", "s:"), ("green", "v-.")]
    for (name, swiped), (own, style) in zip(curves.items(), styles, strict=False):
        ax.plot(np.linspace(0, 100, len(swiped)), 100 * swiped, style, color=color(own), label=name)
    ax.set(xlabel="Part of the video (%)", ylabel="Views swiped away by then (%)", xlim=(0, 100), ylim=(0, 75))
    ax.legend(loc="upper left")
