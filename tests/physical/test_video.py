"""The catalog and the recommended lists."""

import numpy as np
import pytest

from gdt_tutorial.physical.video import VideoCatalog, VideoCatalogConfig, recommend
from gdt_tutorial.seeding import stream


def catalog_of(duration_s=(5.0, 7.5, 60.0, 12.0), video_type=(0, 0, 1, 1), **changes) -> VideoCatalog:
    n_videos = len(duration_s)
    fields = {
        "duration_s": np.array(duration_s),
        "video_type": np.array(video_type),
        "type_names": ("Study", "Game"),
        "popularity": np.full(n_videos, 1 / n_videos),
        "bitrate_bps": np.array([1e6, 2e6]),
    }
    return VideoCatalog(**(fields | changes))


def test_segments_cover_each_video_once():
    catalog = catalog_of()
    np.testing.assert_array_equal(catalog.n_segments, [5, 8, 60, 12])
    short = catalog_of(segment_s=2.0)
    assert (short.n_segments * 2.0 >= short.duration_s).all()
    assert ((short.n_segments - 1) * 2.0 < short.duration_s).all()
    assert (catalog.n_videos, catalog.n_versions, catalog.n_types) == (4, 2, 2)


def test_generated_catalog_follows_its_config():
    config = VideoCatalogConfig(n_videos=4000, type_share=(0.4, 0.3, 0.2, 0.1))
    catalog = VideoCatalog.generate(config, rng=stream(0, "catalog"))
    assert catalog.duration_s.min() >= config.min_duration_s
    assert catalog.duration_s.max() <= config.max_duration_s
    np.testing.assert_array_equal(np.bincount(catalog.video_type), [1600, 1200, 800, 400])
    assert catalog.popularity.sum() == pytest.approx(1.0)
    # Zipf's law: the second most popular video is asked for 2^-s times as often as the first.
    first, second = np.sort(catalog.popularity)[::-1][:2]
    assert second / first == pytest.approx(2**-config.popularity_exponent)
    # The median of the cut log-normal law lies between the cuts and the law's own median, which the lower cut raises.
    assert 12.0 < np.median(catalog.duration_s) < 16.0


def test_same_seed_same_catalog_other_seed_other_catalog():
    one, again, other = (VideoCatalog.generate(rng=stream(seed, "catalog")) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.duration_s, again.duration_s)
    np.testing.assert_array_equal(one.popularity, again.popularity)
    assert not np.array_equal(one.duration_s, other.duration_s)


def test_recommendation_draws_in_proportion_to_popularity_and_preference():
    catalog = catalog_of(popularity=np.array([0.4, 0.1, 0.3, 0.2]))
    preference = np.array([[[0.5, 0.5], [0.9, 0.1]]])
    first = recommend(catalog, np.repeat(preference, 40_000, axis=0), 1, rng=stream(0, "list"))[..., 0]
    for group in range(2):
        weight = preference[0, group, catalog.video_type] * catalog.popularity
        share = np.bincount(first[:, group], minlength=4) / len(first)
        np.testing.assert_allclose(share, weight / weight.sum(), atol=0.012)  # 5 standard deviations


def test_next_video_is_drawn_among_all_others():
    catalog = catalog_of(popularity=np.array([0.4, 0.1, 0.3, 0.2]))
    playlist = recommend(catalog, np.full((1, 1, 2), 0.5), 60_000, rng=stream(1, "list"))[0, 0]
    for previous in range(4):
        follower = playlist[1:][playlist[:-1] == previous]
        weight = np.where(np.arange(4) == previous, 0.0, catalog.popularity)
        share = np.bincount(follower, minlength=4) / len(follower)
        np.testing.assert_allclose(share, weight / weight.sum(), atol=0.05)


def test_lists_never_repeat_a_video_at_once_and_differ_by_seed():
    catalog = VideoCatalog.generate(rng=stream(0, "catalog"))
    preference = stream(0, "preference").dirichlet([0.05] * 4, size=(64, 5)) + 1e-12
    one, again, other = (recommend(catalog, preference, 100, rng=stream(seed, "list")) for seed in (0, 0, 1))
    assert one.shape == (64, 5, 100)
    assert (one[..., 1:] != one[..., :-1]).all()
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_two_videos_alternate():
    catalog = catalog_of(duration_s=(5.0, 6.0), video_type=(0, 1))
    playlist = recommend(catalog, np.array([[[1.0, 1e-9]]]), 6, rng=stream(0, "list"))[0, 0]
    assert (playlist[:-1] + playlist[1:] == 1).all()


def test_unwanted_types_are_never_shown():
    playlist = recommend(catalog_of(), np.array([[[0.0, 1.0]]]), 500, rng=stream(0, "list"))
    assert set(np.unique(playlist)) == {2, 3}


@pytest.mark.parametrize(
    ("preference", "value"),
    [([0.5, np.nan], "nan"), ([-0.5, 1.0], "-0.5"), ([0.0, 0.0], "0.0")],
)
def test_bad_preference_is_refused(preference, value):
    with pytest.raises(
        ValueError, match=f"preference must be at least 0 .* got a smallest value of {value}; smooth it"
    ):
        recommend(catalog_of(), np.array([[preference]]), 3, rng=stream(0, "list"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"duration_s": np.array([5.0, 0.0, 6.0, 7.0])}, "duration_s must be above 0 and finite, got 0.0 at entry 1"),
        ({"duration_s": np.array([5.0, 6.0, np.nan, 7.0])}, "duration_s must .* got nan at entry 2; remove"),
        ({"popularity": np.array([0.5, -0.1, 0.3, 0.3])}, "popularity must be at least 0, got -0.1 at entry 1"),
        ({"bitrate_bps": np.array([0.0, 1e6])}, "bitrate_bps must be above 0, got 0.0 at entry 0"),
        ({"bitrate_bps": np.array([2e6, 1e6])}, "bitrate_bps must increase, got 1000000.0 at entry 1; sort"),
        ({"bitrate_bps": np.array([])}, "bitrate_bps must have at least one entry"),
        ({"video_type": np.array([0, 0, 1, 2])}, r"video_type must lie in 0..1, got 2 at entry 3; extend type_names"),
        ({"segment_s": 0.0}, "segment_s must be above 0, got 0.0"),
    ],
)
def test_bad_catalog_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        catalog_of(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_videos": 1}, "n_videos must be at least 2, got 1"),
        ({"type_share": (1.0,)}, "type_share must hold one number for each of the 4 type_names"),
        ({"min_duration_s": 70.0}, "min_duration_s, max_duration_s must be ordered, got \\(70.0, 60.0\\)"),
        ({"median_duration_s": 0.0}, "median_duration_s must be above 0, got 0.0"),
        ({"log_duration_sd": float("nan")}, "log_duration_sd must be above 0, got nan"),
    ],
)
def test_bad_config_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        VideoCatalogConfig(**changes)
