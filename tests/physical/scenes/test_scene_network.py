"""A network on a scene keeps the books of the plain one, walks on streets, and has its channel from the place."""

from itertools import pairwise

import numpy as np
import pytest

from gdt_tutorial.physical.channel import Channel, ChannelConfig
from gdt_tutorial.physical.channel_model import ChannelModel, UserChannel
from gdt_tutorial.physical.destinations import DestinationConfig, StreetMobility, time_shares
from gdt_tutorial.physical.logs.watch_logs import read_watch_log
from gdt_tutorial.physical.mobility import Mobility
from gdt_tutorial.physical.network import NetworkConfig
from gdt_tutorial.physical.scenes.diffraction import scene_maps
from gdt_tutorial.physical.scenes.layout import SceneConfig, random_scene, redraw_heights
from gdt_tutorial.physical.scenes.scene import Scene
from gdt_tutorial.physical.scenes.scene_channel import SceneChannel, SceneChannelModel
from gdt_tutorial.physical.scenes.scene_network import scene_network, scene_topology
from gdt_tutorial.physical.scenes.scene_streets import scene_streets
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream
from tests.physical.logs.log_files import write_views
from tests.small_networks import held_s, random_decision, same

NO_FADING = ChannelConfig(n_blocks=None)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def scene():
    return random_scene(SceneConfig(n_pixels=16, n_aps=2, min_buildings=4, max_buildings=6), rng=rng(5))


def network(scene, seed=0, n_batch=2, **changes):
    return scene_network((scene,), n_batch, NetworkConfig(n_users=12), seed=seed, tx_power_dbm=10.0, **changes)


def channel(scene, n_batch=1, n_users=1, config=NO_FADING, scenes=None):
    model = SceneChannelModel(scenes=scenes or (scene,), config=config)
    return model.start(scene_topology(scene), n_batch, n_users, rng=rng())


# The channel


def test_the_channel_has_the_loss_of_the_map_and_the_budget_closes(scene):
    loss_db, is_los = scene_maps(scene, NO_FADING)
    street = ~scene.footprint
    place_m = scene.center_m[street][None]
    air = channel(scene, n_users=place_m.shape[1])
    air.advance(place_m)
    assert np.allclose(air.path_loss_db[0].T, loss_db[:, street], atol=1e-4)
    assert np.array_equal(air.is_los[0].T, is_los[:, street])
    noise_dbm = -174 + 10 * np.log10(5e6) + 7
    assert np.allclose(27 - air.path_loss_db + air.shadowing_db - noise_dbm, air.mean_snr_db, atol=1e-3)
    assert np.array_equal(air.snr_db, air.mean_snr_db)


def test_the_channel_is_continuous_along_a_walk(scene):
    walk_m = np.linspace([1.0, 30.0], [127.0, 90.0], 4000)[:, None, None]
    air, seen = channel(scene), []
    for place_m in walk_m:
        air.advance(place_m)
        seen.append(air.mean_snr_db[0, 0])
    step_db = np.abs(np.diff(seen, axis=0)).max()
    # The steepest is from pixel to pixel, 8 m, between the best and the worst of all streets.
    loss_db = scene_maps(scene).loss_db[:, ~scene.footprint]
    assert 0 < step_db < 2 * np.ptp(loss_db) * np.linalg.norm(walk_m[1] - walk_m[0]) / scene.pixel_m


def test_the_position_tells_the_channel(scene):
    """Two users at one place, and one who comes back, have the same mean; the plain channel gives them three."""
    place_m, other_m = np.array([20.0, 100.0]), np.array([90.0, 20.0])
    means = {}
    for name, air in (
        ("scene", channel(scene, n_users=2, config=ChannelConfig())),
        ("plain", Channel(ChannelConfig(), scene_topology(scene), 1, 2, rng=rng())),
    ):
        seen = []
        for first_m, second_m in ((place_m, other_m), (other_m, place_m), (place_m, place_m)):
            air.advance(np.stack([first_m, second_m])[None])
            seen.append(air.mean_snr_db[0].copy())
        means[name] = np.array([seen[0][0], seen[1][1], seen[2][0], seen[2][1]])
    assert np.ptp(means["scene"], axis=0).max() == 0
    assert np.ptp(means["plain"], axis=0).min() > 0.1


