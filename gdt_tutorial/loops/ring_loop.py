"""The internal loop on the ring of co-channel cells: the same loop, in a world of its own instead of the virtual network.

The loop asks for an abstractor, makers and a validator. On the ring the queues are the features, a policy is a maker, and
`Ring.score` validates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from jaxtyping import Float

from gdt_tutorial.loops.internal import InternalConfig, InternalLoop
from gdt_tutorial.worlds.ring import Ring, RingPolicy

__all__ = ["RingSeen", "ring_loop"]


class RingSeen:
    """What is seen in a slot: the queues, in the place of an `Observation`."""

    def __init__(self, slot: int, queue: Float[np.ndarray, "batch ap"]) -> None:
        self.queue, self.status = queue, SimpleNamespace(slot=slot, session=SimpleNamespace(head=queue))


@dataclass(frozen=True)
class _Part:
    """Policy, abstractor and validator, in the words of the loop."""

    ring: Ring
    policy: RingPolicy

    def abstract(self, seen: Any) -> Any:
        return seen.queue

    def decide(self, features: Any, *, rng: np.random.Generator) -> Any:
        return self.policy(features, rng)

    def score(self, seen: Any, decisions: Mapping[str, Any], then: Mapping[str, Any], *, rng: Any) -> Any:
        policies = {name: part.policy for name, part in then.items()}
        return self.ring.score(seen.queue, decisions, policies, rng=rng)


def ring_loop(
    ring: Ring,
    policies: Mapping[str, RingPolicy],
    config: InternalConfig = InternalConfig(),
    *,
    rng: np.random.Generator,
) -> InternalLoop:
    """Return the loop that chooses among policies; `config` says how often it validates (how far, the ring says)."""
    parts = {name: _Part(ring, policy) for name, policy in policies.items()}
    own = _Part(ring, ring.max_weight)
    return InternalLoop(own, parts, own, config, rng=rng)
