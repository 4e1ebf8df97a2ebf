"""What tests of slicing share: the demand of days that were recorded, and of days that come."""

import pytest

from gdt_tutorial.physical.services import ServicesConfig, draw_days


@pytest.fixture(scope="module")
def recorded():
    return draw_days(range(20), ServicesConfig(minute_slots=20)).demand_bps()


@pytest.fixture(scope="module")
def demand():
    return draw_days(range(100, 103), ServicesConfig(minute_slots=20)).demand_bps()
