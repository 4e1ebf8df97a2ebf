"""A learned correction starts as the plain rule, and learns what the rule leaves."""

import numpy as np
import pytest

from gdt_tutorial.gai.vae import VaeConfig
from gdt_tutorial.learning import FitConfig
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.abstraction.correction import Correction, CorrectionVaeConfig, train_correction_vae
from gdt_tutorial.twin.abstraction.filling import draw_reports
from gdt_tutorial.twin.recipes.mended_reports import MendingConfig, denoising_errors, filling_errors

TOPOLOGY = Topology.waterloo()
VAE = VaeConfig(
    n_latent=4, n_hidden=32, sigma=1.0, beta=0.01, fit=FitConfig(n_epochs=20, batch_size=64, learning_rate=3e-3)
)
SMALL = CorrectionVaeConfig(vae=VAE)


def task(seed, n_users=400):
    """Return an estimate whose error is told by what it says of the first slot."""
    rng = stream(seed, "task")
    estimate = rng.standard_normal((n_users, 6, 6))
    came = draw_reports(n_users, 6, 0.5, rng=rng)
    truth = estimate + np.where(came[..., None], 0, 2 * np.sign(estimate[:, :1, 4:5]))
    return estimate, came, truth


def test_before_training_the_plain_rule_comes_out():
    estimate, came, truth = task(0)
    model = Correction(6, 6, SMALL, generator=torch_stream(0, "correction"))
    np.testing.assert_array_equal(model.correct(estimate, truth, came), estimate)


def test_a_correction_finds_what_the_estimate_tells_of_its_own_error():
    estimate, came, truth = task(0)
    scored = np.broadcast_to(~came[..., None], truth.shape)
    model, history = train_correction_vae(
        estimate, truth, came, truth, scored, SMALL, generator=torch_stream(0, "correction")
    )
    assert history.train_loss[-1] < history.train_loss[0]
    estimate, came, truth = task(1)
    lost = ~came
    left = ((model.correct(estimate, truth, came) - truth)[lost] ** 2).mean()
    assert left < 0.6 * ((estimate - truth)[lost] ** 2).mean()


def test_what_was_lost_is_not_looked_at():
    estimate, came, truth = task(0, n_users=5)
    model = Correction(6, 6, SMALL, generator=torch_stream(0, "correction"))
    hidden = np.where(came[..., None], truth, np.nan)
    np.testing.assert_array_equal(model.read(estimate, hidden, came), model.read(estimate, truth, came))


def test_the_study_of_filling_and_denoising_is_paired_and_repeats():
    config = MendingConfig(n_slots=10, n_train=4, n_test=3, correction=SMALL)
    first, again = (filling_errors(TOPOLOGY, 0.5, config, seed=0) for _ in range(2))
    assert list(first) == ["straight lines", "Gaussian", "smoother", "Gaussian, corrected", "smoother, corrected"]
    for name, errors in first.items():
        np.testing.assert_array_equal(errors.snr_db, again[name].snr_db)
        assert errors.position_m.shape == (3,)
    np.testing.assert_array_equal(first["Gaussian"].position_m, first["smoother"].position_m)
    noisy = denoising_errors(TOPOLOGY, 4.0, config, seed=0)
    np.testing.assert_allclose(noisy["reports"].snr_db, 4.0, rtol=0.1)
    assert (noisy["smoother"].snr_db < 0.8 * noisy["reports"].snr_db).all()
    assert (noisy["smoother"].position_m == 0).all()


def test_bad_input_is_refused():
    estimate, came, truth = task(0, n_users=5)
    model = Correction(6, 6, SMALL, generator=torch_stream(0, "correction"))
    with pytest.raises(ValueError, match=r"estimate must have slots and features \(6, 6\), got \(4, 6\)"):
        model.correct(estimate[:, :4], truth[:, :4], came[:, :4])
    with pytest.raises(ValueError, match=r"is_collected must hold a report of every user, got '5 without'"):
        model.correct(estimate, truth, np.zeros_like(came))
    nothing = np.zeros(truth.shape, dtype=bool)
    with pytest.raises(ValueError, match="is_scored must mark an entry"):
        train_correction_vae(estimate, truth, came, truth, nothing, SMALL, generator=torch_stream(0, "correction"))
