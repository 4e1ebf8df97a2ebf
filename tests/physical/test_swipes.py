"""Swipes: the generator against its closed form, and re-drawing from logs against the logs."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta

from gdt_tutorial.physical.swipe_fit import class_curve_distance, curve_distance, pooled_curve, type_effects
from gdt_tutorial.physical.swipes import THREE_CLASSES, LoggedSwipes, SwipeGenerator, SwipeGeneratorConfig
from gdt_tutorial.physical.video import VideoCatalog, VideoCatalogConfig
from gdt_tutorial.physical.viewers import Viewers, logged_preference
from gdt_tutorial.seeding import stream
from tests.physical.logs.log_files import log_of

CONFIG = SwipeGeneratorConfig()


def generator_of(config: SwipeGeneratorConfig) -> SwipeGenerator:
    """One user of each class, so that a user's row is the class."""
    return SwipeGenerator(config=config, user_class=np.arange(len(config.class_names)))


@pytest.mark.parametrize("config", [CONFIG, THREE_CLASSES], ids=["two classes", "three classes"])
def test_sampled_curves_lie_in_the_band_of_their_closed_form(config):
    n_views, generator = 20_000, generator_of(config)
    n_cells = len(config.class_names) * config.n_types
    # Dvoretzky-Kiefer-Wolfowitz: all curves of the test at once leave the band with probability 1e-6 or less.
    band = np.sqrt(np.log(2 * n_cells / 1e-6) / (2 * n_views))
    at = np.linspace(0, 1, 1001)[:-1]
    for user_class in range(len(config.class_names)):
        for video_type in range(config.n_types):
            cell = np.full(n_views, user_class), np.full(n_views, video_type)
            fraction = generator.sample_fraction(*cell, rng=stream(0, "swipes", user_class, video_type))
            sampled = np.searchsorted(np.sort(fraction), at, side="right") / n_views
            exact = generator.cumulative_swipe(at, np.full(1000, user_class), np.full(1000, video_type))
            assert np.abs(sampled - exact).max() < band
            assert np.mean(fraction == 1) == pytest.approx(config.completion()[user_class, video_type], abs=band)


def test_closed_form_is_the_integral_of_a_beta_density():
    generator, point = generator_of(CONFIG), np.array([0.4])
    a, b = CONFIG.beta_shapes()
    for user_class, video_type in ((0, 0), (1, 3)):
        cell = np.array([user_class]), np.array([video_type])
        shapes = a[user_class, video_type], b[user_class, video_type]
        area = quad(lambda x, shapes=shapes: beta.pdf(x, *shapes), 0, 0.4)[0]
        expected = (1 - CONFIG.completion()[user_class, video_type]) * area
        assert generator.cumulative_swipe(point, *cell)[0] == pytest.approx(expected, rel=1e-6)
        assert generator.survival(point, *cell)[0] == pytest.approx(1 - expected, rel=1e-6)


def test_curves_start_at_zero_and_end_at_one_minus_completion():
    generator = generator_of(CONFIG)
    user_class, video_type = np.indices((2, 4))
    np.testing.assert_array_equal(generator.cumulative_swipe(np.zeros((2, 4)), user_class, video_type), 0)
    end = generator.cumulative_swipe(np.ones((2, 4)), user_class, video_type)
    np.testing.assert_allclose(end, 1 - CONFIG.completion())


def test_two_classes_are_close_at_first_and_diverge_later():
    # The picture of the paper's Fig. 4; a neutral type has the odds factor 1 and the shift 0.
    neutral = SwipeGeneratorConfig(type_names=("any",), type_odds=(1.0,), type_log_b_shift=(0.0,))
    at = np.array([0.10, 0.50, 0.75])
    engaged, swiper = (generator_of(neutral).cumulative_swipe(at, np.full(3, k), np.zeros(3, int)) for k in (0, 1))
    early, middle, late = swiper - engaged
    assert 0 < early < 0.1
    assert middle > 0.25
    assert late > 0.3


def test_type_effects_are_those_of_the_published_curves():
    effects = type_effects()
    assert tuple(effects) == CONFIG.type_names
    odds, shift = zip(*effects.values(), strict=True)
    np.testing.assert_allclose(CONFIG.type_odds, odds, atol=0.006)
    np.testing.assert_allclose(CONFIG.type_log_b_shift, shift, atol=0.006)
    assert np.log(odds).sum() == pytest.approx(0)
    assert sum(shift) == pytest.approx(0)


def test_classes_have_their_shares_and_seeds_matter():
    one, again, other = (SwipeGenerator.draw(20_000, rng=stream(seed, "classes")) for seed in (0, 0, 1))
    assert np.mean(one.user_class == 1) == pytest.approx(0.37, abs=0.02)
    np.testing.assert_array_equal(one.user_class, again.user_class)
    assert not np.array_equal(one.user_class, other.user_class)


