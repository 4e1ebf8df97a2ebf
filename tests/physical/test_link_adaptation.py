"""From SNR to rate: against the tables of TS 38.214, Shannon's bound, and a search over all steps."""

import numpy as np
import pytest

from gdt_tutorial.physical.link_adaptation import LinkAdaptation, shannon_efficiency
from gdt_tutorial.physical.sionna_tables import ERROR_RATES, mcs_steps


@pytest.mark.parametrize("mcs_table", [1, 2])
def test_link_adaptation_rises_and_stays_below_shannon(mcs_table):
    link = LinkAdaptation(mcs_table)
    snr_db = np.linspace(-20, 60, 8001)
    efficiency = link.spectral_efficiency(snr_db)
    assert (np.diff(efficiency) >= 0).all()
    assert (efficiency <= shannon_efficiency(snr_db)).all()
    assert efficiency[0] == 0
    # At most 4 dB from Shannon where the tables reach, at the upper end of each step.
    gap_db = link.threshold_db - 10 * np.log10(2**link.efficiency - 1)
    assert (gap_db > 0).all()
    assert gap_db.max() < 4.0


def test_rates_are_those_of_the_standard():
    # TS 38.214 Table 5.1.3.1-1, MCS 28: 6 bits at 948/1024; Table 5.1.3.1-2, MCS 26: 8 bits at 916.5/1024.
    np.testing.assert_allclose(LinkAdaptation(1).efficiency[-1], 6 * 948 / 1024)
    np.testing.assert_allclose(LinkAdaptation(2).efficiency[-1], 8 * 916.5 / 1024)
    # Table 5.1.3.1-1, MCS 3: 2 bits at 251/1024 is the first with an error table.
    np.testing.assert_allclose(LinkAdaptation(1).efficiency[0], 2 * 251 / 1024)


@pytest.mark.parametrize("mcs_table", [1, 2])
def test_a_rate_begins_at_its_threshold(mcs_table):
    link = LinkAdaptation(mcs_table)
    np.testing.assert_array_equal(link.spectral_efficiency(link.threshold_db + 1e-6), link.efficiency.astype("float32"))


@pytest.mark.parametrize("mcs_table", [1, 2])
def test_thresholds_are_where_a_step_loses_ten_percent_and_no_other_step_is_better(mcs_table):
    link, steps = LinkAdaptation(mcs_table), mcs_steps(mcs_table)
    snr_db = np.linspace(-10, 30, 4001)
    carried = steps.snr_db[:, 0] <= snr_db[:, None]  # a step that is never reached is NaN, hence False
    best = np.where(carried, steps.efficiency, 0.0).max(axis=1)
    np.testing.assert_array_equal(link.spectral_efficiency(snr_db), best.astype("float32"))


def test_who_may_lose_less_sends_slower():
    snr_db = np.linspace(-10, 30, 4001)
    by_error_rate = [LinkAdaptation(1, error_rate).spectral_efficiency(snr_db) for error_rate in ERROR_RATES]
    assert (np.diff(by_error_rate, axis=0) <= 0).all()
    assert (np.diff(np.mean(by_error_rate, axis=1)) < 0).all()


def test_shannon_is_capped():
    np.testing.assert_allclose(shannon_efficiency(np.array([0.0, 30.0]), cap=5.0), [1.0, 5.0])


def test_a_table_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="mcs_table must be 1 or 2, got 5"):
        LinkAdaptation(5)
