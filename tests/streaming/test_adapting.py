"""Streams that learn on the way, and the names that river uses."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError, NonFiniteLossError
from LNN.streaming.adapting import FLOOR, PRIOR

N = 300


def series(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and a target that is a smooth function of a few of them."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.sin(np.arange(N) / 5), rng.normal(size=N)])
    return X, 2 * X[:, 0] + np.roll(X[:, 1], 1)


def regressor(**options) -> LiquidRegressor:
    """Return an estimator that trains in no time."""
    settings = {"n_neurons": 12, "window_length": 8, "epochs": 8, "random_state": 0}
    return LiquidRegressor(**{**settings, **options})


def errors(stream, X, y, learn: bool = True) -> np.ndarray:
    """Return prediction errors, each made before its truth is known."""
    found = []
    for x, truth in zip(X, y, strict=True):
        found.append(truth - stream.step(x))
        if learn:
            stream.update(truth)
    return np.array(found)


def weights(model) -> list[torch.Tensor]:
    """Return copies of all weights."""
    return [p.detach().clone() for p in model.network_.parameters()]


@pytest.mark.parametrize("forgetting", [1.0, 0.98])
def test__readout__many_updates__are_weighted_least_squares(forgetting):
    X, y = series()
    model = regressor(scale_target=False).fit(X, y)
    stream = model.stream("carry", adapt="readout", forgetting=forgetting)
    start = np.column_stack([stream._readout.weight, stream._readout.bias])
    features = []
    for x, truth in zip(X[:60], y + 3, strict=False):
        stream.step(x)
        features.append(np.append(stream._last.features[0], 1.0))
        stream.update(truth)
    # What the recursion minimises, written down: floor and prior pull each estimate
    # towards the one before it.
    information = PRIOR * np.eye(13)
    solution = start.copy()
    for f, truth in zip(features, y + 3, strict=False):
        pull = forgetting * information + (1 - forgetting) * FLOOR * np.eye(13)
        information = pull + np.outer(f, f)
        target = solution @ pull + truth * f
        solution = np.linalg.solve(information, target.T).T
    got = np.column_stack([stream._readout.weight, stream._readout.bias])
    np.testing.assert_allclose(got, solution, rtol=1e-7, atol=1e-9)
    if forgetting == 1.0:  # ridge regression towards the start, all at once
        f, t = np.array(features), (y + 3)[:60]
        gram = f.T @ f + PRIOR * np.eye(13)
        ridge = np.linalg.solve(gram, f.T @ t + PRIOR * start[0])
        np.testing.assert_allclose(got[0], ridge, rtol=1e-7, atol=1e-9)


def test__readout__no_excitation__keeps_the_covariance_bounded():
    X, y = series()
    model = regressor().fit(X, y)
    stream = model.stream("carry", adapt="readout", forgetting=0.9)
    for _ in range(2000):
        stream.step(X[0])
        stream.update(y[0])
    eigenvalues = np.linalg.eigvalsh(stream._adapter.information)
    assert eigenvalues[0] >= 0.999 * FLOOR
    assert np.isfinite(stream._readout.weight).all()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["window", "carry"])
@pytest.mark.parametrize("adapt", ["readout", "sgd"])
def test__drift__adapting__beats_frozen(mode, adapt):
    X, y = series()
    model = regressor(epochs=30).fit(X, y)
    drifted = -y + 1
    learning = model.stream(mode, adapt=adapt)
    frozen = model.stream(mode)
    late = slice(N // 2, None)
    adapted = errors(learning, X, drifted)[late]
    stale = errors(frozen, X, drifted, learn=False)[late]
    assert np.mean(adapted**2) < 0.5 * np.mean(stale**2)


@pytest.mark.slow
@pytest.mark.parametrize("adapt", ["readout", "sgd"])
def test__classes__drift__adapting_beats_frozen(adapt):
    X, target = series()
    y = np.where(target > 0, "up", "down")
    model = LiquidClassifier(12, window_length=8, epochs=20, random_state=0).fit(X, y)
    swapped = np.where(y == "up", "down", "up")
    learning, frozen = model.stream(adapt=adapt), model.stream()
    right = {"learning": 0, "frozen": 0}
    for k, x in enumerate(X):
        right["frozen"] += frozen.step(x) == swapped[k] and k > N // 2
        right["learning"] += learning.step(x) == swapped[k] and k > N // 2
        learning.update(swapped[k])
    assert right["learning"] > right["frozen"] + N // 10


def test__sgd__carried_state__goes_back_through_the_last_steps():
    X, y = series()
    model = regressor(dtype="float64", clip_value=None).fit(X, y)
    stream = model.stream("carry", adapt="sgd", truncation=4, learning_rate=0.5)
    for x in X[:10]:
        stream.step(x)
    state_before = stream._engine.history[0][0][0]
    network = model.network_
    scaled = model.scaler_.transform_rows(X[6:10])
    outputs = network(torch.tensor(scaled)[None], state=(torch.tensor(state_before),))
    goal = torch.tensor(model.target_scaler_.transform_rows(np.array([[7.0]])))
    gradient = torch.autograd.grad(
        (outputs - goal).square().sum(), network.parameters()
    )
    stream.update(7.0)
    for before, after, g in zip(
        network.parameters(), stream._network.parameters(), gradient, strict=True
    ):
        torch.testing.assert_close(after, before - 0.5 * g, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("adapt", ["readout", "sgd"])
def test__commit__after_updates__changes_the_estimator_and_nothing_does_before(adapt):
    X, y = series()
    model = regressor().fit(X, y)
    before = weights(model)
    stream = model.stream(adapt=adapt)
    errors(stream, X, y + 5)
    for old, new in zip(before, weights(model), strict=True):
        assert torch.equal(old, new)
    learnt = stream.copy().reset()
    stream.commit()
    fresh = model.stream()
    for x in X[:20]:
        assert fresh.step(x) == pytest.approx(learnt.step(x), abs=1e-4)
    model.partial_fit(X, y)
    with pytest.raises(InvalidInputError, match="trained again"):
        stream.commit()


def test__many_streams__update__learns_from_those_with_a_truth():
    X, y = series()
    model = regressor().fit(X, y)
    together = model.stream("carry", n=3, adapt="readout")
    alone = model.stream("carry", adapt="readout")
    for k in range(20):
        together.step(np.stack([X[k], X[-k], X[50 + k]]))
        together.update([y[k] + 1, np.nan, np.nan])
        alone.step(X[k])
        alone.update(y[k] + 1)
    np.testing.assert_allclose(together._readout.weight, alone._readout.weight)
    before = together._readout.weight.copy()
    together.step(np.zeros((3, 2)))
    together.update([np.nan] * 3)
    assert (together._readout.weight == before).all()


def test__class_weights__readout__count_as_in_training():
    X, target = series()
    y = (target > 2).astype(int)
    plain, weighted = (
        LiquidClassifier(
            8, window_length=8, epochs=2, random_state=0, class_weight=w
        ).fit(X, y)
        for w in (None, {0: 1.0, 1: 50.0})
    )
    share = []
    for model in (plain, weighted):
        stream = model.stream(adapt="readout")
        votes = []
        for x, label in zip(X, y, strict=True):
            votes.append(stream.step(x))
            stream.update(label)
        share.append(np.mean(votes))
    assert share[1] > share[0]


def test__update__wrong_use__is_refused():
    X, y = series()
    model = regressor().fit(X, y)
    with pytest.raises(InvalidInputError, match="does not learn"):
        model.stream().update(1.0)
    stream = model.stream(adapt="readout")
    with pytest.raises(InvalidInputError, match="take a step first"):
        stream.update(1.0)
    stream.step(X[0])
    with pytest.raises(InvalidInputError, match=r"shape \(\), as|shape \(\), one"):
        stream.update([1.0, 2.0])
    with pytest.raises(InvalidInputError, match="infinite"):
        stream.update(np.inf)
    stream.update(1.0)
    with pytest.raises(InvalidInputError, match="once"):
        stream.update(1.0)
    with pytest.raises(InvalidInputError, match='Use adapt="sgd"'):
        regressor(readout="motor").fit(X, y).stream(adapt="readout")
    with pytest.raises(InvalidInputError, match='loss="huber"'):
        regressor(loss="huber").fit(X, y).stream(adapt="readout")
    classifier = LiquidClassifier(8, window_length=8, epochs=1).fit(X, y > 0)
    stream = classifier.stream(adapt="readout")
    stream.step(X[0])
    with pytest.raises(InvalidInputError, match="new class needs a new fit"):
        stream.update("red")
    stream.update(None)  # not known


def test__sgd__no_finite_gradient__keeps_the_weights():
    X, y = series()
    model = regressor().fit(X, y)
    stream = model.stream(adapt="sgd")
    stream.step(X[0])
    before = [p.clone() for p in stream._network.parameters()]
    with pytest.raises(NonFiniteLossError, match="as before"):
        stream.update(1e200)
    for old, new in zip(before, stream._network.parameters(), strict=True):
        assert torch.equal(old, new)


# --------------------------------------------------------------------------- river


@pytest.mark.parametrize("mode", ["window", "carry"])
@pytest.mark.parametrize("adapt", [None, "readout", "sgd"])
def test__river_names__predict_then_learn__equal_step_and_update(mode, adapt):
    X, y = series()
    model = regressor().fit(X, y)
    one, plain = model.stream(mode, adapt=adapt), model.stream(mode, adapt=adapt)
    for k in range(25):
        row = {0: X[k, 0], 1: X[k, 1]}
        got = one.predict_one(row)
        assert got == one.predict_one(row)  # looking ahead changes nothing
        one.learn_one(row, y[k])
        assert got == plain.step(X[k])
        if adapt:
            plain.update(y[k])


def test__river_names__classifier__gives_a_dict_of_probabilities():
    X, target = series()
    y = np.where(target > 0, "up", "down")
    model = LiquidClassifier(8, window_length=8, epochs=2, random_state=0).fit(X, y)
    stream = model.stream()
    row = dict(enumerate(X[0]))
    probabilities = stream.predict_proba_one(row)
    assert set(probabilities) == {"up", "down"}
    assert sum(probabilities.values()) == pytest.approx(1.0)
    assert stream.predict_one(row) == max(probabilities, key=probabilities.get)
    with pytest.raises(InvalidInputError, match="single stream"):
        model.stream(n=2).predict_one(row)


def test__river_names__what_was_not_measured__may_be_left_out():
    X, y = series()
    X[::3, 1] = np.nan
    model = regressor(missing="hold").fit(X, y)
    stream, other = model.stream(), model.stream()
    for k in range(10):
        row = {0: X[k, 0]} if np.isnan(X[k, 1]) else dict(enumerate(X[k]))
        assert stream.predict_one(row) == other.step(X[k])
        stream.learn_one(row, y[k])


@pytest.mark.parametrize("switched_off", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("mode", ["window", "carry"])
def test__sgd__gradients_switched_off_around__changes_nothing(switched_off, mode):
    X, y = series()
    model = regressor(missing="mask").fit(X, y)
    expected = errors(model.stream(mode, adapt="sgd"), X[:20], y[:20])
    with switched_off():
        stream = model.stream(mode, adapt="sgd")
        found = errors(stream.copy(), X[:20], y[:20])
    np.testing.assert_array_equal(found, expected)
    # What was made there learns outside, too.
    np.testing.assert_array_equal(errors(stream, X[:20], y[:20]), expected)
    with switched_off():
        stream.commit()
    model.partial_fit(X, y)
