"""Parameters carry their sentence, unit, source and bounds, and a config refuses what lies outside."""

import dataclasses
import importlib
import inspect
import pkgutil
from dataclasses import replace
from math import inf, isinf, nan, nextafter

import numpy as np
import pytest

import gdt_tutorial
from gdt_tutorial.configuration import Bounds, configclass, describe, parameter, require, unit_of
from gdt_tutorial.physical.channel import ChannelConfig
from gdt_tutorial.physical.mobility import LevyFlightConfig
from gdt_tutorial.physical.topology import AccessPoint, Backhaul, CloudServer, EdgeServer


@configclass
class Radio:
    tx_power_dbm: float = parameter(27.0, "Power of the mast.", "chosen")
    weights: list[float] = parameter([1.0, 2.0], "Weights of the parts.", "the paper")
    name: str = "not a parameter"


def test_describe_lists_name_default_unit_doc_and_source():
    power, weights = describe(Radio)
    assert power == ("tx_power_dbm", 27.0, "dBm", "Power of the mast.", "chosen", Bounds())
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
    require(True, "anything", "hold", 0, "do nothing")
    with pytest.raises(ValueError, match=r"^rate must be above 0, got -1; turn the sign\.$"):
        require(False, "rate", "be above 0", -1, "turn the sign")


def test_parameter_needs_doc_and_source():
    with pytest.raises(ValueError, match="doc must be a non-empty sentence"):
        parameter(1.0, " ", "chosen")
    with pytest.raises(ValueError, match="source must be a non-empty sentence"):
        parameter(1.0, "A number.", "")


def test_describe_needs_a_dataclass():
    with pytest.raises(ValueError, match="config_class must be a dataclass"):
        describe(int)


# --- bounds -----------------------------------------------------------------------------------------------------------

# Bounds, their words, numbers inside (the outermost that a float can hold), numbers outside (the next ones).
KINDS = [
    ({"above": 0}, "above 0", [5e-324, 1, inf], [0, 0.0, -5e-324, -1, -inf]),
    ({"at_least": 1}, "at least 1", [1, 1.0, 2, inf], [0, nextafter(1, 0), -inf]),
    ({"below": 1}, "below 1", [nextafter(1, 0), 0, -inf], [1, 1.0, nextafter(1, 2), inf]),
    ({"at_most": 1}, "at most 1", [1, 1.0, -inf], [nextafter(1, 2), 2, inf]),
    ({"above": 0, "below": 1}, "in (0, 1)", [5e-324, nextafter(1, 0)], [0, 1, -1, 2]),
    ({"at_least": 0, "below": 1}, "in [0, 1)", [0, nextafter(1, 0)], [-5e-324, 1]),
    ({"above": 0, "at_most": 1}, "in (0, 1]", [5e-324, 1], [0, nextafter(1, 2)]),
    ({"at_least": 5e8, "at_most": 1e11}, "in [5e8, 1e11]", [5e8, 10**11], [nextafter(5e8, 0), 10**11 + 1]),
    ({"above": 0, "below": inf}, "above 0 and finite", [5e-324, 10**400], [0, inf]),
    ({"at_least": 0, "below": inf}, "at least 0 and finite", [0, 1e308], [-1, inf]),
    ({"above": -inf, "below": inf}, "finite", [-1e308, 0, 1e308], [-inf, inf]),
    ({"above": -inf, "at_most": 3.25}, "at most 3.25 and finite", [-1e308, 3.25], [-inf, 4]),
]


def bounded(**bounds):
    @configclass
    class Bounded:
        value: float | None = parameter(None, "A number.", "chosen", **bounds)

    return Bounded


@pytest.mark.parametrize(("bounds", "words", "inside", "outside"), KINDS, ids=[kind[1] for kind in KINDS])
def test_a_config_takes_what_lies_inside_and_refuses_the_next_number(bounds, words, inside, outside):
    config_class = bounded(**bounds)
    (row,) = describe(config_class)
    assert str(row.bounds) == words
    for value in (None, *inside):
        assert config_class(value=value).value is value
        assert replace(config_class(), value=value).value is value
    for value in (*outside, nan, np.float64("nan")):
        with pytest.raises(ValueError) as error:
            config_class(value=value)
        rule = f"lie {words}" if words.startswith("in ") else f"be {words}"
        assert str(error.value) == f"value must {rule}, got {value!r}; leave it out for the default."
        with pytest.raises(ValueError, match="^value must "):
            replace(config_class(), value=value)


def test_without_bounds_every_value_is_taken():
    for value in (nan, -inf, "a name", (1, "two"), {"a": 1}):
        assert bounded()(value=value).value is value
    assert str(Bounds()) == ""


