"""What all tables over seeds can tell, by a table of one study."""

from pathlib import Path

import numpy as np
import pytest

from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.studies.seed_tables import SeedTable
from gdt_tutorial.studies.tables import values_by_seed

OWN, RIVAL = np.array([1.0, 2.0, 4.0]), np.array([2.0, 2.0, 5.0])


class Yields(SeedTable):
    stored, compared = Path("none.csv"), 1

    def values(self, field, crop, year=2020, *, score="yield"):
        place = {"field": field, "crop": crop, "year": year}
        return values_by_seed(self.rows, place, score, argument="crop", remedy="sow it")


@pytest.fixture
def table():
    crops = {("rye", 2020): OWN, ("oats", 2020): RIVAL, ("rye", 2021): 3 * OWN, ("oats", 2021): RIVAL}
    rows = [
        {"field": "east", "crop": crop, "year": year, "seed": seed, "yield": value, "price": -value}
        for (crop, year), values in crops.items()
        for seed, value in enumerate(values)
    ]
    return Yields({}, rows[::-1])


def test_the_rival_stands_behind_who_is_compared(table):
    assert table.seeds == [0, 1, 2]
    assert table.mean("east", "rye", 2021) == t_interval(3 * OWN)
    np.testing.assert_array_equal(table.pair("east", "rye", "oats"), [OWN, RIVAL])
    assert table.difference("east", "rye", "oats") == t_interval(OWN - RIVAL)
    assert table.difference("east", "rye", "oats", 2021, score="price") == t_interval(RIVAL - 3 * OWN)
    assert table.percent("east", "rye", "oats", year=2021) == t_interval(100 * (3 * OWN / RIVAL - 1))


def test_a_crop_that_was_not_sown_is_refused(table):
    with pytest.raises(ValueError, match="sow it"):
        table.difference("east", "rye", "wheat")
