"""The channel against TR 38.901 worked out by hand, against Sionna's random fields, and along a walk."""

import numpy as np
import pytest
import torch
from scipy import stats

from gdt_tutorial.physical.channel import Channel, ChannelConfig, distance_m, expected_snr_db, umi_law
from gdt_tutorial.physical.fields import ExponentialField, SmoothField
from gdt_tutorial.physical.mobility import LevyFlight, LevyFlightConfig
from gdt_tutorial.physical.sionna_tables import _sionna, _umi_scenario
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import keep_torch_rng
from tests.lines_run import lines_run

TOPOLOGY = Topology.waterloo()
CONFIG = ChannelConfig()
NO_FADING = ChannelConfig(n_blocks=None)
# Ten distances on both sides of the two kinks: 18 m (line of sight) and 210 m (break point at 3.5 GHz).
DISTANCES_M = np.array([10.0, 14.0, 18.0, 25.0, 60.0, 150.0, 209.0, 212.0, 500.0, 1500.0])


def rng(seed=0):
    return np.random.default_rng(seed)


def path_loss_by_hand_db(distance_2d_m, is_los, carrier_ghz=3.5, ap_m=10.0, user_m=1.5):
    """TR 38.901 Table 7.4.1-1, UMi street canyon."""
    distance_3d_m = np.hypot(distance_2d_m, ap_m - user_m)
    break_point_m = 4 * (ap_m - 1) * (user_m - 1) * carrier_ghz * 1e9 / 299_792_458
    near = 32.4 + 21 * np.log10(distance_3d_m) + 20 * np.log10(carrier_ghz)
    far = 32.4 + 40 * np.log10(distance_3d_m) + 20 * np.log10(carrier_ghz)
    far -= 9.5 * np.log10(break_point_m**2 + (ap_m - user_m) ** 2)
    los = np.where(distance_2d_m <= break_point_m, near, far)
    nlos = 35.3 * np.log10(distance_3d_m) + 22.4 + 21.3 * np.log10(carrier_ghz) - 0.3 * (user_m - 1.5)
    return los if is_los else np.maximum(los, nlos)


def los_probability_by_hand(distance_2d_m):
    """TR 38.901 Table 7.4.2-1, UMi street canyon."""
    far = 18 / distance_2d_m + np.exp(-distance_2d_m / 36) * (1 - 18 / distance_2d_m)
    return np.where(distance_2d_m <= 18, 1.0, far)


def walked_channel(config, n_slots, *, n_batch=16, n_users=60, seed=0):
    """Walk users and stack what each slot shows: a dict of arrays "slot batch user ap"."""
    walk = LevyFlight(LevyFlightConfig(), TOPOLOGY.campus, n_batch, n_users, rng=rng(seed))
    channel = Channel(config, TOPOLOGY, n_batch, n_users, rng=rng(seed + 100))
    names = ("snr_db", "mean_snr_db", "path_loss_db", "shadowing_db", "is_los")
    slots = {name: [] for name in names}
    for _ in range(n_slots):
        channel.advance(walk.position_m)
        for name in names:
            slots[name].append(getattr(channel, name).copy())
        walk.advance(2.0)
    return {name: np.array(values) for name, values in slots.items()}


# --- laws -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_los", [True, False])
@pytest.mark.parametrize(
    ("carrier_hz", "ap_m", "user_m"),
    [(3.5e9, 10.0, 1.5), pytest.param(28e9, 12.0, 1.7, marks=pytest.mark.slow)],  # the second asks Sionna
)
def test_path_loss_agrees_with_the_formulas_to_a_hundredth_of_a_decibel(carrier_hz, ap_m, user_m, is_los):
    by_hand = path_loss_by_hand_db(DISTANCES_M, is_los, carrier_hz / 1e9, ap_m, user_m)
    ours = umi_law(carrier_hz, ap_m, user_m).path_loss_db(DISTANCES_M, is_los)
    np.testing.assert_allclose(ours, by_hand, rtol=0, atol=0.01)


