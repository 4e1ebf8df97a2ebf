"""What only the chapters use: claims, figures, sliders, live source, exercises, quizzes.

Everything here displays; nothing here computes. Nothing in the rest of the package imports it.
"""

from gdt_tutorial.teaching.chain import case_study_chain
from gdt_tutorial.teaching.claim_plan import check_claims, find_sentences, read_claim_plans
from gdt_tutorial.teaching.claim_record import Claim, claims, read_claims
from gdt_tutorial.teaching.data_note import data_note
from gdt_tutorial.teaching.exercises import (
    Exercise,
    Feedback,
    Mistake,
    Wrong,
    check,
    check_verdicts,
    exercise,
    expect,
    expect_close,
    hints,
    read_feedback,
)
from gdt_tutorial.teaching.markdown_table import table
from gdt_tutorial.teaching.player import live_figure, slider_figure, slider_html, two_slider_figure
from gdt_tutorial.teaching.player_html import Slider
from gdt_tutorial.teaching.plots import PALETTE, color, color_scheme, figure
from gdt_tutorial.teaching.quizzes import quiz, quiz_html
from gdt_tutorial.teaching.show import show

__all__ = [  # noqa: RUF022 - grouped like a table of contents
    # numbers
    "Claim",
    "claims",
    "read_claims",
    "read_claim_plans",
    "check_claims",
    "find_sentences",
    "data_note",
    # pictures
    "PALETTE",
    "case_study_chain",
    "color",
    "figure",
    "live_figure",
    "color_scheme",
    "slider_figure",
    "slider_html",
    "Slider",
    "two_slider_figure",
    # code
    "show",
    "table",
    # exercises
    "Exercise",
    "Mistake",
    "Feedback",
    "Wrong",
    "check",
    "check_verdicts",
    "exercise",
    "expect",
    "expect_close",
    "hints",
    "read_feedback",
    # questions
    "quiz",
    "quiz_html",
]
