r"""Queues of bits in slots: what waits, what is late, and the closed forms that a simulation has to meet.

Two services of an access point queue. Files of best effort are elastic: what does not fit into a slot is sent in the next one.
Packets of low latency have a deadline: what does not leave in the slot of its arrival is late, and it is sent all the same,
before what comes after it. Both follow

    left[t] = max(left[t-1] + arrived[t] - offered[t], 0)                          (Lindley 1952)

How long a bit waits follows from the mean queue (Little 1961): mean wait = mean of what is left / what arrives in a second.

Closed forms:

    M/M/1   files come at random and have exponential sizes. Unfinished work is load service_s / (1 - load) seconds on average,
            which Little's law turns into the time of a file from its first request to its last bit: service_s / (1 - load).
    M/D/1   packets of one size come at random, and a slot carries one. Then left[t] counts whoever waits in an M/D/1 queue at
            the end of a slot, load^2 / (2 (1 - load)) of them on average. With c packets in a slot it is the queue M/D/c.

Sources: Kleinrock 1975, ch. 3 and 5; M/D/c in slots of one service time, Crommelin 1932. The fluid model differs from files one
by one in that a bit may leave in the slot of its arrival; with slots that are short beside a file this changes nothing.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require

__all__ = ["Served", "late_bit", "md1_queue", "mm1_delay_s", "serve", "wait_s"]


class Served(NamedTuple):
    """What a slot has sent, and what it has left in the queue."""

    sent_bit: Float[np.ndarray, "*shape"]
    left_bit: Float[np.ndarray, "*shape"]


def serve(
    left_bit: Float[np.ndarray, "*#shape"],
    arrived_bit: Float[np.ndarray, "*#shape"],
    offered_bit: Float[np.ndarray, "*#shape"],
) -> Served:
    """Serve a queue for one slot; what arrives in the slot can leave in it."""
    waiting_bit = left_bit + arrived_bit
    sent_bit = np.minimum(waiting_bit, offered_bit)
    return Served(sent_bit, waiting_bit - sent_bit)


def late_bit(
    arrived_bit: Float[np.ndarray, "*#shape"], left_bit: Float[np.ndarray, "*#shape"]
) -> Float[np.ndarray, "*shape"]:
    """Return what arrived in a slot and is still there at its end; first come, first served, so the newest are left."""
    return np.minimum(arrived_bit, left_bit)


def wait_s(left_bit: Float[np.ndarray, " slot"], arrived_bit: Float[np.ndarray, " slot"], slot_s: float) -> float:
    """Return how long a bit waits on average, by Little's law.

    Raises:
        ValueError: Nothing arrived.
    """
    total_bit = float(arrived_bit.sum())
    require(total_bit > 0, "arrived_bit", "hold an arrival", total_bit, "a service without traffic has no wait")
    return float(left_bit.sum()) * slot_s / total_bit


def mm1_delay_s(load: float, service_s: float) -> float:
    """Return the mean time of a file in an M/M/1 queue, from its arrival to its end.

    Raises:
        ValueError: A load under which the queue has no limit.
    """
    return service_s / (1 - _stable(load))


def md1_queue(load: float) -> float:
    """Return how many packets wait in an M/D/1 queue on average, without the one in service.

    Raises:
        ValueError: A load under which the queue has no limit.
    """
    return _stable(load) ** 2 / (2 * (1 - load))


def _stable(load: float) -> float:
    require(0 <= load < 1, "load", "lie in [0, 1)", load, "offer more than arrives")
    return load
