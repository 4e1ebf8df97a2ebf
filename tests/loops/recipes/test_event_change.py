"""Runs at the dense event whose access points weaken, small: all meet the same event."""

import numpy as np
import pytest

from gdt_tutorial.gai.denoiser import DiffusionConfig
from gdt_tutorial.gai.diffusion import start_denoiser
from gdt_tutorial.loops.internal import InternalConfig
from gdt_tutorial.loops.recipes.event_change import EventChangeConfig, run_event, run_wrong_event
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.recipes.dense_event_logs import draw_log
from gdt_tutorial.twin.recipes.dense_event_study import training_set

SMALL = EventChangeConfig(
    n_events=2, n_slots=6, internal=InternalConfig(n_slots=2, period_slots=2, n_rollouts=1, memory=0.0), n_candidates=2
)


@pytest.fixture(scope="module")
def denoiser():
    """Return an untrained one: its draws are as good as any for what is asked here."""
    log = draw_log(2, seed=100)
    context, vector, _ = training_set(log, True, rng=stream(0, "orders"))
    return start_denoiser(vector, context, None, DiffusionConfig(), generator=torch_stream(0, "diffusion"))


@pytest.mark.parametrize("scheme", ["oracle", "recalibrated model", "loop with trust"])
def test_schemes_run(scheme, denoiser):
    qoe, chosen = run_event(scheme, denoiser, SMALL, seed=200)
    assert qoe.shape == chosen.shape == (6, 2)
    assert np.isfinite(qoe).all()


def test_a_loop_of_one_choice_is_its_maker(denoiser):
    """Where the twin chose the first maker in every slot, what came is what that maker alone brings."""
    alone, _ = run_event("model", denoiser, SMALL, seed=200)
    loop, chosen = run_event("loop, random", denoiser, SMALL, seed=200)
    same = (chosen == 0).all(axis=0)
    np.testing.assert_array_equal(loop[:, same], alone[:, same])
    # The first slots cannot be changed by anybody.
    np.testing.assert_array_equal(loop[0], alone[0])


def test_a_twin_that_is_wrong_begins_with_the_safe_maker(denoiser):
    runs = {name: run_wrong_event(name, SMALL, seed=200) for name in ("safe", "held")}
    np.testing.assert_array_equal(runs["safe"][:5], runs["held"][:5])
