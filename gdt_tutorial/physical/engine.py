"""The engine: one slot after the other, from telemetry through a decision to the next telemetry."""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Int

from gdt_tutorial.physical.messages import Decision, Telemetry
from gdt_tutorial.physical.network import PhysicalNetwork

__all__ = ["run"]


def run(
    network: PhysicalNetwork,
    decide: Callable[[Telemetry], Decision],
    n_slots: int,
    *,
    group: Int[np.ndarray, "batch user"] | None = None,
) -> Iterator[tuple[Telemetry, Telemetry]]:
    """Run a network from its start; give the telemetry before and after each slot.

    Args:
        network: It is reset.
        decide: From the telemetry of the slot that just ended to the decision of the next one.
        n_slots: How long.
        group: Multicast groups of the users; None groups them by favorite video type.
    """
    after = network.reset(group)
    for _ in range(n_slots):
        before, after = after, network.step(decide(after))
        yield before, after
