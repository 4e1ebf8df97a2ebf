"""The shipped bitmaps: better than coins and than their untrained start, on days that nobody learned from."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from gdt_tutorial.gai.denoiser import SMOKE
from gdt_tutorial.gai.diffusion import SamplingConfig, start_denoiser
from gdt_tutorial.gai.vae import VaeConfig
from gdt_tutorial.learning import FitConfig
from gdt_tutorial.physical.scenes.campus_event import event_network
from gdt_tutorial.seeding import torch_stream
from gdt_tutorial.twin.abstraction.coded_context import code_of_context
from gdt_tutorial.twin.abstraction.muting_context import muting_context
from gdt_tutorial.twin.decision.learned_bitmaps import DrawnBitmap, vectors_of
from gdt_tutorial.twin.decision.muting import BestOfDraws, random_bitmaps
from gdt_tutorial.twin.pretrained import pretrained_bitmaps
from gdt_tutorial.twin.recipes.dense_event_logs import play_event
from gdt_tutorial.twin.recipes.shipped_bitmaps import BitmapConfig, event_logs, train_shipped_bitmaps

TINY = BitmapConfig(
    n_scenes=2,
    n_days=2,
    n_slots=8,
    n_orders=2,
    vae=VaeConfig(n_latent=4, n_hidden=8, fit=FitConfig(n_epochs=1, batch_size=16, learning_rate=1e-3)),
    diffusing=replace(SMOKE, n_updates=5),
)


def qoe(draw, n_days=8, seed=910_000):
    chosen = partial(BestOfDraws, draw=draw, n_candidates=8)
    return play_event(event_network(n_days, seed=seed), chosen, 20, seed=seed).qoe[5:].mean(axis=0)


def reads_code(features, n_aps):
    return code_of_context(pretrained_bitmaps().encoder, muting_context(features, n_aps))


CALM = SamplingConfig(temperature=0.5)
SHIPPED = {
    "coded": lambda: DrawnBitmap(pretrained_bitmaps().coded, 6, CALM, reads_code),
    "uncoded": lambda: DrawnBitmap(pretrained_bitmaps().uncoded, 6, CALM),
}


@pytest.mark.parametrize("name", list(SHIPPED))
def test_eight_draws_of_diffusion_are_better_than_coins_and_the_untrained_start(name):
    best = event_logs(replace(TINY, n_slots=20), seed=4).best()
    context = torch.from_numpy(best.context).float()
    start = start_denoiser(vectors_of(best.is_on), context, generator=torch_stream(4, "start"))
    drawn = qoe(SHIPPED[name]())
    for rival in (random_bitmaps(6), DrawnBitmap(start, 6)):
        gain = drawn - qoe(rival)
        assert gain.mean() > 2 * gain.std(ddof=1) / len(gain) ** 0.5


def test_logs_are_of_other_places_and_depend_on_their_seed_alone():
    first, again, other = (event_logs(TINY, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.context, again.context)
    assert not np.array_equal(first.context, other.context)
    assert first.is_on.shape[1:] == (6, 4)


def test_training_gives_networks_that_fit_together():
    made = train_shipped_bitmaps(TINY, seed=3)
    assert (made.encoder.n_features, made.coded.n_context, made.uncoded.n_context) == (60, 4, 60)
    assert made.coded.n_features == made.uncoded.n_features == 24


@pytest.mark.slow
def test_bitmaps_trained_anew_are_as_good_as_the_shipped_ones():
    shipped, remade = (
        qoe(DrawnBitmap(pretrained_bitmaps(retrain=each).uncoded, 6, CALM), 16, 920_000) for each in (False, True)
    )
    assert remade.mean() == pytest.approx(shipped.mean(), abs=0.08)
