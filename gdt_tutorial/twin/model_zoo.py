"""The models of the twin, each with what one use of it is: the rows of the paper's Table 1, at the sizes of this book.

"As shown in Table 1, we select four representative GAI models that can be well applied to mobile communication networks" (the
paper, Generative AI). The table gives storage and computing of each kind without saying of which model, nor of which use of
it. Here every row is a model that the book trains and runs, and a use is said in words: one map, one window of one user, one
decision. Beside the four kinds stand the models that a twin has without them.

    for model in twin_models():
        print(model.name, model.one_use, model.footprint().n_flops)

A model of the case study stands in `case_study.model_zoo`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from gdt_tutorial.checkpoints import load, verified
from gdt_tutorial.gai.denoiser import Denoiser
from gdt_tutorial.gai.diffusion import SamplingConfig, sample
from gdt_tutorial.gai.event_attention import EventAttention
from gdt_tutorial.gai.footprint import Footprint, footprint
from gdt_tutorial.gai.gan import BOOK as GAN
from gdt_tutorial.gai.gan import PatchDiscriminator
from gdt_tutorial.gai.tables import TableActorCritic
from gdt_tutorial.physical.scenes.layout import SceneConfig
from gdt_tutorial.physical.streets import Streets
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import torch_stream
from gdt_tutorial.twin.decision.allocator import SubgroupNetwork
from gdt_tutorial.twin.emulation.lstm import N_FEATURES
from gdt_tutorial.twin.emulation.turn_policy import Crossings
from gdt_tutorial.twin.observation import MEMORY_SLOTS
from gdt_tutorial.twin.pretrained import (
    FOLDER,
    pretrained_emulator,
    pretrained_intents,
    pretrained_latents,
    pretrained_scenes,
)
from gdt_tutorial.worlds.loads import LoadsConfig
from gdt_tutorial.worlds.ring import RingConfig

__all__ = ["PAPER_RANGES", "OneUse", "PaperRange", "ZooModel", "flops_per_slot", "twin_models"]


class PaperRange(NamedTuple):
    """A row of the paper's Table 1: bytes to store, FLOPs, and what it measures quality by."""

    storage_byte: tuple[float, float]
    flops: tuple[float, float]
    metrics: str


PAPER_RANGES: Mapping[str, PaperRange] = {
    "GAN": PaperRange((3e9, 25e9), (0.2e15, 1e15), "peak signal-to-noise ratio, structural similarity"),
    "GT": PaperRange((10e9, 30e9), (0.5e15, 2e15), "general language understanding evaluation, perplexity"),
    "VAE": PaperRange((20e6, 800e6), (1e12, 100e12), "mean squared error, Kullback-Leibler divergence"),
    "GDM": PaperRange((0.3e9, 3e9), (2e12, 200e12), "temporal coherence, interpolation quality"),
}
"""The paper's Table 1, by kind: generative adversarial network, generative transformer, variational autoencoder, diffusion."""


class OneUse(NamedTuple):
    """A network, and a call without arguments that uses it once."""

    network: nn.Module
    call: Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class ZooModel:
    """A model of the book.

    Attributes:
        name: What the chapters call it.
        kind: A row of Table 1 (`PAPER_RANGES`), or "other".
        chapter: Number of the chapter on it.
        file: Of its class.
        one_use: In words.
        per: What needs one use in a slot: "user", "access point" or "subgroup"; "" where none does, since it is used while
            training, or when somebody asks.
        make: Makes the network, and the call.
    """

    name: str
    kind: str
    chapter: str
    file: str
    one_use: str
    per: str
    make: Callable[[], OneUse]

    def footprint(self) -> Footprint:
        """Count what one use takes."""
        use = self.make()
        return footprint(use.network, call=use.call)


def flops_per_slot(models: list[ZooModel], counts: Mapping[str, int | float]) -> int | float:
    """Return the FLOPs of all models in a slot, for so many users, access points and subgroups.

    Args:
        models: Those without a use per slot count nothing.
        counts: How many there are of each that a model may be used `per`.
    """
    return sum(model.footprint().n_flops * counts[model.per] for model in models if model.per)