LOG = log_of(
    # User 7 has 12 views of type 0 and none of type 1; user 3 has 8 and 4; user 5 has too few.
    user_id=[7] * 12 + [3] * 12 + [5] * 2,
    fraction=[0.25] * 11 + [1.0] + [0.5] * 8 + [1.0] * 4 + [0.9] * 2,
    video_type=[0] * 12 + [0] * 8 + [1] * 4 + [1] * 2,
    type_names=("news", "music"),
)


@pytest.mark.parametrize(
    "swipes",
    [generator_of(CONFIG), LoggedSwipes.from_watch_log(LOG)],
    ids=["generator", "logged"],
)
def test_every_swipe_model_keeps_the_contract(swipes):
    user = stream(0, "user").integers(swipes.n_users, size=(3, 50, 4))
    video_type = stream(0, "type").integers(2, size=user.shape)
    one, again, other = (swipes.sample_fraction(user, video_type, rng=stream(seed, "swipes")) for seed in (0, 0, 1))
    assert one.shape == user.shape
    assert ((one > 0) & (one <= 1)).all()
    assert (one == 1).any()
    assert (one < 1).any()
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    empty = np.zeros((0, 2), dtype=int)
    assert swipes.sample_fraction(empty, empty, rng=stream(0, "swipes")).shape == (0, 2)


def test_logged_users_redraw_their_own_views():
    swipes = LoggedSwipes.from_watch_log(LOG, pooling=4.0)
    np.testing.assert_array_equal(swipes.user_id, [3, 7])
    n_draws = 40_000
    user, video_type = np.repeat([[0, 0, 1, 1]], n_draws, axis=0), np.repeat([[0, 1, 0, 1]], n_draws, axis=0)
    fraction = swipes.sample_fraction(user, video_type, rng=stream(0, "swipes"))
    assert set(np.unique(fraction[:, :2])) == {0.5, 1.0}
    assert set(np.unique(fraction[:, 2:])) == {0.25, 1.0}
    # User 3 completes no view of type 0 and each of type 1, and 4 of all 12; pooling counts like 4 views.
    expected = [4 / 12 * 4 / 12, 4 / 8 + 4 / 8 * 4 / 12, 1 / 12, 1 / 12]
    np.testing.assert_allclose((fraction == 1).mean(axis=0), expected, atol=0.0125)


def test_without_pooling_only_the_own_cell_counts():
    swipes = LoggedSwipes.from_watch_log(LOG, pooling=0.0)
    user, video_type = np.zeros(500, dtype=int), np.ones(500, dtype=int)
    assert (swipes.sample_fraction(user, video_type, rng=stream(0, "swipes")) == 1).all()


def test_a_view_of_no_length_is_still_a_view():
    swipes = LoggedSwipes.from_watch_log(log_of([1] * 10, [0.0] * 10, [0] * 10, ["any"]))
    fraction = swipes.sample_fraction(np.zeros(5, int), np.zeros(5, int), rng=stream(0, "swipes"))
    assert ((fraction > 0) & (fraction < 1e-3)).all()


def test_too_short_a_log_is_refused():
    with pytest.raises(
        ValueError, match=r"min_views must leave at least one user, got 13 where .* has 12 views; lower it"
    ):
        LoggedSwipes.from_watch_log(LOG, min_views=13)


def test_generated_viewers():
    catalog = VideoCatalog.generate(rng=stream(0, "catalog"))
    one, again, other = (Viewers.generate(3, 20, catalog, rng=stream(seed, "viewers")) for seed in (0, 0, 1))
    assert one.preference.shape == (3, 20, 4)
    np.testing.assert_allclose(one.preference.sum(axis=-1), 1)
    np.testing.assert_array_equal(np.sort(one.user.ravel()), np.arange(60))
    np.testing.assert_array_equal(one.preference, again.preference)
    assert not np.array_equal(one.preference, other.preference)
    assert (one.source, one.attribution) == ("generator", "")


def test_viewers_of_a_log_act_as_different_users_while_there_are_enough():
    log = log_of(np.repeat(np.arange(8), 10), stream(0, "log").random(80), np.tile([0, 1], 40), ["news", "music"])
    catalog = VideoCatalog.from_watch_log(log)
    for n_users, most in ((5, 1), (8, 1), (11, 2)):
        viewers = Viewers.from_watch_log(log, 6, n_users, catalog, rng=stream(0, "viewers"))
        assert viewers.user.shape == (6, n_users)
        assert max(np.bincount(row).max() for row in viewers.user) == most
    assert not (viewers.user == viewers.user[0]).all()
    assert (viewers.source, viewers.attribution) == ("watch log", "made by a test")
    other = Viewers.from_watch_log(log, 6, 11, catalog, rng=stream(1, "viewers"))
    assert not np.array_equal(viewers.user, other.user)


