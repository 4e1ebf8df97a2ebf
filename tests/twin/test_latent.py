"""The code of an SMG and its width: contract, members, ages, rollouts, and what makes the width grow."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gdt_tutorial.gai.vae import VaeConfig, VariationalAutoencoder, load_vae, save_vae
from gdt_tutorial.gai.vae_training import kl_to_standard_normal
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream, torch_seeded, torch_stream
from gdt_tutorial.twin.abstraction.expected_worst import ComingMean, ExpectedWorst, expected_subgroup_efficiency
from gdt_tutorial.twin.abstraction.latent import LatentAbstractor, encode_users, rate_setter, relative_window
from gdt_tutorial.twin.abstraction.latent_training import (
    SMOKE,
    collected_loss,
    draw_windows,
    matching_loss,
    start_latents,
    train_latents,
    whole_loss,
)
from gdt_tutorial.twin.contracts import check_abstractor, check_maker
from gdt_tutorial.twin.decision.corrected_greedy import (
    CorrectedGreedy,
    CorrectionNetwork,
    read_code_and_width,
    read_rate,
    train_correction,
)
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.observation import MEMORY_SLOTS
from gdt_tutorial.twin.recipes.latent_widths import (
    aged_windows,
    decoded_now,
    emulated_now,
    last_report_at,
    width_scores,
)
from tests.small_networks import ANY, idle, network, random_decision, same, seen_in, twin_of

TOPOLOGY = Topology.waterloo()


def untrained(n_slots=MEMORY_SLOTS, n_features=6, seed=0):
    """Return an encoder whose perceptrons have drawn weights everywhere, so that it says something."""
    generator = torch_stream(seed, "untrained")
    vae = VariationalAutoencoder(n_slots, n_features, VaeConfig(n_latent=3, n_hidden=8), generator=generator)
    with torch.no_grad():
        for each in vae.parameters():
            each.normal_(std=0.2, generator=generator)
    return vae


@pytest.fixture(scope="module")
def start():
    return start_latents(TOPOLOGY, SMOKE, generator=torch_stream(0, "latents"))


@pytest.fixture(scope="module")
def moment():
    """Return a network in the middle of a session, and what the twin has seen of four slots; not everybody reports."""
    net = network(n_batch=2, n_users=12, seed=3)
    rng, telemetry = stream(3, "decisions"), net.reset()
    seen = seen_in(telemetry)
    for slot in range(3):
        decision = random_decision(telemetry.session, net.catalog, 2, rng=rng)
        telemetry = net.step(decision)
        status = seen_in(telemetry).status
        age = np.where(np.arange(12) % 2 == 0, 0, slot + 1) * np.ones((2, 1), dtype=np.int64)
        status = replace(
            status,
            behavior=replace(status.behavior, age_slots=age),
            networking=replace(status.networking, age_slots=age.copy()),
        )
        seen = seen.then(decision, status)
    return net, seen


def test_every_new_abstractor_keeps_its_contract(moment):
    net, seen = moment
    plain, emulator = twin_of(net)[0], HoldLast(topology=net.topology)
    check_abstractor(LatentAbstractor(plain, untrained(), net.link), seen)
    check_abstractor(ExpectedWorst(plain, emulator, net.link), seen)
    check_abstractor(ComingMean(plain, emulator, net.link), seen)


def test_a_group_has_the_code_of_its_reachable_member_with_the_lowest_snr(moment):
    net, seen = moment
    plain, vae = twin_of(net)[0], untrained()
    features = LatentAbstractor(plain, vae, net.link).abstract(seen)
    latent, std = encode_users(vae, seen.window)
    snr_db = seen.status.networking.snr_db
    rate = net.link.spectral_efficiency(snr_db)
    for env, subgroup in np.ndindex(features.ap.shape):
        ap = features.ap[env, subgroup]
        members = np.flatnonzero(features.subgroup[env] == subgroup)
        members = [user for user in members if rate[env, user, ap] > 0]
        if members:
            worst = min(members, key=lambda user: snr_db[env, user, ap])
            np.testing.assert_allclose(features.latent[env, subgroup], latent[env, worst], atol=1e-4)
            np.testing.assert_allclose(features.latent_std[env, subgroup], std[env, worst], atol=1e-4)
            assert rate[env, worst, ap] == pytest.approx(features.efficiency[env, subgroup])
        else:
            np.testing.assert_array_equal(features.latent[env, subgroup], 0)
            np.testing.assert_array_equal(features.latent_std[env, subgroup], 1)
    assert (rate_setter(features, snr_db - 200, net.link) == -1).all()
    assert same(
        replace(features, latent=features.latent[..., :0], latent_std=features.latent_std[..., :0]),
        plain.abstract(seen),
    )


def test_a_window_counts_from_the_last_report_and_hides_what_did_not_come():
    drawn = draw_windows(TOPOLOGY, 5, 4, rng=stream(0, "windows"))
    window = drawn.window
    lost = ~window.is_behavior_collected
    spoiled = replace(window, position_m=np.where(lost[..., None], 1e6, window.position_m))
    relative, again = relative_window(window), relative_window(spoiled)
    np.testing.assert_array_equal(relative.values, again.values)
    newest = MEMORY_SLOTS - 5
    np.testing.assert_array_equal(relative.values[:, 0, newest, [0, 1, 4, 5]], 0)
    np.testing.assert_array_equal(relative.last[:, 0, :2], window.position_m[:, 0, newest])
    np.testing.assert_array_equal(relative.values[:, 0, newest, 2:4], window.velocity_mps[:, 0, newest])
    np.testing.assert_array_equal(
        drawn.whole.values[:, 0, -1, :2], window.position_m[:, 0, -1] - relative.last[:, 0, :2]
    )


def test_a_last_report_can_be_moved_back():
    drawn = draw_windows(TOPOLOGY, 5, 0, rng=stream(0, "windows"))
    for age in (0, 3):
        moved = last_report_at(drawn, age)
        came = moved.window.is_behavior_collected[:, 0]
        assert (MEMORY_SLOTS - 1 - came[:, ::-1].argmax(axis=1) == MEMORY_SLOTS - 1 - age).all()
        before = slice(0, MEMORY_SLOTS - 1 - age)
        np.testing.assert_array_equal(came[:, before], drawn.window.is_behavior_collected[:, 0, before])
        assert (moved.age_slots == age).all()
    with pytest.raises(ValueError, match=f"age_slots must lie in 0..{MEMORY_SLOTS - 1}, got {MEMORY_SLOTS}"):
        last_report_at(drawn, MEMORY_SLOTS)


def test_who_has_no_report_gets_the_prior():
    window = draw_windows(TOPOLOGY, 3, 2, rng=stream(0, "windows")).window
    nothing = np.zeros_like(window.is_behavior_collected)
    nothing[0] = window.is_behavior_collected[0]
    lost = replace(window, is_behavior_collected=nothing, is_networking_collected=nothing.copy())
    latent, std = encode_users(untrained(), lost)
    assert (latent[1:] == 0).all()
    assert (std[1:] == 1).all()
    np.testing.assert_allclose(latent[0], encode_users(untrained(), window)[0][0], atol=1e-5)


def test_in_a_rollout_the_width_grows_where_a_history_was_seen(start):
    """With few reports so far the place of a report in the window counts too: it is the history that ages."""
    net = network(n_batch=2, n_users=12, seed=3)
    seen, decision = seen_in(net.reset()), None
    for _ in range(MEMORY_SLOTS - 1):
        decision = idle(random_decision(net.stream.session(net.serving_ap), net.catalog, 2, rng=stream(3, "decisions")))
        seen = seen.then(decision, seen_in(net.step(decision)).status)
    width = [encode_users(start[0], seen.window)[1].mean()]
    for _ in range(MEMORY_SLOTS):
        status = seen.status
        older = replace(status, slot=status.slot + 1, ahead_slots=status.ahead_slots + 1)
        for half in ("behavior", "networking"):
            part = getattr(older, half)
            older = replace(older, **{half: replace(part, age_slots=part.age_slots + 1)})
        seen = seen.then(decision, older)
        width.append(encode_users(start[0], seen.window)[1].mean())
    assert (np.diff(width) > 0).all()
    assert width[-1] == 1
    features = LatentAbstractor(twin_of(net)[0], start[0], net.link).abstract(seen)
    assert (features.latent == 0).all()


def test_matching_has_its_optimum_at_the_code_of_the_whole_window():
    """Where nothing is lost and nothing is learned, the loss is the negative ELBO alone; and the KL is torch's."""
    vae, window = untrained(n_slots=4, n_features=2), torch.randn(5, 4, 2, generator=torch_stream(0, "x"))
    everywhere = torch.ones(window.shape, dtype=torch.bool)
    half = torch.rand(window.shape, generator=torch_stream(1, "x")) < 0.5
    half[:, 0] = True
    with torch_seeded(torch_stream(2, "noise")):
        whole = whole_loss(vae, window, everywhere)
    with torch_seeded(torch_stream(2, "noise")):
        assert matching_loss(vae, window, everywhere).item() == pytest.approx(whole.item(), rel=1e-5)
    with torch_seeded(torch_stream(2, "noise")):
        lossy = matching_loss(vae, window, half)
    mean, log_variance = vae.encode(window)
    other_mean, other_log = vae.encode(window, half)
    normal = torch.distributions.Normal
    kl = torch.distributions.kl_divergence(
        normal(mean, (log_variance / 2).exp()), normal(other_mean, (other_log / 2).exp())
    )
    assert (lossy - whole).item() == pytest.approx(kl.sum(dim=1).mean().item(), rel=1e-4)
    assert (kl_to_standard_normal(mean, log_variance) >= 0).all()


