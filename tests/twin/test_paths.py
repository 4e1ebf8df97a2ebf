"""Sampled paths: in each slot as wide as the emulator says, and from slot to slot as users and channels really go."""

import numpy as np
import pytest

from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.emulation.emulator import MeanPath
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.emulation.paths import PathConfig, sample_positions_m, sample_snr_db
from gdt_tutorial.twin.observation import Memory
from gdt_tutorial.twin.pretrained import pretrained_emulator
from gdt_tutorial.twin.status import true_status
from tests.small_networks import idle, random_decision

N_AHEAD = 15


def walk(seed):
    """Return a network of eight campuses, a window of ten slots, and the truth of the fifteen slots after it."""
    net = PhysicalNetwork.waterloo(8, NetworkConfig(n_users=60), seed=seed)
    telemetry, memory, snr_db = net.reset(), Memory(), []
    nothing = idle(random_decision(telemetry.session, net.catalog, 2, rng=stream(0, "decisions")))
    for slot in range(10 + N_AHEAD):
        if slot < 10:
            seen = memory.see(true_status(telemetry))
            memory.note(nothing)
        else:
            snr_db.append(telemetry.snr_db)
        telemetry = net.step(nothing)
    return net, seen.window, np.stack(snr_db, axis=2)


@pytest.fixture(scope="module")
def walked():
    return walk(40)


def handovers(snr_db, hysteresis_db=3.0):
    """Count the changes of access point per user, from the strongest one on."""
    at, n_changes = snr_db[..., 0, :].argmax(axis=-1), 0.0
    for slot in range(1, snr_db.shape[-2]):
        now = snr_db[..., slot, :]
        gain_db = now.max(axis=-1) - np.take_along_axis(now, at[..., None], axis=-1)[..., 0]
        moves = gain_db > hysteresis_db
        n_changes += moves.mean()
        at = np.where(moves, now.argmax(axis=-1), at)
    return n_changes


def test_in_every_slot_samples_have_the_mean_and_the_spread_of_the_emulator(walked):
    net, window, _ = walked
    emulated = pretrained_emulator(net.topology).emulate(window, 4, n_samples=400, rng=stream(0, "samples"))
    # Away from the walls, which fold paths back.
    inner = (
        np.abs(emulated.position_m - net.topology.campus.size_m / 2).max(axis=(2, 3))
        < 0.4 * net.topology.campus.size_m.min()
    )
    score = (emulated.position_sample_m - emulated.position_m[:, None]) / emulated.position_std_m[:, None]
    score = score.swapaxes(1, 2)[inner]
    assert abs(score.mean()) < 0.02
    assert abs(score.std() - 1) < 0.02
    score_db = (emulated.snr_sample_db - emulated.snr_db[:, None]) / emulated.snr_std_db[:, None]
    assert np.abs(score_db.mean(axis=(0, 1, 2, 4))).max() < 0.1
    assert np.abs(score_db.std(axis=(0, 1, 2, 4)) - 1).max() < 0.1


def test_along_a_path_users_change_cells_as_often_as_they_do(walked):
    net, window, truth_db = walked
    emulated = pretrained_emulator(net.topology).emulate(window, N_AHEAD, n_samples=8, rng=stream(1, "samples"))
    truth, mean, whole = handovers(truth_db), handovers(emulated.snr_db), handovers(emulated.snr_sample_db)
    rng = stream(2, "independent")
    independent = handovers(emulated.snr_db + emulated.snr_std_db * rng.standard_normal(emulated.snr_db.shape))
    # The mean hardly moves, slots drawn by themselves jump; whole paths are nearest to the truth.
    assert mean < 0.5 * truth
    assert independent > 2 * truth
    assert abs(whole - truth) < min(abs(mean - truth), abs(independent - truth))


def worst_of_five(link, snr_db):
    """Return what the worst of five users decodes, users in fives by number, mean over all fives and both access points."""
    rate = link.spectral_efficiency(np.moveaxis(snr_db, -1, 0))
    rate = rate.reshape(*rate.shape[:-2], 12, 5, N_AHEAD).min(axis=-2)
    return rate.mean(axis=tuple(range(rate.ndim - 1)))


def test_the_mean_flatters_the_worst_of_five_and_samples_do_not():
    rates = []
    for seed in (40, 41, 42):
        net, window, truth_db = walk(seed)
        emulated = pretrained_emulator(net.topology).emulate(window, N_AHEAD, n_samples=8, rng=stream(seed, "samples"))
        rates.append([worst_of_five(net.link, each) for each in (truth_db, emulated.snr_db, emulated.snr_sample_db)])
    truth, mean, sampled = np.mean(rates, axis=0)
    for ahead in (4, 14):
        assert mean[ahead] > 1.2 * truth[ahead]
        assert abs(sampled[ahead] - truth[ahead]) < 0.5 * (mean[ahead] - truth[ahead])


def test_samples_have_a_seed_pair_and_need_a_generator(walked):
    net, window, _ = walked
    emulator = HoldLast(topology=net.topology)
    first, again, other = (
        emulator.emulate(window, 3, n_samples=2, rng=stream(seed, "samples")).snr_sample_db for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    with pytest.raises(ValueError, match=r"rng must be a generator where samples are asked for, got None"):
        emulator.emulate(window, 3, n_samples=2)
    with pytest.raises(ValueError, match=r"n_samples must be at least 0, got -1"):
        emulator.emulate(window, 3, n_samples=-1)
    with pytest.raises(ValueError, match=r"samples must be there, got 0; emulate with n_samples=1 or more"):
        emulator.emulate(window, 3).futures()


def test_an_emulator_that_is_sure_of_itself_has_one_path(walked):
    net, window, _ = walked
    sure = MeanPath(emulator=HoldLast(topology=net.topology)).emulate(window, 3, n_samples=2, rng=stream(0, "samples"))
    for copy in range(2):
        np.testing.assert_array_equal(sure.snr_sample_db[:, copy], sure.snr_db)
    np.testing.assert_array_equal(sure.futures().snr_db, np.concatenate([sure.snr_db] * 2))


def test_without_spread_and_motion_paths_stand_still(walked):
    net, window, _ = walked
    still = np.repeat(window.position_m[:, :, -1:], 4, axis=2)
    path_m = sample_positions_m(still, np.zeros_like(still), 2, net.topology.campus, rng=stream(0, "still"))
    np.testing.assert_allclose(path_m, np.broadcast_to(still, path_m.shape), atol=1e-9)
    emulator = HoldLast(topology=net.topology)
    path_db = sample_snr_db(window, path_m, net.topology, emulator.channel, emulator.snr, rng=stream(0, "still"))
    # Fading alone is new: its share of the variance, twice (once at the start).
    assert abs(path_db - window.snr_db[:, :, -1:]).mean() < 2 * 8.9 * 0.014**0.5


@pytest.mark.parametrize("memory", [0.0, 0.5, 1.0])
def test_errors_last_as_long_as_the_memory_says(walked, memory):
    net, _, _ = walked
    middle = np.ones((1, 4000, 3, 2)) * net.topology.campus.box_m.mean(axis=0)
    config = PathConfig(memory=memory)
    path_m = sample_positions_m(middle, np.ones_like(middle), 1, net.topology.campus, config, rng=stream(4, "memory"))
    error = (path_m - middle)[0, 0]
    assert abs(np.mean(error[:, 1] * error[:, 0]) - memory) < 0.05
    assert abs(np.mean(error[:, 2] * error[:, 0]) - memory**2) < 0.05
