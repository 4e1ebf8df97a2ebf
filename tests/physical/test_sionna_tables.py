"""The shipped tables: against the standard, against Sionna (slow), and used without it."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

from gdt_tutorial.physical import sionna_tables
from gdt_tutorial.physical.sionna_tables import ERROR_RATES, FOLDER, _crossing_db, mcs_steps, remake, umi_table


def test_a_network_runs_and_the_demo_is_imported_without_sionna():
    program = """
import sys
sys.modules["sionna"] = None  # an import would raise
from gdt_tutorial import demo
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.twin.abstraction.groups import GroupAbstractor
from gdt_tutorial.twin.decision.greedy import EqualShare
from gdt_tutorial.twin.decision.schedule import schedule_model
from gdt_tutorial.twin.swipe_curves import SwipeCurves
network = PhysicalNetwork.waterloo(1, seed=0)
telemetry, curves = network.reset(), SwipeCurves(1, network.catalog.n_types)
abstractor = GroupAbstractor(network.catalog, network.capacity, curves, network.link)
features = abstractor.abstract_session(telemetry.session, telemetry.snr_db)
decision = EqualShare(schedule_model(network)).decide(features, rng=None)
print(network.step(decision).snr_db.shape)
assert not [name for name in sys.modules if name.startswith("sionna.")]
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert run.stdout.strip() == "(1, 60, 2)"


# --- steps of modulation and coding -----------------------------------------------------------------------------------


def test_steps_are_those_of_the_standard():
    # TS 38.214 Tables 5.1.3.1-1 and 5.1.3.1-2: MCS index -> modulation order, code rate times 1024.
    standard = {
        1: {0: (2, 120), 9: (2, 679), 10: (4, 340), 16: (4, 658), 17: (6, 438), 28: (6, 948)},
        2: {0: (2, 120), 4: (2, 602), 5: (4, 378), 10: (4, 658), 11: (6, 466), 20: (8, 682.5), 27: (8, 948)},
    }
    for mcs_table, rows in standard.items():
        steps = mcs_steps(mcs_table)
        assert len(steps.efficiency) == {1: 29, 2: 28}[mcs_table]
        for mcs, (order, rate_1024) in rows.items():
            assert (steps.modulation_order[mcs], steps.code_rate[mcs]) == (order, rate_1024 / 1024)
            assert steps.efficiency[mcs] == order * rate_1024 / 1024


@pytest.mark.parametrize("mcs_table", [1, 2])
def test_a_lower_error_rate_takes_more_snr_and_all_of_it_lies_above_shannon(mcs_table):
    steps = mcs_steps(mcs_table)
    is_reached = np.isfinite(steps.snr_db)
    pair = is_reached[:, 1:]
    assert (np.diff(steps.snr_db, axis=1)[pair] > 0).all()
    shannon_db = 10 * np.log10(2**steps.efficiency - 1)
    assert ((steps.snr_db - shannon_db[:, None])[is_reached] > 0).all()


def test_steps_without_a_table_or_beyond_its_end_have_no_snr():
    missing = {table: np.argwhere(np.isnan(mcs_steps(table).snr_db)).tolist() for table in (1, 2)}
    no_table = [[mcs, rate] for mcs in range(3) for rate in range(4)]
    assert missing[1] == [*no_table, [28, 2], [28, 3]]
    assert missing[2] == [*no_table[:8], [26, 3], *([27, rate] for rate in range(4))]


def test_error_rates_come_in_the_order_of_the_question():
    every = mcs_steps(1)
    some = mcs_steps(1, (1e-3, 1e-1))
    assert every.error_rate.tolist() == list(ERROR_RATES)
    assert some.error_rate.tolist() == [1e-3, 1e-1]
    np.testing.assert_array_equal(some.snr_db, every.snr_db[:, [2, 0]])


