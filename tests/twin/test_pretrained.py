"""The shipped checkpoints: intact, small, as good as what their code makes, and better than nothing."""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial import seeding
from gdt_tutorial.agents.evolution import EvolutionConfig
from gdt_tutorial.checkpoints import OutsideTrainingWarning, verified, write_sums
from gdt_tutorial.physical.mobility import LevyFlightConfig
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.scenes.diffraction import scene_inputs, scene_maps
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.abstraction.latent_training import SMOKE, start_latents
from gdt_tutorial.twin.decision.allocator import NetworkAllocator
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.emulation.lstm_training import BOOK, compare, train_lstm
from gdt_tutorial.twin.emulation.maps.generator import GeneratedMaps, reports_of
from gdt_tutorial.twin.emulation.maps.generator_training import random_scenes
from gdt_tutorial.twin.emulation.maps.maker_scores import score_maker
from gdt_tutorial.twin.emulation.maps.map_maker import MeanAndField
from gdt_tutorial.twin.emulation.walks import Walks
from gdt_tutorial.twin.pretrained import (
    FOLDER,
    pretrained_allocator,
    pretrained_emulator,
    pretrained_gradient_allocator,
    pretrained_latents,
    pretrained_scenes,
)
from gdt_tutorial.twin.recipes.latent_widths import aged_windows, decoded_now, width_scores
from gdt_tutorial.twin.recipes.policy_gradient_allocator import untrained
from gdt_tutorial.twin.recipes.shipped_allocator import (
    AllocatorConfig,
    TrainingCampus,
    evolve_allocator,
    imitate,
    training_campus,
)
from gdt_tutorial.twin.recipes.shipped_scenes import train_shipped_scenes, untrained_scenes

CHECKPOINTS = sorted(FOLDER.glob("*.safetensors"))


def walks(seed):
    rng = seeding.stream(seed, "walks")
    return Walks.sample(LevyFlightConfig(), Topology.waterloo().campus, 400, 41, 2.0, rng=rng)


@pytest.mark.parametrize("path", CHECKPOINTS, ids=lambda path: path.name)
def test_checkpoint_is_small_and_has_its_hash(path):
    assert verified(path) == path
    assert path.stat().st_size <= 200_000


def test_all_checkpoints_are_there():
    trained = ["allocator", "gradient_allocator", "intents", "latents", "lstm", "scenes"]
    event = ["coded_bitmaps", "contexts", "turns", "uncoded_bitmaps"]
    assert [path.stem for path in CHECKPOINTS] == sorted(trained + event)


def test_changed_checkpoint_is_refused(tmp_path):
    copy = tmp_path / "lstm.safetensors"
    copy.write_bytes((FOLDER / "lstm.safetensors").read_bytes())
    write_sums(tmp_path)
    verified(copy)
    content = bytearray(copy.read_bytes())
    content[-1] ^= 1
    copy.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"path must have the hash in SHA256SUMS.*remake it"):
        verified(copy)


def test_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"path must be a shipped file, got .*lstm.safetensors.*remake"):
        verified(tmp_path / "lstm.safetensors")


def test_missing_allocator_is_named(tmp_path):
    model = training_campus(1, 0, 5e9, n_slots=1).virtual.model
    with pytest.raises(ValueError, match=r"path must be a checkpoint, got .*none.safetensors.*train the model"):
        NetworkAllocator.load(tmp_path / "none.safetensors", model)


def test_emulator_beats_both_baselines_on_new_walks():
    errors = compare(pretrained_emulator(Topology.waterloo()), walks(1), 16, rng=seeding.stream(1, "reports"))
    assert np.all(errors.lstm_m < errors.hold_last_m)
    assert np.all(errors.lstm_m[1:] < errors.constant_velocity_m[1:])


