from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.physical.channel import ChannelConfig, budget_db
from gdt_tutorial.physical.destinations import StreetMobility
from gdt_tutorial.physical.network import NetworkConfig
from gdt_tutorial.physical.scenes.diffraction import scene_inputs, scene_maps
from gdt_tutorial.physical.scenes.layout import SceneConfig, random_scene
from gdt_tutorial.physical.scenes.scene_channel import SceneChannelModel
from gdt_tutorial.physical.scenes.scene_network import scene_network, scene_topology
from gdt_tutorial.physical.scenes.scene_streets import scene_streets
from gdt_tutorial.twin.abstraction.status_windows import sample_windows
from gdt_tutorial.twin.contracts import check_emulator
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.emulation.maps.kriging_emulator import KrigingEmulator
from gdt_tutorial.twin.emulation.maps.map_emulator import MapEmulator, MapSnrConfig
from gdt_tutorial.twin.emulation.maps.map_maker import HeightDraws, SureMap
from gdt_tutorial.twin.emulation.walks import Walks, measure_growth
from gdt_tutorial.twin.recipes.scene_emulators import STREET_GROWTH, by_kriging, by_law, by_maker, by_truth, measure_law

SIZES = SceneConfig(n_pixels=16, n_aps=2, min_buildings=4, max_buildings=6)
ALIKE = MapSnrConfig(report_noise_db=np.inf)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def scene():
    return random_scene(SIZES, rng=rng(5))


@pytest.fixture(scope="module")
def draws(scene):
    return HeightDraws(scene=scene, config=SIZES)(scene_inputs(scene), 24, rng=rng(6))


@pytest.fixture(scope="module")
def window(scene):
    return sample_windows(
        scene_topology(scene),
        2,
        30,
        6,
        mobility=StreetMobility(streets=scene_streets(scene, rng=rng(1))),
        channel=SceneChannelModel(scenes=(scene,), config=ChannelConfig(n_blocks=None)),
        rng=rng(2),
    )


class Stands:
    """Says that everybody is at one place, surely."""

    def __init__(self, place_m):
        self.place_m = place_m

    def emulate(self, window, n_slots, *, n_samples=0, rng=None):
        n_batch, n_users = window.position_m.shape[:2]
        position_m = np.broadcast_to(self.place_m, (n_batch, n_users, n_slots, 2)).copy()
        samples = np.broadcast_to(self.place_m, (n_batch, n_samples, n_users, n_slots, 2)).copy()
        snr = np.zeros((n_batch, n_users, n_slots, window.snr_db.shape[3]))
        return EmulatedStatus(
            position_m=position_m, position_std_m=np.zeros_like(position_m), snr_db=snr, snr_std_db=snr,
            position_sample_m=samples, snr_sample_db=np.zeros((n_batch, n_samples, n_users, *snr.shape[2:])),
        )  # fmt: skip


def emulator(scene, loss_db, snr=ALIKE, positions=None):
    topology = scene_topology(scene)
    positions = positions or HoldLast(topology=topology)
    return MapEmulator(positions=positions, topology=topology, scene=scene, loss_db=loss_db, snr=snr)


def test_it_is_a_status_emulator(scene, draws, window):
    for snr in (ALIKE, MapSnrConfig(), MapSnrConfig(lasting_std_db=5.0)):
        check_emulator(emulator(scene, draws, snr), window)
    check_emulator(emulator(scene, draws[:1]), window)


def test_far_from_its_report_the_status_is_that_of_the_draws(scene, draws, window):
    """Mean and spread over draws, with fading; the samples have both."""
    street = np.argwhere(~scene.footprint)
    place_m = scene.center_m[tuple(street[rng(3).integers(len(street))])]
    away = MapSnrConfig(report_noise_db=np.inf, correlation_m=1e-3)
    said = emulator(scene, draws, away, Stands(place_m)).emulate(window, 2, n_samples=4000, rng=rng())
    y, x = scene.pixel_of(place_m)
    level_db = budget_db(scene_topology(scene), ChannelConfig()) - draws[:, :, y, x]
    expected_db = np.sqrt(level_db.std(axis=0) ** 2 + 1.1**2)
    is_away = np.linalg.norm(window.position_m[:, :, -1] - place_m, axis=-1) > 1
    assert np.allclose(said.snr_db[is_away], level_db.mean(axis=0), atol=1e-3)
    assert np.allclose(said.snr_std_db[is_away], expected_db, atol=1e-3)
    sample_db = said.snr_sample_db.swapaxes(1, 2)[is_away]
    assert np.abs(sample_db.mean(axis=1) - level_db.mean(axis=0)).max() < 5 * expected_db.max() / 4000**0.5
    assert np.allclose(sample_db.std(axis=1).mean(axis=0), expected_db, rtol=0.05)


