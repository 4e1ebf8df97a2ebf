"""Telemetry lost, late, twice and out of order: what arrives, what it costs, and what the twin makes of it."""

from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from gdt_tutorial.loops.device_triggered import DeviceTriggered
from gdt_tutorial.loops.external import ExternalLoop, FixedPeriod
from gdt_tutorial.loops.manager import GdtNetwork, schedule_model
from gdt_tutorial.loops.recipes.walkers import walkers
from gdt_tutorial.physical.controllers import LocalController, Uplink
from gdt_tutorial.physical.faulty_uplink import FaultConfig, FaultyUplink
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.discriminator import ErrorDiscriminator
from gdt_tutorial.twin.emulation.extrapolation import ConstantVelocity
from gdt_tutorial.twin.emulation.mini_batches import MiniBatches
from gdt_tutorial.twin.report_rules import ErrorIndex, ErrorThreshold, RuleDiscriminator
from gdt_tutorial.twin.status_store import StatusStore

TOPOLOGY = Topology.waterloo()
EMULATOR = ConstantVelocity(topology=TOPOLOGY)
N_BATCH, N_USERS, N_SLOTS = 2, 8, 32
TRAJECTORY = walkers(TOPOLOGY, N_BATCH, N_USERS, N_SLOTS, seed=3)
SCHEMES = {
    "adaptive": lambda store, uplink: ExternalLoop(store, EMULATOR, ErrorDiscriminator(), uplink),
    "rules": lambda store, uplink: ExternalLoop(
        store, EMULATOR, RuleDiscriminator(ErrorThreshold(limit=4.5), ErrorIndex()), uplink,
        MiniBatches(rng=stream(0, "mini-batches")),
    ),
    "fixed": lambda store, uplink: FixedPeriod(store, EMULATOR, 5, uplink),
    "devices": lambda store, uplink: DeviceTriggered(store, EMULATOR, controller=uplink),
}  # fmt: skip
FAULTS = st.builds(
    FaultConfig,
    lost_share=st.floats(0, 0.5), late_share=st.floats(0, 1), twice_share=st.floats(0, 1),
    max_delay_slots=st.integers(1, 25),
)  # fmt: skip


def collected_are_true(store, slot):
    """Assert that whatever counts as collected, in any slot of the window, is what was true in that slot."""
    window = store.window()
    for mask, names in (
        (window.is_behavior_collected, ("position_m", "velocity_mps")),
        (window.is_networking_collected, ("snr_db",)),
    ):
        for env, user, at in np.argwhere(mask):
            truth = TRAJECTORY[slot - (store.window_slots - 1 - at)]
            for name in names:
                np.testing.assert_array_equal(getattr(window, name)[env, user, at], getattr(truth, name)[env, user])


def check_ages(store):
    """Assert that the age of a status is that of its newest collected slot."""
    window, status = store.window(), store.status()
    for mask, half in (
        (window.is_behavior_collected, status.behavior),
        (window.is_networking_collected, status.networking),
    ):
        np.testing.assert_array_equal(half.age_slots, mask[..., ::-1].argmax(axis=-1))
        assert mask.any(axis=-1).all()


@settings(max_examples=12, deadline=None, derandomize=True, database=None)
@given(faults=FAULTS, scheme=st.sampled_from(sorted(SCHEMES)), seed=st.integers(0, 1000))
def test_no_emulated_value_passes_for_a_collected_one(faults, scheme, seed):
    store = StatusStore(N_BATCH, N_USERS, TOPOLOGY.n_aps, 20)
    uplink = FaultyUplink(faults, rng=stream(seed, "uplink"))
    loop = SCHEMES[scheme](store, uplink)
    for telemetry in TRAJECTORY:
        status = loop.observe(telemetry)
        assert np.isfinite(status.behavior.position_m).all()
        assert np.isfinite(status.networking.snr_db).all()
        check_ages(store)
        if telemetry.slot % 3 == 0:
            collected_are_true(store, telemetry.slot)


