"""How the shipped turn policy is made: walks of earlier days on the campus of the event, copied, then practiced."""

from gdt_tutorial import seeding
from gdt_tutorial.physical.destinations import StreetMobility
from gdt_tutorial.physical.scenes.campus_event import campus_scene, campus_streets
from gdt_tutorial.physical.scenes.scene_network import scene_topology
from gdt_tutorial.twin.emulation.turn_policy import Crossings, TurnPolicy, WatchedWalks, clone, watch
from gdt_tutorial.twin.emulation.turn_practice import practice
from gdt_tutorial.twin.emulation.walks import Walks

__all__ = ["train_shipped_turns", "watched_days"]

_SEED = 42_000  # far from the seeds that chapters and tests run with
_N_WALKS, _N_SLOTS, _SLOT_S = 240, 60, 2.0


def watched_days(crossings: Crossings, n_walks: int = _N_WALKS, *, seed: int = _SEED) -> WatchedWalks:
    """Watch walkers of the campus for two minutes each, in every slot."""
    mobility, campus = StreetMobility(streets=crossings.streets), scene_topology(campus_scene()).campus
    walks = Walks.sample(mobility, campus, n_walks, _N_SLOTS, _SLOT_S, rng=seeding.stream(seed, "walks"))
    return watch(walks, crossings)


def train_shipped_turns(*, seed: int = _SEED) -> TurnPolicy:
    """Train the shipped policy anew: a copy of what was seen, after practice in the twin (GAIL)."""
    crossings = Crossings(campus_streets())
    seen = watched_days(crossings, seed=seed)
    return practice(clone(seen, crossings), seen, generator=seeding.torch_stream(seed, "practice"))
