"""One torch thread, torch's global random state left alone, and a note of the time, for every test."""

import os
import sys
from datetime import date

# Several tests run at once, on few cores. BLAS reads this when it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Which cells of stored tables are run again: other ones every day (tests/case_study/figures/test_stored_cells.py).
os.environ.setdefault("GDT_STORED_CELL", str(date.today().toordinal()))

import jaxtyping
import pytest
import torch

# jsonschema would build the grammar of international addresses; no schema here asks for it.
sys.modules.setdefault("rfc3987_syntax", None)

torch.set_num_threads(1)
pytest_plugins = ["tests.scheduling", "tests.timing"]


def pytest_report_header():
    """Say which cells of stored tables are run again."""
    return f"stored tables: GDT_STORED_CELL={os.environ['GDT_STORED_CELL']} repeats the cells of this run"


@pytest.fixture(autouse=True)
def _torch_rng_is_kept():
    """Fail a test that leaves torch's global random state changed: the library draws from its own streams."""
    before = torch.get_rng_state()
    yield
    changed = not torch.equal(before, torch.get_rng_state())
    torch.set_rng_state(before)
    assert not changed, "torch's global random state changed; use a generator, torch_seeded or keep_torch_rng"


@pytest.fixture
def without_type_checks():
    """Leave wrong shapes to the library's own sentences, as they are where nobody checks annotations."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
