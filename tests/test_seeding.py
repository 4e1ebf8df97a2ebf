import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from gdt_tutorial.seeding import keep_torch_rng, stream, torch_seeded, torch_stream


def numpy_draw(*key):
    return stream(*key).random(8).tolist()


def torch_draw(*key):
    return torch.rand(8, generator=torch_stream(*key)).tolist()


@pytest.mark.parametrize("draw", [numpy_draw, torch_draw])
def test_same_key_same_numbers_other_key_other_numbers(draw):
    keys = [
        (0,),
        (1,),
        (0, "mobility"),
        (1, "mobility"),
        (0, "channel"),
        (0, "channel", 1),
        (0, "channel", "1"),
        (0, 1),
    ]
    draws = [draw(*key) for key in keys]
    assert draws == [draw(*key) for key in keys]
    assert len({tuple(numbers) for numbers in draws}) == len(keys)


def test_streams_do_not_depend_on_the_process():
    code = "from gdt_tutorial.seeding import stream; print(stream(3, 'swipes').random())"
    other_seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    command = [sys.executable, "-c", code]
    there = subprocess.run(command, env={"PYTHONHASHSEED": other_seed}, capture_output=True, check=True).stdout
    assert float(there) == stream(3, "swipes").random()


def test_named_streams_are_uncorrelated():
    draws = np.stack([stream(0, "user", user).standard_normal(4000) for user in range(6)])
    correlation = np.corrcoef(draws) - np.eye(6)
    assert np.abs(correlation).max() < 5 / np.sqrt(4000)


@pytest.mark.parametrize("make", [stream, torch_stream])
def test_negative_seed_is_refused(make):
    with pytest.raises(ValueError, match="seed must be at least 0, got -1; pass a non-negative"):
        make(-1, "mobility")


def test_keep_torch_rng_restores_also_after_an_error():
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="inside"), keep_torch_rng():
        torch.manual_seed(42)
        torch.rand(3)
        raise RuntimeError("inside")
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.slow
def test_keep_torch_rng_survives_importing_sionna():
    code = """
import torch
from gdt_tutorial.seeding import keep_torch_rng
torch.manual_seed(7)
with keep_torch_rng():
    import sionna.phy
kept = torch.rand(1)
torch.manual_seed(7)
assert torch.equal(kept, torch.rand(1))
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def weights(*key):
    with torch_seeded(torch_stream(*key)):
        return torch.nn.Linear(3, 2).weight.flatten().tolist()


def test_torch_seeded_makes_weights_repeatable_and_leaves_the_global_state():
    before = torch.get_rng_state()
    assert weights(0, "a") == weights(0, "a")
    assert weights(0, "a") != weights(1, "a")
    assert torch.equal(before, torch.get_rng_state())


def test_torch_seeded_advances_its_generator():
    generator = torch_stream(0)
    with torch_seeded(generator):
        first = torch.rand(1)
    with torch_seeded(generator):
        assert not torch.equal(first, torch.rand(1))


def test_shapes_in_annotations_are_checked_in_tests():
    from gdt_tutorial.learning import FitHistory

    with pytest.raises(TypeError, match="train_loss"):
        FitHistory(train_loss=np.zeros((2, 2)), validation_loss=np.zeros(0))