def test_fading_is_that_of_the_plain_channel(scene):
    """Rayleigh in the shade, Rician in sight: mean 1, and variance 1 / (16 m)."""
    street_m = scene.center_m[~scene.footprint]
    air = channel(scene, n_batch=1, n_users=len(street_m), config=ChannelConfig())
    power, is_los = [], None
    for _ in range(300):
        air.advance(street_m[None])
        power.append(10 ** ((air.snr_db - air.mean_snr_db) / 10))
        is_los = air.is_los
    power = np.array(power)
    assert power.mean() == pytest.approx(1, abs=0.01)
    rician_k = 10**0.9
    nakagami_m = (rician_k + 1) ** 2 / (2 * rician_k + 1)
    assert power[:, ~is_los].var() == pytest.approx(1 / 16, rel=0.05)
    assert power[:, is_los].var() == pytest.approx(1 / (16 * nakagami_m), rel=0.05)


def test_environments_may_have_their_own_heights(scene):
    scenes = (scene, redraw_heights(scene, rng=rng(8)))
    place_m = np.broadcast_to(scene.center_m[~scene.footprint], (2, (~scene.footprint).sum(), 2))
    air = channel(scene, 2, place_m.shape[1], scenes=scenes)
    air.advance(place_m)
    for env, own in enumerate(scenes):
        assert np.allclose(air.path_loss_db[env].T, scene_maps(own).loss_db[:, ~scene.footprint], atol=1e-4)
    assert not np.allclose(air.path_loss_db[0], air.path_loss_db[1])


def test_both_channels_keep_the_protocol(scene):
    assert isinstance(ChannelConfig(), ChannelModel)
    assert isinstance(SceneChannelModel(scenes=(scene,)), ChannelModel)
    plain = ChannelConfig().start(Topology.waterloo(), 1, 2, rng=rng())
    plain.advance(np.zeros((1, 2, 2)))
    air = channel(scene)
    air.advance(np.full((1, 1, 2), 60.0))
    for each in (plain, air):
        assert isinstance(each, UserChannel)


# The walks


def test_walkers_keep_to_streets_and_do_not_jump(scene):
    mobility = StreetMobility(streets=scene_streets(scene, rng=rng(1)))
    assert isinstance(mobility, Mobility)
    walk = mobility.start(scene_topology(scene).campus, 2, 30, rng=rng(2))
    before_m = walk.position_m
    for _ in range(300):
        walk.advance(2.0)
        assert not scene.footprint[tuple(np.moveaxis(scene.pixel_of(walk.position_m), -1, 0))].any()
        assert np.linalg.norm(walk.position_m - before_m, axis=-1).max() <= 2 * 1.8 + 1e-9
        before_m = walk.position_m
    assert (np.linalg.norm(walk.velocity_mps, axis=-1) > 0).any()


def test_nobody_cuts_a_corner_and_nobody_stays_at_a_crossing():
    height_m = np.zeros((6, 6))
    height_m[2, 2] = height_m[3, 3] = 9.0  # between the two a diagonal would slip through
    corner = Scene(height_m, np.array([[4.0, 4.0]]))
    streets = scene_streets(corner, 4, 2, rng=rng(0))
    joined_m = streets.place_m[streets.street]
    middle_m = joined_m.mean(axis=1)
    assert np.linalg.norm(joined_m[:, 0] - joined_m[:, 1], axis=-1).max() == pytest.approx(8 * 2**0.5)
    assert not (np.abs(middle_m - 24).max(axis=-1) < 1).any()
    assert streets.n_crossings == 34 - 6
    walk = StreetMobility(streets=streets).start(scene_topology(corner).campus, 1, 200, rng=rng(1))
    stays_at = walk.position_m[np.linalg.norm(walk.velocity_mps, axis=-1) == 0]
    places_m = np.concatenate([streets.place_m[:4], streets.place_m[-2:]])
    assert np.abs(stays_at[:, None] - places_m).sum(axis=-1).min(axis=1).max() < 1e-6
    staying, walking = time_shares(DestinationConfig(), streets, walk.preference)
    assert (staying[..., 4:-2] == 0).all()
    assert (walking[..., 4:-2] == 0).all()


