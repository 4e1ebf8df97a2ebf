"""Future states and inverse dynamics on the ring: what must a state tell, so that a decision can be read from it?

"GDM utilizes the state diffusion method to generate the future state (network status) [...] The generated state is integrated
with the historical state as an input to the inverse dynamics mechanism for action (network management decision) generation"
(the paper, GAI-Based Decision-Making). On the ring the history are the queues that are met. The future state is one of

    queues    what the queues are one slot later: arrivals stand in it, and an access point without a queue leaves no trace
    served    the packets that each access point has served in the slot

Both models learn from the best fifth of the logs, as action diffusion does beside them. An inverse is a ridge regression or the
network on top of it; R^2 is on logged slots that neither has seen. `reproduce decision_diffuser` stores it over seeds.
"""

from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gdt_tutorial.configuration import require
from gdt_tutorial.gai.denoiser import Denoiser, DiffusionConfig
from gdt_tutorial.gai.diffusion import train_denoiser
from gdt_tutorial.gai.inverse_dynamics import (
    DecisionDiffuser,
    InverseConfig,
    InverseDynamics,
    explained_share,
    start_inverse,
    train_inverse,
)
from gdt_tutorial.seeding import stream, torch_from, torch_stream
from gdt_tutorial.studies.tables import six_digits
from gdt_tutorial.twin.recipes.ring_decisions import (
    LoggedDecisions,
    RingStudyConfig,
    diffusion_policy,
    logged_decisions,
    tensor_of,
)
from gdt_tutorial.worlds.ring import Ring, RingPolicy, snap
from gdt_tutorial.worlds.ring_logs import RingLog, turned

__all__ = [
    "LOGS",
    "STATES",
    "VERSION",
    "StateDecisions",
    "action_value",
    "future_states",
    "state_decisions",
    "state_policy",
    "tasks",
    "work",
]

VERSION = "1"
_SEED = 71_000  # no setting was chosen on these
STATES, LOGS = ("queues", "served"), ("expert", "no expert")


def tasks(n_seeds: int) -> list[dict[str, Any]]:
    """Return one task for each kind of logs and seed."""
    return [{"seed": _SEED + seed, "logs": logs} for logs, seed in product(LOGS, range(n_seeds))]


def work(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row per kind of state and measure, and the value of action diffusion and of max-weight beside them.

    A task may name smaller ones under "config" and "inverse", for tests.
    """
    seed, config = task["seed"], task.get("config", RingStudyConfig())
    inverse = task.get("inverse", InverseConfig())
    logged = logged_decisions(task["logs"] == LOGS[0], config, seed=seed)
    found = [
        (kind, measure, value)
        for kind in STATES
        for measure, value in asdict(state_decisions(logged, kind, config, inverse, seed=seed)).items()
    ]
    best = logged.ring.value(logged.ring.max_weight, config.n_test, rng=stream(seed, "ring test"))
    found += [
        ("actions", "value", action_value(logged, config, seed=seed)),
        ("max-weight", "value", float(best.mean())),
    ]
    return [
        {"seed": seed, "logs": task["logs"], "state": state, "measure": measure, "value": six_digits(value)}
        for state, measure, value in found
    ]


@dataclass(frozen=True, kw_only=True)
class StateDecisions:
    """What came of one kind of future state.

    Attributes:
        explained_linear, explained: R^2 of the actions by both inverses.
        linear, network: Value of the decision diffuser with each of them.
    """

    explained_linear: float
    explained: float
    linear: float
    network: float


def future_states(ring: Ring, log: RingLog, kind: str) -> np.ndarray:
    """Return the states that followed each logged slot, as telemetry has them.

    Raises:
        ValueError: Another kind of state.
    """
    require(kind in STATES, "kind", f"be one of {STATES}", kind, "see the module's first lines")
    return log.left if kind == "queues" else np.minimum(log.met, ring.rate(log.power))


def state_policy(diffuser: DecisionDiffuser) -> RingPolicy:
    """Decide by a future state, snapped to on or off."""

    def policy(queue: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        generator = torch_from(rng)
        return snap(diffuser.act(tensor_of(queue), generator=generator).double().numpy())

    return policy


def state_decisions(
    logged: LoggedDecisions,
    kind: str,
    config: RingStudyConfig = RingStudyConfig(),
    inverse: InverseConfig = InverseConfig(),
    *,
    seed: int,
) -> StateDecisions:
    """Train both models on the logs of a seed, and value the decisions (some five seconds).

    Raises:
        ValueError: Another kind of state.
    """
    ring = logged.ring
    met, power, state = _flat(logged, kind, seed)
    is_held = torch.from_numpy(np.arange(len(met)) % 5 == 0)
    train, held = ((met[part], state[part], power[part]) for part in (~is_held, is_held))
    line = start_inverse(*train, config=inverse, generator=torch_stream(seed, "inverse"))
    network = train_inverse(*train, config=inverse, generator=torch_stream(seed, "inverse"))
    best, diffusion = logged.best(config.best_share), DiffusionConfig(n_updates=config.n_updates)
    future = train_denoiser(state[best], met[best], config=diffusion, generator=torch_stream(seed, "future states"))
    values = [_value(ring, future, each, config, seed) for each in (line, network)]
    shares = [explained_share(each, *held) for each in (line, network)]
    return StateDecisions(explained_linear=shares[0], explained=shares[1], linear=values[0], network=values[1])


def action_value(logged: LoggedDecisions, config: RingStudyConfig = RingStudyConfig(), *, seed: int) -> float:
    """Return the value of action diffusion on the best fifth of the same logs."""
    best, diffusion = logged.best(config.best_share), DiffusionConfig(n_updates=config.n_updates)
    generator = torch_stream(seed, "actions")
    model = train_denoiser(logged.power[best], logged.queue[best], config=diffusion, generator=generator)
    policy = diffusion_policy(model, config.sampling, None)
    return float(logged.ring.value(policy, config.n_test, rng=stream(seed, "ring test")).mean())


def _flat(logged: LoggedDecisions, kind: str, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return queues, powers and future states of each logged slot, in the turns that the ranks belong to."""
    n_aps, log = logged.ring.config.n_aps, logged.log
    arrays = (log.met, log.power, future_states(logged.ring, log, kind))
    met, power, state = (each.reshape(-1, n_aps) for each in arrays)
    met, power, state = turned(logged.ring, met, power, state, rng=stream(seed, "turns"))
    return tensor_of(met), tensor_of(power), tensor_of(state)


def _value(ring: Ring, future: Denoiser, inverse: InverseDynamics, config: RingStudyConfig, seed: int) -> float:
    diffuser = DecisionDiffuser(future=future, inverse=inverse, sampling=config.sampling)
    return float(ring.value(state_policy(diffuser), config.n_test, rng=stream(seed, "ring test")).mean())
