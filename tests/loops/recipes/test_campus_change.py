import numpy as np
import pytest

from gdt_tutorial.loops.recipes.campus_change import CampusChangeConfig, run_campus

SMALL = CampusChangeConfig(n_campuses=1, n_users=20, n_slots=4)


@pytest.mark.parametrize("scheme", ["loop with trust", "loop, random", "loop, old law"])
def test_schemes_run_on_the_same_campus(scheme):
    qoe, alone = (run_campus(name, SMALL, seed=100) for name in (scheme, "greedy"))
    assert qoe.shape == (4, 1)
    # The first slot cannot be changed by anybody.
    np.testing.assert_array_equal(qoe[0], alone[0])
