"""Small reports made by hand."""

import numpy as np
import pytest

from gdt_tutorial.physical.messages import Load, Report, Service, Session


def _session(n_batch, n_users):
    index, number = np.zeros((n_batch, n_users), dtype=np.int64), np.zeros((n_batch, n_users))
    return Session(
        group=index,
        serving_ap=index,
        head=index,
        play_s=number,
        buffered=np.zeros((n_batch, n_users, 1, 1), dtype=np.int8),
        stored_s=number,
        playlist=np.zeros((n_batch, 1, 1), dtype=np.int64),
    )


def _service(n_batch, n_users):
    index, number = np.zeros((n_batch, n_users), dtype=np.int64), np.zeros((n_batch, n_users))
    names = ("received_s", "watched_s", "dropped_s", "stall_s", "quality", "variation", "qoe", "view_fraction")
    return Service(**dict.fromkeys(names, number), view_type=index, n_views=index)


def _load(n_batch, n_aps):
    per_ap, empty = np.zeros((n_batch, n_aps)), np.zeros((n_batch, 0))
    count = np.zeros((n_batch, 0), dtype=np.int64)
    return Load(bandwidth=per_ap, computing=per_ap, backhaul=per_ap, delay_s=empty, n_sent=count, efficiency=empty)


@pytest.fixture
def make_report():
    """Return a maker of reports of 2 x 3 users; everybody is collected unless masks say otherwise."""

    def make(*, slot, behavior=None, networking=None):
        behavior = np.ones((2, 3), dtype=bool) if behavior is None else behavior
        networking = np.ones((2, 3), dtype=bool) if networking is None else networking
        value = 10.0 * slot + np.arange(12.0).reshape(2, 3, 2)
        return Report(
            slot=slot,
            position_m=np.where(behavior[..., None], value, np.nan),
            velocity_mps=np.where(behavior[..., None], 0.1 * value, np.nan),
            snr_db=np.where(networking[..., None], -value, np.nan),
            is_networking_collected=networking,
            is_behavior_collected=behavior,
            n_byte=np.zeros(2),
            session=_session(2, 3),
            service=_service(2, 3),
            load=_load(2, 2),
        )

    return make
