"""Contract checks: does your own part do what the loops will ask of it?

Like gymnasium's `check_env`: call one on a part that you wrote, with an input as the twin will give it, and it either returns
nothing or says in one sentence what is wrong. The library's tests call them on every implementation that it has.

    check_emulator(MyEmulator(), seen.window)
    check_swipe_model(MySwipes(), n_viewers=60, n_types=4)
    check_abstractor(MyAbstractor(), seen)
    check_maker(MyMaker(), features, n_aps=2)

They check what can be checked by calling: signatures, shapes, finite numbers, and that the same arguments give the same result.
They cannot tell whether a part is any good.
"""

import inspect
from collections.abc import Callable
from copy import deepcopy
from dataclasses import fields, replace
from typing import Any

import numpy as np

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.batch import joined, repeated, take
from gdt_tutorial.physical.messages import NOT_SERVED, Decision
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.abstraction.features import FeatureAbstractor, Features
from gdt_tutorial.twin.decision.maker import DecisionMaker
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, StatusEmulator
from gdt_tutorial.twin.observation import Observation
from gdt_tutorial.twin.status import StatusWindow
from gdt_tutorial.twin.swipe_model import SwipeModel

__all__ = ["check_abstractor", "check_emulator", "check_maker", "check_signature", "check_swipe_model"]


def check_emulator(emulator: Any, window: StatusWindow, n_slots: int = 3, n_samples: int = 4) -> None:
    """Check a `StatusEmulator` on a window.

    Raises:
        ValueError: what is wrong.
    """
    check_signature(emulator, StatusEmulator, "emulate")
    moments = emulator.emulate(window, n_slots)
    _require_type("emulate", moments, EmulatedStatus)
    (n_batch, n_users), n_aps = window.position_m.shape[:2], window.snr_db.shape[3]
    for name, size in (("position_m", 2), ("position_std_m", 2), ("snr_db", n_aps), ("snr_std_db", n_aps)):
        _require_array(name, getattr(moments, name), (n_batch, n_users, n_slots, size))
        is_spread = name.endswith(("std_m", "std_db"))
        require(not is_spread or (getattr(moments, name) >= 0).all(), name, "be at least 0", "less", "return a spread")
    drawn = [emulator.emulate(window, n_slots, n_samples=n_samples, rng=stream(seed, "contract")) for seed in (0, 0)]
    for name, size in (("position_sample_m", 2), ("snr_sample_db", n_aps)):
        _require_array(name, getattr(drawn[0], name), (n_batch, n_samples, n_users, n_slots, size))
        _require_same(name, getattr(drawn[0], name), getattr(drawn[1], name), "draw from `rng` alone")
    for name in ("position_m", "snr_db"):
        remedy = "give the same means with and without samples"
        _require_same(name, getattr(moments, name), getattr(drawn[0], name), remedy)
    short = emulator.emulate(window, 1)
    remedy = "let the first slot be the same, however many are asked for"
    _require_close("position_m", short.position_m[:, :, 0], moments.position_m[:, :, 0], remedy)


def check_swipe_model(swipes: Any, n_viewers: int, n_types: int) -> None:
    """Check a `SwipeModel` for `n_viewers` = environments * users.

    Raises:
        ValueError: what is wrong.
    """
    for method in ("learn", "sample_fraction", "sample_rest"):
        check_signature(swipes, SwipeModel, method)
    viewer, kind = (axis.reshape(-1) for axis in np.indices((n_viewers, n_types)))
    played = np.linspace(0.0, 0.9, len(viewer))
    draws: dict[str, Callable[[int], np.ndarray]] = {
        "sample_fraction": lambda seed: swipes.sample_fraction(viewer, kind, rng=stream(seed, "contract")),
        "sample_rest": lambda seed: swipes.sample_rest(viewer, kind, played, rng=stream(seed, "contract")),
    }
    for name, draw in draws.items():
        fraction = draw(0)
        _require_array(name, fraction, viewer.shape)
        is_fraction = bool(((fraction > 0) & (fraction <= 1)).all())
        outside = fraction[(fraction <= 0) | (fraction > 1)][:3].tolist()
        require(is_fraction, name, "lie in (0, 1]", outside, "1 is a complete view")
        _require_same(name, fraction, draw(0), "draw from `rng` alone")
    rest = draws["sample_rest"](0)
    remedy = "a view cannot end before what has been watched"
    require(
        bool((rest >= played - 1e-9).all()), "sample_rest", "be at least `played`", float((rest - played).min()), remedy
    )


