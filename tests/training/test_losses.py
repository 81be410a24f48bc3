"""Losses are plain values, and a new one is one class and one entry."""

import json
import pickle
from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import pytest
import torch
from tiny import TINY

from LNN import LiquidNeuralNetwork, LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.training.losses import (
    LOSSES,
    CrossEntropy,
    Huber,
    Loss,
    Quantile,
    RegressionLoss,
    SquaredError,
)

ALL = [
    *(loss.for_targets(2) for loss in LOSSES.values() if not loss.classifies),
    Quantile.for_targets(2, quantile=np.array([0.1, 0.9])),
    CrossEntropy.for_targets(3),
    CrossEntropy.for_targets(3, class_weights=(np.float64(1.0), 2, 0.5)),
]


@dataclass(frozen=True)
class LogCosh(RegressionLoss):
    """A loss of the user's own; its score tells it from all others."""

    name = "toy"

    def each(self, outputs, target):
        return torch.log(torch.cosh(outputs - target))

    def score(self, y, predicted, sample_weight=None) -> float:
        return -12345.0


class SquareOfOwn(RegressionLoss):
    """Half the squared error, written again."""

    name = "own_square"
    curvature = 1.0

    def each(self, outputs, target):
        return 0.5 * (outputs - target) ** 2

    def errors(self, outputs, goals):
        return goals - outputs


@pytest.fixture
def toys(monkeypatch):
    for toy in (LogCosh, SquareOfOwn):
        monkeypatch.setitem(LOSSES, toy.name, toy)


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(60, 3))


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test__loss__plain_or_pickled__comes_back_equal(loss):
    plain = json.loads(json.dumps(loss.to_plain()))
    assert Loss.from_plain(plain) == loss
    assert pickle.loads(pickle.dumps(loss)) == loss
    assert b"torch" not in pickle.dumps(loss)
    with pytest.raises(FrozenInstanceError):
        loss.n_targets = 5


def test__from_plain__unknown_name__says_what_to_do():
    with pytest.raises(InvalidInputError, match="got 'toy'. Enter a loss of your own"):
        Loss.from_plain({"name": "toy", "n_targets": 1})


@pytest.mark.parametrize("loss", [v for v in ALL if v.curvature], ids=repr)
def test__errors__against_autograd__are_the_negative_gradient(loss):
    rng = np.random.default_rng(1)
    outputs = torch.tensor(rng.normal(size=(5, loss.output_size)), requires_grad=True)
    if loss.classifies:
        goals = rng.integers(0, loss.n_targets, size=5)
        scale = 1.0
    else:
        goals = rng.normal(size=(5, loss.n_targets))
        scale = 0.5  # curvature and errors are those of half the square
    total = scale * loss.total(outputs, torch.tensor(goals), None)
    (gradient,) = torch.autograd.grad(total, outputs)
    errors = loss.errors(outputs.detach().numpy(), goals)
    np.testing.assert_allclose(errors, -gradient.numpy(), atol=1e-12)


def test__prediction__each_kind__has_its_shape():
    outputs = np.arange(8.0).reshape(2, 4)
    assert SquaredError(4).prediction(outputs).shape == (2, 4)
    assert Quantile(2, (0.1, 0.9)).prediction(outputs).shape == (2, 2, 2)
    assert Quantile(4, (0.5,)).prediction(outputs).shape == (2, 4)
    classes = CrossEntropy(4)
    np.testing.assert_array_equal(classes.prediction(outputs), [3, 3])
    np.testing.assert_allclose(classes.probabilities(outputs).sum(axis=1), 1.0)


def test__loss__of_the_users_own__goes_everywhere(toys, rows):
    model = LiquidRegressor(loss="toy", window_length=4, **TINY).fit(rows, rows[:, 0])
    assert model.predict(rows).shape == (60,)
    assert model.score(rows, rows[:, 0]) == -12345.0
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))
    stream = model.stream("carry", adapt="sgd", learning_rate=0.1)
    before = stream.step(rows[0])
    stream.update(5.0)
    stream.reset()
    assert stream.step(rows[0]) > before
    with pytest.raises(InvalidInputError, match='loss="toy" asks'):
        model.stream(adapt="readout")
    with pytest.raises(InvalidInputError, match="does not fit task"):
        LiquidNeuralNetwork(task="classification", loss="toy").fit(rows, rows[:, 0])


def test__loss__with_a_curvature__adapts_the_readout(toys, rows):
    answers = []
    for loss in ("squared_error", "own_square"):
        model = LiquidRegressor(loss=loss, **TINY)
        model.set_params(learning_rate=1e-12).fit(rows, rows[:, 0])
        stream = model.stream(adapt="readout")
        for x in rows:
            answers.append(stream.step(x))
            stream.update(x[0])
    np.testing.assert_allclose(answers[:60], answers[60:], rtol=1e-4, atol=1e-4)


def test__loss__not_entered__is_refused_with_the_names(rows):
    with pytest.raises(InvalidInputError, match="'huber', 'quantile'"):
        LiquidRegressor(loss="toy", window_length=4, **TINY).fit(rows, rows[:, 0])


def test__Huber__probabilities__says_that_numbers_have_none():
    with pytest.raises(NotImplementedError, match="Huber is a loss of numbers"):
        Huber(1).probabilities(np.ones((2, 1)))


def test__Huber__errors__says_that_least_squares_does_not_apply():
    with pytest.raises(NotImplementedError, match="Huber has no curvature"):
        Huber(1).errors(np.zeros((1, 1)), np.zeros((1, 1)))
