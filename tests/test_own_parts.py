"""The page about own parts: its code runs as it stands, every part keeps its contract, and best of N pays in the twin."""

import re
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from gdt_tutorial.loops.external import FixedPeriod
from gdt_tutorial.loops.internal import InternalConfig
from gdt_tutorial.loops.manager import GdtNetwork
from gdt_tutorial.physical.batch import joined, take
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.decision.schedule import greedy_schedule, schedule_model
from gdt_tutorial.twin.emulation.emulator import MeanPath
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from tests.small_networks import network, seen_in, virtual_of

PAGE = Path(__file__).parents[1] / "book" / "pages" / "own_parts.md"


def blocks():
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_code_of_the_page_runs_from_top_to_bottom(capsys):
    names = {}
    for block in blocks():
        exec(compile(block, str(PAGE), "exec"), names)
    said = capsys.readouterr().out
    assert re.fullmatch(r"QoE -?\d+\.\d\d per user and second; best of 4 in \d+% of slots\n", said)
    assert np.isfinite(names["history"].qoe).all()


def test_each_part_is_short():
    for block in blocks():
        for part in re.findall(r"^class \w+:.*?(?=^\S|\Z)", block, re.MULTILINE | re.DOTALL):
            assert len([line for line in part.splitlines() if line.strip()]) <= 24


class AtRandom:
    """Draws versions."""

    def __init__(self, model):
        self.model = model

    def decide(self, features, *, rng):
        version = rng.integers(self.model.catalog.n_versions, size=features.ap.shape)
        return greedy_schedule(features, self.model, version, np.ones(features.ap.shape))[0]


def best_of(n_tries, virtual, seen, maker, *, rng):
    """Best of N in the twin: ten lines around any maker."""
    features = virtual.abstractor.abstract(seen)
    tries = {str(index): maker.decide(features, rng=rng) for index in range(n_tries)}
    scores = virtual.score(seen, tries, dict.fromkeys(tries, maker), rng=rng)
    best = np.stack([scores[name] for name in tries]).argmax(axis=0)
    return take(joined(list(tries.values())), best * len(best) + np.arange(len(best)))


def test_best_of_eight_in_the_twin_beats_its_maker():
    gains = []
    for seed in range(10):
        qoe = []
        for n_tries in (1, 8):
            net = PhysicalNetwork.waterloo(2, NetworkConfig(n_users=30), seed=500 + seed)
            virtual = virtual_of(net, n_slots=4, n_rollouts=2)
            maker, telemetry, total = AtRandom(virtual.model), net.reset(), 0.0
            for slot in range(10):
                rng = stream(seed, "tries", slot)
                decision = best_of(n_tries, virtual, seen_in(telemetry), maker, rng=rng)
                telemetry = net.step(decision)
                total += telemetry.service.qoe.mean()
            qoe.append(total / 10)
        gains.append(qoe[1] - qoe[0])
    low = np.mean(gains) - stats.t.ppf(0.975, 9) * np.std(gains, ddof=1) / 10**0.5
    assert low > 0, f"gain {np.mean(gains):.3f}, lower limit {low:.3f}"


def run_with(emulator, n_rollouts=2):
    net = network(n_batch=2, n_users=20, seed=11)
    model = schedule_model(net)
    managers = {"drawing": AtRandom(model), "also drawing": AtRandom(model)}
    config = InternalConfig(n_slots=5, n_rollouts=n_rollouts, period_slots=2)
    gdt = GdtNetwork(net, emulator(net), managers, lambda store, each: FixedPeriod(store, each, 4), config)
    return gdt, gdt.run(10)


