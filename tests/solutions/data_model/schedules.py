"""Slots to schedule, and what a schedule is worth, for the tests of all schedulers."""

from dataclasses import replace

import numpy as np

from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.schedule import ScheduleModel
from tests.small_networks import ANY, TINY_QOE, capacity, tiny_catalog, twin_of


def slots_of(computing_cycles_per_s, n_slots=6, n_batch=2, n_users=20, seed=5):
    """Return a network, its model, and telemetry and features of several slots that a greedy rule has managed."""
    config = NetworkConfig(n_users=n_users)
    net = PhysicalNetwork.waterloo(n_batch, config, seed=seed, computing_cycles_per_s=computing_cycles_per_s)
    abstractor, model = twin_of(net)
    telemetry, maker, trajectory = net.reset(), GreedyAllocator(model), []
    for _ in range(n_slots):
        features = abstractor.abstract_session(telemetry.session, telemetry.snr_db)
        trajectory.append((telemetry, features))
        telemetry = net.step(maker.decide(features, rng=ANY))
    return net, model, trajectory


def versions_of(features, model, seed=0):
    """Draw a version for every SMG."""
    return stream(seed, "versions").integers(model.catalog.n_versions, size=features.ap.shape)


def taken_items(decision, features):
    """Mark the items that a decision sends."""
    key = np.array([10_000, 1])
    wanted, sent = features.segments @ key, decision.segments @ key
    is_sent = wanted[..., None] == sent[..., None, :]
    return is_sent.any(axis=-1) & (features.segments[..., 0] >= 0)


def promise_of(decision, features, model):
    """Return the expected gain of what a decision sends, per campus and access point."""
    gain = np.sum(model.gain(features, decision.version), axis=-1, where=taken_items(decision, features))
    return np.stack([np.sum(gain, axis=-1, where=features.ap == ap) for ap in (0, 1)], axis=-1)


def tiny_slot(seed, n_subgroups=2, n_items=4):
    """Return the features of a few small SMGs at one access point, and a model in which about half of the items fit."""
    rng = stream(seed, "tiny slot")
    shape = (1, n_subgroups, n_items)
    length_s = np.where(rng.random(shape) < 0.8, 1.0, rng.uniform(0.3, 1.0, size=shape))
    place = np.stack([np.zeros(n_items, dtype=np.int64), np.arange(n_items)], axis=-1)
    features = Features(
        subgroup=np.arange(n_subgroups)[None], group=np.zeros((1, n_subgroups), dtype=np.int64),
        ap=np.zeros((1, n_subgroups), dtype=np.int64), n_members=np.ones((1, n_subgroups), dtype=np.int64),
        efficiency=rng.uniform(1.0, 4.0, size=(1, n_subgroups)), stored_s=np.zeros((1, n_subgroups)),
        segments=np.tile(place, (1, n_subgroups, 1, 1)), value_s=length_s * rng.uniform(0.2, 3.0, size=shape),
        urgent_s=length_s * rng.uniform(0.0, 1.0, size=shape), length_s=length_s,
        previous=np.zeros((1, n_subgroups, 2)),
    )  # fmt: skip
    room = capacity(computing_cycles_per_s=np.full(2, n_subgroups * rng.uniform(0.5e6, 2e6)))
    return features, ScheduleModel(catalog=tiny_catalog(), capacity=room, qoe=TINY_QOE)


def without(model, resource):
    """Return the model with nothing of one resource."""
    return replace(model, capacity=replace(model.capacity, **{resource: np.zeros(2)}))
