"""The exercises of chapter 11: right answers pass, common mistakes get the message that helps."""

import numpy as np
import pytest

from gdt_tutorial.loops.recipes.slicing_study import study
from gdt_tutorial.loops.slicing import partition
from gdt_tutorial.physical.services import ServicesConfig
from gdt_tutorial.teaching.checks.chapter_11 import ex11_1, ex11_2, ex11_3, ex11_4


def lender(need, guaranteed):
    got = np.minimum(need, guaranteed)
    left = guaranteed.sum() - got.sum()
    for service in (2, 1, 0):
        loan = min(need[service] - got[service], left)
        got[service] += loan
        left -= loan
    return got


RIGHT = [(ex11_1, partition), (ex11_2, 1.6), (ex11_3, {"equal", "contracts", "strict priority"}), (ex11_4, lender)]


@pytest.mark.parametrize(("item", "answer"), RIGHT, ids=lambda each: getattr(each, "name", ""))
def test_right_answers_pass_and_mistakes_are_helped(item, answer):
    assert item.judge(answer).state == "right"
    assert item.judge(...).state == "unanswered"
    for mistake in item.mistakes:
        feedback = item.judge(mistake.answer)
        assert (feedback.state, mistake.says in feedback.message) == ("wrong", True), feedback.message


def test_the_prediction_is_what_is_played():
    names = ("equal", "contracts", "strict priority", "contracts + lending", "last value, 5", "follows demand")
    services = ServicesConfig(minute_slots=20, n_minutes=70)
    played = study([0, 1], names, ("none", "best effort"), services=services)
    unchanged = {name for name in names if played.change("qoe", name, "best effort") == (0, 0)}
    assert ex11_3.judge(unchanged).state == "right"
