"""Temporal coherence: two laws by hand, its three marks on the scale, and on which side of the truth a path errs."""

import numpy as np
import pytest

from gdt_tutorial.seeding import stream
from gdt_tutorial.studies.coherence import lag_one_autocorrelation, temporal_coherence


def autoregressive(memory, seed=0, n_paths=3000, n_slots=15):
    """Return stationary paths of unit variance."""
    noise = stream(seed, "ar", str(memory)).standard_normal((n_paths, n_slots))
    path = noise.copy()
    for slot in range(1, n_slots):
        path[:, slot] = memory * path[:, slot - 1] + np.sqrt(1 - memory**2) * noise[:, slot]
    return path


def coherence(generated, memory=0.9):
    return temporal_coherence(generated, autoregressive(memory, seed=1), rng=stream(0, "shuffle"))


def test_another_real_sample_is_coherent_and_no_order_is_not():
    assert coherence(autoregressive(0.9)) > 0.95
    assert coherence(autoregressive(0.0)) < 0  # a new draw in each slot: worse than no order
    shuffled = stream(2, "shuffle").permuted(autoregressive(0.9, seed=1), axis=1)
    assert abs(coherence(shuffled)) < 0.05


def test_one_path_on_paper():
    # Real steps are 1, 1; generated ones 3, 3: a distance of 2. The six orders of 0, 1, 2 have the steps 1 1, 2 -1, -1 2, 1 -2,
    # -2 1 and -1 -1, whose mean distance from 1 is 16 / 12. So the coherence is 1 - 2 / (4 / 3).
    real = np.tile([0.0, 1.0, 2.0], (20_000, 1))
    assert temporal_coherence(3 * real, real, rng=stream(0, "s")) == pytest.approx(-0.5, abs=0.02)
    assert temporal_coherence(real + 5, real, rng=stream(0, "s")) == 1


def test_too_smooth_is_not_coherent():
    smooth = autoregressive(0.9, seed=3) * 0.05
    assert coherence(smooth) < 0.5
    paths = [lag_one_autocorrelation(autoregressive(memory)) for memory in (0.0, 0.9, 0.99)]
    np.testing.assert_allclose(paths, [0.0, 0.9, 0.99], atol=0.02)


def test_the_scale_of_paths_does_not_matter():
    real, own = autoregressive(0.9, seed=1), autoregressive(0.5)
    found = [temporal_coherence(10 * own + 3, 10 * real + 3, rng=stream(0, "s")), coherence(own)]
    assert found[0] == pytest.approx(found[1], abs=0.02)


def test_paths_without_a_step_are_refused():
    real = autoregressive(0.9)
    with pytest.raises(ValueError, match="generated must have two slots or more, got 1"):
        temporal_coherence(real[:, :1], real[:, :1], rng=stream(0, "s"))
    with pytest.raises(ValueError, match="real must change with the order of its slots"):
        temporal_coherence(real, np.ones((4, 15)), rng=stream(0, "s"))
    with pytest.raises(ValueError, match="path must vary"):
        lag_one_autocorrelation(np.ones((4, 5)))
