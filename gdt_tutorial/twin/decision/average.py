"""Two makers as one: the average of what both decide, or one of the two at a time.

A network that is taught with mean squared errors gives the mean of what it has seen. Where several decisions are good, their
mean need not be: a segment is sent whole or not at all, so half the band for each of two streams may carry none. `Average` is
what such a network would do after two teachers, and `OneOf` what one that can hold several answers would do. Neither is of the
paper; they make measurable what decisions that are generated are for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.maker import DecisionMaker

__all__ = ["Average", "OneOf", "average_decision"]


def average_decision(decisions: Sequence[Decision]) -> Decision:
    """Return the mean of shares and (rounded) versions; each SMG sends the longest of its lists, as far as the share goes.

    Raises:
        ValueError: No decision, or decisions about other SMGs.
    """
    require(len(decisions) > 0, "decisions", "hold one", 0, "pass what the makers decided")
    first = decisions[0]
    is_same = all(np.array_equal(first.subgroup, each.subgroup) for each in decisions)
    require(is_same, "decisions", "be about the same SMGs", "others", "let all makers decide on the same features")
    length = np.stack([(each.segments[..., 0] >= 0).sum(axis=-1) for each in decisions])
    longest = length.argmax(axis=0)[None, ..., None, None]
    segments = np.take_along_axis(np.stack([each.segments for each in decisions]), longest, axis=0)[0]
    mean = {
        name: np.mean([getattr(each, name) for each in decisions], axis=0)
        for name in ("version", "bandwidth_share", "computing_share")
    }
    mean["version"] = np.floor(mean["version"] + 0.5).astype(first.version.dtype)
    return Decision(subgroup=first.subgroup, group=first.group, ap=first.ap, segments=segments, **mean)


@dataclass(frozen=True)
class Average:
    """Decides the mean of what its makers decide (a `DecisionMaker`)."""

    makers: Sequence[DecisionMaker]

    def decide(self, features: Features, *, rng: np.random.Generator) -> Decision:
        """Ask all, and average."""
        return average_decision([maker.decide(features, rng=rng) for maker in self.makers])


@dataclass(frozen=True)
class OneOf:
    """Lets one of its makers decide, drawn anew in every slot for each environment (a `DecisionMaker`)."""

    makers: Sequence[DecisionMaker]

    def decide(self, features: Features, *, rng: np.random.Generator) -> Decision:
        """Ask all, and take the decision of one."""
        decisions = [maker.decide(features, rng=rng) for maker in self.makers]
        chosen, env = rng.integers(len(decisions), size=len(features.ap)), np.arange(len(features.ap))
        parts = {
            field.name: np.stack([getattr(each, field.name) for each in decisions])[chosen, env]
            for field in fields(Decision)
        }
        return Decision(**parts)
