"""The pictures of chapter 05: errors by size, rate against distortion, a path that comes back, widths, makers, faults."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from gdt_tutorial.loops.recipes.twin_table import TwinTable
from gdt_tutorial.loops.recipes.vae_in_the_twin import AGES
from gdt_tutorial.teaching.plots import color
from gdt_tutorial.twin.recipes.code_table import CodeTable
from gdt_tutorial.twin.recipes.latent_widths import Believed
from gdt_tutorial.twin.recipes.vae_study import BETAS, N_LATENTS

__all__ = [
    "draw_age",
    "draw_errors",
    "draw_makers",
    "draw_mended",
    "draw_path",
    "draw_rate_distortion",
]

# Color and line of each code, and how figures call it.
LOOKS = {
    "convolutions": ("orange", "^--", "autoencoder, convolutions"),
    "perceptron": ("green", "v-.", "autoencoder, perceptron"),
    "vae": ("blue", "o-", "VAE"),
    "untrained": ("gray", "s:", "VAE, untrained"),
    "vae from noise": ("purple", "D-.", "VAE, usual start"),
}
_PCA = "principal components"
_REACH_M = 130.0  # of the map around a path


def draw_errors(fig: Figure, codes: CodeTable) -> None:
    """Draw errors against those of principal components over the number of latents, with many and with few windows."""
    for ax, n_windows in zip(fig.subplots(1, 2), (3000, 200), strict=True):
        place = np.arange(len(N_LATENTS))
        for shift, name in zip((-0.1, 0.1, 0.0), ("convolutions", "perceptron", "vae"), strict=True):
            own, style, label = LOOKS[name]
            above = [codes.lost_percent(name, _PCA, n_latent=k, n_windows=n_windows) for k in N_LATENTS]
            mean, half = np.array(above).T
            ax.errorbar(place + shift, mean, yerr=half, fmt=style, color=color(own), capsize=4, label=label)
        ax.axhline(0, color=color("text"), lw=1.6, label="principal components")
        pca = [codes.values("mse", _PCA, n_latent=k, n_windows=n_windows).mean() for k in N_LATENTS]
        ax.set_xticks(place, [f"{k}\n({error:.2f})" for k, error in zip(N_LATENTS, pca, strict=True)])
        ax.set(title=f"{n_windows:,} windows", xlabel="Latents", ylim=(-24, 30 if n_windows > 1000 else 120))
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("Error against PCA (%)")
            handles = ax.get_legend_handles_labels()
    fig.legend(*handles, loc="outside upper center", ncols=2, fontsize=12)


def draw_rate_distortion(
    fig: Figure,
    codes: CodeTable,
    bound: tuple[Float[np.ndarray, " point"], Float[np.ndarray, " point"]],
    live: Sequence[tuple[float, float]],
) -> None:
    """Draw distortion over nats beside the Gaussian's curve, and by how much each code is above or below it.

    Args:
        fig: An empty figure.
        codes: The stored comparison.
        bound: Nats and distortion of the Gaussian.
        live: Nats and distortion of the variational autoencoders of this run.
    """
    left, right = fig.subplots(1, 2, width_ratios=(1.1, 1))
    left.plot(*bound, "-", color=color("text"), lw=1.6, label="Gaussian bound")
    for name in ("untrained", "vae from noise", "vae"):
        own, style, label = LOOKS[name]
        rate, lost = (
            np.array([codes.values(column, f"{name}, by beta", beta=beta).mean() for beta in BETAS])
            for column in ("rate_nats", "distortion")
        )
        left.plot(rate, lost, style, color=color(own), label=label)
        above = np.array([codes.nats_percent(name, beta) for beta in BETAS])
        right.errorbar(above[:, 0], lost, xerr=above[:, 1], fmt=style, color=color(own), capsize=4)
    left.plot(*np.array(live).T, "o", ms=13, mfc="none", color=color("blue"), label="VAE, this run")
    right.axvline(0, color=color("text"), lw=1.6)
    # Down here more components help, and a network does not.
    right.axhspan(0.1, 0.23, color=color("gray"), alpha=0.18, lw=0)
    right.text(62, 0.115, "components\nwin", fontsize=12, color=color("text"))
    left.set(xlabel="Rate (nats)", ylabel="Distortion", xscale="log", xlim=(0.8, 50), ylim=(0.1, 0.7))
    left.set_xticks([1, 3, 10, 30], ["1", "3", "10", "30"])
    left.xaxis.set_minor_formatter(NullFormatter())
    right.set(xlabel="Nats above bound (%)", ylim=(0.1, 0.7))
    right.tick_params(axis="y", labelleft=False)
    fig.legend(loc="outside upper center", ncols=2, fontsize=12)


def draw_path(
    fig: Figure,
    path_m: Float[np.ndarray, "slot xy"],
    mean_m: Float[np.ndarray, "slot xy"],
    drawn_m: Float[np.ndarray, "draw slot xy"],
    snr_db: Mapping[str, Float[np.ndarray, " slot"]],
    drawn_db: Float[np.ndarray, "draw slot"],
) -> None:
    """Draw a user's path and SNR with what comes back from the mean of the latents and from draws of them."""
    left, right = fig.subplots(1, 2, width_ratios=(1.1, 1))
    for each in drawn_m:
        left.plot(*each.T, "-", color=color("sky"), lw=1.2, alpha=0.7)
    left.plot(*path_m.T, "o-", ms=4, color=color("text"), label="true")
    left.plot(*mean_m.T, "-", color=color("blue"), lw=3, label="from the mean")
    left.plot([], [], "-", color=color("sky"), label="from draws")
    middle_m = path_m.mean(axis=0)
    for name, middle in zip(("x", "y"), middle_m, strict=True):
        left.set(**{f"{name}lim": (middle - _REACH_M, middle + _REACH_M)})
    left.set(xlabel="East (m)", ylabel="North (m)", aspect="equal")
    slot = np.arange(len(path_m))
    for one in drawn_db:
        right.plot(slot, one, "-", color=color("sky"), lw=1.2, alpha=0.7)
    right.plot(slot, snr_db["true"], "o-", ms=4, color=color("text"))
    right.plot(slot, snr_db["mean"], "-", color=color("blue"), lw=3)
    right.set(xlabel="Slot", ylabel="SNR to AP 1 (dB)", ylim=(-15, 55))
    fig.legend(loc="outside upper center", ncols=3, fontsize=12)


