"""The exercises of chapter 04: the best discriminator, a sign, what a reward pays for time, a judge of states."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from gdt_tutorial.agents.actor_critic import CategoricalActorCritic
from gdt_tutorial.agents.policy_gradient import ActorCriticLearner
from gdt_tutorial.gai.demonstrations import Demonstrations
from gdt_tutorial.gai.gail import Imitator
from gdt_tutorial.seeding import torch_seeded, torch_stream
from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close

# Three slots. The expert is at the door with 1, 1/2, 1/4 and goes with 1/2; the imitator is there once, and goes.
_EXPERT, _IMITATOR = np.array([0.875, 1.25]) / 3, np.array([1.0, 2.0]) / 3
_BEST = _EXPERT / (_EXPERT + _IMITATOR)
_LOGITS = torch.tensor([-2.0, 0.0, 1.0])
_NAT = float(np.log(2))


@exercise(
    title="The best discriminator (on paper)",
    difficulty="easy",
    minutes=8,
    hints=(
        "Write down where either walker is in each of the three slots.",
        "The expert is at the door with probability 1, 1/2, 1/4, and goes from there with 1/2.",
        "D = p_E / (p_E + p_pi), with the shares of the three slots.",
    ),
    mistakes=(
        Mistake(1 - _BEST, says="imitator"),
        Mistake(np.log(_EXPERT / _IMITATOR), says="logit"),
        Mistake((1 / 3, 1 / 3), says="where the walkers are"),
        Mistake((3 / 7, 1 / 3), says="two slots"),
    ),
)
def ex4_1(answer: Any) -> str:
    """Return the best D for (door, go) and for the goal, over three slots."""
    expect_close(
        answer,
        _BEST,
        tolerance=0.006,
        what="the pair",
        mistakes={
            "that is high for the imitator; D is high for the expert.": 1 - _BEST,
            "that is the logit; D itself lies between 0 and 1.": np.log(_EXPERT / _IMITATOR),
            "that compares the choices alone; D also asks where the walkers are.": (1 / 3, 1 / 3),
            "that is the answer for two slots.": (3 / 7, 1 / 3),
        },
    )
    return "time spent was compared, not choices."


@exercise(
    title="A sign",
    difficulty="easy",
    minutes=5,
    hints=(
        "In the original paper D is the probability of the *imitator*.",
        "Its D is one minus ours: what happens to a logit then?",
        "log D - log(1 - D) of our D is minus the logit of theirs.",
    ),
    mistakes=(
        Mistake(lambda logits: logits, says="imitator gives itself away"),
        Mistake(lambda logits: -logits.sigmoid(), says="probability"),
        Mistake(lambda logits: nn.functional.logsigmoid(-logits), says="one of the two logarithms"),
    ),
)
def ex4_2(answer: Callable[[torch.Tensor], torch.Tensor]) -> str:
    """Turn logits that are high for the imitator into the reward of this chapter."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex4_2(imitation_reward)`.")
    expect_close(
        answer(_LOGITS),
        -_LOGITS,
        what="the reward",
        mistakes={
            "so the reward is highest where the imitator gives itself away: turn the sign.": _LOGITS,
            "that is a probability; the reward is a difference of two logarithms.": -_LOGITS.sigmoid(),
            "that is one of the two logarithms; subtract the other.": nn.functional.logsigmoid(-_LOGITS),
        },
    )
    return "expert is high, whatever the library says."


