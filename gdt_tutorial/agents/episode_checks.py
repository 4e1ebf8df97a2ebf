"""What an agent and an environment owe each other in every step: order, actions of the space, and numbers.

`gymnasium.make` wraps an environment into checks of its own (`OrderEnforcing`, `PassiveEnvChecker`); whoever builds one
by hand, or a vector environment, has none of them. So our environments call these, and so does `replay.Collector` for
environments of others: a NaN or an infinity raises in the step that made it, not a thousand updates later in a loss.
"""

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from jaxtyping import Bool, Shaped
from torch import Tensor

from gdt_tutorial.configuration import require

__all__ = [
    "AFTER_THE_END",
    "BEFORE_THE_FIRST",
    "checked_action",
    "require_begun",
    "require_finite",
    "require_finite_loss",
    "require_running",
]

BEFORE_THE_FIRST, AFTER_THE_END = "before the first reset", "after the end of an episode"


def require_running(idle: str) -> None:
    """Raise unless an episode is under way.

    Args:
        idle: Why none is: `BEFORE_THE_FIRST` or `AFTER_THE_END`; empty while one is.

    Raises:
        ResetNeeded: None is. (gymnasium's own error, as of its wrapper `OrderEnforcing`.)
    """
    if idle:
        raise ResetNeeded(f"step must belong to an episode, got one {idle}; call reset first.")


def require_begun(idle: str) -> None:
    """Raise before the first reset; what is left of an episode that has ended may still be asked for.

    Args:
        idle: As for `require_running`.

    Raises:
        ResetNeeded: There was no reset.
    """
    require_running(idle if idle == BEFORE_THE_FIRST else "")


def checked_action(
    space: spaces.Space, action: Any, is_used: Bool[np.ndarray, " env"] | None = None
) -> Shaped[np.ndarray, "*shape"]:
    """Return `action` as an array if it lies in `space`; whole numbers may come as floats, and floats in any precision.

    Args:
        space: A `Box`, `Discrete` or `MultiDiscrete`.
        action: What the agent sends.
        is_used: Rows of which the values count; None for all.

    Raises:
        ValueError: Another shape, no numbers, NaN, or a number beyond the limits; or a space of another kind.
    """
    is_box = isinstance(space, spaces.Box)
    is_known = is_box or isinstance(space, spaces.Discrete | spaces.MultiDiscrete)
    require(is_known, "action space", "be Box, Discrete or MultiDiscrete", space, "flatten it into one of these")
    rule, remedy = f"lie in the action space {space}", "action_space.sample() shows one that does"
    found = np.asarray(action)
    is_array = found.shape == space.shape and found.dtype.kind in "biuf"
    require(is_array, "action", rule, f"shape {found.shape} of {found.dtype}", remedy)
    if is_box:
        low, high = space.low, space.high  # type: ignore[attr-defined]
    else:
        n_choices = space.nvec if isinstance(space, spaces.MultiDiscrete) else space.n  # type: ignore[attr-defined]
        low, high = space.start, space.start + n_choices - 1  # type: ignore[attr-defined]
    is_whole_space = np.issubdtype(space.dtype, np.integer)
    # 1 + 1e-12 in double precision is 1 in the single precision of a space.
    value = found if is_whole_space else found.astype(space.dtype)
    is_inside = (low <= value) & (value <= high)  # NaN is not
    if is_whole_space and found.dtype.kind == "f":
        is_inside &= found == np.floor(found)
    if is_used is not None:
        is_inside |= ~is_used.reshape(-1, *[1] * (found.ndim - 1))
    if not np.all(is_inside):
        place = tuple(int(index) for index in np.argwhere(~is_inside)[0])
        require(False, "action", rule, f"{found[place]} at {place}", remedy)
    return found


def require_finite(name: str, values: Shaped[np.ndarray, " env *rest"], when: str, first_env: int = 0) -> None:
    """Raise at a NaN or an infinity that an environment gave out.

    Args:
        name: Of the values, "reward" or "observation".
        values: Of one environment or more.
        when: The step or slot, in words.
        first_env: Index of the first environment.

    Raises:
        ValueError: A NaN or an infinity; the sentence says which, when, and in which environment.
    """
    is_finite = np.isfinite(values).reshape(len(values), -1)
    if not is_finite.all():
        env, entry = (int(place) for place in np.argwhere(~is_finite)[0])
        where = f"{values.reshape(len(values), -1)[env, entry]} in {when} of environment {first_env + env}"
        require(False, name, "hold finite numbers", where, "look at what this environment computes there")


def require_finite_loss(loss: Tensor, remedy: str = "lower learning_rate, or scale the rewards to about one") -> None:
    """Raise before a loss that is NaN or infinite reaches the weights.

    Raises:
        ValueError: It is.
    """
    value = loss.item()
    require(np.isfinite(value), "loss", "be finite", value, remedy)
