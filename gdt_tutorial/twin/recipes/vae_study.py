"""Codes of the status, compared on fresh users: what the table `reproduce vae` holds.

Each seed draws users to learn from and other users to be tried on. All codes meet the same windows; networks get the same
passes over them and a step size that falls along the same cosine. Sizes and step sizes were chosen on other seeds.

    principal components   closed form, nothing trained
    convolutions           `gai.autoencoder`, as the case study has it, with 60 passes instead of 30
    perceptron             the layers of the variational autoencoder, trained as a plain autoencoder, from principal components
    untrained              the start of the variational autoencoder: probabilistic PCA
    vae                    the variational autoencoder from that start
    vae from noise         the same layers and passes from random weights, without the linear path: the usual way
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import product
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from gdt_tutorial.gai.autoencoder import AutoencoderConfig, train_autoencoder
from gdt_tutorial.gai.vae import BOOK, VaeConfig, VariationalAutoencoder
from gdt_tutorial.gai.vae_scores import CodeScore, code_score, gaussian_bound
from gdt_tutorial.gai.vae_training import mean_square_loss, negative_elbo, start_vae, train_vae
from gdt_tutorial.learning import FitConfig, fit
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream, torch_seeded, torch_stream
from gdt_tutorial.twin.abstraction.status_windows import sample_windows, status_features

__all__ = ["BETAS", "N_LATENTS", "VERSION", "codes_by_beta", "codes_by_latents", "status_of_users", "tasks", "work"]

VERSION = "1"
N_LATENTS = (2, 4, 8, 16)
BETAS = (1.0, 4.0, 16.0, 64.0, 160.0)
_SEED = 50_000  # no setting was chosen on these
_N_WINDOWS, _N_TEST, _PER_CAMPUS = (3000, 200), 2000, 50
_ALMOST_NO_NOISE = 0.01  # a plain autoencoder starts from principal components without their shrinkage


def tasks(n_seeds: int) -> list[dict[str, Any]]:
    """Return one task for each seed and number of windows to learn from."""
    return [{"seed": _SEED + seed, "n_windows": n} for n, seed in product(_N_WINDOWS, range(n_seeds))]


def work(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Compare the codes on the windows of one seed.

    A task may name fewer latents and betas under "n_latents" and "betas".
    """
    seed, n_windows, n_test = task["seed"], task["n_windows"], task.get("n_test", _N_TEST)
    config = replace(BOOK, fit=_passes(task.get("n_epochs", BOOK.fit.n_epochs), n_windows))
    topology = Topology.waterloo()
    train = status_of_users(topology, n_windows, rng=stream(seed, "vae users"))
    fresh = torch.from_numpy(status_of_users(topology, n_test, rng=stream(seed, "vae fresh users"))).float()
    condition = {"seed": seed, "n_windows": n_windows}
    rows = list(codes_by_latents(train, fresh, config, task.get("n_latents", N_LATENTS), seed=seed))
    if n_windows == _N_WINDOWS[0]:
        rows += codes_by_beta(train, fresh, config, task.get("betas", BETAS), seed=seed)
    return [{**condition, **row} for row in rows]


