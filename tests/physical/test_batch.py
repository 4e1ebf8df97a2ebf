"""Copies of environments, choices among them, and sums in them."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from gdt_tutorial.physical.batch import joined, original, repeated, sum_by, take
from gdt_tutorial.physical.messages import Session, video_at
from gdt_tutorial.physical.streaming import StreamState
from gdt_tutorial.seeding import stream
from tests.small_networks import network, random_decision, same, twin_of


@dataclass(frozen=True, kw_only=True)
class Pair:
    array: np.ndarray
    tensor: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class Nested:
    pair: Pair
    number: np.ndarray


def pair(n_batch, start=0):
    number = start + np.arange(2 * n_batch).reshape(n_batch, 2)
    return Pair(array=number, tensor=torch.from_numpy(number) / 2)


def scene(seed):
    """Return records of three environments in the middle of a session."""
    net = network(n_batch=3, n_users=12, seed=seed)
    rng, telemetry = stream(seed, "decisions"), net.reset()
    for _ in range(4):
        telemetry = net.step(random_decision(telemetry.session, net.catalog, 2, rng=rng))
    features = twin_of(net)[0].abstract_session(telemetry.session, telemetry.snr_db)
    decision = random_decision(telemetry.session, net.catalog, 2, rng=rng)
    return [telemetry.session, features, decision, net.stream, telemetry.snr_db]


SCENE = scene(0)
NAMES = ["Session", "Features", "Decision", "StreamState", "array"]


def equal(left, right):
    return np.array_equal(left, right) if isinstance(left, np.ndarray) else same(left, right)


@pytest.mark.parametrize("record", SCENE, ids=NAMES)
def test_what_is_taken_apart_and_joined_is_the_same(record):
    assert equal(take(record, range(3)), record)
    assert equal(take(repeated(record, 4), range(6, 9)), record)
    assert equal(joined([take(record, [0]), take(record, [1, 2])]), record)
    assert equal(take(repeated(record, 2), [2, 4]), take(record, original(np.array([2, 4]), 3)))
    assert equal(joined([record] * 3), repeated(record, 3))
    assert type(repeated(record, 2)) is type(record)


def test_copies_come_one_after_the_other():
    np.testing.assert_array_equal(repeated(np.array([5, 7, 9]), 2), [5, 7, 9, 5, 7, 9])
    np.testing.assert_array_equal(original(np.arange(6), 3), [0, 1, 2, 0, 1, 2])
    np.testing.assert_array_equal(take(np.array([5, 7, 9]), [2, 0, 0]), [9, 5, 5])


def test_a_copy_is_a_copy():
    number = np.zeros((2, 1))
    for copy in (repeated(number, 1), take(number, [0, 1]), joined([number])):
        copy += 1
    assert not number.any()


def test_tensors_and_nested_records_follow():
    nested = Nested(pair=pair(3), number=np.arange(3))
    both = joined([nested, Nested(pair=pair(1, 10), number=np.array([8]))])
    assert both.pair.tensor[:, 0].tolist() == [0, 1, 2, 5]
    taken = take(both, np.array([3, 1]))
    assert taken.number.tolist() == [8, 1]
    assert taken.pair.array[:, 0].tolist() == taken.pair.tensor[:, 0].mul(2).tolist() == [10, 2]


def test_taking_none_leaves_none():
    assert take(np.ones((3, 2)), np.arange(0)).shape == (0, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: repeated(np.ones(2), 0), "n_copies must be positive, got 0"),
        (lambda: take(np.ones(2), [2]), r"index must lie in \[0, 2\), got \(0, 2\)"),
        (lambda: take(pair(2), [-1]), r"index must lie in \[0, 2\), got \(-1, -1\)"),
        (lambda: take(np.ones(2), [True, False]), "index must be a list of integers"),
        (lambda: joined([]), "parts must hold at least one, got 0"),
        (lambda: joined([pair(1), np.ones(1)]), "parts must be of one type, got \\['Pair', 'ndarray'\\]"),
        (lambda: repeated(replace(pair(1), array=3.0), 2), "batch must hold arrays with an axis `batch`, got 'float'"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_sums_by_label_are_those_of_a_loop():
    rng = stream(1, "sums")
    amount, label = rng.random((3, 8, 2)), rng.integers(5, size=(3, 8))
    total = sum_by(amount, label, 6)
    for env in range(3):
        for each in range(6):
            np.testing.assert_allclose(total[env, each], amount[env][label[env] == each].sum(axis=0), atol=1e-12)


def test_a_list_is_repeated_when_it_ends():
    playlist = np.array([[[3, 1, 4], [1, 5, 9]], [[2, 6, 5], [3, 5, 8]]])
    group, position = np.array([[0, 1], [1, 1]]), np.array([[0, 4], [5, 2]])
    np.testing.assert_array_equal(video_at(playlist, group, position), [[3, 5], [8, 8]])
    # With more positions of each user, and for views that are not in the order of the environments.
    ahead = position[..., None] + np.arange(3)
    np.testing.assert_array_equal(video_at(playlist, group[..., None], ahead)[0], [[3, 1, 4], [5, 9, 1]])
    env = np.array([1, 0, 1])
    np.testing.assert_array_equal(video_at(playlist, np.array([0, 1, 1]), np.array([1, 2, 3]), env), [6, 9, 3])


def test_a_stream_that_continues_a_session_leaves_the_session_alone():
    session = SCENE[0]
    before = repeated(session, 1)
    state = StreamState.from_session(session, 1.0)
    assert isinstance(session, Session)
    assert same(state.session(session.serving_ap), session)
    for name in ("group", "head", "play_s", "buffered", "stored_s"):
        getattr(state, name)[:] = 1
    assert same(session, before)
