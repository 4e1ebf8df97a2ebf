"""Quality of the shipped networks by the measures of the paper's Table 1, on fresh data, as they are and with rounded weights.

    map generator     PSNR and SSIM of one draw against the measured map; its start draws the mean of the ray table
    status encoder    mean square error and KL divergence of fresh windows; its start is probabilistic PCA
    intent reader     perplexity, and a mean accuracy over slots as GLUE averages over tasks; its start has first weights
    walk LSTM         error of positions four slots after a report; its start has first weights

All variants of a network meet the same data and the same noise. The diffusion model and the networks of the case study have
their measures in the chapters on them.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from gdt_tutorial.configuration import require, require_counts
from gdt_tutorial.gai.language_model import CausalTransformer
from gdt_tutorial.gai.unet import ImageSet, ResidualUNet
from gdt_tutorial.gai.vae import VariationalAutoencoder
from gdt_tutorial.gai.vae_scores import code_score
from gdt_tutorial.loops.recipes.scene_study import FULL_RANGE_DB
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import torch_seeded, torch_stream
from gdt_tutorial.studies.image_scores import psnr_db, ssim
from gdt_tutorial.twin.abstraction.intents.language import IntentLanguage
from gdt_tutorial.twin.abstraction.intents.reader import score_reading
from gdt_tutorial.twin.abstraction.latent_training import draw_windows
from gdt_tutorial.twin.abstraction.status_windows import sample_windows
from gdt_tutorial.twin.emulation.emulation_scores import past_and_future, position_scores
from gdt_tutorial.twin.emulation.lstm import LstmEmulator, TrajectoryNetwork
from gdt_tutorial.twin.emulation.maps.generator import image_set
from gdt_tutorial.twin.emulation.maps.generator_training import measured_maps, random_scenes
from gdt_tutorial.twin.pretrained import pretrained_scenes
from gdt_tutorial.twin.status import StatusWindow
from gdt_tutorial.worlds.intents.sentences import Example, draw_examples

__all__ = ["SCORED", "FreshData", "quality", "untrained", "with_rounded_weights"]

_AHEAD = 4  # slots after the last report


@dataclass(frozen=True, kw_only=True)
class FreshData:
    """What the networks are tried on; none of it was trained on."""

    topology: Topology
    maps: ImageSet
    windows: Float[Tensor, "batch slot feature"]
    sentences: list[Example]
    past: StatusWindow
    future: StatusWindow

    @classmethod
    def draw(
        cls, n_scenes: int = 16, n_users: int = 600, n_sentences: int = 150, *, rng: np.random.Generator
    ) -> "FreshData":
        """Draw scenes, walks and sentences with new combinations of known words.

        Raises:
            ValueError: A count that is not above 0.
        """
        require_counts("draw one at least", n_scenes=n_scenes, n_users=n_users, n_sentences=n_sentences)
        topology, rngs = Topology.waterloo(), rng.spawn(5)
        inputs, loss_db = measured_maps(random_scenes(n_scenes, rng=rngs[0]))
        past, future = past_and_future(sample_windows(topology, 1, n_users, 24, rng=rngs[1]), _AHEAD)
        whole = draw_windows(topology, n_users, 0, rng=rngs[2]).whole
        return cls(
            topology=topology,
            maps=image_set(inputs, loss_db, pretrained_scenes().prior, rng=rngs[3]),
            windows=torch.from_numpy(whole.values[:, 0]).float(),
            sentences=draw_examples("combinations", n_sentences, rng=rngs[4]),
            past=past,
            future=future,
        )


@torch.no_grad()
def _of_maps(network: ResidualUNet, data: FreshData) -> dict[str, float]:
    maps = data.maps
    drawn = network.draw(maps.condition, maps.base, 1, generator=torch_stream(0, "maps"))[0]
    truth, street = maps.target.double().numpy(), maps.is_scored.numpy()
    image = np.where(street, drawn.double().numpy(), truth)
    return {
        "psnr_db": float(psnr_db(image, truth, FULL_RANGE_DB, street).mean()),
        "ssim": float(ssim(image, truth, FULL_RANGE_DB).mean()),
    }


def _of_codes(network: VariationalAutoencoder, data: FreshData) -> dict[str, float]:
    score = code_score(network, data.windows, generator=torch_stream(0, "codes"))
    return {"mse": score.mse, "kl_nats": score.rate_nats}


def _of_intents(network: CausalTransformer, data: FreshData) -> dict[str, float]:
    language = IntentLanguage(network)
    score = score_reading(language.read([each.sentence for each in data.sentences]), data.sentences)
    return {"perplexity": language.perplexity(data.sentences), "glue": score.glue, "exact": score.exact}


def _of_walks(network: TrajectoryNetwork, data: FreshData) -> dict[str, float]:
    emulated = LstmEmulator(network=network, topology=data.topology).emulate(data.past, _AHEAD)
    score = position_scores(emulated, data.future.position_m)
    return {"rms_m": float(score.rms_m[-1]), "crps_m": float(score.crps_m[-1])}


_Score = Callable[..., dict[str, float]]
SCORED: Mapping[str, _Score] = MappingProxyType(
    {"map generator": _of_maps, "status encoder": _of_codes, "intent reader": _of_intents, "walk LSTM": _of_walks}
)
"""How the networks of the zoo are scored, by their names in it."""


def quality(name: str, network: nn.Module, data: FreshData) -> dict[str, float]:
    """Score a network of the zoo; the first entry is the measure that its row shows first.

    Raises:
        ValueError: A name without a score.
    """
    require(name in SCORED, "name", f"be one of {sorted(SCORED)}", name, "see the chapter on it for its quality")
    return SCORED[name](network, data)


def with_rounded_weights(network: nn.Module, dtype: torch.dtype = torch.float16) -> nn.Module:
    """Return a copy whose numbers went through another precision and back: what a file in that precision gives again."""
    copy = deepcopy(network)
    with torch.no_grad():
        for each in (*copy.parameters(), *copy.buffers()):
            if each.is_floating_point():
                each.copy_(each.to(dtype))
    return copy


def untrained(name: str, network: nn.Module) -> nn.Module:
    """Return the start of a network of the zoo: heads that start at zero are zero, other weights are drawn anew.

    Raises:
        ValueError: A name without a score.
    """
    require(name in SCORED, "name", f"be one of {sorted(SCORED)}", name, "see the chapter on it for its start")
    start = deepcopy(network)
    if isinstance(start, ResidualUNet):
        _silence(start.head)
    elif isinstance(start, VariationalAutoencoder):
        _silence(start.encoder[-1])
        _silence(start.decoder[-1])
    elif isinstance(start, CausalTransformer):
        start = CausalTransformer(start.n_vocabulary, start.config, generator=torch_stream(0, "start"))
    elif isinstance(start, TrajectoryNetwork):
        with torch_seeded(torch_stream(0, "start")):
            start = TrajectoryNetwork(start.lstm.hidden_size)
    return start.eval()


def _silence(layer: nn.Module) -> None:
    for each in layer.parameters():
        nn.init.zeros_(each)