def test_every_row_of_the_shipped_law_is_the_formula():
    law = umi_law(3.5e9, 10.0, 1.5)
    at_m = np.exp(law.log_distance)
    for column, by_hand in enumerate(
        [path_loss_by_hand_db(at_m, True), path_loss_by_hand_db(at_m, False), los_probability_by_hand(at_m)]
    ):
        np.testing.assert_allclose(law.table[:, column], by_hand, rtol=0, atol=2e-5)


def test_a_value_worked_out_on_paper():
    # LOS at d2D = 100 m, 3.5 GHz: d3D = 100.3606 m; 32.4 + 21 * 2.001563 + 20 * 0.544068 = 85.3142 dB.
    # NLOS: 35.3 * 2.001563 + 22.4 + 21.3 * 0.544068 = 104.6438 dB. P(LOS) = 0.18 + 0.062177 * 0.82 = 0.230985.
    law, at = umi_law(3.5e9, 10.0, 1.5), np.array([100.0])
    np.testing.assert_allclose(law.path_loss_db(at, True), 85.3142, atol=0.002)
    np.testing.assert_allclose(law.path_loss_db(at, False), 104.6438, atol=0.002)
    np.testing.assert_allclose(law.los_probability(at), 0.230985, atol=1e-5)


def test_los_probability_agrees_with_the_formula():
    ours = umi_law(3.5e9, 10.0, 1.5).los_probability(DISTANCES_M)
    np.testing.assert_allclose(ours, los_probability_by_hand(DISTANCES_M), rtol=0, atol=1e-4)


def test_below_ten_meters_the_law_stands_still():
    law, near = umi_law(3.5e9, 10.0, 1.5), np.array([0.0, 3.0, 10.0])
    for is_los in (True, False):
        loss_db = law.path_loss_db(near, is_los)
        np.testing.assert_array_equal(loss_db, loss_db[-1])
    np.testing.assert_array_equal(law.los_probability(near), 1.0)


def test_each_user_takes_the_loss_of_their_state():
    law, at = umi_law(3.5e9, 10.0, 1.5), np.array([100.0, 100.0])
    expected = [law.path_loss_db(at, True)[0], law.path_loss_db(at, False)[0]]
    np.testing.assert_array_equal(law.path_loss_db(at, np.array([True, False])), expected)


# --- random fields ----------------------------------------------------------------------------------------------------


def sampled_correlation(field, step_m, n_steps, n_users):
    """Correlation of the field with its start after each step of a straight path."""
    start, found = field.value.copy(), []
    for _ in range(n_steps):
        field.move(np.full((1, n_users), step_m))
        found.append(np.corrcoef(start.ravel(), field.value.ravel())[0, 1])
    return np.array(found)


def within_interval(found, expected, n_samples):
    """Tell whether correlations lie in Fisher's interval, four standard deviations wide to either side."""
    return np.all(np.abs(np.arctanh(found) - np.arctanh(expected)) < 4 / np.sqrt(n_samples - 3))


@pytest.mark.parametrize("correlation_m", [10.0, 13.0])
def test_shadowing_decorrelates_as_exp_of_minus_distance(correlation_m):
    field = ExponentialField(1, 20_000, 1, correlation_m, rng=rng())
    lag_m = 2.0 * np.arange(1, 21)
    found = sampled_correlation(field, 2.0, 20, 20_000)
    assert within_interval(found, np.exp(-lag_m / correlation_m), 20_000)


def test_the_los_field_is_matern_and_at_one_over_e_where_the_report_says():
    field = SmoothField(1, 20_000, 1, 50.0, rng=rng())
    x = 2.1461932206205825 * 2.5 * np.arange(1, 31) / 50.0
    found = sampled_correlation(field, 2.5, 30, 20_000)
    assert within_interval(found, (1 + x) * np.exp(-x), 20_000)
    assert abs(found[19] - np.exp(-1)) < 0.03


@pytest.mark.parametrize("kind", [ExponentialField, SmoothField])
def test_fields_stay_standard_normal_and_stand_still_with_their_user(kind):
    field = kind(1, 20_000, 1, 20.0, rng=rng())
    for step_m in (0.1, 3.0, 500.0):
        field.move(np.full((1, 20_000), step_m))
        assert abs(field.value.mean()) < 4 / np.sqrt(20_000)
        assert abs(field.value.std() - 1) < 4 / np.sqrt(40_000)
    before = field.value.copy()
    field.move(np.zeros((1, 20_000)))
    np.testing.assert_allclose(field.value, before, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("is_los", "spread_db", "correlation_m"), [(True, 4.0, 10.0), (False, 7.82, 13.0)])
