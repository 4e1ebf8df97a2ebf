"""The worst of several users: against Monte Carlo, one user's law, and a case on paper; handovers along a path."""

import numpy as np
import pytest
from scipy.stats import norm

from gdt_tutorial.physical.delivery import serving_ap
from gdt_tutorial.physical.link_adaptation import LinkAdaptation
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.abstraction.status_windows import sample_windows
from gdt_tutorial.twin.emulation.emulation_scores import past_and_future
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.emulation.futures import expected_worst_efficiency, handovers, random_groups, worst_members

TOPOLOGY, LINK = Topology.waterloo(), LinkAdaptation()


def one_step():
    """Return a transmitter that sends 1 bit/s/Hz above 10 dB, and nothing below."""
    link = LinkAdaptation()
    link.threshold_db, link.efficiency = np.array([10.0]), np.array([1.0])
    return link


@pytest.mark.parametrize("n_members", [1, 2, 5, 20])
def test_the_closed_form_is_the_mean_over_many_draws(n_members):
    rng = stream(n_members, "members")
    mean_db, std_db = rng.uniform(5, 25, size=n_members), rng.uniform(1, 8, size=n_members)
    drawn_db = mean_db + std_db * rng.standard_normal((100_000, n_members))
    each = LINK.spectral_efficiency(drawn_db.min(axis=-1)).astype(np.float64)
    wanted = expected_worst_efficiency(mean_db, std_db, LINK)
    assert abs(each.mean() - wanted) < 4 * each.std() / np.sqrt(len(each))


def test_two_users_at_the_threshold_are_served_in_one_case_of_four():
    at_step = np.full(2, 10.0)
    np.testing.assert_allclose(expected_worst_efficiency(at_step, np.ones(2), one_step()), 0.25)
    above = expected_worst_efficiency(np.array([10.0, 12.0]), np.array([1.0, 2.0]), one_step())
    np.testing.assert_allclose(above, 0.5 * norm.cdf(1.0))


def test_without_much_spread_it_is_the_efficiency_of_the_smallest_mean():
    mean_db = stream(0, "means").uniform(0, 30, size=(50, 4))
    expected = expected_worst_efficiency(mean_db, np.full((50, 4), 1e-9), LINK)
    np.testing.assert_allclose(expected, LINK.spectral_efficiency(mean_db.min(axis=-1)), rtol=1e-6)


def test_groups_are_users_of_one_access_point():
    ap = stream(0, "ap").integers(2, size=(3, 12))
    env, member = random_groups(ap, 4, 30, rng=stream(0, "groups"))
    assert member.shape == (30, 4)
    for one, users in zip(env, member, strict=True):
        assert len(set(users)) == 4
        assert len(set(ap[one, users])) == 1


@pytest.fixture(scope="module")
def emulated():
    window = sample_windows(TOPOLOGY, 2, 30, 20, rng=stream(0, "windows"))
    past, future = past_and_future(window, 8)
    emulator = HoldLast(topology=TOPOLOGY)
    said = emulator.emulate(past, 8, n_samples=8, rng=stream(0, "paths"))
    return said, future, serving_ap(past.snr_db[:, :, -1])


def test_four_ways_to_say_it(emulated):
    said, future, ap = emulated
    env, member = random_groups(ap, 5, 40, rng=stream(0, "groups"))
    worst = worst_members(said, future.snr_db, ap, env, member, LINK)
    one, users = env[3], member[3]
    own = ap[one, users[0]]
    true_db = future.snr_db[one, users, :, own].min(axis=0)
    np.testing.assert_allclose(worst.truth[3], LINK.spectral_efficiency(true_db))
    mean_db, std_db = said.snr_db[one, users, :, own].T, said.snr_std_db[one, users, :, own].T
    np.testing.assert_allclose(worst.closed_form[3], expected_worst_efficiency(mean_db, std_db, LINK))
    paths_db = said.snr_sample_db[one][:, users][..., own].min(axis=1)
    np.testing.assert_allclose(worst.of_paths[3], LINK.spectral_efficiency(paths_db).mean(axis=0), rtol=1e-5)
    assert worst.of_means.mean() > worst.closed_form.mean()


def test_a_larger_group_is_flattered_more(emulated):
    said, future, ap = emulated
    bias = []
    for n_members in (2, 10):
        worst = worst_members(said, future.snr_db, ap, *random_groups(ap, n_members, 200, rng=stream(1, "g")), LINK)
        bias.append(worst.of_means.mean() / worst.truth.mean() - 1)
    assert bias[1] > bias[0] > 0


def test_a_handover_needs_the_margin():
    snr_db = np.array([[10.0, 12.0], [10.0, 14.0], [14.0, 12.0], [16.0, 12.0]])[None, None]
    count = handovers(snr_db, np.zeros((1, 1), dtype=np.int64), hysteresis_db=3.0)
    assert count.tolist() == [[2.0]]  # to the second in slot 1, and back in slot 3


def test_what_has_no_answer_is_refused(emulated):
    _, future, ap = emulated
    with pytest.raises(ValueError, match="mean_db must hold a user"):
        expected_worst_efficiency(np.zeros((3, 0)), np.ones((3, 0)), LINK)
    with pytest.raises(ValueError, match="std_db must be above 0"):
        expected_worst_efficiency(np.zeros(3), np.zeros(3), LINK)
    with pytest.raises(ValueError, match=r"n_members must lie in 1\.\."):
        random_groups(ap, 31, 5, rng=stream(0, "groups"))
    without = HoldLast(topology=TOPOLOGY).emulate(past_and_future(future, 4)[0], 8)
    with pytest.raises(ValueError, match="samples must be there"):
        worst_members(without, future.snr_db, ap, *random_groups(ap, 2, 5, rng=stream(0, "groups")), LINK)
