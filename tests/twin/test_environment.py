import pickle
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env as gymnasium_check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env

from gdt_tutorial.physical.batch import repeated
from gdt_tutorial.physical.network import NetworkConfig
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.decision.greedy import EqualShare, GreedyAllocator
from gdt_tutorial.twin.emulation.emulator import known
from gdt_tutorial.twin.swipe_curves import SwipeCurves
from gdt_tutorial.twin.twin_environment import TwinEnvironment, TwinVersions
from tests.small_networks import ANY, network, random_decision, same, seen_in, virtual_of


@pytest.mark.parametrize("maker_class", [GreedyAllocator, EqualShare])
@pytest.mark.parametrize("n_before", [0, 7])
def test_a_rollout_with_the_truth_is_the_physical_network(maker_class, n_before):
    # From the start, and from the middle of a session with views, segments and versions under way.
    net = network(n_batch=2, n_users=15, seed=2, hysteresis_db=1.0)
    rng, telemetry, virtual = stream(2, "decisions"), net.reset(), virtual_of(net)
    for _ in range(n_before):
        telemetry = net.step(random_decision(telemetry.session, net.catalog, 2, rng=rng))
    seen, tape, snr_db, position_m, qoe = seen_in(telemetry), net.tape.repeated(3), [], [], []
    maker = maker_class(virtual.model)
    for _ in range(12):
        decision = maker.decide(virtual.abstractor.abstract_session(telemetry.session, telemetry.snr_db), rng=ANY)
        telemetry = net.step(decision)
        snr_db.append(telemetry.snr_db)
        position_m.append(telemetry.position_m)
        qoe.append(telemetry.service.qoe.mean(axis=-1))
    future = repeated(known(np.stack(position_m, axis=2), np.stack(snr_db, axis=2)), 3)
    rollout = virtual.rollout(repeated(seen, 3), future, maker, tape, rng=ANY).mean(axis=-1).T
    assert np.abs(np.array(qoe)).sum() > 1
    for copy in np.split(rollout, 3):
        np.testing.assert_allclose(copy, np.array(qoe).T, atol=1e-9)


@pytest.fixture(scope="module")
def moment():
    """Return a virtual network in which nobody moves, and what is seen of this moment."""
    net = network(n_batch=3, n_users=15, seed=4)
    rng, telemetry = stream(4, "decisions"), net.reset()
    for _ in range(6):
        telemetry = net.step(random_decision(telemetry.session, net.catalog, 2, rng=rng))
    return virtual_of(net, n_slots=5, n_rollouts=2), seen_in(telemetry)


def scored(virtual, seen, makers, seed=0):
    features = virtual.abstractor.abstract(seen)
    decisions = {name: maker.decide(features, rng=ANY) for name, maker in makers.items()}
    return virtual.score(seen, decisions, makers, rng=stream(seed, "validation"))


def test_makers_that_are_the_same_get_the_same_expectation(moment):
    virtual, seen = moment
    qoe = scored(virtual, seen, {name: GreedyAllocator(virtual.model) for name in ("one", "other")})
    np.testing.assert_array_equal(qoe["one"], qoe["other"])
    assert qoe["one"].shape == (3,)


def test_an_expectation_depends_on_the_seed_and_not_on_the_company(moment):
    virtual, seen = moment
    greedy, equal = GreedyAllocator(virtual.model), EqualShare(virtual.model)
    together, alone = scored(virtual, seen, {"e": equal, "g": greedy}), scored(virtual, seen, {"g": greedy})
    np.testing.assert_array_equal(together["g"], alone["g"])
    assert not np.array_equal(alone["g"], scored(virtual, seen, {"g": greedy}, seed=1)["g"])


def test_the_first_slot_is_left_out_because_no_decision_reaches_it(moment):
    virtual, seen = moment
    greedy, equal = GreedyAllocator(virtual.model), EqualShare(virtual.model)
    future = virtual.emulator.emulate(seen.window, 5, n_samples=2, rng=ANY).futures()
    tape = virtual.tape(seen.status.session, 2, rng=stream(0, "validation"))
    each = [virtual.rollout(repeated(seen, 2), future, maker, tape, rng=ANY) for maker in (greedy, equal)]
    ways = [np.ascontiguousarray(qoe.mean(axis=-1).T) for qoe in each]
    expected = ways[0].reshape(2, 3, 5)[..., 1:].mean(axis=(0, 2))
    np.testing.assert_array_equal(scored(virtual, seen, {"g": greedy})["g"], expected)
    np.testing.assert_array_equal(ways[0][:, 0], ways[1][:, 0])


