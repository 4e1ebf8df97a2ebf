"""The stored comparison of muting at the dense event: what it says, that it runs, and what is refused."""

import numpy as np
import pytest
import torch

from gdt_tutorial.physical.dense_event import dense_event
from gdt_tutorial.seeding import stream
from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.studies.tables import read_table
from gdt_tutorial.twin.decision.muting import alternating
from gdt_tutorial.twin.recipes import dense_event_study
from gdt_tutorial.twin.recipes.dense_event_logs import draw_log, old_snr, play_event, textbook_snr, true_snr
from gdt_tutorial.twin.recipes.dense_event_study import ruled_choosers, training_set
from gdt_tutorial.twin.recipes.dense_event_table import STORED, EventTable
from tests.small_networks import random_decision
from tests.stored_tables import check_stored_table

SMALL = {"seed": 3, "n_slots": 2, "n_events": 1, "n_logged": 6, "n_updates": 1}
ROWS = [
    {"seed": seed, "kind": "choosers", "name": name, "score": "qoe", "value": value}
    for seed, pair in enumerate([(0.6, 0.5), (0.9, 0.6), (0.5, 0.4)])
    for name, value in zip(("one", "other"), pair, strict=True)
]


def test_differences_are_paired_by_seed():
    table = EventTable({}, ROWS[::-1])
    assert table.mean("one") == pytest.approx(t_interval(np.array([0.6, 0.9, 0.5])))
    assert table.difference("one", "other") == pytest.approx(t_interval(np.array([0.1, 0.3, 0.1])))
    with pytest.raises(ValueError, match=r"name must have one row for each of 3 seeds.*\['one', 'other'\]"):
        table.values("another")


def test_sights_see_what_they_say():
    net = dense_event(1, seed=0)
    past = [net.reset()]
    for _ in range(6):
        past.append(net.step(still(net)))
    assert true_snr(net, past) is past[-1].snr_db
    assert old_snr(4)(net, past) is past[-5].snr_db
    assert old_snr(4)(net, past[:3]) is past[0].snr_db
    error_db = textbook_snr(net, past) - past[-1].snr_db
    assert abs(error_db.mean()) < 4
    assert 3 < error_db.std() < 15


def still(net):
    """Return a decision that sends nothing."""
    decision = random_decision(net.stream.session(net.serving_ap), net.catalog, 6, rng=stream(0, "any"))
    decision.segments[:] = -1
    return decision


def test_a_log_ranks_decisions_and_a_training_set_has_all_mirrors():
    log = draw_log(4, seed=1)
    assert log.is_on.shape == (4 * 33, 6, 4)
    assert (log.rank.min(), log.rank.max()) == (0, 1)
    best = log.best()
    assert len(best.rank) == pytest.approx(len(log.rank) / 5, abs=1)
    np.testing.assert_array_equal(log.context[4:], log.next_context[:-4])
    np.testing.assert_array_equal(log.reward.reshape(33, 4), log.qoe[1:34])
    with pytest.raises(ValueError, match=r"share must lie in \(0, 1\]"):
        log.best(0.0)
    context, vector, rank = training_set(best, True, rng=stream(0, "orders"))
    assert len(context) == len(vector) == len(rank) == 4 * len(best.rank)
    raw = training_set(best, False, rng=stream(0, "orders"))[1]
    assert len(raw) == 3 * len(vector)
    # Other orders of the same columns: as many bits are on.
    assert torch.equal(raw.sum(dim=1), vector.sum(dim=1).repeat(3))


def test_a_search_on_the_truth_beats_taking_turns_and_all_on():
    """The order of the rules, on a few events: no number."""
    choosers, qoe = ruled_choosers(), {}
    for name in ("all on", "TDM by two", "max-weight, true SNR"):
        make, sight = choosers[name]
        qoe[name] = play_event(dense_event(3, seed=5), make, 20, sight=sight, seed=5).qoe.mean()
    assert qoe["all on"] < qoe["TDM by two"] < qoe["max-weight, true SNR"]


def test_a_run_is_the_same_again():
    one, other = (play_event(dense_event(1, seed=2), lambda model: alternating(6), 4, seed=2) for _ in range(2))
    np.testing.assert_array_equal(one.qoe, other.qoe)


def test_a_small_study_has_the_rows_of_the_stored_one():
    rows = dense_event_study.work(SMALL)
    assert all(np.isfinite(row["value"]) for row in rows)
    names = ("kind", "name", "score")
    assert {tuple(row[n] for n in names) for row in rows} == {
        tuple(row[n] for n in names) for row in read_table(STORED)[1]
    }


def test_stored_table_is_of_this_version_and_says_how_it_was_made():
    check_stored_table("dense_event", STORED, dense_event_study, "seed", max_byte=1e5)


def test_a_rule_of_the_stored_table_is_made_again():
    """Rules are evaluations: nothing is trained here."""
    task = {**dense_event_study.tasks(1)[0], "choosers": ("TDM by two",)}
    stored = EventTable.read()
    for row in dense_event_study.work(task):
        value = stored.values(row["name"], row["score"], kind=row["kind"])[0]
        assert row["value"] == pytest.approx(value, rel=1e-2, abs=1e-3), "dense_event.csv is stale"


@pytest.mark.slow
def test_what_is_learned_keeps_its_order_at_fewer_steps():
    """Sorting helps the clone, training helps diffusion, and so do eight draws that the twin judges."""
    pairs = (
        ("cloning, sorted", "cloning"),
        ("diffusion, guided, sorted", "diffusion, untrained"),
        ("diffusion, best of 8", "diffusion"),
    )
    names = tuple(dict.fromkeys(name for pair in pairs for name in pair))
    task = {"seed": 104, "choosers": names, "n_events": 12, "n_logged": 64, "n_updates": 800}
    qoe = {row["name"]: row["value"] for row in dense_event_study.work(task) if row["score"] == "qoe"}
    stored = EventTable.read()
    for better, worse in pairs:
        assert qoe[better] > qoe[worse]
        mean, half = stored.difference(better, worse)
        assert mean - half > 0
