"""The stored learning curves: five networks, and gains that count from the untrained start."""

import numpy as np
import pytest

from gdt_tutorial.case_study.learning.learning_curves import LearningCurve, read_curves
from gdt_tutorial.case_study.learning.trained_networks import N_NETWORKS


def test_every_network_has_its_curve():
    assert len(read_curves("versions")) == len(read_curves("actor")) == N_NETWORKS
    assert len(read_curves("temporal differences")) == 1


def test_a_column_can_be_chosen():
    with_fallback, bare = read_curves("versions")[0], read_curves("versions", "gain_without_caution")[0]
    np.testing.assert_array_equal(with_fallback.step, [1, 2, 3])
    assert (with_fallback.score > bare.score).all()


def test_gains_count_from_the_untrained_start():
    curve = LearningCurve(step=np.array([0.0, 10, 20]), score=np.array([0.5, 0.3, 0.6]))
    np.testing.assert_allclose(curve.gain_on_start(), [0, -0.2, 0.1])


def test_a_curve_without_its_start_has_no_gain():
    with pytest.raises(ValueError, match=r"step must begin at step 0, got \[10.0, 20.0\]"):
        LearningCurve(step=np.array([10.0, 20]), score=np.zeros(2)).gain_on_start()


def test_another_kind_is_refused():
    with pytest.raises(ValueError, match="kind must be one of .*'actor'.* got 'critic'"):
        read_curves("critic")
