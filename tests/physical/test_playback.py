import numpy as np
import pytest

from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.physical.playback import QoeConfig, ViewTape, leaving_s, play
from gdt_tutorial.physical.streaming import StreamState, deliver
from gdt_tutorial.physical.swipes import SwipeGenerator, SwipeGeneratorConfig
from gdt_tutorial.physical.video import VideoCatalog, VideoCatalogConfig
from gdt_tutorial.seeding import stream
from tests.small_networks import TINY_QOE, capacity, held_s, tiny_catalog

N_USERS, N_ROWS, N_VIDEOS = 20, 3, 7


class PlainViewer:
    """One user, event by event: held segments in a dictionary, time in whole segments plus an offset."""

    def __init__(self, catalog, playlist, fraction_of, qoe):
        self.catalog, self.playlist, self.fraction_of, self.qoe = catalog, playlist, fraction_of, qoe
        self.place, self.segment, self.offset_s, self.before, self.held = 0, 0, 0.0, None, {}

    def video(self, place):
        return self.playlist[place % len(self.playlist)]

    def leave_s(self):
        duration_s = self.catalog.duration_s[self.video(self.place)]
        return min(max(self.fraction_of(self.place) * duration_s, self.qoe.min_view_s), duration_s)

    def watch(self, slot_s):
        left_s, watched_s, quality, variation, views = slot_s, 0.0, 0.0, 0.0, []
        while left_s > 1e-9 and (self.place, self.segment) in self.held:
            level = self.qoe.version_quality[self.held[self.place, self.segment]]
            if self.before is not None:
                variation += abs(level - self.before)
            self.before = level
            start_s = self.segment * self.catalog.segment_s
            piece_s = min(self.catalog.segment_s, self.leave_s() - start_s) - self.offset_s
            piece_s = min(piece_s, left_s)
            watched_s, quality = watched_s + piece_s, quality + piece_s * level
            left_s, self.offset_s = left_s - piece_s, self.offset_s + piece_s
            if start_s + self.offset_s >= self.leave_s() - 1e-9:
                video = self.video(self.place)
                views.append((self.catalog.video_type[video], self.leave_s() / self.catalog.duration_s[video]))
                self.held = {key: version for key, version in self.held.items() if key[0] != self.place}
                self.place, self.segment, self.offset_s, self.before = self.place + 1, 0, 0.0, None
            elif self.offset_s >= self.catalog.segment_s - 1e-9:
                self.segment, self.offset_s = self.segment + 1, 0.0
        return watched_s, left_s if left_s > 1e-9 else 0.0, quality, variation, views

    def receive(self, requests, version, n_bit):
        for place, segment in requests:
            length_s = min(1.0, self.catalog.duration_s[self.video(place)] - segment) * self.catalog.segment_s
            n_bit -= length_s * self.catalog.bitrate_bps[version]
            if n_bit < -1e-3:
                return
            if (place, segment) >= (self.place, self.segment) and place < self.place + N_ROWS:
                self.held.setdefault((place, segment), version)


def unicast_world(seed):
    """Every user alone in a group, with a list of its own."""
    rng = stream(seed, "world")
    catalog = VideoCatalog.generate(VideoCatalogConfig(n_videos=12, min_duration_s=1.5), rng=rng)
    playlist = rng.integers(12, size=(1, N_USERS, N_VIDEOS))
    state = StreamState.start(np.arange(N_USERS)[None], playlist, N_ROWS, catalog)
    swipes = SwipeGenerator.draw(N_USERS, SwipeGeneratorConfig(), rng=rng)
    tape = ViewTape(swipes, np.arange(N_USERS)[None], catalog.n_types, rng=rng)
    return catalog, playlist, state, tape, rng