def test_the_decoder_is_held_where_the_collected_entries_are_scored():
    vae, window = untrained(n_slots=4, n_features=2), torch.randn(5, 4, 2, generator=torch_stream(0, "x"))
    half = torch.zeros(window.shape, dtype=torch.bool)
    half[:, :2] = True

    def gradient(loss):
        vae.zero_grad()
        with torch_seeded(torch_stream(2, "noise")):
            loss().backward()
        return vae.decoder[-1].weight.grad.clone(), vae.encoder[-1].weight.grad.clone()

    own = gradient(lambda: collected_loss(vae, window, half))
    whole = gradient(lambda: whole_loss(vae, window, torch.ones_like(half)))
    torch.testing.assert_close(own[0], whole[0])
    assert not torch.allclose(own[1], whole[1])
    assert all(each.requires_grad for each in vae.decoder.parameters())


def test_the_untrained_width_grows_with_age_and_the_scores_tell(start):
    ages = (0, 4, 12)
    drawn = aged_windows(TOPOLOGY, ages, 150, rng=stream(1, "aged"))
    believed = [decoded_now(start[0], each, generator=torch_stream(0, "draws")) for each in drawn]
    scores = width_scores(believed, drawn)
    assert (np.diff(scores.width) > 0).all()
    assert scores.width[-1] > 1.3 * scores.width[0]
    held = width_scores([emulated_now(HoldLast(topology=TOPOLOGY), each) for each in drawn], drawn)
    assert held.crps_m[0] == 0
    assert (np.diff(held.std_m) > 0).all()
    assert (held.coverage_m >= 0.6).all()


