"""How the shipped encoder of the twin is made: windows of the default walk and channel, at the full size (a minute)."""

from gdt_tutorial import seeding
from gdt_tutorial.gai.vae import VariationalAutoencoder
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.abstraction.latent_training import FULL, LatentConfig, train_latents

__all__ = ["train_shipped_latents"]

_SEED = 30_000  # far from the seeds that chapters and tests run with


def train_shipped_latents(topology: Topology, config: LatentConfig = FULL) -> VariationalAutoencoder:
    """Train the shipped encoder anew."""
    return train_latents(topology, config, generator=seeding.torch_stream(_SEED, "latents"))[0]
