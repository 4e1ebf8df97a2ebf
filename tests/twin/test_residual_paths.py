"""Residual paths: the Gaussian against its law, the untrained start against the Gaussian, analogues by stratum, contracts."""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.abstraction.status_windows import sample_windows
from gdt_tutorial.twin.contracts import check_emulator
from gdt_tutorial.twin.emulation.diffused_residuals import (
    SMOKE,
    PathDiffusionConfig,
    start_residuals,
    train_residuals,
)
from gdt_tutorial.twin.emulation.emulation_scores import past_and_future
from gdt_tutorial.twin.emulation.emulator import StatusEmulator
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.emulation.residual_paths import (
    AnalogueResiduals,
    GaussianResiduals,
    IndependentResiduals,
    ResidualArchive,
    ResidualPathEmulator,
    ResidualSampler,
    Situation,
    observe_residuals,
)

EMULATOR = HoldLast(topology=Topology.waterloo())
N_SLOTS = 15


def windows(seed, n_batch=4, n_users=60):
    drawn = sample_windows(EMULATOR.topology, n_batch, n_users, 30, rng=stream(seed, "windows"))
    return past_and_future(drawn, N_SLOTS)


def planted(n_paths=4000, seed=0):
    """Return residuals of two kinds of users: walkers have a random sign over the whole path, others are Gaussian."""
    rng = stream(seed, "planted")
    walking = (rng.random(n_paths) < 0.5).astype(float)
    level = np.where(walking == 1, 5 * rng.choice([-1.0, 1.0], n_paths), rng.standard_normal(n_paths))
    flat = np.ones((n_paths, N_SLOTS))
    situation = Situation(is_walking=walking, age_slots=np.zeros(n_paths), mean_db=10 * flat, std_db=flat)
    return ResidualArchive(
        situation=situation, residual_db=level[:, None] + 0.3 * rng.standard_normal((n_paths, N_SLOTS))
    )


@pytest.fixture(scope="module")
def archive():
    return observe_residuals(EMULATOR, *windows(0))


@pytest.fixture(scope="module")
def samplers(archive):
    return {
        "independent": IndependentResiduals(),
        "Gaussian": GaussianResiduals.of(archive),
        "analogues": AnalogueResiduals.of(archive),
        "untrained": start_residuals(archive, SMOKE, generator=torch_stream(0)),
        "diffusion": train_residuals(archive, SMOKE, generator=torch_stream(0)),
    }


@pytest.mark.parametrize("name", ["independent", "Gaussian", "analogues", "untrained", "diffusion"])
def test_every_sampler_makes_an_emulator(samplers, name):
    assert isinstance(samplers[name], ResidualSampler)
    emulator = ResidualPathEmulator(emulator=EMULATOR, sampler=samplers[name])
    assert isinstance(emulator, StatusEmulator)
    past, future = windows(1, n_batch=2, n_users=10)
    check_emulator(emulator, past)
    said = emulator.emulate(past, 8, n_samples=4, rng=stream(0, "paths"))
    assert said.snr_sample_db.shape == (2, 4, 10, 8, future.snr_db.shape[-1])
    plain = EMULATOR.emulate(past, 8, n_samples=4, rng=stream(0, "paths"))
    for field in ("position_m", "snr_db", "snr_std_db", "position_sample_m"):
        np.testing.assert_array_equal(getattr(said, field), getattr(plain, field))


def test_residuals_are_what_the_mean_left_out(archive):
    past, future = windows(0)
    said = EMULATOR.emulate(past, N_SLOTS)
    n_users, n_aps = future.snr_db.shape[1], future.snr_db.shape[3]
    row = (2 * n_users + 7) * n_aps + 1  # third environment, eighth user, second access point
    np.testing.assert_allclose(archive.residual_db[row], (future.snr_db - said.snr_db)[2, 7, :, 1])
    np.testing.assert_allclose(archive.situation.mean_db[row], said.snr_db[2, 7, :, 1])
    assert archive.situation.is_walking[row] == (past.velocity_mps[2, 7, -1] != 0).any()
    assert (archive.situation.age_slots == 0).all()


