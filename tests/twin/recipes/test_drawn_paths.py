"""The study of drawn paths: ages of reports, scores of a sampler that cheats, and that a path's law makes the difference."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.contracts import check_emulator
from gdt_tutorial.twin.emulation.diffused_residuals import SMOKE
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.recipes.drawn_paths import (
    EMULATORS,
    PathStudyConfig,
    archive_of,
    draw_status,
    emulators_of,
    score_drawn_paths,
)

TOPOLOGY = Topology.waterloo()
HOLD = HoldLast(topology=TOPOLOGY)
SMALL = PathStudyConfig(n_archives=2, n_campuses=2, n_users=40, n_groups=40, n_members=4, paths=SMOKE)


@pytest.fixture(scope="module")
def emulators():
    return emulators_of(HOLD, archive_of(HOLD, TOPOLOGY, SMALL, seed=0), SMALL, generator=torch_stream(0))


@pytest.fixture(scope="module")
def found(emulators):
    return score_drawn_paths(emulators, TOPOLOGY, SMALL, seed=1)


def test_reports_have_every_age_and_keep_their_period():
    past, future = draw_status(TOPOLOGY, SMALL, rng=stream(0, "draw"))
    mask = past.is_behavior_collected
    newest = mask.shape[-1] - 1 - mask[..., ::-1].argmax(axis=-1)
    assert set((mask.shape[-1] - 1 - newest).ravel()) == {0, 1, 2, 3}
    gaps = np.diff(np.flatnonzero(mask[0, 0]))
    assert (gaps == 4).all()
    assert future.snr_db.shape[2] == 15


def test_all_have_the_same_means_and_pass_the_contract(emulators):
    past, _ = draw_status(TOPOLOGY, SMALL, rng=stream(0, "draw"))
    assert tuple(emulators) == EMULATORS
    for emulator in emulators.values():
        check_emulator(emulator, past)
        np.testing.assert_array_equal(emulator.emulate(past, 5).snr_db, HOLD.emulate(past, 5).snr_db)


def test_a_mean_flatters_and_independent_slots_change_cells_all_the_time(found):
    scores, true = found
    assert scores["mean"].bias > 10
    assert scores["mean"].handovers < 0.5 * true
    assert scores["independent"].handovers > 2 * true
    assert scores["independent"].coherence < 0
    for name in ("Gaussian", "analogues", "untrained"):
        assert abs(scores[name].handovers - true) < abs(scores["independent"].handovers - true)
        assert scores[name].energy_db < min(scores["mean"].energy_db, scores["independent"].energy_db)
        assert scores[name].coherence > 0.6


def test_who_knows_the_future_has_the_best_scores():
    _, future = draw_status(TOPOLOGY, SMALL, rng=stream(2, "drawn paths"))

    @dataclass(frozen=True)
    class Knows:
        def emulate(self, window, n_slots, *, n_samples=0, rng=None):
            said = HOLD.emulate(window, n_slots, n_samples=n_samples, rng=rng)
            sample = np.repeat(future.snr_db[:, None, :, :n_slots], n_samples, axis=1)
            return replace(said, snr_db=future.snr_db[:, :, :n_slots], snr_sample_db=sample)

    scores, true = score_drawn_paths({"knows": Knows()}, TOPOLOGY, SMALL, seed=2)
    assert isinstance(Knows().emulate(draw_status(TOPOLOGY, SMALL, rng=stream(2, "d"))[0], 15), EmulatedStatus)
    known = scores["knows"]
    assert (known.bias, known.coverage) == (pytest.approx(0, abs=1e-4), 1)
    assert (known.handovers, known.energy_db, known.coherence) == (true, pytest.approx(0, abs=1e-9), 1)
