"""One torch thread, torch's global random state left alone, and a note of the time, for every test."""

import os

# Several tests run at once, on few cores. BLAS reads this when it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch

torch.set_num_threads(1)
pytest_plugins = ["tests.timing"]


@pytest.fixture(autouse=True)
def _torch_rng_is_kept():
    """Fail a test that leaves torch's global random state changed: the library draws from its own streams."""
    before = torch.get_rng_state()
    yield
    changed = not torch.equal(before, torch.get_rng_state())
    torch.set_rng_state(before)
    assert not changed, "torch's global random state changed; use a generator, torch_seeded or keep_torch_rng"
