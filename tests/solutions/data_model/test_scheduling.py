from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.optimize import check_grad, linprog

from gdt_tutorial.seeding import stream
from gdt_tutorial.solutions.data_model.baselines import GreedyByGainPerCost
from gdt_tutorial.solutions.data_model.full_program import solve_full
from gdt_tutorial.solutions.data_model.reduced_program import (
    ReducedProgram,
    SlsqpConfig,
    reduced_program,
    shadow_prices,
    solve_reduced,
)
from gdt_tutorial.solutions.data_model.scheduling import SlsqpScheduler
from gdt_tutorial.twin.decision.schedule import gain_per_cost
from tests.small_networks import same
from tests.solutions.data_model.schedules import promise_of, slots_of, taken_items, tiny_slot, versions_of

EXACT = SlsqpConfig(tolerance=1e-9, max_iterations=200)


def program_of(seed, n_subgroups=5, n_items=8):
    """Return a program at random in which a part of the lists fits."""
    rng = stream(seed, "program")
    length_s = np.where(rng.random((n_subgroups, n_items)) < 0.7, 1.0, rng.uniform(0.2, 1.0, (n_subgroups, n_items)))
    length_s *= np.arange(n_items) < rng.integers(1, n_items + 1, size=(n_subgroups, 1))
    density = -np.sort(-rng.exponential(2.0, size=length_s.shape), axis=1)
    cost = rng.uniform(0.02, 0.15, size=(2, n_subgroups))
    return ReducedProgram.from_lists(density * length_s, length_s, *cost), density * length_s, length_s


class TestReducedProgram:
    def test_the_gain_is_that_of_the_list_in_its_middles_and_at_its_end(self):
        gain, length_s = np.array([[4.0, 2.0, 1.0, 0.0]]), np.array([[1.0, 1.0, 1.0, 0.0]])
        program = ReducedProgram.from_lists(gain, length_s, np.ones(1), np.ones(1))
        expected = {0.0: 0, 0.5: 2, 1.5: 5, 2.5: 6.5, 3.0: 7}
        for amount_s, value in expected.items():
            assert program.value(np.array([amount_s]))[0][0] == pytest.approx(value)
        # At whole segments in between the bend shows: 4 - (4 - 2) / 8.
        assert program.value(np.array([1.0]))[0][0] == pytest.approx(3.75)
        assert program.value(np.array([1.0]))[1][0] == pytest.approx(3.0)

    @pytest.mark.parametrize("seed", range(5))
    def test_the_marginal_gain_is_the_derivative_and_falls(self, seed):
        program, _, _ = program_of(seed)
        rng = stream(seed, "amounts")
        for _ in range(20):
            amount_s = rng.uniform(0.01, 0.99, size=5) * program.total_s
            error = check_grad(lambda x: program.value(x)[0].sum(), lambda x: program.value(x)[1], amount_s)
            assert error < 1e-5
        grid = np.linspace(0, 1, 50)[:, None] * program.total_s
        assert (np.diff([program.value(row)[1] for row in grid], axis=0) <= 1e-12).all()

    def test_an_empty_list_is_worth_nothing(self):
        program = ReducedProgram.from_lists(np.zeros((1, 3)), np.zeros((1, 3)), np.zeros(1), np.zeros(1))
        gain, slope = program.value(np.zeros(1))
        assert (program.total_s[0], gain[0], slope[0]) == (0, 0, 0)

    def test_costs_are_those_of_the_model(self):
        features, model = tiny_slot(3, 3, 6)
        version = versions_of(features, model)
        ratio = gain_per_cost(features, model, version)
        program = reduced_program(features, model, version, ratio)
        for share, cost in zip((program.radio, program.cycles), model.cost(features, version), strict=True):
            np.testing.assert_allclose(share[..., None] * features.length_s, cost)
        np.testing.assert_allclose(program.total_s, features.length_s.sum(axis=-1))

    def test_what_cannot_be_reached_is_not_in_the_program(self):
        features, model = tiny_slot(3, 3, 6)
        features = replace(features, efficiency=np.array([[1.0, 0.0, 2.0]]))
        version = versions_of(features, model)
        program = reduced_program(features, model, version, gain_per_cost(features, model, version))
        assert (program.total_s > 0).tolist() == [[True, False, True]]
        assert np.isfinite(np.stack([program.radio, program.cycles])).all()