def test_an_snr_lies_where_the_error_table_crosses_the_rate():
    snr_db, error_rate = np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.0, 1.0, 0.01, 0.0])
    assert _crossing_db(snr_db, error_rate, 0.1) == pytest.approx(1.5)
    # No error in a simulated table counts as 1e-4.
    assert _crossing_db(snr_db, error_rate, 1e-3) == pytest.approx(2.5)
    assert _crossing_db(snr_db, error_rate, 1e-4) == pytest.approx(3.0)


# --- Sionna itself ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_sionna_says_the_same_to_the_last_bit(tmp_path):
    remake(tmp_path)
    shipped, remade = (load_file(folder / "umi_law.safetensors")["table"] for folder in (FOLDER, tmp_path))
    assert shipped.dtype == remade.dtype == np.float32
    assert shipped.tobytes() == remade.tobytes()
    # The comments name Sionna's version, which may differ.
    shipped, remade = (
        [line for line in (folder / "mcs_steps.csv").read_text().splitlines() if not line.startswith("#")]
        for folder in (FOLDER, tmp_path)
    )
    assert shipped == remade


@pytest.mark.slow
def test_other_error_rates_lie_between_the_shipped_ones():
    between, shipped = mcs_steps(1, (0.05,)), mcs_steps(1)
    is_reached = np.isfinite(shipped.snr_db[:, 1])
    assert (shipped.snr_db[is_reached, 0] < between.snr_db[is_reached, 0]).all()
    assert (between.snr_db[is_reached, 0] < shipped.snr_db[is_reached, 1]).all()


@pytest.mark.slow
def test_importing_sionna_leaves_torch_alone_and_stays_on_the_cpu():
    """In a fresh process, since here Sionna may be imported already."""
    program = """
import sys, torch
from gdt_tutorial.physical.channel import umi_law
from gdt_tutorial.physical.link_adaptation import LinkAdaptation
assert "sionna" not in sys.modules, "Sionna must be imported lazily"
torch.manual_seed(3)
before = torch.get_rng_state()
law = umi_law(28e9, 10.0, 1.5)
LinkAdaptation(1, 0.05)
assert "sionna" in sys.modules
assert torch.equal(before, torch.get_rng_state()), "torch was reseeded"
import sionna.phy
assert sionna.phy.config.device == "cpu"
assert torch.get_default_dtype() == torch.float32
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert run.returncode == 0


class NoSionna:
    """Makes Python find no Sionna, as where it is not installed."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "sionna":
            raise ModuleNotFoundError("No module named 'sionna'", name="sionna")


@pytest.mark.parametrize("ask", [lambda: umi_table(28e9, 10.0, 1.5, 8192), lambda: mcs_steps(1, (0.05,)), remake])
def test_where_sionna_is_missing_one_sentence_says_how_to_get_it(ask, monkeypatch, tmp_path):
    for name in [name for name in sys.modules if name.split(".")[0] == "sionna"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NoSionna, *sys.meta_path])
    sionna_tables._sionna.cache_clear()
    with pytest.raises(ModuleNotFoundError, match=r'not installed; pip install "gdt-tutorial\[sionna\]"\.$') as raised:
        ask(tmp_path) if ask is remake else ask()
    assert raised.value.__suppress_context__
    assert not list(tmp_path.iterdir())


# --- bad input --------------------------------------------------------------------------------------------------------


def test_a_changed_table_is_refused(tmp_path, monkeypatch):
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    data = bytearray((tmp_path / "umi_law.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "umi_law.safetensors").write_bytes(data)
    monkeypatch.setattr(sionna_tables, "FOLDER", tmp_path)
    with pytest.raises(
        ValueError, match=r"path must have the hash in SHA256SUMS, got .umi_law.safetensors: .*remake it"
    ):
        umi_table(3.5e9, 10.0, 1.5, 8192)


def test_bad_tables_and_error_rates_are_refused():
    with pytest.raises(ValueError, match="mcs_table must be 1 or 2, got 5"):
        mcs_steps(5)
    for error_rate in (1e-5, 1.0, float("nan")):
        with pytest.raises(ValueError, match=r"error_rates must lie in \[1e-4, 1\), got"):
            mcs_steps(1, (error_rate,))
