from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.physical.slicing import NetworkSlice, SlicingPlan

WHOLE = NetworkSlice.whole(2)


def part(share, name):
    shares = ("bandwidth_share", "computing_share", "backhaul_share", "cache_share")
    return NetworkSlice(name=name, **{resource: np.full(2, share) for resource in shares})


def test_slices_are_found_by_name():
    plan = SlicingPlan(slices=(part(0.7, "video"), part(0.3, "web")))
    assert plan["web"].bandwidth_share.tolist() == [0.3, 0.3]
    assert all(getattr(WHOLE, f"{resource}_share").tolist() == [1, 1] for resource in ("bandwidth", "cache"))


@pytest.mark.parametrize("share", [-0.1, 1.1, np.nan])
@pytest.mark.parametrize("resource", ["bandwidth_share", "computing_share", "backhaul_share", "cache_share"])
def test_a_share_outside_its_interval_is_refused(resource, share):
    with pytest.raises(ValueError, match=rf"{resource} must lie in \[0, 1\], got \[.*\]; divide it"):
        replace(WHOLE, **{resource: np.array([0.5, share])})


def _with_cache_share(share):
    """Put a share in after construction: while the tests run, a wrong shape is refused by its annotation already."""
    changed = NetworkSlice.whole(2)
    object.__setattr__(changed, "cache_share", share)
    return changed


def test_every_resource_has_the_same_access_points():
    with pytest.raises(ValueError, match=r"cache_share must have shape \(2,\).*got \(3,\); give every resource"):
        _with_cache_share(np.ones(3)).__post_init__()


def test_nothing_is_promised_twice():
    with pytest.raises(ValueError, match=r"slices must share at most 1 of each AP's bandwidth_share, got .*; scale"):
        SlicingPlan(slices=(part(0.7, "video"), part(0.4, "web")))


def test_names_differ():
    with pytest.raises(ValueError, match=r"slices must have different names, got \['a', 'a'\]; rename"):
        SlicingPlan(slices=(part(0.1, "a"), part(0.1, "a")))


def test_an_unknown_slice_is_named():
    with pytest.raises(ValueError, match=r"name must be one of \['video'\], got 'web'; add the slice first"):
        SlicingPlan(slices=(WHOLE,))["web"]