def next_requests(viewer, catalog, n_items, *, rng):
    """Ask for what comes next, with a gap now and then."""
    place, segment, requests = viewer.place, viewer.segment, []
    while len(requests) < n_items and place < viewer.place + N_ROWS + 1:
        if segment < catalog.n_segments[viewer.video(place)]:
            if rng.random() < 0.95:
                requests.append((place, segment))
            segment += 1
        else:
            place, segment = place + 1, 0
    return requests + [(-1, -1)] * (n_items - len(requests))


@pytest.mark.parametrize("seed", range(4))
def test_unicast_agrees_with_an_event_simulation_of_each_user(seed):
    catalog, playlist, state, tape, rng = unicast_world(seed)

    def fraction_of(user):
        def look_up(place):
            kind = catalog.video_type[playlist[0, user, place % N_VIDEOS]]
            return tape.fraction(*(np.array([index]) for index in (0, user, place, kind)))[0]

        return look_up

    qoe = QoeConfig()
    viewers = [PlainViewer(catalog, playlist[0, user], fraction_of(user), qoe) for user in range(N_USERS)]
    room = capacity(bandwidth_hz=np.full(2, 3e7), is_cached=np.ones((2, 12), dtype=bool))
    serving_ap, share = np.zeros((1, N_USERS), dtype=np.int64), np.full((1, N_USERS), 1 / N_USERS)
    n_views = 0
    for _ in range(60):
        efficiency = rng.uniform(0.2, 6, size=(1, N_USERS, 2))
        version = rng.integers(4, size=(1, N_USERS))
        requests = [next_requests(viewer, catalog, 6, rng=rng) for viewer in viewers]
        service = play(state, tape, catalog, qoe, 2.0)
        deliver(
            state,
            Decision(
                subgroup=np.arange(N_USERS)[None], group=np.arange(N_USERS)[None], ap=serving_ap, version=version,
                bandwidth_share=share, computing_share=share, segments=np.array([requests]),
            ),
            efficiency, serving_ap, catalog, room,
        )  # fmt: skip
        for user, viewer in enumerate(viewers):
            watched_s, stall_s, quality, variation, views = viewer.watch(2.0)
            assert service.watched_s[0, user] == pytest.approx(watched_s, abs=1e-9)
            assert service.stall_s[0, user] == pytest.approx(stall_s, abs=1e-9)
            assert service.quality[0, user] == pytest.approx(quality, abs=1e-9)
            assert service.variation[0, user] == pytest.approx(variation, abs=1e-9)
            wanted = quality - variation - 1.85 * stall_s
            assert service.qoe[0, user] == pytest.approx(wanted / 2.0, abs=1e-9)
            assert service.n_views[0, user] == len(views)
            if views:
                assert service.view_type[0, user] == views[-1][0]
                assert service.view_fraction[0, user] == pytest.approx(views[-1][1], abs=1e-9)
            n_views += len(views)
            n_bit = 3e7 * efficiency[0, user, 0] / N_USERS * 2.0
            viewer.receive([each for each in requests[user] if each[0] >= 0], version[0, user], n_bit)
            assert state.head[0, user] == viewer.place
            stored = {(place, segment): version for (place, segment), version in viewer.held.items()}
            assert np.count_nonzero(state.buffered[0, user]) == len(stored)
    assert n_views > 100


def watch_by_hand(fractions, held, *, slots=1, slot_s=2.0, catalog=None, play_s=0.0):
    """Let one user watch the list 0, 1, 2, ... with the given watched fractions and the given held segments."""
    catalog = catalog or tiny_catalog()
    playlist = np.arange(catalog.n_videos).reshape(1, 1, -1)
    state = StreamState.start(np.zeros((1, 1), dtype=np.int64), playlist, 4, catalog)
    for (place, segment), version in held.items():
        state.buffered[0, 0, place, segment] = version + 1
    state.play_s[:] = play_s
    state.stored_s = held_s(state.session(np.zeros((1, 1), dtype=np.int64)), catalog)
    swipes = SwipeGenerator.draw(1, rng=np.random.default_rng(0))
    tape = ViewTape(swipes, np.zeros((1, 1), dtype=np.int64), 4, rng=np.random.default_rng(0))
    place = np.arange(len(fractions))
    nobody = np.zeros_like(place)
    kind = catalog.video_type[place % catalog.n_videos]
    tape.keep_watching(nobody, nobody, place, kind, np.array(fractions))
    return [play(state, tape, catalog, TINY_QOE, slot_s) for _ in range(slots)], state


