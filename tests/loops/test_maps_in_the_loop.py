import numpy as np
import pytest

from gdt_tutorial.loops.recipes.maps_in_the_loop import (
    MapLoopConfig,
    open_network,
    record,
    score_emulator,
    study,
)
from gdt_tutorial.physical.scenes.layout import SceneConfig
from gdt_tutorial.twin.abstraction.expected_worst import ExpectedWorst
from gdt_tutorial.twin.emulation.emulator import known
from gdt_tutorial.twin.emulation.maps.map_maker import HeightDraws
from gdt_tutorial.twin.recipes.scene_emulators import by_law, by_maker, by_truth, measure_law

SMALL = MapLoopConfig(n_pixels=24, n_users=24, n_slots=28, n_samples=8, n_groups=6)


class Told:
    """Says what came."""

    def __init__(self, recorded):
        self.recorded = recorded

    def emulate(self, window, n_slots, *, n_samples=0, rng=None):
        part = slice(window.slot + 1, window.slot + 1 + n_slots)
        said = known(self.recorded.position_m[:, :, part], self.recorded.snr_db[:, :, part])
        position_m, snr_db = (np.repeat(each[:, None], n_samples, axis=1) for each in (said.position_m, said.snr_db))
        return type(said)(**{**vars(said), "position_sample_m": position_m, "snr_sample_db": snr_db})


def test_who_knows_what_comes_has_no_error():
    network, _ = open_network(SMALL, seed=0)
    recorded = record(network, SMALL.n_slots)
    scores = score_emulator(Told(recorded), recorded, network, SMALL)
    assert (
        scores.snr_rmse_db
        == scores.snr_crps_db
        == scores.worst_bias
        == scores.worst_mean_bias
        == scores.worst_crps
        == 0
    )
    assert scores.snr_coverage == scores.worst_coverage == 1


def test_a_recording_is_the_course_of_the_network():
    network, _ = open_network(SMALL, seed=0)
    recorded, again = record(network, 5), record(network, 3)
    assert np.array_equal(recorded.snr_db[:, :, :3], again.snr_db)
    assert np.array_equal(recorded.position_m[:, :, 0], network.reset().position_m)


def test_maps_know_more_than_the_law_and_the_truth_more_than_maps():
    config = SceneConfig(n_pixels=24, n_aps=3)
    emulators = {
        "law": by_law(measure_law(config, n_scenes=4, seed=1)),
        "heights": by_maker(lambda scene: HeightDraws(scene=scene, config=config), n_draws=16),
        "truth": by_truth(),
    }
    rows = study(emulators, SMALL, seeds=range(2), read=ExpectedWorst)
    for score in ("snr_rmse_db", "snr_crps_db", "loop_snr_rmse_db"):
        law, heights, truth = (rows[name][score].mean() for name in emulators)
        assert heights < 0.9 * law
        assert truth < 1.03 * heights
    assert all(rows[name]["qoe"].shape == (2,) for name in emulators)
    again = study({"truth": by_truth()}, SMALL, seeds=[1], read=ExpectedWorst)["truth"]
    assert all(again[score][0] == rows["truth"][score][1] for score in again)


def test_too_little_says_so():
    network, scene = open_network(SMALL, seed=0)
    with pytest.raises(ValueError, match="recorded must have 25 slots or more, got 18"):
        score_emulator(by_truth()(network, scene, 0), record(network, 18), network, SMALL)
    with pytest.raises(ValueError, match="seeds must hold one or more"):
        study({"truth": by_truth()}, SMALL, seeds=[])
