"""One suite for every emulator, then what is particular to each."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from gdt_tutorial.physical.channel import ChannelConfig, expected_snr_db
from gdt_tutorial.physical.mobility import LevyFlightConfig
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus
from gdt_tutorial.twin.emulation.extrapolation import ConstantVelocity, ErrorGrowth, HoldLast
from gdt_tutorial.twin.emulation.lstm import LstmEmulator, read_walks
from gdt_tutorial.twin.emulation.lstm_training import SMOKE, LstmConfig, train_lstm
from gdt_tutorial.twin.emulation.paths import reflect
from gdt_tutorial.twin.emulation.snr import SnrEmulationConfig, emulate_snr
from gdt_tutorial.twin.emulation.walks import Walks, collection_pattern, measure_growth
from gdt_tutorial.twin.status import StatusWindow

TOPOLOGY = Topology.waterloo()
SLOT_S = 2.0


@pytest.fixture(scope="module")
def walks():
    rng = stream(0, "walks")
    return Walks.sample(LevyFlightConfig(), TOPOLOGY.campus, SMOKE.n_walks, SMOKE.n_slots, SLOT_S, rng=rng)


@pytest.fixture(scope="module")
def trained(walks):
    return train_lstm(walks, TOPOLOGY, SMOKE, generator=torch_stream(0, "lstm"))


@pytest.fixture
def emulators(trained):
    return {
        "hold last": HoldLast(topology=TOPOLOGY),
        "constant velocity": ConstantVelocity(topology=TOPOLOGY),
        "lstm": trained.emulator,
    }


def make_window(walks, max_period_slots=6, n_slots=20):
    """Return walks as one environment, with the law's SNR and a residual of 3 dB."""
    position_m, velocity_mps = walks.position_m[None, :40, :n_slots], walks.velocity_mps[None, :40, :n_slots]
    is_collected = collection_pattern(40, n_slots, max_period_slots, rng=stream(0, "pattern"))[None]
    return StatusWindow(
        slot=n_slots - 1,
        position_m=position_m.copy(),
        velocity_mps=velocity_mps.copy(),
        is_behavior_collected=is_collected,
        snr_db=expected_snr_db(position_m, TOPOLOGY, ChannelConfig()).astype(float) + 3.0,
        is_networking_collected=is_collected.copy(),
    )


# The contract of `StatusEmulator`.


@pytest.mark.parametrize("name", ["hold last", "constant velocity", "lstm"])
def test_emulates_finite_values_inside_the_campus(emulators, walks, name):
    emulated = emulators[name].emulate(make_window(walks), 5)
    assert emulated.position_m.shape == emulated.position_std_m.shape == (1, 40, 5, 2)
    assert emulated.snr_db.shape == emulated.snr_std_db.shape == (1, 40, 5, TOPOLOGY.n_aps)
    for values in vars(emulated).values():
        assert np.isfinite(values).all()
    assert TOPOLOGY.campus.contains(emulated.position_m).all()
    assert (emulated.position_std_m > 0).all()
    assert (emulated.snr_std_db > 0).all()


@pytest.mark.parametrize("name", ["hold last", "constant velocity", "lstm"])
def test_a_longer_horizon_continues_a_shorter_one(emulators, walks, name):
    window = make_window(walks)
    short, long = emulators[name].emulate(window, 2), emulators[name].emulate(window, 6)
    np.testing.assert_allclose(short.position_m, long.position_m[:, :, :2], atol=1e-3)
    np.testing.assert_allclose(short.snr_std_db, long.snr_std_db[:, :, :2], atol=1e-3)


@pytest.mark.parametrize("name", ["hold last", "constant velocity", "lstm"])
def test_uncertainty_grows_with_the_horizon(emulators, walks, name):
    std_m = emulators[name].emulate(make_window(walks), 8).position_std_m.mean(axis=(0, 1, 3))
    assert (np.diff(std_m) > 0).all()