ALL_OF_0 = {(0, segment): 0 for segment in range(6)}


def test_quality_steps_count_inside_a_video_only():
    held = {(0, 0): 0, (0, 1): 1, (0, 2): 1, (0, 3): 0, (0, 4): 0, (0, 5): 0, (1, 0): 1, (1, 1): 1}
    (service,), _ = watch_by_hand([1.0, 1.0], held, slot_s=7.0)
    assert service.variation.item() == 2  # up once, down once; the next video starts anew at the higher version
    assert service.quality.item() == pytest.approx(1 + 2 + 2 + 1 + 1 + 0.5 + 1.5 * 2)
    assert service.n_views.item() == 1
    assert service.view_fraction.item() == 1


def test_a_quality_step_across_two_slots_counts_in_the_second():
    services, _ = watch_by_hand([1.0], {(0, 0): 0, (0, 1): 0, (0, 2): 1, (0, 3): 1}, slots=2)
    assert [service.variation.item() for service in services] == [0, 1]


def test_a_swipe_drops_what_was_held():
    (service,), state = watch_by_hand([0.2, 1.0], ALL_OF_0)  # leaves after 1.1 of 5.5 s, and nothing more is there
    assert service.watched_s.item() == pytest.approx(1.1, abs=1e-6)  # tapes are single precision
    assert service.dropped_s.item() == pytest.approx(4.4, abs=1e-6)
    assert service.stall_s.item() == pytest.approx(0.9, abs=1e-6)
    assert state.stored_s.item() == pytest.approx(0, abs=1e-9)
    assert service.view_fraction.item() == pytest.approx(0.2, abs=1e-6)


def test_a_view_lasts_its_shortest_time_unless_the_video_is_shorter():
    (service,), _ = watch_by_hand([1e-6], ALL_OF_0)
    assert service.watched_s.item() == TINY_QOE.min_view_s
    short = VideoCatalog(
        duration_s=np.array([0.3, 0.4]), video_type=np.array([0, 1]), type_names=("a", "b"),
        popularity=np.full(2, 0.5), bitrate_bps=np.array([1e6, 2e6]),
    )  # fmt: skip
    (service,), state = watch_by_hand([1e-6, 1.0], {(0, 0): 0, (1, 0): 1}, catalog=short)
    assert service.watched_s.item() == pytest.approx(0.7)
    assert service.n_views.item() == 2
    assert service.view_fraction.item() == 1  # who sees all of a short video has seen it
    assert state.stored_s.item() == pytest.approx(0, abs=1e-12)


def test_a_missing_segment_stalls_and_later_ones_wait():
    (service,), state = watch_by_hand([1.0], {(0, 0): 0, (0, 2): 0})
    assert service.watched_s.item() == 1
    assert service.stall_s.item() == 1
    assert state.stored_s.item() == 1


@pytest.mark.parametrize("excess_s", [0.0, 1e-10, 5e-10, 5e-7, 9e-7])
def test_a_duration_a_rounding_error_above_whole_seconds_ends(excess_s):
    catalog = VideoCatalog(
        duration_s=np.array([3.0 + excess_s, 2.0]), video_type=np.array([0, 1]), type_names=("a", "b"),
        popularity=np.full(2, 0.5), bitrate_bps=np.array([1e6, 2e6]),
    )  # fmt: skip
    held = {(0, 0): 0, (0, 1): 0, (0, 2): 0, (1, 0): 1}
    (service,), state = watch_by_hand([1.0, 1.0], held, slot_s=4.0, catalog=catalog)
    assert service.stall_s.item() == pytest.approx(0, abs=2e-6)
    assert service.n_views.item() == 1
    assert state.head.item() == 1
    assert state.stored_s.item() == pytest.approx(0, abs=2e-6)