def test_shadowing_agrees_with_spatially_consistent_shadowing_of_sionna(is_los, spread_db, correlation_m):
    """A track of 100 points, 1 m apart: Sionna draws all of them at once, we walk along them."""
    n_draws, lags = 600, np.array([1, 5, 10, 20])
    with keep_torch_rng():
        sionna = _sionna()
        from sionna.phy.channel.tr38901.lsp import LSPGenerator

        sionna.phy.config.seed = 1
        scenario = _umi_scenario(3.5e9)
        scenario.set_spatial_consistency_enabled(True)
        track_m, zeros = torch.zeros(1, 100, 3, dtype=torch.float64), torch.zeros(1, 100, 3, dtype=torch.float64)
        track_m[0, :, 0], track_m[0, :, 2] = torch.arange(40.0, 140.0), 1.5
        mast_m = torch.tensor([[[0.0, 0.0, 10.0]]], dtype=torch.float64)
        is_indoor, one = torch.zeros(1, 100, dtype=torch.bool), torch.zeros(1, 1, 3, dtype=torch.float64)
        scenario.set_topology(track_m, mast_m, zeros, one, zeros, is_indoor, los=is_los)
        draw = LSPGenerator(scenario)
        draw.topology_updated_callback()
        theirs_db = np.array([10 * np.log10(draw().sf[0, 0].numpy()) for _ in range(n_draws)])
    config = ChannelConfig()
    field = ExponentialField(
        1, n_draws, 1, config.shadowing_correlation_los_m if is_los else config.shadowing_correlation_nlos_m, rng=rng(1)
    )
    ours = [field.value[0, :, 0]]
    for _ in range(99):
        field.move(np.ones((1, n_draws)))
        ours.append(field.value[0, :, 0])
    ours_db = np.array(ours).T * (config.shadowing_los_db if is_los else config.shadowing_nlos_db)
    for shadowing_db in (theirs_db, ours_db):
        assert abs(shadowing_db.std() / spread_db - 1) < 0.05
        found = [np.corrcoef(shadowing_db[:, 30], shadowing_db[:, 30 + lag])[0, 1] for lag in lags]
        assert within_interval(np.array(found), np.exp(-lags / correlation_m), n_draws)


# --- the channel of walking users -------------------------------------------------------------------------------------


def test_line_of_sight_and_shadowing_have_the_spread_of_the_report():
    """Users in a ring around an access point: the share of LOS is the law's, and shadowing has 4 dB and 7.82 dB."""
    angle = np.linspace(0, 2 * np.pi, 40_000)
    for radius_m in (12.0, 30.0, 120.0):
        ring_m = TOPOLOGY.ap_position_m[0] + radius_m * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        channel = Channel(CONFIG, TOPOLOGY, 1, len(ring_m), rng=rng(3))
        channel.advance(ring_m[None])
        share = channel.is_los[0, :, 0].mean()
        probability = los_probability_by_hand(np.array(radius_m))
        assert abs(share - probability) <= 4 * np.sqrt(probability * (1 - probability) / len(angle)) + 1e-6
        if radius_m == 12.0:
            assert abs(channel.shadowing_db[0, :, 0].std() - 4.0) < 0.1
            by_hand = path_loss_by_hand_db(np.array(radius_m), True)
            np.testing.assert_allclose(channel.path_loss_db[0, :, 0], by_hand, atol=0.1)
    far_m = np.broadcast_to(np.array([359.0, 299.0]), (1, 20_000, 2))
    channel = Channel(CONFIG, TOPOLOGY, 1, 20_000, rng=rng(4))
    channel.advance(far_m)
    # In NLOS the soft state lets a trace of the direct path through, which fills the deepest shadows.
    is_shadowed = ~channel.is_los[0, :, 0]
    assert 6.5 < channel.shadowing_db[0, is_shadowed, 0].std() < 7.9


