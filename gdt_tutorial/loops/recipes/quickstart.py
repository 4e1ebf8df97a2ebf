"""The network of the first chapter and of the demo: the paper's GDT network with every generative model in its place.

"Various GAI models can empower DT status emulation, feature abstraction, and network decision-making", says the paper; its
Fig. 2 has the places, and its Fig. 3 the two loops. Here they are on the campus event (`physical.scenes.campus_event`), where
six cells share a band, and who sends disturbs who listens:

    emulation      GAN          the generator of chapter 03 draws what the cells may reach from footprints alone
                   GAIL         particles walk the streets as people of earlier days were seen to, after practice (chapter 04)
    abstraction    VAE          60 numbers on cells and interference become a code of 32 (chapter 05)
                   transformer  an operator's sentence, read by the language model of chapter 06, weighs the features
    decision       diffusion    draws eight muting bitmaps from the code, and takes the one that promises most (chapter 07)
    external loop               periods double and halve by the dual error (chapter 09)
    internal loop               that maker and a model-based one, max-weight, are tried in the virtual network (chapter 10)

Every part is an argument, so each number has its rival: the statistical law or kriging instead of drawn maps, constant velocity
instead of imitated walkers, the numbers themselves instead of their code, coins instead of diffusion, a fixed period, one maker
alone. Nothing is trained here. What shipped networks know comes from other places, and of walks from earlier days.

How we differ: the paper names the places of the models, and neither a network nor a decision for all of them. Muting is ours,
and a search on the bitmap ("local search") mutes better than both makers: it is the plain rule that stands beside all.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.gai.diffusion import SamplingConfig
from gdt_tutorial.gai.vae import VariationalAutoencoder
from gdt_tutorial.loops.external import Collection, ExternalLoop
from gdt_tutorial.loops.internal import InternalConfig
from gdt_tutorial.loops.manager import GdtNetwork, group_abstractor, schedule_model
from gdt_tutorial.loops.recipes.validators import ByDecision
from gdt_tutorial.physical.campus import Campus
from gdt_tutorial.physical.logs.watch_logs import WatchLog
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.physical.scenes.campus_event import CampusEventConfig, campus_scene, campus_streets, event_network
from gdt_tutorial.physical.scenes.layout import SceneConfig
from gdt_tutorial.twin.abstraction.coded_context import CodedContext, last_of_context
from gdt_tutorial.twin.abstraction.features import FeatureAbstractor
from gdt_tutorial.twin.abstraction.groups import Weigh
from gdt_tutorial.twin.abstraction.intents.priorities import Priorities
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.learned_bitmaps import DrawnBitmap
from gdt_tutorial.twin.decision.muting import (
    BestOfDraws,
    BestPattern,
    Bitmap,
    LocalSearch,
    MutingMaker,
    all_on,
    alternating,
    random_bitmaps,
)
from gdt_tutorial.twin.discriminator import DiscriminatorConfig, ErrorDiscriminator, ErrorLimits
from gdt_tutorial.twin.emulation.emulator import StatusEmulator
from gdt_tutorial.twin.emulation.imitator import ImitatorEmulator
from gdt_tutorial.twin.emulation.snr import SnrEmulationConfig
from gdt_tutorial.twin.emulation.turn_policy import Crossings, TurnPolicy
from gdt_tutorial.twin.pretrained import (
    pretrained_bitmaps,
    pretrained_intents,
    pretrained_scenes,
    pretrained_turns,
)
from gdt_tutorial.twin.recipes.scene_emulators import (
    MakeEmulator,
    MakePositions,
    by_kriging,
    by_law,
    by_maker,
    measure_law,
)
from gdt_tutorial.twin.recipes.shipped_bitmaps import ShippedBitmaps
from gdt_tutorial.twin.status_store import StatusStore
from gdt_tutorial.twin.swipe_model import SwipeModel

__all__ = [
    "BOTH",
    "MAKERS",
    "QuickstartConfig",
    "adaptive",
    "drawn_maps",
    "imitated",
    "kriged_map",
    "quickstart",
    "statistical_law",
]

Collect = Callable[[StatusStore, StatusEmulator], Collection]
"""Makes an external loop, or a fixed collection, around a status store."""

BOTH = ("model-based", "generative")
"""The makers between which the internal loop chooses."""

MAKERS = (*BOTH, "generative, no code", "random", "local search", "all on")
"""All makers: the generative one without the encoder, coins in its place, the search on the bitmap, and no muting at all."""


@configclass
class QuickstartConfig:
    """The event, and how its twin emulates and validates."""

    n_days: int = parameter(6, "Days side by side: the same campus, with other people and walks.", "chosen", above=0)
    event: CampusEventConfig = CampusEventConfig()
    n_maps: int = parameter(32, "Maps of each cell that the generator draws, once.", "as by_maker", above=0)
    n_candidates: int = parameter(8, "Bitmaps of a maker that draws.", "as in chapter 07", above=0)
    internal: InternalConfig = parameter(
        InternalConfig(n_slots=4, period_slots=2, n_rollouts=4, memory=0.5),
        "How the twin validates.",
        "chosen on other seeds",
    )


def quickstart(
    config: QuickstartConfig = QuickstartConfig(),
    *,
    make_emulator: MakeEmulator | None = None,
    managers: Sequence[str] = BOTH,
    collect: Collect | None = None,
    intent: str | None = None,
    watch_log: WatchLog | None = None,
    seed: int,
) -> GdtNetwork:
    """Make the network, with both loops closed and all generative models in place unless it is told otherwise.

    Args:
        config: The event.
        make_emulator: Makes what emulates the status; None draws maps, and lets imitated walkers go on them.
        managers: Some of `MAKERS`; one alone leaves the internal loop open.
        collect: Makes the collection; None closes the external loop.
        intent: What the operator says, such as "keep video fluent around the library"; None weighs all alike.
        watch_log: Real viewers; None takes the generator.
        seed: Of people, walks, fades and videos; the same for all that is compared.

    Raises:
        ValueError: A name that is no maker's, or a sentence in which the language model finds no intent.
    """
    scene = campus_scene(config.event.n_aps)
    network = event_network(config.n_days, config.event, watch_log=watch_log, seed=seed)
    weigh = None if intent is None else _priorities(intent, network)
    schedule = GreedyAllocator(schedule_model(network))
    trained = pretrained_bitmaps()
    choosers = _choosers(network, trained, config)
    for name in managers:
        require(name in choosers, "managers", f"be among {sorted(choosers)}", name, "pass own makers to GdtNetwork")
    emulator = (make_emulator or drawn_maps(config.n_maps))(network, scene, seed)
    # In a rollout time division goes on after every decision, so that the decisions alone make the difference.
    then = MutingMaker(schedule, alternating(network.topology.n_aps))
    return GdtNetwork(
        network,
        emulator,
        {name: MutingMaker(schedule, choosers[name]) for name in managers},
        collect or adaptive(network.topology.n_aps),
        config.internal,
        make_abstractor=partial(_coded, weigh=weigh, encoder=trained.encoder),
        make_validator=lambda virtual: ByDecision(virtual, then),
    )


def _choosers(network: PhysicalNetwork, trained: ShippedBitmaps, config: QuickstartConfig) -> dict[str, Bitmap]:
    """Return who chooses bitmaps, in the order of `MAKERS`."""
    model, n_aps = schedule_model(network), network.topology.n_aps
    calm = SamplingConfig(temperature=0.5)
    coded = DrawnBitmap(trained.coded, n_aps, calm, last_of_context(trained.encoder.config.n_latent))
    drawn: tuple[Bitmap, ...] = (coded, DrawnBitmap(trained.uncoded, n_aps, calm), random_bitmaps(n_aps))
    best: list[Bitmap] = [BestOfDraws(model, each, config.n_candidates) for each in drawn]
    pattern = BestPattern(model)
    chosen: tuple[Bitmap, ...] = (pattern, *best, LocalSearch(model, (alternating(n_aps), pattern)), all_on(n_aps))
    return dict(zip(MAKERS, chosen, strict=True))


def _coded(
    network: PhysicalNetwork, swipes: SwipeModel, *, weigh: Weigh | None, encoder: VariationalAutoencoder
) -> FeatureAbstractor:
    """Abstract the features of groups, and put the encoder's code of their muting context behind them."""
    plain = group_abstractor(network, swipes, weigh=weigh)
    return CodedContext(plain, encoder, network.topology.n_aps)


