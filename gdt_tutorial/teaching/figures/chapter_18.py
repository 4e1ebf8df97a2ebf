"""The figures of chapter 18: watching probability, virtual buffers, versions at a price, replays, schedules."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gdt_tutorial.case_study.figures.slot_decisions import Moment, Offers, held_share
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.teaching.plots import color

__all__ = ["asked_at", "draw_buffers", "draw_chances", "draw_prices", "draw_replays", "draw_schedules"]

LOOKS = (("blue", "o-"), ("orange", "s--"), ("green", "^-."), ("purple", "D:"), ("gray", "v-"))
_VIDEOS = ("on screen", "next", "second next", "third next", "fourth next")
_N_VIDEOS, _SHOWN_S = 12, 90  # how much of a list the virtual buffers show at least
_SMALL = 11.5  # points: legible on a phone


def draw_chances(
    fig: Figure, with_curves: Sequence[Float[np.ndarray, " ahead"]], in_order: Sequence[Float[np.ndarray, " ahead"]]
) -> None:
    """Draw the probability that coming segments are wanted: with swipe curves, and without."""
    panels = fig.subplots(1, 2, sharey=True)
    for ax, chances in zip(panels, (with_curves, in_order), strict=True):
        for (own, style), name, chance in zip(LOOKS, _VIDEOS, chances, strict=False):
            ax.plot(100 * chance, style, color=color(own), label=name, ms=5)
        ax.set(xlabel="Segments ahead", xlim=(-0.3, 10.3), ylim=(-3, 103))
    panels[0].set(ylabel="Wanted within 10 s (%)", title="swipe-aware")
    panels[1].set(title="sequential")
    handles = panels[0].get_legend_handles_labels()
    fig.legend(*handles, loc="outside upper center", ncols=3, fontsize=_SMALL)


def draw_buffers(fig: Figure, moment: Moment, catalog: VideoCatalog, group: int) -> None:
    """Draw what the SMGs of one group of the first campus hold, want and get in a slot, along the group's list."""
    session, features, ax = moment.session, moment.features, fig.subplots()
    first = int(session.head[0][session.group[0] == group].min())
    base, edge = _stretch(first, session.playlist[0, group], catalog)
    rows, right = np.nonzero(features.group[0] == group)[0], float(_SHOWN_S)
    for place, row in enumerate(rows):
        is_member = features.subgroup[0] == row
        share = held_share(session, is_member, base, edge)
        at = np.nonzero(share)[0]
        ax.scatter(at, np.full(at.shape, place), s=42 * share[at], marker="s", color=color("blue"))
        lists = ((features.segments[0, row], ".", "gray"), (moment.decision.segments[0, row], "d", "orange"))
        for segments, marker, own in lists:
            kept = segments[(segments[:, 0] >= base) & (segments[:, 0] < base + _N_VIDEOS)]
            x = edge[kept[:, 0] - base] + kept[:, 1]
            ax.scatter(x, np.full(x.shape, place + 0.26), s=26, marker=marker, color=color(own))
        head = np.minimum(session.head[0][is_member] - base, _N_VIDEOS - 1)
        x = edge[head] + session.play_s[0][is_member]
        right = max([right, *(x + 10)])  # the axis grows with the session
        ax.scatter(x, np.full(x.shape, place - 0.28), s=34, marker="^", color=color("green"))
    for x in edge[edge < right]:
        ax.axvline(x, color=color("muted"), lw=0.6, ls=":")
    names = [f"AP {features.ap[0, row] + 1}, {'lag' if row % 2 else 'lead'}" for row in rows]
    ax.set_yticks(range(len(rows)), names, fontsize=12)
    ax.set(xlim=(-1, right), ylim=(-0.6, len(rows) - 0.4), xlabel="Segments along the list (dotted: next video)")
    ax.grid(False)
    _buffer_legend(fig, ax)


def _stretch(first: int, playlist: Int[np.ndarray, " video"], catalog: VideoCatalog) -> tuple[int, np.ndarray]:
    """Return the list position at which a figure begins, and the segment at which each of its videos does."""
    video = playlist[(first + np.arange(_N_VIDEOS)) % len(playlist)]
    return first, np.append(0, np.cumsum(catalog.n_segments[video]))


def _buffer_legend(fig: Figure, ax: Axes) -> None:
    entries = (
        ("blue", "s", "held (size: by how many)"),
        ("green", "^", "a member plays here"),
        ("gray", ".", "listed"),
        ("orange", "d", "sent in this slot"),
    )
    for own, marker, text in entries:
        ax.scatter([], [], marker=marker, color=color(own), label=text)
    fig.legend(loc="outside upper center", ncols=2, fontsize=_SMALL)