def test_a_given_first_decision_is_carried_out_and_the_maker_goes_on(moment):
    virtual, seen = moment
    greedy, equal = GreedyAllocator(virtual.model), EqualShare(virtual.model)
    decisions = {
        name: maker.decide(virtual.abstractor.abstract(seen), rng=ANY) for name, maker in (("g", greedy), ("e", equal))
    }
    then = dict.fromkeys("ge", greedy)
    mixed = virtual.score(seen, decisions, then, rng=stream(0, "validation"))
    pure = scored(virtual, seen, {"g": greedy, "e": equal})
    np.testing.assert_array_equal(mixed["g"], pure["g"])
    assert not np.array_equal(mixed["e"], pure["e"])
    assert not np.array_equal(mixed["e"], mixed["g"])


def test_a_maker_in_a_rollout_sees_its_own_past(moment):
    virtual, seen = moment
    past = []

    class Watching:
        def abstract(self, observed):
            past.append(observed)
            return virtual.abstractor.abstract(observed)

    watching = replace(virtual, abstractor=Watching())
    future = virtual.emulator.emulate(seen.window, 5, n_samples=1, rng=ANY).futures()
    tape = virtual.tape(seen.status.session, 1, rng=stream(0, "validation"))
    watching.rollout(seen, future, GreedyAllocator(virtual.model), tape, rng=ANY)
    assert [len(each.statuses) for each in past] == [1, 2, 3, 4, 5]
    assert all(
        same(
            past[-1].decisions[k], GreedyAllocator(virtual.model).decide(virtual.abstractor.abstract(past[k]), rng=ANY)
        )
        for k in range(4)
    )
    assert [each.status.slot for each in past] == [seen.status.slot + k for k in range(5)]
    assert past[-1].status.networking.age_slots.tolist() == np.full((3, 15), 4).tolist()


def test_the_twin_expects_every_view_to_last_longer_than_it_has(moment):
    virtual, seen = moment
    session = seen.status.session
    tape = virtual.tape(session, 2, rng=stream(0, "validation"))
    env, user = (axis.reshape(-1) for axis in np.indices((6, 15)))
    head, group = session.head[env % 3, user], session.group[env % 3, user]
    video = session.playlist[env % 3, group, head % session.playlist.shape[2]]
    fraction = tape.fraction(env, user, head, virtual.model.catalog.video_type[video])
    played = session.play_s[env % 3, user] / virtual.model.catalog.duration_s[video]
    assert (fraction >= played - 1e-6).all()
    assert (fraction <= 1).all()
    assert fraction[:45].tolist() != fraction[45:].tolist()


def environment(n_slots=8, n_users=10):
    net = network(n_batch=1, n_users=n_users, seed=0)
    return TwinEnvironment(net.topology, net.catalog, net.viewers, net.config, n_slots=n_slots)


@pytest.mark.filterwarnings("ignore:.*A Box observation space maximum value is infinity.*:UserWarning")
def test_gymnasium_accepts_the_environment():
    gymnasium_check_env(environment(), skip_render_check=True)


def test_stable_baselines_accepts_the_environment():
    sb3_check_env(environment(), warn=False)


def episode(env, seed, action_seed=0):
    observation, _ = env.reset(seed=seed)
    rng, trajectory = np.random.default_rng(action_seed), [observation]
    while True:
        action = rng.uniform(-1, 1, env.action_space.shape).astype(np.float32)
        observation, reward, terminated, truncated, info = env.step(action)
        trajectory += [observation, reward, info["stall_s"], info["quality"]]
        assert not terminated
        if truncated:
            return np.concatenate([np.ravel(each) for each in trajectory])


def test_reset_with_a_seed_reproduces_the_episode():
    env = environment()
    first, other = episode(env, 0), episode(env, 1)
    np.testing.assert_array_equal(first, episode(env, 0))
    np.testing.assert_array_equal(first, episode(environment(), 0))
    assert not np.array_equal(first, other)


