"""The pictures of chapter 07: noise that becomes decisions, guidance and rivals on the ring, sampled paths."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from gdt_tutorial.teaching.plots import color
from gdt_tutorial.twin.recipes.diffusion_table import DiffusionTable

__all__ = ["RIVALS", "draw_convergence", "draw_denoising", "draw_guidance", "draw_paths", "draw_rivals"]

# How figures call a method, and its color: rules gray, labels orange, reinforcement learning purple, diffusion blue.
RIVALS = {
    "max-weight": ("max-weight (oracle)", "gray"),
    "best logged": ("best logged policy", "gray"),
    "random, best of 8": ("random, best of 8", "gray"),
    "cloning, best fifth": ("clone, best fifth", "orange"),
    "chances, best fifth": ("chances, best fifth", "orange"),
    "regression, rank 1": ("regression, rank 1", "orange"),
    "classes, best fifth": ("classes, best fifth", "orange"),
    "every pattern, rank 1": ("every pattern, rank 1", "orange"),
    "DDPG offline": ("DDPG offline", "purple"),
    "diffusion, best fifth": ("diffusion, best fifth", "blue"),
    "diffusion, guidance 0": ("diffusion, guidance 0", "blue"),
    "diffusion, guidance 1": ("diffusion, guidance 1", "blue"),
    "diffusion, guidance 3": ("diffusion, guidance 3", "blue"),
    "diffusion, best of 8": ("diffusion, best of 8", "blue"),
}
_CURVES = {
    "diffusion, guidance 3": ("blue", "o-", "diffusion"),
    "DDPG offline": ("purple", "s--", "DDPG offline"),
    "DDPG online": ("orange", "^:", "DDPG online"),
}


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
            ax.plot(slot, path, "-", color=color("blue"), alpha=0.45, lw=1.2)
        ax.plot(slot, mean_db, color=color("orange"), lw=2.4, ls="--")
        ax.plot(slot, true_db, color=color("text"), lw=2.4)
        ax.set_title(name, fontsize=13)
    for ax in axes[2:]:
        ax.set_xlabel("Slots ahead")
    for ax in axes[::2]:
        ax.set_ylabel("SNR (dB)")


def draw_rivals(fig: Figure, stored: DiffusionTable) -> None:
    """Draw the mean queue of every way to decide on the ring, with an expert in the logs and without."""
    panels = {"expert": "an expert in the logs", "no expert": "no expert in the logs"}
    axes, place = fig.subplots(1, 2, sharey=True), np.arange(len(RIVALS))
    for ax, (logs, title) in zip(axes, panels.items(), strict=True):
        best = -stored.mean(logs, "best logged")[0]
        ax.axvline(best, color=color("gray"), lw=1.2, ls=":")
        for row, (method, (_, name)) in zip(place, RIVALS.items(), strict=True):
            mean, half = stored.mean(logs, method)
            ax.errorbar(-mean, row, xerr=half, fmt="o", color=color(name), capsize=4, ms=7)
        ax.set(xlim=(0, 0.85), xlabel="Mean queue")
        ax.set_title(title, fontsize=13)
    axes[0].set_yticks(place, [label for label, _ in RIVALS.values()], fontsize=12)
    axes[0].invert_yaxis()


def draw_convergence(fig: Figure, stored: DiffusionTable) -> None:
    """Draw the mean queue over gradient steps; online learning knows no logs, and is the same in both panels."""
    panels = {"expert": "an expert in the logs", "no expert": "no expert in the logs"}
    axes = fig.subplots(1, 2, sharey=True)
    for ax, (logs, title) in zip(axes, panels.items(), strict=True):
        for method, (name, style, label) in _CURVES.items():
            curve = stored.curve("expert" if method == "DDPG online" else logs, method)
            mean, half = np.array(list(curve.values())).T
            ax.errorbar(list(curve), -mean, yerr=half, fmt=style, color=color(name), capsize=3, label=label)
        ax.axhline(-stored.mean(logs, "max-weight")[0], color=color("gray"), lw=1.4)
        ax.set_xscale("symlog", linthresh=100)
        ax.set_xticks([0, 100, 1000], ["0", "100", "1,000"])
        ax.set(ylim=(0, 0.95), xlabel="Gradient steps")
        ax.set_title(title, fontsize=13)
    axes[0].set_ylabel("Mean queue (of capacity)")
    axes[0].legend(fontsize=12)
