import numpy as np
import pytest

from gdt_tutorial.physical.channel import ChannelConfig, umi_law
from gdt_tutorial.physical.scenes.diffraction import loss_draws_db, scene_inputs, scene_maps
from gdt_tutorial.physical.scenes.layout import SceneConfig, draw_heights_m, random_scene
from gdt_tutorial.twin.emulation.maps.kriging import MapReports, SimpleKriging
from gdt_tutorial.twin.emulation.maps.maker_scores import score_maker
from gdt_tutorial.twin.emulation.maps.map_maker import (
    HeightDraws,
    LawAndFields,
    MapMaker,
    MeanAndField,
    SureMap,
    check_draws,
)
from gdt_tutorial.twin.emulation.maps.map_update import draw_reports, error_by_reports
from gdt_tutorial.twin.emulation.maps.random_field import exponential_fields, fit_variogram
from gdt_tutorial.twin.emulation.maps.ray_table import RayTable, fit_ray_table
from gdt_tutorial.twin.emulation.maps.sharpening import Sharpened, report_weights


def rng(seed=0):
    return np.random.default_rng(seed)


def flat(level_db):
    return lambda inputs: np.full(inputs[:, 0].shape, level_db)


@pytest.fixture(scope="module")
def scenes():
    source = rng(10)
    return [random_scene(SceneConfig(n_pixels=16, max_buildings=6), rng=source) for _ in range(24)]


@pytest.fixture(scope="module")
def table(scenes):
    return fit_ray_table(
        np.concatenate([scene_inputs(each) for each in scenes]),
        np.concatenate([scene_maps(each).loss_db for each in scenes]),
    )


# Fields


def test_fields_have_variance_one_and_an_exponential_correlation():
    fields = exponential_fields(4001, (12, 10), 3.0, rng=rng())
    assert fields.shape == (4001, 12, 10)
    assert fields.var() == pytest.approx(1, abs=0.02)
    for row, column in ((0, 1), (2, 0), (3, 4), (11, 9)):
        measured = (fields[:, 0, 0] * fields[:, row, column]).mean()
        assert measured == pytest.approx(np.exp(-np.hypot(row, column) / 3), abs=0.05)
    assert abs((fields[:2000, 5, 5] * fields[2001:, 5, 5]).mean()) < 0.07, "both halves are independent"


def test_a_variogram_finds_what_a_field_was_drawn_with():
    fields = exponential_fields(20, (64, 64), 4.0, rng=rng(1))
    source, found = rng(2), []
    for field in fields:
        pixel = source.integers(0, 64, (300, 2))
        residual = 5 * field[pixel[:, 0], pixel[:, 1]] + 2 * source.normal(size=300)
        found.append(fit_variogram(pixel * 8.0, residual))
    sill, correlation_m, nugget = np.median(found, axis=0)
    assert sill == pytest.approx(25, rel=0.2)
    assert correlation_m == pytest.approx(32, rel=0.25)
    assert nugget == pytest.approx(4, abs=2)


# Tables and laws


def test_a_table_counts_means_and_spreads():
    inputs = np.zeros((1, 3, 2, 3))
    inputs[0, 0, 1, 2] = 1  # a building, whose loss is no example
    inputs[0, 1] = [[80, 80, 80], [100, 100, 100]]
    inputs[0, 2] = [[0, 9, 9], [0, 0, 9]]
    loss_db = np.array([[[80, 90, 94], [100, 102, 777]]], dtype=float)
    table = fit_ray_table(inputs, loss_db, n_bins=2)
    assert table.edge_db.tolist() == [90]
    assert table.mean_db.tolist() == [[0, 1], [12, 12]], "an empty bin takes the mean of its row"
    assert table.std_db.tolist() == [[0, 1], [2, 2]]
    assert table.mean(inputs)[0].tolist() == [[80, 92, 92], [101, 101, 112]]


def test_a_table_knows_more_than_the_law(scenes, table):
    law, counted = (
        score_maker(lambda scene, m=maker: m, scenes, n_draws=4, seed=0)
        for maker in (LawAndFields(), SureMap(table.mean))
    )
    assert counted.rmse_db < 0.6 * law.rmse_db
    assert counted.spread_db == 0


def test_the_law_drawn_as_a_map_is_that_of_the_channel():
    inputs = np.zeros((1, 3, 8, 8), dtype=np.float32)
    law = umi_law(3.5e9, 10.0, 1.5)
    inputs[:, 1] = law.path_loss_db(np.full((8, 8), 60.0), True)
    draws = LawAndFields()(inputs, 4000, rng=rng())[:, 0, 4, 4]
    los_db, nlos_db, share = law.interpolate(np.array([60.0]))[0]
    config = ChannelConfig()
    mean_db = share * los_db + (1 - share) * nlos_db
    variance = share * config.shadowing_los_db**2 + (1 - share) * config.shadowing_nlos_db**2
    variance += share * (1 - share) * (nlos_db - los_db) ** 2
    assert draws.mean() == pytest.approx(mean_db, abs=0.6)
    assert draws.std() == pytest.approx(variance**0.5, rel=0.06)


