"""Cells to learn in: gymnasium's contract, episodes, and what the reward is."""

import pickle
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env as gymnasium_check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env

from gdt_tutorial.agents.replay import Collector
from gdt_tutorial.case_study.learning.actor_scheduler import ShareActuator
from gdt_tutorial.case_study.learning.cell_environment import Actuator, CampusEnvironment, VersionActuator
from gdt_tutorial.case_study.learning.training import fitting_version, myopic_search
from gdt_tutorial.seeding import torch_stream
from tests.case_study.campuses import SMALL, greedy, picklable_cells, small_campuses, small_cells


class Recorder(VersionActuator):
    """Selects by the agent's action, and keeps the decisions of all episodes."""

    def __init__(self):
        super().__init__(greedy)
        self.episodes = []

    def begin(self, campuses):
        decide, decisions = super().begin(campuses), []
        self.episodes.append((campuses, decisions))

        def recorded(features, action, order):
            decisions.append(decide(features, action, order))
            return decisions[-1]

        return recorded


def trajectory(cells, n_steps, seed=0, action_seed=1):
    """Reset, act at random; return what every step gave."""
    states = [cells.reset(seed=seed)]
    cells.action_space.seed(action_seed)
    return states, [cells.step(cells.action_space.sample()) for _ in range(n_steps)]


@pytest.mark.filterwarnings("ignore:.*A Box observation space")
def test_a_campus_passes_the_checks_of_gymnasium():
    gymnasium_check_env(CampusEnvironment(small_cells(n_branches=4)), skip_render_check=True)


def test_a_campus_passes_the_checks_of_stable_baselines3():
    sb3_check_env(CampusEnvironment(small_cells(n_branches=4)), warn=False)


def test_spaces_are_those_of_what_comes_out():
    cells = small_cells(priors=(myopic_search, fitting_version), n_batch=2, n_worlds=2, n_branches=5)
    ((state, info),) = trajectory(cells, 0)[0]
    assert cells.num_envs == 2 * 2 * 2
    assert cells.observation_space.contains(state)
    assert info["action_mask"].shape == (8, 5, 4)
    assert cells.single_action_space.nvec.tolist() == [4] * 5
    for state, reward, is_terminated, is_truncated, info in trajectory(cells, 3)[1]:
        assert cells.observation_space.contains(state)
        assert np.isfinite(reward).all()
        assert not is_terminated.any()
        assert is_truncated.shape == (8,)
        assert info["action_mask"].any(axis=(1, 2)).any()


def test_the_same_seed_gives_the_same_episode_and_another_one_another():
    left, right, other = (trajectory(small_cells(), 5, seed) for seed in (3, 3, 4))
    for one, two, three in zip(left[1], right[1], other[1], strict=True):
        np.testing.assert_array_equal(one[0], two[0])
        np.testing.assert_array_equal(one[1], two[1])
        assert (one[0] != three[0]).any()


def test_a_second_episode_without_a_seed_is_another_one():
    cells = small_cells()
    first, second = cells.reset(seed=0)[0], cells.reset()[0]
    assert (first != second).any()


def test_an_episode_is_cut_after_its_slots_and_the_next_step_only_begins_anew():
    opened = []
    _, steps = trajectory(small_cells(n_slots=3, opened=opened), 8)
    assert [step[3].all() for step in steps] == [False, False, True, False, False, False, True, False]
    assert all(step[3].all() or not step[3].any() for step in steps)
    for index in (3, 7):
        assert (steps[index][1] == 0).all()
    # One for the sizes, one at the reset, and one for each episode after the first.
    assert len(opened) == 2 + 2


def test_transitions_never_cross_episodes():
    cells = small_cells(n_slots=3, n_worlds=2)
    collector, twin = Collector(cells, generator=torch_stream(0, "cells")), small_cells(n_slots=3, n_worlds=2)
    seed = int(torch.randint(2**31 - cells.num_envs, (), generator=torch_stream(0, "cells")))
    state = twin.reset(seed=seed)[0]
    rng, n_real = torch_stream(1, "actions"), []
    for step in range(8):
        action = torch.randint(4, (cells.num_envs, 16), generator=rng)
        transitions, env = collector.step(action)
        after, reward, _, is_truncated, _ = twin.step(action.numpy())
        n_real.append(len(env))
        if len(env):
            np.testing.assert_array_equal(transitions.state, state)
            np.testing.assert_array_equal(transitions.next_state, after)
            np.testing.assert_allclose(transitions.reward, reward, rtol=1e-6)
            np.testing.assert_array_equal(transitions.is_truncated, is_truncated)
            assert not transitions.is_terminated.any()
            assert bool(transitions.is_truncated.all()) == (step % 4 == 2)
        state = after
    assert n_real == [4, 4, 4, 0, 4, 4, 4, 0]


