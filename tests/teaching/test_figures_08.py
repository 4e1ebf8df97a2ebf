"""The figures of chapter 08 draw what they are given."""

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from gdt_tutorial.gai.footprint import footprint
from gdt_tutorial.seeding import torch_seeded, torch_stream
from gdt_tutorial.teaching.figures.chapter_08 import (
    Growth,
    draw_charge,
    draw_growth,
    draw_layers,
    draw_rounded,
    draw_sizes,
)
from gdt_tutorial.twin.model_zoo import PAPER_RANGES


def test_sizes_have_a_box_for_each_range():
    fig = Figure()
    draw_sizes(fig, [(kind, 10_000, 10**6) for kind in (*PAPER_RANGES, "other")], PAPER_RANGES, 2e8)
    (ax,) = fig.axes
    assert len(ax.patches) == len(PAPER_RANGES)
    assert ax.patches[0].get_x() == 3e9
    assert len(ax.get_legend_handles_labels()[1]) == 5


def test_layers_stand_in_their_order():
    with torch_seeded(torch_stream(0)):
        model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    fig = Figure()
    draw_layers(fig, footprint(model, torch.ones(1, 2)))
    left, right = fig.axes
    assert [text.get_text() for text in left.get_yticklabels()] == ["0", "2"]
    np.testing.assert_allclose([bar.get_width() for bar in left.patches], [12e-6, 6e-6])
    np.testing.assert_allclose([bar.get_width() for bar in right.patches], [12e-3, 4e-3])


def test_growth_marks_a_width():
    fig, grows = Figure(), Growth(np.array([1.0, 4.0]), np.array([2.0, 8.0]))
    draw_growth(fig, [1, 2], {"one": grows, "other": grows}, 2)
    left, right = fig.axes
    assert left.lines[1].get_ydata() == [4.0]
    assert right.lines[1].get_ydata() == [8.0]


def test_rounded_and_charge():
    fig = Figure()
    draw_rounded(fig, {"error": 0.5, "score": -1.0}, 50.0)
    assert [bar.get_width() for bar in fig.axes[0].patches] == [0.5, -1.0]
    assert fig.axes[1].patches[0].get_height() == 50.0
    fig = Figure()
    draw_charge(fig, [0.01, 0.1], [(0.0, 0.01), (-0.1, 0.02)], {"ours": 0.01}, 0.2)
    assert fig.axes[0].texts[0].get_text() == "ours"