def test_samples_change_verdicts_and_an_emulator_without_spread_does_not():
    def scores(gdt):
        return [np.stack(list(each.expected_qoe.values())) for each in gdt.internal.verdicts if each.expected_qoe]

    class Sure:
        """The same means, no spread, and samples that say so."""

        def __init__(self, emulator):
            self.emulator = emulator

        def emulate(self, window, n_slots, *, n_samples=0, rng=None):
            return MeanPath(emulator=self.emulator).emulate(window, n_slots, n_samples=n_samples, rng=rng)

    mean, _ = run_with(lambda net: MeanPath(emulator=HoldLast(topology=net.topology)))
    sure, _ = run_with(lambda net: Sure(HoldLast(topology=net.topology)))
    spread, _ = run_with(lambda net: HoldLast(topology=net.topology))
    for one, other in zip(scores(mean), scores(sure), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not all(np.array_equal(*each) for each in zip(scores(mean), scores(spread), strict=True))


def test_a_drawing_manager_gives_the_same_course_in_two_runs_and_at_every_period():
    histories = []
    for period_slots in (1, 2, 5, 5):
        net = network(n_batch=2, n_users=15, seed=12)
        managers = {"drawing": AtRandom(schedule_model(net))}
        managers["twin of it"] = deepcopy(managers["drawing"])
        config = InternalConfig(n_slots=3, period_slots=period_slots)
        # One manager alone: whatever the other would do, its own stream stands.
        loop = GdtNetwork(
            net, HoldLast(topology=net.topology), {"drawing": managers["drawing"]},
            lambda store, each: FixedPeriod(store, each, 4), config,
        )  # fmt: skip
        histories.append(loop.run(8).qoe)
    for history in histories[1:]:
        np.testing.assert_array_equal(history, histories[0])


@pytest.mark.parametrize("bad", ["emulator", "maker"])
def test_a_part_that_returns_no_numbers_stops_the_run_with_its_place(bad):
    from dataclasses import replace

    net = network(n_batch=2, n_users=10, seed=13)
    model = schedule_model(net)

    class BadEmulator:
        def emulate(self, window, n_slots, *, n_samples=0, rng=None):
            good = HoldLast(topology=net.topology).emulate(window, n_slots)
            snr_db = good.snr_db.copy()
            snr_db[1, 3] = np.nan if window.slot >= 2 else snr_db[1, 3]
            return replace(good, snr_db=snr_db)

    class BadMaker(AtRandom):
        def decide(self, features, *, rng):
            good = super().decide(features, rng=rng)
            share = good.bandwidth_share.copy()
            share[1, 2] = np.nan
            return replace(good, bandwidth_share=share)

    emulator = BadEmulator() if bad == "emulator" else HoldLast(topology=net.topology)
    maker = BadMaker(model) if bad == "maker" else AtRandom(model)
    gdt = GdtNetwork(net, emulator, {"own": maker}, lambda store, each: FixedPeriod(store, each, 4))
    says = {
        "emulator": r"emulated snr_db must be finite, got 'nan for user 3 of environment 1 after slot 2'; mend BadEmulator",
        "maker": r"decision.bandwidth_share must be at least 0 and not NaN, got 'nan in environment 1, subgroup 2'; clip it",
    }
    with pytest.raises(ValueError, match=says[bad]):
        gdt.run(6)


def test_a_part_of_another_protocol_is_refused_before_anything_runs():
    net = network(n_batch=2, n_users=10, seed=14)

    class Latents:
        """An encoder: it has a method of the right name, and another meaning."""

        def abstract(self):
            return None

    class Old:
        def decide(self, status):
            return None

    greedy = {"greedy": AtRandom(schedule_model(net))}
    collect = lambda store, emulator: FixedPeriod(store, emulator, 4)  # noqa: E731
    hold = HoldLast(topology=net.topology)
    with pytest.raises(ValueError, match=r"Latents.abstract must take seen, got '\(\)'; add seen"):
        GdtNetwork(net, hold, greedy, collect, make_abstractor=lambda *_: Latents())
    with pytest.raises(ValueError, match=r"Old.decide must take features, rng, got '\(status\)'; add rng"):
        GdtNetwork(net, hold, {"old": Old()}, collect)
