"""Maps from a generator: the contract, an untrained start that is kriging, reports, its file, bad input."""

import numpy as np
import pytest
import torch

from gdt_tutorial.gai.gan import GanConfig, start_generator, train_gan
from gdt_tutorial.physical.scenes.diffraction import scene_inputs, scene_maps
from gdt_tutorial.physical.scenes.layout import SceneConfig, random_scene
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.emulation.maps.generator import GeneratedMaps, MapPrior, image_set, reports_of
from gdt_tutorial.twin.emulation.maps.generator_training import correlation_of_errors_m
from gdt_tutorial.twin.emulation.maps.kriging import MapReports
from gdt_tutorial.twin.emulation.maps.map_maker import MapMaker, check_draws
from gdt_tutorial.twin.emulation.maps.ray_table import fit_ray_table

QUICK = GanConfig(width=4, judge_width=6, n_updates=5, batch_size=8)


@pytest.fixture(scope="module")
def measured():
    source = stream(10, "scenes")
    scenes = [random_scene(SceneConfig(n_pixels=16, max_buildings=6), rng=source) for _ in range(12)]
    inputs = np.concatenate([scene_inputs(each) for each in scenes])
    return inputs, np.concatenate([scene_maps(each).loss_db for each in scenes]).astype(float)


@pytest.fixture(scope="module")
def prior(measured):
    return MapPrior(table=fit_ray_table(*measured))


@pytest.fixture(scope="module")
def trained(measured, prior):
    images = image_set(*measured, prior, (1, 20), rng=stream(0, "reports"))
    return GeneratedMaps(network=train_gan(images, QUICK, generator=torch_stream(0)), prior=prior)


def reports(measured, prior, n_reports=10):
    return reports_of(measured[0][0], measured[1][0], n_reports, prior.noise_db, rng=stream(1, "reports"))


def test_it_is_a_maker_of_maps(measured, trained):
    inputs = measured[0][:2]
    assert isinstance(trained, MapMaker)
    draws = trained(inputs, 3, rng=stream(0, "draws"))
    check_draws(draws, inputs, 3)
    assert not np.array_equal(draws[0], draws[1])
    np.testing.assert_array_equal(draws, trained(inputs, 3, rng=stream(0, "draws")))
    assert not np.array_equal(draws, trained(inputs, 3, rng=stream(1, "draws")))


def test_untrained_it_draws_the_table(measured, prior):
    images = image_set(*measured, prior, rng=stream(0, "reports"))
    start = GeneratedMaps(network=start_generator(images, QUICK, generator=torch_stream(0)), prior=prior)
    drawn = start(measured[0][:1], 2, rng=stream(0, "draws"))
    np.testing.assert_allclose(drawn, np.repeat(prior.table.mean(measured[0][:1])[None], 2, axis=0), atol=1e-4)


def test_untrained_with_reports_it_draws_the_mean_of_kriging(measured, prior):
    images = image_set(*measured, prior, rng=stream(0, "reports"))
    heard = reports(measured, prior)
    start = GeneratedMaps(network=start_generator(images, QUICK, generator=torch_stream(0)), prior=prior).updated(heard)
    drawn, inputs = start(measured[0][:1], 1, rng=stream(0, "draws"))[0], measured[0][:1]
    np.testing.assert_allclose(drawn, prior.kriging(heard).moments(inputs)[0], atol=1e-4)
    error = [
        np.abs(level - measured[1][:1])[:, heard.pixel[:, 0], heard.pixel[:, 1]].mean()
        for level in (drawn, prior.table.mean(inputs))
    ]
    assert error[0] < 0.5 * error[1]


def test_no_report_is_as_none(measured, prior):
    empty = MapReports(np.zeros((0, 2), np.int64), np.zeros((1, 0)))
    for one, other in zip(prior.moments(measured[0], empty), prior.moments(measured[0]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_images_hold_what_was_measured_on_streets(measured, prior):
    images = image_set(*measured, prior, rng=stream(0, "reports"))
    street = measured[0][:, 0] == 0
    np.testing.assert_array_equal(images.is_scored, street)
    np.testing.assert_allclose(images.target.numpy()[street], measured[1][street], rtol=1e-5)
    assert torch.equal(images.target[~images.is_scored], images.base[~images.is_scored])
    np.testing.assert_allclose(images.condition[:, 3], prior.table.std(measured[0]), rtol=1e-5)


def test_file_gives_the_same_maps(tmp_path, measured, prior, trained):
    trained.save(tmp_path / "scenes.safetensors")
    again = GeneratedMaps.load(tmp_path / "scenes.safetensors")
    heard = reports(measured, prior)
    for one, other in ((trained, again), (trained.updated(heard), again.updated(heard))):
        maps = [each(measured[0][:2], 2, rng=stream(0, "draws")) for each in (one, other)]
        np.testing.assert_array_equal(*maps)


def test_file_without_a_table_is_refused(tmp_path, trained):
    path = tmp_path / "scenes.safetensors"
    trained.save(path)
    content = path.read_bytes()
    path.write_bytes(content.replace(b'\\"table\\"', b'\\"chair\\"'))
    with pytest.raises(ValueError, match=r"path must hold the config of this model"):
        GeneratedMaps.load(path)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"path must be a safetensors file"):
        GeneratedMaps.load(path)


def test_more_reports_than_streets_are_refused(measured, prior):
    n_streets = int((measured[0][0, 0] == 0).sum())
    with pytest.raises(ValueError, match=rf"n_reports must be at most {n_streets}, one for each street pixel"):
        reports(measured, prior, n_streets + 1)


def test_sides_that_do_not_fit_are_refused(measured, trained):
    with pytest.raises(ValueError, match=r"sides of condition must be multiples of 4, got \(16, 15\)"):
        trained(measured[0][:1, :, :, :15], 1, rng=stream(0, "draws"))


def test_inputs_that_are_missing_are_refused(measured, trained):
    with pytest.raises(ValueError, match=r"inputs must hold footprint, loss .* got 2; pass what scene_inputs"):
        trained(measured[0][:1, :2], 1, rng=stream(0, "draws"))


def test_a_town_without_shade_has_no_reach(measured, prior):
    inputs, loss_db = measured
    with pytest.raises(ValueError, match=r"loss_db must have a map with 40 street pixels in the shade, got 0"):
        correlation_of_errors_m(inputs, loss_db, prior.table.mean, lambda x: 0 * x[:, 0], rng=stream(0, "variogram"))
