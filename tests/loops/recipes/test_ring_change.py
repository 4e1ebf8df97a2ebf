"""Runs on the ring whose coupling widens, small: who must be where, and what must be the same."""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.loops.internal import InternalConfig
from gdt_tutorial.loops.recipes.ring_change import (
    RingChangeConfig,
    ring_models,
    ring_schemes,
    run_ring,
    run_upside_down,
)
from gdt_tutorial.twin.recipes.ring_decisions import RingStudyConfig
from gdt_tutorial.worlds.ring import RingConfig

NEAR, FAR = RingConfig(reach=1, horizon_slots=4), RingConfig(horizon_slots=4)
SMALL = RingChangeConfig(
    before=NEAR,
    after=FAR,
    logged=(FAR,),
    n_slots=32,
    n_rings=8,
    learning=RingStudyConfig(n_logged=4, n_updates=60, n_candidates=2),
    internal=InternalConfig(period_slots=4, memory=0.5),
)


@pytest.fixture(scope="module")
def models():
    return ring_models(SMALL, seed=100)


def test_the_model_is_right_before_and_wrong_after(models):
    oracle = run_ring(None, SMALL, seed=100).queue
    model = run_ring(ring_schemes(models)["model"], SMALL, seed=100).queue
    np.testing.assert_array_equal(model[:16], oracle[:16])
    assert model[24:].mean() > 2 * oracle[24:].mean()


def test_a_recalibrated_model_comes_back(models):
    run = run_ring(ring_schemes(models)["recalibrated model"], SMALL, seed=100)
    assert run.n_fits >= 1
    assert run.queue[24:].mean() < 0.5 * run_ring(ring_schemes(models)["model"], SMALL, seed=100).queue[24:].mean()


def test_the_loop_picks_what_is_truly_better(models):
    run = run_ring(ring_schemes(models)["loop"], SMALL, is_audited=True, seed=100)
    assert len(run.carried) == len(run.true_value) == 8
    regret, distance = run.regret()
    assert 0 <= regret <= 0.5 * distance


def test_an_audit_changes_nothing(models):
    each = [
        run_ring(ring_schemes(models)["loop, random"], replace(SMALL, n_slots=8), is_audited=is_audited, seed=100)
        for is_audited in (False, True)
    ]
    np.testing.assert_array_equal(each[0].queue, each[1].queue)


def test_trust_brings_a_loop_back_to_its_safe_maker():
    """A twin that is upside down: over validations 11 to 30."""
    config = replace(SMALL, n_slots=120, n_rings=16)
    believed, held = (run_upside_down(has_trust, config, seed=100)[40:].mean() for has_trust in (False, True))
    safe = run_ring(None, replace(config, after=NEAR), seed=100).queue[40:].mean()
    assert believed > safe + 0.3
    assert held < safe + 0.02
