"""Makers that mute: contracts, exhaustive search on small cases, and what their rates are worth in the network."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from gdt_tutorial.loops.external import FixedPeriod
from gdt_tutorial.loops.manager import GdtNetwork
from gdt_tutorial.physical.batch import joined
from gdt_tutorial.physical.dense_event import DenseEventConfig, WeakenedMasts, dense_event
from gdt_tutorial.physical.interference import all_patterns, part_efficiency, pattern_number
from gdt_tutorial.physical.streaming import StreamState, deliver
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.abstraction.expected_worst import ComingMean, ExpectedWorst
from gdt_tutorial.twin.contracts import check_abstractor, check_maker
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.muting import (
    BestOfDraws,
    BestPattern,
    LocalSearch,
    MutingMaker,
    all_on,
    alternating,
    bitmap_efficiency,
    muting_makers,
    random_bitmaps,
    under_bitmap,
)
from gdt_tutorial.twin.decision.promise import promise
from gdt_tutorial.twin.decision.schedule import greedy_schedule, schedule_model
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from tests.small_networks import ANY, network, seen_in, twin_of, virtual_of


@pytest.fixture(scope="module")
def moment():
    """Return a dense event in the middle of a session, what a perfect twin sees of it, and its features."""
    net = dense_event(3, seed=5)
    abstractor, model = twin_of(net)
    telemetry, rng = net.reset(), stream(5, "decisions")
    maker = MutingMaker(GreedyAllocator(model), random_bitmaps(6))
    for _ in range(6):
        features = abstractor.abstract_session(telemetry.session, telemetry.snr_db)
        telemetry = net.step(maker.decide(features, rng=rng))
    return net, telemetry, abstractor.abstract(seen_in(telemetry)), model


@pytest.mark.parametrize("name", ["all on", "TDM by two", "max-weight", "local search", "random, best of 8"])
def test_every_maker_keeps_the_contract(moment, name):
    check_maker(muting_makers(moment[3])[name], moment[2], 6)


def test_the_abstractor_keeps_its_contract_with_patterns_and_has_none_on_bands_of_their_own(moment):
    net, telemetry, _, _ = moment
    abstractor, _ = twin_of(net)
    check_abstractor(abstractor, seen_in(telemetry))
    campus = network()
    assert twin_of(campus)[0].abstract(seen_in(campus.reset())).pattern_efficiency.shape == (2, 16, 0)


def test_the_rates_under_a_bitmap_are_those_of_the_network(moment):
    net, telemetry, features, model = moment
    is_on = random_bitmaps(6)(features, stream(0, "bitmap"))
    decision = MutingMaker(GreedyAllocator(model), lambda features, rng: is_on).decide(features, rng=ANY)
    session, snr_db = telemetry.session, telemetry.snr_db
    in_part = part_efficiency(snr_db, decision.is_muted, net.topology.band, net.link)
    state = StreamState.from_session(session, net.catalog.segment_s)
    efficiency = net.link.spectral_efficiency(snr_db)
    _, load = deliver(state, decision, efficiency, session.serving_ap, net.catalog, net.capacity, in_part)
    np.testing.assert_allclose(bitmap_efficiency(features, is_on), load.efficiency, rtol=1e-6)
    # And what fits as the maker believes does arrive.
    assert load.n_sent.sum() == (decision.segments[..., 0] >= 0).sum()
    np.testing.assert_array_equal(features.efficiency, features.pattern_efficiency[..., -1])


def test_numbers_of_patterns_are_their_places(moment):
    patterns = all_patterns(6)
    assert pattern_number(patterns[:, :, None])[:, 0].tolist() == list(range(64))
    several = bitmap_efficiency(moment[2], np.tile(patterns[:, None, :, None], (1, 3, 1, 2)))
    np.testing.assert_allclose(several, np.moveaxis(moment[2].pattern_efficiency, 2, 0), rtol=1e-6)


def test_max_weight_is_the_best_of_all_patterns_tried_one_by_one(moment):
    _, _, features, model = moment
    found = np.array(
        [promise(under_bitmap(features, np.tile(pattern[:, None], (3, 1, 1))), model) for pattern in all_patterns(6)]
    )
    chosen = BestPattern(model)(features, ANY)
    np.testing.assert_allclose(promise(under_bitmap(features, chosen), model), found.max(axis=0), rtol=1e-5)


def test_a_promise_that_may_cut_is_no_less_than_that_of_whole_segments(moment):
    _, _, features, model = moment
    assert features.efficiency.max() > 0
    for number in range(0, 64, 7):
        under = replace(features, efficiency=features.pattern_efficiency[..., number].astype(float))
        whole = np.max(
            [greedy_schedule(under, model, np.full(features.ap.shape, version))[1] for version in range(4)], axis=0
        )
        assert (promise(under, model) >= whole.sum(axis=1) - 1e-4).all()


def test_local_search_is_near_the_best_of_all_bitmaps_where_these_can_be_counted():
    net = dense_event(4, DenseEventConfig(n_rows=1, n_columns=4), n_users=16, seed=3)
    abstractor, model = twin_of(net)
    telemetry = net.reset()
    features = abstractor.abstract_session(telemetry.session, telemetry.snr_db)
    every = np.array(list(product((False, True), repeat=8))).reshape(-1, 1, 4, 2)
    best = np.array([promise(under_bitmap(features, np.repeat(each, 4, axis=0)), model) for each in every]).max(axis=0)
    starts = (all_on(4, 2), alternating(4, 2), BestPattern(model, 2))
    ends = {
        "search": LocalSearch(model, starts)(features, ANY),
        "one start": LocalSearch(model, starts[:1])(features, ANY),
        "start": starts[0](features, ANY),
        "draws": BestOfDraws(model, random_bitmaps(4, 2), 8)(features, stream(0, "draws")),
    }
    value = {name: promise(under_bitmap(features, is_on), model) for name, is_on in ends.items()}
    assert (value["search"] >= 0.97 * best).all()
    assert (value["search"] <= best + 1e-4).all()
    assert (value["search"] >= value["one start"] - 1e-5).all()
    assert (value["one start"] >= value["start"] - 1e-5).all()
    assert (value["draws"] <= best + 1e-4).all()


def test_the_twin_scores_a_bitmap_with_interference(moment):
    net, telemetry, features, model = moment
    virtual = replace(virtual_of(net), n_slots=4)
    makers = {name: muting_makers(model)[name] for name in ("all on", "local search")}
    decisions = {name: maker.decide(features, rng=ANY) for name, maker in makers.items()}
    score = virtual.score(seen_in(telemetry), decisions, makers, rng=stream(0, "score"))
    assert score["local search"].mean() > score["all on"].mean()


def test_the_closed_loop_runs_on_the_dense_event_and_masts_may_weaken():
    net = dense_event(1, channel=WeakenedMasts(aps=(0, 1), from_slot=2), seed=0)
    model = schedule_model(net)
    managers = {name: muting_makers(model)[name] for name in ("TDM by two", "max-weight")}
    gdt = GdtNetwork(
        net, HoldLast(topology=net.topology), managers, lambda store, emulator: FixedPeriod(store, emulator, 4)
    )
    history = gdt.run(6)
    assert np.isfinite(history.qoe).all()


def test_decisions_with_and_without_a_bitmap_do_not_join(moment):
    _, _, features, model = moment
    plain, muted = (
        GreedyAllocator(model).decide(features, rng=ANY),
        muting_makers(model)["all on"].decide(features, rng=ANY),
    )
    assert joined([muted, muted]).is_muted.shape == (6, 6, 4)
    with pytest.raises(ValueError, match="parts must agree in all axes but `batch`"):
        joined([plain, muted])


@pytest.mark.parametrize("kind", [ComingMean, ExpectedWorst])
def test_rates_of_the_coming_slot_are_for_bands_of_their_own(moment, kind):
    net, telemetry, _, _ = moment
    abstractor = kind(twin_of(net)[0], HoldLast(topology=net.topology), net.link)
    with pytest.raises(ValueError, match="features must come from access points on bands of their own"):
        abstractor.abstract(seen_in(telemetry))


def test_what_cannot_be_is_refused(moment):
    _, _, features, model = moment
    with pytest.raises(ValueError, match="n_candidates must be above 0"):
        BestOfDraws(model, random_bitmaps(6), 0)
    with pytest.raises(ValueError, match="starts must hold one at least"):
        LocalSearch(model, ())
    with pytest.raises(ValueError, match="features must have 64 patterns"):
        bitmap_efficiency(replace(features, pattern_efficiency=np.zeros((3, 12, 0))), np.ones((3, 6, 4), dtype=bool))
    wrong = MutingMaker(GreedyAllocator(model), all_on(6))
    wrong.decide = lambda features, *, rng: replace(
        GreedyAllocator(model).decide(features, rng=rng), is_muted=np.zeros((len(features.ap), 5, 4), dtype=bool)
    )
    with pytest.raises(ValueError, match="decision.is_muted must have shape"):
        check_maker(wrong, features, 6)
