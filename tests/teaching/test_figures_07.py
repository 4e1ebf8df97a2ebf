"""The figures of chapter 07 draw what they are given."""

import numpy as np
from matplotlib.figure import Figure

from gdt_tutorial.seeding import stream
from gdt_tutorial.teaching.figures.chapter_07 import draw_denoising, draw_guidance, draw_paths

CENTERS = np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])


def test_samples_have_the_color_of_their_end():
    fig = Figure()
    goal = np.repeat(CENTERS, (5, 3, 2), axis=0)
    draw_denoising(fig, goal + 0.1, goal, CENTERS, 0.25)
    counts = [len(line.get_xdata()) for line in fig.axes[0].lines]
    assert counts == [5, 3, 2, 3, 1]
    assert fig.axes[0].get_title() == "Signal left: 25 %"


def test_guidance_marks_the_value_that_is_shown():
    fig = Figure()
    lines = {"max-weight (oracle)": 0.07, "best logged policy": 0.4}
    draw_guidance(fig, {"0, 3": 0.5, "others": 0.5}, (0.0, 1.0, 3.0), (0.5, 0.3, 0.1), 3.0, lines)
    left, right = fig.axes
    assert [bar.get_height() for bar in left.patches] == [50, 50]
    assert right.lines[1].get_xydata().tolist() == [[3, 0.1]]
    assert [text.get_text() for text in right.get_legend().get_texts()] == list(lines)


def test_each_sampler_has_a_panel_with_mean_and_truth():
    fig = Figure()
    drawn = {name: stream(0, name).normal(size=(6, 15)) for name in ("one", "two", "three", "four")}
    draw_paths(fig, drawn, np.ones(15), np.zeros(15))
    assert [ax.get_title() for ax in fig.axes] == list(drawn)
    assert all(len(ax.lines) == 8 for ax in fig.axes)
