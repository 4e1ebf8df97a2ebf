"""Scores of classes: a table of confusions by hand, scikit-learn, and bad input."""

import numpy as np
import pytest
from sklearn import metrics

from gdt_tutorial.seeding import stream
from gdt_tutorial.studies.classification import accuracy, confusion, macro_f1, matthews_correlation

TRUE = np.array(["a", "a", "a", "b", "b", "c"])
SAID = np.array(["a", "a", "b", "b", "c", "c"])


def test_confusions_and_scores_by_hand():
    np.testing.assert_array_equal(confusion(SAID, TRUE), [[2, 1, 0], [0, 1, 1], [0, 0, 1]])
    assert accuracy(SAID, TRUE) == pytest.approx(4 / 6)
    # F1: 2*2/(2+3), 2*1/(2+2), 2*1/(2+1).
    assert macro_f1(SAID, TRUE) == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)
    # Said 2, 2, 2; true 3, 2, 1: (4*6 - 12) / sqrt((36 - 12) (36 - 14)).
    assert matthews_correlation(SAID, TRUE) == pytest.approx(12 / np.sqrt(24 * 22))


@pytest.mark.parametrize("seed", range(5))
def test_scores_equal_scikit_learn(seed):
    rng = stream(seed, "classes")
    true, other = rng.integers(6, size=(2, 200))
    said = np.where(rng.random(200) < 0.6, true, other)
    assert accuracy(said, true) == pytest.approx(metrics.accuracy_score(true, said))
    assert macro_f1(said, true) == pytest.approx(metrics.f1_score(true, said, average="macro"))
    assert matthews_correlation(said, true) == pytest.approx(metrics.matthews_corrcoef(true, said))


def test_whoever_says_one_class_has_no_correlation():
    same = np.array(["a"] * 6)
    assert matthews_correlation(same, TRUE) == 0
    assert accuracy(same, TRUE) == 0.5


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="true must hold a case, got 0"):
        accuracy(np.array([]), np.array([]))
    with pytest.raises(ValueError, match="said must hold 6 answers, got 5"):
        macro_f1(SAID[1:], TRUE)