def test_episodes_without_a_seed_differ():
    env = environment()
    first = env.reset(seed=0)[0]
    assert not np.array_equal(first, env.reset()[0])


def test_episodes_are_truncated_after_their_slots():
    env = environment(n_slots=3)
    env.reset(seed=0)
    assert [env.step(env.action_space.sample() * 0)[3] for _ in range(3)] == [False, False, True]


def test_actions_pick_versions_and_matter():
    lowest, highest = (np.full(environment().action_space.shape, value, dtype=np.float32) for value in (-1, 1))
    quality = []
    for action in (lowest, highest):
        env = environment()
        env.reset(seed=0)
        quality.append(np.mean([env.step(action)[4]["quality"] for _ in range(8)]))
    assert quality[0] != quality[1]


def test_observations_are_what_the_space_says():
    env = environment()
    observation, _ = env.reset(seed=0)
    assert isinstance(env, gymnasium.Env)
    assert observation.dtype == np.float32
    assert env.observation_space.contains(observation)


def test_a_second_campus_is_refused():
    net = network(n_batch=2)
    with pytest.raises(ValueError, match=r"viewers must hold one environment, got 2; draw with n_batch=1"):
        TwinEnvironment(net.topology, net.catalog, net.viewers, net.config)


def test_an_episode_has_slots():
    with pytest.raises(ValueError, match=r"n_slots must be above 0, got 0; run one slot at least"):
        environment(n_slots=0)


def test_the_curves_of_an_episode_start_from_the_prior():
    env = environment(n_slots=8)
    episode(env, 0)
    assert not np.array_equal(env._abstractor.curves.table, SwipeCurves(1, 4).table)
    assert env._abstractor.curves._n_running.any()
    env.reset(seed=0)
    np.testing.assert_array_equal(env._abstractor.curves.table, SwipeCurves(1, 4).table)


def test_a_step_belongs_to_an_episode():
    env = environment(n_slots=1)
    still = np.zeros(env.action_space.shape, dtype=np.float32)
    with pytest.raises(ResetNeeded, match="step must belong to an episode, got one before the first reset; call reset"):
        env.step(still)
    env.reset(seed=0)
    assert env.step(still)[3]
    with pytest.raises(ResetNeeded, match="got one after the end of an episode"):
        env.step(still)
    env.reset()
    env.step(still)


@pytest.mark.parametrize("wrong", [np.nan, 1.1, -np.inf])
def test_an_action_outside_of_the_space_is_refused(wrong):
    env = environment()
    env.reset(seed=0)
    action = np.zeros(env.action_space.shape)
    action[2] = wrong
    with pytest.raises(ValueError, match=rf"action must lie in the action space Box\(.*, got '{wrong} at \(2,\)'"):
        env.step(action)
    with pytest.raises(ValueError, match=r"action must lie in the action space Box\(.*, got 'shape \(3,\) of float64'"):
        env.step(np.zeros(3))
    env.step(np.zeros(env.action_space.shape))  # nothing has happened meanwhile


@pytest.mark.parametrize("part", ["reward", "observation"])
def test_a_nan_raises_in_its_slot(part):
    env = environment()
    env.reset(seed=0)
    still, step = np.zeros(env.action_space.shape), env._network.step
    env.step(still)

    def broken(decision):
        telemetry = step(decision)
        if part == "observation":
            return replace(telemetry, session=replace(telemetry.session, stored_s=telemetry.session.stored_s * np.nan))
        return replace(telemetry, service=replace(telemetry.service, qoe=telemetry.service.qoe * np.nan))

    env._network.step = broken
    with pytest.raises(ValueError, match=f"{part} must hold finite numbers, got 'nan in slot 2 of environment 0'"):
        env.step(still)


