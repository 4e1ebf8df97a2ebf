"""Footprints: bytes by hand, what a cut has to send, models of the book, growth with width, and bad input."""

import re

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gdt_tutorial import checkpoints
from gdt_tutorial.agents.actor_critic import CategoricalActorCritic, GaussianActorCritic
from gdt_tutorial.agents.branching import BranchingNetwork
from gdt_tutorial.agents.ddpg import Actor, Critic
from gdt_tutorial.agents.ddqn import QNetwork
from gdt_tutorial.gai.demonstrations import Demonstrations
from gdt_tutorial.gai.denoiser import Denoiser
from gdt_tutorial.gai.event_attention import EventAttention
from gdt_tutorial.gai.footprint import EnergyConfig, computing_s, file_byte, footprint, latency_s
from gdt_tutorial.gai.gail_discriminator import Discriminator
from gdt_tutorial.gai.gan import PatchDiscriminator
from gdt_tutorial.gai.language_model import CausalTransformer
from gdt_tutorial.gai.layer_flops import linear_flops, multi_head_flops
from gdt_tutorial.gai.series_networks import SeriesTransformer
from gdt_tutorial.gai.transformer import TransformerConfig
from gdt_tutorial.gai.unet import ResidualUNet
from gdt_tutorial.gai.vae import VariationalAutoencoder
from gdt_tutorial.seeding import torch_seeded, torch_stream


@pytest.fixture(autouse=True)
def _first_weights():
    """Layers draw their first weights from the global state."""
    with torch_seeded(torch_stream(0)):
        yield


def chain():
    return nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))


def unet(width=4):
    model = ResidualUNet(2, 1, width, generator=torch_stream(0))
    return model, (torch.ones(1, 2, 8, 8), torch.ones(1, 8, 8), torch.ones(1, 1, 8, 8))


def test_a_chain_by_hand():
    used = footprint(chain(), torch.ones(10, 3))
    first, second = used.layers
    assert (first.name, first.kind, first.n_parameters, first.state_byte) == ("0", "Linear", 20, 80)
    assert (first.n_flops, second.n_flops) == (2 * 10 * 15, 2 * 10 * 10)
    assert used.n_flops == 500
    assert used.n_parameters == 32
    assert used.state_byte == 128
    # Behind each layer its output alone is needed; at most 5 + 5 numbers per row are there at a time, around the ReLU.
    assert [row.live_byte for row in used.layers] == [row.output_byte for row in used.layers] == [200, 80]
    assert used.peak_byte == 400
    assert used.memory_byte == 528


def test_live_bytes_are_what_the_rest_of_the_model_needs():
    # The bridges of a U-Net wait for the way up, and the base and the noise for what reads them.
    model, inputs = unet()
    rows = {row.name: row for row in footprint(model, *inputs).layers}
    bridge_fine, bridge_middle, base = 4 * 64 * 4, 8 * 16 * 4, 64 * 4
    assert rows["fine.0"].output_byte == bridge_fine
    assert rows["fine.0"].live_byte == bridge_fine + base
    assert rows["middle.0"].live_byte == bridge_fine + bridge_middle + base
    assert rows["coarse.2"].live_byte == 8 * 4 * 4 + bridge_fine + bridge_middle + base
    assert rows["middle_up.0"].live_byte == 4 * 16 * 4 + bridge_fine + base
    assert rows["head"].live_byte == 64 * 4 + base


def test_a_layer_that_is_called_twice_has_two_rows():
    layer = nn.Linear(3, 3)
    used = footprint(layer, torch.ones(1, 3), call=lambda x: layer(layer(x)))
    assert [row.n_flops for row in used.layers] == [18, 18]
    assert used.n_parameters == 12


def test_file_has_the_bytes_of_its_checkpoint(tmp_path):
    model = chain()
    checkpoints.save(model, tmp_path / "chain.safetensors", {})
    metadata = len('"__metadata__":{"config":"{}"},')
    assert abs((tmp_path / "chain.safetensors").stat().st_size - metadata - file_byte(model)) < 8  # padded to eight
    assert file_byte(model) - file_byte(model, torch.float16) == pytest.approx(2 * 32, abs=8)


def test_numbers_that_are_no_floats_stay_as_they_are():
    model = nn.BatchNorm1d(3)
    assert file_byte(model, torch.float16) == pytest.approx(file_byte(model) - 2 * 12, abs=8)