def test_the_budget_closes():
    walked = walked_channel(CONFIG, 3)
    noise_dbm = -174 + 10 * np.log10(5e6) + 7
    budget_db = 27 - walked["path_loss_db"] + walked["shadowing_db"] - noise_dbm
    np.testing.assert_allclose(walked["mean_snr_db"], budget_db, atol=1e-3)


def test_a_channel_is_continuous_from_slot_to_slot():
    walked = walked_channel(NO_FADING, 60)
    snr_db, path_loss_db, is_los = walked["snr_db"], walked["path_loss_db"], walked["is_los"]
    assert np.corrcoef(snr_db[1:].ravel(), snr_db[:-1].ravel())[0, 1] > 0.95
    # Corners: the soft state takes several slots where a hard one would jump by the whole difference at once.
    loss_step_db = np.abs(np.diff(path_loss_db, axis=0))
    assert loss_step_db.max() < 20.0
    assert np.quantile(loss_step_db, 0.999) < 14.0
    assert np.quantile(np.abs(np.diff(snr_db, axis=0)), 0.999) < 20.0
    assert (is_los[1:] != is_los[:-1]).mean() < 0.02
    # Independent draws for each slot would flip 2 p (1 - p) of the states.
    independent = 2 * is_los.mean() * (1 - is_los.mean())
    assert (is_los[1:] != is_los[:-1]).mean() < independent / 5


def test_a_user_who_stands_still_keeps_their_channel_but_for_fading():
    channel = Channel(CONFIG, TOPOLOGY, 1, 100, rng=rng())
    position_m = rng(1).uniform(-200, 200, size=(1, 100, 2))
    channel.advance(position_m)
    before_db, faded_db = channel.mean_snr_db, channel.snr_db
    channel.advance(position_m)
    np.testing.assert_allclose(channel.mean_snr_db, before_db, atol=1e-3)
    assert (channel.snr_db != faded_db).all()


def test_fading_is_gamma_of_mean_one_and_can_be_left_out():
    """With one block: Rayleigh power without line of sight, and the Nakagami m of a Rician K of 9 dB with it."""
    place_m = np.broadcast_to(TOPOLOGY.ap_position_m[0] + np.array([5.0, 0.0]), (1, 20_000, 2))
    channel = Channel(ChannelConfig(n_blocks=1), TOPOLOGY, 1, 20_000, rng=rng())
    channel.advance(place_m)
    power = 10 ** ((channel.snr_db - channel.mean_snr_db) / 10)
    assert channel.is_los[..., 0].all()
    assert stats.kstest(power[0, :, 0], stats.gamma(4.7326, scale=1 / 4.7326).cdf).pvalue > 0.01
    far = power[0, ~channel.is_los[0, :, 1], 1]
    assert stats.kstest(far, stats.expon().cdf).pvalue > 0.01
    smooth = Channel(NO_FADING, TOPOLOGY, 1, 20_000, rng=rng())
    smooth.advance(place_m)
    np.testing.assert_array_equal(smooth.snr_db, smooth.mean_snr_db)
    # The same seed gives the same channel with and without fading.
    np.testing.assert_array_equal(smooth.mean_snr_db, channel.mean_snr_db)


def test_more_blocks_average_fading_out():
    spread = []
    for n_blocks in (1, 16, 400):
        walked = walked_channel(ChannelConfig(n_blocks=n_blocks), 2)
        spread.append((walked["snr_db"] - walked["mean_snr_db"]).std())
    assert spread[0] > 2 * spread[1] > 4 * spread[2]


