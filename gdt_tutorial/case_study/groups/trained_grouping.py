"""The trained grouping, ready to use: autoencoder and double deep Q-network in one small checkpoint.

Both learned from planted populations (`planted.py`) of one to six classes, 20 to 120 users and 15 to 150 views per user,
never from a reader's data. The checkpoint is checked against its hash before it is read. `remake` trains anew:

    python -c "from gdt_tutorial.case_study.groups.trained_grouping import FOLDER, remake; remake(FOLDER)"
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from torch import nn

from gdt_tutorial import seeding
from gdt_tutorial.agents.ddqn import DoubleDQNConfig
from gdt_tutorial.case_study.groups.cluster_count import (
    TRAINING,
    LearnedCount,
    WatchedCrowd,
    count_network,
    train_cluster_count,
)
from gdt_tutorial.case_study.groups.grouping import Crowd, Grouper
from gdt_tutorial.case_study.groups.planted import PlantedViews, planted_classes, planted_views
from gdt_tutorial.case_study.groups.windows import N_FEATURES, N_SLOTS, Encoder, view_windows
from gdt_tutorial.checkpoints import load, save, verified, write_sums
from gdt_tutorial.configuration import require
from gdt_tutorial.gai.autoencoder import Autoencoder, AutoencoderConfig, train_autoencoder
from gdt_tutorial.learning import FitConfig

__all__ = [
    "FOLDER",
    "SHIPPED",
    "TrainedGrouping",
    "pretrained_grouper",
    "remake",
    "train_grouping",
    "training_crowds",
    "training_views",
    "training_windows",
]

FOLDER = Path(__file__).parents[1] / "checkpoints"
_FILE = "grouping.safetensors"
# Trained with 20 to 120 users. Of planted crowds of 10 and 15 users it is .02 and .25 nats per user below the best number
# of groups, the silhouette .38 and .99; of 300 and 600 users .16 and .38, with samples .09 (`test_trained_grouping.py`).
_KNOWN_USERS = (10, 120)
_SEED = 30_000  # far from the seeds that chapters and tests run with

# Latents settle within a few epochs; more make the next window's noise no easier to predict.
SHIPPED = AutoencoderConfig(fit=FitConfig(n_epochs=12, batch_size=128))


def training_views(seed: int, *, n_views_factor: int = 1) -> PlantedViews:
    """Draw one planted population of random size, number of classes, distance between them, and number of views."""
    rng = seeding.stream(seed, "planted population")
    config = planted_classes(int(rng.integers(1, 7)), spread=float(rng.uniform(0.6, 1.0)), rng=rng)
    n_users, n_views = int(rng.integers(20, 121)), int(np.exp(rng.uniform(np.log(15), np.log(150))))
    return planted_views(config, n_users, n_views_factor * n_views, rng=rng)


def training_windows(
    seed: int, n_crowds: int
) -> tuple[Float[np.ndarray, "user slot feature"], Float[np.ndarray, "user slot feature"]]:
    """Return windows of many users, and the windows of the same users' later views."""
    first, later = [], []
    for index in range(n_crowds):
        _, view_type, view_fraction = training_views(seed + index, n_views_factor=2)
        half = view_type.shape[2] // 2
        first.append(view_windows(view_type[..., :half], view_fraction[..., :half])[0])
        later.append(view_windows(view_type[..., half:], view_fraction[..., half:])[0])
    return np.concatenate(first), np.concatenate(later)


def training_crowds(encoder: Encoder, seed: int, n_crowds: int) -> list[WatchedCrowd]:
    """Return planted crowds as `encoder` sees them."""
    crowds = []
    for index in range(n_crowds):
        _, view_type, view_fraction = training_views(seed + index)
        point = encoder(view_windows(view_type, view_fraction))[0]
        crowd = Crowd(point, rng=seeding.stream(seed + index, "k-means"))
        crowds.append(WatchedCrowd(crowd, view_type[0], view_fraction[0]))
    return crowds


class TrainedGrouping(NamedTuple):
    """What training gives; `n_users` are the smallest and the largest crowd that the Q-network knows, None for any."""

    encoder: Autoencoder
    count: nn.Module
    n_users: tuple[int, int] | None = _KNOWN_USERS

    def grouper(self) -> Grouper:
        """Return both as one call from views to groups."""
        return Grouper(encoder=self.encoder.abstract, chooser=LearnedCount(self.count, self.n_users))

    def save(self, path: Path) -> None:
        """Write the weights as a safetensors file."""
        parts = nn.ModuleDict({"encoder": self.encoder, "count": self.count})
        save(parts, path, {"n_users": self.n_users})

    @classmethod
    def load(cls, path: Path) -> "TrainedGrouping":
        """Read what `save` wrote.

        Raises:
            ValueError: As `checkpoints.load`.
        """
        parts, config = load(path, lambda config: _untrained())
        encoder, n_users = parts["encoder"], config.get("n_users")
        assert isinstance(encoder, Autoencoder)
        return cls(encoder, parts["count"], None if n_users is None else tuple(n_users))


def _untrained() -> nn.ModuleDict:
    generator = seeding.torch_stream(0, "replaced")
    encoder = Autoencoder(N_SLOTS, N_FEATURES, SHIPPED, generator=generator)
    return nn.ModuleDict({"encoder": encoder, "count": count_network(generator=generator)})


def pretrained_grouper() -> Grouper:
    """Load the shipped autoencoder and Q-network.

    Raises:
        ValueError: The checkpoint is missing, or is not the one that was shipped.
    """
    return TrainedGrouping.load(verified(FOLDER / _FILE)).grouper()


def train_grouping(
    config: AutoencoderConfig = SHIPPED,
    count_config: DoubleDQNConfig = TRAINING,
    *,
    n_crowds: int = 1500,
    seed: int = _SEED,
    on_epoch: Callable[[int, float], object] | None = None,
    on_update: Callable[[int, float], object] | None = None,
) -> TrainedGrouping:
    """Train both anew on planted populations (some minutes at the defaults).

    Args:
        config: Of the autoencoder.
        count_config: Of the double deep Q-network.
        n_crowds: Populations to learn from; a fifth of these for the autoencoder, and as many anew for validation.
        seed: Of everything.
        on_epoch: Called with the autoencoder's epoch and loss.
        on_update: Called with the Q-network's step and loss.

    Raises:
        ValueError: Fewer than five crowds.
    """
    require(n_crowds >= 5, "n_crowds", "be at least 5", n_crowds, "leave it out for the default")
    generator, n_others = seeding.torch_stream(seed, "grouping"), n_crowds // 5
    first, later = training_windows(seed, n_others)
    encoder, _ = train_autoencoder(first, config, generator=generator, target=later, on_epoch=on_epoch)
    crowds = training_crowds(encoder.abstract, seed, n_crowds)
    others = training_crowds(encoder.abstract, seed + n_crowds, n_others)
    count = train_cluster_count(crowds, others, count_config, generator=generator, on_update=on_update)
    return TrainedGrouping(encoder, count)


def remake(folder: Path) -> None:
    """Train anew, and write the checkpoint and the hashes into `folder`."""
    train_grouping().save(folder / _FILE)
    write_sums(folder)
