import numpy as np
import pytest
import torch

from gdt_tutorial.agents.evolution import EvolutionConfig
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.seeding import torch_stream
from gdt_tutorial.twin.decision.allocator import NetworkAllocator, SubgroupNetwork, describe_subgroups
from gdt_tutorial.twin.decision.greedy import EqualShare, GreedyAllocator
from gdt_tutorial.twin.recipes.shipped_allocator import AllocatorConfig, TrainingCampus, evolve_allocator, imitate
from tests.small_networks import ANY, network, same, twin_of

TINY = AllocatorConfig(n_hidden=8, n_campuses=1, evolution=EvolutionConfig(n_pairs=4, n_generations=2))


def campus(seed=0, n_batch=2, n_slots=8):
    config = NetworkConfig(n_users=20)
    return TrainingCampus.record(PhysicalNetwork.waterloo(n_batch, config, seed=seed), n_slots)


@pytest.fixture(scope="module")
def recorded():
    return campus()


@pytest.fixture(scope="module")
def student(recorded):
    return imitate(recorded, TINY, generator=torch_stream(0, "student"))


def vector(maker):
    return torch.nn.utils.parameters_to_vector(maker.network.parameters()).detach()


def test_a_recorded_campus_plays_like_the_physical_network(recorded):
    net = PhysicalNetwork.waterloo(2, NetworkConfig(n_users=20), seed=0)
    abstractor, model = recorded.virtual.abstractor, recorded.virtual.model
    telemetry, qoe, maker = net.reset(), [], EqualShare(model)
    for _ in range(8):
        telemetry = net.step(maker.decide(abstractor.abstract_session(telemetry.session, telemetry.snr_db), rng=ANY))
        qoe.append(telemetry.service.qoe.mean(axis=-1))
    np.testing.assert_allclose(recorded.qoe(maker)[0], np.mean(qoe, axis=0), atol=1e-9)


def test_the_same_maker_gets_the_same_score_again(recorded):
    greedy = GreedyAllocator(recorded.virtual.model)
    first = recorded.qoe(greedy, 3)
    np.testing.assert_array_equal(first, recorded.qoe(greedy, 3))
    np.testing.assert_array_equal(first[0], first[2])


def test_imitation_has_a_seed_pair(recorded, student):
    again = imitate(recorded, TINY, generator=torch_stream(0, "student"))
    other = imitate(recorded, TINY, generator=torch_stream(1, "student"))
    assert torch.equal(vector(student), vector(again))
    assert not torch.equal(vector(student), vector(other))


def test_imitation_learns_the_versions_of_the_teacher():
    # Against the best constant version, on campuses that were not seen; the median of three seeds.
    advantage = []
    for seed in range(3):
        teaching, unseen = campus(seed, n_slots=12), campus(100 + seed)
        student = imitate(teaching, AllocatorConfig(n_hidden=16), generator=torch_stream(seed, "student"))
        model = unseen.virtual.model
        features = unseen.virtual.abstractor.abstract(unseen.seen)
        is_served = (features.n_members > 0) & (features.efficiency > 0)
        wanted = GreedyAllocator(model).decide(features, rng=ANY).version[is_served]
        taken = student.decide(features, rng=ANY).version[is_served]
        constant = max((wanted == version).mean() for version in range(4))
        advantage.append((taken == wanted).mean() - constant)
    assert np.median(advantage) >= 0


def test_evolution_has_a_seed_pair_and_moves(recorded, student):
    def evolved(seed):
        start = NetworkAllocator(student.model, SubgroupNetwork(16, 4, 8, generator=torch_stream(0, "start")))
        return evolve_allocator(start, lambda generation: recorded, TINY, generator=torch_stream(seed, "evolution"))

    first, again, other = evolved(0), evolved(0), evolved(1)
    assert torch.equal(vector(first), vector(again))
    assert not torch.equal(vector(first), vector(other))
    start = SubgroupNetwork(16, 4, 8, generator=torch_stream(0, "start"))
    assert not torch.equal(vector(first), torch.nn.utils.parameters_to_vector(start.parameters()).detach())


def test_evolution_reports_each_generation(recorded, student):
    seen = []
    start = NetworkAllocator(student.model, SubgroupNetwork(16, 4, 8, generator=torch_stream(0, "start")))
    evolve_allocator(
        start, lambda generation: recorded, TINY, generator=torch_stream(0, "evolution"),
        on_generation=lambda generation, score: seen.append((generation, score)),
    )  # fmt: skip
    assert [generation for generation, _ in seen] == [0, 1]
    assert np.isfinite([score for _, score in seen]).all()


def test_weights_have_a_seed_pair():
    first, again, other = (SubgroupNetwork(16, 4, 8, generator=torch_stream(seed, "w")) for seed in (0, 0, 1))
    row = torch.ones(3, 16)
    assert torch.equal(first(row), again(row))
    assert not torch.equal(first(row), other(row))
    assert first(row).shape == (3, 5)


def test_rows_are_what_the_network_takes(recorded):
    features = recorded.virtual.abstractor.abstract(recorded.seen)
    assert describe_subgroups(features, recorded.virtual.model).shape[-1] == 16


def test_saving_and_loading_keeps_every_decision(recorded, student, tmp_path):
    file = tmp_path / "folder" / "allocator.safetensors"
    student.save(file)
    loaded = NetworkAllocator.load(file, student.model)
    features = recorded.virtual.abstractor.abstract(recorded.seen)
    assert same(loaded.decide(features, rng=ANY), student.decide(features, rng=ANY))


def test_a_missing_file_is_named(recorded, tmp_path):
    with pytest.raises(
        ValueError, match=r"path must be a checkpoint, got '.*nothing'; train the model, and save it there"
    ):
        NetworkAllocator.load(tmp_path / "nothing", recorded.virtual.model)


def test_a_network_for_other_versions_is_refused(tmp_path):
    _, model = twin_of(network())
    file = tmp_path / "allocator.safetensors"
    NetworkAllocator(model, SubgroupNetwork(16, 2, 8, generator=torch_stream(0, "w"))).save(file)
    with pytest.raises(ValueError, match=r"path must hold a network for 4 versions, got 2; train one for this catalog"):
        NetworkAllocator.load(file, model)


@pytest.mark.parametrize("name", ["n_hidden", "n_campuses"])
def test_sizes_are_positive(name):
    with pytest.raises(ValueError, match=rf"{name} must be above 0, got 0; leave it out"):
        AllocatorConfig(**{name: 0})
