"""Every operator of one run of a model, and which layer it stands in: what `footprint` reads.

    storages    each is born with the operator that returns it (inputs: before the first) and needed until its last use
    rows        one per call of a layer with a closed form, one per product outside of such layers

An operator that is neither a product nor known to be free of one raises, so that nothing is left out unnoticed. Free are
views, what torch tags as one operation per entry, and the rest of its "core" operators but for the products.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import signature
from math import inf
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from gdt_tutorial.configuration import require
from gdt_tutorial.gai.layer_flops import PRODUCT_FLOPS, LayerFlops

__all__ = ["OperatorTrace", "TracedRow"]

# Operators that multiply no matrices, beyond those that their tags say it of.
_FILLS = {"bernoulli_", "copy_", "fill_", "normal_", "randint", "uniform_", "zero_"}
_MAKES = {"empty_like", "eye", "lift_fresh", "linspace", "ones", "ones_like", "zeros", "zeros_like"}
_MOVES = {"_unsafe_view", "diag_embed", "stack", "unsafe_split", "upsample_nearest1d", "upsample_nearest2d"}
_PER_ENTRY = {"_linalg_check_errors", "all", "any", "cumprod", "cumsum", "std", "tril", "triu"}
_FREE = _FILLS | _MAKES | _MOVES | _PER_ENTRY
_CORE_PRODUCTS = frozenset({"_cdist_forward", "_pdist_forward", "_fft_c2c", "_fft_c2r", "_fft_r2c"})


@dataclass(frozen=True, kw_only=True)
class TracedRow:
    """One call of a layer, or one product outside of all layers; it had returned after `n_steps` operators."""

    name: str
    kind: str
    n_parameters: int
    state_byte: int
    n_flops: int
    n_counted: int
    output_byte: int
    n_steps: int


@dataclass
class _Life:
    """From which operator on a storage is there, and the last one that needs it."""

    n_byte: int
    born: int
    last: int | float


class OperatorTrace(TorchDispatchMode):
    """Writes down what a model does while it is entered.

    Args:
        model: Of which layers are told apart.
        layer_flops: Closed forms by class of layer.
    """

    def __init__(self, model: nn.Module, layer_flops: Mapping[type[nn.Module], LayerFlops]) -> None:
        super().__init__()
        self.rows: list[TracedRow] = []
        self._model, self._layer_flops = model, layer_flops
        self._inside: list[str] = [""]  # names of the modules that are being called
        self._layer: nn.Module | None = None  # the outermost one of them with a closed form
        self._n_steps, self._n_counted = 0, 0
        self._lives: dict[int, _Life] = {}
        # What is alive keeps its address, so an address stands for one storage.
        self._kept: list[torch.UntypedStorage] = []
        self._own = {_address(each): each for each in [*model.parameters(), *model.buffers()]}
        self._hooks: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> "OperatorTrace":
        """Hang hooks onto all modules."""
        for name, module in self._model.named_modules():
            self._hooks.append(module.register_forward_pre_hook(self._before(name)))
            self._hooks.append(module.register_forward_hook(self._after(name), with_kwargs=True))
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        """Take the hooks off again."""
        for hook in self._hooks:
            hook.remove()
        super().__exit__(*error)

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operator, and write down what it reads, returns and multiplies."""
        output = func(*args, **(kwargs or {}))
        for tensor in _tensors((args, kwargs or {})):
            self._use(tensor, born=-1)
        for tensor in _tensors(output):
            self._use(tensor, born=self._n_steps)
        self._n_steps += 1
        name = func.overloadpacket.__name__
        if name in PRODUCT_FLOPS:
            n_flops = PRODUCT_FLOPS[name](args, output)
            if self._layer is not None:
                self._n_counted += n_flops
            else:
                read = {_address(each): self._own.get(_address(each)) for each in _tensors(args)}
                state = [each for each in read.values() if each is not None]
                self._add(self._inside[-1], name, state, n_flops, n_flops, output)
        elif self._layer is None:
            remedy = f"pass layer_flops for the module around it ({self._inside[-1] or type(self._model).__name__!r})"
            require(
                _is_free(func.overloadpacket, func.is_view),
                "operators outside of layers",
                "have closed forms",
                name,
                remedy,
            )
        return output

    def finish(self, output: object) -> None:
        """Say what the run returned: it is needed to the end."""
        for tensor in _tensors(output):
            self._use(tensor, born=-1)
            life = self._lives.get(_address(tensor))
            if life is not None:
                life.last = inf

    def live_byte(self, n_steps: int) -> int:
        """Return the bytes that are there after so many operators and are needed by a later one, or at the end."""
        return sum(life.n_byte for life in self._lives.values() if life.born < n_steps <= life.last)

    def peak_byte(self) -> int:
        """Return the most bytes that are there during an operator: what it reads, returns, and what waits for later ones."""
        at = [
            sum(life.n_byte for life in self._lives.values() if life.born <= step <= life.last)
            for step in range(self._n_steps)
        ]
        return max(at, default=0)

    def _before(self, name: str) -> Any:
        def hook(module: nn.Module, inputs: tuple) -> None:
            self._inside.append(name)
            if self._layer is None and type(module) in self._layer_flops:
                self._layer, self._n_counted = module, 0

        return hook

    def _after(self, name: str) -> Any:
        def hook(module: nn.Module, inputs: tuple, named: dict[str, Any], output: Any) -> None:
            self._inside.pop()
            if self._layer is module:
                arguments = signature(module.forward).bind(*inputs, **named)
                arguments.apply_defaults()
                n_flops = self._layer_flops[type(module)](module, arguments.args, output)
                kind, found = type(module).__name__, self._n_counted
                remedy = "correct it in layer_flops"
                rule = f"be {found}, as its operators say"
                require(found in (0, n_flops), f"closed form of {name} ({kind})", rule, n_flops, remedy)
                self._layer = None
                self._add(name, kind, [*module.parameters(), *module.buffers()], n_flops, found, output)

        return hook

    def _add(self, name: str, kind: str, state: Sequence[Tensor], n_flops: int, n_counted: int, output: Any) -> None:
        self.rows.append(
            TracedRow(
                name=name,
                kind=kind,
                n_parameters=sum(each.numel() for each in state),
                state_byte=sum(each.nbytes for each in state),
                n_flops=n_flops,
                n_counted=n_counted,
                output_byte=sum(tensor.nbytes for tensor in _tensors(output)),
                n_steps=self._n_steps,
            )
        )

    def _use(self, tensor: Tensor, born: int) -> None:
        address, storage = _address(tensor), tensor.untyped_storage()
        if address in self._own or address == 0:
            return
        if address not in self._lives:
            self._kept.append(storage)
            self._lives[address] = _Life(storage.nbytes(), born, self._n_steps)
        self._lives[address].last = self._n_steps


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _tensors(values: Any) -> Iterator[Tensor]:
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from _tensors(value)
    elif isinstance(values, dict):
        yield from _tensors(list(values.values()))


@cache
def _is_free(packet: Any, is_view: bool) -> bool:
    """Say whether an operator multiplies no matrices; tags stand at some of its overloads only."""
    name = packet.__name__
    tags = {tag for overload in packet.overloads() for tag in getattr(packet, overload).tags}
    is_tagged = bool(tags & {torch.Tag.pointwise, torch.Tag.core})
    return is_view or name in _FREE or (is_tagged and name not in _CORE_PRODUCTS)
