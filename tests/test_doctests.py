"""The worked examples in docstrings say what they give."""

import doctest
import importlib

import pytest

MODULES = [
    "gdt_tutorial.gai.noise_schedule",
    "gdt_tutorial.loops.manager",
    "gdt_tutorial.seeding",
    "gdt_tutorial.solutions.data_model.scheduling",
    "gdt_tutorial.twin.status_store",
    "gdt_tutorial.twin.virtual",
    "gdt_tutorial.worlds.ring",
]


@pytest.mark.parametrize("name", MODULES)
def test_worked_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
