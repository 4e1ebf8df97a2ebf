"""Practice of turns: the world of the crossings, occupancies by hand, what practice and counting reach, and errors."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from gymnasium.spaces import Discrete

from gdt_tutorial import seeding
from gdt_tutorial.gai.gail import GailConfig
from gdt_tutorial.physical.destinations import DestinationConfig
from gdt_tutorial.physical.streets import Streets
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.emulation.turn_policy import Crossings, clone, untrained, watch
from gdt_tutorial.twin.emulation.turn_practice import (
    CrossingEnvs,
    PlaceDiscriminator,
    PracticeConfig,
    clone_by_place,
    occupancy,
    practice,
)
from gdt_tutorial.twin.emulation.walks import Walks

CAMPUS = Topology.waterloo().campus
CROSSINGS = Crossings(Streets.of(CAMPUS))
# A line of three places: 0 - 1 - 2.
LINE = Crossings(Streets(np.array([[0.0, 0.0], [100.0, 0.0], [200.0, 0.0]])))


def seen(n_walks, seed=0):
    walks = Walks.sample(DestinationConfig(), CAMPUS, n_walks, 205, 2.0, rng=seeding.stream(seed, "walks"))
    return watch(walks, CROSSINGS)


def gap(policy, truth):
    return np.abs(occupancy(policy) - truth).sum() / 2


@pytest.fixture(scope="module")
def truth():
    return occupancy(clone(seen(1200, 99), CROSSINGS))


def test_walkers_go_where_their_choices_lead():
    envs = CrossingEnvs(LINE, np.array([LINE.street_between[0, 1]]), 2, 3)
    assert envs.single_observation_space == Discrete(4 + 3)
    state, _ = envs.reset(seed=0)
    assert state.tolist() == [LINE.street_between[0, 1]] * 2
    onward = int(LINE.choice_to(state, np.array([2, 2]))[0])
    state, reward, is_terminated, is_truncated, _ = envs.step(np.array([0, onward]))
    assert state.tolist() == [4 + 1, LINE.street_between[1, 2]]
    assert not reward.any()
    assert not is_terminated.any()
    for _ in range(2):
        state, _, _, is_truncated, _ = envs.step(np.zeros(2, dtype=np.int64))
    assert is_truncated.all()
    state, _, _, is_truncated, _ = envs.step(np.zeros(2, dtype=np.int64))
    assert state.tolist() == [LINE.street_between[0, 1]] * 2
    assert not is_truncated.any()


def test_occupancies_by_hand():
    # On the line, trips of an even law: every trip starts at a place and ends at one.
    share = occupancy(untrained(LINE))
    step = np.zeros((7, 7))
    for state in range(7):
        for choice, place in enumerate(LINE.leads_to[state]):
            if place >= 0:
                step[state, LINE.next_state[state, choice]] += untrained(LINE).turn[state, choice]
    np.testing.assert_allclose(share @ step, share, atol=1e-9)
    assert share.sum() == pytest.approx(1)
    np.testing.assert_allclose(share[4], share[6], atol=1e-9)  # both ends are alike


def test_the_discriminator_knows_places_and_stays_alone():
    judge = PlaceDiscriminator(CROSSINGS)
    n_states, n_choices = CROSSINGS.is_possible.shape
    states, choices = np.nonzero(CROSSINGS.is_possible)
    with torch.no_grad():
        judge.logit.copy_(torch.arange(len(judge.logit)).float())
        found = judge(torch.eye(n_states)[states], torch.eye(n_choices)[choices]).numpy()
    n_places = CROSSINGS.streets.n_places
    is_stay = (choices == 0) & (states < len(CROSSINGS.streets.street))
    np.testing.assert_array_equal(found, CROSSINGS.leads_to[states, choices] + n_places * is_stay)


def test_practice_fills_the_streets_better_than_the_copy(truth):
    gaps = []
    for seed in range(3):
        shown = seen(60, seed)
        copy = clone(shown, CROSSINGS)
        practiced = practice(copy, shown, generator=seeding.torch_stream(seed, "practice"))
        gaps.append((gap(untrained(CROSSINGS), truth), gap(copy, truth), gap(practiced, truth)))
        assert np.array_equal(practiced.stay_hazard, copy.stay_hazard)
    start, copied, practiced = np.mean(gaps, axis=0)
    assert practiced < 0.85 * copied
    assert copied < start


def test_practice_follows_whoever_is_shown():
    shown = seen(60)
    copy, n_streets = clone(shown, CROSSINGS), len(CROSSINGS.streets.street)
    arrives = shown.state < n_streets
    homebodies = replace(
        shown, walk=shown.walk[arrives], state=shown.state[arrives], choice=np.zeros(arrives.sum(), dtype=np.int64)
    )
    practiced = practice(copy, homebodies, generator=seeding.torch_stream(0, "practice"))
    assert practiced.turn[:n_streets, 0].mean() > copy.turn[:n_streets, 0].mean() + 0.02


def test_liked_places_are_copied_to_crossings_that_nobody_saw(truth):
    shown = seen(60)
    assert gap(clone_by_place(shown, CROSSINGS), truth) < gap(clone(shown, CROSSINGS), truth)
    # With an endless ridge no place is liked more than another.
    plain, even = clone(shown, CROSSINGS), clone_by_place(shown, CROSSINGS, ridge=1e9)
    np.testing.assert_allclose(even.turn, plain.turn, atol=1e-6)


def test_the_same_stream_gives_the_same_practice():
    shown = seen(10)
    short = PracticeConfig(gail=GailConfig(n_iterations=3, learning_rate=0.02))
    policy = clone(shown, CROSSINGS)
    one, same, other = (
        practice(policy, shown, short, generator=seeding.torch_stream(seed, "practice")).turn for seed in (0, 0, 1)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_bad_input():
    with pytest.raises(ValueError, match="start must hold a state or more"):
        CrossingEnvs(LINE, np.zeros(0, dtype=np.int64), 1, 2)
    with pytest.raises(ValueError, match="ridge must be above 0"):
        clone_by_place(seen(3), CROSSINGS, ridge=0.0)
    with pytest.raises(ValueError, match="n_envs must be above 0"):
        PracticeConfig(n_envs=0)
