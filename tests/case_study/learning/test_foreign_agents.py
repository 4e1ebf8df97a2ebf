"""Agents of other libraries train in our environments, which run in processes of their own."""

from functools import partial

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import SubprocVecEnv

from gdt_tutorial.physical.network import NetworkConfig
from gdt_tutorial.seeding import keep_torch_rng
from tests.case_study.campuses import SMALL

# The part before the colon is what each process imports to know the name.
TWIN, VERSIONS = (f"gdt_tutorial.twin:gdt_tutorial/{name}-v0" for name in ("Twin", "TwinVersions"))
CAMPUS = "gdt_tutorial.case_study:gdt_tutorial/Campus-v0"
SMALL_TWIN = {"n_slots": 10, "config": NetworkConfig(n_users=12)}
N_STEPS, ROLLOUT = 1_000, {"n_steps": 100, "batch_size": 100, "n_epochs": 2, "seed": 0, "device": "cpu"}


@pytest.fixture(autouse=True)
def _agents_may_seed_torch():
    with keep_torch_rng():
        yield


def train(agent, name, **options):
    """Train in two processes; return the agent and the environments."""
    envs = SubprocVecEnv([partial(gymnasium.make, name, **options)] * 2)
    learner = agent("MlpPolicy", envs, **ROLLOUT)
    before = learner.policy.state_dict()["action_net.weight"].clone()
    learner.learn(N_STEPS)
    after = learner.policy.state_dict()["action_net.weight"]
    assert learner.num_timesteps == N_STEPS
    assert after.isfinite().all()
    assert not after.equal(before)
    return learner, envs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"), [(TWIN, SMALL_TWIN), (VERSIONS, SMALL_TWIN), (CAMPUS, {"scenario": SMALL})]
)
def test_ppo_trains_in_processes_side_by_side(name, options):
    _, envs = train(PPO, name, **options)
    envs.close()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), [(VERSIONS, SMALL_TWIN), (CAMPUS, {"scenario": SMALL})])
def test_maskable_ppo_trains_and_keeps_to_the_masks(name, options):
    contrib = pytest.importorskip("sb3_contrib")
    learner, envs = train(contrib.MaskablePPO, name, **options)
    observation, nvec = envs.reset(), envs.action_space.nvec
    for _ in range(5):
        mask = np.stack(envs.env_method("action_masks"))
        action, _ = learner.predict(observation, action_masks=mask)
        first = np.concatenate([[0], np.cumsum(nvec)[:-1]])  # of each choice in a mask
        assert np.take_along_axis(mask, first + action, axis=1).all()
        observation, *_ = envs.step(action)
    envs.close()
