"""The figures of chapter 17 draw with a legend that a phone can show; the stored table is written in words."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from gdt_tutorial.seeding import stream
from gdt_tutorial.teaching.figures import chapter_17

EDGE = np.linspace(0, 1, 21)
CURVE = np.stack([np.stack([EDGE, EDGE**2, EDGE**3])] * 2)
BAND = CURVE - 0.1, CURVE + 0.1
NAMES = ("alone", "shrunk", "all")
CASES = {
    "curve_errors": lambda fig: chapter_17.draw_curve_errors(
        fig, (3, 6), {n: np.array([9.0, 4.0]) for n in NAMES}, {n: np.array([40.0, 0.0]) for n in NAMES}
    ),
    "clouds": lambda fig: chapter_17.draw_clouds(
        fig, {"one": stream(0, "a").normal(size=(8, 2)), "two": stream(0, "b").normal(size=(8, 2))}, np.arange(8) % 4
    ),
    "counts": lambda fig: chapter_17.draw_counts(fig, (2, 3), {n: (np.array([2, 3]), np.ones(2)) for n in NAMES}, 5),
    "fig4": lambda fig: chapter_17.draw_fig4(fig, CURVE, BAND, NAMES, ("MG 1", "MG 2")),
    "gains": lambda fig: chapter_17.draw_gains(fig, {"double DQN": (4.0, 3.0, 5.5), "8 groups": (-2.0, -3.0, -1.0)}),
    "one_type": lambda fig: chapter_17.draw_curves_of_one_type(fig, CURVE[0], (BAND[0][0], BAND[1][0]), "gain +4 %"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_figure_draws_and_its_text_is_large_enough(name):
    fig = Figure(figsize=(5.8, 4.1), layout="constrained")
    CASES[name](fig)
    assert fig.axes
    for legend in fig.legends:
        assert all(text.get_fontsize() >= 11 for text in legend.get_texts())


def test_the_stored_table_has_means_and_spans_of_the_proposed_grouping():
    rows = [
        {"quantity": "likelihood_gain", "source": "generator", "scheme": scheme, "value": value}
        for scheme, value in (("proposed", 0.0), ("proposed", 0.1), ("8 groups", -9.0))
    ] + [{"quantity": "late_gap", "source": "generator", "scheme": "against group 1", "value": 0.3}]
    assert chapter_17.stored_words(rows, "likelihood_gain", "generator") == "5.26 (0.00 to 10.52)"
    assert chapter_17.stored_words(rows, "late_gap", "generator") == "0.30 (0.30 to 0.30)"
    others = chapter_17.stored_words(rows, "likelihood_gain", "generator", scheme="8 groups")
    assert others == "-99.99 (-99.99 to -99.99)"
