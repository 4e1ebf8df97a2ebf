"""Order, actions and numbers, checked in every step."""

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from gdt_tutorial.agents.episode_checks import (
    AFTER_THE_END,
    BEFORE_THE_FIRST,
    checked_action,
    require_finite,
    require_running,
)

BOX = spaces.Box(-1.0, 2.0, (3,), np.float32)
CHOICES = spaces.MultiDiscrete([2, 4])


@pytest.mark.parametrize(
    ("space", "action"),
    [
        (BOX, [-1.0, 0.0, 2.0]),
        (BOX, np.array([0.5, 2.0 + 1e-12, -1.0])),  # 2 in single precision
        (BOX, np.array([0, 1, 2])),
        (CHOICES, [1, 3]),
        (CHOICES, np.array([1.0, 3.0])),
        (spaces.Discrete(3, start=5), 7),
    ],
)
def test_what_lies_in_the_space_is_returned_as_it_is(space, action):
    np.testing.assert_array_equal(checked_action(space, action), action)


@pytest.mark.parametrize(
    ("space", "action", "got"),
    [
        (BOX, [0.0, np.nan, 0.0], r"nan at (1,)"),
        (BOX, [0.0, 0.0, 2.001], r"2.001 at (2,)"),
        (BOX, [-np.inf, 0.0, 0.0], r"-inf at (0,)"),
        (BOX, [0.0, 0.0], r"shape (2,) of float64"),
        (BOX, ["a", "b", "c"], r"shape (3,) of <U1"),
        (CHOICES, [1, 4], r"4 at (1,)"),
        (CHOICES, [-1, 0], r"-1 at (0,)"),
        (CHOICES, [0.5, 0], r"0.5 at (0,)"),
        (CHOICES, [np.nan, 0], r"nan at (0,)"),
        (spaces.Discrete(3), 3, r"3 at ()"),
    ],
)
def test_what_does_not_is_refused_with_its_place(space, action, got):
    with pytest.raises(ValueError) as error:
        checked_action(space, action)
    sentence = f"action must lie in the action space {space}, got {got!r}; action_space.sample() shows one that does."
    assert str(error.value) == sentence


def test_rows_that_are_not_used_may_hold_anything():
    space = spaces.Box(-1.0, 1.0, (2, 2), np.float32)
    action = np.array([[0.0, 1.0], [np.nan, 9.0]])
    assert checked_action(space, action, np.array([True, False])) is action
    with pytest.raises(ValueError, match=r"got 'nan at \(1, 0\)'"):
        checked_action(space, action, np.array([False, True]))


def test_other_spaces_are_refused():
    with pytest.raises(ValueError, match="action space must be Box, Discrete or MultiDiscrete, got MultiBinary"):
        checked_action(spaces.MultiBinary(2), np.zeros(2))


@pytest.mark.parametrize("idle", [BEFORE_THE_FIRST, AFTER_THE_END])
def test_a_step_belongs_to_an_episode(idle):
    require_running("")
    with pytest.raises(ResetNeeded, match=f"^step must belong to an episode, got one {idle}; call reset first.$"):
        require_running(idle)


def test_a_nan_and_an_infinity_are_named_with_their_environment():
    require_finite("reward", np.array([1.0, -2.0]), "slot 3")
    require_finite("observation", np.ones((2, 3), dtype=np.int64), "slot 3")
    with pytest.raises(
        ValueError, match="reward must hold finite numbers, got 'nan in slot 3 of environment 5'; look at what"
    ):
        require_finite("reward", np.array([1.0, np.nan]), "slot 3", 4)
    with pytest.raises(ValueError, match="observation must hold finite numbers, got '-inf in step 0 of environment 1'"):
        require_finite("observation", np.array([[0.0, 1.0], [-np.inf, 0.0]]), "step 0")
