from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.physical.delivery import multicast_efficiency
from gdt_tutorial.physical.messages import NOT_SERVED, Decision
from gdt_tutorial.physical.streaming import (
    StreamState,
    cached_videos,
    deliver,
    segment_length_s,
    worst_member_efficiency,
)
from tests.small_networks import capacity, tiny_catalog

CATALOG = tiny_catalog()


def start(n_users=4, playlist=(0, 2, 1), group=None):
    group = np.zeros((1, n_users), dtype=np.int64) if group is None else np.array([group])
    return StreamState.start(group, np.tile(playlist, (1, int(group.max()) + 1, 1)), 3, CATALOG)


def decide(subgroup, segments, *, ap=None, version=None, share=0.5, group=None):
    n_streams = len(segments)
    return Decision(
        subgroup=np.array([subgroup]),
        group=np.array([group or [0] * n_streams]),
        ap=np.array([ap or [0] * n_streams]),
        version=np.array([version or [0] * n_streams]),
        bandwidth_share=np.full((1, n_streams), share),
        computing_share=np.full((1, n_streams), share),
        segments=np.array([segments]),
    )


def hears(*efficiency):
    """Return what users get from AP 0; from AP 1 they get nothing."""
    return np.stack([np.array([efficiency], dtype=float), np.zeros((1, len(efficiency)))], axis=-1)


def first(n_segments, position=0):
    return [[position, segment] for segment in range(n_segments)]


AT_0 = np.zeros((1, 4), dtype=np.int64)


def test_a_stream_goes_at_the_worst_reachable_member():
    # User 2 hears nothing and user 3 belongs to the other cell: neither stops the stream, neither gets anything.
    state, serving = start(), np.array([[0, 0, 0, 1]])
    received_s, load = deliver(
        state, decide([0, 0, 0, 0], [first(6)]), hears(4, 2, 0, 1), serving, CATALOG, capacity()
    )  # 1 MHz x 2 bit/s/Hz x half of 2 s = 2 Mb = 2 segments of the lowest version
    assert load.efficiency[0, 0] == 2
    assert load.n_sent[0, 0] == 2
    assert received_s.tolist() == [[2, 2, 0, 0]]
    assert state.stored_s.tolist() == [[2, 2, 0, 0]]
    assert state.buffered[0, :, 0, :3].tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert load.bandwidth.tolist() == [[0.5, 0]]
    assert load.delay_s.tolist() == [[2.0]]


def test_the_worst_reachable_member_is_that_of_multicast():
    rng = np.random.default_rng(0)
    efficiency = rng.choice([0.0, 0.5, 1.5, 3.0, 5.5], size=(5, 30, 2)).astype(np.float32)
    subgroup, serving_ap = rng.integers(-1, 8, size=(5, 30)), rng.integers(2, size=(5, 30))
    ap = rng.integers(2, size=(5, 8))
    is_reachable = np.array(
        [
            [
                [subgroup[env, user] == m and serving_ap[env, user] == ap[env, m] and efficiency[env, user, ap[env, m]] > 0
                 for user in range(30)]
                for m in range(8)
            ]
            for env in range(5)
        ]
    )  # fmt: skip
    got = worst_member_efficiency(subgroup, ap, efficiency, serving_ap)
    np.testing.assert_array_equal(got, multicast_efficiency(efficiency, is_reachable, ap))


def test_whoever_hears_a_stream_of_the_own_group_keeps_it():
    state = start(group=[0, 0, 0, 1])
    subgroup = [0, NOT_SERVED, NOT_SERVED, NOT_SERVED]
    received_s, _ = deliver(state, decide(subgroup, [first(2)]), hears(2, 2, 1.9, 6), AT_0, CATALOG, capacity())
    assert received_s.tolist() == [[2, 2, 0, 0]]


def test_a_lagging_user_overhears_what_lies_in_its_window():
    state = start()
    state.head[0] = [1, 0, 0, 0]
    state.play_s[0] = [2.0, 0, 0, 0]
    segments = [
        [1, 1],
        [1, 2],
        [4, 0],
    ]  # the first is played already by user 0; the last lies beyond the others' window
    received_s, load = deliver(
        state, decide([0, NOT_SERVED, NOT_SERVED, NOT_SERVED], [segments]),
        hears(8, 8, 8, 1), AT_0, CATALOG, capacity(),
    )  # fmt: skip
    assert load.n_sent[0, 0] == 3
    assert received_s.tolist() == [[1, 2, 2, 0]]