@pytest.mark.parametrize("name", ["hold last", "constant velocity", "lstm"])
def test_what_was_not_collected_is_not_read(emulators, walks, name):
    window = make_window(walks)
    is_hidden = ~window.is_behavior_collected
    position_m, velocity_mps, snr_db = window.position_m.copy(), window.velocity_mps.copy(), window.snr_db.copy()
    position_m[is_hidden], velocity_mps[is_hidden], snr_db[is_hidden] = 0.0, 9.0, -40.0
    other = replace(window, position_m=position_m, velocity_mps=velocity_mps, snr_db=snr_db)
    seen, blind = emulators[name].emulate(window, 3), emulators[name].emulate(other, 3)
    for field, values in vars(seen).items():
        np.testing.assert_array_equal(values, getattr(blind, field))


@pytest.mark.parametrize("name", ["hold last", "constant velocity", "lstm"])
def test_bad_requests_are_refused(emulators, walks, name):
    window = make_window(walks)
    with pytest.raises(ValueError, match="n_slots must be above 0, got 0"):
        emulators[name].emulate(window, 0)
    with pytest.raises(ValueError, match="window must hold a collected slot of every user"):
        emulators[name].emulate(replace(window, is_behavior_collected=np.zeros((1, 40, 20), dtype=bool)), 1)


# The baselines.


def test_constant_velocity_is_exact_on_a_straight_leg_and_on_a_wall():
    # 30 m from the east wall at 360 m, walking east at 2 m/s: bounced after 15 s.
    slot = np.arange(4)
    position_m = np.stack([330.0 + 2.0 * SLOT_S * (slot - 3), np.zeros(4)], axis=-1)[None, None]
    velocity_mps = np.broadcast_to([2.0, 0.0], position_m.shape).copy()
    everything = np.ones((1, 1, 4), dtype=bool)
    window = StatusWindow(
        slot=3, position_m=position_m, velocity_mps=velocity_mps, is_behavior_collected=everything,
        snr_db=np.zeros((1, 1, 4, 2)), is_networking_collected=everything,
    )  # fmt: skip
    emulated = ConstantVelocity(topology=TOPOLOGY).emulate(window, 9)
    np.testing.assert_allclose(emulated.position_m[0, 0, :, 0], [334, 338, 342, 346, 350, 354, 358, 358, 354])


def test_default_growths_are_those_of_the_default_walks(walks):
    campus = TOPOLOGY.campus
    hold = measure_growth(walks, lambda position_m, velocity_mps, elapsed_s: position_m)
    straight = measure_growth(walks, lambda position_m, velocity_mps, s: reflect(position_m + s * velocity_mps, campus))
    for measured, emulator in ((hold, HoldLast), (straight, ConstantVelocity)):
        for name, value in vars(emulator(topology=TOPOLOGY).growth).items():
            assert getattr(measured, name) == pytest.approx(value, rel=0.1)


def test_growth_scales_must_be_positive():
    with pytest.raises(ValueError, match="walking_m must be above 0 and finite, got 0.0"):
        ErrorGrowth(paused_m=1.0, paused_exponent=1.0, walking_m=0.0, walking_exponent=1.0)


# The SNR.


def test_a_measurement_is_worth_most_where_it_was_taken(walks):
    window, config = make_window(walks), SnrEmulationConfig(offset_db=0.0, fading_share=0.0)
    last = 19 - window.is_networking_collected[..., ::-1].argmax(axis=-1)
    place_m = np.take_along_axis(window.position_m, last[..., None, None], axis=2)
    moved_m = np.zeros_like(place_m)
    moved_m[..., 0] = config.correlation_m
    law_db = expected_snr_db(place_m, TOPOLOGY, ChannelConfig())
    there_db, there_std_db = emulate_snr(window, place_m, 0 * place_m, TOPOLOGY, ChannelConfig(), config)
    np.testing.assert_allclose(there_db, law_db + 3.0, atol=1e-3)
    np.testing.assert_allclose(there_std_db, 0.0, atol=1e-6)
    # One correlation distance on, 1/e of the residual is left.
    away_db, away_std_db = emulate_snr(window, place_m + moved_m, 0 * place_m, TOPOLOGY, ChannelConfig(), config)
    law_db = expected_snr_db(place_m + moved_m, TOPOLOGY, ChannelConfig())
    np.testing.assert_allclose(away_db, law_db + 3.0 / math.e, atol=1e-3)
    np.testing.assert_allclose(away_std_db, config.residual_std_db * math.sqrt(1 - math.exp(-2)), rtol=1e-6)
    # Not knowing where the user is counts like having moved.
    _, unsure_std_db = emulate_snr(window, place_m, 0 * place_m + 5.0, TOPOLOGY, ChannelConfig(), config)
    assert (unsure_std_db > 1.0).all()