def test_the_reward_is_the_mean_quality_of_experience_of_the_campus():
    recorder = Recorder()
    _, steps = trajectory(small_cells(n_batch=2, actuator=recorder), 4)
    ((campuses, decisions),) = recorder.episodes
    assert len(decisions) == 4
    campuses.network.reset(campuses.group)
    for decision, (_, reward, *_) in zip(decisions, steps, strict=True):
        qoe = campuses.network.step(decision).service.qoe
        np.testing.assert_allclose(reward.reshape(2, 2).mean(axis=1), qoe.mean(axis=1), rtol=1e-12)
    assert (qoe != 0).any()


def test_a_campus_gets_the_mean_over_its_cells():
    _, steps = trajectory(cells := small_cells(), 3)
    campus = CampusEnvironment(small_cells())
    state, _ = campus.reset(seed=7)
    inner_seed = int(np.random.default_rng(np.random.SeedSequence(7)).integers(2**31))
    assert (cells.reset(seed=inner_seed)[0].reshape(-1) == state).all()
    action = np.ones(campus.action_space.shape, dtype=np.int64)
    _, reward, _, _, info = campus.step(action)
    assert reward == pytest.approx(cells.step(action.reshape(2, 16))[1].mean())
    assert info["action_mask"].shape == (32, 4)
    assert isinstance(reward, float)
    assert len(steps) == 3


def test_the_action_decides_what_is_sent():
    recorder = Recorder()
    cells = small_cells(actuator=recorder, n_slots=2)
    cells.reset(seed=0)
    for version in (0, 3):
        cells.step(np.full(cells.action_space.shape, version))
    for version, decision in zip((0, 3), recorder.episodes[0][1], strict=True):
        is_sent = (decision.segments[..., 0] >= 0).any(axis=-1)
        assert is_sent.any()
        assert (decision.version[is_sent] == version).all()


def test_episodes_go_through_the_capacities_in_turn():
    opened, capacities = [], (2e9, 4e9, 8e9)
    trajectory(small_cells(capacities, opened=opened, n_slots=1, n_worlds=2), 7)
    met = [capacities.index(campuses.model.capacity.computing_cycles_per_s[0]) for campuses in opened[1:]]
    assert len(met) == 8
    assert [(index - met[0]) % 3 for index in met] == [turn % 3 for turn in range(8)]


def test_worlds_are_not_copies_of_each_other():
    state = small_cells(n_worlds=2).reset(seed=0)[0]
    assert (state[:2] != state[2:]).any()


def test_actuators_keep_the_protocol():
    assert isinstance(VersionActuator(greedy), Actuator)
    assert isinstance(ShareActuator(fitting_version), Actuator)
    assert small_campuses().model.catalog.n_versions == 4


def test_info_has_stall_and_quality_of_the_slot():
    recorder = Recorder()
    cells = small_cells(n_batch=2, n_slots=2, actuator=recorder)
    campus, _ = CampusEnvironment(small_cells(n_slots=2)), cells.reset(seed=0)
    campus.reset(seed=0)
    ones = np.ones(cells.action_space.shape, dtype=np.int64)
    infos = [cells.step(ones)[4] for _ in range(3)]
    campuses, decisions = recorder.episodes[0]
    campuses.network.reset(campuses.group)
    for decision, info in zip(decisions, infos, strict=False):
        service = campuses.network.step(decision).service
        for name in ("stall_s", "quality"):
            np.testing.assert_allclose(
                info[name].reshape(2, 2).mean(axis=1), getattr(service, name).mean(axis=1), rtol=1e-12
            )
            assert info[f"_{name}"].all()
    assert not infos[2]["_stall_s"].any()
    info = campus.step(np.ones(campus.action_space.shape, dtype=np.int64))[4]
    assert isinstance(info["stall_s"], float)
    assert isinstance(info["quality"], float)


def test_a_step_belongs_to_an_episode():
    cells = small_cells(n_slots=1)
    action = np.zeros(cells.action_space.shape, dtype=np.int64)
    with pytest.raises(ResetNeeded, match="step must belong to an episode, got one before the first reset; call reset"):
        cells.step(action)
    campus = CampusEnvironment(cells)
    for call in (lambda: campus.step(action.reshape(-1)), campus.action_masks):
        with pytest.raises(ResetNeeded, match="before the first reset"):
            call()
    campus.reset(seed=0)
    assert campus.step(action.reshape(-1))[3]
    with pytest.raises(ResetNeeded, match="after the end of an episode"):
        campus.step(action.reshape(-1))
    # Cells side by side begin anew by themselves.
    cells.reset(seed=0)
    for _ in range(3):
        cells.step(action)


