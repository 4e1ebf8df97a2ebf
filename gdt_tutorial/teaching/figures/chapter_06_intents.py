"""The figures of chapter 06 about intents: who reads how much, which words the model looks at, what an intent changes."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from gdt_tutorial.teaching.plots import color
from gdt_tutorial.twin.recipes.intent_table import IntentTable

__all__ = ["draw_carried_out", "draw_looks", "draw_readers"]

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


def draw_readers(fig: Figure, table: IntentTable, live: Mapping[str, float]) -> None:
    """Draw the share of intents that each reader gets wholly right, by split, with intervals over seeds.

    Args:
        fig: Where to draw.
        table: The stored trainings.
        live: Share by split of the shipped model in this run.
    """
    ax = fig.subplots()
    place = np.arange(len(_SPLITS))[::-1]
    for number, (reader, (own, mark)) in enumerate(_READERS.items()):
        mean, half = np.array([table.percent(reader, split) for split in _SPLITS]).T
        height = place + 0.27 - 0.18 * number
        ax.errorbar(mean, height, xerr=half, color=color(own), fmt=mark, capsize=3, label=reader)
    shown = [100 * live[split] for split in _SPLITS]
    ax.plot(shown, place - 0.27, ls="", marker="o", mfc="none", ms=10, color=color("blue"), label="shipped, this run")
    ax.set(xlabel="Intents that are wholly right (%)", xlim=(-3, 103), yticks=place)
    ax.set_yticklabels(list(_SPLITS.values()))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=_SMALL)


def draw_looks(fig: Figure, words: Sequence[str], weight: Float[np.ndarray, "head key"], written: str) -> None:
    """Draw how much each head of a layer looks at each word while a token of the intent is written."""
    ax = fig.subplots()
    ax.imshow(weight.T, vmin=0, vmax=1, cmap="Blues", aspect="auto")
    ax.set(yticks=np.arange(len(words)), xticks=np.arange(len(weight)), xlabel="Head", title=f"writes {written}")
    ax.set_yticklabels(list(words))
    ax.set_xticklabels([str(head + 1) for head in range(len(weight))])


def draw_carried_out(
    fig: Figure, before: Float[np.ndarray, " slot"], after: Float[np.ndarray, " slot"], start: int
) -> None:
    """Draw the stalls of those whom an intent is about, summed up over the slots, with and without it."""
    ax, slots = fig.subplots(), np.arange(len(before))
    ax.plot(slots, np.cumsum(before), color=color("gray"), ls="--", label="without the intent")
    ax.plot(slots, np.cumsum(after), color=color("blue"), label="with it")
    ax.axvline(start, color=color("text"), ls=":", lw=1)
    ax.text(start, ax.get_ylim()[1] * 0.98, " six o'clock", va="top", color=color("text"), fontsize=_SMALL)
    ax.set(xlabel="Slot", ylabel="Stall per user so far (s)", xlim=(0, len(before) - 1), ylim=(0, None))
    ax.legend(loc="lower right", fontsize=_SMALL)
