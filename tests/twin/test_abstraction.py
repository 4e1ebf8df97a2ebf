from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from gdt_tutorial.physical.swipes import SwipeGenerator, SwipeGeneratorConfig
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.abstraction.groups import AbstractionConfig
from gdt_tutorial.twin.abstraction.subgroups import (
    ap_of_cell,
    cell_number,
    cell_of,
    form_subgroups,
    gather_subgroups,
    group_of_cell,
    is_leading,
    sibling_of,
)
from gdt_tutorial.twin.swipe_curves import SwipeCurves
from tests.small_networks import network, random_decision, twin_of

N_BINS = 20


def learned(n_views, *, seed=0, n_types=4, n_batch=1, prior_views=20.0):
    """Return curves that have seen views of the first user class, and the views themselves."""
    rng = stream(seed, "views")
    model = SwipeGenerator(config=SwipeGeneratorConfig(), user_class=np.zeros(1, dtype=np.int64))
    kind = rng.integers(n_types, size=(n_batch, n_views))
    fraction = model.sample_fraction(np.zeros_like(kind), kind, rng=rng)
    curves = SwipeCurves(n_batch, n_types, n_bins=N_BINS, prior_views=prior_views)
    curves.update(kind, fraction)
    return curves, kind, fraction


def textbook_survival(fractions, n_bins, prior_views, prior_hazard):
    """Kaplan and Meier's product, bin by bin, in plain Python."""
    survival, curve = 1.0, [1.0]
    for k in range(n_bins):
        # A completed view stays under observation to the end and is censored there.
        at_risk = sum(1 for x in fractions if x == 1 or int(x * n_bins) >= k)
        swipes = sum(1 for x in fractions if x < 1 and int(x * n_bins) == k)
        survival *= 1 - (swipes + prior_views * prior_hazard) / (at_risk + prior_views)
        curve.append(survival)
    return curve


@pytest.mark.parametrize("prior_views", [1e-9, 20.0])
def test_curves_equal_the_textbook_estimate(prior_views):
    curves, kind, fraction = learned(400, prior_views=prior_views)
    for video_type in range(4):
        wanted = textbook_survival(fraction[kind == video_type], N_BINS, prior_views, 0.04)
        np.testing.assert_allclose(curves.table[0, video_type], wanted, rtol=1e-9)


def test_updates_add_up_and_entries_without_a_view_count_for_nothing():
    whole, kind, fraction = learned(300)
    parts = SwipeCurves(1, 4, n_bins=N_BINS)
    for piece in range(0, 300, 50):
        gap = np.full((1, 5), -1)
        parts.update(
            np.concatenate([gap, kind[:, piece : piece + 50]], axis=1),
            np.concatenate([np.full((1, 5), np.nan), fraction[:, piece : piece + 50]], axis=1),
        )
    np.testing.assert_array_equal(parts.table, whole.table)


def test_curves_approach_the_closed_form():
    n_views = 40_000
    curves, kind, _ = learned(n_views)
    model = SwipeGenerator(config=SwipeGeneratorConfig(), user_class=np.zeros(1, dtype=np.int64))
    edge = np.arange(1, N_BINS) / N_BINS
    for video_type in range(4):
        wanted = model.survival(edge, np.zeros(N_BINS - 1, dtype=np.int64), np.full(N_BINS - 1, video_type))
        # Dvoretzky, Kiefer and Wolfowitz: 1e-6 of all samples lie farther off; and the prior's 20 views of n.
        n_seen = (kind == video_type).sum()
        band = np.sqrt(np.log(2 / 1e-6) / (2 * n_seen)) + 20 / n_seen
        assert np.abs(curves.table[0, video_type, 1:N_BINS] - wanted).max() < band


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_bins": 0}, "n_bins must be above 0, got 0"),
        ({"prior_hazard": 1.5}, r"prior_hazard must lie in \[0, 1\], got 1.5"),
        ({"prior_views": -1.0}, "prior_views must be at least 0, got -1.0"),
    ],
)
def test_a_prior_that_is_none_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        SwipeCurves(1, 1, **change)


def test_without_a_view_the_prior_alone_speaks_even_when_it_weighs_nothing():
    curves = SwipeCurves(1, 1, n_bins=4, prior_hazard=0.5, prior_views=0.0)
    np.testing.assert_array_equal(curves.table[0, 0], 0.5 ** np.arange(5))


def cumulative(curves, video_type, start=0.0):
    """Return the distribution function of the watched fraction, given that `start` is watched."""
    one, kind = np.zeros(1, dtype=np.int64), np.full(1, video_type)
    now = curves.survival(one, kind, np.array([start]))[0]

    def value(fraction):
        fraction = np.atleast_1d(fraction)
        env = np.zeros(fraction.shape, dtype=np.int64)
        return 1 - curves.survival(env, np.full(fraction.shape, video_type), fraction) / now

    return value


