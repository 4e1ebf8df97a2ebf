"""Views of a few users who differ in how soon they swipe."""

import numpy as np

from gdt_tutorial.case_study.groups.planted import planted_classes, planted_views
from gdt_tutorial.seeding import stream
from tests.physical.logs.log_files import log_of


def population(n_classes=3, n_users=60, n_views=100, seed=0, spread=1.0):
    rng = stream(seed, "planted")
    return planted_views(planted_classes(n_classes, spread=spread, rng=rng), n_users, n_views, rng=rng)


def watch_log(p_full=0.4):
    """Return views of twelve users: one half swipes early, the other late."""
    rng = stream(0, "log")
    user = np.repeat(np.arange(12), 15)
    fraction = rng.beta(1 + 2 * (user % 2), 2, size=len(user)).clip(0.01)
    fraction = np.where(rng.random(len(user)) < p_full, 1.0, fraction if p_full else fraction / 8)
    return log_of(user, fraction, video_type=rng.integers(2, size=len(user)), type_names=("a", "b"),
                  duration_s=rng.uniform(5, 20, size=len(user)))  # fmt: skip
