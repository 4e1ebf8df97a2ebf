"""The exercises of chapter 10: right answers pass, common mistakes get the message that helps."""

import numpy as np
import pytest

from gdt_tutorial.loops.trust import Trust, TrustConfig
from gdt_tutorial.teaching.checks.chapter_10 import ex10_1, ex10_2, ex10_3, ex10_4


class Opposite:
    def decide(self, features, *, rng):
        first = (features[:, :3] + features[:, 3:]).argmax(axis=1)
        return np.tile(np.eye(3)[first], 2)


RIGHT = [(ex10_1, Opposite), (ex10_2, 0.05), (ex10_3, 12), (ex10_4, "model")]


@pytest.mark.parametrize(("item", "answer"), RIGHT, ids=lambda each: getattr(each, "name", ""))
def test_right_answers_pass_and_mistakes_are_helped(item, answer):
    assert item.judge(answer).state == "right"
    assert item.judge(...).state == "unanswered"
    for mistake in item.mistakes:
        feedback = item.judge(mistake.answer)
        assert (feedback.state, mistake.says in feedback.message) == ("wrong", True), feedback.message


def test_the_vote_is_lost_for_as_long_as_the_exercise_says():
    brings, expected = np.array([0.7, 0.46]), np.array([[0.9], [1.2]])
    trust, carried = Trust(0, TrustConfig()), []
    for _ in range(16):
        carried.append(trust.carried_out(expected, np.array([1]))[0])
        trust.note(brings[carried[-1]][None])
    assert carried == [0, 0, 1, *[0] * 12, 1]