def _priorities(said: str, network: PhysicalNetwork) -> Priorities:
    """Let the shipped language model read what the operator says."""
    (intent,) = pretrained_intents().read([said])
    remedy = 'say "keep video fluent around the library", or see chapter 06'
    require(intent is not None, "intent", "be a sentence that the language model can read", said, remedy)
    assert intent is not None
    return Priorities(intent, Campus.waterloo(), network.catalog.type_names)


@cache
def adaptive(n_aps: int = CampusEventConfig().n_aps) -> Collect:
    """Close the external loop; limits were chosen for some 9 bytes of each person and slot, on seeds from 100 on.

    Args:
        n_aps: Access points; the entropy of a user's radio links is that of so many numbers.
    """
    behavior, networking = ErrorLimits.of_std(3.0), ErrorLimits.of_std(5.0, n_coordinates=n_aps)
    discriminator = ErrorDiscriminator(DiscriminatorConfig(behavior=behavior, networking=networking))
    return lambda store, emulator: ExternalLoop(store, emulator, discriminator)


def imitated(network: PhysicalNetwork, snr: SnrEmulationConfig | None = None) -> ImitatorEmulator:
    """Let particles walk the streets of the campus as the shipped policy has learned."""
    law, is_asked = snr or SnrEmulationConfig(), snr is not None
    return ImitatorEmulator(policy=_turns(), topology=network.topology, snr=law, tells_snr=is_asked)


@cache
def _turns() -> TurnPolicy:
    return pretrained_turns(Crossings(campus_streets()))


@cache
def drawn_maps(n_maps: int = QuickstartConfig().n_maps, *, positions: MakePositions = imitated) -> MakeEmulator:
    """Read the channel from maps that the shipped generator draws from footprints alone."""
    generator = pretrained_scenes()
    return by_maker(lambda scene: generator, n_draws=n_maps, positions=positions)


@cache
def statistical_law(n_aps: int = CampusEventConfig().n_aps, *, positions: MakePositions = imitated) -> MakeEmulator:
    """Know of a place its distance alone; what that leaves out was measured on ten random scenes."""
    return by_law(measure_law(SceneConfig(n_aps=n_aps), n_scenes=10, seed=100), positions=positions)


@cache
def kriged_map(*, positions: MakePositions = imitated) -> MakeEmulator:
    """Correct the table behind the generator by all reports of the window, place by place: the strong plain rule."""
    table = pretrained_scenes().prior.table
    return by_kriging(table.mean, table.std, positions=positions)