def test_training_depends_on_the_generator_alone_and_lowers_the_loss():
    config = replace(SMOKE, n_users=300)
    (first, history), (again, _), (other, _) = (
        train_latents(TOPOLOGY, config, generator=torch_stream(seed, "latents")) for seed in (0, 0, 1)
    )
    assert torch.equal(first.encoder[0].weight, again.encoder[0].weight)
    assert not torch.equal(first.encoder[0].weight, other.encoder[0].weight)
    assert history.train_loss[-1] < history.train_loss[0]


def test_the_expected_rate_is_the_mean_over_draws():
    net, rng = network(), stream(0, "draws")
    subgroup, ap = np.array([[0, 0, 0, 1, -1]]), np.array([[0, 1, 0]])
    mean_db, std_db = rng.uniform(-6, 20, size=(1, 5, 2)), rng.uniform(0, 8, size=(1, 5, 2))
    std_db[0, 3] = 0
    expected = expected_subgroup_efficiency(subgroup, ap, mean_db, std_db, net.link)
    rate = net.link.spectral_efficiency(mean_db + std_db * rng.standard_normal((40_000, 5, 2)))
    for each, members in ((0, [0, 1, 2]), (1, [3])):
        own = rate[:, members, ap[0, each]].astype(np.float64)
        worst = np.where(own > 0, own, np.inf).min(axis=1)
        assert expected[0, each] == pytest.approx(np.where(np.isinf(worst), 0, worst).mean(), abs=0.02)
    assert expected[0, 2] == 0