def draw_mended(fig: Figure, twin: TwinTable) -> None:
    """Draw the SNR errors of filled and denoised reports, method by method."""
    panels = (
        ("30 % lost", "filling", 0.3, ("straight lines", "Gaussian", "smoother", "smoother, corrected")),
        ("85 % lost", "filling", 0.85, ("straight lines", "Gaussian", "smoother", "smoother, corrected")),
        ("noise of 3 dB", "denoising", 3.0, ("reports", "smoother", "smoother, corrected")),
    )
    heights = [len(methods) for *_, methods in panels]
    for ax, (title, study, place, methods) in zip(
        fig.subplots(3, 1, sharex=True, height_ratios=heights), panels, strict=True
    ):
        rows = np.arange(len(methods))
        mean, half = np.array([twin.mean(study, place, name, "snr_db") for name in methods]).T
        own = [color("blue" if "corrected" in name else "gray") for name in methods]
        bars = ax.barh(rows, mean, xerr=half, height=0.7, color=own, ecolor=color("text"), capsize=3)
        ax.bar_label(bars, fmt="%.2f", padding=5, color=color("text"), fontsize=12)
        ax.set_yticks(rows, [name.replace("smoother, corrected", "with VAE") for name in methods])
        ax.set_title(title, fontsize=13)
        ax.set_xlim(0, 6.8)
        ax.invert_yaxis()
    ax.set_xlabel("SNR error (dB)")


def draw_age(
    fig: Figure,
    twin: TwinTable,
    age: int,
    path_m: Float[np.ndarray, "user slot xy"],
    vae: Believed,
    lstm: Believed,
    user: int,
) -> None:
    """Draw one walker with the beliefs of where it is, and the mean width of a latent over the age of the report."""
    left, right = fig.subplots(1, 2, width_ratios=(1, 1.15))
    own_m = path_m[user] - path_m[user, -1]  # the truth of now lies in the middle
    left.plot(*own_m.T, "-", color=color("gray"), lw=1.6)
    left.plot(*own_m[-1 - age], "s", ms=8, color=color("gray"), label="last report")
    left.plot(0, 0, "o", ms=7, color=color("text"), label="truth now")
    for name, believed, own, style in (("VAE", vae, "blue", "-"), ("LSTM", lstm, "orange", "--")):
        center = believed.position_m[user] - path_m[user, -1]
        turn = np.linspace(0, 2 * np.pi, 60)
        ring = center[:, None] + believed.position_std_m[user][:, None] * np.stack([np.cos(turn), np.sin(turn)])
        left.plot(*ring, style, color=color(own), label=name)
    left.set(xlim=(-50, 50), ylim=(-50, 50), aspect="equal", xlabel="East (m)", ylabel="North (m)")
    for name, own, style, label in (
        ("matched", "blue", "o-", "trained to match"),
        ("untrained", "gray", "s:", "untrained"),
        ("whole", "purple", "D-.", "trained to denoise"),
    ):
        width = [twin.values("width", each, name, "width").mean() for each in AGES]
        right.plot(AGES, width, style, color=color(own), label=label)
    right.axvline(age, color=color("text"), lw=1.2)
    right.set(xlabel="Age (slots)", ylabel="Mean width of a latent", xlim=(-0.5, 15.5), ylim=(0, 1.05))
    fig.legend(loc="outside upper center", ncols=3, fontsize=11.5)


def draw_makers(fig: Figure, twin: TwinTable) -> None:
    """Draw what makers gain on the one that reads the believed status alone, and how far their rates are off."""
    makers = ("coming", "expected", "rate", "code", "width", "same width", "expected and width")
    left, right = fig.subplots(1, 2, sharey=True)
    rows = np.arange(len(makers))
    for row, name in zip(rows, makers, strict=True):
        own = color("orange" if "expected" in name else "gray" if name == "coming" else "blue")
        gained, half = twin.difference("loop", 8, name, "mean", "qoe")
        left.errorbar(gained, row, xerr=half, fmt="o", color=own, capsize=4)
        off, off_half = twin.percent("loop", 8, name, "mean", "rate_rmse")
        right.errorbar(off, row, xerr=off_half, fmt="o", color=own, capsize=4)
    for ax in (left, right):
        ax.axvline(0, color=color("text"), lw=1.2)
    names = [name.replace("coming", "next mean").replace("expected and", "expected,") for name in makers]
    left.set_yticks(rows, names)
    left.invert_yaxis()
    left.set(xlabel="QoE gained")
    right.set(xlabel="Rate error (%)")
