"""The twin's own computing: turned off, it changes nothing; turned on, it costs; and bad input."""

import numpy as np
import pytest

from gdt_tutorial.loops.recipes.own_computing import ChargeConfig, charged_run, charged_share
from gdt_tutorial.physical.network import NetworkConfig

SMALL = ChargeConfig(n_campuses=3, n_slots=12, network=NetworkConfig(n_users=30))


@pytest.fixture(scope="module")
def free():
    return charged_run(0.0, SMALL, seed=0)


def test_share_by_hand():
    # 5e9 cycles/s of 10 FLOPs each for 2 s are 1e11 FLOPs.
    assert charged_share(1e9) == pytest.approx(0.01)
    assert charged_share(1e12) == pytest.approx(10)
    assert charged_share(1e9, flops_per_cycle=5.0) == pytest.approx(0.02)


def test_without_a_charge_the_run_is_the_same_again(free):
    again = charged_run(0.0, SMALL, seed=0)
    np.testing.assert_array_equal(free.qoe, again.qoe)
    np.testing.assert_array_equal(free.computing_load, again.computing_load)


def test_a_charge_changes_the_number_and_half_of_the_server_hurts_everybody(free):
    charged = charged_run(0.5, SMALL, seed=0)
    assert (charged.qoe < free.qoe - 0.1).all()
    assert (free.computing_load > 0.5).all()
    assert charged.n_subgroups == free.n_subgroups > 0


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_that_leaves_nothing(share):
    with pytest.raises(ValueError, match=rf"share must lie in \[0, 1\), got {share}; a twin that needs more"):
        charged_run(share, SMALL, seed=0)


def test_a_run_that_is_over_before_it_counts():
    with pytest.raises(ValueError, match="n_slots must be above n_settling, 5, got 5; run longer"):
        ChargeConfig(n_slots=5)