@pytest.mark.parametrize("make", [environment, lambda: TwinVersions(environment())])
def test_a_pickled_environment_goes_on_as_the_first_one(make):
    env = make()
    env.action_space.seed(0)
    assert episode_of(pickle.loads(pickle.dumps(env)), seed=1) == episode_of(env, seed=1)
    env.reset(seed=2)
    actions = [env.action_space.sample() for _ in range(8)]
    for action in actions[:3]:
        env.step(action)
    again = pickle.loads(pickle.dumps(env))
    for action in actions[3:]:
        one, other = env.step(action), again.step(action)
        np.testing.assert_array_equal(one[0], other[0])
        masks = [each[4].pop("action_mask", None) for each in (one, other)]
        np.testing.assert_array_equal(*masks)
        assert one[1:] == other[1:]
    # The next episodes are the same too.
    np.testing.assert_array_equal(env.reset()[0], again.reset()[0])


def episode_of(env, seed):
    env.action_space.seed(seed)
    rewards = [env.reset(seed=seed)[0].tolist()]
    while True:
        observation, reward, _, is_truncated, _ = env.step(env.action_space.sample())
        rewards += [reward, observation.tolist()]
        if is_truncated:
            return rewards


def test_versions_are_the_same_twin_with_equal_weights():
    chooser, twin = TwinVersions(environment()), environment()
    np.testing.assert_array_equal(chooser.reset(seed=0)[0], twin.reset(seed=0)[0])
    n_subgroups = len(chooser.action_space.nvec)
    assert chooser.action_space.nvec.tolist() == [4] * n_subgroups
    for version, number in ((0, -1.0), (3, 1.0), (2, 0.1)):
        action = np.tile([number, 0.0], n_subgroups).astype(np.float32)
        one, other = chooser.step(np.full(n_subgroups, version)), twin.step(action)
        np.testing.assert_array_equal(one[0], other[0])
        del one[4]["action_mask"]
        assert one[1:] == other[1:]
    with pytest.raises(ValueError, match=r"action must lie in the action space MultiDiscrete"):
        chooser.step(np.full(n_subgroups, 4))


def test_masks_leave_one_choice_where_nobody_is():
    chooser = TwinVersions(environment())
    with pytest.raises(ResetNeeded, match="before the first reset"):
        chooser.action_masks()
    chooser.reset(seed=0)
    mask = chooser.action_masks().reshape(-1, 4)
    n_members = chooser.unwrapped._features.n_members[0]
    assert (n_members == 0).any()
    assert mask[n_members > 0].all()
    assert (mask[n_members == 0] == [True, False, False, False]).all()


@pytest.mark.filterwarnings("ignore:.*A Box observation space maximum value is infinity.*:UserWarning")
@pytest.mark.parametrize("name", ["gdt_tutorial/Twin-v0", "gdt_tutorial/TwinVersions-v0"])
def test_gymnasium_makes_the_twin_by_its_name(name):
    env = gymnasium.make(name, n_slots=3, config=NetworkConfig(n_users=8))
    env.action_space.seed(0)
    env.reset(seed=0)
    assert [env.step(env.action_space.sample())[3] for _ in range(3)] == [False, False, True]
    assert gymnasium.spec(name).kwargs == {}
    env.close()


def test_the_default_twin_has_the_users_of_the_book():
    env = gymnasium.make("gdt_tutorial/Twin-v0").unwrapped
    assert env._network.config == NetworkConfig()


def test_collector_finds_the_masks_of_the_versions():
    from gymnasium.vector import SyncVectorEnv

    from gdt_tutorial.agents.actor_critic import MultiCategoricalActorCritic
    from gdt_tutorial.agents.policy_gradient import collect, sampling
    from gdt_tutorial.agents.replay import Collector, n_state_entries
    from gdt_tutorial.seeding import torch_stream
    from gdt_tutorial.twin.twin_environment import waterloo_versions

    envs = SyncVectorEnv([lambda: waterloo_versions(2, NetworkConfig(n_users=6))] * 2)
    n_versions = envs.single_action_space.nvec.tolist()
    network = MultiCategoricalActorCritic(
        n_state_entries(envs.single_observation_space), n_versions, generator=torch_stream(0)
    )
    collector = Collector(envs, generator=torch_stream(0))
    rollout = collect(collector, sampling(network, generator=torch_stream(0)), 4).transitions
    assert len(rollout) == 6
    is_open = rollout.mask.all(dim=-1)
    assert is_open.any()
    assert not is_open.all()
    assert (rollout.action[~is_open] == 0).all()
