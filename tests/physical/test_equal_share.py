"""Equal shares, and the segments that phones lack."""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.physical.decision_checks import check_decision
from gdt_tutorial.physical.equal_share import equal_share_decision, missing_segments
from tests.small_networks import network


def first_member(missing, stored_s):
    return missing[0]


def decide(net, session, choose=first_member):
    return equal_share_decision(session, net.catalog, net.topology.n_aps, choose)


def test_a_phone_lacks_what_it_has_not_played_and_does_not_hold():
    net = network()
    session = net.reset().session
    video = session.playlist[1, session.group[1, 3], :2]
    n_segments = net.catalog.n_segments[video]
    play_s, buffered = session.play_s.copy(), session.buffered.copy()
    play_s[1, 3], buffered[1, 3, 0, 4] = 3.5, 1
    session = replace(session, play_s=play_s, buffered=buffered)
    everything = [(0, k) for k in range(n_segments[0]) if k >= 3 and k != 4] + [(1, k) for k in range(n_segments[1])]
    assert missing_segments(session, net.catalog, 1, 3, 100) == everything
    assert missing_segments(session, net.catalog, 1, 3) == everything[:8]


def test_every_subgroup_of_an_access_point_gets_the_same():
    net = network()
    session = net.reset().session
    decision = decide(net, session)
    check_decision(decision, net.stream, net.topology.n_aps, net.catalog)
    n_groups = session.playlist.shape[1]
    np.testing.assert_array_equal(decision.bandwidth_share, np.full((2, 2 * n_groups), 1 / n_groups))
    np.testing.assert_array_equal(decision.computing_share, decision.bandwidth_share)
    assert not decision.version.any()
    env = np.arange(2)[:, None]
    np.testing.assert_array_equal(decision.group[env, decision.subgroup], session.group)
    np.testing.assert_array_equal(decision.ap[env, decision.subgroup], session.serving_ap)


def test_each_subgroup_asks_the_rule_for_its_own_members():
    net = network()
    session, asked = net.reset().session, []

    def choose(missing, stored_s):
        asked.append((len(missing), len(stored_s)))
        return [missing[-1][0]]

    decision = decide(net, session, choose)
    sizes = [(decision.subgroup == one).sum(axis=1) for one in range(decision.ap.shape[1])]
    wanted = [size for size in np.transpose(sizes).ravel() if size]
    assert asked == [(size, size) for size in wanted]
    sent = (decision.segments[..., 0] >= 0).sum(axis=-1)
    np.testing.assert_array_equal(sent, np.transpose(sizes) > 0)


def test_a_rule_that_sends_too_much_is_refused():
    net = network()
    with pytest.raises(ValueError, match="choose must return at most 8 segments, got 9; cut its list"):
        decide(net, net.reset().session, lambda missing, stored_s: missing[0] + missing[0][:1])