def test_emulator_trained_anew_is_no_better_than_the_shipped_one():
    topology, rng = Topology.waterloo(), seeding.stream(2, "train")
    sample = Walks.sample(LevyFlightConfig(), topology.campus, BOOK.n_walks, BOOK.n_slots, 2.0, rng=rng)
    remade = train_lstm(sample, topology, BOOK, generator=seeding.torch_stream(2, "lstm")).emulator
    shipped = pretrained_emulator(topology)
    errors = [compare(each, walks(3), 16, rng=seeding.stream(3, "reports")).lstm_m.mean() for each in (shipped, remade)]
    assert errors[0] < 1.05 * errors[1]


def scores_by_age(vae, seed):
    """Return the scores of an encoder at young and old reports, on windows that nobody learned from."""
    drawn = aged_windows(Topology.waterloo(), (1, 8, 15), 500, rng=seeding.stream(seed, "aged"))
    believed = [decoded_now(vae, each, generator=seeding.torch_stream(seed, "draws")) for each in drawn]
    return width_scores(believed, drawn)


def test_encoder_says_how_old_the_status_is_and_beats_its_untrained_start():
    topology = Topology.waterloo()
    shipped = scores_by_age(pretrained_latents(topology), 910_000)
    start = scores_by_age(start_latents(topology, SMOKE, generator=seeding.torch_stream(0, "start"))[0], 910_000)
    assert (np.diff(shipped.width) > 0.1).all()
    assert (shipped.crps_m < start.crps_m).all()
    assert (shipped.crps_db < start.crps_db).all()
    assert (shipped.coverage_m[1:] > start.coverage_m[1:] + 0.05).all()


def test_an_encoder_of_another_campus_is_refused():
    topology = Topology.waterloo()
    fewer = replace(topology, access_points=topology.access_points[:1], edge_servers=topology.edge_servers[:1])
    with pytest.raises(ValueError, match=r"topology must give 6 numbers per user and slot, got 5; train one"):
        pretrained_latents(fewer)


def gain_over_greedy(maker, cycles_per_s, seed=900_000):
    campus = training_campus(12, seed, cycles_per_s)
    maker = NetworkAllocator(campus.virtual.model, maker.network, None, maker.greedy_logit)
    gain = campus.qoe(maker)[0] - campus.qoe(GreedyAllocator(campus.virtual.model))[0]
    return gain.mean(), 1.96 * gain.std(ddof=1) / len(gain) ** 0.5


def test_allocator_beats_its_teacher_where_computing_is_scarce():
    model = training_campus(1, 0, 3e9, n_slots=1).virtual.model
    mean, interval = gain_over_greedy(pretrained_allocator(model), 3e9)
    assert mean - interval > 0


def test_the_policy_gradient_beats_its_untrained_start_where_computing_is_scarce():
    model = training_campus(1, 0, 3e9, n_slots=1).virtual.model
    assert (gain_over_greedy(untrained(model), 2e9)[0]) == 0
    mean, interval = gain_over_greedy(pretrained_gradient_allocator(model), 2e9)
    assert mean - interval > 0


def quality(maker_of, n_users):
    """Return the QoE of a maker and of the greedy one on fresh campuses of so many users."""
    network = PhysicalNetwork.waterloo(4, NetworkConfig(n_users=n_users), seed=910_000 + n_users)
    campus = TrainingCampus.record(network, 20)
    model = campus.virtual.model
    return campus.qoe(maker_of(model)).mean(), campus.qoe(GreedyAllocator(model)).mean()


@pytest.mark.parametrize("n_users", [20, 140])
def test_at_its_limits_the_allocator_is_near_the_greedy_one(n_users):
    shipped, greedy = quality(pretrained_allocator, n_users)
    assert shipped > greedy - 0.15


def test_a_campus_that_the_allocator_does_not_know_is_left_to_the_greedy_one():
    def without_limits(model):
        return NetworkAllocator(model, pretrained_allocator(model).network)

    raw, greedy = quality(without_limits, 8)
    assert raw < greedy - 0.2
    with pytest.warns(
        OutsideTrainingWarning, match=r"The allocator knows 20 to 140 users on a campus, got 8; the greedy"
    ):
        shipped, _ = quality(pretrained_allocator, 8)
    assert shipped == greedy


