"""Closed forms of what a layer computes, in floating-point operations (FLOPs): one multiply-add counts as two.

    linear                 2 rows in out
    convolution            2 pixels (in / groups) kernel out                 pixels of the output; of the input if transposed
    attention              4 queries keys width                              queries times keys, and weights times values
    LSTM, GRU, plain RNN   2 slots gates hidden (in + hidden)                4, 3 and 1 gates
    embedding              0                                                 a table is looked up, nothing is multiplied
    inverse of n x n       2 n^3                                             by elimination

Only products are counted. Additions of biases, norms, activations, softmax, pooling, copies and look-ups are left out: they
take of the order of one operation per number, where a product takes as many as a layer is wide. Masks do not make a product
smaller, since the kernels of the book compute what is masked, too.

Sources: the convention is that of torch's `FlopCounterMode`; 2 n^3 is Golub and Van Loan 2013, sec. 3.4. The paper names
"PFlops" and "TFlops" per model without saying of which use of it (Table 1).
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from torch import Tensor, nn

from gdt_tutorial.configuration import require
from gdt_tutorial.gai.transformer import MultiHeadAttention

__all__ = [
    "LAYER_FLOPS",
    "PRODUCT_FLOPS",
    "LayerFlops",
    "ProductFlops",
    "attention_flops",
    "convolution_flops",
    "inverse_flops",
    "linear_flops",
    "multi_head_flops",
    "recurrent_flops",
]

LayerFlops = Callable[[Any, Sequence[Any], Any], int]
"""From a layer, what it was called with, and what it returned, to its FLOPs."""
ProductFlops = Callable[[Sequence[Any], Any], int]
"""From the arguments of one of torch's operators, and what it returned, to its FLOPs."""

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def linear_flops(n_inputs: int, n_outputs: int, n_rows: int = 1) -> int:
    """Return the FLOPs of a matrix times so many rows."""
    return 2 * n_rows * n_inputs * n_outputs


