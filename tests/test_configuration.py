"""Parameters carry their sentence, unit and source."""

from dataclasses import dataclass

import pytest

from gdt_tutorial.configuration import check, describe, parameter, unit_of
from gdt_tutorial.physical.channel import ChannelConfig
from gdt_tutorial.physical.mobility import LevyFlightConfig
from gdt_tutorial.physical.topology import AccessPoint, Backhaul, CloudServer, EdgeServer


@dataclass(frozen=True, kw_only=True)
class Radio:
    tx_power_dbm: float = parameter(27.0, "Power of the mast.", "chosen")
    weights: list[float] = parameter([1.0, 2.0], "Weights of the parts.", "the paper")
    name: str = "not a parameter"


def test_describe_lists_name_default_unit_doc_and_source():
    power, weights = describe(Radio)
    assert power == ("tx_power_dbm", 27.0, "dBm", "Power of the mast.", "chosen")
    assert (weights.default, weights.unit) == ([1.0, 2.0], "")
    assert describe(Radio(tx_power_dbm=1.0).__class__) == [power, weights]


def test_a_mutable_default_is_copied_for_each_instance():
    first, second = Radio(), Radio()
    first.weights.append(3.0)
    assert second.weights == [1.0, 2.0]


def test_the_longest_suffix_names_the_unit():
    assert unit_of("computing_cycles_per_s") == "cycles/s"
    assert unit_of("slot_s") == "s"
    assert unit_of("n_users") == ""


@pytest.mark.parametrize("config", [ChannelConfig, LevyFlightConfig, AccessPoint, EdgeServer, CloudServer, Backhaul])
def test_every_number_of_the_network_has_a_source(config):
    required = {"position_m"}  # of an access point: no default, hence no number
    assert {row.name for row in describe(config)} == set(config.__dataclass_fields__) - required


def test_check_names_argument_rule_value_and_remedy():
    check(True, "anything", "hold", 0, "do nothing")
    with pytest.raises(ValueError, match=r"^rate must be positive, got -1; turn the sign\.$"):
        check(False, "rate", "be positive", -1, "turn the sign")


def test_parameter_needs_doc_and_source():
    with pytest.raises(ValueError, match="doc must be a non-empty sentence"):
        parameter(1.0, " ", "chosen")
    with pytest.raises(ValueError, match="source must be a non-empty sentence"):
        parameter(1.0, "A number.", "")


def test_describe_needs_a_dataclass():
    with pytest.raises(ValueError, match="config_class must be a dataclass"):
        describe(int)
