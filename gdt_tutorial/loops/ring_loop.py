"""The internal loop on the ring of co-channel cells: the same loop, in a world of its own instead of the virtual network.

The loop asks for an abstractor, makers and a validator. On the ring the queues are the features, a policy is a maker, and
`Ring.score` validates.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gdt_tutorial.loops.internal import InternalConfig, InternalLoop, Maker
from gdt_tutorial.loops.trust import Trust
from gdt_tutorial.worlds.ring import Ring, RingPolicy

__all__ = ["PolicyMaker", "RingLoop", "RingSeen", "RingTwin", "ring_loop"]


@dataclass(frozen=True)
class RingSeen:
    """What is seen in a slot (a `Seen`): the queues are all there is."""

    slot: int
    queue: Float[np.ndarray, "batch ap"]

    @property
    def n_batch(self) -> int:
        """Rings side by side."""
        return len(self.queue)


RingLoop = InternalLoop[RingSeen, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class PolicyMaker:
    """A policy of the ring in the words of the loop (a `Maker`)."""

    policy: RingPolicy

    def decide(self, features: Float[np.ndarray, "batch ap"], *, rng: np.random.Generator) -> np.ndarray:
        """Decide from the queues."""
        return self.policy(features, rng)


@dataclass
class RingTwin:
    """What the twin believes the ring to be: it abstracts, and it validates (an `Abstractor` and a `Validator`).

    Attributes:
        ring: As it is believed; whoever calibrates the twin in mid-run puts another one here.
    """

    ring: Ring

    def abstract(self, seen: RingSeen) -> Float[np.ndarray, "batch ap"]:
        """Return the queues."""
        return seen.queue

    def score(
        self,
        seen: RingSeen,
        decisions: Mapping[str, np.ndarray],
        then: Mapping[str, Maker[np.ndarray, np.ndarray]],
        *,
        rng: np.random.Generator,
    ) -> dict[str, Float[np.ndarray, " batch"]]:
        """Return what each decision is worth on the ring that is believed."""
        policies = {name: _policy_of(maker) for name, maker in then.items()}
        return self.ring.score(seen.queue, decisions, policies, rng=rng)


def _policy_of(maker: Maker[np.ndarray, np.ndarray]) -> RingPolicy:
    return lambda queue, rng: maker.decide(queue, rng=rng)


def ring_loop(
    ring: Ring | RingTwin,
    policies: Mapping[str, RingPolicy],
    config: InternalConfig = InternalConfig(),
    *,
    trust: Trust | None = None,
    rng: np.random.Generator,
) -> RingLoop:
    """Return the loop that chooses among policies.

    Args:
        ring: As the twin believes it to be; a `RingTwin` can be calibrated in mid-run.
        policies: By name.
        config: How often it validates; how far ahead, the ring says.
        trust: Holds verdicts against what came; None believes the twin.
        rng: Draws the futures.
    """
    twin = ring if isinstance(ring, RingTwin) else RingTwin(ring)
    makers = {name: PolicyMaker(each) for name, each in policies.items()}
    return InternalLoop(twin, makers, twin, config, trust=trust, rng=rng)