def models():
    generator = torch_stream(0)
    image, inputs = unet()
    judge = PatchDiscriminator(image, 6, generator=generator)
    mask = torch.ones(1, 8, 8, dtype=torch.bool)
    vae = VariationalAutoencoder(5, 3, generator=generator)
    denoiser = Denoiser(2, 3, 1, generator=generator)
    asked = torch.ones(1, 2), torch.tensor([3]), torch.ones(1, 3), torch.ones(1, 1)
    tokens = torch.zeros(1, 7, dtype=torch.long)
    return {
        "unet": (image, inputs, None),
        "judge": (judge, (inputs[0], inputs[1], inputs[1], mask), None),
        "vae": (vae, (torch.ones(1, 5, 3), torch.ones(1, 5, 3, dtype=torch.bool)), vae.encode),
        "denoiser": (denoiser, asked, denoiser.guess),
        "language": (CausalTransformer(11, generator=generator), (tokens,), None),
        "series": (SeriesTransformer(6, generator=generator), (torch.ones(1, 9, 6),), None),
    }


@pytest.mark.parametrize("name", ["unet", "judge", "vae", "denoiser", "language", "series"])
def test_models_of_the_book_equal_the_counter(name):
    model, inputs, call = models()[name]
    used = footprint(model, *inputs, call=call)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        (call or model)(*inputs)
    unseen = sum(row.n_flops for row in used.layers if row.kind in ("linalg_inv_ex", "mv"))
    assert used.n_flops - unseen == counter.get_total_flops() > 0


def agents():
    generator = torch_stream(0)
    state, mask, action = torch.ones(3, 5), torch.ones(3, 4, dtype=torch.bool), torch.ones(3, 2)
    shown = Demonstrations(torch.eye(5)[:3], torch.tensor([0, 1, 2]))
    return {
        "double DQN": (QNetwork(5, 4, generator=generator), (state, mask)),
        "branching": (BranchingNetwork(5, (4, 4), generator=generator), (state, mask[:, None].expand(3, 2, 4))),
        "actor": (Actor(5, 2, generator=generator), (state,)),
        "critic": (Critic(5, 2, generator=generator), (state, action)),
        "choices": (CategoricalActorCritic(5, 4, generator=generator), (state, mask)),
        "numbers": (GaussianActorCritic(5, 2, generator=generator), (state, action == 1)),
        "discriminator": (Discriminator(shown, 4, generator=generator), (state, mask.float())),
    }


@pytest.mark.parametrize("name", ["double DQN", "branching", "actor", "critic", "choices", "numbers", "discriminator"])
def test_agents_equal_the_counter(name):
    model, inputs = agents()[name]
    used = footprint(model, *inputs)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(*inputs)
    assert used.n_flops == counter.get_total_flops() > 0
    assert sum(row.n_parameters for row in used.layers) <= used.n_parameters


def test_guidance_asks_twice():
    model = Denoiser(2, 3, 1, generator=torch_stream(0))
    asked = torch.ones(1, 2), torch.tensor([3]), torch.ones(1, 3), torch.ones(1, 1)
    plain, guided = (footprint(model, *asked, call=lambda *x, g=g: model.guess(*x, g)).n_flops for g in (1.0, 1.5))
    assert guided == 2 * plain


def test_event_attention_counts_matrix_times_vector():
    used = footprint(EventAttention(), torch.ones(1, 96, 6))
    kinds = {row.kind: row.n_flops for row in used.layers}
    assert kinds["mv"] == 2 * 96 * 6 * 24


def test_tied_weights_are_read_by_the_product_and_counted_once():
    model = CausalTransformer(11, TransformerConfig(n_layers=1), generator=torch_stream(0))
    used = footprint(model, torch.zeros(1, 7, dtype=torch.long))
    last = used.layers[-1]
    assert (last.kind, last.n_parameters, last.n_flops) == ("mm", 11 * 32, 2 * 7 * 11 * 32)
    assert used.n_parameters == sum(each.numel() for each in model.parameters())


def test_a_transformer_by_hand():
    model = CausalTransformer(110, generator=torch_stream(0))
    used = footprint(model, torch.zeros(1, 64, dtype=torch.long))
    perceptron, attention = 2 * linear_flops(32, 128, 64), multi_head_flops(64, 64, 32)
    assert used.n_flops == 2 * (perceptron + attention) + linear_flops(32, 110, 64) == 4_644_864