def test_heights_drawn_anew_do_not_look_at_the_true_ones(scenes):
    scene = scenes[0]
    inputs = scene_inputs(scene)
    other = scene.with_heights(np.full(scene.n_buildings, 5.0))
    draws, same = (HeightDraws(scene=each)(inputs, 5, rng=rng()) for each in (scene, other))
    assert np.array_equal(draws, same)
    heights = draw_heights_m(SceneConfig(), 5, scene.n_buildings, rng=rng())
    assert np.array_equal(draws, loss_draws_db(scene, heights))


def test_draws_of_a_mean_and_a_field_have_both(scenes, table):
    inputs = scene_inputs(scenes[1])
    maker = MeanAndField(mean=table.mean, std=table.std, correlation_m=20.0)
    draws = maker(inputs, 3000, rng=rng())
    assert np.abs(draws.mean(axis=0) - table.mean(inputs)).max() < 5 * table.std_db.max() / 3000**0.5
    assert np.allclose(draws.std(axis=0), table.std(inputs), rtol=0.1, atol=1e-6)


@pytest.mark.parametrize("name", ["sure", "field", "law", "heights", "kriging", "sharpened"])
def test_every_maker_keeps_the_protocol(name, scenes, table):
    scene, field = scenes[2], MeanAndField(mean=table.mean, std=table.std, correlation_m=20.0)
    reports = MapReports(np.argwhere(~scene.footprint)[:5], np.full((1, 5), 100.0))
    makers = {
        "sure": SureMap(table.mean),
        "field": field,
        "law": LawAndFields(),
        "heights": HeightDraws(scene=scene),
        "kriging": SimpleKriging(mean=table.mean, std=table.std, correlation_m=20.0, reports=reports),
        "sharpened": Sharpened(maker=field, reports=reports, n_candidates=20),
    }
    maker, inputs = makers[name], scene_inputs(scene)
    assert isinstance(maker, MapMaker)
    for n_draws in (1, 3):
        check_draws(maker(inputs, n_draws, rng=rng()), inputs, n_draws)
    first, again, other = (maker(inputs, 2, rng=rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert name == "sure" or not np.array_equal(first, other)


# Kriging


def gaussian_conditional(mean, covariance, at, reported, noise):
    """The textbook formula, written with the inverse."""
    among = np.linalg.inv(covariance[np.ix_(at, at)] + noise**2 * np.eye(len(at)))
    gain = covariance[:, at] @ among
    return mean + gain @ (reported - mean[at]), covariance - gain @ covariance[at]


def test_kriging_equals_the_gaussian_conditional():
    inputs = np.zeros((2, 3, 5, 6))
    source = rng(3)
    mean, std = source.normal(100, 5, (2, 5, 6)), source.uniform(2, 8, (2, 5, 6))
    pixel = np.array([[0, 0], [2, 3], [2, 4], [2, 3]])  # one place twice
    reports = MapReports(pixel, source.normal(100, 9, (2, 4)))
    kriging = SimpleKriging(mean=lambda _: mean, std=lambda _: std, correlation_m=20.0, reports=reports, noise_db=1.5)
    got_mean, got_std = kriging.moments(inputs)
    draws = kriging(inputs, 6000, rng=rng(4))
    every = np.argwhere(np.ones((5, 6)))
    correlation = np.exp(-8 * np.linalg.norm(every[:, None] - every, axis=-1) / 20)
    at = pixel[:, 0] * 6 + pixel[:, 1]
    for ap in range(2):
        scale = std[ap].ravel()
        expected, covariance = gaussian_conditional(
            mean[ap].ravel(), scale[:, None] * scale * correlation, at, reports.loss_db[ap], 1.5
        )
        assert np.allclose(got_mean[ap].ravel(), expected)
        assert np.allclose(got_std[ap].ravel(), np.sqrt(np.diag(covariance)))
        sample = draws[:, ap].reshape(6000, -1)
        assert np.abs(sample.mean(axis=0) - expected).max() < 0.5
        assert np.abs(np.cov(sample.T) - covariance).max() < 5


# Sharpening


def test_weights_are_the_likelihood_and_keep_enough_draws():
    drawn = np.array([[100.0, 90.0], [101.0, 90.0], [130.0, 90.0]])
    weight = report_weights(drawn, np.array([100.0, 91.0]), 2.0)
    expected = np.exp([-1 / 8, -2 / 8, -901 / 8])
    assert np.allclose(weight, expected / expected.sum())
    kept = report_weights(drawn, np.array([100.0, 91.0]), 0.01, min_effective=2.5)
    assert 1 / (kept**2).sum() == pytest.approx(2.5, rel=1e-3)
    assert kept.argmax() == 0


def test_reports_sharpen_the_true_law(scenes):
    """With the heights' own law, a few dozen reports take away more than half of the error."""
    errors = []
    for n_reports in (0, 32):
        squares = []
        for index, scene in enumerate(scenes[:8]):
            inputs, truth, street = scene_inputs(scene), scene_maps(scene).loss_db, ~scene.footprint
            pixel = rng(index).permutation(np.argwhere(street))[:n_reports]
            reports = MapReports(pixel, truth[:, pixel[:, 0], pixel[:, 1]])
            maker = Sharpened(maker=HeightDraws(scene=scene), reports=reports, n_candidates=600)
            mean = maker(inputs, 64, rng=rng(index)).mean(axis=0)
            squares.append(((mean - truth)[0][street] ** 2).mean())
        errors.append(np.mean(squares) ** 0.5)
    assert errors[0] > 2 * errors[1]


# Construction and update


def test_reports_are_the_truth_with_fading_and_more_contain_the_fewer(scenes):
    scene = scenes[3]
    few, many, sure = (draw_reports(scene, n, noise, rng=rng()) for n, noise in ((5, 1.1), (60, 1.1), (60, 0.0)))
    assert np.array_equal(few.pixel, many.pixel[:5])
    assert np.array_equal(few.loss_db, many.loss_db[:, :5])
    assert np.allclose(sure.loss_db, sure.of(scene_maps(scene).loss_db))
    assert (many.loss_db - sure.loss_db).std() == pytest.approx(1.1, rel=0.3)


def test_a_map_gets_better_with_reports(scenes, table):
    def kriging(scene, reports):
        return SimpleKriging(mean=table.mean, std=table.std, correlation_m=80.0, reports=reports)

    rmse_db, crps_db = error_by_reports(kriging, scenes[:6], (0, 40), seed=0)
    assert rmse_db.shape == crps_db.shape == (6, 2)
    assert rmse_db[:, 1].mean() < 0.7 * rmse_db[:, 0].mean()
    assert crps_db[:, 1].mean() < 0.7 * crps_db[:, 0].mean()
    with pytest.raises(ValueError, match="n_reports must be at most the number of street pixels, got 999"):
        draw_reports(scenes[0], 999, rng=rng())


# Errors


def test_makers_that_cannot_be_say_so(scenes, table, without_type_checks):
    scene, inputs = scenes[0], scene_inputs(scenes[0])
    with pytest.raises(ValueError, match="inputs must belong to the maker's scene"):
        HeightDraws(scene=scenes[1])(inputs, 2, rng=rng())
    with pytest.raises(ValueError, match="draws must have the shape \\(2, 1, 16, 16\\)"):
        check_draws(np.zeros((2, 16, 16)), inputs, 2)
    with pytest.raises(ValueError, match="draws must be finite"):
        check_draws(np.full((2, 1, 16, 16), np.nan), inputs, 2)
    with pytest.raises(ValueError, match="correlation_pixels must be above 0"):
        exponential_fields(2, (4, 4), 0.0, rng=rng())
    with pytest.raises(ValueError, match="n_bins must be above 0"):
        fit_ray_table(inputs, scene_maps(scene).loss_db, n_bins=0)
    with pytest.raises(ValueError, match="loss_db must hold 1 maps"):
        fit_ray_table(inputs, np.zeros((2, 16, 16)))
    with pytest.raises(ValueError, match="position_m must have five pairs in three bins"):
        fit_variogram(np.zeros((3, 2)), np.zeros(3))
    with pytest.raises(ValueError, match="scenes must hold one or more"):
        score_maker(lambda scene: SureMap(table.mean), [], seed=0)
    assert isinstance(table, RayTable)


def test_reports_that_cannot_be_say_so(scenes, without_type_checks):
    good = MapReports(np.array([[0, 0]]), np.array([[100.0]]))
    with pytest.raises(ValueError, match="loss_db must hold a loss for each report"):
        MapReports(np.array([[0, 0]]), np.zeros((1, 2)))
    with pytest.raises(ValueError, match="pixel must lie in a map"):
        MapReports(np.array([[0, 99]]), np.zeros((1, 1))).of(np.zeros((1, 8, 8)))
    with pytest.raises(ValueError, match="noise_db must be above 0"):
        SimpleKriging(mean=flat(0.0), std=flat(1.0), correlation_m=20.0, reports=good, noise_db=0.0)
    with pytest.raises(ValueError, match="noise_db must be above 0"):
        report_weights(np.zeros((2, 1)), np.zeros(1), 0.0)
    with pytest.raises(ValueError, match="min_effective must lie in \\[1, 2\\]"):
        report_weights(np.zeros((2, 1)), np.zeros(1), 1.0, 3.0)