def test_expected_snr_is_the_weighted_law_and_near_the_mean_of_the_channel():
    position_m = rng(2).uniform(-250, 250, size=(3, 7, 2))
    far_m = distance_m(position_m, TOPOLOGY)
    probability = los_probability_by_hand(far_m)
    loss_db = probability * path_loss_by_hand_db(far_m, True) + (1 - probability) * path_loss_by_hand_db(far_m, False)
    by_hand_db = 27 - loss_db + 174 - 10 * np.log10(5e6) - 7
    np.testing.assert_allclose(expected_snr_db(position_m, TOPOLOGY, CONFIG), by_hand_db, atol=0.02)
    channel = Channel(CONFIG, TOPOLOGY, 1, 1, rng=rng())
    np.testing.assert_array_equal(channel.expected_snr_db(position_m), expected_snr_db(position_m, TOPOLOGY, CONFIG))
    assert expected_snr_db(np.array([1.0, 2.0]), TOPOLOGY, CONFIG).shape == (2,)
    walk = LevyFlight(LevyFlightConfig(), TOPOLOGY.campus, 64, 60, rng=rng(5))
    channel = Channel(CONFIG, TOPOLOGY, 64, 60, rng=rng(6))
    channel.advance(walk.position_m)
    assert 0 < (channel.mean_snr_db - channel.expected_snr_db(walk.position_m)).mean() < 2.0


def test_same_seed_same_channel_other_seed_other_channel():
    first, again, other = (walked_channel(CONFIG, 4, n_batch=2, n_users=5, seed=seed) for seed in (0, 0, 1))
    for name, values in first.items():
        np.testing.assert_array_equal(values, again[name])
    assert np.abs(first["snr_db"] - other["snr_db"]).max() > 1.0


def test_a_slot_of_15360_users_runs_hardly_more_lines_than_one_of_60():
    def lines_of_a_slot(n_batch):
        walk = LevyFlight(LevyFlightConfig(), TOPOLOGY.campus, n_batch, 60, rng=rng())
        channel = Channel(CONFIG, TOPOLOGY, n_batch, 60, rng=rng(1))
        channel.advance(walk.position_m)

        def slot():
            walk.advance(2.0)
            channel.advance(walk.position_m)

        return max(lines_run(slot) for _ in range(7))

    # A slot may begin one leg or pause more where more people walk; a loop over batches would run 256 times the lines.
    assert lines_of_a_slot(256) < 2 * lines_of_a_slot(1)


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("carrier_hz", -1.0, r"lie in \[5e8, 1e11\]"),
        ("shadowing_los_db", 0.0, "be above 0 and finite"),
        ("los_correlation_m", float("nan"), "be above 0 and finite"),
        ("noise_figure_db", float("inf"), "be finite"),
        ("user_height_m", 1.0, r"lie in \(1, 22.5\]"),
        ("min_distance_m", 1.0, r"lie in \[10, 5000\)"),
        ("n_blocks", 0, "be above 0"),
    ],
)
def test_a_bad_config_is_refused(name, value, rule):
    with pytest.raises(ValueError, match=f"{name} must {rule}, got {value}; "):
        ChannelConfig(**{name: value})


@pytest.mark.parametrize("distance", [5001.0, np.nan])
def test_distances_beyond_the_law_are_refused(distance):
    law = umi_law(3.5e9, 10.0, 1.5)
    with pytest.raises(ValueError, match=f"distance_m must be a number up to 5000 m, got {distance}; "):
        law.path_loss_db(np.array([20.0, distance]), True)
    with pytest.raises(ValueError, match="distance_m must be a number up to 5000 m"):
        law.los_probability(np.array([distance]))


def test_bad_counts_and_positions_are_refused():
    for counts, name in (((0, 1), "n_batch"), ((1, 0), "n_users")):
        with pytest.raises(ValueError, match=f"{name} must be above 0, got 0"):
            Channel(CONFIG, TOPOLOGY, *counts, rng=rng())
    channel = Channel(CONFIG, TOPOLOGY, 1, 2, rng=rng())
    with pytest.raises(ValueError, match=r"position_m must have shape \(1, 2, 2\), got \(1, 3, 2\)"):
        channel.advance(np.zeros((1, 3, 2)))
    for x_m in (400.0, np.nan):
        with pytest.raises(
            ValueError, match=r"position_m must be finite and lie in the campus box .*got \[(400.0|nan)"
        ):
            channel.advance(np.array([[[0.0, 0.0], [x_m, 0.0]]]))
    with pytest.raises(ValueError, match="distance_m must be a number"):
        expected_snr_db(np.array([np.nan, 0.0]), TOPOLOGY, CONFIG)
