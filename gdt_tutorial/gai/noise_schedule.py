"""How much noise each step of a diffusion adds, and one step back: arithmetic that no network takes part in.

The generative diffusion model works "through reverse diffusion and Markovian transition processes" (the paper, Generative AI);
it gives no schedule. All here is Gaussian. Steps are numbered as in the papers that it cites: x_0 is data, x_T is noise, and
beta_t belongs to the way from x_t-1 to x_t, so t runs from 1 to T, and alpha_bar_0 = 1.

    alpha_t = 1 - beta_t        alpha_bar_t = alpha_1 ... alpha_t
    x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps          (DDPM eq. 4: forward, in one jump)

One step back, from t to an earlier step s, for a guess of x_0 and of the eps that belongs to it:

    DDPM   x_s ~ N(mean, variance) of q(x_s | x_t, x_0)               (eq. 6 and 7, for s = t - 1)
    DDIM   x_s = sqrt(alpha_bar_s) x_0 + sqrt(1 - alpha_bar_s - sigma^2) eps + sigma noise      (eq. 12)

with sigma = eta times the standard deviation of DDPM (eq. 16). So eta = 1 is DDPM, and eta = 0 draws nothing on the way. A few
steps of many are spaced from the end ("trailing"), so that sampling begins where noise is all that is left.

A schedule that is too short leaves data in x_T: then sampling begins at noise that training has never seen. `alpha_bar[-1]`
says how much; 20 steps of the linear schedule leave 82 % of its variance.

Sources: DDPM is Ho et al. 2020, DDIM Song et al. 2021, the cosine Nichol and Dhariwal 2021, trailing steps Lin et al. 2024,
Table 2. We differ where the spacing is not whole: the next step is the next of the list.
"""

import math
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gdt_tutorial.configuration import configclass, parameter, require

__all__ = ["NoiseSchedule", "cosine_schedule", "linear_schedule"]


def _cosine(n_steps: int, offset: float = 0.008, largest: float = 0.999) -> tuple[float, ...]:
    share = np.cos((np.arange(n_steps + 1) / n_steps + offset) / (1 + offset) * math.pi / 2) ** 2
    return tuple(np.minimum(1 - share[1:] / share[:-1], largest).tolist())


