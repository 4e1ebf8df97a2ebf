import numpy as np
import pytest

from gdt_tutorial.units import db_to_linear, dbm_to_w, linear_to_db, w_to_dbm


@pytest.mark.parametrize(
    ("ratio", "ratio_db"), [(1.0, 0.0), (10.0, 10.0), (100.0, 20.0), (2.0, 3.0103), (0.5, -3.0103)]
)
def test_decibels_of_known_ratios(ratio, ratio_db):
    assert linear_to_db(ratio) == pytest.approx(ratio_db, abs=1e-4)
    assert db_to_linear(ratio_db) == pytest.approx(ratio, rel=1e-4)


@pytest.mark.parametrize(("power_w", "power_dbm"), [(1.0, 30.0), (1e-3, 0.0), (0.5012, 27.0), (0.0, -np.inf)])
def test_dbm_of_known_powers(power_w, power_dbm):
    assert w_to_dbm(power_w) == pytest.approx(power_dbm, abs=1e-3)
    assert dbm_to_w(power_dbm) == pytest.approx(power_w, rel=1e-3)


def test_round_trip_keeps_the_shape():
    ratio = np.geomspace(1e-12, 1e12, 24).reshape(2, 3, 4)
    np.testing.assert_allclose(db_to_linear(linear_to_db(ratio)), ratio, rtol=1e-12)
    np.testing.assert_allclose(dbm_to_w(w_to_dbm(ratio)), ratio, rtol=1e-12)


@pytest.mark.parametrize("bad", [-1.0, np.nan])
def test_a_power_has_no_sign(bad):
    with pytest.raises(ValueError, match=r"ratio must be at least 0, got (-1.0|nan); a power"):
        linear_to_db(np.array([1.0, bad]))
    with pytest.raises(ValueError, match=r"power_w must be at least 0"):
        w_to_dbm(bad)
