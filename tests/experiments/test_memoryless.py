"""The network without memory learns what a step tells, and nothing else."""

import numpy as np
import pytest

from LNN.experiments import memoryless
from LNN.experiments.task import Part, TaskData
from LNN.experiments.tasks import TASKS


@pytest.fixture(autouse=True)
def few_epochs(monkeypatch):
    monkeypatch.setattr(memoryless, "BATCHES", (50,))
    monkeypatch.setattr(memoryless, "EPOCHS", 20)


def parts(target):
    """Return three parts of sequences of noise with the target of each."""
    random = np.random.default_rng(0)
    made = []
    for n in (60, 20, 20):
        X = random.normal(size=(n, 16, 2)).astype(np.float32)
        made.append(Part(X, target(X)))
    return TaskData(*made)


def score(name, data):
    (value,) = memoryless.memoryless(TASKS[name], data).values()
    return value


def test__regression__present_step__is_learnt_in_its_unit():
    data = parts(lambda X: 1000 + 100 * np.abs(X))
    assert score("cheetah", data) < 0.1 * np.var(data.test.y)


def test__regression__step_before__cannot_be_known():
    data = parts(lambda X: 100 * np.roll(X, 1, axis=1))
    assert score("cheetah", data) > 0.9 * np.var(data.test.y)


def test__classification__present_step__is_learnt():
    data = parts(lambda X: (X[..., 0] * X[..., 1] > 0).astype(float))
    assert score("gesture", data) > 90


def test__target_of_a_single_column__keeps_its_shape():
    data = parts(lambda X: X[..., :1])
    assert score("traffic", data) < 0.1


def test__unknown_targets__are_left_out():
    data = parts(lambda X: np.where(X[..., 0] > 1, np.nan, X[..., 0] > 0))
    assert score("ozone", data) > 0.9


def test__target_of_a_whole_sequence__has_no_step_to_tell_it():
    data = parts(lambda X: (X[:, 0, 0] > 0).astype(float))
    assert memoryless.memoryless(TASKS["xor-event"], data) == {}