@pytest.mark.parametrize("seed", range(12))
class TestSolution:
    """What the solvers find, held against other ways to find it."""

    def test_it_is_feasible_and_no_worse_than_its_start(self, seed):
        program, _, _ = program_of(seed)
        start_s = stream(seed, "start").uniform(0, 0.3, size=5) * program.total_s
        start_s /= max(1.0, program.usage(start_s).max())
        solution = solve_reduced(program, start_s)
        assert solution.is_solved
        assert (solution.amount_s >= 0).all()
        assert (solution.amount_s <= program.total_s).all()
        assert program.usage(solution.amount_s).max() <= 1 + 1e-12
        assert program.value(solution.amount_s)[0].sum() >= program.value(start_s)[0].sum() - 1e-9

    def test_it_meets_the_conditions_of_an_optimum(self, seed):
        """Karush, Kuhn and Tucker: stationarity with prices of at least zero, and complementary slackness."""
        program, _, _ = program_of(seed)
        amount_s = solve_reduced(program, np.zeros(5), EXACT).amount_s
        price = shadow_prices(program, amount_s)
        price = np.zeros(2) if price is None else price
        reduced = program.value(amount_s)[1] - price[0] * program.radio - price[1] * program.cycles
        scale = program.value(np.zeros(5))[1].max()
        is_lower, is_upper = amount_s < 1e-6, amount_s > program.total_s - 1e-6
        assert (reduced[is_lower & ~is_upper] <= 2e-3 * scale).all()
        assert (reduced[is_upper & ~is_lower] >= -2e-3 * scale).all()
        assert np.abs(reduced[~is_lower & ~is_upper]).max(initial=0) <= 2e-3 * scale
        assert (price * (1 - program.usage(amount_s))).max() <= 2e-3 * scale

    def test_the_full_program_has_the_same_optimum(self, seed):
        program, _, _ = program_of(seed)
        start_s = np.zeros(5)
        reduced, full = solve_reduced(program, start_s, EXACT), solve_full(program, start_s, EXACT)
        assert full.is_solved
        gains = [program.value(each.amount_s)[0].sum() for each in (reduced, full)]
        assert gains[0] == pytest.approx(gains[1], rel=1e-3)
        for cost, time in ((program.radio, full.band_time), (program.cycles, full.transcoder_time)):
            assert (cost * full.amount_s <= time + 1e-6).all()
            assert time.sum() <= 1 + 1e-6

    def test_the_default_tolerance_loses_less_than_a_thousandth(self, seed):
        program, _, _ = program_of(seed)
        quick, exact = (solve_reduced(program, np.zeros(5), config) for config in (SlsqpConfig(), EXACT))
        assert program.value(quick.amount_s)[0].sum() >= 0.999 * program.value(exact.amount_s)[0].sum()

    def test_it_is_close_to_the_linear_program_of_the_list_as_it_is(self, seed):
        """Smoothing moves the gain of an SMG by less than an eighth of a step in marginal gain, item by item."""
        program, gain, length_s = program_of(seed)
        cost = [np.repeat(share, 8) * length_s.ravel() for share in (program.radio, program.cycles)]
        exact = linprog(-gain.ravel(), A_ub=np.stack(cost), b_ub=np.ones(2), bounds=(0, 1), method="highs")
        found = program.value(solve_reduced(program, np.zeros(5), EXACT).amount_s)[0].sum()
        assert found == pytest.approx(-exact.fun, rel=0.03)

    def test_it_beats_every_point_of_a_grid(self, seed):
        program, _, _ = program_of(seed, n_subgroups=3, n_items=4)
        best = program.value(solve_reduced(program, np.zeros(3), EXACT).amount_s)[0].sum()
        for place in product(np.linspace(0, 1, 9), repeat=3):
            amount_s = np.array(place) * program.total_s
            if program.usage(amount_s).max() <= 1:
                assert program.value(amount_s)[0].sum() <= best * (1 + 1e-6)


def test_an_infeasible_start_is_drawn_back_to_the_limits():
    program, _, _ = program_of(1)
    solution = solve_reduced(program, 100 * np.ones(5), EXACT)
    assert solution.is_solved
    assert program.usage(solution.amount_s).max() <= 1 + 1e-12
    expected = solve_reduced(program, np.zeros(5), EXACT).amount_s
    np.testing.assert_allclose(program.value(solution.amount_s)[0].sum(), program.value(expected)[0].sum(), rtol=1e-4)


