"""The figures of chapter 06 about intents draw what they are given."""

import numpy as np
from matplotlib.figure import Figure

from gdt_tutorial.teaching.figures.chapter_06_intents import draw_looks, draw_readers
from gdt_tutorial.worlds.intents.sentences import SPLITS

READERS = ("nearest neighbor", "bag of words", "1-2-grams", "transformer")


def test_readers_stand_by_splits():
    fig = Figure()
    draw_readers(fig, {reader: dict.fromkeys(SPLITS, (50.0, 5.0)) for reader in READERS})
    assert [text.get_text() for text in fig.legends[0].get_texts()] == list(READERS)
    assert len(fig.axes[0].get_yticklabels()) == 4


def test_looks_at_a_sentence():
    fig = Figure()
    draw_looks(fig, ["stop", "games"], np.eye(4)[:, :2], "action:stop")
    assert fig.axes[0].get_title() == "writes action:stop"