def test_logged_preference_is_the_smoothed_share_of_watch_time():
    # User 7 watched 11 x 2.5 s + 10 s of type 0; the whole log: 77.5 s of type 0 and 58 s of type 1 in 26 views.
    preference = logged_preference(LOG, np.array([3, 7]), n_prior_views=5.0)
    prior_s = 5 * np.array([77.5, 58.0]) / 26
    np.testing.assert_allclose(preference[1], (prior_s + [37.5, 0]) / (prior_s.sum() + 37.5))
    np.testing.assert_allclose(preference[0], (prior_s + [40, 40]) / (prior_s.sum() + 80))


def test_types_of_catalog_and_viewers_must_agree():
    of_log, generated = VideoCatalog.from_watch_log(LOG), VideoCatalog.generate(rng=stream(0, "catalog"))
    with pytest.raises(ValueError, match=r"catalog must have the generator's video types .* got \('news', 'music'\)"):
        Viewers.generate(1, 2, of_log, rng=stream(0, "viewers"))
    with pytest.raises(ValueError, match=r"catalog must have the log's video types \('news', 'music'\), got .*Study"):
        Viewers.from_watch_log(LOG, 1, 2, generated, rng=stream(0, "viewers"))


def test_generator_can_serve_the_types_of_a_log():
    config = SwipeGeneratorConfig(type_names=("news", "music"), type_odds=(1.0, 1.0), type_log_b_shift=(0.0, 0.0))
    viewers = Viewers.generate(1, 4, VideoCatalog.from_watch_log(LOG), config, rng=stream(0, "viewers"))
    assert viewers.preference.shape == (1, 4, 2)
    VideoCatalog.generate(
        VideoCatalogConfig(type_names=("news", "music"), type_share=(1.0, 2.0)), rng=stream(0, "catalog")
    )


def neutral_sample(n_views: int, seed: int) -> np.ndarray:
    config = SwipeGeneratorConfig(type_names=("any",), type_odds=(1.0,), type_log_b_shift=(0.0,))
    swipes = SwipeGenerator.draw(n_views, config, rng=stream(seed, "classes"))
    return swipes.sample_fraction(np.arange(n_views), np.zeros(n_views, dtype=int), rng=stream(seed, "swipes"))


def test_curve_distance_is_small_for_the_generators_own_views():
    distance = [curve_distance(log_of(np.zeros(4000, int), neutral_sample(4000, seed))) for seed in range(5)]
    assert np.median(distance) < 0.025  # the median of the Kolmogorov law: 0.83 / sqrt(4000) = 0.013
    assert min(distance) > 0


def test_curve_distance_of_hand_made_logs():
    everyone_completes = log_of([1] * 4, [1.0] * 4)
    assert curve_distance(everyone_completes) == pytest.approx(pooled_curve(CONFIG, np.ones(1))[0])
    at_once = log_of([1] * 4, [0.0] * 4)
    assert curve_distance(at_once) == pytest.approx(1.0)
    one_step = log_of([1] * 2, [0.5, 1.0])
    below = pooled_curve(CONFIG, np.array([0.5]))[0]
    assert curve_distance(one_step) == pytest.approx(
        max(below, 0.5 - below, abs(pooled_curve(CONFIG, np.ones(1))[0] - 0.5))
    )


def test_class_distance_finds_the_classes():
    n_users, n_views = 60, 200
    config = SwipeGeneratorConfig(type_names=("any",), type_odds=(1.0,), type_log_b_shift=(0.0,))
    swipes = SwipeGenerator.draw(n_users, config, rng=stream(0, "classes"))
    user = np.repeat(np.arange(n_users), n_views)
    log = log_of(user, swipes.sample_fraction(user, np.zeros_like(user), rng=stream(0, "swipes")))
    found = class_curve_distance(log, config)
    for index, name in enumerate(config.class_names):
        n_found, distance = found[name]
        assert abs(n_found - np.sum(swipes.user_class == index)) <= 3
        assert distance < 0.06
    nobody = class_curve_distance(log_of([1] * 9, [1.0] * 9))
    assert nobody["swiper"][0] == 0
    assert np.isnan(nobody["swiper"][1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"p_full": (0.5,)}, "p_full must hold 2 numbers, one for each of class_names"),
        ({"a": (0.5, float("nan"))}, "a must hold numbers, each above 0 and finite, got"),
        ({"type_odds": (1.0, 1.0)}, "type_odds must hold 4 numbers, one for each of type_names"),
        ({"b": (0.5, 0.0)}, "b must hold numbers, each above 0 and finite, got"),
        ({"p_full": (0.5, 1.0)}, r"p_full must hold numbers, each in \(0, 1\), got .*; 0.999 is as good"),
        ({"preference_concentration": 0.0}, "preference_concentration must be above 0, got 0.0"),
    ],
)
def test_bad_config_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        SwipeGeneratorConfig(**changes)
