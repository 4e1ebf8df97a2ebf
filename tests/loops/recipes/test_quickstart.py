from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.loops.external import ExternalLoop, FixedPeriod, every
from gdt_tutorial.loops.recipes.quickstart import (
    BOTH,
    MAKERS,
    QuickstartConfig,
    adaptive,
    drawn_maps,
    imitated,
    kriged_map,
    quickstart,
    statistical_law,
)
from gdt_tutorial.physical.scenes.campus_event import CampusEventConfig
from gdt_tutorial.twin.abstraction.coded_context import CodedContext
from gdt_tutorial.twin.decision.learned_bitmaps import DrawnBitmap
from gdt_tutorial.twin.emulation.extrapolation import ConstantVelocity
from gdt_tutorial.twin.emulation.imitator import ImitatorEmulator
from gdt_tutorial.twin.emulation.maps.kriging_emulator import KrigingEmulator
from gdt_tutorial.twin.emulation.maps.map_emulator import MapEmulator
from gdt_tutorial.twin.recipes.scene_emulators import positions_on
from tests.small_networks import same

SMALL = QuickstartConfig(n_days=2, event=CampusEventConfig(n_users=12), n_maps=4)
N_SLOTS = 8


@pytest.fixture(scope="module")
def closed():
    gdt = quickstart(SMALL, seed=3)
    return gdt, gdt.run(N_SLOTS)


def test_every_generative_model_is_in_its_place(closed):
    gdt, _ = closed
    emulator = gdt.virtual.emulator
    assert isinstance(emulator, MapEmulator)
    assert emulator.loss_db.shape[:2] == (SMALL.n_maps, 6)
    assert isinstance(emulator.positions, ImitatorEmulator)
    assert isinstance(gdt.virtual.abstractor, CodedContext)
    assert isinstance(gdt.internal.managers["generative"].choose.draw, DrawnBitmap)
    assert isinstance(gdt.collection, ExternalLoop)
    assert tuple(gdt.internal.managers) == BOTH
    assert any(verdict.expected_qoe for verdict in gdt.internal.verdicts)


def test_maps_are_drawn_from_footprints_alone(closed):
    gdt, _ = closed
    emulator = gdt.virtual.emulator
    flat = emulator.scene.with_heights(np.full(emulator.scene.n_buildings, 4.0))
    again = drawn_maps(SMALL.n_maps)(gdt.network, flat, 3)
    np.testing.assert_array_equal(again.loss_db, emulator.loss_db)


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ({"make_emulator": statistical_law()}, ImitatorEmulator),
        ({"make_emulator": statistical_law(positions=positions_on)}, ConstantVelocity),
        ({"make_emulator": drawn_maps(4, positions=positions_on)}, MapEmulator),
        ({"make_emulator": kriged_map()}, KrigingEmulator),
        ({"collect": every(5)}, FixedPeriod),
        ({"collect": adaptive()}, ExternalLoop),
        *(({"managers": (name,)}, None) for name in MAKERS),
    ],
)
def test_an_exchanged_part_leaves_the_world_as_it_was(closed, parts, kind):
    gdt = quickstart(SMALL, seed=3, **parts)
    assert kind is None or isinstance(gdt.virtual.emulator, kind) or isinstance(gdt.collection, kind)
    history = gdt.run(3)
    np.testing.assert_array_equal(history.position_m, closed[1].position_m[:3])
    np.testing.assert_array_equal(gdt.network.viewers.preference, closed[0].network.viewers.preference)


def test_the_campus_is_one_place_and_a_seed_another_day(closed):
    other = quickstart(SMALL, seed=4)
    np.testing.assert_array_equal(other.network.topology.ap_position_m, closed[0].network.topology.ap_position_m)
    assert not np.array_equal(closed[1].position_m[:1], other.run(1).position_m)


def errors_of(make):
    run = quickstart(SMALL, make_emulator=make, managers=BOTH[:1], collect=every(8), seed=3).run(14)
    return run.position_error_m[6:].mean(), run.snr_error_db[6:].mean()


def test_without_generative_emulators_the_twin_errs_more_with_the_same_reports():
    ours = errors_of(drawn_maps(8))
    assert ours[1] < 0.8 * errors_of(statistical_law())[1]
    assert ours[0] < 0.95 * errors_of(drawn_maps(8, positions=positions_on))[0]


def test_runs_have_a_seed_pair(closed):
    _, history = closed
    assert same(history, quickstart(SMALL, seed=3).run(N_SLOTS))


def test_muting_is_worth_much_and_a_search_finds_more_than_max_weight():
    config = replace(SMALL, n_days=4, event=CampusEventConfig())

    def qoe(name):
        return quickstart(config, managers=(name,), collect=every(4), seed=5).run(20).qoe[5:].mean()

    nobody, max_weight, search = (qoe(name) for name in ("all on", "model-based", "local search"))
    assert nobody < max_weight < search


def test_imitators_know_the_streets_of_the_campus(closed):
    assert imitated(closed[0].network).policy.crossings.is_possible.sum() == 58_280


def test_what_is_no_maker_is_refused():
    with pytest.raises(ValueError, match=r"managers must be among .*got 'oracle'"):
        quickstart(SMALL, managers=("oracle",), seed=0)


def test_a_sentence_of_the_operator_weighs_the_features(closed):
    def features(**said):
        gdt = quickstart(SMALL, seed=3, **said)
        gdt.run(1)
        return gdt.virtual.abstractor.abstract(gdt.seen)

    plain, fluent = features(), features(intent="keep video fluent everywhere")
    assert fluent.urgent_s.max() == pytest.approx(4 * plain.urgent_s.max())  # items change places
    assert fluent.value_s.max() == pytest.approx(plain.value_s.max())


def test_what_is_no_intent_is_refused():
    with pytest.raises(ValueError, match="intent must be a sentence that the language model can read|word"):
        quickstart(SMALL, seed=0, intent="good morning")