def test_bad_snr_configs_are_refused():
    with pytest.raises(ValueError, match="correlation_m must be above 0 and finite, got 0.0"):
        SnrEmulationConfig(correlation_m=0.0)
    with pytest.raises(ValueError, match="offset_db must be finite"):
        SnrEmulationConfig(offset_db=math.nan)
    with pytest.raises(ValueError, match=r"fading_share must lie in \[0, 1\), got 1"):
        SnrEmulationConfig(fading_share=1.0)


# The LSTM.


def test_lstm_beats_both_baselines_on_walks_that_it_has_not_seen(trained):
    errors = trained.errors
    assert (errors.lstm_m[:4] < errors.hold_last_m[:4]).all()
    assert (errors.lstm_m[1:] < errors.constant_velocity_m[1:]).all()


def test_lstm_knows_how_wrong_it_is(trained, walks):
    # 68 % for a Gaussian; errors of a walk that either goes on or stops have heavier tails, so more lie within.
    assert 0.68 < trained.errors.coverage < 0.92
    test = walks.part(slice(800, None))
    position_m, velocity_mps = test.position_m[:, :-1], test.velocity_mps[:, :-1]
    is_collected = collection_pattern(*position_m.shape[:2], 20, rng=stream(1, "pattern"))
    reading = read_walks(position_m, velocity_mps, is_collected, SLOT_S)
    predicted_m, std_m = trained.emulator.predict(reading)
    square = (((predicted_m - test.position_m[:, 1:]) ** 2).mean(axis=-1) / std_m**2)[reading.is_known]
    assert square.mean() == pytest.approx(1.0, abs=0.3)


