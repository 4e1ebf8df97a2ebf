"""Learned bitmaps: contracts, what a context tells, and orders that change nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gdt_tutorial.agents.ddpg import Actor
from gdt_tutorial.gai.denoiser import SMOKE
from gdt_tutorial.gai.diffusion import start_denoiser
from gdt_tutorial.gai.supervised_decisions import SupervisedConfig, train_classes, train_switches
from gdt_tutorial.physical.batch import take
from gdt_tutorial.physical.dense_event import DenseEventConfig, dense_event
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.abstraction.muting_context import mirrored_context, muting_context
from gdt_tutorial.twin.contracts import check_maker
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.learned_bitmaps import (
    ActorBitmap,
    ClassBitmap,
    ClonedBitmap,
    DrawnBitmap,
    DrawnClassBitmap,
    bitmaps_of,
    vectors_of,
    with_sorted_parts,
)
from gdt_tutorial.twin.decision.muting import MutingMaker, bitmap_efficiency, random_bitmaps
from tests.small_networks import ANY, seen_in, twin_of

N_CONTEXT = 60


@pytest.fixture(scope="module")
def moment():
    net = dense_event(4, seed=7)
    abstractor, model = twin_of(net)
    telemetry = net.reset()
    for _ in range(3):
        features = abstractor.abstract(seen_in(telemetry))
        telemetry = net.step(MutingMaker(GreedyAllocator(model), random_bitmaps(6)).decide(features, rng=ANY))
    return abstractor.abstract(seen_in(telemetry)), model


def choosers(features):
    context = torch.from_numpy(muting_context(features, 6)).float()
    is_on = random_bitmaps(6)(features, stream(0, "bitmaps"))
    vector, rank = vectors_of(is_on), torch.linspace(0, 1, 4)[:, None]
    few, generator = SupervisedConfig(n_updates=3), torch_stream(0, "networks")
    return {
        "cloned": ClonedBitmap(train_switches(vector, context, config=few, generator=generator), 6),
        "class": ClassBitmap(train_classes(vector, context, None, 3, few, generator=generator), 6),
        "asked class": ClassBitmap(train_classes(vector, context, rank, 3, few, generator=generator), 6, 2.0),
        "drawn class": DrawnClassBitmap(train_classes(vector, context, rank, 3, few, generator=generator), 6, 2.0),
        "drawn": DrawnBitmap(start_denoiser(vector, context, config=SMOKE, generator=generator), 6),
        "asked": DrawnBitmap(start_denoiser(vector, context, rank, SMOKE, generator=generator), 6),
        "actor": ActorBitmap(Actor(N_CONTEXT, 24, generator=generator), 6),
    }


def test_every_learned_chooser_keeps_the_contract(moment):
    features, model = moment
    for choose in choosers(features).values():
        check_maker(MutingMaker(GreedyAllocator(model), choose), features, 6)


def test_a_context_tells_users_and_rates_with_each_other_access_point(moment):
    features, _ = moment
    context = muting_context(features, 6)
    assert context.shape == (4, N_CONTEXT)
    np.testing.assert_allclose(context[:, :6].sum(axis=1) * 5, 30)
    rate = context[:, 18:].reshape(4, 6, 7) * 5.6
    for env, ap, other in np.ndindex(4, 6, 6):
        is_on = np.zeros((1, 6, 1), dtype=bool)
        is_on[0, [ap, other]] = True
        own = (features.ap[env] == ap) & (features.n_members[env] > 0)
        worst = bitmap_efficiency(take(features, [env]), is_on)[0, own].min(initial=np.inf)
        assert rate[env, ap, other] == pytest.approx(0 if np.isinf(worst) else worst, rel=1e-6)
    assert (rate[..., 6] <= rate[..., :6].min(axis=-1) + 1e-9).all(), "with all the others it is worst"


def test_mirrors_of_the_grid_mirror_the_context(moment):
    features, _ = moment
    mirrors = DenseEventConfig().symmetries
    assert mirrors.tolist() == [[0, 1, 2, 3, 4, 5], [3, 4, 5, 0, 1, 2], [2, 1, 0, 5, 4, 3], [5, 4, 3, 2, 1, 0]]
    context = muting_context(features, 6)
    for mirror in mirrors:
        # The same network with its access points numbered otherwise: SMGs are pairs, one pair for each.
        smg = (2 * mirror[:, None] + [0, 1]).reshape(-1)
        patterns = np.array(
            [int("".join(f"{number:06b}"[place] for place in np.argsort(mirror)), 2) for number in range(64)]
        )
        other = replace(
            features,
            **{
                name: getattr(features, name)[:, smg]
                for name in ("n_members", "stored_s", "value_s", "urgent_s", "pattern_efficiency")
            },
        )
        other = replace(other, pattern_efficiency=other.pattern_efficiency[:, :, patterns])
        np.testing.assert_allclose(mirrored_context(context, mirror), muting_context(other, 6))


def test_the_order_of_parts_changes_no_rate_and_sorting_gives_one_name(moment):
    features, _ = moment
    is_on = random_bitmaps(6)(features, stream(1, "bitmaps"))
    shuffled = is_on[:, :, [2, 0, 3, 1]]
    np.testing.assert_allclose(bitmap_efficiency(features, is_on), bitmap_efficiency(features, shuffled))
    np.testing.assert_array_equal(with_sorted_parts(is_on), with_sorted_parts(shuffled))
    np.testing.assert_array_equal(bitmaps_of(vectors_of(is_on), 6), is_on)
