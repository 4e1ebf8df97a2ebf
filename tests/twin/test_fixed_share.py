"""The plainest hedge: shares by hand, no worse than both plain guesses, and the contract of an emulator."""

import numpy as np
import pytest

from gdt_tutorial.physical.mobility import LevyFlightConfig
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.contracts import check_emulator
from gdt_tutorial.twin.emulation.extrapolation import ConstantVelocity, HoldLast
from gdt_tutorial.twin.emulation.fixed_share import FixedShare, straight_shares
from gdt_tutorial.twin.emulation.walks import Walks
from gdt_tutorial.twin.status import StatusWindow

TOPOLOGY = Topology.waterloo()
CAMPUS = TOPOLOGY.campus


@pytest.fixture(scope="module")
def walks():
    return Walks.sample(LevyFlightConfig(), CAMPUS, 400, 30, 2.0, rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def window(walks):
    is_asked = np.ones((1, 40, 20), dtype=bool)
    is_asked[0, ::2, -3:] = False
    rng = np.random.default_rng(1)
    return StatusWindow(
        slot=19,
        position_m=walks.position_m[None, :40, :20],
        velocity_mps=walks.velocity_mps[None, :40, :20],
        is_behavior_collected=is_asked,
        snr_db=rng.normal(12, 6, (1, 40, 20, TOPOLOGY.n_aps)),
        is_networking_collected=is_asked,
    )


def test_the_share_of_two_walkers_by_hand():
    # Both would go 4 m in a slot; one does, the other stops after 1 m: (16 + 4) / (16 + 16).
    position_m = np.zeros((2, 3, 2))
    position_m[:, 1:, 0] = [[4.0, 8.0], [1.0, 1.0]]
    velocity_mps = np.zeros((2, 3, 2))
    velocity_mps[:, 0, 0] = 2.0
    walks = Walks(position_m=position_m, velocity_mps=velocity_mps, slot_s=2.0)
    np.testing.assert_allclose(straight_shares(walks, CAMPUS, max_age_slots=1), [20 / 32])


def test_shares_fall_with_age_and_no_other_share_is_better(walks):
    shares = straight_shares(walks, CAMPUS, max_age_slots=8)
    assert np.all(np.diff(shares) < 0)
    start_m = walks.position_m[:, :-4]
    leg_m, moved_m = walks.velocity_mps[:, :-4] * 8.0, walks.position_m[:, 4:] - start_m
    is_inside = CAMPUS.contains(start_m + leg_m)
    error = [
        ((moved_m - share * leg_m)[is_inside] ** 2).sum() for share in (shares[3], shares[3] - 0.02, shares[3] + 0.02)
    ]
    assert error[0] == min(error)


def test_shares_of_zero_and_one_are_the_plain_guesses(walks, window):
    fitted = FixedShare.fit(walks, TOPOLOGY)
    for share, plain in ((0.0, HoldLast(topology=TOPOLOGY)), (1.0, ConstantVelocity(topology=TOPOLOGY))):
        ours = FixedShare(topology=TOPOLOGY, share=np.full(8, share), growth=fitted.growth)
        np.testing.assert_allclose(ours.emulate(window, 3).position_m, plain.emulate(window, 3).position_m)


def test_it_keeps_the_contract_and_its_spread_grows(walks, window):
    fitted = FixedShare.fit(walks, TOPOLOGY)
    check_emulator(fitted, window)
    std_m = fitted.emulate(window, 8).position_std_m
    assert np.all(np.diff(std_m, axis=2) > 0)


def test_bad_input(walks, window):
    fitted = FixedShare.fit(walks, TOPOLOGY)
    with pytest.raises(ValueError, match=r"max_age_slots must lie in 1\.\.29"):
        straight_shares(walks, CAMPUS, max_age_slots=30)
    still = Walks(position_m=walks.position_m, velocity_mps=np.zeros_like(walks.velocity_mps), slot_s=2.0)
    with pytest.raises(ValueError, match="walks must hold somebody who walks"):
        straight_shares(still, CAMPUS)
    with pytest.raises(ValueError, match="share must hold numbers in"):
        FixedShare(topology=TOPOLOGY, share=np.array([1.2]), growth=fitted.growth)
    with pytest.raises(ValueError, match="n_slots must be above 0"):
        fitted.emulate(window, 0)