def test_the_checkpoint_says_whom_the_allocator_knows(tmp_path):
    model = training_campus(1, 0, 3e9, n_slots=1).virtual.model
    shipped = pretrained_allocator(model)
    assert shipped.n_users == (20, 140)
    shipped.save(tmp_path / "copy.safetensors")
    assert NetworkAllocator.load(tmp_path / "copy.safetensors", model).n_users == (20, 140)
    NetworkAllocator(model, shipped.network).save(tmp_path / "any.safetensors")
    assert NetworkAllocator.load(tmp_path / "any.safetensors", model).n_users is None


def test_a_few_generations_do_not_hurt_and_depend_on_the_generator_alone():
    config = AllocatorConfig(n_campuses=1, evolution=EvolutionConfig(n_generations=2, n_pairs=2))
    campus = training_campus(2, 5, 3e9, n_slots=6)

    def taught(seed):
        generator = seeding.torch_stream(seed, "teach")
        return evolve_allocator(
            imitate(campus, config, generator=generator), lambda _: campus, config, generator=generator
        )

    first, again, other = (taught(seed).network.layers[0].weight for seed in (0, 0, 1))
    assert (first == again).all()
    assert not (first == other).all()


@pytest.mark.slow
@pytest.mark.parametrize("pretrained", [pretrained_allocator, pretrained_gradient_allocator])
def test_allocator_trained_anew_is_as_good_as_the_shipped_one(pretrained):
    model = training_campus(1, 0, 3e9, n_slots=1).virtual.model
    shipped, remade = pretrained(model), pretrained(model, retrain=True)
    for cycles_per_s in (3e9, 6e9):
        (mean, interval), (mean_remade, interval_remade) = (
            gain_over_greedy(maker, cycles_per_s) for maker in (shipped, remade)
        )
        assert abs(mean - mean_remade) < interval + interval_remade


@pytest.mark.slow
def test_encoder_trained_anew_is_as_good_as_the_shipped_one():
    topology = Topology.waterloo()
    shipped, remade = (scores_by_age(pretrained_latents(topology, retrain=each), 920_000) for each in (False, True))
    np.testing.assert_allclose(remade.crps_m, shipped.crps_m, rtol=0.03)
    np.testing.assert_allclose(remade.width, shipped.width, atol=0.05)


def fresh_scenes(n_scenes=24):
    return random_scenes(n_scenes, rng=seeding.stream(7, "fresh scenes"))


def test_scenes_beat_their_untrained_start_and_mean_and_field():
    """CRPS, without reports and with sixteen; the start is the ray table, and kriging where there are reports."""
    gan, scenes = pretrained_scenes(), fresh_scenes()
    start = untrained_scenes(n_scenes=16)
    start = GeneratedMaps(network=start.network, prior=gan.prior)
    prior = gan.prior
    field = MeanAndField(mean=prior.table.mean, std=prior.table.std, correlation_m=prior.correlation_m)
    own, untrained_, plain = (score_maker(lambda scene, m=m: m, scenes, seed=3) for m in (gan, start, field))
    assert own.crps_db < 0.8 * untrained_.crps_db
    assert own.crps_db < 0.95 * plain.crps_db
    assert own.run_distance_m < untrained_.run_distance_m

    def told(scene):
        inputs, loss_db = scene_inputs(scene), scene_maps(scene).loss_db.astype(float)
        return reports_of(inputs[0], loss_db[0], 16, 1.0, rng=seeding.stream(8, "places"))

    makes = (lambda s: gan.updated(told(s)), lambda s: start.updated(told(s)), lambda s: prior.kriging(told(s)))
    own, untrained_, plain = (score_maker(make, scenes, seed=3).crps_db for make in makes)
    assert own < untrained_
    assert own < plain


@pytest.mark.slow
def test_remade_scenes_are_as_good():
    made, scenes = train_shipped_scenes(), fresh_scenes(60)
    again, shipped = (score_maker(lambda scene, m=m: m, scenes, seed=3) for m in (made, pretrained_scenes()))
    assert again.crps_db == pytest.approx(shipped.crps_db, rel=0.06)
    assert again.spread_db == pytest.approx(shipped.spread_db, rel=0.2)
