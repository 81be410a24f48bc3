"""Boosted trees learn what the last steps tell, and nothing that is further back."""

import numpy as np
import pytest

from LNN.experiments import boosting
from LNN.experiments.task import Part, TaskData
from LNN.experiments.tasks import TASKS


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(boosting, "TREES", 40)


def parts(target, gaps=None):
    """Return three parts of sequences of noise with the target of each."""
    random = np.random.default_rng(0)
    made = []
    for n in (80, 20, 20):
        X = random.normal(size=(n, 16, 2)).astype(np.float32)
        time = random.integers(1, 4, size=(n, 16)).cumsum(axis=1).astype(float)
        made.append(Part(X, target(X, time), time if gaps else None))
    return TaskData(*made)


def score(name, data):
    (value,) = boosting.boosted(TASKS[name], data).values()
    return value


@pytest.mark.parametrize(("lag", "most"), [(0, 0.2), (7, 0.6)])
def test__regression__one_of_the_last_eight_steps__is_learnt_in_its_unit(lag, most):
    data = parts(lambda X, _: 1000 + 100 * np.roll(X, lag, axis=1))
    assert score("cheetah", data) < most * np.var(data.test.y)


def test__regression__ninth_step_back__cannot_be_known():
    data = parts(lambda X, _: 100 * np.roll(X, 8, axis=1))
    assert score("cheetah", data) > 0.9 * np.var(data.test.y)


def test__classification__two_steps_together__are_learnt():
    data = parts(lambda X, _: (X[..., 0] + np.roll(X[..., 0], 1, 1) > 0).astype(float))
    assert score("gesture", data) > 80


def test__time_stamps__are_seen_as_gaps():
    def target(X, time):
        return (np.diff(time, axis=1, prepend=np.nan) > 2).astype(float)

    assert score("gesture", parts(target, gaps=True)) > 95
    assert score("gesture", parts(target)) < 90


def test__unknown_targets__are_left_out():
    data = parts(lambda X, _: np.where(X[..., 0] > 1, np.nan, X[..., 0] > 0))
    assert score("ozone", data) > 0.9


def test__target_of_a_whole_sequence__has_no_step_to_tell_it():
    data = parts(lambda X, _: (X[:, 0, 0] > 0).astype(float))
    assert boosting.boosted(TASKS["xor-event"], data) == {}
