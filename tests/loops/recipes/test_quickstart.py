import numpy as np
import pytest

from gdt_tutorial.loops.external import ExternalLoop, FixedPeriod, every
from gdt_tutorial.loops.recipes.quickstart import (
    BOTH,
    QuickstartConfig,
    adaptive,
    drawn_maps,
    kriged_map,
    quickstart,
    statistical_law,
)
from gdt_tutorial.twin.emulation.extrapolation import ConstantVelocity
from gdt_tutorial.twin.emulation.maps.kriging_emulator import KrigingEmulator
from gdt_tutorial.twin.emulation.maps.map_emulator import MapEmulator
from tests.small_networks import same

SMALL = QuickstartConfig(n_days=2, n_users=20, n_maps=4)
N_SLOTS = 8


@pytest.fixture(scope="module")
def closed():
    gdt = quickstart(SMALL, seed=3)
    return gdt, gdt.run(N_SLOTS)


def test_everything_is_in_place(closed):
    gdt, _ = closed
    assert isinstance(gdt.virtual.emulator, MapEmulator)
    assert gdt.virtual.emulator.loss_db.shape[:2] == (SMALL.n_maps, SMALL.n_aps)
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
        ({"make_emulator": statistical_law()}, ConstantVelocity),
        ({"make_emulator": kriged_map()}, KrigingEmulator),
        ({"collect": every(5)}, FixedPeriod),
        ({"collect": adaptive}, ExternalLoop),
        ({"managers": ("equal share",)}, None),
    ],
)
def test_an_exchanged_part_leaves_the_world_as_it_was(closed, parts, kind):
    gdt = quickstart(SMALL, seed=3, **parts)
    assert kind is None or isinstance(gdt.virtual.emulator, kind) or isinstance(gdt.collection, kind)
    history = gdt.run(3)
    np.testing.assert_array_equal(history.position_m, closed[1].position_m[:3])
    np.testing.assert_array_equal(gdt.network.viewers.preference, closed[0].network.viewers.preference)


def test_without_the_drawn_maps_the_twin_errs_more_with_the_same_reports():
    errors = {}
    for name, make in {"drawn": None, "law": statistical_law()}.items():
        gdt = quickstart(SMALL, make_emulator=make, managers=BOTH[:1], collect=every(5), seed=3)
        errors[name] = gdt.run(N_SLOTS).snr_error_db[2:].mean()
    assert errors["drawn"] < 0.8 * errors["law"]


def test_runs_have_a_seed_pair(closed):
    _, history = closed
    assert same(history, quickstart(SMALL, seed=3).run(N_SLOTS))
    assert not np.array_equal(history.position_m[:1], quickstart(SMALL, seed=4).run(1).position_m)


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