@pytest.mark.parametrize("played", [0.0, 0.05, 0.43, 0.4999, 0.97])
def test_draws_follow_the_curve_from_any_play_position(played):
    curves, _, _ = learned(2000)
    env, kind = np.zeros(20_000, dtype=np.int64), np.full(20_000, 3)
    rng = stream(1, "draws")
    if played:
        drawn = curves.sample_rest(env, kind, np.full(20_000, played), rng=rng)
    else:
        drawn = curves.sample_fraction(env, kind, rng=rng)
    law = cumulative(curves, 3, played)
    assert drawn.min() >= played
    complete = drawn == 1
    p_complete = 1 - law(1.0)[0]
    assert stats.binomtest(int(complete.sum()), len(drawn), p_complete).pvalue > 1e-3
    swiped = stats.kstest(drawn[~complete], lambda fraction: law(fraction) / law(1.0))
    assert swiped.pvalue > 1e-3


def test_the_expected_rest_is_the_integral_of_the_curve():
    curves, _, _ = learned(2000)
    for video_type in range(4):
        law = cumulative(curves, video_type)
        for start in (0.0, 0.1, 0.33, 0.5, 0.875, 1.0):
            area, _ = quad(
                lambda fraction, law=law: 1 - law(fraction)[0], start, 1, points=np.arange(N_BINS) / N_BINS, limit=200
            )
            got = curves.expected_rest(*(np.array([each]) for each in (0, video_type, start)))[0]
            # Exact at the edges of the bins; between them the area is interpolated.
            steepest = np.abs(np.diff(curves.table[0, video_type])).max() * N_BINS
            slack = steepest / (8 * N_BINS**2) / (1 - law(start)[0])
            assert got == pytest.approx(area / (1 - law(start)[0]), abs=1e-9 if start in (0, 0.1, 0.5, 1) else slack)


def test_environments_learn_apart():
    curves = SwipeCurves(2, 1)
    curves.update(np.array([[0, 0], [-1, -1]]), np.array([[0.1, 0.2], [np.nan, np.nan]]))
    assert (curves.table[1] == SwipeCurves(1, 1).table[0]).all()
    assert curves.table[0, 0, -1] < curves.table[1, 0, -1]


