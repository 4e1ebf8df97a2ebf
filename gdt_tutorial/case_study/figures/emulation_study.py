"""Is the emulated status good enough? Errors of a twin in operation, of what a decision reads of it, and the QoE lost.

"The well-trained LSTM model is used to emulate users' trajectories. Based on users' real-time trajectories, the real-time
channel conditions are emulated" (the paper, case study). The paper shows no error of either; here they are measured over
the period of data collection, up to the quality of experience (QoE). `horizon_study` looks at one prediction at a time.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.case_study.experiment import StatusSource
from gdt_tutorial.case_study.scenario import (
    CaseStudyConfig,
    TrueStatus,
    TwinStatus,
    Views,
    case_study_network,
    idle_decision,
)
from gdt_tutorial.configuration import require
from gdt_tutorial.loops.external import twin_error
from gdt_tutorial.physical.batch import joined
from gdt_tutorial.physical.engine import run
from gdt_tutorial.physical.logs.watch_logs import WatchLog
from gdt_tutorial.physical.messages import Decision, Telemetry
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.physical.streaming import worst_member_efficiency
from gdt_tutorial.seeding import stream
from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.twin.abstraction.groups import GroupAbstractor
from gdt_tutorial.twin.abstraction.subgroups import ap_of_cell, cell_number
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.schedule import schedule_model
from gdt_tutorial.twin.emulation.emulator import StatusEmulator
from gdt_tutorial.twin.observation import Memory
from gdt_tutorial.twin.status import Status
from gdt_tutorial.twin.swipe_curves import SwipeCurves, on_screen

__all__ = [
    "QoeRow",
    "StatusRow",
    "greedy_sessions",
    "paired_interval",
    "qoe_by_emulator",
    "qoe_of_campuses",
    "record_trajectory",
    "session_views",
    "status_errors",
    "watching_curve",
]

OpenSource = Callable[[PhysicalNetwork], StatusSource]
SessionRunner = Callable[[int, OpenSource], Float[np.ndarray, " batch"]]


def record_trajectory(network: PhysicalNetwork, n_slots: int) -> list[Telemetry]:
    """Let users walk for `n_slots` slots while nothing is sent: positions and channels depend on no decision."""
    idle = idle_decision(network)
    return [before for before, _ in run(network, lambda _: idle, n_slots)]


class StatusRow(NamedTuple):
    """How wrong a twin is in operation, over all slots but the first ones."""

    emulator: str
    period_slots: int
    position_m: float  # root mean square distance
    snr_db: float  # root mean square, per access point
    efficiency: float  # root mean square in bit/s/Hz, toward the serving access point
    capability: float  # root mean square of the worst member's efficiency, bit/s/Hz, against the slot of the decision
    wrong_ap_share: float  # users whose best access point is another one than the twin believes
    too_high_share: float  # groups at an access point to which a decision would send faster than the worst member hears
    mean_capability: float  # true efficiency of the worst member, bit/s/Hz
    n_byte: float  # reported per user and slot


def status_errors(
    trajectory: Sequence[Telemetry],
    network: PhysicalNetwork,
    emulators: Mapping[str, StatusEmulator],
    periods: Sequence[int] = (1, 2, 3, 5, 8),
    *,
    n_settle: int = 8,
) -> list[StatusRow]:
    """Let twins observe the same course, and compare what each believes with the truth.

    A decision reads the status of one slot and acts in the next. So the multicast capability, which is what a decision
    takes from the channel, is judged against the next slot: even a twin that asks everybody all the time is a slot late.

    Raises:
        ValueError: a course that ends before the twin has settled.
    """
    rule = f"have more than {n_settle + 1} slots"
    require(len(trajectory) > n_settle + 1, "trajectory", rule, len(trajectory), "record a longer one")
    rows = []
    for name, emulator in emulators.items():
        for period_slots in periods:
            source = TwinStatus(network, emulator, period_slots)
            believed = [source.observe(telemetry) for telemetry in trajectory]
            slots = zip(believed[n_settle:-1], trajectory[n_settle:-1], trajectory[n_settle + 1 :], strict=True)
            mean = np.mean([_slot_errors(*slot, network) for slot in slots], axis=0)
            mean[:4] = np.sqrt(mean[:4])
            names = StatusRow._fields[2:-1]
            n_byte = float(np.mean([record.n_byte for record in source.records[n_settle:]])) / network.config.n_users
            numbers = dict(zip(names, mean.tolist(), strict=True))
            rows.append(StatusRow(emulator=name, period_slots=period_slots, **numbers, n_byte=n_byte))
    return rows


def _slot_errors(status: Status, now: Telemetry, later: Telemetry, network: PhysicalNetwork) -> list[float]:
    """Return the means of a slot in the order of `StatusRow`; the first four are mean squares."""
    error = twin_error(status, now)
    believed_db, link = status.networking.snr_db, network.link
    own = now.session.serving_ap[..., None]
    difference = [np.take_along_axis(link.spectral_efficiency(db), own, axis=-1) for db in (believed_db, now.snr_db)]
    is_wrong = believed_db.argmax(axis=-1) != now.snr_db.argmax(axis=-1)
    believed, true = (_capability(snr_db, now, network) for snr_db in (believed_db, later.snr_db))
    is_group = _capability(np.full_like(believed_db, np.inf), now, network) > 0  # somebody is there
    return [
        error.position_m**2,
        error.snr_db**2,
        float(((difference[0] - difference[1]) ** 2).mean()),
        float(((believed - true)[is_group] ** 2).mean()),
        float(is_wrong.mean()),
        float((believed > true)[is_group].mean()),
        float(true[is_group].mean()),
    ]


def _capability(
    snr_db: Float[np.ndarray, "batch user ap"], now: Telemetry, network: PhysicalNetwork
) -> Float[np.ndarray, "batch subgroup"]:
    """Return the efficiency of the worst reachable member of each multicast group behind each access point."""
    session, n_aps = now.session, network.topology.n_aps
    n_cells = session.playlist.shape[1] * n_aps
    cell = cell_number(session.group, session.serving_ap, n_aps)
    ap = np.broadcast_to(ap_of_cell(np.arange(n_cells), n_aps), (len(cell), n_cells))
    return worst_member_efficiency(cell, ap, network.link.spectral_efficiency(snr_db), session.serving_ap)


class QoeRow(NamedTuple):
    """QoE per user and second under one view of the network, and what it loses against the truth, paired."""

    emulator: str
    period_slots: int
    qoe: float
    lost: float  # mean over campuses of QoE with the true status minus QoE with this one
    lost_low: float  # limits of its 95 % interval
    lost_high: float


def greedy_sessions(
    n_batch: int,
    config: CaseStudyConfig = CaseStudyConfig(),
    *,
    computing_cycles_per_s: float,
    watch_log: WatchLog | None = None,
) -> SessionRunner:
    """Return a runner of sessions under the model-based manager: greedy by gain per cost, curves learned on the way."""

    def run_one(seed: int, open_source: OpenSource) -> Float[np.ndarray, " batch"]:
        network = case_study_network(
            n_batch, config, computing_cycles_per_s=computing_cycles_per_s, watch_log=watch_log, seed=seed
        )
        source, curves = open_source(network), SwipeCurves(n_batch, network.catalog.n_types)
        abstractor = GroupAbstractor(network.catalog, network.capacity, curves, network.link)
        maker = GreedyAllocator(schedule_model(network))
        memory, qoe = Memory(), np.zeros(n_batch)

        def decide(telemetry: Telemetry) -> Decision:
            features = abstractor.abstract(memory.see(source.observe(telemetry)))
            return memory.note(maker.decide(features, rng=stream(seed, "maker", telemetry.slot)))

        for _, after in run(network, decide, config.n_slots):
            running = on_screen(after.session, network.catalog)
            curves.update(after.service.view_type, after.service.view_fraction, running=running)
            qoe += after.service.qoe.mean(axis=-1) / config.n_slots
        return qoe

    return run_one


def session_views(run_one: SessionRunner, seeds: Sequence[int]) -> Views:
    """Run sessions with the true status, and return the views that ended in them, at most one per user and slot."""
    views = []
    for seed in seeds:
        recorder = _Recorder()
        run_one(seed, recorder.open)
        kind, fraction = (np.stack(part, axis=-1) for part in zip(*recorder.seen, strict=True))
        views.append(Views(view_type=kind, view_fraction=fraction))
    return joined(views)


class _Recorder:
    """A true view that keeps which views have ended."""

    def __init__(self) -> None:
        self.seen: list[tuple[Int[np.ndarray, "batch user"], Float[np.ndarray, "batch user"]]] = []

    def open(self, network: PhysicalNetwork) -> StatusSource:
        """Return itself, on any network."""
        return self

    def observe(self, telemetry: Telemetry) -> Status:
        """Return the true status."""
        self.seen.append((telemetry.service.view_type, telemetry.service.view_fraction))
        return TrueStatus().observe(telemetry)


def watching_curve(run_one: SessionRunner, seeds: Sequence[int], *, n_bins: int = 20) -> Float[np.ndarray, " edge"]:
    """Return the share that still watches at 0, 1/n_bins, ..., 1 of a video, running views counted as censored.

    All users and types are pooled, and no prior is added: the Kaplan-Meier estimate of what sessions show by their end.
    """
    curves = SwipeCurves(1, 1, n_bins=n_bins, prior_views=0.0)
    for seed in seeds:
        run_one(seed, lambda network: _CurveView(network, curves))
    return curves.table[0, 0]


class _CurveView(TrueStatus):
    """A true view that counts, in one curve, all views that end and that run."""

    def __init__(self, network: PhysicalNetwork, curves: SwipeCurves) -> None:
        self._catalog, self._curves = network.catalog, curves

    def observe(self, telemetry: Telemetry) -> Status:
        """Count, and return the true status."""
        service, (kind, played) = telemetry.service, on_screen(telemetry.session, self._catalog)
        pooled = np.where(service.view_type >= 0, 0, -1)
        running = (np.zeros_like(kind).reshape(1, -1), played.reshape(1, -1))
        self._curves.update(pooled.reshape(1, -1), service.view_fraction.reshape(1, -1), running=running)
        return super().observe(telemetry)


def qoe_by_emulator(
    run: SessionRunner,
    emulators: Mapping[str, StatusEmulator],
    *,
    periods: Sequence[int] = (3, 8),
    seeds: Sequence[int],
) -> list[QoeRow]:
    """Run the same sessions with the true status and with every emulated one.

    Args:
        run: Takes a seed and a function that opens a view on its network; returns the mean QoE of each campus. All else
            must depend on the seed alone.
        emulators: Whom to compare, by name.
        periods: Slots between two reports of a user.
        seeds: Of the sessions.

    Returns:
        A row named "true status", with period 1, and one for each emulator and period.

    Raises:
        ValueError: fewer than two campuses in all, which give no interval.
    """
    true = qoe_of_campuses(run, TrueStatus(), seeds)
    rows = [QoeRow("true status", 1, float(true.mean()), 0.0, 0.0, 0.0)]
    for name, emulator in emulators.items():
        for period_slots in periods:
            qoe = qoe_of_campuses(run, emulator, seeds, period_slots=period_slots)
            rows.append(QoeRow(name, period_slots, float(qoe.mean()), *paired_interval(true - qoe)))
    return rows


def qoe_of_campuses(
    run: SessionRunner, view: StatusEmulator | TrueStatus, seeds: Sequence[int], *, period_slots: int = 3
) -> Float[np.ndarray, " campus"]:
    """Return the mean QoE of each campus where decisions read a twin's status, or the true one.

    Args:
        run: As for `qoe_by_emulator`: the same seeds give the same campuses, so two results can be paired.
        view: The twin's emulator, or `TrueStatus()` for the oracle.
        seeds: Of the sessions.
        period_slots: Slots between two reports of a user; the true status needs none.
    """

    def open_source(network: PhysicalNetwork) -> StatusSource:
        return view if isinstance(view, TrueStatus) else TwinStatus(network, view, period_slots)

    return np.concatenate([run(seed, open_source) for seed in seeds])


def paired_interval(difference: Float[np.ndarray, " campus"], level: float = 0.95) -> tuple[float, float, float]:
    """Return the mean of paired differences and the limits of its t interval.

    Raises:
        ValueError: Fewer than two differences, or one that is not finite.
    """
    mean, half = t_interval(difference, level)
    return mean, mean - half, mean + half