def test_twice_as_wide_costs_what_the_formula_says():
    def perceptron(width):
        return nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))

    for width in (16, 32, 64):
        used = footprint(perceptron(width), torch.ones(1, 6))
        assert used.n_parameters == width**2 + (6 + 1 + 1 + 2) * width + 2
        assert used.n_flops == 2 * (width**2 + 8 * width)
    wide = [footprint(perceptron(width), torch.ones(1, 6)) for width in (512, 1024)]
    assert wide[1].n_parameters / wide[0].n_parameters == pytest.approx(4, rel=0.02)

    for width in (4, 8, 16):
        model, inputs = unet(width)
        weights = 9 * (3 * width + 2 * width**2 + 2 * 4 * width**2 + 4 * width**2 + 2 * width**2) + width
        assert footprint(model, *inputs).n_parameters == weights + 9 * width + 1
        fine, middle, coarse = 64, 16, 4  # pixels of the three levels
        products = 9 * (fine * 3 * width + middle * 2 * width**2 + coarse * 8 * width**2 + middle * 4 * width**2)
        products += 9 * fine * 2 * width**2 + fine * width
        assert footprint(model, *inputs).n_flops == 2 * products


def test_twice_as_deep_costs_twice_the_blocks():
    def used(n_layers):
        config = TransformerConfig(n_layers=n_layers)
        return footprint(SeriesTransformer(6, config, generator=torch_stream(0)), torch.ones(1, 9, 6))

    one, two, four = used(1), used(2), used(4)
    assert four.n_flops - two.n_flops == 2 * (two.n_flops - one.n_flops)
    assert four.n_parameters - two.n_parameters == 2 * (two.n_parameters - one.n_parameters)


def test_the_model_stays_as_it_is():
    model = chain().train()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    footprint(model, torch.ones(10, 3))
    assert model.training
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_own_layers_get_their_closed_form():
    class Spectrum(nn.Module):
        def forward(self, x):
            return torch.fft.rfft(x).abs()

    model = nn.Sequential(nn.Linear(3, 8), Spectrum())
    with pytest.raises(
        ValueError,
        match="operators outside of layers must have closed forms, got '_fft_r2c'; "
        "pass layer_flops for the module around it",
    ):
        footprint(model, torch.ones(1, 3))
    assert not any(module._forward_hooks for module in model.modules())
    known = {Spectrum: lambda layer, inputs, output: 120}
    assert [row.n_flops for row in footprint(model, torch.ones(1, 3), layer_flops=known).layers] == [48, 120]


def test_a_wrong_closed_form_is_refused():
    wrong = {nn.Linear: lambda layer, inputs, output: 7}
    rule = r"closed form of 0 (Linear) must be 300, as its operators say, got 7; correct it in layer_flops"
    with pytest.raises(ValueError, match=re.escape(rule)):
        footprint(chain(), torch.ones(10, 3), layer_flops=wrong)


def test_seconds_and_joules_by_hand():
    assert computing_s(1e12, 8e9) == 12.5
    assert computing_s(2e15, 8e9) / 3600 == pytest.approx(6.944, abs=1e-3)
    used = footprint(chain(), torch.ones(10, 3))
    assert EnergyConfig().energy_j(used.n_flops, used.state_byte) == pytest.approx(250 * 4.6e-12 + 128 * 1.625e-10)


def test_latency_orders_minimum_and_median():
    calls = []
    found = latency_s(lambda: calls.append(torch.is_grad_enabled()), n_repetitions=5, n_warm_up=2)
    assert 0 <= found.minimum_s <= found.median_s
    assert calls == [False] * 7


def test_bad_input():
    with pytest.raises(ValueError, match="n_repetitions must be above 0, got 0; measure it once at least"):
        latency_s(lambda: None, n_repetitions=0)
    with pytest.raises(ValueError, match="computing_cycles_per_s must be above 0, got 0.0; a machine without it"):
        computing_s(1.0, 0.0)
    with pytest.raises(ValueError, match="flops_per_cycle must be above 0, got 0.0; a machine without it"):
        computing_s(1.0, 1e9, 0.0)