def status_of_users(
    topology: Topology, n_users: int, n_slots: int = 32, *, rng: np.random.Generator
) -> Float[np.ndarray, "user slot feature"]:
    """Return the whole status of users who walk fifty to a campus."""
    window = sample_windows(topology, -(-n_users // _PER_CAMPUS), _PER_CAMPUS, n_slots, rng=rng)
    features = status_features(window)
    return features.reshape(-1, *features.shape[2:])[:n_users]


def codes_by_latents(
    train: Float[np.ndarray, "user slot feature"],
    fresh: Float[Tensor, "batch slot feature"],
    config: VaeConfig,
    n_latents: Sequence[int] = N_LATENTS,
    *,
    seed: int,
) -> Iterator[dict[str, Any]]:
    """Give one row for each code and number of latents, with beta 1."""
    for n_latent in n_latents:
        here, names = replace(config, n_latent=n_latent), ("vae study", n_latent)
        sharp = replace(here, sigma=_ALMOST_NO_NOISE)
        start = start_vae(train, here, generator=torch_stream(seed, *names))
        linear = start_vae(train, sharp, generator=torch_stream(seed, *names))
        plain, _ = train_vae(train, sharp, generator=torch_stream(seed, *names), loss=mean_square_loss)
        vae, _ = train_vae(train, here, generator=torch_stream(seed, *names))
        # Decay would pull these layers to nothing, not to principal components.
        passes = replace(config.fit, n_epochs=2 * config.fit.n_epochs, weight_decay=1e-3)
        convolutions, _ = train_autoencoder(
            train, AutoencoderConfig(n_latent=n_latent, fit=passes), generator=torch_stream(seed, *names)
        )
        for name, model in (("principal components", linear), ("convolutions", convolutions), ("perceptron", plain)):
            yield _row(name, n_latent, 1.0, _mean_square(start, model, fresh))
        for name, model in (("untrained", start), ("vae", vae)):
            yield _row(name, n_latent, 1.0, code_score(model, fresh, generator=torch_stream(seed, "draws")))


def codes_by_beta(
    train: Float[np.ndarray, "user slot feature"],
    fresh: Float[Tensor, "batch slot feature"],
    config: VaeConfig,
    betas: Sequence[float] = BETAS,
    *,
    seed: int,
) -> Iterator[dict[str, Any]]:
    """Give one row for each beta and start, with the nats that a Gaussian needs at the same distortion."""
    for beta in betas:
        here, names = replace(config, beta=beta), ("vae study", f"beta {beta:g}")
        models = {
            "untrained": start_vae(train, here, generator=torch_stream(seed, *names)),
            "vae": train_vae(train, here, generator=torch_stream(seed, *names))[0],
            "vae from noise": _from_noise(train, here, generator=torch_stream(seed, *names)),
        }
        for name, model in models.items():
            score = code_score(model, fresh, generator=torch_stream(seed, "draws"))
            bound = gaussian_bound(model, fresh, score.distortion).rate_nats
            yield _row(f"{name}, by beta", config.n_latent, beta, score) | {"bound_nats": bound}


def _from_noise(
    train: Float[np.ndarray, "user slot feature"], config: VaeConfig, *, generator: torch.Generator
) -> VariationalAutoencoder:
    """Train the usual way: random last layers, no linear path."""
    model = start_vae(train, config, generator=generator)
    with torch_seeded(generator):
        model.loading.zero_()
        for perceptron in (model.encoder, model.decoder):
            last = perceptron[-1]
            assert isinstance(last, nn.Linear)
            last.reset_parameters()
    passes = replace(config.fit, weight_decay=1e-3)  # as for the convolutions
    fit(model, (torch.from_numpy(train).float(),), negative_elbo, passes, generator=generator)
    return model


@torch.no_grad()
def _mean_square(scale: VariationalAutoencoder, model: nn.Module, fresh: Tensor) -> float:
    """Return the mean square error of what comes back, in the same units for every code."""
    return float(((scale.standardized(model(fresh)) - scale.standardized(fresh)) ** 2).mean())


def _row(name: str, n_latent: int, beta: float, score: CodeScore | float) -> dict[str, Any]:
    none = {"mse": score, "distortion": None, "rate_nats": None, "n_active": None}
    found = asdict(score) if isinstance(score, CodeScore) else none
    return {"code": name, "n_latent": n_latent, "beta": beta, **found, "bound_nats": None}


def _passes(n_epochs: int, n_windows: int) -> FitConfig:
    """Return the training: few windows get smaller batches, so that they are seen for 200 updates too."""
    batch_size = 256 if n_windows >= 1000 else 32
    return replace(BOOK.fit, n_epochs=n_epochs, batch_size=batch_size)