@pytest.mark.parametrize(("share", "n_sent"), [(0.5, 2), (0.5 - 1e-6, 1), (0.0, 0), (1.0, 4)])
def test_band_is_never_exceeded(share, n_sent):
    _, load = deliver(
        start(), decide([0] * 4, [first(6)], share=share), hears(2, 2, 2, 2), AT_0, CATALOG, capacity()
    )  # fmt: skip
    assert load.n_sent[0, 0] == n_sent


def test_cycles_are_never_exceeded():
    slow = capacity(computing_cycles_per_s=np.full(2, 1e8), cycles_per_bit=100.0)
    _, load = deliver(start(), decide([0] * 4, [first(6)]), hears(8, 8, 8, 8), AT_0, CATALOG, slow)
    assert load.n_sent[0, 0] == 1  # 1e8 cycles/s x 2 s x 1/2 = 1e8 cycles = 1 Mb
    assert load.computing.tolist() == [[0.5, 0]]


def test_backhaul_is_shared_by_demand_and_cached_videos_cost_none():
    thin = capacity(backhaul_bps=np.full(2, 2e6), is_cached=np.zeros((2, 3), dtype=bool))
    streams = decide([0, 0, 1, 1], [first(4), first(4, position=1)])
    _, load = deliver(start(), streams, hears(8, 8, 8, 8), AT_0, CATALOG, thin)
    assert load.n_sent.tolist() == [[2, 2]]  # 4 Mb for two demands of 4 Mb
    assert load.backhaul.tolist() == [[1.0, 0]]
    _, load = deliver(start(), streams, hears(8, 8, 8, 8), AT_0, CATALOG, replace(thin, is_cached=~thin.is_cached))
    assert load.n_sent.tolist() == [[4, 4]]
    assert load.backhaul.tolist() == [[0, 0]]


def test_a_segment_that_comes_twice_counts_once_and_the_first_version_stays():
    state = start()
    twice = decide([0, 0, 1, 1], [[[0, 0], [0, 0]], [[0, 0], [0, 1]]], version=[1, 0])
    received_s, load = deliver(state, twice, hears(8, 8, 8, 8), AT_0, CATALOG, capacity())
    assert load.n_sent.tolist() == [[2, 2]]
    assert received_s.tolist() == [[2, 2, 2, 2]]
    assert state.buffered[0, :, 0, :2].tolist() == [[2, 1]] * 4
    again_s, _ = deliver(state, twice, hears(8, 8, 8, 8), AT_0, CATALOG, capacity())
    assert not again_s.any()


def test_padding_inside_a_list_does_not_stop_it():
    _, load = deliver(
        start(), decide([0] * 4, [[[0, 0], [-1, -1], [0, 1]]]), hears(8, 8, 8, 8), AT_0, CATALOG, capacity()
    )
    assert load.n_sent[0, 0] == 2


def test_a_slice_that_holds_nothing_sends_nothing():
    for name in ("bandwidth_hz", "computing_cycles_per_s", "backhaul_bps"):
        nothing = capacity(**{name: np.zeros(2)}, is_cached=np.zeros((2, 3), dtype=bool))
        received_s, load = deliver(start(), decide([0] * 4, [first(3)]), hears(8, 8, 8, 8), AT_0, CATALOG, nothing)
        assert not received_s.any()
        assert all(
            not getattr(load, part).any() for part in ("bandwidth", "computing", "backhaul", "delay_s", "n_sent")
        )


def test_segment_lengths_sum_to_the_video():
    video, segment = np.indices((3, 12))
    length_s = segment_length_s(CATALOG, video, segment)
    np.testing.assert_allclose(length_s.sum(axis=1), CATALOG.duration_s)
    assert length_s[0].tolist() == [1, 1, 1, 1, 1, 0.5, 0, 0, 0, 0, 0, 0]
    assert segment_length_s(CATALOG, np.array([0]), np.array([-1])).tolist() == [0]


def test_the_cache_holds_the_most_popular_videos_that_fit():
    popular = replace(CATALOG, popularity=np.array([0.2, 0.5, 0.3]))  # 3 s, then 8 s, then 5.5 s at 2 Mb/s
    is_cached = cached_videos(popular, np.array([0.0, 0.75e6, 2.75e6, 1e9]))
    assert is_cached.tolist() == [
        [False, False, False], [False, True, False], [False, True, True], [True, True, True],
    ]  # fmt: skip
