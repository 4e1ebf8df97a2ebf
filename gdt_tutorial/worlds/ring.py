"""A ring of cells on one band: several muting patterns are equally good, and their mean is none.

"Since the network management problem is usually complex and non-convex, it is difficult to directly use model-based or
data-based methods" (the paper, GAI-Based Decision-Making). This is a small problem in which that is all there is. Six access
points (APs) stand in a ring. A decision says how much power each one sends with in a slot: 0 mutes it, as in an almost-blank
subframe, 1 is full power. An AP is hurt by those up to `reach` places away:

    rate[i] = log2(1 + snr power[i] / (1 + snr coupling sum over j near i of power[j])) / log2(1 + snr)
    queue[i] <- min(capacity, max(queue[i] - rate[i], 0) + arrival[i])

So an AP that is alone in its reach serves one packet in a slot, and two near ones a small part of it. With six APs and a reach
of 2, three patterns serve well: {0, 3}, {1, 4}, {2, 5}. Which is best depends on the queues, often hardly at all, and the ring
looks alike from each AP, so no order of the APs makes one of the three the natural one. Whoever decides sees the queues alone:
the coupling is hidden. The value of a policy is minus the mean queue, as a share of the capacity.

The exact answer comes from the rule that knows the coupling: max-weight serves the pattern with the largest sum of queue times
rate, and keeps queues finite whenever any rule can (Tassiulas and Ephremides 1992).

What is abstract: no users and no walks, channels without fading, the same coupling between all near cells, packets of one size,
a slot without parts. Telemetry of a real network would tell the coupling; here nobody may look. Almost-blank subframes:
3GPP TS 36.300. The book's own network with co-channel APs stands in `physical`.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import configclass, parameter, require

__all__ = ["Play", "Ring", "RingConfig", "RingPolicy", "snap"]

RingPolicy = Callable[[Float[np.ndarray, "batch ap"], np.random.Generator], Float[np.ndarray, "batch ap"]]
"""From queues, and a generator to draw from, to the power of each AP."""


@configclass
class RingConfig:
    """The ring, and what arrives."""

    n_aps: int = parameter(6, "Access points.", "chosen", above=1, at_most=12)
    reach: int = parameter(2, "How many places away an AP still hurts.", "chosen", at_least=0)
    snr: float = parameter(100.0, "Signal to noise of an AP that is alone, linear.", "chosen: 20 dB", above=0)
    coupling: float = parameter(
        1.0, "Gain of a near AP over the own one: hidden from whoever decides.", "chosen", at_least=0
    )
    arrival_probability: float = parameter(
        0.25, "Chance that a packet arrives at an AP in a slot.", "chosen", at_least=0, at_most=1
    )
    capacity: int = parameter(10, "Packets that a queue holds; what comes on top is lost.", "chosen", above=0)
    n_slots: int = parameter(100, "Slots of an episode.", "chosen", above=0)
    horizon_slots: int = parameter(8, "Slots over which a decision is judged in `Ring.score`.", "chosen", above=0)

    def __post_init__(self) -> None:
        is_ring = 2 * self.reach < self.n_aps
        require(is_ring, "reach", "be less than half of n_aps", self.reach, "let an AP be near on one side only")


def snap(power: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Return what a network can do of a raw decision: each AP on or off, whichever is nearer."""
    return (power > 0.5).astype(float)


class Play(NamedTuple):
    """Some slots: the queues that were met, what was decided, and the queues that it left."""

    met: Float[np.ndarray, "slot batch ap"]
    power: Float[np.ndarray, "slot batch ap"]
    left: Float[np.ndarray, "slot batch ap"]