@exercise(
    title="What time is worth (on paper)",
    difficulty="medium",
    minutes=8,
    hints=(
        "The discriminator is undecided: D = 1/2 everywhere, so every slot pays the same.",
        "log(1/2) is -0.69. A walk of 40 slots has 25 slots more than one of 15.",
        "With an absorbing state both walks fill the same 40 slots.",
    ),
    mistakes=(
        Mistake((25 * _NAT, -25 * _NAT, 0.0), says="signs"),
        Mistake((-25 * _NAT, 25 * _NAT, 25 * _NAT), says="absorbing"),
        Mistake((-40 * _NAT, 40 * _NAT, 0.0), says="difference"),
        Mistake((0.0, 0.0, 0.0), says="every slot"),
    ),
)
def ex4_3(answer: Any) -> str:
    """Return what the long walk is paid beyond the short one."""
    right = (-25 * _NAT, 25 * _NAT, 0.0)
    expect_close(
        answer,
        right,
        tolerance=0.02,
        what="the triple",
        mistakes={
            "look at the signs: log D is negative, so each further slot costs.": (25 * _NAT, -25 * _NAT, 0.0),
            "in the absorbing state the short walk is paid too, in every slot until the horizon.": (
                -25 * _NAT,
                25 * _NAT,
                25 * _NAT,
            ),
            "that is the whole long walk; asked is the difference to the short one.": (-40 * _NAT, 40 * _NAT, 0.0),
            "D = 1/2 is not a reward of zero: log D pays in every slot, and so does -log(1 - D).": (0.0, 0.0, 0.0),
        },
    )
    return "a reward with one sign pays for time, not for likeness."


class _OfActions(nn.Module):
    def __init__(self, n_states: int) -> None:
        super().__init__()
        self.logit = nn.Linear(2, 1)

    def forward(self, state: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
        return self.logit(action).squeeze(1)


class _Flat(nn.Module):
    def __init__(self, n_states: int) -> None:
        super().__init__()
        self.logit = nn.Linear(n_states, 1)

    def forward(self, state: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
        return self.logit(state)


class _Constant(nn.Module):
    def __init__(self, n_states: int) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.zeros(1))

    def forward(self, state: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
        return self.logit.expand(len(state))


@exercise(
    title="A discriminator of states",
    difficulty="medium",
    minutes=10,
    hints=(
        "A discriminator is any module that is called with states and actions, and returns one logit for each row.",
        "Look only at the state: one weight for each of its entries will do.",
        "`(state @ self.weight)` with `self.weight = nn.Parameter(torch.zeros(n_states))`.",
    ),
    mistakes=(
        Mistake(_OfActions, says="depends on the action"),
        Mistake(_Flat, says="one number for each row"),
        Mistake(_Constant, says="tell states apart"),
    ),
)
def ex4_4(answer: Callable[[int], Any]) -> str:
    """Judge by states alone, and hold the place of the library's discriminator in an `Imitator`."""
    expect(isinstance(answer, type), "pass the class itself: `check.ex4_4(StateDiscriminator)`.")
    with torch_seeded(torch_stream(0)):
        judge = answer(3)
    state, action = torch.eye(3)[[0, 1, 2, 0]], torch.eye(2)[[0, 1, 0, 1]]
    logits = judge(state, action)
    expect(tuple(logits.shape) == (4,), "return one number for each row: squeeze the last axis.")
    changed = judge(state, 1 - action)
    expect(torch.equal(logits, changed), "the logit depends on the action; look at the state alone.")
    shown = Demonstrations(state[:2], torch.tensor([0, 1]))
    learner = ActorCriticLearner(CategoricalActorCritic(3, 2, (4,), generator=torch_stream(0)))
    imitator = Imitator(learner, judge, shown, 2, generator=torch_stream(1))
    optimizer = torch.optim.Adam(judge.parameters(), lr=0.1)
    for _ in range(20):
        there, numbers = imitator.inputs(state, torch.tensor([0, 1, 0, 1]))
        loss = nn.functional.binary_cross_entropy_with_logits(judge(there, numbers), torch.tensor([1.0, 0.0, 0.0, 1.0]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    logits = judge(state, action)
    is_apart = bool(logits[0] > logits[1] + 0.1)
    expect(is_apart, "after twenty steps it cannot tell states apart: give each entry of a state a weight.")
    return "the place of the discriminator takes it."
