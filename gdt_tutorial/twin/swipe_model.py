"""What the twin believes about swipes: the protocol that rollouts draw from, and the twin's own answer to it.

A twin may know its viewers one by one (an imitator of each) or only what all of a campus do (`SwipeCurves`). Both are asked
the same: how far will *this* viewer watch a video of *this* type, given what it has watched of it already?
"""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.physical.messages import Service, Session
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.twin.swipe_curves import SwipeCurves, on_screen

__all__ = ["CampusSwipes", "SwipeModel"]


@runtime_checkable
class SwipeModel(Protocol):
    """Anything that can say how long a viewer will watch. `viewer` is environment * n_users + user."""

    def learn(self, service: Service, session: Session) -> None:
        """Take in what a slot has shown: views that ended, and what is on the screens now."""
        ...

    def sample_fraction(
        self, viewer: Int[np.ndarray, "*shape"], video_type: Int[np.ndarray, "*shape"], *, rng: np.random.Generator
    ) -> Float[np.ndarray, "*shape"]:
        """Draw watched fractions in (0, 1] of views to come; exactly 1 is a complete view."""
        ...

    def sample_rest(
        self,
        viewer: Int[np.ndarray, "*shape"],
        video_type: Int[np.ndarray, "*shape"],
        played: Float[np.ndarray, "*shape"],
        *,
        rng: np.random.Generator,
    ) -> Float[np.ndarray, "*shape"]:
        """Draw the same of views of which the fraction `played` has been watched already; never less than that."""
        ...


class CampusSwipes:
    """All viewers of an environment swipe alike, as its curves say (a `SwipeModel`)."""

    def __init__(self, curves: SwipeCurves, catalog: VideoCatalog, n_users: int) -> None:
        self.curves, self._catalog, self._n_users = curves, catalog, n_users

    def learn(self, service: Service, session: Session) -> None:
        """Count the views that ended, and look anew at those that run."""
        running = on_screen(session, self._catalog)
        self.curves.update(service.view_type, service.view_fraction, running=running)

    def sample_fraction(
        self, viewer: Int[np.ndarray, "*shape"], video_type: Int[np.ndarray, "*shape"], *, rng: np.random.Generator
    ) -> Float[np.ndarray, "*shape"]:
        """Draw from the curve of the viewer's environment."""
        return self.curves.sample_fraction(viewer // self._n_users, video_type, rng=rng)

    def sample_rest(
        self,
        viewer: Int[np.ndarray, "*shape"],
        video_type: Int[np.ndarray, "*shape"],
        played: Float[np.ndarray, "*shape"],
        *,
        rng: np.random.Generator,
    ) -> Float[np.ndarray, "*shape"]:
        """Draw from what is left of that curve."""
        return self.curves.sample_rest(viewer // self._n_users, video_type, played, rng=rng)
