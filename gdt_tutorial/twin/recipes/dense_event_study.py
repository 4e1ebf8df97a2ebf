"""Who mutes best at the dense event: rules, searches, networks that learned from logs: what `reproduce dense_event` writes.

Each seed has events of its own to learn from and others to be tried on, where all choosers meet the same walks, channels and
swipes. Everybody who learns, and every search that is called old, sees SNRs that are four slots old. Behind each bitmap stands
the same greedy schedule. Settings (share of the logs, temperature, guidance, steps) were chosen on other seeds.

    all on, TDM by two      no choice
    max-weight              the best of 64 patterns for the whole slot, on the true SNR
    local search            climbs on the bitmap, on the SNR that is true, old, or the textbook's
    coins, logs             coins; and coins in half of the slots, the search on old SNR in the others
    random, best of N       coins, judged by the twin: the promise on old SNR
    cloning                 the chance of each bit, rounded, from the best fifth of the logs
    k-means                 64 classes of the best fifth and a classifier; its draws are judged by the twin too
    return-conditioned      64 classes of all the logs, guided to rank 1; the same
    DDPG offline            an actor on all the logs
    diffusion               from the best fifth, and before training; or from all the logs, guided to rank 1; its draws are
                            judged by the twin too

"Sorted" learned from bitmaps whose parts have one order; the others from bitmaps with their parts in any order, because the
order means nothing. The actor's are sorted. All learn from the mirrors of the grid too.

Kind "choosers" has scores "qoe" (mean over users, slots and events, per second) and "stall_s" (per slot). Kind "modes" says
what share of its promise the rounded mean of several good bitmaps of one moment loses ("raw", "sorted").
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gdt_tutorial.agents.ddpg import Actor, Critic, DDPGConfig, DDPGLearner, train_offline
from gdt_tutorial.agents.replay import ReplayBuffer, Transitions
from gdt_tutorial.gai.denoiser import DiffusionConfig
from gdt_tutorial.gai.diffusion import SamplingConfig, start_denoiser, train_denoiser
from gdt_tutorial.gai.supervised_decisions import SupervisedConfig, train_classes, train_switches
from gdt_tutorial.physical.dense_event import DenseEventConfig, dense_event
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.abstraction.muting_context import mirrored_context
from gdt_tutorial.twin.decision.learned_bitmaps import (
    ActorBitmap,
    ClassBitmap,
    ClonedBitmap,
    DrawnBitmap,
    DrawnClassBitmap,
    vectors_of,
    with_sorted_parts,
)
from gdt_tutorial.twin.decision.muting import (
    BestOfDraws,
    BestPattern,
    Bitmap,
    LocalSearch,
    all_on,
    alternating,
    bitmap_efficiency,
    random_bitmaps,
)
from gdt_tutorial.twin.decision.promise import Promise
from gdt_tutorial.twin.decision.schedule import ScheduleModel
from gdt_tutorial.twin.recipes.dense_event_logs import (
    EventLog,
    Sight,
    draw_log,
    half_random,
    old_snr,
    play_event,
    textbook_snr,
    true_snr,
)

__all__ = [
    "VERSION",
    "Chooser",
    "learned_choosers",
    "rounded_mean_loss",
    "ruled_choosers",
    "tasks",
    "training_set",
    "work",
]

VERSION = "1"
_SEED = 70_000  # no setting was chosen on these
_EVENT = DenseEventConfig()
_N_APS = _EVENT.n_rows * _EVENT.n_columns
_N_ORDERS = 3  # of the parts, for each logged bitmap and mirror, where they are not sorted
_PLAIN = SamplingConfig(temperature=0.5)
_CALM = SamplingConfig(temperature=0.25)
_ASKED = SamplingConfig(temperature=0.5, guidance=2.0)
_GUIDED = SamplingConfig(temperature=0.25, guidance=3.0)
_WIDE = SamplingConfig(temperature=0.5, guidance=3.0)  # of candidates, which should differ
_CLASS_GUIDANCE = 2.0
# Makes a chooser for a network, and says what it sees of the channels.
Chooser = tuple[Callable[[ScheduleModel], Bitmap], Sight]
_OLD, _TRUE = old_snr(), true_snr


def tasks(n_seeds: int) -> list[dict[str, Any]]:
    """Return one task for each seed."""
    return [{"seed": _SEED + seed} for seed in range(n_seeds)]


def work(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Let everybody choose on the same events.

    A task may name "choosers", then without modes, and smaller numbers under "n_slots", "n_events", "n_logged", "n_updates".
    """
    seed, names, n_slots = task["seed"], task.get("choosers"), task.get("n_slots", 35)
    n_events, n_logged, n_updates = task.get("n_events", 16), task.get("n_logged", 128), task.get("n_updates", 1500)
    choosers = ruled_choosers()
    if names is None or set(names) - set(choosers):
        choosers |= learned_choosers(draw_log(n_logged, seed=seed), n_updates, seed=seed)
    rows = []
    for name in choosers if names is None else names:
        make, sight = choosers[name]
        run = play_event(dense_event(n_events, seed=_fresh(seed)), make, n_slots, sight=sight, seed=seed)
        for score, values in (("qoe", run.qoe), ("stall_s", run.stall_s)):
            rows.append({"seed": seed, "kind": "choosers", "name": name, "score": score, "value": float(values.mean())})
    for name, lost in rounded_mean_loss(n_events, n_slots, seed=_fresh(seed)).items() if names is None else ():
        rows.append({"seed": seed, "kind": "modes", "name": name, "score": "lost", "value": lost})
    return rows


