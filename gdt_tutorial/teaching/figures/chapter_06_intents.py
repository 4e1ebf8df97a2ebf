"""The figures of chapter 06 about intents: who reads how much, and which words the model looks at."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from gdt_tutorial.teaching.plots import color

__all__ = ["draw_looks", "draw_readers"]

_SMALL = 11  # points
_SPLITS = {
    "same": "new sentences",
    "combinations": "new combinations",
    "orders": "new orders",
    "clauses": "three clauses",
}
_READERS = {
    "nearest neighbor": ("gray", "^"),
    "bag of words": ("gold", "D"),
    "1-2-grams": ("orange", "s"),
    "transformer": ("blue", "o"),
}


def draw_readers(fig: Figure, found: Mapping[str, Mapping[str, tuple[float, float]]]) -> None:
    """Draw the share of intents that each reader gets wholly right, in percent with intervals, by reader and split."""
    ax = fig.subplots()
    place = np.arange(len(_SPLITS))[::-1]
    for number, (reader, (own, mark)) in enumerate(_READERS.items()):
        mean, half = np.array([found[reader][split] for split in _SPLITS]).T
        height = place + 0.27 - 0.18 * number
        ax.errorbar(mean, height, xerr=half, color=color(own), fmt=mark, capsize=3, label=reader)
    ax.set(xlabel="Intents that are wholly right (%)", xlim=(-3, 103), yticks=place)
    ax.set_yticklabels(list(_SPLITS.values()))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=_SMALL)


def draw_looks(fig: Figure, words: Sequence[str], weight: Float[np.ndarray, "head key"], written: str) -> None:
    """Draw how much each head of a layer looks at each word while a token of the intent is written."""
    ax = fig.subplots()
    ax.imshow(weight.T, vmin=0, vmax=1, cmap="Blues", aspect="auto")
    ax.grid(False)
    ax.set(yticks=np.arange(len(words)), xticks=np.arange(len(weight)), xlabel="Head", title=f"writes {written}")
    ax.set_yticklabels(list(words))
    ax.set_xticklabels([str(head + 1) for head in range(len(weight))])
