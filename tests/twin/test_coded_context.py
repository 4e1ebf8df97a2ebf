"""The code of a muting context: where it stands, and what it refuses."""

import numpy as np
import pytest
import torch

from gdt_tutorial.gai.vae import VaeConfig, VariationalAutoencoder
from gdt_tutorial.gai.vae_training import start_vae
from gdt_tutorial.physical.scenes.campus_event import CampusEventConfig, event_network
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.abstraction.coded_context import CodedContext, code_of_context, last_of_context
from gdt_tutorial.twin.abstraction.muting_context import muting_context
from gdt_tutorial.twin.pretrained import pretrained_bitmaps
from tests.small_networks import seen_in, twin_of


@pytest.fixture(scope="module")
def moment():
    network = event_network(3, CampusEventConfig(n_users=10), seed=5)
    abstractor, _ = twin_of(network)
    return abstractor, seen_in(network.reset())


def test_the_code_stands_behind_the_other_context(moment):
    abstractor, seen = moment
    encoder = pretrained_bitmaps().encoder
    plain, coded = abstractor.abstract(seen), CodedContext(abstractor, encoder, 6).abstract(seen)
    width = plain.context.shape[1]
    np.testing.assert_array_equal(coded.context[:, :width], plain.context)
    code = last_of_context(32)(coded, 6)
    np.testing.assert_allclose(code, code_of_context(encoder, muting_context(plain, 6)), atol=1e-4)
    np.testing.assert_array_equal(coded.efficiency, plain.efficiency)


def test_a_row_of_a_batch_is_coded_by_itself(moment):
    abstractor, seen = moment
    context = muting_context(abstractor.abstract(seen), 6)
    encoder = pretrained_bitmaps().encoder.double()
    alone = np.concatenate([code_of_context(encoder, context[row : row + 1]) for row in range(3)])
    np.testing.assert_allclose(code_of_context(encoder, context), alone, atol=1e-12)


def test_more_latents_bring_more_of_the_context_back():
    context = stream(0, "contexts").normal(size=(200, 4)) @ stream(0, "mix").normal(size=(4, 12))

    def left(n_latent):
        vae = start_vae(context[:, None], VaeConfig(n_latent=n_latent), generator=torch_stream(0, "vae"))
        code = code_of_context(vae, context)
        found = vae.decode(torch.from_numpy(code).float()).detach().numpy()[:, 0]
        return ((found - context) ** 2).mean() / context.var()

    assert left(4) < 0.1 < left(2)


def test_another_encoder_and_a_missing_code_are_refused(moment):
    abstractor, seen = moment
    windows = VariationalAutoencoder(20, 6, generator=torch_stream(0, "vae"))
    with pytest.raises(ValueError, match="vae must read windows of one slot, got 20"):
        CodedContext(abstractor, windows, 6)
    with pytest.raises(ValueError, match=r"features.context must hold 99 numbers or more.*put CodedContext"):
        last_of_context(99)(abstractor.abstract(seen), 6)