@pytest.mark.parametrize("start_s", [np.full(5, np.nan), np.zeros(4)])
def test_a_start_that_is_none_is_refused(start_s):
    with pytest.raises(ValueError, match="start_s must hold 5 numbers and no NaN"):
        solve_reduced(program_of(1)[0], start_s)


def test_without_iterations_the_start_comes_back_as_a_failure():
    program, _, _ = program_of(1)
    start_s = program.total_s / 100
    solution = solve_reduced(program, start_s, SlsqpConfig(max_iterations=1))
    assert not solution.is_solved
    np.testing.assert_allclose(solution.amount_s, start_s)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tolerance": 0.0}, r"tolerance must lie in \(0, 1\), got 0.0; 1e-5"),
        ({"max_iterations": 0}, "max_iterations must be above 0, got 0; 60 is plenty"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        SlsqpConfig(**changes)


class TestSlsqpScheduler:
    def test_it_never_promises_less_than_greedy_and_mostly_more(self):
        _, model, trajectory = slots_of(4e9)
        scheduler, greedy, total = SlsqpScheduler(model), GreedyByGainPerCost(model), np.zeros(2)
        for seed, (_, features) in enumerate(trajectory):
            version = versions_of(features, model, seed)
            gains = [promise_of(each.schedule(features, version), features, model) for each in (scheduler, greedy)]
            assert (gains[0] >= gains[1] - 1e-9).all()
            total += np.sum(gains, axis=(1, 2))
        assert total[0] > 1.003 * total[1]
        assert scheduler.n_solved > 10
        assert scheduler.n_failed == 0
        assert scheduler.n_kept < 0.8 * scheduler.n_solved

    def test_where_everything_fits_nothing_is_solved(self):
        _, model, trajectory = slots_of(1e12)
        features = replace(trajectory[-1][1], efficiency=np.full_like(trajectory[-1][1].efficiency, 1e6))
        version = versions_of(features, model)
        scheduler = SlsqpScheduler(model)
        decision = scheduler.schedule(features, version)
        assert scheduler.n_solved == 0
        np.testing.assert_array_equal(taken_items(decision, features), model.gain(features, version) > 0)

    def test_where_slsqp_fails_the_greedy_schedule_stands_in(self):
        _, model, trajectory = slots_of(4e9)
        features = trajectory[-1][1]
        version = versions_of(features, model)
        scheduler = SlsqpScheduler(model, SlsqpConfig(max_iterations=1))
        decision = scheduler.schedule(features, version)
        assert scheduler.n_failed == scheduler.n_solved > 0
        gains = [
            promise_of(each, features, model)
            for each in (decision, GreedyByGainPerCost(model).schedule(features, version))
        ]
        assert (gains[0] >= gains[1] - 1e-9).all()

    def test_free_transcoding_leaves_the_band_alone_to_decide(self):
        _, model, trajectory = slots_of(4e9)
        free = replace(model, capacity=replace(model.capacity, cycles_per_bit=0.0))
        features = trajectory[-1][1]
        decision = SlsqpScheduler(free).schedule(features, versions_of(features, model))
        assert (decision.segments[..., 0] >= 0).any()
        assert not decision.computing_share.any()

    def test_tiny_slots_come_close_to_the_best_subset(self):
        shares = []
        for seed in range(40):
            features, model = tiny_slot(seed, 2, 5)
            version = versions_of(features, model, seed)
            gain, costs = (
                model.gain(features, version).ravel(),
                [each.ravel() for each in model.cost(features, version)],
            )
            subsets = np.array(list(product([0, 1], repeat=gain.size)))
            is_feasible = (subsets @ costs[0] <= 1) & (subsets @ costs[1] <= 1)
            best = (subsets[is_feasible] @ gain).max()
            found = promise_of(SlsqpScheduler(model).schedule(features, version), features, model)[0, 0]
            assert found <= best + 1e-9
            shares.append(found / best)
        assert np.mean(shares) > 0.98
        assert min(shares) > 0.8

    def test_it_repeats_itself_after_other_slots(self):
        _, model, trajectory = slots_of(4e9)
        version = versions_of(trajectory[0][1], model)
        scheduler = SlsqpScheduler(model)
        first = scheduler.schedule(trajectory[0][1], version)
        scheduler.schedule(trajectory[3][1], version)
        assert same(first, scheduler.schedule(trajectory[0][1], version))
