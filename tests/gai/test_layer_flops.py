"""Closed forms of FLOPs: equal to torch's counter where it counts, and to a count by hand where it counts nothing."""

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from torch.nn.utils.rnn import pack_sequence
from torch.utils.flop_counter import FlopCounterMode

from gdt_tutorial.gai.footprint import footprint
from gdt_tutorial.gai.layer_flops import (
    attention_flops,
    convolution_flops,
    inverse_flops,
    linear_flops,
    multi_head_flops,
    recurrent_flops,
)
from gdt_tutorial.gai.series_networks import SeriesLstm
from gdt_tutorial.gai.transformer import MultiHeadAttention
from gdt_tutorial.seeding import torch_seeded, torch_stream


@pytest.fixture(autouse=True)
def _first_weights():
    """Layers draw their first weights from the global state."""
    with torch_seeded(torch_stream(0)):
        yield


def counted(call):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        call()
    return counter.get_total_flops()


def test_a_layer_by_hand():
    assert linear_flops(3, 4, n_rows=5) == 5 * 4 * 3 * 2
    assert convolution_flops(32 * 32, 7, 24, 9) == 32 * 32 * 24 * (7 * 9) * 2
    assert attention_flops(5, 6, 8) == 2 * (5 * 6 * 8) + 2 * (5 * 6 * 8)
    assert inverse_flops(16) == 8192


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: nn.Linear(3, 4), (2, 5, 3)),
        (lambda: nn.Linear(3, 4, bias=False), (5, 3)),
        (lambda: nn.Conv1d(3, 4, 3, padding=1), (2, 3, 9)),
        (lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1), (2, 4, 8, 8)),
        (lambda: nn.Conv2d(4, 6, (1, 3), groups=2), (2, 4, 8, 8)),
        (lambda: nn.Conv2d(4, 4, 3, groups=4, dilation=2), (1, 4, 8, 8)),
        (lambda: nn.Conv3d(2, 3, 2), (1, 2, 4, 4, 4)),
        (lambda: nn.ConvTranspose1d(3, 4, 2, stride=2), (2, 3, 9)),
        (lambda: nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1, groups=2), (2, 4, 5, 5)),
        (lambda: nn.GRU(3, 4, num_layers=2, bidirectional=True), (5, 2, 3)),
        (lambda: nn.RNN(3, 4), (5, 2, 3)),
        (lambda: nn.LSTMCell(3, 4), (2, 3)),
        (lambda: nn.GRUCell(3, 4), (2, 3)),
        (lambda: nn.RNNCell(3, 4), (2, 3)),
    ],
)
def test_closed_form_equals_the_counter(make, shape):
    layer, x = make(), torch.ones(shape)
    (row,) = footprint(layer, x).layers
    assert row.n_flops == row.n_counted == counted(lambda: layer(x)) > 0
    assert row.n_parameters == sum(each.numel() for each in layer.parameters())


def test_look_ups_norms_and_activations_are_free():
    model = nn.Sequential(nn.Embedding(9, 4), nn.LayerNorm(4), nn.GELU(), nn.Dropout(0.5), nn.Softmax(-1))
    used = footprint(model, torch.zeros(2, 5, dtype=torch.long))
    assert used.n_flops == 0
    assert [row.kind for row in used.layers] == ["Embedding"]


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}, {"proj_size": 2}])
def test_lstm_equals_what_the_counter_says_of_the_kernel_that_is_not_fused(options):
    layer, x = nn.LSTM(3, 4, **options), torch.ones(5, 2, 3)
    whole = footprint(layer, x).n_flops
    layer, x = layer.double(), x.double()
    assert whole == counted(lambda: layer(x)) > 0


def test_lstm_equals_its_cell_written_as_linear_layers():
    n_slots, n_inputs, n_hidden = 7, 6, 16
    reads, recalls = nn.Linear(n_inputs, 4 * n_hidden), nn.Linear(n_hidden, 4 * n_hidden)

    def unrolled():
        hidden = cell = torch.zeros(1, n_hidden)
        for x in torch.ones(n_slots, 1, n_inputs):
            keep, write, show, new = (reads(x) + recalls(hidden)).chunk(4, dim=1)
            cell = keep.sigmoid() * cell + write.sigmoid() * new.tanh()
            hidden = show.sigmoid() * cell.tanh()

    layer, x = nn.LSTM(n_inputs, n_hidden), torch.ones(n_slots, 1, n_inputs)
    (row,) = footprint(layer, x).layers
    assert row.n_flops == counted(unrolled) == recurrent_flops(4, n_inputs, n_hidden, n_slots)
    assert row.n_counted == 0