def test_users_of_one_sample_stand_in_one_draw(scene, draws, window):
    """Two users at one place: their samples differ by fading alone."""
    street = np.argwhere(~scene.footprint)
    spread = draws[:, 0].std(axis=0)
    place_m = scene.center_m[tuple(max(street, key=lambda pixel: spread[tuple(pixel)]))]
    away = MapSnrConfig(report_noise_db=np.inf, correlation_m=1e-3)
    sample_db = emulator(scene, draws, away, Stands(place_m)).emulate(window, 1, n_samples=500, rng=rng()).snr_sample_db
    first, second = sample_db[0, :, 0, 0, 0], sample_db[0, :, 1, 0, 0]
    assert (first - second).std() == pytest.approx(1.1 * 2**0.5, rel=0.15)
    assert first.std() > 4


def test_at_its_report_a_user_has_the_reported_snr_where_the_draws_disagree(scene, draws, window):
    said = emulator(scene, draws).emulate(window, 1)
    level_db = emulator(scene, draws).levels_db(window.position_m[:, :, -1])
    variance = level_db.var(axis=0)
    gain = variance / (variance + 1.1**2)
    mean_db = level_db.mean(axis=0)
    kept = np.exp(-np.linalg.norm(said.position_std_m[:, :, 0], axis=-1) / 40)[..., None]
    expected_db = mean_db + kept * gain * (window.snr_db[:, :, -1] - mean_db)
    assert np.allclose(said.snr_db[:, :, 0], expected_db)
    assert (gain > 0.9).any()
    assert (gain < 0.01).any()


def test_reports_move_weight_to_the_maps_that_explain_them(scene, draws, window):
    """No map explains them better than the true one, and the status of the others comes closer to the truth."""
    truth = scene_maps(scene).loss_db[None]
    among = np.concatenate([draws, truth])
    weight = emulator(scene, among, MapSnrConfig(min_effective=1.0)).weights(window)
    assert weight.shape == (25, 2, 2)
    assert np.allclose(weight.sum(axis=0), 1)
    assert np.allclose(weight[24], weight.max(axis=0))
    place_m = scene.center_m[~scene.footprint]
    true_db = emulator(scene, truth).levels_db(place_m)[0]
    errors_db = []
    for snr in (ALIKE, MapSnrConfig()):
        made = emulator(scene, draws, snr)
        level_db, weight = made.levels_db(place_m), made.weights(window)[:, :1]
        errors_db.append(np.sqrt((((weight * level_db).sum(axis=0) - true_db) ** 2).mean()))
    assert errors_db[1] < 0.8 * errors_db[0]


def test_kriging_of_a_window_equals_the_gaussian_conditional(scene, draws, window):
    """Every report of the environment counts at every place, whoever made it."""
    mean_db, std_db = draws.mean(axis=0), draws.std(axis=0) + 1
    topology, place_m = scene_topology(scene), scene.center_m[~scene.footprint][40]
    kriging = KrigingEmulator(
        positions=Stands(place_m), topology=topology, scene=scene, loss_db=mean_db, std_db=std_db, correlation_m=30.0
    )
    said = kriging.emulate(window, 1)
    budget_of = budget_db(topology, ChannelConfig())
    for env in range(2):
        at_m = np.concatenate([place_m[None], window.position_m[env].reshape(-1, 2)])
        for ap in range(2):
            m, s = budget_of[ap] - scene.at(mean_db[ap], at_m), scene.at(std_db[ap], at_m)
            k = np.outer(s, s) * np.exp(-np.linalg.norm(at_m[:, None] - at_m, axis=-1) / 30)
            inverse = np.linalg.inv(k[1:, 1:] + 1.1**2 * np.eye(len(at_m) - 1))
            expected = m[0] + k[0, 1:] @ inverse @ (window.snr_db[env, :, :, ap].ravel() - m[1:])
            variance = k[0, 0] - k[0, 1:] @ inverse @ k[1:, 0]
            assert np.allclose(said.snr_db[env, :, 0, ap], expected, atol=1e-2)
            assert np.allclose(said.snr_std_db[env, :, 0, ap], np.sqrt(variance + 1.1**2), atol=1e-2)