def test_each_number_of_a_tuple_lies_inside():
    config_class = bounded(at_least=0, at_most=1)
    assert config_class(value=(0.0, 0.5, 1)).value == (0.0, 0.5, 1)
    assert config_class(value=()).value == ()
    for value in ((0.0, 1.5), (nan, 0.5)):
        with pytest.raises(ValueError, match=r"^value must hold numbers, each in \[0, 1\], got \("):
            config_class(value=value)


def test_the_remedy_of_a_parameter_ends_its_sentence():
    with pytest.raises(ValueError, match=r"^value must be above 0, got 0; 5e6 is 5 MHz\.$"):
        bounded(above=0, remedy="5e6 is 5 MHz")(value=0)


def test_a_side_has_one_limit():
    with pytest.raises(ValueError, match=r"above must be the only limit of its side, got \(0, 1\); leave out one"):
        parameter(1, "A number.", "chosen", above=0, at_least=1)
    with pytest.raises(ValueError, match=r"below must be the only limit of its side, got \(2, 1\); leave out one"):
        parameter(1, "A number.", "chosen", below=2, at_most=1)


def test_a_config_is_frozen_takes_keywords_only_and_checks_its_own_rules_after_the_bounds():
    @configclass
    class Interval:
        low: float = parameter(0.0, "Lower end.", "chosen", at_least=0)
        high: float = parameter(1.0, "Upper end.", "chosen")

        def __post_init__(self):
            require(self.low < self.high, "low, high", "be ordered", (self.low, self.high), "swap them")

    with pytest.raises(dataclasses.FrozenInstanceError):
        Interval().low = 0.5
    with pytest.raises(TypeError):
        Interval(0.5)
    with pytest.raises(ValueError, match=r"^low, high must be ordered, got \(2.0, 1.0\); swap them\.$"):
        Interval(low=2.0)
    with pytest.raises(ValueError, match=r"^low must be at least 0, got -1\.0"):
        Interval(low=-1.0, high=-2.0)
    with pytest.raises(ValueError, match=r"^low, high must be ordered"):
        replace(Interval(), high=0.0)


def declared_bounds():
    """List (class, row) for each bounded parameter of the library."""
    names = [found.name for found in pkgutil.walk_packages(gdt_tutorial.__path__, "gdt_tutorial.")]
    modules = [importlib.import_module(name) for name in names if not name.endswith("__main__")]
    members = {member for module in modules for _, member in inspect.getmembers(module, inspect.isclass)}
    own = [member for member in members if member.__module__.startswith("gdt_tutorial.")]
    configs = sorted(filter(dataclasses.is_dataclass, own), key=lambda config: (config.__module__, config.__name__))
    return [(config, row) for config in configs for row in describe(config) if row.bounds != Bounds()]


def just_outside(bounds, is_whole):
    """List the nearest numbers outside of bounds, and NaN for a field that is no whole number."""
    above, at_least, below, at_most = bounds
    nearest = [above, below] if is_whole else [above, below, nan]
    nearest += [] if at_least is None else [at_least - 1 if is_whole else nextafter(at_least, -inf)]
    nearest += [] if at_most is None else [at_most + 1 if is_whole else nextafter(at_most, inf)]
    return [value if is_whole else float(value) for value in nearest if value is not None]


def test_every_bound_of_the_library_holds_its_default_and_refuses_the_next_number():
    found = declared_bounds()
    assert len({config for config, _ in found}) >= 25
    assert len(found) >= 140
    for config, (name, default, _, _, _, bounds) in found:
        where = f"{config.__name__}.{name}"
        assert default is None or bounds.hold(default), where
        is_whole = config.__dataclass_fields__[name].type in (int, int | None)
        for value in just_outside(bounds, is_whole):
            wrong = (*default[1:], value) if isinstance(default, tuple) else value
            assert not bounds.hold(wrong), where
            with pytest.raises(ValueError) as error:
                replace(some(config), **{name: wrong})
            assert str(error.value).startswith(f"{name} must {bounds.rule(wrong)}, got "), where


def some(config):
    """Make a config of defaults; an access point has to be told where it stands."""
    place = config.__dataclass_fields__.get("position_m")
    is_told = (
        place is not None and place.default is dataclasses.MISSING and place.default_factory is dataclasses.MISSING
    )
    return config(position_m=(0.0, 0.0)) if is_told else config()


def test_a_bound_of_the_library_is_a_number_that_its_field_may_be():
    for config, (name, _, _, _, _, bounds) in declared_bounds():
        low, high = (next((limit for limit in side if limit is not None), None) for side in (bounds[:2], bounds[2:]))
        assert low is None or high is None or low < high, f"{config.__name__}.{name}"
        assert not any(limit is not None and isinf(limit) for limit in (bounds.at_least, bounds.at_most))