def draw_prices(fig: Figure, offers: Offers, price: float, *, lowest_price: float) -> None:
    """Draw what each SMG of an access point asks for at a price on computing, and all of them together.

    Args:
        offers: Of the access point.
        price: Per slot of computing.
        lowest_price: Of all that are drawn; it fixes the axes.
    """
    version, used, band = asked_at(offers, price)
    most = asked_at(offers, lowest_price)[1:]
    ax, total = fig.subplots(2, 1, height_ratios=(len(used), 3))
    shades = ("sky", "green", "gold", "orange")
    for place, (own, share) in enumerate(zip(version, used, strict=True)):
        ax.barh(place, 100 * share, 0.7, color=color(shades[own % len(shades)]))
        said = f"version {own + 1}" if share > 0 else "nothing"
        ax.annotate(said, (100 * share, place), (4, 0), textcoords="offset points", va="center", fontsize=_SMALL)
    ax.set_yticks(range(len(used)), [f"SMG {place + 1}" for place in range(len(used))])
    ax.set(xlim=(0, 130 * most[0].max()), xlabel="Share of the slot's computing (%)", title="Each asks for")
    total.barh([0, 1], [100 * used.sum(), 100 * band.sum()], 0.6, color=color("blue"))
    total.axvline(100, color=color("text"), lw=1.2)
    total.set_yticks([0, 1], ["computing", "band"])
    widest = max(1.2, *(each.sum() for each in most))
    total.set(xlim=(0, 105 * widest), xlabel="Share of the slot (%)", title="Together (line: the slot)")
    for each in (ax, total):
        each.invert_yaxis()


def asked_at(
    offers: Offers, price: float
) -> tuple[Int[np.ndarray, " subgroup"], Float[np.ndarray, " subgroup"], Float[np.ndarray, " subgroup"]]:
    """Return each SMG's version at a price on computing, and the shares of computing and band that it asks for."""
    surplus = np.maximum(offers.gain - price * offers.cycles, 0)
    version = (surplus.sum(axis=-1) - offers.step_cost).argmax(axis=-1)
    row = np.arange(len(version))
    is_bought = surplus[row, version] > 0
    cycles, radio = ((cost[row, version] * is_bought).sum(axis=-1) for cost in (offers.cycles, offers.radio))
    return version, cycles, radio


def draw_replays(
    fig: Figure,
    plain: Float[np.ndarray, " batch"],
    paired: Float[np.ndarray, " batch"],
    expected: Float[np.ndarray, " batch"],
) -> None:
    """Draw differences of plain returns and of paired ones, and the paired ones over what a network expected."""
    left, right = fig.subplots(1, 2, width_ratios=(1, 1.15))
    span = np.abs(plain).max() * 1.05
    bins = np.linspace(-span, span, 31)
    left.hist(plain, bins, color=color("gray"), alpha=0.7, label="plain returns")
    left.hist(paired, bins, color=color("blue"), alpha=0.7, label="paired")
    left.set(xlabel="Difference of two returns", ylabel="Changes")
    left.legend(fontsize=_SMALL, loc="lower center", bbox_to_anchor=(0.45, 1.0))
    right.plot(expected, paired, ".", color=color("blue"), ms=5)
    reach = [min(expected.min(), -0.1), max(expected.max(), 0.1)]
    right.plot(reach, reach, "--", color=color("orange"), label="as expected")
    right.axhline(0, color=color("text"), lw=0.8)
    right.set(xlabel="The network expected", ylabel="The change was worth")
    right.legend(fontsize=_SMALL, loc="lower center", bbox_to_anchor=(0.45, 1.0))


def draw_schedules(fig: Figure, lost: Mapping[int, Mapping[str, Sequence[float]]]) -> None:
    """Draw the mean percentage of a slot's optimum that each scheduler gives away, a bar for each capacity.

    Args:
        lost: From Gcycle/s to scheduler to slots.
    """
    ax, names, n = fig.subplots(), list(next(iter(lost.values()))), len(lost)
    most = max(float(np.mean(each)) for row in lost.values() for each in row.values())
    for index, (gcycles, row) in enumerate(lost.items()):
        own, shift = LOOKS[index % len(LOOKS)][0], 0.24 * (index - (n - 1) / 2)
        means = [float(np.mean(row[name])) for name in names]
        places = [place + shift for place in range(len(names))]
        ax.barh(places, means, 0.22, color=color(own), label=f"{gcycles} Gcycle/s")
        for mean, place in zip(means, places, strict=True):
            ax.annotate(
                f"{mean:.1f}", (max(mean, 0), place), (3, 0), textcoords="offset points", va="center", fontsize=_SMALL
            )
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()  # so that bars and legend have one order
    ax.set(xlabel="Worth of the slot that is given away (%)", xlim=(0, 1.15 * max(most, 0.1)))
    ax.legend(fontsize=_SMALL, loc="upper right")