class Ring:
    """The ring with its patterns and its rules.

    >>> ring = Ring()
    >>> [np.flatnonzero(pattern).tolist() for pattern in ring.good_patterns]
    [[2, 5], [1, 4], [0, 3]]
    >>> ring.max_weight(np.array([[0.0, 0, 3, 1, 0, 0]])).astype(int).tolist()
    [[0, 0, 1, 0, 0, 1]]
    """

    def __init__(self, config: RingConfig = RingConfig()) -> None:
        self.config = config
        place = np.arange(config.n_aps)
        apart = np.abs(place[:, None] - place)
        apart = np.minimum(apart, config.n_aps - apart)
        self.is_near: Bool[np.ndarray, "ap ap"] = (apart > 0) & (apart <= config.reach)
        self.patterns: Float[np.ndarray, "choice ap"] = np.array(list(product((0.0, 1.0), repeat=config.n_aps)))

    @property
    def good_patterns(self) -> Float[np.ndarray, "choice ap"]:
        """Return the patterns in which no two near APs send, and as many send as can."""
        is_apart = ((self.patterns @ self.is_near) * self.patterns == 0).all(axis=1)
        n_on = self.patterns.sum(axis=1) * is_apart
        return self.patterns[n_on == n_on.max()]

    @property
    def symmetries(self) -> Int[np.ndarray, "_ ap"]:
        """Return the turns and mirrors of the ring: `queue[:, turn]` goes with `power[:, turn]` for each of them."""
        place = np.arange(self.config.n_aps)
        turns = (place + place[:, None]) % self.config.n_aps
        return np.concatenate([turns, turns[:, ::-1]])

    def rate(self, power: Float[np.ndarray, "*batch ap"]) -> Float[np.ndarray, "*batch ap"]:
        """Return the packets that each AP can serve in a slot.

        Raises:
            ValueError: A power for other APs, or outside of [0, 1].
        """
        shape, snr = (self.config.n_aps,), self.config.snr
        require(power.shape[-1:] == shape, "power", f"have {shape} entries", power.shape[-1:], "give one for each AP")
        is_inside = bool(((power >= 0) & (power <= 1)).all())
        require(is_inside, "power", "lie in [0, 1]", [float(power.min()), float(power.max())], "clip it, or `snap` it")
        sinr = snr * power / (1 + snr * self.config.coupling * (power @ self.is_near))
        return np.log2(1 + sinr) / np.log2(1 + snr)

    def next_queue(
        self,
        queue: Float[np.ndarray, "*batch ap"],
        power: Float[np.ndarray, "*batch ap"],
        arrival: Float[np.ndarray, "*batch ap"],
    ) -> Float[np.ndarray, "*batch ap"]:
        """Return the queues after a slot.

        Raises:
            ValueError: As `rate`.
        """
        return np.minimum(np.maximum(queue - self.rate(power), 0) + arrival, self.config.capacity)

    def arrivals(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> Float[np.ndarray, "*shape ap"]:
        """Draw whether a packet arrives at each AP."""
        return (rng.random((*shape, self.config.n_aps)) < self.config.arrival_probability).astype(float)

    def max_weight(
        self, queue: Float[np.ndarray, "batch ap"], rng: np.random.Generator | None = None
    ) -> Float[np.ndarray, "batch ap"]:
        """Return the oracle's pattern, which knows the coupling: the largest sum of queue times rate.

        Args:
            queue: What waits.
            rng: Never drawn from; it makes this a `RingPolicy`.
        """
        rate = self.rate(self.patterns)
        # A little of the rate itself: of equal ones it is the pattern that serves most.
        return self.patterns[((queue + 1e-9) @ rate.T).argmax(axis=1)]

    def play(
        self,
        policy: RingPolicy,
        queue: Float[np.ndarray, "batch ap"],
        arrival: Float[np.ndarray, "slot batch ap"],
        *,
        first: Float[np.ndarray, "batch ap"] | None = None,
        rng: np.random.Generator,
    ) -> Play:
        """Let a policy decide while packets arrive.

        Args:
            policy: Decides.
            queue: Where it begins.
            arrival: What arrives in each slot.
            first: A decision for the first slot, instead of the policy's.
            rng: What the policy draws from.

        Raises:
            ValueError: No slot, or powers that the ring has not.
        """
        require(len(arrival) > 0, "arrival", "hold a slot", len(arrival), "play one at least")
        met, chosen, left = [], [], []
        for slot, new in enumerate(arrival):
            power = first if slot == 0 and first is not None else policy(queue, rng)
            met.append(queue)
            chosen.append(power)
            queue = self.next_queue(queue, power, new)
            left.append(queue)
        return Play(np.stack(met), np.stack(chosen), np.stack(left))

    def worth(self, left: Float[np.ndarray, "slot batch ap"]) -> Float[np.ndarray, " batch"]:
        """Return minus the mean of queues, as a share of the capacity."""
        return -left.mean(axis=(0, 2)) / self.config.capacity

    def value(self, policy: RingPolicy, n_episodes: int, *, rng: np.random.Generator) -> Float[np.ndarray, " batch"]:
        """Return what a policy is worth in each of some episodes, which begin with empty queues.

        Args:
            policy: Decides.
            n_episodes: How many.
            rng: Draws arrivals and the policy's numbers from two streams: all policies meet the same arrivals.

        Raises:
            ValueError: No episode, or powers that the ring has not.
        """
        require(n_episodes > 0, "n_episodes", "be above 0", n_episodes, "play one at least")
        arrival_rng, policy_rng = rng.spawn(2)
        arrival = self.arrivals((self.config.n_slots, n_episodes), rng=arrival_rng)
        return self.worth(self.play(policy, np.zeros(arrival.shape[1:]), arrival, rng=policy_rng).left)

    def score(
        self,
        seen: Float[np.ndarray, "batch ap"],
        decisions: Mapping[str, Float[np.ndarray, "batch ap"]],
        then: Mapping[str, RingPolicy],
        *,
        rng: np.random.Generator,
    ) -> dict[str, Float[np.ndarray, " batch"]]:
        """Return what each decision is worth over the coming slots, if the policy of its name goes on after it.

        All decisions meet the same arrivals, and all policies draw the same numbers. By this method an internal loop validates.

        Args:
            seen: The queues that the decisions were made from.
            decisions: Powers for the coming slot, by name.
            then: Who decides after it, by the same names.
            rng: Draws.

        Raises:
            ValueError: A decision without a policy of its name, or powers that the ring has not.
        """
        missing = sorted(decisions.keys() - then.keys())
        require(not missing, "then", "name a policy for each decision", missing, "say who goes on after it")
        arrival_rng, policy_rng = rng.spawn(2)
        arrival = self.arrivals((self.config.horizon_slots, len(seen)), rng=arrival_rng)
        scores = {}
        for name, power in decisions.items():
            played = self.play(then[name], seen, arrival, first=power, rng=deepcopy(policy_rng))
            scores[name] = self.worth(played.left)
        return scores
