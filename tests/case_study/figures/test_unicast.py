"""A simulation of one phone at a time, in plain numbers, tells the same story as the network where each user is alone.

It shares with the network what is given (lists, durations, swipes, channels) and none of its code for sending and playing.
"""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.case_study.scenario import CaseStudyConfig, case_study_network
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.playback import QoeConfig
from gdt_tutorial.seeding import stream
from tests.case_study.event_log import EventLog
from tests.case_study.groups.audiences import watch_log

TINY = 1e-9


class Phone:
    """One user alone with one list: a play head, a store, a clock."""

    def __init__(self, videos, segment_s, n_rows, qoe, fraction_of):
        self.videos, self.segment_s, self.n_rows, self.qoe = videos, segment_s, n_rows, qoe
        self.fraction_of = fraction_of  # of the video at a list position
        self.position, self.segment, self.played_s = 0, 0, 0.0
        self.store, self.quality_before = {}, None

    def lengths(self, position):
        """Return the length of every segment of a video; the last one is what remains."""
        left_s, lengths = self.videos[position % len(self.videos)]["duration_s"], []
        while not lengths or left_s > 1e-6 * self.segment_s:
            lengths.append(min(self.segment_s, left_s))
            left_s -= self.segment_s
        return lengths

    def receive(self, position, segment, version):
        is_ahead = self.position < position < self.position + self.n_rows
        is_next = position == self.position and segment >= self.segment
        if (is_ahead or is_next) and (position, segment) not in self.store:
            self.store[position, segment] = version

    def watch(self, slot_s):
        got = dict.fromkeys(("quality", "variation", "watched_s", "stall_s", "dropped_s", "wasted_bit", "n_views"), 0.0)
        clock_s = 0.0
        while slot_s - clock_s > TINY:
            if (self.position, self.segment) not in self.store:
                got["stall_s"] = slot_s - clock_s
                break
            quality = self.qoe.version_quality[self.store[self.position, self.segment]]
            if self.quality_before is not None:
                got["variation"] += abs(quality - self.quality_before)
            self.quality_before = quality
            lengths = self.lengths(self.position)
            leave_s = min(max(self.fraction_of(self.position) * sum(lengths), self.qoe.min_view_s), sum(lengths))
            segment_end_s = sum(lengths[: self.segment + 1])
            run_s = min(leave_s - self.played_s, segment_end_s - self.played_s, slot_s - clock_s)
            clock_s += run_s
            self.played_s += run_s
            got["quality"] += run_s * quality
            got["watched_s"] += run_s
            if self.played_s >= leave_s - TINY:
                self.leave(lengths, leave_s, got)
            elif self.played_s >= segment_end_s - TINY:
                self.segment += 1
        value = self.qoe.quality_weight * got["quality"] - self.qoe.variation_weight * got["variation"]
        got["qoe"] = (value - self.qoe.stall_weight * got["stall_s"]) / slot_s
        return got

    def leave(self, lengths, leave_s, got):
        got["n_views"] += 1
        start_s = 0.0
        for segment, length_s in enumerate(lengths):
            version = self.store.pop((self.position, segment), None)
            if version is not None:
                rest_s = min(max(start_s + length_s - leave_s, 0.0), length_s)
                got["dropped_s"] += rest_s
                got["wasted_bit"] += rest_s * self.videos[0]["bitrate_bps"][version]
            start_s += length_s
        self.position, self.segment, self.played_s, self.quality_before = self.position + 1, 0, 0.0, None


def unicast_network(seed, slot_s, segment_s, min_view_s, computing_cycles_per_s, log):
    qoe = QoeConfig(min_view_s=min_view_s)
    config = CaseStudyConfig(network=NetworkConfig(n_users=10, slot_s=slot_s, n_rows=4, n_playlist=7, qoe=qoe))
    net = case_study_network(1, config, computing_cycles_per_s=computing_cycles_per_s, watch_log=log, seed=seed)
    catalog = replace(net.catalog, segment_s=segment_s)
    return PhysicalNetwork(net.topology, catalog, net.viewers, config.network, seed=seed)


def phones_of(net, playlist):
    def fraction_of(user):
        def fraction(position):
            kind = net.catalog.video_type[playlist[user, position % playlist.shape[1]]]
            where = (np.array([number]) for number in (0, user, position, kind))
            return float(net.tape.fraction(*where)[0])

        return fraction

    bitrate_bps = [float(rate) for rate in net.catalog.bitrate_bps]
    return [
        Phone(
            [
                {"duration_s": float(net.catalog.duration_s[v]), "bitrate_bps": bitrate_bps, "video": int(v)}
                for v in videos
            ],
            net.catalog.segment_s,
            net.config.n_rows,
            net.config.qoe,
            fraction_of(user),
        )
        for user, videos in enumerate(playlist)
    ]


def demands(phone, rng):
    """List segments from the play head on, some left out, some of no use."""
    wanted, position, segment = [], phone.position, max(phone.segment - int(rng.integers(2)), 0)
    while len(wanted) < 14:
        if segment >= len(phone.lengths(position)):
            position, segment = position + 1, 0
        elif rng.random() < 0.85:
            wanted.append((position, segment))
            # People who swipe early are served across videos.
            position, segment = (position + 1, 0) if rng.random() < 0.25 else (position, segment + 1)
        else:
            segment += 1
    return wanted


