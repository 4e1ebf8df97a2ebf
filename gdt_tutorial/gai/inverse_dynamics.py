"""Inverse dynamics: which action leads from the state that was to the state that is wanted.

"GDM utilizes the state diffusion method to generate the future state (network status) based on the learned data distribution.
The generated state is integrated with the historical state as an input to the inverse dynamics mechanism for action (network
management decision) generation" (the paper, GAI-Based Decision-Making). So a decision takes two steps, neither of which is
told what an action does:

    future  ~ diffusion of future states, given the history (and what is asked for: `diffusion`)
    action  = f(history, first future state)

f is learned from logs, as a regression of the action on both states. Its plain rule is a ridge regression in closed form,

    action = center + [history, future] W,    W = (X'X + ridge n I)^-1 X'Y   on standardized X and centered Y,

and a small perceptron, whose last layer starts at 0, adds what is not linear. Where states and actions are jointly Gaussian
the rule is the conditional mean itself. A mean square error averages where several actions lead to the same state; and where
the state does not tell the action, f falls back to the mean action: `explained_share` says how far it does.

Source: the decision diffuser, Ajay et al. 2023, sec. 3.2 and eq. 6. We differ: the rule beside the network, and a history of
any length as one vector.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.gai.denoiser import Denoiser
from gdt_tutorial.gai.diffusion import SamplingConfig, sample
from gdt_tutorial.learning import FitConfig, cosine, fit_updates, scale_of
from gdt_tutorial.seeding import torch_seeded

__all__ = [
    "BOOK",
    "FULL",
    "SMOKE",
    "DecisionDiffuser",
    "InverseConfig",
    "InverseDynamics",
    "explained_share",
    "start_inverse",
    "train_inverse",
]

_FIT = FitConfig(batch_size=256, learning_rate=2e-3, schedule=cosine)


@configclass
class InverseConfig:
    """Size and training."""

    ridge: float = parameter(1e-4, "Pull of the linear rule toward 0, per sample.", "chosen", at_least=0)
    n_hidden: int = parameter(64, "Units of each of the two hidden layers.", "chosen", above=0)
    n_updates: int = parameter(1000, "Gradient steps.", "chosen", above=0)
    fit: FitConfig = parameter(_FIT, "How fast the network learns.", "chosen")


SMOKE = InverseConfig(n_updates=50)
BOOK = InverseConfig()
FULL = InverseConfig(n_updates=5000)


class InverseDynamics(nn.Module):
    """The action between two states: a linear rule, and a network that corrects it.

    Args:
        n_history: Entries of the history.
        n_state: Entries of the state that is wanted.
        n_actions: Entries of the action.
        config: Size.
        generator: Draws the first weights.

    Raises:
        ValueError: A size that is not above 0.
    """

    center: Tensor
    scale: Tensor
    weight: Tensor
    mean_action: Tensor

    def __init__(
        self,
        n_history: int,
        n_state: int,
        n_actions: int,
        config: InverseConfig = BOOK,
        *,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        for name, value in (("n_history", n_history), ("n_state", n_state), ("n_actions", n_actions)):
            require(value > 0, name, "be above 0", value, "an inverse needs both states and an action")
        self.config, self.n_history, self.n_state, n_inputs = config, n_history, n_state, n_history + n_state
        with torch_seeded(generator):
            self.network = nn.Sequential(
                nn.Linear(n_inputs, config.n_hidden),
                nn.SiLU(),
                nn.Linear(config.n_hidden, config.n_hidden),
                nn.SiLU(),
                nn.Linear(config.n_hidden, n_actions),
            )
        last = self.network[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.register_buffer("center", torch.zeros(n_inputs))
        self.register_buffer("scale", torch.ones(n_inputs))
        self.register_buffer("weight", torch.zeros(n_inputs, n_actions))
        self.register_buffer("mean_action", torch.zeros(n_actions))

    def forward(
        self, history: Float[Tensor, "batch feature"], state: Float[Tensor, "batch state"]
    ) -> Float[Tensor, "batch action"]:
        """Return the action that leads from the history to the state.

        Raises:
            ValueError: A history or a state of another size.
        """
        for name, entries, size in (("history", history, self.n_history), ("state", state, self.n_state)):
            found = entries.shape[1]
            require(found == size, name, f"have {size} entries", found, "pass what it was trained on")
        inputs = (torch.cat([history, state], dim=1) - self.center) / self.scale
        return self.mean_action + inputs @ self.weight + self.network(inputs)


def start_inverse(
    history: Float[Tensor, "batch feature"],
    state: Float[Tensor, "batch state"],
    action: Float[Tensor, "batch action"],
    config: InverseConfig = BOOK,
    *,
    generator: torch.Generator,
) -> InverseDynamics:
    """Return the linear rule of these samples, with a network that adds nothing yet.

    Args:
        history: What was known before.
        state: The state that followed.
        action: What was done between both.
        config: Ridge and size.
        generator: Draws the first weights.

    Raises:
        ValueError: No sample, or not one row of each.
    """
    sizes = (len(history), len(state), len(action))
    rule = "hold the same number of samples, above 0"
    require(sizes[0] == sizes[1] == sizes[2] > 0, "history, state, action", rule, sizes, "pass one row per step")
    n_entries = (history.shape[1], state.shape[1], action.shape[1])
    model = InverseDynamics(*n_entries, config, generator=generator)
    inputs = torch.cat([history, state], dim=1).double()
    center, spread = inputs.mean(dim=0), inputs.std(dim=0, correction=0)
    scale = scale_of(spread)
    known, mean_action = (inputs - center) / scale, action.double().mean(dim=0)
    pull = (config.ridge * len(known)) ** 0.5 * torch.eye(known.shape[1], dtype=torch.double)
    # The ridge as samples of its own: least squares of the longer system, by singular values.
    rows = torch.cat([known, pull])
    wanted = torch.cat([action.double() - mean_action, torch.zeros(len(pull), action.shape[1], dtype=torch.double)])
    weight = torch.linalg.lstsq(rows, wanted, driver="gelsd").solution
    for name, value in (("center", center), ("scale", scale), ("weight", weight), ("mean_action", mean_action)):
        getattr(model, name).copy_(value)
    return model.eval()


def train_inverse(
    history: Float[Tensor, "batch feature"],
    state: Float[Tensor, "batch state"],
    action: Float[Tensor, "batch action"],
    config: InverseConfig = BOOK,
    *,
    generator: torch.Generator,
    on_update: Callable[[int, float], object] | None = None,
) -> InverseDynamics:
    """Train the network on what the linear rule leaves, by mean square error.

    Args:
        history: As for `start_inverse`.
        state: The same.
        action: The same.
        config: Ridge, size and training.
        generator: Draws the first weights, then batches.
        on_update: Called with the update (from 0) and its loss, for a progress bar.

    Raises:
        ValueError: As `start_inverse`, or a loss that is not finite.
    """
    model = start_inverse(history, state, action, config, generator=generator)
    tensors = [each.float() for each in (history, state, action)]
    fit_updates(model, tensors, _loss, config.fit, config.n_updates, generator=generator, on_update=on_update)
    return model


def _loss(model: InverseDynamics, history: Tensor, state: Tensor, action: Tensor) -> Tensor:
    return mse_loss(model(history, state), action)


@torch.no_grad()
def explained_share(
    model: InverseDynamics,
    history: Float[Tensor, "batch feature"],
    state: Float[Tensor, "batch state"],
    action: Float[Tensor, "batch action"],
) -> float:
    """Return R^2: which share of the variance of actions the two states explain; 0 is what the mean action explains.

    Raises:
        ValueError: Actions that are all alike, or states of another size.
    """
    variance = ((action - action.mean(dim=0)) ** 2).mean().item()
    require(variance > 0, "action", "vary", variance, "pass steps with more than one action")
    return 1 - ((model(history, state) - action) ** 2).mean().item() / variance


@dataclass(frozen=True, kw_only=True)
class DecisionDiffuser:
    """Draws future states, and acts so that the first of them comes.

    Attributes:
        future: Draws coming states given the history, one after the other in one vector.
        inverse: Says how to come from the history to the first of them.
        sampling: Steps, noise and guidance.
    """

    future: Denoiser
    inverse: InverseDynamics
    sampling: SamplingConfig = SamplingConfig()

    def __post_init__(self) -> None:
        n_state, rule = self.inverse.n_state, f"draw whole states of {self.inverse.n_state} entries"
        is_whole = self.future.n_features % n_state == 0
        require(is_whole, "future", rule, self.future.n_features, "train both on the same states")
        n_known = (self.future.n_context, self.inverse.n_history)
        require(n_known[0] == n_known[1], "future, inverse", "read the same history", n_known, "train both on it")

    @torch.no_grad()
    def act(
        self,
        history: Float[Tensor, "batch feature"],
        condition: Float[Tensor, "batch condition"] | None = None,
        *,
        generator: torch.Generator,
    ) -> Float[Tensor, "batch action"]:
        """Draw one action for each history, toward what the condition asks for.

        Raises:
            ValueError: A history or a condition of another size.
        """
        coming = sample(self.future, len(history), history, condition, self.sampling, generator=generator)
        return self.inverse(history.float(), coming[:, : self.inverse.n_state])
