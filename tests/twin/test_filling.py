"""Filling lost reports and smoothing noisy ones: both rules against closed forms, and what they refuse."""

import numpy as np
import pytest

from gdt_tutorial.physical.channel import ChannelConfig, expected_snr_db
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.abstraction.filling import GaussianConditional, draw_reports, fill_snr, linear_fill
from gdt_tutorial.twin.abstraction.smoothing import kalman_smoother, smooth_snr
from gdt_tutorial.twin.abstraction.status_windows import sample_windows, status_features
from gdt_tutorial.twin.emulation.snr import SnrEmulationConfig

TOPOLOGY = Topology.waterloo()


def windows(seed, n_users=300, n_slots=12):
    values = status_features(sample_windows(TOPOLOGY, 1, n_users, n_slots, rng=stream(seed, "windows")))
    return values[0]


def test_the_smoother_equals_conditioning_of_the_whole_gaussian():
    rng = stream(0, "smoother")
    n_slots, variance, noise = 7, 2.5, 0.7
    decay = rng.uniform(0, 1, size=(1, n_slots))
    seen = np.array([[False, True, False, True, True, False, False]])
    value = rng.standard_normal((1, n_slots, 2))
    # The covariance of slots s < t is the variance times every decay between them.
    covariance = np.array(
        [[variance * np.prod(decay[0, min(s, t) + 1 : max(s, t) + 1]) for t in range(n_slots)] for s in range(n_slots)]
    )
    o = np.flatnonzero(seen[0])
    gain = covariance[:, o] @ np.linalg.inv(covariance[np.ix_(o, o)] + noise * np.eye(len(o)))
    smoothed = kalman_smoother(value, seen, decay, variance, noise)
    np.testing.assert_allclose(smoothed.mean[0], gain @ value[0, o], atol=1e-12)
    np.testing.assert_allclose(smoothed.std[0] ** 2, np.diag(covariance - gain @ covariance[o]), atol=1e-12)


def test_a_lost_snr_has_the_mean_and_spread_of_the_whole_gaussian_with_fading():
    snr_db, position_m = windows(1, n_users=4)[..., 4:], windows(1, n_users=4)[..., :2]
    seen = draw_reports(4, 12, 0.4, rng=stream(0, "reports"))
    smoothed = smooth_snr(snr_db, seen, position_m, TOPOLOGY, noise_db=3.0)
    config = SnrEmulationConfig()
    for user in range(4):
        step_m = np.linalg.norm(np.diff(position_m[user], axis=0), axis=-1)
        way_m = np.concatenate([[0], np.cumsum(step_m)])
        lasting = np.exp(-np.abs(way_m[:, None] - way_m) / config.correlation_m) * (1 - config.fading_share)
        total = config.residual_std_db**2 * (lasting + config.fading_share * np.eye(12))
        law_db = expected_snr_db(position_m[user], TOPOLOGY, ChannelConfig()) + config.offset_db
        o = np.flatnonzero(seen[user])
        gain = total[:, o] @ np.linalg.inv(total[np.ix_(o, o)] + 9.0 * np.eye(len(o)))
        np.testing.assert_allclose(smoothed.mean[user], law_db + gain @ (snr_db[user, o] - law_db[o]), atol=1e-4)
        np.testing.assert_allclose(smoothed.std[user] ** 2, np.diag(total - gain @ total[o]), atol=1e-9)


def test_an_exact_report_is_kept():
    values = windows(2, n_users=5)
    everywhere = np.ones((5, 12), dtype=bool)
    smoothed = smooth_snr(values[..., 4:], everywhere, values[..., :2], TOPOLOGY)
    np.testing.assert_allclose(smoothed.mean, values[..., 4:], atol=1e-4)
    np.testing.assert_allclose(smoothed.std, 0, atol=1e-6)


def test_the_smoother_halves_the_error_of_noisy_reports():
    values, noise_db = windows(3), 4.0
    noisy_db = values[..., 4:] + noise_db * stream(0, "noise").standard_normal(values[..., 4:].shape)
    everywhere = np.ones(values.shape[:2], dtype=bool)
    smoothed = smooth_snr(noisy_db, everywhere, values[..., :2], TOPOLOGY, noise_db=noise_db)
    rmse_db = np.sqrt(((smoothed.mean - values[..., 4:]) ** 2).mean())
    assert rmse_db < 0.65 * noise_db
    # Its own spread agrees with its errors.
    assert 0.8 < rmse_db / np.sqrt((smoothed.std**2).mean()) < 1.25