def _fresh(seed: int) -> int:
    """Return the seed of the events that are played, which nobody has learned from."""
    return seed + 1_000_000


def ruled_choosers() -> dict[str, Chooser]:
    """Return the choosers that learn nothing, by name."""
    coins = random_bitmaps(_N_APS)

    def search(model: ScheduleModel) -> Bitmap:
        return LocalSearch(model, (alternating(_N_APS), BestPattern(model)))

    return {
        "all on": (lambda model: all_on(_N_APS), _OLD),
        "TDM by two": (lambda model: alternating(_N_APS), _OLD),
        "max-weight, true SNR": (BestPattern, _TRUE),
        "local search, true SNR": (search, _TRUE),
        "local search, old SNR": (search, _OLD),
        "local search, textbook SNR": (search, textbook_snr),
        "logs": (half_random, _OLD),
        "coins": (lambda model: coins, _OLD),
        "random, best of 8": (partial(BestOfDraws, draw=coins, n_candidates=8), _OLD),
        "random, best of 64": (partial(BestOfDraws, draw=coins, n_candidates=64), _OLD),
    }


def learned_choosers(log: EventLog, n_updates: int = 1500, *, seed: int) -> dict[str, Chooser]:
    """Train on a log and return the choosers by name; all see old SNRs.

    Args:
        log: Of events that nobody is tried on.
        n_updates: Gradient steps of each network.
        seed: Of first weights, batches and orders.
    """
    best = log.best()
    sets = {
        (source is log, is_sorted): training_set(source, is_sorted, rng=stream(seed, "orders", is_sorted))
        for source in (best, log)
        for is_sorted in (False, True)
    }
    supervised, diffusing = SupervisedConfig(n_updates=n_updates), DiffusionConfig(n_updates=n_updates)

    def draws(
        name: str, is_all: bool, is_sorted: bool, sampling: SamplingConfig, train: Callable = train_denoiser
    ) -> Any:
        context, vector, rank = sets[is_all, is_sorted]
        generator = torch_stream(seed, "diffusion", name)
        model = train(vector, context, rank if is_all else None, diffusing, generator=generator)
        return DrawnBitmap(model, _N_APS, sampling)

    def cloned(is_sorted: bool) -> Bitmap:
        context, vector, _ = sets[False, is_sorted]
        generator = torch_stream(seed, "cloning")
        return ClonedBitmap(train_switches(vector, context, config=supervised, generator=generator), _N_APS)

    def classes(is_all: bool, is_sorted: bool) -> Any:
        context, vector, rank = sets[is_all, is_sorted]
        generator = torch_stream(seed, "classes")
        return train_classes(vector, context, rank if is_all else None, 64, supervised, generator=generator)

    by_class, asked = classes(False, True), classes(True, True)
    plain = draws("plain", False, False, _PLAIN)
    guided = draws("guided, sorted", True, True, _GUIDED)
    untrained = draws("untrained", False, False, _PLAIN, start_denoiser)
    bitmaps: dict[str, Bitmap] = {
        "cloning": cloned(False),
        "cloning, sorted": cloned(True),
        "k-means": ClassBitmap(classes(False, False), _N_APS),
        "k-means, sorted": ClassBitmap(by_class, _N_APS),
        "return-conditioned, sorted": ClassBitmap(asked, _N_APS, _CLASS_GUIDANCE),
        "DDPG offline": _offline(log, n_updates, seed=seed),
        "diffusion, untrained": untrained,
        "diffusion": plain,
        "diffusion, sorted": draws("sorted", False, True, _CALM),
        "diffusion, guided": draws("guided", True, False, _ASKED),
        "diffusion, guided, sorted": guided,
    }
    candidates: dict[str, Bitmap] = {
        "k-means, sorted, best of 8": DrawnClassBitmap(by_class, _N_APS),
        "return-conditioned, sorted, best of 8": DrawnClassBitmap(asked, _N_APS, _CLASS_GUIDANCE),
        "diffusion, untrained, best of 8": untrained,
        "diffusion, best of 8": plain,
        "diffusion, guided, sorted, best of 8": DrawnBitmap(guided.denoiser, _N_APS, _WIDE),
    }
    alone: dict[str, Chooser] = {name: (partial(_same, bitmap), _OLD) for name, bitmap in bitmaps.items()}
    of_eight = {name: (partial(BestOfDraws, draw=bitmap, n_candidates=8), _OLD) for name, bitmap in candidates.items()}
    return alone | of_eight