def test_samples_of_kriging_have_its_mean_and_spread(scene, draws, window):
    place_m = scene.center_m[~scene.footprint][40]
    kriging = KrigingEmulator(
        positions=Stands(place_m),
        topology=scene_topology(scene),
        scene=scene,
        loss_db=draws.mean(axis=0),
        std_db=draws.std(axis=0) + 1,
    )
    few = replace(window, **{name: getattr(window, name)[:, :3] for name in vars(window) if name != "slot"})
    said = kriging.emulate(few, 2, n_samples=1500, rng=rng())
    assert np.allclose(said.snr_sample_db.mean(axis=1), said.snr_db, atol=0.6)
    assert np.allclose(said.snr_sample_db.std(axis=1), said.snr_std_db, rtol=0.12)


def test_outside_of_the_scene_it_reads_the_border(scene, draws):
    made = emulator(scene, draws)
    assert np.array_equal(made.levels_db(np.array([[-50.0, 20.0]])), made.levels_db(np.array([[0.0, 20.0]])))


def test_makers_law_and_truth_make_emulators(scene):
    network = scene_network((scene,), 1, NetworkConfig(n_users=12), seed=0)
    law = measure_law(SIZES, n_scenes=4, seed=3)
    assert 5 < law.residual_std_db < 25
    assert 0 < law.fading_share < 0.1
    seen = sample_windows(
        network.topology, 1, 12, 6, mobility=network.mobility, channel=network.channel_model, rng=rng(4)
    )
    heights = by_maker(lambda own: HeightDraws(scene=own, config=SIZES), n_draws=6)
    sure = by_maker(lambda own: SureMap(lambda inputs: inputs[:, 1]), MapSnrConfig(lasting_std_db=5.0), 1)
    kriging = by_kriging(lambda inputs: inputs[:, 1], lambda inputs: np.full(inputs[:, 0].shape, 5.0))
    for make in (by_law(law), heights, sure, kriging, by_truth()):
        check_emulator(make(network, scene, 0), seen)
    first, again, other = (heights(network, scene, seed).loss_db for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_growth_of_errors_is_that_of_walks_on_scenes():
    network = scene_network((random_scene(rng=rng(8)),), 1, NetworkConfig(n_users=12), seed=0)
    walks = Walks.sample(network.mobility, network.topology.campus, 80, 50, 2.0, rng=rng(9))
    measured = measure_growth(walks, lambda position_m, velocity_mps, elapsed_s: position_m + velocity_mps * elapsed_s)
    for is_walking in (False, True):
        for elapsed_s in (4.0, 16.0):
            told, came = (
                each.std_m(np.array([elapsed_s]), np.array([is_walking]))[0] for each in (STREET_GROWTH, measured)
            )
            assert 0.6 < told / came < 1.7


def test_what_does_not_fit_says_so(scene, draws, without_type_checks):
    with pytest.raises(ValueError, match="loss_db must end in the shape \\(2, 16, 16\\)"):
        emulator(scene, draws[:, :1])
    with pytest.raises(ValueError, match="loss_db must end in the shape"):
        emulator(scene, draws[:0])
    topology, positions = scene_topology(scene), HoldLast(topology=scene_topology(scene))
    with pytest.raises(ValueError, match="std_db must have the shape \\(2, 16, 16\\)"):
        KrigingEmulator(positions=positions, topology=topology, scene=scene, loss_db=draws[0], std_db=draws[0, :1])
    other = random_scene(SIZES, rng=rng(6))
    with pytest.raises(ValueError, match="scene must have the masts of the topology"):
        MapEmulator(
            positions=HoldLast(topology=scene_topology(scene)),
            topology=scene_topology(scene),
            scene=other,
            loss_db=draws,
        )
