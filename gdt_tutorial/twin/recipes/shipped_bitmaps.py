"""How the shipped makers of muting bitmaps are made: logs of events elsewhere, an encoder, and two diffusion models.

The places are 24 random scenes with six masts each, and none is the campus. On each, four days are logged under the policy of
`dense_event_logs`: a search in half of the slots, coins in the others, on reports that are four slots old. The encoder learns
from all contexts, the diffusion models from the best fifth of the decisions; one reads the code, the other one the context
itself. On a scene no order of the access points is special, so all learn from orders at random (a minute in all).
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.gai.denoiser import Denoiser, DiffusionConfig
from gdt_tutorial.gai.diffusion import train_denoiser
from gdt_tutorial.gai.vae import VaeConfig, VariationalAutoencoder
from gdt_tutorial.gai.vae_training import train_vae
from gdt_tutorial.learning import FitConfig, cosine
from gdt_tutorial.physical.scenes.campus_event import CampusEventConfig, event_network
from gdt_tutorial.physical.scenes.layout import SceneConfig, random_scene
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.abstraction.coded_context import code_of_context
from gdt_tutorial.twin.abstraction.muting_context import mirrored_context
from gdt_tutorial.twin.decision.learned_bitmaps import vectors_of
from gdt_tutorial.twin.recipes.dense_event_logs import EventLog, half_random, log_of, play_event

__all__ = ["BitmapConfig", "ShippedBitmaps", "event_logs", "train_shipped_bitmaps"]

_SEED = 41_000  # far from the seeds that chapters and tests run with


@configclass
class BitmapConfig:
    """Size of logs, encoder and training."""

    n_scenes: int = parameter(24, "Places that are logged.", "chosen", above=0)
    n_days: int = parameter(4, "Days of each.", "chosen", above=0)
    n_slots: int = parameter(35, "Slots of a day.", "as the logs of chapter 07", above=3)
    n_orders: int = parameter(16, "Orders of access points and parts of each decision.", "chosen", above=0)
    vae: VaeConfig = parameter(
        VaeConfig(
            n_latent=32,
            n_hidden=64,
            sigma=0.1,
            fit=FitConfig(n_epochs=20, batch_size=256, learning_rate=3e-3, weight_decay=1.0, schedule=cosine),
        ),
        "The encoder.",
        "chosen among 8 to 32 latents on other seeds: fewer lose more of the decision",
    )
    diffusing: DiffusionConfig = parameter(DiffusionConfig(n_updates=1500), "The diffusion models.", "as chapter 07")


class ShippedBitmaps(NamedTuple):
    """What is trained together."""

    encoder: VariationalAutoencoder  # of contexts
    coded: Denoiser  # reads the code
    uncoded: Denoiser  # reads the context


def event_logs(config: BitmapConfig = BitmapConfig(), *, seed: int = _SEED) -> EventLog:
    """Log the days, and rank what was decided on all of them."""
    runs = []
    for place in range(config.n_scenes):
        scene = random_scene(SceneConfig(n_aps=CampusEventConfig().n_aps), rng=stream(seed, "scene", place))
        network = event_network(config.n_days, scene=scene, seed=seed + place)
        runs.append(play_event(network, half_random, config.n_slots, seed=seed + place))
    return log_of(runs)


def train_shipped_bitmaps(config: BitmapConfig = BitmapConfig(), *, seed: int = _SEED) -> ShippedBitmaps:
    """Train the encoder and both diffusion models anew."""
    log = event_logs(config, seed=seed)
    seen, _ = _reordered(log, 4, rng=stream(seed, "contexts"))
    encoder, _ = train_vae(seen[:, None], config.vae, generator=torch_stream(seed, "encoder"))
    context, vector = _reordered(log.best(), config.n_orders, rng=stream(seed, "orders"))

    def trained(known: Float[np.ndarray, "sample context"]) -> Denoiser:
        generator = torch_stream(seed, "diffusion")
        return train_denoiser(vector, torch.from_numpy(known).float(), None, config.diffusing, generator=generator)

    return ShippedBitmaps(encoder, trained(code_of_context(encoder, context)), trained(context))


def _reordered(
    log: EventLog, n_orders: int, *, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "sample context"], Float[Tensor, "sample feature"]]:
    """Return contexts and bitmaps of a log, each with the access points and the parts in several orders."""
    contexts, bitmaps = [], []
    for _ in range(n_orders):
        aps = rng.permutation(log.is_on.shape[1])
        parts = rng.random((len(log.is_on), 1, log.is_on.shape[2])).argsort(axis=2)
        contexts.append(mirrored_context(log.context, aps))
        bitmaps.append(np.take_along_axis(log.is_on[:, aps], parts, axis=2))
    return np.concatenate(contexts), vectors_of(np.concatenate(bitmaps))