def send(phones, plan, capacity, efficiency, serving_ap):
    """Send each user's own stream until band, cycles or backhaul are used up; return the seconds that were new."""
    asked_bit = [0.0] * len(capacity.bandwidth_hz)
    for phone, (ap, version, _, _, wanted) in zip(phones, plan, strict=True):
        asked_bit[ap] += sum(sizes(phone, wanted, version, capacity, ap)[1])
    received_s = []
    for user, (phone, (ap, version, band, cycles, wanted)) in enumerate(zip(phones, plan, strict=True)):
        bits, backhaul = sizes(phone, wanted, version, capacity, ap)
        room_bit = float(capacity.bandwidth_hz[ap]) * float(efficiency[user][ap]) * band * capacity.slot_s
        room_cycles = float(capacity.computing_cycles_per_s[ap]) * cycles * capacity.slot_s
        backhaul_share = min(1.0, float(capacity.backhaul_bps[ap]) * capacity.slot_s / max(asked_bit[ap], TINY))
        before_s = held_s(phone)
        for number, (position, segment) in enumerate(wanted, start=1):
            fits = sum(bits[:number]) <= room_bit * (1 + TINY)
            fits &= sum(bits[:number]) * capacity.cycles_per_bit <= room_cycles * (1 + TINY)
            fits &= sum(backhaul[:number]) <= backhaul_share * sum(backhaul) * (1 + TINY) + TINY
            if not fits or serving_ap[user] != ap:
                break
            phone.receive(position, segment, version)
        received_s.append(held_s(phone) - before_s)
    return received_s


def sizes(phone, wanted, version, capacity, ap):
    bits = [phone.lengths(p)[s] * phone.videos[0]["bitrate_bps"][version] for p, s in wanted]
    is_near = [capacity.is_cached[ap, phone.videos[p % len(phone.videos)]["video"]] for p, _ in wanted]
    return bits, [0.0 if near else bit for bit, near in zip(bits, is_near, strict=True)]


def held_s(phone):
    return sum(phone.lengths(position)[segment] for position, segment in phone.store)


def decision_of(plan):
    ap, version, band, cycles, wanted = zip(*plan, strict=True)
    users = np.arange(len(plan))[None]
    return Decision(
        subgroup=users, group=users, ap=np.array([ap]), version=np.array([version]),
        bandwidth_share=np.array([band]), computing_share=np.array([cycles]), segments=np.array([wanted]),
    )  # fmt: skip


def shares(ap, rng):
    """Split every access point among its users, unevenly, and leave some of it."""
    weight = rng.uniform(0.2, 1.0, size=len(ap))
    return [float(weight[user] / sum(weight[np.array(ap) == ap[user]]) * 0.95) for user in range(len(ap))]


WORLDS = [
    # seed, slot_s, segment_s, min_view_s, computing_cycles_per_s, log
    (0, 2.0, 1.0, 0.5, 4e9, None),
    (1, 1.7, 1.0, 0.1, 8e9, watch_log(p_full=0)),
    (2, 3.0, 0.7, 1.3, 3e9, watch_log()),
    (3, 2.0, 2.3, 0.05, 12e9, None),
    (4, 5.0, 1.0, 0.3, 12e9, watch_log(p_full=0)),
]


@pytest.mark.parametrize("world", WORLDS)
def test_the_unicast_case_agrees_with_one_phone_at_a_time(world):
    net, rng = unicast_network(*world), stream(world[0], "plan")
    telemetry = net.reset(np.arange(10)[None])
    log, phones = EventLog(net, telemetry), phones_of(net, telemetry.session.playlist[0])
    seen = dict.fromkeys(("variation", "stall_s", "dropped_s", "several views", "inside a segment", "handover"), 0.0)
    for _ in range(30):
        old_ap = [int(ap) for ap in telemetry.session.serving_ap[0]]
        band, cycles = shares(old_ap, rng), shares(old_ap, rng)
        version = [int(number) for number in rng.integers(net.catalog.n_versions, size=10)]
        plan = list(zip(old_ap, version, band, cycles, [demands(phone, rng) for phone in phones], strict=True))
        telemetry = net.step(decision_of(plan))
        log.add(telemetry)
        told = [phone.watch(net.config.slot_s) for phone in phones]
        efficiency = net.link.spectral_efficiency(net.channel.snr_db)[0].tolist()
        received_s = send(phones, plan, net.capacity, efficiency, telemetry.session.serving_ap[0].tolist())
        for name in told[0]:
            network_says = (log.slots().wasted_bit[-1] if name == "wasted_bit" else getattr(telemetry.service, name))[0]
            tolerance = 1.0 if name == "wasted_bit" else 1e-6
            np.testing.assert_allclose(
                network_says, [each[name] for each in told], atol=tolerance, rtol=0, err_msg=name
            )
        np.testing.assert_allclose(telemetry.service.received_s[0], received_s, atol=1e-6)
        assert telemetry.session.head[0].tolist() == [phone.position for phone in phones]
        for name in ("variation", "stall_s", "dropped_s"):
            seen[name] += sum(each[name] for each in told)
        seen["several views"] += sum(each["n_views"] > 1 for each in told)
        seen["inside a segment"] += sum(each["dropped_s"] % net.catalog.segment_s > 0.01 for each in told)
        seen["handover"] += sum(old != new for old, new in zip(old_ap, telemetry.session.serving_ap[0], strict=True))
    log.balance()
    # Only viewers who swipe fast see several videos within one slot.
    assert min(value for name, value in seen.items() if name != "several views") > 0, seen
    assert world[5] is None or seen["several views"] > 0, seen
