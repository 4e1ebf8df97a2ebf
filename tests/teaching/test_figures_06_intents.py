"""The figures of chapter 06 about intents draw what they are given."""

import numpy as np
from matplotlib.figure import Figure

from gdt_tutorial.loops.recipes.carried_out import CarriedOut
from gdt_tutorial.teaching.figures.chapter_06_intents import draw_changes, draw_looks, draw_readers
from gdt_tutorial.worlds.intents.parser import parse
from gdt_tutorial.worlds.intents.sentences import SPLITS
from gdt_tutorial.worlds.intents.verdicts import Verdict

READERS = ("nearest neighbor", "bag of words", "1-2-grams", "transformer")


def test_readers_stand_by_splits():
    fig = Figure()
    draw_readers(fig, {reader: dict.fromkeys(SPLITS, (50.0, 5.0)) for reader in READERS})
    assert [text.get_text() for text in fig.legends[0].get_texts()] == list(READERS)
    assert len(fig.axes[0].get_yticklabels()) == 4


def test_looks_and_changes():
    fig = Figure()
    draw_looks(fig, ["stop", "games"], np.eye(4)[:, :2], "action:stop")
    assert fig.axes[0].get_title() == "writes action:stop"
    clause = parse("stop games at the gym").clauses[0]
    pairs = {"change": (-0.2, 0.1), "others_qoe": (0.01, 0.02)}
    found = CarriedOut(before=1.0, after=0.8, share=0.1, verdict=Verdict.about(clause, -0.2, 0.1, 0.01, 0.02), **pairs)
    fig = Figure()
    draw_changes(fig, [found, found], ["stop", "again"])
    assert [text.get_text() for text in fig.axes[0].get_yticklabels()] == ["stop", "again"]
    assert fig.axes[0].lines[0].get_xdata()[0] == -20