def _same(bitmap: Bitmap, model: ScheduleModel) -> Bitmap:
    return bitmap


def training_set(
    log: EventLog, is_sorted: bool, *, rng: np.random.Generator
) -> tuple[Float[Tensor, "batch context"], Float[Tensor, "batch feature"], Float[Tensor, "batch condition"]]:
    """Return contexts, bitmaps and ranks, with all mirrors of the grid: the parts in one order, or in several at random."""
    mirrors, n_orders = _EVENT.symmetries, 1 if is_sorted else _N_ORDERS
    context = np.concatenate([mirrored_context(log.context, mirror) for mirror in mirrors])
    is_on = np.concatenate([log.is_on[:, mirror] for mirror in mirrors])
    context, is_on = (np.concatenate([each] * n_orders) for each in (context, is_on))
    order = rng.random((len(is_on), 1, is_on.shape[2])).argsort(axis=2)
    is_on = with_sorted_parts(is_on) if is_sorted else np.take_along_axis(is_on, order, axis=2)
    rank = np.tile(log.rank, len(mirrors) * n_orders)[:, None]
    return torch.from_numpy(context).float(), vectors_of(is_on), torch.from_numpy(rank).float()


def _offline(log: EventLog, n_updates: int, *, seed: int) -> ActorBitmap:
    """Train an actor on the logs, with sorted parts; the reward is the QoE of the slot after the decision's own."""
    context, vector, _ = training_set(log, True, rng=stream(seed, "offline"))
    after, _, _ = training_set(log._replace(context=log.next_context), True, rng=stream(seed, "offline"))
    n_samples, n_bits = vector.shape
    never, mask = torch.zeros(n_samples, dtype=torch.bool), torch.ones(n_samples, n_bits, dtype=torch.bool)
    buffer = ReplayBuffer(n_samples)
    reward = torch.from_numpy(np.tile(log.reward, n_samples // len(log.reward))).float()
    buffer.add(
        Transitions(
            state=context, action=2 * vector - 1, reward=reward, next_state=after,
            is_terminated=never, is_truncated=never, mask=mask, next_mask=mask,
        )
    )  # fmt: skip
    actor = Actor(context.shape[1], n_bits, generator=torch_stream(seed, "actor"))
    critic = Critic(context.shape[1], n_bits, generator=torch_stream(seed, "critic"))
    learner = DDPGLearner(actor, critic, DDPGConfig(discount=0.6, tau=0.01, batch_size=128))
    train_offline(learner, buffer, n_updates, generator=torch_stream(seed, "offline"))
    return ActorBitmap(actor, _N_APS)


def rounded_mean_loss(
    n_events: int = 16, n_slots: int = 35, n_starts: int = 16, margin: float = 0.05, *, seed: int
) -> dict[str, float]:
    """Return what share of its promise the rounded mean of the best bitmaps loses, in any order of the parts and sorted.

    Args:
        n_events: Side by side.
        n_slots: The moment is the last of them, under time division by two.
        n_starts: Searches from coins; what they end with is as good as the best within `margin`, or left out.
        margin: Share of the promise.
        seed: Of events and coins.
    """
    moment: list[tuple[Features, ScheduleModel]] = []

    def watched(model: ScheduleModel) -> Bitmap:
        def choose(features: Features, rng: np.random.Generator) -> np.ndarray:
            moment[:] = [(features, model)]
            return alternating(_N_APS)(features, rng)

        return choose

    play_event(dense_event(n_events, seed=seed), watched, n_slots, sight=_TRUE, seed=seed)
    (features, model), coins = moment[0], stream(seed, "starts")
    search, judge = LocalSearch(model, (random_bitmaps(_N_APS),)), Promise(features, model)
    ends = np.stack([search(features, coins) for _ in range(n_starts)])
    value = judge(bitmap_efficiency(features, ends))
    weight = (value >= (1 - margin) * value.max(axis=0)).astype(float)
    weight /= weight.sum(axis=0)
    lost = {}
    for name, named in (("raw", ends), ("sorted", with_sorted_parts(ends))):
        mean = (named * weight[:, :, None, None]).sum(axis=0)
        rounded = judge(bitmap_efficiency(features, mean[None] > 0.5))[0]
        lost[name] = float(1 - rounded.sum() / (value * weight).sum())
    return lost