def test_same_seed_same_network_other_seed_other_network(walks):
    config = LstmConfig(n_hidden=4, fit=replace(SMOKE.fit, n_epochs=1))
    few = walks.part(slice(0, 100))
    one, same, other = (
        train_lstm(few, TOPOLOGY, config, generator=torch_stream(seed, "lstm")).emulator.network.readout.weight
        for seed in (0, 0, 1)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_saved_emulator_is_the_same(trained, walks, tmp_path):
    trained.emulator.save(tmp_path / "lstm.safetensors")
    loaded = LstmEmulator.load(tmp_path / "lstm.safetensors", TOPOLOGY)
    window = make_window(walks)
    before, after = trained.emulator.emulate(window, 2), loaded.emulate(window, 2)
    assert isinstance(after, EmulatedStatus)
    np.testing.assert_array_equal(before.position_m, after.position_m)
    assert loaded.slot_s == SLOT_S


def test_a_plain_recurrent_network_is_the_same_with_another_layer(walks, tmp_path):
    config = LstmConfig(n_hidden=4, cell=torch.nn.RNN, fit=replace(SMOKE.fit, n_epochs=1))
    few = walks.part(slice(0, 100))
    plain = train_lstm(few, TOPOLOGY, config, generator=torch_stream(0, "rnn")).emulator
    network, reading = plain.network, read_walks(few.position_m, few.velocity_mps, np.ones((100, 41), bool), SLOT_S)
    features = torch.from_numpy(reading.features[:3])
    hidden, weights = torch.zeros(3, 4), dict(network.lstm.named_parameters())
    for slot in range(features.shape[1]):  # h = tanh(W x + b + U h + c), slot by slot
        inner = features[:, slot] @ weights["weight_ih_l0"].T + weights["bias_ih_l0"] + weights["bias_hh_l0"]
        hidden = torch.tanh(inner + hidden @ weights["weight_hh_l0"].T)
    share, _ = network(features, torch.from_numpy(reading.elapsed_s[:3]).float())
    torch.testing.assert_close(share[:, -1], torch.sigmoid(network.readout(hidden)[:, 0]))
    plain.save(tmp_path / "rnn.safetensors")
    loaded = LstmEmulator.load(tmp_path / "rnn.safetensors", TOPOLOGY, cell=torch.nn.RNN)
    window = make_window(walks)
    np.testing.assert_array_equal(loaded.emulate(window, 2).position_m, plain.emulate(window, 2).position_m)
    with pytest.raises(ValueError, match="path must hold the weights of this model, got .*rnn.safetensors"):
        LstmEmulator.load(tmp_path / "rnn.safetensors", TOPOLOGY)


def test_bad_files_are_refused(tmp_path):
    from safetensors.torch import save_file

    with pytest.raises(
        ValueError, match=r"path must be a checkpoint, got '.*none'; train the model, and save it there"
    ):
        LstmEmulator.load(tmp_path / "none", TOPOLOGY)
    save_file({"weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"path must say the config of its model, got .*other.safetensors"):
        LstmEmulator.load(tmp_path / "other.safetensors", TOPOLOGY)


def test_bad_training_is_refused(walks):
    with pytest.raises(ValueError, match="train_share must lie in"):
        LstmConfig(train_share=1.0)
    with pytest.raises(ValueError, match="n_hidden must be above 0, got 0"):
        LstmConfig(n_hidden=0)
    with pytest.raises(ValueError, match="walks must leave some to train and some to test, got 1"):
        train_lstm(walks.part(slice(0, 1)), TOPOLOGY, SMOKE, generator=torch_stream(0, "lstm"))


def test_reading_sees_how_long_a_leg_has_gone_on():
    position_m = np.array([[[0.0, 0.0], [2.0, 0.0], [4.0, 0.0], [4.0, 0.0]]])
    velocity_mps = np.array([[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]])
    reading = read_walks(position_m, velocity_mps, np.ones((1, 4), dtype=bool), SLOT_S)
    steady_s = np.expm1(3 * reading.features[0, :, -1])
    np.testing.assert_allclose(steady_s, [0.0, 2.0, 4.0, 0.0], atol=1e-5)
    np.testing.assert_allclose(reading.leg_m[0, :, 0], [2.0, 2.0, 2.0, 0.0])


# Walks.


def test_pieces_of_walks_are_walks():
    walks = Walks.sample(LevyFlightConfig(), TOPOLOGY.campus, 3, 11, SLOT_S, rng=np.random.default_rng(0))
    pieces = walks.pieces(5)
    assert pieces.position_m.shape == (6, 5, 2)
    np.testing.assert_array_equal(pieces.position_m[3], walks.position_m[1, 5:10])
    np.testing.assert_array_equal(pieces.velocity_mps[2], walks.velocity_mps[1, :5])
    with pytest.raises(ValueError, match="walks must have 12 slots or more"):
        walks.pieces(12)


def test_recorded_trajectories_become_walks():
    trajectories_m = np.cumsum(np.ones((5, 3, 2)), axis=0)
    walks = Walks.from_trajectories(trajectories_m, SLOT_S)
    assert len(walks) == 3
    np.testing.assert_allclose(walks.velocity_mps, 0.5)


def test_collection_patterns_hold_the_longest_period():
    is_collected = collection_pattern(500, 60, 6, rng=stream(0, "pattern"))
    gap = [np.diff(np.flatnonzero(row)) for row in is_collected]
    assert is_collected[:, :6].any(axis=1).all()
    assert np.concatenate(gap).max() == 6
    assert np.concatenate(gap).min() == 1


def test_bad_walks_are_refused():
    position_m = np.zeros((2, 5, 2))
    with pytest.raises(ValueError, match="velocity_mps must be finite"):
        Walks(position_m=position_m, velocity_mps=position_m + np.nan, slot_s=2.0)
    with pytest.raises(ValueError, match="position_m must have 3 slots or more, got 2"):
        Walks(position_m=position_m[:, :2], velocity_mps=position_m[:, :2], slot_s=2.0)
    with pytest.raises(ValueError, match="slot_s must be above 0, got 0.0"):
        Walks(position_m=position_m, velocity_mps=position_m, slot_s=0.0)