def test_draws_have_a_seed_pair():
    curves, _, _ = learned(200)
    zero = np.zeros(50, dtype=np.int64)
    first, again, other = (curves.sample_fraction(zero, zero, rng=stream(seed, "x")) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.fixture(scope="module")
def scene():
    """Return a network in the middle of a session, with its telemetry."""
    net = network(n_batch=2, n_users=20, seed=3)
    rng, telemetry = stream(3, "decisions"), net.reset()
    for _ in range(12):
        telemetry = net.step(random_decision(telemetry.session, net.catalog, 2, rng=rng))
    return net, telemetry


def test_subgroups_split_groups_by_cell_and_by_progress(scene):
    net, telemetry = scene
    session = telemetry.session
    subgroup, group, ap = form_subgroups(session, net.catalog, 2)
    env = np.arange(2)[:, None]
    np.testing.assert_array_equal(group[env, subgroup], session.group)
    np.testing.assert_array_equal(ap[env, subgroup], session.serving_ap)
    video = session.playlist[env, session.group, session.head % session.playlist.shape[2]]
    progress = session.head + session.play_s / net.catalog.duration_s[video]
    for b in range(2):
        for cell in range(group.shape[1] // 2):
            lead, lag = (progress[b][subgroup[b] == 2 * cell + part] for part in (0, 1))
            if len(lead) and len(lag):
                assert lead.min() >= lag.max()


def test_the_number_of_a_subgroup_says_its_cell_and_its_half(scene):
    net, telemetry = scene
    _, group, ap = form_subgroups(telemetry.session, net.catalog, 2)
    number = np.arange(group.shape[1])
    np.testing.assert_array_equal(group_of_cell(cell_of(number), 2), group[0])
    np.testing.assert_array_equal(ap_of_cell(cell_of(number), 2), ap[0])
    np.testing.assert_array_equal(cell_number(group[0], ap[0], 2), cell_of(number))
    sibling = sibling_of(number)
    np.testing.assert_array_equal(sibling_of(sibling), number)
    np.testing.assert_array_equal(cell_of(sibling), cell_of(number))
    assert (is_leading(sibling) != is_leading(number)).all()


def test_subgroups_know_their_members_and_what_these_hold(scene):
    net, telemetry = scene
    session = telemetry.session
    own = gather_subgroups(session, net.link.spectral_efficiency(telemetry.snr_db), net.catalog)
    for b in range(2):
        for number in range(own.ap.shape[1]):
            is_member = own.subgroup[b] == number
            assert own.n_members[b, number] == is_member.sum()
            stored_s = session.stored_s[b, is_member].mean() if is_member.any() else 0.0
            np.testing.assert_allclose(own.stored_s[b, number], stored_s)


def plain_demands(net, curves, session, config, env, user):
    """Return (value, urgency) of each segment that one user lacks, in plain Python."""
    demands, wait_s, catalog = {}, 0.0, net.catalog
    at = (np.array([env]), None)
    for position in range(session.head[env, user], session.head[env, user] + net.config.n_rows):
        video = session.playlist[env, session.group[env, user], position % session.playlist.shape[2]]
        duration_s, kind = catalog.duration_s[video], catalog.video_type[video]
        played_s = session.play_s[env, user] if position == session.head[env, user] else 0.0
        ask = lambda method, fraction, kind=kind: method(at[0], np.array([kind]), np.array([fraction]))[0]  # noqa: E731
        first = int(played_s + 1e-9)
        for segment in range(first, min(first + config.n_ahead, catalog.n_segments[video])):
            if session.buffered[env, user, position % net.config.n_rows, segment]:
                continue
            stays = ask(curves.survival, segment / duration_s) / ask(curves.survival, played_s / duration_s)
            length_s = min(1.0, duration_s - segment)
            delay_s = max(wait_s + segment - played_s, 0.0)
            demand_s = min(stays, 1.0) * length_s
            demands[position, segment] = (
                demand_s / (1 + delay_s / config.horizon_s),
                demand_s * (delay_s < config.urgent_s),
            )
        wait_s += ask(curves.expected_rest, played_s / duration_s) * duration_s
    return demands


def test_items_are_the_members_wishes_summed(scene):
    net, telemetry = scene
    config = AbstractionConfig()
    abstractor, _ = twin_of(net)
    features = abstractor.abstract_session(telemetry.session, telemetry.snr_db)
    session = telemetry.session
    n_checked = 0
    for env, stream_of in np.ndindex(features.group.shape):
        members = np.nonzero(features.subgroup[env] == stream_of)[0]
        assert features.n_members[env, stream_of] == len(members)
        if not len(members):
            assert not features.value_s[env, stream_of].any()
            continue
        assert features.stored_s[env, stream_of] == pytest.approx(session.stored_s[env, members].mean())
        base, total = session.head[env, members].min(), {}
        for user in members:
            demands = plain_demands(net, abstractor.curves, session, config, env, user)
            for key, (value, urgent) in demands.items():
                if key[0] < base + net.config.n_rows + config.n_spread:
                    before = total.get(key, (0.0, 0.0))
                    total[key] = (before[0] + value, before[1] + urgent)
        best = sorted((sum(pair) for pair in total.values()), reverse=True)[: config.n_items]
        is_item = features.segments[env, stream_of, :, 0] >= 0
        assert is_item.sum() == len(best)
        got = features.value_s[env, stream_of] + features.urgent_s[env, stream_of]
        np.testing.assert_allclose(got[is_item], best, atol=1e-9)
        for item in np.nonzero(is_item)[0]:
            key = tuple(features.segments[env, stream_of, item])
            assert features.value_s[env, stream_of, item] == pytest.approx(total[key][0], abs=1e-9)
            assert features.urgent_s[env, stream_of, item] == pytest.approx(total[key][1], abs=1e-9)
            n_checked += 1
    assert n_checked > 100


def test_more_items_than_segments_is_fine(scene):
    net, telemetry = scene
    few, _ = twin_of(net)
    many, _ = twin_of(net, config=AbstractionConfig(n_items=100_000))
    session, snr_db = telemetry.session, telemetry.snr_db
    small, large = few.abstract_session(session, snr_db), many.abstract_session(session, snr_db)
    np.testing.assert_allclose(large.value_s[..., :16], small.value_s)


def test_a_session_with_nothing_to_wish_for_has_no_items(scene):
    net, telemetry = scene
    abstractor, _ = twin_of(net)
    full = replace(telemetry.session, buffered=np.ones_like(telemetry.session.buffered))
    features = abstractor.abstract_session(full, telemetry.snr_db)
    assert not features.value_s.any()
    assert (features.segments == -1).all()


@pytest.mark.parametrize(
    ("name", "value"), [("n_items", 0), ("n_ahead", 0), ("horizon_s", 0.0), ("urgent_s", np.nan), ("n_spread", -1)]
)
def test_sizes_are_positive(name, value):
    with pytest.raises(ValueError, match=rf"{name} must be above 0, got {value}; leave it out"):
        AbstractionConfig(**{name: value})
