"""The internal loop holds the ring as its validator."""

import numpy as np

from gdt_tutorial.loops.internal import InternalConfig
from gdt_tutorial.loops.ring_loop import RingSeen, RingTwin, ring_loop
from gdt_tutorial.seeding import stream
from gdt_tutorial.worlds.ring import Ring, RingConfig


def random_pattern(queue, rng):
    return (rng.random(queue.shape) < 0.5).astype(float)


def test_the_better_of_two_policies_is_carried_out_on_the_ring():
    ring, rng = Ring(), stream(0, "ring")
    policies = {"random": random_pattern, "max-weight": ring.max_weight}
    loop = ring_loop(ring, policies, InternalConfig(period_slots=1), rng=stream(0, "validation"))
    queue, is_best = np.zeros((8, 6)), []
    for slot in range(20):
        power = loop.decide(RingSeen(slot, queue))
        verdict = loop.verdicts[-1]
        right = verdict.chosen == 1
        np.testing.assert_array_equal(power[right], ring.max_weight(queue)[right])
        queue = ring.next_queue(queue, power, ring.arrivals((8,), rng=rng))
        is_best.append(right.mean())
    assert verdict.expected_qoe["max-weight"].mean() > verdict.expected_qoe["random"].mean()
    assert np.mean(is_best[5:]) > 0.9


def test_another_ring_can_be_believed_in_mid_run():
    twin, queue = RingTwin(Ring()), stream(0, "queues").uniform(0, 8, (64, 6))
    near = Ring(RingConfig(reach=1))
    policies = {"reach 2": Ring().max_weight, "reach 1": near.max_weight}
    loop = ring_loop(twin, policies, InternalConfig(period_slots=1, memory=0.0), rng=stream(0, "validation"))
    shares = []
    for slot, believed in enumerate((twin.ring, near)):
        twin.ring = believed
        loop.decide(RingSeen(slot, queue))
        shares.append(loop.verdicts[-1].chosen.mean())
    assert shares[0] < 0.2
    assert shares[1] > 0.8