@pytest.mark.parametrize(("wrong", "got"), [(4, "4.0 at"), (-1, "-1.0 at"), (np.nan, "nan at"), (0.5, "0.5 at")])
def test_an_action_outside_of_the_space_is_refused(wrong, got):
    cells = small_cells()
    cells.reset(seed=0)
    action = np.zeros(cells.action_space.shape)
    action[1, 2] = wrong
    with pytest.raises(ValueError, match=rf"action must lie in the action space Box\(.*, got '{got} \(1, 2\)'"):
        cells.step(action)
    with pytest.raises(ValueError, match=r"action must lie in the action space .*, got 'shape \(3,\) of float64'"):
        cells.step(np.zeros(3))
    campus = CampusEnvironment(cells)
    campus.reset(seed=0)
    with pytest.raises(
        ValueError, match=rf"action must lie in the action space MultiDiscrete\((.|\n)*, got '{got} \(18,\)'"
    ):
        campus.step(action.reshape(-1))


def test_the_action_that_only_begins_anew_may_be_anything():
    cells = small_cells(n_slots=1)
    cells.reset(seed=0)
    cells.step(np.zeros(cells.action_space.shape))
    cells.step(np.full(cells.action_space.shape, np.nan))


def test_shares_are_checked_too():
    cells = small_cells(actuator=ShareActuator(fitting_version))
    cells.reset(seed=0)
    cells.step(np.zeros(cells.action_space.shape, dtype=np.float32))
    with pytest.raises(ValueError, match=r"got 'nan at \(0, 0\)'"):
        cells.step(np.full(cells.action_space.shape, np.nan))


@pytest.mark.parametrize("part", ["reward", "observation"])
def test_a_nan_raises_with_slot_and_environment(part):
    opened = []
    cells = small_cells(n_worlds=2, opened=opened)
    cells.reset(seed=0)
    action = np.zeros(cells.action_space.shape, dtype=np.int64)
    cells.step(action)
    network = opened[2].network  # of the second lot
    step = network.step

    def broken(decision):
        telemetry = step(decision)
        if part == "observation":
            return replace(telemetry, session=replace(telemetry.session, stored_s=telemetry.session.stored_s * np.nan))
        return replace(telemetry, service=replace(telemetry.service, qoe=telemetry.service.qoe * np.nan))

    network.step = broken
    with pytest.raises(ValueError, match=f"{part} must hold finite numbers, got 'nan in slot 2 of environment [23]'"):
        cells.step(action)


def same(left, right):
    """Say whether two results of `reset` or `step` are the same, arrays, numbers and infos."""
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, tuple):
        return all(same(*pair) for pair in zip(left, right, strict=True))
    return np.array_equal(left, right)


@pytest.mark.parametrize(
    "make",
    [
        lambda: picklable_cells(n_worlds=2, priors=(myopic_search, fitting_version)),
        lambda: picklable_cells(ShareActuator(fitting_version)),
        lambda: CampusEnvironment(picklable_cells(priors=(fitting_version,))),
    ],
)
def test_a_pickled_environment_goes_on_as_the_first_one(make):
    env = make()
    again = pickle.loads(pickle.dumps(env))
    assert same(env.reset(seed=1), again.reset(seed=1))
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(4)]
    for action in actions[:2]:
        env.step(action)
    again = pickle.loads(pickle.dumps(env))
    for action in actions[2:]:
        assert same(env.step(action), again.step(action))
    assert same(env.reset(), again.reset())  # the next episodes are the same too
    assert same(env.step(actions[0]), again.step(actions[0]))


def test_masks_are_those_of_the_branches_and_leave_one_choice_where_none_is():
    campus = CampusEnvironment(small_cells())
    _, info = campus.reset(seed=0)
    for _ in range(2):
        mask = campus.action_masks()
        assert mask.dtype == bool
        assert mask.shape == (campus.action_space.nvec.sum(),)
        is_empty = ~info["action_mask"].any(axis=1)
        rows = mask.reshape(-1, 4)
        assert 0 < is_empty.sum() < len(rows)
        assert (rows[is_empty] == [True, False, False, False]).all()
        assert (rows[~is_empty] == info["action_mask"][~is_empty]).all()
        info = campus.step(np.zeros(campus.action_space.shape, dtype=np.int64))[4]


@pytest.mark.filterwarnings("ignore:.*A Box observation space")
def test_gymnasium_makes_the_campus_by_its_name():
    env = gymnasium.make("gdt_tutorial/Campus-v0", scenario=replace(SMALL, n_slots=2))
    _, info = env.reset(seed=0)
    env.action_space.seed(0)
    assert info["action_mask"].shape == (2 * 16, 4)
    assert [env.step(env.action_space.sample())[3] for _ in range(2)] == [False, True]
    gymnasium_check_env(env.unwrapped)
    assert gymnasium.spec("gdt_tutorial/Campus-v0").kwargs == {}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: small_cells(()), "capacities must hold a number"),
        (lambda: small_cells(n_worlds=0), "n_worlds must be above 0"),
        (lambda: small_cells(n_branches=0), "n_branches must be above 0"),
        (lambda: small_cells(n_slots=-1), "n_slots must be above 0"),
        (
            lambda: CampusEnvironment(small_cells(actuator=ShareActuator(fitting_version))),
            "cells must have MultiDiscrete",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
