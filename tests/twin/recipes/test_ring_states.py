"""Future states on the ring: what they tell by hand, that the study runs, and what the stored table says."""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.gai.inverse_dynamics import InverseConfig
from gdt_tutorial.seeding import stream
from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.twin.recipes import ring_states
from gdt_tutorial.twin.recipes.ring_decisions import RingStudyConfig
from gdt_tutorial.twin.recipes.ring_states import future_states
from gdt_tutorial.twin.recipes.state_table import STORED, StateTable
from gdt_tutorial.worlds.ring import Ring, RingConfig
from gdt_tutorial.worlds.ring_logs import draw_log, expert_in_part
from tests.stored_tables import check_stored_table

SMALL = replace(RingStudyConfig(), ring=RingConfig(n_slots=40), n_logged=6, n_test=2, n_updates=10)
QUICK = InverseConfig(n_updates=10)
ROWS = [
    {"seed": seed, "logs": "expert", "state": state, "measure": measure, "value": value}
    for seed, pair in enumerate([(-0.08, -0.07), (-0.1, -0.08), (-0.09, -0.09)])
    for (state, measure), value in zip((("served", "linear"), ("actions", "value")), pair, strict=True)
]


def test_served_packets_by_hand():
    ring = Ring()
    log = draw_log(ring, {"expert": expert_in_part(ring)}, 4, rng=stream(0, "log"))
    served = future_states(ring, log, "served")
    kept = log.left < ring.config.capacity  # nothing was lost there
    np.testing.assert_allclose((log.met - log.left + log.arrival)[kept], served[kept], atol=1e-12)
    assert (served[log.met == 0] == 0).all()
    np.testing.assert_array_equal(future_states(ring, log, "queues"), log.left)
    with pytest.raises(ValueError, match="kind must be one of"):
        future_states(ring, log, "powers")


def test_served_packets_tell_the_action_and_queues_hardly():
    rows = ring_states.work({**ring_states.tasks(1)[0], "seed": 100, "config": SMALL, "inverse": QUICK})
    found = {(row["state"], row["measure"]): row["value"] for row in rows}
    assert len(found) == 10
    assert np.isfinite(list(found.values())).all()
    assert found["served", "explained_linear"] > found["queues", "explained_linear"] + 0.2
    assert found["served", "explained_linear"] > 0.4


def test_differences_are_paired_by_seed():
    table = StateTable({}, ROWS[::-1])
    assert table.mean("expert", "actions") == pytest.approx(t_interval(np.array([-0.07, -0.08, -0.09])))
    assert table.above_actions("expert", "served", "linear") == pytest.approx(t_interval(np.array([-0.01, -0.02, 0.0])))
    with pytest.raises(ValueError, match="state must have one row for each of 3 seeds"):
        table.values("no expert", "served", "linear")


def test_stored_table_is_of_this_version_and_says_how_it_was_made():
    check_stored_table("decision_diffuser", STORED, ring_states, "seed", "logs", max_byte=5e4)


@pytest.mark.slow
def test_a_stored_seed_made_again_says_the_same():
    """A training repeats nearly, so what is held is the order."""
    stored, rows = StateTable.read(), ring_states.work(ring_states.tasks(1)[0])
    again = {(row["state"], row["measure"]): row["value"] for row in rows}
    assert again["served", "explained"] == pytest.approx(stored.values("expert", "served", "explained")[0], abs=0.03)
    assert again["served", "linear"] > again["queues", "linear"]