def test_the_gaussian_has_the_moments_of_each_kind_and_whitens_them():
    archive = planted()
    gaussian, situation = GaussianResiduals.of(archive), archive.situation
    drawn_db = gaussian.sample(situation, 20, rng=stream(0, "draws"))
    for kind in (0, 1):
        own, drawn = archive.residual_db[situation.is_walking == kind], drawn_db[:, situation.is_walking == kind]
        np.testing.assert_allclose(np.cov(drawn.reshape(-1, N_SLOTS).T), np.cov(own.T), atol=1.0)
        white = gaussian.whitened(archive)[situation.is_walking == kind]
        np.testing.assert_allclose(np.cov(white.T), np.eye(N_SLOTS), atol=1e-8)
    white = gaussian.whitened(archive)[None]
    np.testing.assert_allclose(gaussian.colored(situation, white)[0], archive.residual_db, atol=1e-8)


def test_the_untrained_diffusion_is_the_gaussian_and_training_finds_what_is_none():
    archive = planted()
    config = PathDiffusionConfig(n_components=2, diffusion=replace(SMOKE.diffusion, n_updates=900))
    walker = archive.situation.is_walking == 1

    def share_between(sampler):
        """Return how many paths of walkers lie between the two levels, where no true one does."""
        drawn_db = sampler.sample(archive.situation, 1, rng=stream(1, "draws"))[0]
        return (np.abs(drawn_db[walker].mean(axis=1)) < 2.5).mean()

    gaussian = share_between(GaussianResiduals.of(archive))
    untrained = share_between(start_residuals(archive, config, generator=torch_stream(0)))
    trained = share_between(train_residuals(archive, config, generator=torch_stream(0)))
    assert untrained == pytest.approx(gaussian, abs=0.05)
    assert trained < 0.3 * gaussian


def test_an_analogue_is_a_path_of_the_same_stratum():
    archive = planted()
    sampler = AnalogueResiduals.of(archive)
    drawn_db = sampler.sample(archive.situation, 3, rng=stream(0, "draws"))
    rows = {row.tobytes(): kind for row, kind in zip(archive.residual_db, archive.situation.is_walking, strict=True)}
    for draw in drawn_db[:, :200]:
        kinds = [rows[row.tobytes()] for row in draw]
        np.testing.assert_array_equal(kinds, archive.situation.is_walking[:200])
    strange = replace(archive.situation, age_slots=archive.situation.age_slots + 7)
    kinds = [rows[row.tobytes()] for row in sampler.sample(strange, 1, rng=stream(0, "draws"))[0, :200]]
    np.testing.assert_array_equal(kinds, archive.situation.is_walking[:200])  # an age that nobody had


def test_bad_input_is_refused(archive, samplers):
    past, _ = windows(1, n_batch=1, n_users=5)
    emulator = ResidualPathEmulator(emulator=EMULATOR, sampler=samplers["analogues"])
    assert emulator.emulate(past, 20).snr_db.shape[2] == 20  # means need no path
    with pytest.raises(ValueError, match="n_slots must be at most 15, got 20"):
        emulator.emulate(past, 20, n_samples=2, rng=stream(0, "paths"))
    with pytest.raises(ValueError, match="rng must be a generator where samples are asked for"):
        emulator.emulate(past, 3, n_samples=2)
    longer = replace(emulator, horizon_slots=16)
    with pytest.raises(ValueError, match="n_slots must be 15, got 16"):
        longer.emulate(past, 3, n_samples=2, rng=stream(0, "paths"))
    situation = archive.situation
    few = Situation(**{name: values[:10] for name, values in vars(situation).items()})
    with pytest.raises(ValueError, match="n_components must be at most 15, got 16"):
        start_residuals(archive, replace(SMOKE, n_components=16), generator=torch_stream(0))
    with pytest.raises(ValueError, match="archive must hold more than 15 paths of each kind"):
        GaussianResiduals.of(ResidualArchive(situation=few, residual_db=archive.residual_db[:10]))
