"""The network of the first chapter and of the demo: one campus whose twin draws its radio maps, under both closed loops.

"Various GAI models can empower DT status emulation, feature abstraction, and network decision-making", says the paper; its
Fig. 3 has the two loops. Here they are on one campus of 256 m, as small as a run of seconds wants it:

    world           the middle of the Waterloo campus: true centers, synthetic footprints, heights that the twin does not know
    emulation       the shipped generator of chapter 03 draws what the access points may reach; users go on as they went
    external loop   periods double and halve by the dual error (chapter 09)
    internal loop   a model-based maker and a trained one; the better one in the virtual network is carried out (chapter 10)

    abstraction     features of groups; an operator's sentence, read by the shipped language model of chapter 06, may weigh them

Every part is an argument, so each number has its rival: the statistical law or kriging instead of drawn maps, a fixed period
instead of the external loop, one maker alone instead of the internal one. Nothing is trained here.

How we differ: the paper has a generative model in each place. On this campus the second maker is a network that evolution
taught. The status encoder of chapter 05 and the diffusion model of chapter 07 have places of their own, where something reads
what they say.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial

from gdt_tutorial import seeding
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.loops.external import Collection, ExternalLoop
from gdt_tutorial.loops.internal import InternalConfig
from gdt_tutorial.loops.manager import GdtNetwork, group_abstractor, schedule_model
from gdt_tutorial.physical.campus import Campus
from gdt_tutorial.physical.logs.watch_logs import WatchLog
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.scenes.layout import SceneConfig, waterloo_scene
from gdt_tutorial.physical.scenes.scene_network import scene_network
from gdt_tutorial.twin.abstraction.intents.priorities import Priorities
from gdt_tutorial.twin.decision.greedy import EqualShare, GreedyAllocator
from gdt_tutorial.twin.decision.maker import DecisionMaker
from gdt_tutorial.twin.discriminator import DiscriminatorConfig, ErrorDiscriminator, ErrorLimits
from gdt_tutorial.twin.emulation.emulator import StatusEmulator
from gdt_tutorial.twin.pretrained import pretrained_allocator, pretrained_intents, pretrained_scenes
from gdt_tutorial.twin.recipes.scene_emulators import MakeEmulator, by_kriging, by_law, by_maker, measure_law
from gdt_tutorial.twin.status_store import StatusStore

__all__ = [
    "BOTH",
    "QuickstartConfig",
    "adaptive",
    "drawn_maps",
    "kriged_map",
    "quickstart",
    "statistical_law",
]

Collect = Callable[[StatusStore, StatusEmulator], Collection]
"""Makes an external loop, or a fixed collection, around a status store."""

BOTH = ("model-based", "data-based")
"""The makers between which the internal loop chooses."""


@configclass
class QuickstartConfig:
    """The campus at rush hour: other services take three fifths of the edge servers."""

    n_days: int = parameter(6, "Days side by side: the same campus, with other people and walks.", "chosen", above=0)
    n_users: int = parameter(60, "Users of the campus.", "as the trained maker knows them", above=0)
    n_aps: int = parameter(2, "Access points of the campus.", "as Topology.waterloo", above=0)
    tx_power_dbm: float = parameter(24.0, "Power of an access point.", "chosen: all streets are in reach")
    computing_cycles_per_s: float = parameter(2e9, "What is left of each edge server.", "chosen: 2 of 5", above=0)
    n_maps: int = parameter(32, "Maps that the generator draws, once.", "as by_maker", above=0)
    internal: InternalConfig = InternalConfig()


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
    """Make the network, with both loops closed and drawn maps in its twin unless it is told otherwise.

    Args:
        config: The campus.
        make_emulator: Makes what emulates the status; None draws maps.
        managers: Names of "model-based", "data-based" and "equal share"; one alone leaves the internal loop open.
        collect: Makes the collection; None closes the external loop.
        intent: What the operator says, such as "keep video fluent around the library"; None weighs all alike.
        watch_log: Real viewers; None takes the generator.
        seed: Of campus, walks, channels and viewers; the same for all that is compared.

    Raises:
        ValueError: a name that is none of these, or a sentence in which the language model finds no intent.
    """
    scene = waterloo_scene(SceneConfig(n_aps=config.n_aps), rng=seeding.stream(seed, "scene"))
    network = scene_network(
        (scene,),
        config.n_days,
        NetworkConfig(n_users=config.n_users),
        watch_log=watch_log,
        seed=seed,
        tx_power_dbm=config.tx_power_dbm,
        computing_cycles_per_s=config.computing_cycles_per_s,
    )
    model = schedule_model(network)
    makers: dict[str, DecisionMaker] = {
        "model-based": GreedyAllocator(model),
        "data-based": pretrained_allocator(model),
        "equal share": EqualShare(model),
    }
    for name in managers:
        require(name in makers, "managers", f"be among {sorted(makers)}", name, "pass own makers to GdtNetwork")
    emulator = (make_emulator or drawn_maps(config.n_maps))(network, scene, seed)
    weigh = None if intent is None else _priorities(intent, network)
    return GdtNetwork(
        network,
        emulator,
        {name: makers[name] for name in managers},
        collect or adaptive,
        config.internal,
        make_abstractor=partial(group_abstractor, weigh=weigh),
    )


def _priorities(said: str, network: PhysicalNetwork) -> Priorities:
    """Let the shipped language model read what the operator says."""
    (intent,) = pretrained_intents().read([said])
    remedy = 'say "keep video fluent around the library", or see chapter 06'
    require(intent is not None, "intent", "be a sentence that the language model can read", said, remedy)
    assert intent is not None
    return Priorities(intent, Campus.waterloo(), network.catalog.type_names)


def adaptive(store: StatusStore, emulator: StatusEmulator) -> ExternalLoop:
    """Close the external loop; maps are surer of an SNR than the law, so its limit is lower than the default."""
    limits = DiscriminatorConfig(networking=ErrorLimits.of_std(2.0))  # chosen on seeds from 100 on
    return ExternalLoop(store, emulator, ErrorDiscriminator(limits))


@cache
def drawn_maps(n_maps: int = QuickstartConfig().n_maps) -> MakeEmulator:
    """Read the channel from maps that the shipped generator draws from footprints alone."""
    generator = pretrained_scenes()
    return by_maker(lambda scene: generator, n_draws=n_maps)


@cache
def statistical_law(n_aps: int = QuickstartConfig().n_aps) -> MakeEmulator:
    """Know of a place its distance alone; what that leaves out was measured on ten random scenes."""
    return by_law(measure_law(SceneConfig(n_aps=n_aps), n_scenes=10, seed=100))


@cache
def kriged_map() -> MakeEmulator:
    """Correct the table behind the generator by all reports of the window, place by place: the strong plain rule."""
    table = pretrained_scenes().prior.table
    return by_kriging(table.mean, table.std)