def test_a_courtyard_without_a_gate_is_nobodys_place():
    height_m = np.zeros((7, 7))
    height_m[2:5, 2:5] = 9.0
    height_m[3, 3] = 0.0
    streets = scene_streets(Scene(height_m, np.array([[4.0, 4.0]])), 3, 2, rng=rng())
    assert streets.n_places == 49 - 9
    assert np.isfinite(streets.way_m).all()


# The network


@pytest.mark.parametrize("seed", range(2))
def test_the_books_of_every_user_balance(scene, seed):
    net, decisions = network(scene, seed), stream(seed, "decisions")
    trajectory = [net.reset()]
    for _ in range(25):
        decision = random_decision(trajectory[-1].session, net.catalog, net.topology.n_aps, rng=decisions)
        trajectory.append(net.step(decision))
    assert sum(after.service.watched_s.sum() for after in trajectory) > 0
    for before, after in pairwise(trajectory):
        service = after.service
        left = before.session.stored_s + service.received_s
        right = after.session.stored_s + service.watched_s + service.dropped_s
        np.testing.assert_allclose(left, right, atol=1e-9)
        np.testing.assert_allclose(service.watched_s + service.stall_s, net.config.slot_s, atol=1e-9)
        np.testing.assert_allclose(after.session.stored_s, held_s(after.session, net.catalog), atol=1e-9)
        for use in (after.load.bandwidth, after.load.computing, after.load.backhaul):
            assert use.max() <= 1 + 1e-6


def test_same_seed_same_course_other_seed_other_course(scene):
    first, again, other = (network(scene, seed).reset() for seed in (0, 0, 1))
    assert same(first, again)
    assert not np.array_equal(first.position_m, other.position_m)
    net = network(scene)
    assert same(net.reset(), net.reset())


# Errors


def test_what_does_not_fit_says_so(scene, without_type_checks):
    topology = scene_topology(scene)
    with pytest.raises(ValueError, match="scenes must hold 1 or 3 scenes, got 2"):
        channel(scene, 3, scenes=(scene, scene))
    with pytest.raises(ValueError, match="scenes must have the masts of the topology"):
        SceneChannelModel(scenes=(scene,)).start(Topology.waterloo(), 1, 1, rng=rng())
    with pytest.raises(ValueError, match="n_users must be above 0"):
        channel(scene, 1, 0)
    with pytest.raises(ValueError, match="position_m must have shape \\(1, 1, 2\\)"):
        channel(scene).advance(np.zeros((1, 2, 2)))
    with pytest.raises(ValueError, match="position_m must be finite and lie in the box"):
        channel(scene).advance(np.full((1, 1, 2), np.nan))
    with pytest.raises(ValueError, match="changes must be among .*, got \\['power'\\]"):
        scene_topology(scene, power=3)
    with pytest.raises(ValueError, match="scenes must have the same footprints"):
        scene_network((scene, random_scene(SceneConfig(n_pixels=16, n_aps=2), rng=rng(1))), 2, seed=0)
    with pytest.raises(ValueError, match="scene must have 504 to 2500 connected street pixels"):
        scene_streets(scene, 500, rng=rng())
    with pytest.raises(ValueError, match="scene must have 100 street pixels at the border"):
        scene_streets(scene, 12, 100, rng=rng())
    far = StreetMobility(streets=scene_streets(scene, rng=rng()))
    with pytest.raises(ValueError, match="streets.place_m must be finite and lie in the campus box"):
        far.start(scene_topology(Scene(np.zeros((4, 4)), np.array([[4.0, 4.0]]))).campus, 1, 1, rng=rng())
    assert isinstance(SceneChannelModel(scenes=(scene,)).start(topology, 1, 1, rng=rng()), SceneChannel)


def test_viewers_may_come_from_a_log_and_walk_as_those_of_the_generator(scene, tmp_path):
    log = read_watch_log(write_views(tmp_path / "log.csv", range(0, 12_000, 1000)))
    logged, generated = network(scene, watch_log=log), network(scene)
    assert (logged.viewers.source, generated.viewers.source) == ("watch log", "generator")
    np.testing.assert_array_equal(logged.walk.position_m, generated.walk.position_m)
