"""The internal loop on the default campus, where an access point loses 15 dB in mid-run.

    greedy             the model-based maker
    trained            the trained allocator that comes with the library: a version and a weight for each SMG
    random             eight versions at random for each SMG; each access point keeps the draw of the largest promise
    loop               greedy and trained; the better one in the virtual network is carried out
    loop with trust    the same under the rule of trust, with greedy as the safe maker
    loop, random       greedy and random
    loop, old law      greedy and trained in a twin that goes back to the law of the channel, as if nothing had changed

Behind all versions stands the same greedy schedule.

All users report every fourth slot, and the twin holds the last report, on a law with an offset for each access point
(`OffsetEmulator`). It looks 30 slots ahead: what the trained allocator is worth shows late. On the seeds of this choice the
twin put it the further ahead of greedy, and carried it out the more often, the further it looked, from 8 to 30 slots; 60
brought no more.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float

from gdt_tutorial import seeding
from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.loops.external import every
from gdt_tutorial.loops.internal import InternalConfig
from gdt_tutorial.loops.manager import GdtNetwork, schedule_model
from gdt_tutorial.loops.trust import Trust, TrustConfig
from gdt_tutorial.physical.dense_event import WeakenedMasts
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.physical.viewers import Viewers
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.greedy import GreedyAllocator, best_of_versions
from gdt_tutorial.twin.decision.maker import DecisionMaker
from gdt_tutorial.twin.decision.schedule import ScheduleModel
from gdt_tutorial.twin.emulation.ap_offsets import OffsetEmulator
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.pretrained import pretrained_allocator

__all__ = ["SCHEMES", "CampusChangeConfig", "RandomVersions", "run_campus"]


@configclass
class CampusChangeConfig:
    """The campus, its change, and how the loop runs on it."""

    aps: tuple[int, ...] = parameter((0,), "Access points that lose power at half time.", "chosen")
    loss_db: float = parameter(15.0, "How much they lose.", "chosen", at_least=0)
    n_campuses: int = parameter(24, "Campuses side by side.", "chosen", above=0)
    n_users: int = parameter(60, "Users of a campus.", "as the trained allocator knows them", above=0)
    n_slots: int = parameter(60, "Slots of a run.", "chosen", above=1)
    n_candidates: int = parameter(8, "Candidates of the maker that draws.", "as in chapter 07", above=0)
    period_slots: int = parameter(4, "Slots between two reports of a user.", "chosen", above=0)
    internal: InternalConfig = parameter(
        InternalConfig(n_slots=30),
        "How the twin validates.",
        "chosen on other seeds: what the trained allocator is worth shows late",
    )
    trust: TrustConfig = parameter(
        TrustConfig(tolerance=0.1, lag_slots=1), "The rule of trust.", "chosen on other seeds"
    )


SCHEMES: dict[str, tuple[str, ...]] = {
    "greedy": ("greedy",),
    "trained": ("trained",),
    "loop": ("greedy", "trained"),
    "random": ("random",),
    "loop with trust": ("greedy", "trained"),
    "loop, random": ("greedy", "random"),
    "loop, old law": ("greedy", "trained"),
}
"""The makers of each scheme."""


@dataclass(frozen=True)
class RandomVersions:
    """Draws versions, several times, and keeps for each AP the draw whose greedy schedule promises most (a `DecisionMaker`).

    Attributes:
        model: What a slot can carry.
        n_candidates: How many draws.
    """

    model: ScheduleModel
    n_candidates: int

    def decide(self, features: Features, *, rng: np.random.Generator) -> Decision:
        """Draw a version for each SMG."""
        version = rng.integers(self.model.catalog.n_versions, size=(self.n_candidates, *features.ap.shape))
        return best_of_versions(features, self.model, version)


def run_campus(
    scheme: str, config: CampusChangeConfig = CampusChangeConfig(), *, seed: int
) -> Float[np.ndarray, "slot batch"]:
    """Let a scheme manage the campuses of a seed; return the QoE of each slot."""
    network = _network(config, seed)
    model = schedule_model(network)
    makers: dict[str, DecisionMaker] = {
        "greedy": GreedyAllocator(model),
        "trained": pretrained_allocator(model),
        "random": RandomVersions(model, config.n_candidates),
    }
    hold = HoldLast(topology=network.topology)
    gdt = GdtNetwork(
        network,
        hold if scheme == "loop, old law" else OffsetEmulator(emulator=hold, topology=network.topology),
        {name: makers[name] for name in SCHEMES[scheme]},
        every(config.period_slots),
        config.internal,
        make_trust=partial(Trust, 0, config.trust) if scheme == "loop with trust" else None,
    )
    return gdt.run(config.n_slots).qoe


def _network(config: CampusChangeConfig, seed: int) -> PhysicalNetwork:
    catalog = VideoCatalog.generate(rng=seeding.stream(seed, "catalog"))
    viewers = Viewers.generate(config.n_campuses, config.n_users, catalog, rng=seeding.stream(seed, "viewers"))
    channel = WeakenedMasts(aps=config.aps, loss_db=config.loss_db, from_slot=config.n_slots // 2)
    sizes = NetworkConfig(n_users=config.n_users)
    return PhysicalNetwork(Topology.waterloo(), catalog, viewers, sizes, channel=channel, seed=seed)
