import numpy as np
import pytest

from gdt_tutorial.studies.map_scores import draw_spread, mean_square, radial_spectrum, run_distance, run_lengths


def test_runs_by_hand():
    is_out = np.array([[1, 1, 0, 1], [1, 0, 0, 0], [0, 1, 1, 1]], dtype=bool)
    is_street = np.array([[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 1]], dtype=bool)
    # Rows: 2 and 1; 1; the building cuts the third into 1 and 1. Columns: 2; 1 and 1; none; 1 and 1.
    assert sorted(run_lengths(is_out, is_street)) == [1, 1, 1, 1, 1, 1, 1, 1, 2, 2]
    assert run_lengths(np.zeros((3, 4), dtype=bool), is_street).size == 0


def test_runs_do_not_go_around_the_border():
    is_out = np.array([[0, 1], [1, 0]], dtype=bool)
    assert run_lengths(is_out, np.ones((2, 2), dtype=bool)).tolist() == [1, 1, 1, 1]


def test_distance_of_runs_by_hand():
    """Quantile functions 1, 1, 4, 4 and 2, 2, 2, 6: mean of |1-2|, |1-2|, |4-2|, |4-6|."""
    assert run_distance(np.array([1.0, 4.0]), np.array([2.0, 2.0, 2.0, 6.0])) == pytest.approx(1.5)
    assert run_distance(np.array([3.0, 5.0]), np.array([5.0, 3.0])) == 0


def test_spread_and_error_where_it_counts():
    draws = np.array([[1.0, 0.0, 9.0], [3.0, 0.0, -9.0]])
    assert draw_spread(draws, np.array([True, True, False])) == pytest.approx(1.0)  # variances 2 and 0
    assert mean_square(np.array([3.0, 4.0, 99.0]), np.array([True, True, False])) == 12.5


def test_the_spectrum_finds_a_wave_and_holds_all_variance():
    x = np.arange(16)
    wave = np.broadcast_to(2 * np.cos(2 * np.pi * 3 * x / 16), (16, 16))
    spectrum = radial_spectrum(wave)
    assert spectrum.argmax() == 2, "three waves stand in the third bin"
    assert spectrum[2] * 16 == pytest.approx(2), "16 waves lie in that ring; the variance is 2^2 / 2"


def test_scores_of_nothing_say_so():
    with pytest.raises(ValueError, match="other_lengths must hold a run, got 0"):
        run_distance(np.ones(2), np.zeros(0))
    with pytest.raises(ValueError, match="is_counted must count something"):
        mean_square(np.ones(2), np.zeros(2, dtype=bool))
    with pytest.raises(ValueError, match="draws must hold two or more, got 1"):
        draw_spread(np.ones((1, 2)), np.ones(2, dtype=bool))
    with pytest.raises(ValueError, match="level must be square"):
        radial_spectrum(np.ones((2, 3)))
