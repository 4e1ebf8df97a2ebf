"""How good a policy is: returns of whole episodes, and the weights that were best on episodes kept for that.

Reinforcement learning does not improve steadily: the last weights may be far worse than earlier ones. `Validation` scores
the policy now and then on always the same episodes and keeps the best weights. Those episodes have then been used for a
choice; a result is reported on fresh ones.
"""

from collections.abc import Callable

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from jaxtyping import Float
from torch import Tensor, nn

from gdt_tutorial.agents.replay import Collector
from gdt_tutorial.configuration import require

__all__ = ["Policy", "Validation", "episode_returns"]

Policy = Callable[[Tensor, Tensor], Tensor]
"""From states and masks of legal actions to actions, a batch at a time."""


@torch.no_grad()
def episode_returns(
    policy: Policy, envs: VectorEnv, n_episodes: int, *, generator: torch.Generator
) -> Float[np.ndarray, " episode"]:
    """Return the undiscounted return of `n_episodes` episodes.

    Every environment plays its own share. To take the first episodes that end anywhere would favor short ones.

    Args:
        policy: Chooses the actions.
        envs: Reset at the start, so not those of a training under way.
        n_episodes: How many episodes in all.
        generator: Draws the seed of the reset.

    Raises:
        ValueError: `n_episodes` is not positive, or what `Collector` refuses.
    """
    require(n_episodes > 0, "n_episodes", "be above 0", n_episodes, "play at least one")
    collector = Collector(envs, generator=generator)
    n_left = np.array([len(range(env, n_episodes, envs.num_envs)) for env in range(envs.num_envs)])
    so_far, returns = np.zeros(envs.num_envs), []
    while n_left.any():
        transitions, env = collector.step(policy(collector.state, collector.mask))
        so_far[env.numpy()] += transitions.reward.numpy()
        for ended in env[transitions.is_terminated | transitions.is_truncated].tolist():
            if n_left[ended] > 0:
                returns.append(so_far[ended])
                n_left[ended] -= 1
            so_far[ended] = 0
    return np.array(returns)


class Validation:
    """Scores a policy on always the same episodes, and keeps the weights with the best mean; the later of two equals.

    Args:
        envs: Environments for validation alone; those that train must be others.
        n_episodes: Episodes per score.
        generator: Fixes the episodes.
    """

    def __init__(self, envs: VectorEnv, n_episodes: int, *, generator: torch.Generator) -> None:
        self._envs, self._n_episodes = envs, n_episodes
        self._seed = int(torch.randint(2**62, (), generator=generator))
        self._best_weights: dict[str, Tensor] = {}
        self.best_score = -np.inf
        self.history: list[tuple[int, float]] = []

    def score(self, policy: Policy) -> float:
        """Return the mean return of any policy on these episodes; it is no candidate for the best one."""
        generator = torch.Generator().manual_seed(self._seed)
        return float(episode_returns(policy, self._envs, self._n_episodes, generator=generator).mean())

    def consider(self, network: nn.Module, policy: Policy, n_steps: int) -> float:
        """Score `policy`, which acts by `network`, after `n_steps` of training."""
        score = self.score(policy)
        self.history.append((n_steps, score))
        if score >= self.best_score:
            self.best_score = score
            self._best_weights = {name: weight.clone() for name, weight in network.state_dict().items()}
        return score

    def restore(self, network: nn.Module) -> None:
        """Put the best weights back into `network`.

        Raises:
            ValueError: Nothing has been considered yet.
        """
        require(self._best_weights, "history", "hold a score", self.history, "call consider first")
        network.load_state_dict(self._best_weights)
