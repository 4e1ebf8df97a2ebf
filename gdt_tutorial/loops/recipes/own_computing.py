"""What the twin's own computing costs the viewers: edge servers that pay for its models, against the same ones that do not.

"It is imperative to accurately quantify the impact of GDT operation on QoS and QoE" (the paper, open issue on operation). The
edge servers of the network transcode videos. Where the twin's models run on them too, every FLOP takes a share of a cycle from
the videos, in every slot:

    share = FLOPs per slot / (cycles per second x FLOPs per cycle x seconds of a slot)

The charged network is the same with so much less capacity, which its managers know. Both meet the same walks, channels and
swipes, so their difference is what the charge costs.

How we differ: the paper names the question and gives no number. The charge is even over the slot and over the servers; memory
and reports are not charged.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.gai.footprint import computing_s
from gdt_tutorial.loops.external import every
from gdt_tutorial.loops.manager import GdtNetwork, group_abstractor
from gdt_tutorial.physical.logs.watch_logs import WatchLog
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.topology import EdgeServer
from gdt_tutorial.twin.abstraction.latent import LatentAbstractor
from gdt_tutorial.twin.decision.schedule import schedule_model
from gdt_tutorial.twin.pretrained import pretrained_allocator, pretrained_emulator, pretrained_latents

__all__ = ["ChargeConfig", "ChargedRun", "charged_run", "charged_share"]


@configclass
class ChargeConfig:
    """The network that pays."""

    n_campuses: int = parameter(12, "Campuses side by side.", "chosen", above=0)
    n_slots: int = parameter(40, "Slots of a run.", "chosen", above=0)
    n_settling: int = parameter(5, "First slots that do not count: phones start empty.", "chosen", at_least=0)
    report_period_slots: int = parameter(4, "Slots between two reports of a user.", "chosen", above=0)
    network: NetworkConfig = NetworkConfig()
    edge: EdgeServer = EdgeServer()

    def __post_init__(self) -> None:
        is_left, rule = self.n_slots > self.n_settling, f"be above n_settling, {self.n_settling}"
        require(is_left, "n_slots", rule, self.n_slots, "run longer")


class ChargedRun(NamedTuple):
    """Quality of experience of each campus, and the mean share of its edge servers' cycles that videos take."""

    qoe: Float[np.ndarray, " campus"]
    computing_load: Float[np.ndarray, " campus"]
    n_subgroups: int  # of a campus


def charged_share(
    n_flops_per_slot: int | float, config: ChargeConfig = ChargeConfig(), flops_per_cycle: int | float = 10
) -> float:
    """Return the share of an edge server's cycles that so many FLOPs in each slot take; above 1 they do not fit."""
    seconds = computing_s(n_flops_per_slot, config.edge.computing_cycles_per_s, flops_per_cycle)
    return seconds / config.network.slot_s


def charged_run(
    share: int | float, config: ChargeConfig = ChargeConfig(), *, watch_log: WatchLog | None = None, seed: int
) -> ChargedRun:
    """Run the network under a twin of three models, LSTM, status encoder and allocator, which take a share of the cycles.

    Args:
        share: Of each edge server's cycles; 0 charges nothing.
        config: The network.
        watch_log: Real viewers; None takes the generator.
        seed: Of everything random; the same for all shares that are compared.

    Raises:
        ValueError: A share that is negative, or leaves nothing.
    """
    remedy = "a twin that needs more does not fit onto the server"
    require(0 <= share < 1, "share", "lie in [0, 1)", share, remedy)
    cycles_per_s = (1 - share) * config.edge.computing_cycles_per_s
    network = PhysicalNetwork.waterloo(
        config.n_campuses, config.network, watch_log=watch_log, seed=seed, computing_cycles_per_s=cycles_per_s
    )
    vae = pretrained_latents(network.topology)
    gdt = GdtNetwork(
        network,
        pretrained_emulator(network.topology),
        {"allocator": pretrained_allocator(schedule_model(network))},
        every(config.report_period_slots),
        make_abstractor=lambda net, swipes: LatentAbstractor(group_abstractor(net, swipes), vae, net.link),
    )
    loads: list[np.ndarray] = []
    history = gdt.run(config.n_slots, on_slot=lambda slot: loads.append(gdt.telemetry.load.computing))
    settled = slice(config.n_settling, None)
    return ChargedRun(
        qoe=history.qoe[settled].mean(axis=0),
        computing_load=np.stack(loads)[settled].mean(axis=(0, 2)),
        n_subgroups=gdt.virtual.abstractor.abstract(gdt.seen).ap.shape[1],
    )