@configclass
class NoiseSchedule:
    """The noise of each step.

    >>> schedule = cosine_schedule(50)
    >>> schedule.n_steps, schedule.trailing_steps(5)
    (50, (50, 40, 30, 20, 10))
    >>> round(linear_schedule(20).alpha_bar[-1].item(), 2)
    0.82

    Raises:
        ValueError: No step, or a beta outside of (0, 1).
    """

    beta: tuple[float, ...] = parameter(
        _cosine(50), "Variance that each step adds, from step 1 on.", "Nichol and Dhariwal 2021", above=0, below=1
    )

    def __post_init__(self) -> None:
        remedy = "use `cosine_schedule(50)`"
        require(len(self.beta) > 0, "beta", "hold a number for each step", self.beta, remedy)

    @property
    def n_steps(self) -> int:
        """T, the number of steps."""
        return len(self.beta)

    @cached_property
    def alpha_bar(self) -> Float[Tensor, " step"]:
        """Share of the data's variance that is left after each step from 0 to T, in double precision."""
        alpha = 1 - torch.tensor((0.0, *self.beta), dtype=torch.float64)
        return alpha.cumprod(dim=0)

    def signal(self, step: Int[Tensor, " batch"], like: Float[Tensor, "*shape"]) -> Float[Tensor, "*rest"]:
        """Return sqrt(alpha_bar) of each sample's step, shaped to multiply `like`."""
        return _shaped(self._share(step).sqrt(), like)

    def noise(self, step: Int[Tensor, " batch"], like: Float[Tensor, "*shape"]) -> Float[Tensor, "*rest"]:
        """Return sqrt(1 - alpha_bar) of each sample's step, shaped to multiply `like`."""
        return _shaped((1 - self._share(step)).sqrt(), like)

    def add_noise(
        self,
        clean: Float[Tensor, "*shape"],
        noise: Float[Tensor, "*shape"],
        step: Int[Tensor, " batch"],
    ) -> Float[Tensor, "*shape"]:
        """Return x_t from x_0 and eps (DDPM eq. 4).

        Raises:
            ValueError: A step outside of 0 to T.
        """
        return self.signal(step, clean) * clean + self.noise(step, clean) * noise

    def clean_from_noise(
        self,
        noisy: Float[Tensor, "*shape"],
        noise: Float[Tensor, "*shape"],
        step: Int[Tensor, " batch"],
    ) -> Float[Tensor, "*shape"]:
        """Return the x_0 that belongs to a guess of eps (DDPM eq. 15); near T it magnifies every error of the guess."""
        return (noisy - self.noise(step, noisy) * noise) / self.signal(step, noisy)

    def noise_from_clean(
        self,
        noisy: Float[Tensor, "*shape"],
        clean: Float[Tensor, "*shape"],
        step: Int[Tensor, " batch"],
    ) -> Float[Tensor, "*shape"]:
        """Return the eps that belongs to a guess of x_0. Step 0 has none."""
        return (noisy - self.signal(step, noisy) * clean) / self.noise(step, noisy)

    def posterior(
        self, noisy: Float[Tensor, "*shape"], clean: Float[Tensor, "*shape"], step: int, earlier: int
    ) -> tuple[Float[Tensor, "*shape"], float]:
        """Return mean and variance of q(x_s | x_t, x_0) with t = `step` and s = `earlier` (DDPM eq. 6 and 7).

        Raises:
            ValueError: Steps that are not ordered, or outside of 0 to T.
        """
        here, there = self._pair(step, earlier)
        kept = here / there  # alpha_t, or the product of those between both
        of_clean = math.sqrt(there) * (1 - kept) / (1 - here)
        of_noisy = math.sqrt(kept) * (1 - there) / (1 - here)
        return of_clean * clean + of_noisy * noisy, (1 - there) / (1 - here) * (1 - kept)

    def ddpm_step(
        self,
        noisy: Float[Tensor, "*shape"],
        clean: Float[Tensor, "*shape"],
        step: int,
        earlier: int,
        noise: Float[Tensor, "*shape"],
    ) -> Float[Tensor, "*shape"]:
        """Return a draw of q(x_s | x_t, x_0), made of standard normal `noise`; the last step, to 0, draws nothing.

        Raises:
            ValueError: As `posterior`.
        """
        mean, variance = self.posterior(noisy, clean, step, earlier)
        return mean + math.sqrt(variance) * noise

    def ddim_step(
        self,
        noisy: Float[Tensor, "*shape"],
        clean: Float[Tensor, "*shape"],
        step: int,
        earlier: int,
        noise: Float[Tensor, "*shape"],
        eta: float = 0.0,
    ) -> Float[Tensor, "*shape"]:
        """Return x_s by DDIM eq. 12; eps is the one that belongs to `clean`, also where that was clipped.

        Args:
            noisy: x_t.
            clean: Guess of x_0.
            step: t.
            earlier: s.
            noise: Standard normal, for eta above 0.
            eta: Share of DDPM's standard deviation; 0 draws nothing.

        Raises:
            ValueError: As `posterior`, or an eta outside of [0, 1].
        """
        require(0 <= eta <= 1, "eta", "lie in [0, 1]", eta, "0 is DDIM, 1 is DDPM")
        here, there = self._pair(step, earlier)
        guess = (noisy - math.sqrt(here) * clean) / math.sqrt(1 - here)
        variance = eta**2 * (1 - there) / (1 - here) * (1 - here / there)
        left = math.sqrt(max(1 - there - variance, 0.0))  # rounding may leave less than nothing
        return math.sqrt(there) * clean + left * guess + math.sqrt(variance) * noise

    def trailing_steps(self, n_visited: int) -> tuple[int, ...]:
        """Return `n_visited` steps to sample at, evenly spaced from T down (Lin et al. 2024, Table 2).

        Raises:
            ValueError: No step, or more than there are.
        """
        is_right = 0 < n_visited <= self.n_steps
        require(is_right, "n_visited", f"lie in [1, {self.n_steps}]", n_visited, "visit each step once at most")
        spaced = np.arange(self.n_steps, 0, -self.n_steps / n_visited)[:n_visited]
        return tuple(int(step) for step in spaced.round())

    def _share(self, step: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        is_inside = bool(((step >= 0) & (step <= self.n_steps)).all())
        require(is_inside, "step", f"lie in [0, {self.n_steps}]", step[:3].tolist(), "number steps as the papers do")
        return self.alpha_bar.to(step.device)[step]

    def _pair(self, step: int, earlier: int) -> tuple[float, float]:
        is_ordered, rule = 0 <= earlier < step <= self.n_steps, f"be ordered within [0, {self.n_steps}]"
        require(is_ordered, "earlier, step", rule, (earlier, step), "go from a later step to an earlier one")
        return self.alpha_bar[step].item(), self.alpha_bar[earlier].item()


def linear_schedule(n_steps: int, first: float = 1e-4, last: float = 0.02) -> NoiseSchedule:
    """Return betas on a line (Ho et al. 2020, sec. 4, whose ends are meant for 1,000 steps).

    Raises:
        ValueError: No step, or ends outside of (0, 1).
    """
    _check_steps(n_steps)
    return NoiseSchedule(beta=tuple(np.linspace(first, last, n_steps).tolist()))


def cosine_schedule(n_steps: int, offset: float = 0.008, largest: float = 0.999) -> NoiseSchedule:
    """Return the betas whose alpha_bar is a squared cosine (Nichol and Dhariwal 2021, eq. 17).

    Raises:
        ValueError: No step, a negative offset, or a largest beta outside of (0, 1).
    """
    _check_steps(n_steps)
    require(offset >= 0, "offset", "be at least 0", offset, "0.008 keeps the first betas away from 0")
    require(0 < largest < 1, "largest", "lie in (0, 1)", largest, "0.999 leaves the last step finite")
    return NoiseSchedule(beta=_cosine(n_steps, offset, largest))


def _check_steps(n_steps: int) -> None:
    require(n_steps > 0, "n_steps", "be above 0", n_steps, "50 are enough for short vectors")


def _shaped(share: Float[Tensor, " batch"], like: Float[Tensor, "*shape"]) -> Float[Tensor, "*rest"]:
    return share.to(like).reshape(-1, *[1] * (like.ndim - 1))
