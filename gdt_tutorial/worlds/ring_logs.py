"""What a ring's operators have left: logs of good and bad policies, and a twin of the ring that is fitted to them.

A learned decision-maker begins with what was done before. Some policies have each run a ring for a while:

    few                  each AP on in one of four slots, at random
    pair                 two APs at random
    longest              the AP with the longest queue alone
    longest and another  that one, and another at random
    expert in part       max-weight, with every third slot at random: somebody who knows the coupling, and is disturbed

The log tells queues, powers and arrivals. From these the coupling can be fitted, where the *form* of the law of rates is
known: `fit_ring` searches reach, SNR and coupling for the least square error of the queues that followed. So whoever knows the
form has max-weight, and needs no generator. The studies say what is won without it.

What is abstract: the log has no noise and misses nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import minimize

from gdt_tutorial.configuration import require
from gdt_tutorial.worlds.ring import Ring, RingPolicy

__all__ = ["RingLog", "draw_log", "expert_in_part", "fit_ring", "poor_policies", "turned", "worth_ahead"]


class RingLog(NamedTuple):
    """Slots of several episodes side by side, each with one policy."""

    met: Float[np.ndarray, "slot episode ap"]
    power: Float[np.ndarray, "slot episode ap"]
    arrival: Float[np.ndarray, "slot episode ap"]
    left: Float[np.ndarray, "slot episode ap"]


def poor_policies(ring: Ring) -> dict[str, RingPolicy]:
    """Return the policies that know nothing of the coupling."""
    each = np.eye(ring.config.n_aps)

    def few(queue: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return (rng.random(queue.shape) < 0.25).astype(float)

    def pair(queue: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return (rng.random(queue.shape).argsort(axis=1).argsort(axis=1) < 2).astype(float)

    def longest(queue: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return each[queue.argmax(axis=1)]

    def longest_and_another(queue: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.maximum(longest(queue, rng), each[rng.integers(ring.config.n_aps, size=len(queue))])

    return {"few": few, "pair": pair, "longest": longest, "longest and another": longest_and_another}


def expert_in_part(ring: Ring, share: float = 0.67) -> RingPolicy:
    """Return max-weight for a share of the slots, and patterns at random in the others.

    Raises:
        ValueError: A share outside of [0, 1].
    """
    require(0 <= share <= 1, "share", "lie in [0, 1]", share, "1 is max-weight")

    def policy(queue: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        blind = (rng.random(queue.shape) < 0.5).astype(float)
        return np.where(rng.random((len(queue), 1)) < share, ring.max_weight(queue), blind)

    return policy


def draw_log(
    ring: Ring, policies: Mapping[str, RingPolicy], n_episodes: int = 40, *, rng: np.random.Generator
) -> RingLog:
    """Let each policy run some episodes, which begin with empty queues.

    Args:
        ring: The true one.
        policies: By name; the episodes lie in their order.
        n_episodes: Of each.
        rng: Draws arrivals and the policies' numbers.

    Raises:
        ValueError: No policy or episode.
    """
    require(len(policies) > 0, "policies", "name one at least", list(policies), "see `poor_policies`")
    require(n_episodes > 0, "n_episodes", "be above 0", n_episodes, "log one at least")
    logs = []
    for policy, own in zip(policies.values(), rng.spawn(len(policies)), strict=True):
        arrival = ring.arrivals((ring.config.n_slots, n_episodes), rng=own)
        played = ring.play(policy, np.zeros(arrival.shape[1:]), arrival, rng=own)
        logs.append((played.met, played.power, arrival, played.left))
    return RingLog(*(np.concatenate(parts, axis=1) for parts in zip(*logs, strict=True)))


def worth_ahead(
    ring: Ring, log: RingLog, n_slots: int = 1
) -> tuple[Float[np.ndarray, "slot episode"], Float[np.ndarray, "slot episode ap"]]:
    """Return what each slot's decision was worth over the coming slots, and what arrived in them.

    Args:
        ring: Only its capacity counts.
        log: The slots; the last `n_slots` - 1 of an episode have no whole future and are left out.
        n_slots: How far is looked ahead; 1 counts the queues that the decision itself left.

    Raises:
        ValueError: No slot, or more than an episode has.
    """
    n_logged = len(log.left)
    require(0 < n_slots <= n_logged, "n_slots", f"lie in 1 to {n_logged}", n_slots, "look ahead within an episode")
    starts = range(n_logged - n_slots + 1)
    worth = np.stack([ring.worth(log.left[slot : slot + n_slots]) for slot in starts])
    return worth, np.stack([log.arrival[slot : slot + n_slots].sum(axis=0) for slot in starts])


def turned(
    ring: Ring, *arrays: Float[np.ndarray, "batch ap"], rng: np.random.Generator
) -> tuple[Float[np.ndarray, "batch ap"], ...]:
    """Turn or mirror each row at random, the same way in all arrays: the ring looks alike from each AP.

    Args:
        ring: Whose symmetries.
        *arrays: Such as queues and powers.
        rng: Draws one symmetry per row.
    """
    which: Int[np.ndarray, "batch ap"] = ring.symmetries[rng.integers(len(ring.symmetries), size=len(arrays[0]))]
    return tuple(np.take_along_axis(array, which, axis=1) for array in arrays)


def fit_ring(log: RingLog, ring: Ring, n_samples: int = 2000, *, rng: np.random.Generator) -> Ring:
    """Return a twin of the ring: reach, SNR, coupling and arrivals as the log tells, the rest of the ring as it is.

    Args:
        log: What happened.
        ring: Gives what is no secret, such as the number of APs; its reach, SNR, coupling and arrivals are not looked at.
        n_samples: Logged slots that are compared.
        rng: Draws these.
    """
    n_aps = ring.config.n_aps
    flat = [part.reshape(-1, n_aps) for part in log]
    chosen = rng.choice(len(flat[0]), min(n_samples, len(flat[0])), replace=False)
    met, power, arrival, left = (part[chosen] for part in flat)

    def twin(reach: int, logarithms: Float[np.ndarray, " 2"]) -> Ring:
        snr, coupling = np.exp(np.clip(logarithms, -12, 12)).tolist()
        known = {"reach": reach, "snr": snr, "coupling": coupling, "arrival_probability": float(log.arrival.mean())}
        return Ring(replace(ring.config, **known))

    def error(logarithms: np.ndarray, reach: int) -> float:
        return float(((twin(reach, logarithms).next_queue(met, power, arrival) - left) ** 2).mean())

    start = np.log([30.0, 0.3])
    fits = [minimize(error, start, (reach,), method="Nelder-Mead") for reach in range((n_aps + 1) // 2)]
    best = int(np.argmin([fit.fun for fit in fits]))
    return twin(best, fits[best].x)