def test_without_faults_it_is_the_local_controller():
    plain, faulty = (StatusStore(N_BATCH, N_USERS, TOPOLOGY.n_aps, 20) for _ in range(2))
    no_faults = FaultConfig(lost_share=0.0, late_share=0.0, twice_share=0.0)
    uplink = FaultyUplink(no_faults, rng=stream(0, "uplink"))
    assert isinstance(uplink, Uplink)
    assert isinstance(LocalController(), Uplink)
    loops = SCHEMES["adaptive"](plain, LocalController()), SCHEMES["adaptive"](faulty, uplink)
    for telemetry in TRAJECTORY:
        one, other = (loop.observe(telemetry) for loop in loops)
        np.testing.assert_array_equal(one.behavior.position_m, other.behavior.position_m)
        np.testing.assert_array_equal(loops[0].records[-1].n_byte, loops[1].records[-1].n_byte)


def test_losses_make_the_status_older_and_periods_shorter_or_as_long():
    ages, bytes_sent = [], []
    for lost_share in (0.0, 0.5):
        store = StatusStore(N_BATCH, N_USERS, TOPOLOGY.n_aps, 20)
        uplink = FaultyUplink(FaultConfig(lost_share=lost_share, late_share=0.0), rng=stream(0, "uplink"))
        loop = SCHEMES["adaptive"](store, uplink)
        ages.append(np.mean([loop.observe(telemetry).behavior.age_slots.mean() for telemetry in TRAJECTORY]))
        bytes_sent.append(np.mean([record.n_byte.mean() for record in loop.records]))
    assert ages[1] > 1.3 * ages[0]
    assert bytes_sent[1] > bytes_sent[0]  # what is lost was sent, and is asked for again


def test_shares_of_what_arrives_are_those_of_the_config():
    config = FaultConfig(lost_share=0.3, late_share=0.2, twice_share=0.1, max_delay_slots=3, reliable_after_slots=1000)
    uplink, everybody = FaultyUplink(config, rng=stream(0, "uplink")), np.ones((N_BATCH, N_USERS), dtype=bool)
    uplink._heard = {name: np.zeros(everybody.shape, dtype=np.int64) for name in ("networking", "behavior")}
    n_on_time = n_late = 0
    for slot, telemetry in enumerate(TRAJECTORY * 20):
        n_on_time += uplink.collect(replace(telemetry, slot=slot), everybody, everybody).is_behavior_collected.sum()
        n_late += sum(report.is_behavior_collected.sum() for report in uplink.late())
    n_sent = 20 * N_SLOTS * everybody.size
    assert n_on_time / n_sent == pytest.approx(0.7 * 0.8, abs=0.02)
    at_once = 0.7 * 0.2 * 0.1 / 3  # two copies that come in one slot are one
    assert n_late / n_sent == pytest.approx(0.7 * 0.2 + 0.1 - at_once, abs=0.015)


def test_the_whole_network_runs_at_half_of_the_telemetry_lost():
    network = PhysicalNetwork.waterloo(1, NetworkConfig(n_users=10), seed=0)
    faults = FaultConfig(lost_share=0.5, late_share=0.3, twice_share=0.3, max_delay_slots=8)
    gdt = GdtNetwork(
        network,
        ConstantVelocity(topology=network.topology),
        {"greedy": GreedyAllocator(schedule_model(network)), "again": GreedyAllocator(schedule_model(network))},
        lambda store, emulator: ExternalLoop(
            store, emulator, ErrorDiscriminator(), FaultyUplink(faults, rng=stream(0, "uplink"))
        ),
    )
    history = gdt.run(30)
    assert np.isfinite(history.qoe).all()


def test_bad_shares_are_refused():
    with pytest.raises(ValueError, match="lost_share must lie in .0, 1., got 1"):
        FaultConfig(lost_share=1.0)