def twin_models() -> list[ZooModel]:
    """Return the models of the twin and of the small worlds: shipped ones, and others at the sizes that the chapters train."""
    row = partial(ZooModel, per="")
    return [
        row(
            name="map generator",
            kind="GAN",
            chapter="03",
            file="gdt_tutorial/gai/unet.py",
            one_use="a map of 32 x 32 pixels around one access point",
            make=_map_generator,
        ),
        row(
            name="map discriminator",
            kind="GAN",
            chapter="03",
            file="gdt_tutorial/gai/gan.py",
            one_use="an opinion of one map, in training alone",
            make=_map_discriminator,
        ),
        row(
            name="walkers' turns",
            kind="GAN",
            chapter="04",
            file="gdt_tutorial/gai/tables.py",
            one_use="the next street of one walker, from a table that imitation has learned",
            make=_turns,
        ),
        row(
            name="status encoder",
            kind="VAE",
            chapter="05",
            file="gdt_tutorial/gai/vae.py",
            one_use="the code of the last 20 slots of one user",
            per="user",
            make=_status_encoder,
        ),
        row(
            name="event attention",
            kind="GT",
            chapter="06",
            file="gdt_tutorial/gai/event_attention.py",
            one_use="forecasts for a day of 96 slots at six access points",
            make=_event_attention,
        ),
        row(
            name="intent reader",
            kind="GT",
            chapter="06",
            file="gdt_tutorial/gai/language_model.py",
            one_use="one sentence of a network operator, read token by token",
            make=_intent_reader,
        ),
        row(
            name="pattern diffuser",
            kind="GDM",
            chapter="07",
            file="gdt_tutorial/gai/denoiser.py",
            one_use="the powers of six cells in eight steps, under guidance",
            make=_pattern_diffuser,
        ),
        row(
            name="walk LSTM",
            kind="other",
            chapter="02",
            file="gdt_tutorial/twin/emulation/lstm.py",
            one_use="the next position of one user, from 20 slots",
            per="user",
            make=_walk_lstm,
        ),
        row(
            name="allocator",
            kind="other",
            chapter="02",
            file="gdt_tutorial/twin/decision/allocator.py",
            one_use="version and weight of one subgroup",
            per="subgroup",
            make=_allocator,
        ),
    ]


def _map_generator() -> OneUse:
    network, n_pixels = pretrained_scenes().network, SceneConfig().n_pixels
    condition = torch.zeros(1, network.n_planes, n_pixels, n_pixels)
    generator = torch_stream(0, "maps")
    return OneUse(network, lambda: network.draw(condition, condition[:, 0], 1, generator=generator))


def _map_discriminator() -> OneUse:
    drawer, n_pixels = pretrained_scenes().network, SceneConfig().n_pixels
    network = PatchDiscriminator(drawer, GAN.judge_width, generator=torch_stream(0, "judge"))
    condition = torch.zeros(1, drawer.n_planes, n_pixels, n_pixels)
    image = condition[:, 0]
    return OneUse(network, lambda: network(condition, image, image, image == 0))


def _turns() -> OneUse:
    is_possible = Crossings(Streets.of(Topology.waterloo().campus)).is_possible
    network = TableActorCritic(np.maximum(is_possible, 1e-3) / np.maximum(is_possible, 1e-3).sum(axis=1, keepdims=True))
    n_states, n_actions = is_possible.shape
    state, mask = torch.eye(n_states)[:1].clone(), torch.ones(1, n_actions, dtype=torch.bool)
    return OneUse(network, lambda: network(state, mask))


def _status_encoder() -> OneUse:
    network = pretrained_latents(Topology.waterloo())
    window = torch.zeros(1, network.n_slots, network.n_features)
    is_collected = torch.ones_like(window, dtype=torch.bool)
    return OneUse(network, lambda: network.encode(window, is_collected))


def _event_attention() -> OneUse:
    network, world = EventAttention(), LoadsConfig()
    series = torch.zeros(1, world.n_slots, world.n_aps)
    return OneUse(network, lambda: network(series))


def _intent_reader() -> OneUse:
    language = pretrained_intents()
    return OneUse(language.model, lambda: language.read(["stop video around the library after six"]))


def _pattern_diffuser() -> OneUse:
    n_aps, generator = RingConfig().n_aps, torch_stream(0, "patterns")
    network = Denoiser(n_aps, n_aps, 1, generator=generator)
    queue, rank, config = torch.zeros(1, n_aps), torch.ones(1, 1), SamplingConfig(guidance=3.0)
    return OneUse(network, lambda: sample(network, 1, queue, rank, config, generator=generator))


def _walk_lstm() -> OneUse:
    network = pretrained_emulator(Topology.waterloo()).network
    features, elapsed_s = torch.zeros(1, MEMORY_SLOTS, N_FEATURES), torch.ones(1, MEMORY_SLOTS)
    return OneUse(network, lambda: network(features, elapsed_s))


def _allocator() -> OneUse:
    network = subgroup_network(FOLDER / "allocator.safetensors")
    row = torch.zeros(1, network.config["n_features"])
    return OneUse(network, lambda: network(row))


def subgroup_network(path: Path) -> SubgroupNetwork:
    """Return the network of a shipped allocator, without the network that it decides for."""

    def make(config: dict[str, Any]) -> SubgroupNetwork:
        sizes = {name: config[name] for name in ("n_features", "n_versions", "n_hidden")}
        return SubgroupNetwork(**sizes, generator=torch.Generator())

    return load(verified(path), make)[0]
