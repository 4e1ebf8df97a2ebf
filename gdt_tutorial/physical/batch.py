"""The axis `batch`: environments side by side, copies of them, and choices among them.

A *batch* here is an array or tensor whose first axis is `batch`, or a record (a dataclass) of such, like `Session`,
`Features` or `Decision`. To try several things on the same environments, repeat them and take apart what came of it:

    repeated(x, 2)         all environments of x, then all of them again; the only place that says so
    original(row, n)       which of the n environments each row of such copies stands for
    take(x, index)         the environments at `index`, in this order
    joined([x, y])         the environments of x, then those of y
"""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int

from gdt_tutorial.configuration import require

__all__ = ["joined", "original", "repeated", "sum_by", "take"]

Batch = TypeVar("Batch")


def repeated(batch: Batch, n_copies: int) -> Batch:
    """Return `n_copies` copies of all environments, copy after copy.

    Raises:
        ValueError: no copy, and as `joined`.
    """
    require(n_copies > 0, "n_copies", "be positive", n_copies, "1 is the batch itself")
    return joined([batch] * n_copies)


def original(row: Int[np.ndarray, "*shape"], n_batch: int) -> Int[np.ndarray, "*shape"]:
    """Return the environment, out of `n_batch`, of which each row of `repeated` is a copy."""
    return row % n_batch


def take(batch: Batch, index: Sequence[int] | Int[np.ndarray, " taken"]) -> Batch:
    """Return the environments at `index`, in its order; one may be taken often.

    Raises:
        ValueError: an index that is no integer or beyond the batch, and as `joined`.
    """
    rows = np.asarray(index)
    is_list = rows.ndim == 1 and np.issubdtype(rows.dtype, np.integer)
    require(is_list, "index", "be a list of integers", index, "pass np.flatnonzero(mask) for a mask")

    def of(values: Any) -> Any:
        n_batch, (low, high) = len(values), (int(rows.min(initial=0)), int(rows.max(initial=-1)))
        require(
            low >= 0 and high < n_batch, "index", f"lie in [0, {n_batch})", (low, high), "count environments from 0"
        )
        return values[rows]

    return _joined([batch], lambda parts: of(parts[0]))


def joined(parts: Sequence[Batch]) -> Batch:
    """Return the environments of all parts, one part after the other.

    Raises:
        ValueError: no part, parts of several types or sizes, or a record that holds something else than arrays, tensors and
            records.
    """
    require(len(parts) > 0, "parts", "hold at least one", len(parts), "pass records of the same type")
    return _joined(parts, _one_after_the_other)


def _one_after_the_other(parts: list[Any]) -> Any:
    shapes = sorted({tuple(part.shape[1:]) for part in parts})
    remedy = "a decision that mutes nobody joins others by a bitmap of no silence (`muting.all_on`)"
    require(len(shapes) == 1, "parts", "agree in all axes but `batch`", shapes, remedy)
    return torch.cat(parts) if isinstance(parts[0], torch.Tensor) else np.concatenate(parts)


def _joined(parts: Sequence[Batch], join: Callable[[list[Any]], Any]) -> Batch:
    """Join arrays by `join`, and records field by field."""
    kind, kinds = type(parts[0]), sorted({type(part).__name__ for part in parts})
    require(len(kinds) == 1, "parts", "be of one type", kinds, "join arrays with arrays and records with their like")
    if is_dataclass(kind):
        return kind(**{each.name: _joined([getattr(part, each.name) for part in parts], join) for each in fields(kind)})
    if issubclass(kind, tuple):
        entries: list[Any] = [list(part) for part in parts]  # type: ignore[call-overload]
        lengths = sorted({len(entry) for entry in entries})
        require(len(lengths) == 1, "parts", "hold tuples of one length", lengths, "join records of the same moment")
        return kind(_joined(list(each), join) for each in zip(*entries, strict=True))
    if kind in (int, str):
        require(len(set(parts)) == 1, "parts", "agree in what has no axis `batch`", parts, "join records of one slot")
        return parts[0]
    is_array = issubclass(kind, np.ndarray | torch.Tensor)
    require(is_array, "batch", "hold arrays with an axis `batch`", kind.__name__, "pass a part that does")
    return join(list(parts))


def sum_by(
    amount: Float[np.ndarray, "batch _ *rest"], label: Int[np.ndarray, "batch _"], n_labels: int
) -> Float[np.ndarray, "batch _ *rest"]:
    """Add up, in every environment, the amounts that bear the same label, from label 0 to `n_labels` - 1."""
    total = np.zeros((len(amount), n_labels, *amount.shape[2:]))
    np.add.at(total, (np.arange(len(amount))[:, None], label), amount)
    return total
