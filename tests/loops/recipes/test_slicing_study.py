"""The study of slicing: pairing, isolation to the last digit, the traps, and bad input."""

import numpy as np
import pytest

from gdt_tutorial.loops.recipes.slicing_study import OVERLOADS, SlicingStudy, slicing_policies, study
from gdt_tutorial.loops.slice_scheduling import Outcome
from gdt_tutorial.physical.services import SERVICES, ServicesConfig, draw_days

SHORT = ServicesConfig(minute_slots=5, n_minutes=72)
ALONE = ("equal", "proportional", "contracts", "guarantee alone, separate forecast, 5")
NAMES = (*ALONE, "guarantee alone, forecast, 5", "forecast, 5", "forecast, 5 + lending", "strict priority")
NAMES = (*NAMES, "follows demand", "forecast, 5 + lending, a slot late")


@pytest.fixture(scope="module")
def played():
    return study([7, 8, 9], NAMES, services=SHORT)


@pytest.mark.parametrize("policy", ALONE)
def test_fixed_shares_and_separate_guarantees_change_by_nothing(played, policy):
    metric = {"video": "qoe", "best effort": "wait_s", "low latency": "late"}
    for loud in SERVICES:
        for service in SERVICES:
            change = played.change(metric[service], policy, loud)
            assert (change == (0, 0)) == (service != loud)


def test_a_joint_forecast_lets_a_slice_move_the_guarantee_of_another(played):
    assert played.change("qoe", "guarantee alone, forecast, 5", "best effort") != (0, 0)


def test_lending_gives_more_than_slices_and_less_to_a_controller_far_away(played):
    assert played.difference("qoe", "forecast, 5 + lending", "forecast, 5")[0] > 0
    far = "forecast, 5 + lending, a slot late"
    assert played.mean("late", far)[0] > 10 * played.mean("late", "forecast, 5 + lending")[0]
    assert played.ratio("wait_s", far, "forecast, 5 + lending") > 1


def test_priority_protects_what_it_puts_first_and_starves_the_rest(played):
    for policy in set(NAMES) - {"strict priority"}:
        assert played.mean("qoe", "strict priority")[0] >= played.mean("qoe", policy)[0]
    wait = {name: played.mean("wait_s", name, "video")[0] for name in ("strict priority", "forecast, 5 + lending")}
    assert wait["strict priority"] > 10 * wait["forecast, 5 + lending"]


def test_following_demand_rewards_who_shouts(played):
    shouted, fixed = (played.change("qoe", name, "best effort")[0] for name in ("follows demand", "forecast, 5"))
    assert shouted < 3 * fixed < 0


def test_overloads_are_played_side_by_side_and_alone_alike(played):
    alone = study([7, 8, 9], ("forecast, 5 + lending",), ("video",), services=SHORT)
    for ours, theirs in zip(
        alone.outcomes["video"]["forecast, 5 + lending"],
        played.outcomes["video"]["forecast, 5 + lending"],
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_scores_are_paired_by_day():
    days = [Outcome(*(np.array([1.0, 2.0, 4.0]) * scale for _ in range(4))) for scale in (1, 2)]
    ours = SlicingStudy({"none": {"one": days[0], "two": days[1]}, "video": {"one": days[1]}})
    assert ours.mean("qoe", "one")[0] == pytest.approx(7 / 3)
    assert ours.difference("late", "two", "one") == ours.change("late", "one", "video") == ours.mean("late", "one")
    assert ours.ratio("wait_s", "two", "one") == 2


def test_all_policies_have_names():
    days = draw_days([0], SHORT)
    policies = slicing_policies(days.demand_bps(), days.demand_bps())
    assert len(policies) == 33
    assert {"last value, 1", "known, 20 + lending", "separate forecast, 5 + lending"} < set(policies)
    assert list(OVERLOADS) == ["none", *SERVICES]


def test_bad_input_is_refused(played):
    with pytest.raises(ValueError, match=r"names must be among .*'strict priority'.*, got 'first'; correct"):
        study([0], ("first",), services=SHORT)
    with pytest.raises(ValueError, match=r"overloads must be among \['none', .*, got 'web'; correct"):
        study([0], overloads=("web",), services=SHORT)
    with pytest.raises(ValueError, match=r"score must be among \['qoe', .*, got 'rmse'; correct"):
        played.values("rmse", "equal")
    with pytest.raises(ValueError, match=r"policy must be among .*, got 'known, 5'; name it in `study`"):
        played.values("qoe", "known, 5")
    with pytest.raises(ValueError, match=r"overload must be among .*, got 'web'; correct"):
        played.values("qoe", "equal", "web")


@pytest.mark.slow
def test_what_the_chapter_says_holds_on_fresh_days():
    """Eight days that no setting was chosen on; the bounds are those that were named before."""
    played = study(range(110_000, 110_008))
    slices, lending = "forecast, 5", "forecast, 5 + lending"
    mean, half = played.difference("qoe", lending, slices)
    assert mean - half > 0.25
    assert played.values("wait_s", lending).max() < 1
    assert played.ratio("wait_s", slices, "last value, 1") < 1.3
    for loud in ("best effort", "low latency"):
        for policy in ("guarantee alone, forecast, 5", "season, 5", "contracts"):
            assert abs(played.change("qoe", policy, loud)[0]) < 0.01 * played.mean("qoe", policy)[0]
        # Who lends has more under overload than the same fixed slices without lending.
        assert played.mean("qoe", "contracts + lending", loud)[0] > played.mean("qoe", "contracts", loud)[0]
    everyone = played.outcomes["none"]
    assert played.mean("late", "strict priority")[0] == min(played.mean("late", each)[0] for each in everyone)
    assert played.mean("qoe", "strict priority")[0] == max(played.mean("qoe", each)[0] for each in everyone)
    assert played.mean("wait_s", "strict priority", "video")[0] > 100