def test_play_positions_a_rounding_error_off_a_segment_end_lose_nothing():
    for play_s in (2.0 - 1e-12, 2.0, 2.0 + 1e-12):
        (service,), _ = watch_by_hand([1.0], ALL_OF_0, play_s=play_s)
        assert service.watched_s.item() == pytest.approx(2.0, abs=1e-9)
        assert service.stall_s.item() == pytest.approx(0, abs=1e-9)


def test_a_watched_share_behind_the_play_position_ends_the_view_at_once():
    (service,), _ = watch_by_hand([0.2, 1.0], ALL_OF_0, play_s=1.1 + 1e-7)
    assert service.watched_s.item() == 0
    assert service.n_views.item() == 1


def tape_of(seed, first_position=0):
    swipes = SwipeGenerator.draw(6, rng=np.random.default_rng(0))
    return ViewTape(swipes, np.arange(6).reshape(2, 3), 4, first_position, rng=stream(seed, "tape"))


def read(tape, n_positions, first=0):
    env, user, position, kind = (axis.reshape(-1) for axis in np.indices((2, 3, n_positions, 4)))
    return tape.fraction(env, user, position + first, kind).reshape(2, 3, n_positions, 4)


def test_a_tape_says_the_same_however_it_is_read():
    whole = read(tape_of(0), 40)
    by_parts = tape_of(0)
    read(by_parts, 3)
    np.testing.assert_array_equal(read(by_parts, 40), whole)
    assert not np.array_equal(read(tape_of(1), 40), whole)
    np.testing.assert_array_equal(read(tape_of(0, first_position=5), 40, first=5), whole)


def test_a_new_list_goes_on_with_unused_views():
    tape = tape_of(0)
    whole = read(tape, 40)
    head = np.array([[0, 3, 7], [1, 1, 30]])
    tape.start_list(head)
    after = read(tape, 5)
    for env, user in np.ndindex(head.shape):
        start = head[env, user] + 1
        np.testing.assert_array_equal(after[env, user], whole[env, user, start : start + 5])


def test_copies_of_a_tape_leave_it_alone():
    tape, untouched = tape_of(0), tape_of(0)
    for _ in range(2):
        copy = tape.repeated(2)
        env = np.arange(4).repeat(70)
        zero, position = np.zeros_like(env), np.tile(np.arange(70), 4)
        fraction = copy.fraction(env, zero, position, zero).reshape(2, 2, 70)
        np.testing.assert_array_equal(fraction[0, :, :64], fraction[1, :, :64])
    np.testing.assert_array_equal(read(tape, 90), read(untouched, 90))


@pytest.mark.parametrize("name", ["quality_weight", "stall_weight", "variation_weight"])
@pytest.mark.parametrize("value", [-1.0, np.nan])
def test_weights_are_not_negative(name, value):
    with pytest.raises(ValueError, match=rf"{name} must be at least 0, got .*; the sign is already in the formula"):
        QoeConfig(**{name: value})


@pytest.mark.parametrize("value", [0.0, 6.0, np.nan])
def test_the_shortest_view_has_bounds(value):
    with pytest.raises(ValueError, match=r"min_view_s must lie in \(0, 5\], got .*; 0.5 s"):
        QoeConfig(min_view_s=value)


def test_viewers_leave_where_the_tape_says_but_not_at_once_and_not_after_the_end():
    # The first video lasts 5.5 s, in segments of 1 s.
    catalog, qoe = tiny_catalog(), QoeConfig(min_view_s=0.5)
    fraction, video = np.array([0.0, 0.01, 0.5, 1.0]), np.zeros(4, dtype=np.int64)
    np.testing.assert_allclose(leaving_s(fraction, video, catalog, qoe), [0.5, 0.5, 2.75, 5.5])
