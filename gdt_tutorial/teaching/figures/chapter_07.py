"""The pictures of chapter 07: noise that becomes decisions, guidance on the ring, sampled paths."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from gdt_tutorial.teaching.plots import color

__all__ = ["draw_denoising", "draw_guidance", "draw_paths"]


def draw_denoising(
    fig: Figure,
    now: Float[np.ndarray, "draw xy"],
    goal: Float[np.ndarray, "draw xy"],
    centers: Float[np.ndarray, "choice xy"],
    share_left: float,
) -> None:
    """Draw samples on their way from noise to three good decisions, in the color of the one at which each will end.

    Args:
        fig: An empty figure.
        now: Where the samples are.
        goal: Where they end.
        centers: The good decisions.
        share_left: The share of the data's variance in a sample, alpha_bar.
    """
    ax = fig.subplots()
    ends = np.linalg.norm(goal[:, None] - centers, axis=-1).argmin(axis=1)
    for choice, name in enumerate(("blue", "green", "purple")):
        ax.plot(*now[ends == choice].T, ".", ms=5, color=color(name), alpha=0.6)
    ax.plot(*centers.T, "o", ms=22, mfc="none", mec=color("text"), mew=1.6)
    ax.plot(*centers.mean(axis=0), "X", ms=14, color=color("orange"), mec="white")
    ax.set(xlim=(-2.6, 2.6), ylim=(-2.6, 2.6), aspect="equal", title=f"Signal left: {100 * share_left:.0f} %")
    ax.set(xlabel="First entry of the decision", ylabel="Second entry")


def draw_guidance(
    fig: Figure,
    shares: Mapping[str, float],
    guidance: Sequence[float],
    queue: Sequence[float],
    now: float,
    lines: Mapping[str, float],
) -> None:
    """Draw which patterns are chosen at one place, and the mean queue of a policy over guidance.

    Args:
        fig: An empty figure.
        shares: Of the draws, by pattern.
        guidance: Values that were tried.
        queue: Mean queue at each of them, as a share of the capacity.
        now: The value that is shown.
        lines: Mean queues to compare with.
    """
    left, right = fig.subplots(1, 2, gridspec_kw={"width_ratios": (1, 1.15)})
    place = np.arange(len(shares))
    names = ["blue" if name != "others" else "gray" for name in shares]
    left.bar(place, [100 * share for share in shares.values()], color=[color(name) for name in names])
    left.set_xticks(place, list(shares), fontsize=12)
    left.set(ylim=(0, 100), ylabel="Draws (%)", xlabel="Cells that send")
    right.plot(guidance, queue, "o-", color=color("blue"))
    right.plot(now, queue[list(guidance).index(now)], "o", ms=14, mfc="none", mec=color("orange"), mew=2.5)
    for (name, level), style, shade in zip(lines.items(), ("--", ":", "-."), ("green", "orange", "gray"), strict=False):
        right.axhline(level, color=color(shade), ls=style, lw=2, label=name)
    right.set(ylim=(0, 0.75), xlabel="Guidance", ylabel="Mean queue (of capacity)")
    right.legend(fontsize=12, loc="upper right")


def draw_paths(
    fig: Figure,
    drawn_db: Mapping[str, Float[np.ndarray, "draw slot"]],
    true_db: Float[np.ndarray, " slot"],
    mean_db: Float[np.ndarray, " slot"],
) -> None:
    """Draw some sampled paths of the SNR of one user, by sampler, with the mean and what then came."""
    axes = np.ravel(fig.subplots(2, 2, sharex=True, sharey=True))
    slot = np.arange(1, len(true_db) + 1)
    for ax, (name, paths) in zip(axes, drawn_db.items(), strict=True):
        for path in paths:
            ax.plot(slot, path, color=color("blue"), alpha=0.45, lw=1.2)
        ax.plot(slot, mean_db, color=color("orange"), lw=2.4, ls="--")
        ax.plot(slot, true_db, color=color("text"), lw=2.4)
        ax.set_title(name, fontsize=13)
    for ax in axes[2:]:
        ax.set_xlabel("Slots ahead")
    for ax in axes[::2]:
        ax.set_ylabel("SNR (dB)")
