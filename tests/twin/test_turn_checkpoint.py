"""A turn policy in a file: the same law again, and no other map."""

import numpy as np
import pytest

from gdt_tutorial.physical.scenes.campus_event import campus_streets
from gdt_tutorial.physical.streets import Streets
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.emulation.turn_checkpoint import load_turns, save_turns
from gdt_tutorial.twin.emulation.turn_policy import Crossings, untrained
from gdt_tutorial.twin.pretrained import pretrained_turns
from gdt_tutorial.twin.recipes.shipped_turns import train_shipped_turns, watched_days


def test_a_policy_comes_back(tmp_path):
    crossings = Crossings(Streets.of(Topology.waterloo().campus))
    policy = untrained(crossings)
    save_turns(policy, tmp_path / "turns.safetensors")
    again = load_turns(tmp_path / "turns.safetensors", crossings)
    np.testing.assert_allclose(again.turn, policy.turn, rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(again.stay_hazard, policy.stay_hazard, rtol=1e-6)
    np.testing.assert_allclose(again.speed_mps.mean(), policy.speed_mps.mean(), rtol=1e-6)


def test_another_map_is_refused(tmp_path):
    crossings = Crossings(Streets.of(Topology.waterloo().campus))
    save_turns(untrained(crossings), tmp_path / "turns.safetensors")
    with pytest.raises(ValueError, match="crossings must have .* choices, got 58280; pass the map"):
        load_turns(tmp_path / "turns.safetensors", Crossings(campus_streets()))


def likelihood(policy, seen):
    return np.log(policy.turn[seen.state, seen.choice]).mean()


def test_the_shipped_policy_knows_the_turns_of_other_days_better_than_the_map():
    crossings = Crossings(campus_streets())
    seen = watched_days(crossings, 30, seed=910_000)
    assert likelihood(pretrained_turns(crossings), seen) > likelihood(untrained(crossings), seen) + 0.05


@pytest.mark.slow
def test_turns_learned_anew_are_as_good_as_the_shipped_ones():
    crossings = Crossings(campus_streets())
    seen = watched_days(crossings, 120, seed=920_000)
    shipped, remade = pretrained_turns(crossings), train_shipped_turns()
    assert likelihood(remade, seen) == pytest.approx(likelihood(shipped, seen), abs=0.01)