def check_abstractor(abstractor: Any, seen: Observation) -> None:
    """Check a `FeatureAbstractor` on what the twin sees, and on copies of it, as rollouts have them.

    Raises:
        ValueError: what is wrong.
    """
    check_signature(abstractor, FeatureAbstractor, "abstract")
    features = abstractor.abstract(seen)
    _require_type("abstract", features, Features)
    n_batch, n_users = seen.status.session.head.shape
    require(len(features.ap) == n_batch, "features.ap", f"have {n_batch} rows", len(features.ap), "one per environment")
    for field in fields(Features):
        values = getattr(features, field.name)
        require(
            len(values) == n_batch, f"features.{field.name}", f"have {n_batch} rows", len(values), "one per environment"
        )
        require(bool(np.isfinite(values).all()), f"features.{field.name}", "be finite", "NaN or infinity", "mask it")
    n_subgroups = features.ap.shape[1]
    served = features.subgroup[features.subgroup != NOT_SERVED]
    is_known = features.subgroup.shape == (n_batch, n_users) and bool(((served >= 0) & (served < n_subgroups)).all())
    rule = f"name one of {n_subgroups} subgroups for each of {n_users} users"
    require(is_known, "features.subgroup", rule, features.subgroup.shape, f"{NOT_SERVED} is for none")
    _require_array("features.latent", features.latent, (n_batch, n_subgroups, features.latent.shape[-1]))
    _require_array("features.latent_std", features.latent_std, features.latent.shape)
    _require_array("features.context", features.context, (n_batch, features.context.shape[-1]))
    another = deepcopy(abstractor)
    another.abstract(_quieter(seen))
    remedy = "keep nothing between calls: what was before is in what is seen"
    for other in (abstractor, another):
        for name, again in vars(other.abstract(seen)).items():
            _require_same(f"features.{name}", getattr(features, name), again, remedy)
    remedy = "treat every environment by itself: rollouts stand beside others"
    beside = take(abstractor.abstract(joined([seen, _quieter(seen)])), np.arange(n_batch))
    for name, own in vars(beside).items():
        _require_close(f"features.{name}", getattr(features, name), own, remedy)


def check_maker(maker: Any, features: Features, n_aps: int) -> None:
    """Check a `DecisionMaker` on features, and on copies of them, as rollouts have them.

    Raises:
        ValueError: what is wrong.
    """
    check_signature(maker, DecisionMaker, "decide")
    decision = maker.decide(features, rng=stream(0, "contract"))
    _check_decision(decision, features, n_aps)
    for name, again in vars(maker.decide(features, rng=stream(0, "contract"))).items():
        remedy = "be a function of features and `rng`: memory belongs into the features"
        _require_same(f"decision.{name}", getattr(decision, name), again, remedy)
    another = deepcopy(maker)
    another.decide(take(features, np.arange(len(features.ap))[::-1]), rng=stream(1, "contract"))
    for name, again in vars(another.decide(features, rng=stream(0, "contract"))).items():
        remedy = "keep nothing between calls: memory belongs into the features"
        _require_same(f"decision.{name}", getattr(decision, name), again, remedy)
    many = maker.decide(repeated(features, 2), rng=stream(0, "contract"))
    _check_decision(many, repeated(features, 2), n_aps)