def test_straight_lines_are_those_of_numpy():
    values = windows(4, n_users=20)
    seen = draw_reports(20, 12, 0.6, rng=stream(1, "reports"))
    filled = linear_fill(np.where(seen[..., None], values, np.nan), seen)
    for user in range(20):
        o = np.flatnonzero(seen[user])
        for feature in range(values.shape[-1]):
            wanted = np.interp(np.arange(12), o, values[user, o, feature])
            np.testing.assert_allclose(filled[user, :, feature], wanted, rtol=1e-12, atol=1e-9)


def test_two_variables_have_the_closed_form():
    mean, covariance = np.array([[1.0], [-2.0]]), np.array([[4.0, 1.5], [1.5, 9.0]])
    rule = GaussianConditional(mean=mean, covariance=covariance)
    filled = rule.fill(np.array([[[3.0], [np.nan]], [[np.nan], [0.5]]]), np.array([[True, False], [False, True]]))
    np.testing.assert_allclose(filled[0, :, 0], [3.0, -2 + 1.5 / 4 * (3 - 1)])
    np.testing.assert_allclose(filled[1, :, 0], [1 + 1.5 / 9 * (0.5 + 2), 0.5])


def test_reports_are_kept_and_what_was_lost_is_not_looked_at():
    rule, values = GaussianConditional.fit(windows(5)), windows(6, n_users=30)
    seen = draw_reports(30, 12, 0.5, rng=stream(2, "reports"))
    filled = rule.fill(np.where(seen[..., None], values, np.nan), seen)
    np.testing.assert_array_equal(filled[seen], values[seen])
    assert np.isfinite(filled).all()
    np.testing.assert_allclose(fill_snr(filled, seen, TOPOLOGY)[seen], values[seen])


def test_the_order_of_the_rules_at_heavy_loss():
    rule, values = GaussianConditional.fit(windows(7, 1500)), windows(8, 600)
    seen = draw_reports(600, 12, 0.7, rng=stream(3, "reports"))
    gauss = rule.fill(values, seen)
    rmse_db = [
        np.sqrt(((each - values)[~seen][:, 4:] ** 2).mean())
        for each in (linear_fill(values, seen), gauss, fill_snr(gauss, seen, TOPOLOGY))
    ]
    assert rmse_db[2] < rmse_db[1] < rmse_db[0]


def test_everybody_has_a_report_even_where_all_are_lost():
    assert (draw_reports(50, 6, 1.0, rng=stream(0, "reports")).sum(axis=1) == 1).all()
    share = draw_reports(2000, 30, 0.3, rng=stream(0, "reports")).mean()
    assert 0.68 < share < 0.72


def test_bad_input_is_refused():
    values, seen = windows(9, n_users=3), np.ones((3, 12), dtype=bool)
    rule, none = GaussianConditional.fit(windows(9)), np.zeros((3, 12), dtype=bool)
    for fill in (linear_fill, rule.fill, lambda window, mask: fill_snr(window, mask, TOPOLOGY)):
        with pytest.raises(ValueError, match=r"is_collected must hold a report of every user, got '3 without'"):
            fill(values, none)
        with pytest.raises(ValueError, match=r"is_collected must have shape \(3, 12\)"):
            fill(values, seen[:, :4])
        with pytest.raises(ValueError, match=r"window must be finite where it was collected"):
            fill(np.full_like(values, np.nan), seen)
    with pytest.raises(ValueError, match=r"window must have slots and features \(12, 6\), got \(12, 4\)"):
        rule.fill(values[..., :4], seen)
    with pytest.raises(ValueError, match="windows must hold two users or more"):
        GaussianConditional.fit(values[:1])
    with pytest.raises(ValueError, match="windows must be finite"):
        GaussianConditional.fit(np.full_like(values, np.nan))
    with pytest.raises(ValueError, match=r"lost_share must lie in \[0, 1\]"):
        draw_reports(3, 3, 1.5, rng=stream(0, "reports"))
    with pytest.raises(ValueError, match="noise_db must be at least 0"):
        smooth_snr(values[..., 4:], seen, values[..., :2], TOPOLOGY, noise_db=-1.0)
    with pytest.raises(ValueError, match="is_collected must hold a report of every user"):
        smooth_snr(values[..., 4:], none, values[..., :2], TOPOLOGY)
    series, decay = values[..., 4:], np.ones((3, 12))
    with pytest.raises(ValueError, match=r"variance must be above 0"):
        kalman_smoother(series, seen, decay, 0.0, 1.0)
    with pytest.raises(ValueError, match=r"noise_variance must be at least 0"):
        kalman_smoother(series, seen, decay, 1.0, -1.0)
