"""Residual paths drawn by a diffusion model (a `ResidualSampler`), given the situation of each user and access point.

"GDM utilizes the state diffusion method to generate the future state (network status) based on the learned data distribution"
(the paper, GAI-Based Decision-Making). What is diffused are the leading principal components of the joint Gaussian of
`residual_paths`. In these the untrained model is that Gaussian, but for what few steps lose; so all that it draws beyond it, it
has learned. The loss weighs all components alike, so the small ones, which are nearly noise, stay Gaussian and leave the
network its task. All of this is ours, the paper says no more.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.gai.denoiser import Denoiser, DiffusionConfig
from gdt_tutorial.gai.diffusion import SamplingConfig, sample, start_denoiser, train_denoiser
from gdt_tutorial.twin.emulation.residual_paths import GaussianResiduals, ResidualArchive, Situation, require_horizon

__all__ = [
    "BOOK",
    "FULL",
    "SMOKE",
    "DiffusedResiduals",
    "PathDiffusionConfig",
    "start_residuals",
    "train_residuals",
]


@configclass
class PathDiffusionConfig:
    """Training and sampling of the diffusion model of residual paths."""

    n_components: int = parameter(
        6, "Leading principal components that are diffused; the others stay Gaussian.", "chosen", above=0
    )
    diffusion: DiffusionConfig = parameter(DiffusionConfig(), "Network and training.", "chosen")
    sampling: SamplingConfig = parameter(SamplingConfig(n_visited=16), "Steps of a sample: 8 lose spread.", "chosen")


SMOKE = PathDiffusionConfig(diffusion=DiffusionConfig(n_updates=50))
BOOK = PathDiffusionConfig()
FULL = PathDiffusionConfig(diffusion=DiffusionConfig(n_updates=10_000))


@dataclass(frozen=True, kw_only=True)
class DiffusedResiduals:
    """A diffusion model of the principal components of residual paths, given the situation."""

    gaussian: GaussianResiduals
    denoiser: Denoiser
    sampling: SamplingConfig = SamplingConfig()

    def sample(
        self, situation: Situation, n_samples: int, *, rng: np.random.Generator
    ) -> Float[np.ndarray, "draw path slot"]:
        """Draw."""
        require_horizon(situation, self.gaussian.center_db.shape[1])
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        n_paths, known = len(situation.age_slots), torch.from_numpy(situation.context()).float()
        drawn = sample(
            self.denoiser, n_samples * n_paths, known.repeat(n_samples, 1), config=self.sampling, generator=generator
        )
        leading = drawn.reshape(n_samples, n_paths, -1).double().numpy()
        n_others = self.gaussian.center_db.shape[1] - leading.shape[2]
        others = rng.standard_normal((n_samples, n_paths, n_others))
        return self.gaussian.colored(situation, np.concatenate([others, leading], axis=2))


def start_residuals(
    archive: ResidualArchive, config: PathDiffusionConfig = BOOK, *, generator: torch.Generator
) -> DiffusedResiduals:
    """Return the untrained diffusion model: the joint Gaussian, but for what few steps lose.

    Raises:
        ValueError: As `GaussianResiduals.of`.
    """
    return _made(start_denoiser, archive, config, generator)


def train_residuals(
    archive: ResidualArchive, config: PathDiffusionConfig = BOOK, *, generator: torch.Generator
) -> DiffusedResiduals:
    """Train the diffusion model on an archive.

    Raises:
        ValueError: As `GaussianResiduals.of`, or a loss that is not finite.
    """
    return _made(train_denoiser, archive, config, generator)


def _made(
    make: Callable[..., Denoiser], archive: ResidualArchive, config: PathDiffusionConfig, generator: torch.Generator
) -> DiffusedResiduals:
    gaussian, n_slots = GaussianResiduals.of(archive), archive.residual_db.shape[1]
    rule, remedy = f"be at most {n_slots}", "a path has no more components than slots"
    require(config.n_components <= n_slots, "n_components", rule, config.n_components, remedy)
    leading = gaussian.whitened(archive)[:, -config.n_components :]
    white, known = (torch.from_numpy(each).float() for each in (leading, archive.situation.context()))
    denoiser = make(white, known, config=config.diffusion, generator=generator)
    return DiffusedResiduals(gaussian=gaussian, denoiser=denoiser, sampling=config.sampling)