def _check_decision(decision: Any, features: Features, n_aps: int) -> None:
    """Check that a decision fits the features that it was made from.

    Raises:
        ValueError: what is wrong, with environment and subgroup.
    """
    _require_type("decide", decision, Decision)
    n_batch = len(features.ap)
    for name in ("bandwidth_share", "computing_share"):
        share = getattr(decision, name)
        _require_array(f"decision.{name}", share, (n_batch, decision.ap.shape[1]))
        bad = np.argwhere((share < 0) | (share > 1 + 1e-9))
        place = f"{share[tuple(bad[0])]} in environment {bad[0][0]}, subgroup {bad[0][1]}" if len(bad) else "all"
        require(not len(bad), f"decision.{name}", "lie in [0, 1]", place, "divide by the sum of the AP's shares")
        for ap in range(n_aps):
            total = np.where(decision.ap == ap, share, 0).sum(axis=1)
            remedy = "divide by the sum of the AP's shares"
            rule = f"add up to 1 at most at AP {ap}"
            require(bool((total <= 1 + 1e-6).all()), f"decision.{name}", rule, float(total.max()), remedy)
    for name in ("subgroup", "group", "ap", "version", "segments"):
        index = getattr(decision, name)
        lowest = NOT_SERVED if name in ("subgroup", "segments") else 0
        is_index = np.issubdtype(index.dtype, np.integer) and bool((index >= lowest).all())
        remedy = "choose with integers from 0 on"
        require(
            is_index, f"decision.{name}", f"hold integers from {lowest} on", f"{index.dtype}, {index.min()}", remedy
        )
    shape, rule = np.shape(decision.is_muted), f"have shape ({n_batch}, {n_aps}, parts), or no width"
    is_bitmap = shape == (n_batch, 0, 0) or (len(shape) == 3 and shape[1] == n_aps and shape[2] > 0)
    require(is_bitmap, "decision.is_muted", rule, shape, "leave it out where nobody mutes")
    for name, array in vars(decision).items():
        require(len(array) == n_batch, f"decision.{name}", f"have {n_batch} rows", len(array), "one per environment")


def _quieter(seen: Observation) -> Observation:
    """Return the same slots with worse channels."""
    statuses = (
        replace(each, networking=replace(each.networking, snr_db=each.networking.snr_db - 10.0))
        for each in seen.statuses
    )
    return replace(seen, statuses=tuple(statuses))


def check_signature(part: Any, protocol: type, method: str) -> None:
    """Compare parameter names and kinds with those of a protocol: `isinstance` looks at names of methods alone.

    Raises:
        ValueError: no such method, or one that cannot be called as the protocol says.
    """
    own = getattr(part, method, None)
    require(callable(own), type(part).__name__, f"have a method {method}", "none", f"see {protocol.__name__}")
    assert own is not None
    wanted = list(inspect.signature(getattr(protocol, method)).parameters.values())[1:]  # without self
    found = inspect.signature(own).parameters
    kinds = {each.kind for each in found.values()}
    n_places = len([each for each in found.values() if each.kind != each.KEYWORD_ONLY])
    takes_any = inspect.Parameter.VAR_POSITIONAL in kinds
    missing = [
        each.name
        for place, each in enumerate(wanted)
        if each.name not in found
        and not (
            inspect.Parameter.VAR_KEYWORD in kinds if each.kind == each.KEYWORD_ONLY else takes_any or place < n_places
        )
    ]
    text = f"({', '.join(found)})"
    rule = f"take {', '.join(each.name for each in wanted)}"
    require(not missing, f"{type(part).__name__}.{method}", rule, text, f"add {', '.join(missing) or 'nothing'}")


def _require_type(name: str, value: Any, kind: type) -> None:
    require(isinstance(value, kind), name, f"return {kind.__name__}", type(value).__name__, "see its docstring")


def _require_array(name: str, value: Any, shape: tuple[int, ...]) -> None:
    found = np.shape(value)
    require(found == shape, name, f"have shape {shape}", found, "see the axes in its annotation")
    bad = np.argwhere(~np.isfinite(value))
    place = f"{value[tuple(bad[0])]} at {tuple(bad[0].tolist())}" if len(bad) else "all"
    require(not len(bad), name, "be finite", place, "return numbers everywhere")


def _require_same(name: str, one: np.ndarray, other: np.ndarray, remedy: str) -> None:
    is_same = one.shape == other.shape and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    require(is_same, name, "be the same when asked again", "another result", remedy)


def _require_close(name: str, one: np.ndarray, other: np.ndarray, remedy: str) -> None:
    is_close = one.shape == other.shape and np.allclose(one, other, atol=1e-6, equal_nan=True)
    require(is_close, name, "not depend on what else is asked", "another result", remedy)