def test_an_untrained_correction_is_the_greedy_allocator(moment):
    net, seen = moment
    plain, model = twin_of(net)
    features = LatentAbstractor(plain, untrained(), net.link).abstract(seen)
    n_read = read_code_and_width(features).shape[-1]
    maker = CorrectedGreedy(model, CorrectionNetwork(n_read, 8, generator=torch_stream(0, "correction")))
    assert same(maker.decide(features, rng=ANY), GreedyAllocator(model).decide(features, rng=ANY))
    with torch.no_grad():
        for each in maker.network.parameters():
            each.normal_(std=0.1, generator=torch_stream(0, "correction"))
    check_maker(maker, features, 2)
    wider = replace(features, latent_std=np.ones_like(features.latent_std))
    is_served = features.efficiency > 0
    assert not np.allclose(maker.corrected(features)[is_served], maker.corrected(wider)[is_served])


def test_a_correction_finds_a_factor_that_the_width_tells():
    rng = stream(0, "rows")
    row, believed = rng.uniform(0, 1, size=(2000, 3)), rng.uniform(1, 4, size=2000)
    true = believed * np.exp(-row[:, 2])
    network_, history = train_correction(row, believed, true, generator=torch_stream(0, "correction"))
    start_error = ((believed - true) ** 2).mean()
    assert history.train_loss[-1] < 0.05 * start_error
    with torch.no_grad():
        factor = network_(torch.tensor([[0.5, 0.5, 0.0], [0.5, 0.5, 1.0]])).exp()
    assert factor[1] < 0.6 * factor[0]


def test_bad_input_is_refused(moment):
    net, seen = moment
    plain, model = twin_of(net)
    with pytest.raises(ValueError, match=r"vae must read 20 slots, as an observation holds, got 8; train it on"):
        LatentAbstractor(plain, untrained(n_slots=8), net.link)
    with pytest.raises(ValueError, match=r"window must have \(20, 9\) slots and features, got \(20, 6\)"):
        LatentAbstractor(plain, untrained(n_features=9), net.link).abstract(seen)
    with pytest.raises(ValueError, match=r"age_slots must lie in 0..19, got 20"):
        draw_windows(TOPOLOGY, 2, 20, rng=stream(0, "windows"))
    drawn = draw_windows(TOPOLOGY, 2, 1, rng=stream(0, "windows"))
    with pytest.raises(ValueError, match="n_draws must be at least 2"):
        decoded_now(untrained(), drawn, 1, generator=torch_stream(0, "draws"))
    with pytest.raises(ValueError, match="believed must hold one entry per age"):
        width_scores([], [])
    network_ = CorrectionNetwork(2, 8, generator=torch_stream(0, "correction"))
    assert read_rate(plain.abstract(seen)).shape[-1] == 2
    with pytest.raises(ValueError, match=r"features must give 2 numbers to read, got 8; use LatentAbstractor"):
        CorrectedGreedy(model, network_).decide(LatentAbstractor(plain, untrained(), net.link).abstract(seen), rng=ANY)


def test_a_saved_encoder_says_the_same_and_a_broken_one_is_refused(moment, tmp_path):
    net, seen = moment
    path, plain = tmp_path / "encoder.safetensors", twin_of(net)[0]
    save_vae(untrained(), path)
    loaded, own = (LatentAbstractor(plain, each, net.link).abstract(seen) for each in (load_vae(path), untrained()))
    assert same(loaded, own)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="path must be a safetensors file, got 'encoder.safetensors"):
        load_vae(path)
    save_vae(untrained(n_slots=8), path)
    with pytest.raises(ValueError, match="vae must read 20 slots"):
        LatentAbstractor(plain, load_vae(path), net.link)
