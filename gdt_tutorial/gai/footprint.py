"""What one use of a model takes: numbers to store, bytes to hold, operations to compute, and what they cost.

"The large GAI model size poses a challenge for effective model storage and retrieval [...] substantial computing resources,
which leads to increased latency and higher energy consumption" (the paper, Massive Caching and Computing Overhead; its Table 1
lists storage and computing of four kinds of model). `footprint` runs a model once and writes down, layer by layer in the
order of the calls,

    FLOPs       by the closed form of the layer (`layer_flops`), one multiply-add = 2
    output      bytes that the layer returns
    live        bytes that are computed and still needed: what a cut behind the layer has to send

Hooks find the layers, and a dispatch mode sees every operator between them. So a product that stands outside of any layer is
counted as a row of its own, an operator without a closed form raises, and a closed form is held against what the operators
inside of its layer say. That is where torch's own `FlopCounterMode` is silent: on the CPU it counts 0 for
`scaled_dot_product_attention`, `nn.LSTM`, `nn.MultiheadAttention` and the encoder layer in evaluation mode, and for a matrix
times a vector.

Energy and seconds of a machine are computed by `EnergyConfig` and `computing_s`, and never measured here. How long our own
code takes is measured by `latency_s`, on the machine at hand.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from safetensors.torch import save as safetensors_bytes
from torch import nn

from gdt_tutorial.configuration import configclass, parameter, require, require_counts
from gdt_tutorial.gai.layer_flops import LAYER_FLOPS, LayerFlops
from gdt_tutorial.gai.operator_trace import OperatorTrace

__all__ = [
    "EnergyConfig",
    "Footprint",
    "Latency",
    "LayerFootprint",
    "computing_s",
    "file_byte",
    "footprint",
    "latency_s",
]


class LayerFootprint(NamedTuple):
    """One call of a layer, or one product outside of all layers.

    Attributes:
        name: Of the layer; of the module around it, for a product.
        kind: Class of the layer, or name of the operator.
        n_parameters: Numbers that it reads of the model, learned or not.
        state_byte: The same in bytes.
        n_flops: By closed form.
        n_counted: As the operators inside say; 0 where they are fused into one that does not.
        output_byte: Bytes that it returns.
        live_byte: Bytes that are there when it has returned and are still needed, its output among them.
    """

    name: str
    kind: str
    n_parameters: int
    state_byte: int
    n_flops: int
    n_counted: int
    output_byte: int
    live_byte: int


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """What one use of a model takes.

    Args:
        layers: Calls in their order; a layer that is called twice has two rows.
        n_parameters: Learned numbers.
        state_byte: Bytes of parameters and buffers in memory.
        peak_byte: Most bytes that inputs and intermediate results take at a time, when each is dropped after its last use.
            Scratch memory inside of an operator is not known.
    """

    layers: tuple[LayerFootprint, ...]
    n_parameters: int
    state_byte: int
    peak_byte: int

    @property
    def n_flops(self) -> int:
        """FLOPs of all calls."""
        return sum(layer.n_flops for layer in self.layers)

    @property
    def memory_byte(self) -> int:
        """Bytes that a machine needs to run it: state, and intermediate results at their peak."""
        return self.state_byte + self.peak_byte


@torch.no_grad()
def footprint(
    model: nn.Module,
    *inputs: Any,
    call: Callable[..., object] | None = None,
    layer_flops: Mapping[type[nn.Module], LayerFlops] | None = None,
) -> Footprint:
    """Run a model once, without gradients, and return what that takes.

    Args:
        model: As it is; neither its weights nor its mode change.
        *inputs: What it is called with.
        call: What one use is, such as `model.encode`; the model itself where left out.
        layer_flops: Closed forms of further classes of layers, or others for those that are known.

    Raises:
        ValueError: An operator outside of all layers that has no closed form, or a closed form that its operators contradict.
    """
    known = {**LAYER_FLOPS, **(layer_flops or {})}
    trace = OperatorTrace(model, known)
    # In evaluation mode an encoder layer would otherwise skip the layers that it consists of.
    is_fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.inference_mode(False), torch.no_grad(), trace:
            trace.finish((model if call is None else call)(*inputs))
    finally:
        torch.backends.mha.set_fastpath_enabled(is_fast)
    rows = [(row, trace.live_byte(row.n_steps)) for row in trace.rows]
    layers = [
        LayerFootprint(
            name=row.name,
            kind=row.kind,
            n_parameters=row.n_parameters,
            state_byte=row.state_byte,
            n_flops=row.n_flops,
            n_counted=row.n_counted,
            output_byte=row.output_byte,
            live_byte=live_byte,
        )
        for row, live_byte in rows
    ]
    state = [*model.parameters(), *model.buffers()]
    return Footprint(
        layers=tuple(layers),
        n_parameters=sum(each.numel() for each in model.parameters()),
        state_byte=sum(each.nbytes for each in state),
        peak_byte=trace.peak_byte(),
    )


def file_byte(model: nn.Module, dtype: torch.dtype | None = None) -> int:
    """Return the size of a model's safetensors file, with its numbers as they are or in another precision.

    The few bytes of a config, which a checkpoint of the book carries as well, are not in it.
    """
    weights = {name: weight.detach().clone() for name, weight in model.state_dict().items()}
    if dtype is not None:
        weights = {name: weight.to(dtype) if weight.is_floating_point() else weight for name, weight in weights.items()}
    return len(safetensors_bytes(weights))


class Latency(NamedTuple):
    """Seconds of the repetitions: the fastest, which noise can only raise, and the middle one."""

    minimum_s: float
    median_s: float


def latency_s(call: Callable[[], object], n_repetitions: int = 20, n_warm_up: int = 3) -> Latency:
    """Measure how long a call takes on this machine: CPU time of one thread, without gradients.

    Args:
        call: What is measured.
        n_repetitions: Of it.
        n_warm_up: Calls before, which are not counted.

    Raises:
        ValueError: No repetition.
    """
    require_counts("measure it once at least", n_repetitions=n_repetitions)
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seconds = []
        with torch.no_grad():
            for _ in range(n_warm_up + n_repetitions):
                before_s = time.process_time()
                call()
                seconds.append(time.process_time() - before_s)
    finally:
        torch.set_num_threads(n_threads)
    return Latency(min(seconds[n_warm_up:]), statistics.median(seconds[n_warm_up:]))


def computing_s(n_flops: int | float, computing_cycles_per_s: int | float, flops_per_cycle: int | float = 10) -> float:
    """Return the seconds that a processor of so many cycles per second needs for so many FLOPs.

    Args:
        n_flops: Of one use or several.
        computing_cycles_per_s: Of the whole machine.
        flops_per_cycle: Chosen: a core with vectors of eight numbers reaches 16 or 32 on paper, and some 10 on small layers.

    Raises:
        ValueError: A rate that is not above 0.
    """
    for name, value in (("computing_cycles_per_s", computing_cycles_per_s), ("flops_per_cycle", flops_per_cycle)):
        require(value > 0, name, "be above 0", value, "a machine without it never ends")
    return n_flops / (computing_cycles_per_s * flops_per_cycle)


@configclass
class EnergyConfig:
    """Energy of one use by counts: operations, and parameters that are fetched once from memory. Computed, not measured.

    Intermediate results are taken to stay in the cache, and everything but these two is left out, so it is a lower bound for
    the silicon of its source (45 nm).
    """

    multiply_add_j: float = parameter(
        4.6e-12, "Energy of a multiplication and an addition of 32 bits.", "Horowitz 2014: 3.7 pJ and 0.9 pJ", above=0
    )
    fetched_byte_j: float = parameter(
        1.3e-9 / 8, "Energy to fetch a byte from memory.", "Horowitz 2014: 1.3 nJ for 64 bits at least", above=0
    )

    def energy_j(self, n_flops: int | float, fetched_byte: int | float) -> float:
        """Return the energy of so many FLOPs, and of so many bytes of weights that come from memory."""
        return n_flops / 2 * self.multiply_add_j + fetched_byte * self.fetched_byte_j