def convolution_flops(n_pixels: int, n_inputs: int, n_outputs: int, n_kernel: int, n_groups: int = 1) -> int:
    """Return the FLOPs of a convolution.

    Args:
        n_pixels: Places at which the kernel is laid: of the output, or of the input where transposed.
        n_inputs: Planes that come in.
        n_outputs: Planes that go out.
        n_kernel: Entries of the kernel, such as 9 for 3 x 3.
        n_groups: Shares of the planes that do not see each other.
    """
    return 2 * n_pixels * (n_inputs // n_groups) * n_kernel * n_outputs


def attention_flops(n_queries: int, n_keys: int, n_model: int) -> int:
    """Return the FLOPs of queries times keys and of weights times values; heads share the width, so they do not matter."""
    return 4 * n_queries * n_keys * n_model


def multi_head_flops(n_queries: int, n_keys: int, n_model: int, n_other: int | None = None) -> int:
    """Return the FLOPs of attention with its four projections.

    Args:
        n_queries: Tokens that look.
        n_keys: Tokens that are looked at.
        n_model: Width.
        n_other: Width of the tokens that are looked at; `n_model` where left out.
    """
    own, other = 2 * n_model * n_model * n_queries, 2 * (n_model if n_other is None else n_other) * n_model * n_keys
    return 2 * own + 2 * other + attention_flops(n_queries, n_keys, n_model)


def recurrent_flops(n_gates: int, n_inputs: int, n_hidden: int, n_slots: int = 1, n_projected: int = 0) -> int:
    """Return the FLOPs of one recurrent layer in one direction.

    Args:
        n_gates: 4 for an LSTM, 3 for a gated recurrent unit, 1 for a plain layer.
        n_inputs: Numbers that come in per slot.
        n_hidden: Cells.
        n_slots: How often the cell is called.
        n_projected: Numbers that the cells are projected to before they return; 0 where they are not.
    """
    n_back = n_projected or n_hidden
    return 2 * n_slots * (n_gates * n_hidden * (n_inputs + n_back) + n_hidden * n_projected)


def inverse_flops(n_rows: int) -> int:
    """Return the FLOPs of the inverse of a square matrix."""
    return 2 * n_rows**3


def _of_linear(layer: nn.Linear, inputs: Sequence[Any], output: Tensor) -> int:
    return linear_flops(layer.in_features, layer.out_features, output.numel() // layer.out_features)


def _of_convolution(layer: nn.modules.conv._ConvNd, inputs: Sequence[Any], output: Tensor) -> int:
    planes, image = (layer.in_channels, inputs[0]) if layer.transposed else (layer.out_channels, output)
    n_kernel = prod(layer.kernel_size)
    return convolution_flops(image.numel() // planes, layer.in_channels, layer.out_channels, n_kernel, layer.groups)


def _of_recurrent(layer: nn.RNNBase, inputs: Sequence[Any], output: Any) -> int:
    is_tensor = isinstance(inputs[0], Tensor)
    remedy = "pass a padded tensor; what is padded is computed, too"
    require(is_tensor, f"input of {layer.mode}", "be a tensor", type(inputs[0]).__name__, remedy)
    n_slots, n_gates = inputs[0].numel() // layer.input_size, _GATES[layer.mode]
    n_directions, n_back = 1 + layer.bidirectional, layer.proj_size or layer.hidden_size
    widths = [layer.input_size] + [n_directions * n_back] * (layer.num_layers - 1)
    each = [recurrent_flops(n_gates, width, layer.hidden_size, n_slots, layer.proj_size) for width in widths]
    return n_directions * sum(each)


def _of_cell(layer: nn.RNNCellBase, inputs: Sequence[Any], output: Any) -> int:
    n_rows, n_gates = inputs[0].numel() // layer.input_size, layer.weight_hh.shape[0] // layer.hidden_size
    return recurrent_flops(n_gates, layer.input_size, layer.hidden_size, n_rows)


def _of_attention(layer: nn.MultiheadAttention, inputs: Sequence[Any], output: Any) -> int:
    query, key = inputs[0], inputs[1]
    token = 1 if layer.batch_first and query.dim() == 3 else 0
    n_batch = query.shape[1 - token] if query.dim() == 3 else 1
    n_queries, n_keys, n_model = query.shape[token], key.shape[token], layer.embed_dim
    projected = 2 * n_model * (2 * n_model * n_queries + (layer.kdim + layer.vdim) * n_keys)
    n_added = (layer.bias_k is not None) + layer.add_zero_attn  # keys that are not projected
    return n_batch * (projected + attention_flops(n_queries, n_keys + n_added, n_model))


def _of_own_attention(layer: MultiHeadAttention, inputs: Sequence[Any], output: Any) -> int:
    x, past = inputs[0], inputs[3] if len(inputs) > 3 else None
    other = x if len(inputs) < 2 or inputs[1] is None else inputs[1]
    n_batch, n_queries, n_model = x.shape
    n_new, n_past = other.shape[1], 0 if past is None else past.key.shape[2]
    once = multi_head_flops(n_queries, n_new, n_model, layer.key.in_features)
    return n_batch * (once + attention_flops(n_queries, n_past, n_model))


def _none(layer: nn.Module, inputs: Sequence[Any], output: Any) -> int:
    return 0


# Closed forms of layers by their class. What stands inside of such a layer is part of it.
LAYER_FLOPS: Mapping[type[nn.Module], LayerFlops] = {
    nn.Linear: _of_linear,
    **dict.fromkeys((nn.Conv1d, nn.Conv2d, nn.Conv3d), _of_convolution),
    **dict.fromkeys((nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), _of_convolution),
    **dict.fromkeys((nn.LSTM, nn.GRU, nn.RNN), _of_recurrent),
    **dict.fromkeys((nn.LSTMCell, nn.GRUCell, nn.RNNCell), _of_cell),
    nn.MultiheadAttention: _of_attention,
    MultiHeadAttention: _of_own_attention,
    nn.Embedding: _none,
}


def _of_product(arguments: Sequence[Any], output: Tensor) -> int:
    left = arguments[-2]  # of `a @ b`, and of `bias + a @ b`
    return 2 * output.numel() * left.shape[-1]


def _of_dot(arguments: Sequence[Any], output: Tensor) -> int:
    return 2 * arguments[0].numel()


def _of_kernel(arguments: Sequence[Any], output: Tensor) -> int:
    image, weight, is_transposed = arguments[0], arguments[1], arguments[6]
    # A weight is (out, in / groups, kernel); of a transposed one (in, out / groups, kernel), laid at the input's pixels.
    places = image if is_transposed else output
    return 2 * places.numel() * prod(weight.shape[1:])


def _of_fused_attention(arguments: Sequence[Any], output: Any) -> int:
    query, key, value = arguments[:3]
    return 2 * prod(query.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1])


def _of_inverse(arguments: Sequence[Any], output: Any) -> int:
    n_rows = arguments[0].shape[-1]
    return inverse_flops(n_rows) * (arguments[0].numel() // n_rows**2)


# Closed forms of torch's operators, for products that a model computes outside of any layer.
PRODUCT_FLOPS: Mapping[str, ProductFlops] = {
    **dict.fromkeys(("mm", "bmm", "mv", "addmm", "baddbmm", "addmv"), _of_product),
    **dict.fromkeys(("dot", "vdot"), _of_dot),
    "convolution": _of_kernel,
    "_scaled_dot_product_flash_attention_for_cpu": _of_fused_attention,
    "linalg_inv_ex": _of_inverse,
}