def test_torch_counter_is_silent_about_lstm():
    model, series = SeriesLstm(6, generator=torch_stream(0)), torch.ones(1, 96, 6)
    used = footprint(model, series)
    assert used.n_parameters == 18_822
    assert used.n_flops == 3_514_368
    assert counted(lambda: model(series)) == 73_728  # the head alone


@pytest.mark.parametrize("n_other", [None, 6])
def test_own_attention_equals_the_counter(n_other):
    layer = MultiHeadAttention(8, 2, n_other)
    x, other = torch.ones(3, 5, 8), None if n_other is None else torch.ones(3, 4, n_other)
    (row,) = footprint(layer, x, other).layers
    n_keys = 5 if other is None else 4
    assert row.n_flops == row.n_counted == 3 * multi_head_flops(5, n_keys, 8, n_other)
    assert row.n_flops == counted(lambda: layer(x, other))


def test_own_attention_goes_on_from_its_past():
    layer = MultiHeadAttention(8, 2)
    past = layer(torch.ones(3, 5, 8))[2]
    (row,) = footprint(layer, torch.ones(3, 1, 8), None, None, past).layers
    assert row.n_flops == row.n_counted == 3 * (multi_head_flops(1, 1, 8) + attention_flops(1, 5, 8))


@pytest.mark.parametrize("options", [{}, {"batch_first": True}, {"kdim": 6, "vdim": 4}, {"add_bias_kv": True}])
def test_torch_attention_equals_the_counter_in_training(options):
    layer = nn.MultiheadAttention(8, 2, **options)
    query, key, value = torch.ones(5, 3, 8), torch.ones(5, 3, layer.kdim), torch.ones(5, 3, layer.vdim)
    (row,) = footprint(layer, query, key, value).layers
    with FlopCounterMode(display=False) as counter:
        layer(query, key, value)  # weights are asked for, so that nothing is fused
    assert row.n_flops == counter.get_total_flops() > 0


def test_torch_counter_is_silent_about_attention():
    layer, x = nn.MultiheadAttention(8, 2, batch_first=True).eval(), torch.ones(3, 5, 8)
    assert counted(lambda: layer(x, x, x, need_weights=False)) == 0
    used = footprint(layer, x, x, x, call=lambda *parts: layer(*parts, need_weights=False))
    assert used.n_flops == 3 * multi_head_flops(5, 5, 8)
    q = torch.ones(3, 2, 5, 4)
    assert counted(lambda: scaled_dot_product_attention(q, q, q)) == 0
    used = footprint(nn.Identity(), q, q, q, call=scaled_dot_product_attention)
    assert used.n_flops == 3 * attention_flops(5, 5, 8)


def test_torch_counter_is_silent_about_an_encoder_layer_in_evaluation():
    layer, x = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval(), torch.ones(3, 5, 8)
    assert counted(lambda: layer(x)) == 0
    used = footprint(layer, x)
    assert used.n_flops == 3 * (multi_head_flops(5, 5, 8) + 2 * linear_flops(8, 16, 5))
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_the_mode_around_it_changes_nothing(mode):
    layer = nn.Linear(3, 4)
    with mode():
        assert footprint(layer, torch.ones(2, 3)).n_flops == 48


def test_products_outside_of_layers():
    a, b = torch.ones(3, 4), torch.ones(4, 5)
    for call, n_flops in (
        (lambda a, b: a @ b, 120),
        (lambda a, b: a @ b[:, 0], 24),
        (lambda a, b: a[0] @ b[:, 0], 8),
        (lambda a, b: torch.einsum("ij,jk->ki", a, b), 120),
        (lambda a, b: torch.linalg.inv(b[:, :4] + torch.eye(4)), 128),
        (lambda a, b: torch.nn.functional.conv1d(a[None], torch.ones(2, 3, 3)), 2 * 2 * 2 * 9),
        (lambda a, b: torch.nn.functional.conv_transpose1d(a[None], torch.ones(3, 2, 3)), 2 * 12 * 2 * 3),
    ):
        assert footprint(nn.Identity(), a, b, call=call).n_flops == n_flops


def test_packed_sequences_are_refused():
    layer = nn.LSTM(3, 4)
    with pytest.raises(ValueError, match="input of LSTM must be a tensor, got 'PackedSequence'; pass a padded tensor"):
        footprint(layer, pack_sequence([torch.ones(5, 3), torch.ones(2, 3)]))
