"""One-hot and multi-label y of a classifier, and what only looks like it."""

import numpy as np
import pandas as pd
import pytest
from tiny import TINY

from LNN import LiquidClassifier
from LNN.exceptions import InvalidInputError, LNNWarning

N, T = 60, 10
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, T, 2))
CLASSES = RNG.integers(0, T, N)
ONE_HOT = np.eye(T, dtype=int)[CLASSES]
SEVERAL = RNG.integers(0, 2, (N, T))
WHOLE = TINY | {"epochs": 1, "early_stopping": False}
CONTAINERS = {
    "int": lambda y: y,
    "float": lambda y: y.astype(float),
    "float32": lambda y: y.astype("f4"),
    "bool": lambda y: y.astype(bool),
    "list": lambda y: y.tolist(),
    "list of arrays": list,
    "frame": pd.DataFrame,
    "named": lambda y: pd.DataFrame(y, columns=[*"abcdefghij"][: y.shape[1]]),
    "dummies": lambda y: pd.get_dummies(pd.Series(y.argmax(axis=1))),
    "column": lambda y: y[:, :, None],
}
IN_ALL = pytest.mark.parametrize("container", CONTAINERS)
SEQUENCES = {"cube": lambda X: X, "list": list}


def fit(X, y, **how):
    return LiquidClassifier(**WHOLE, **how).fit(X, y)


@IN_ALL
@pytest.mark.parametrize("layout", SEQUENCES)
def test__one_hot__as_many_steps_as_classes__is_refused(layout, container):
    y, X_ = CONTAINERS[container](ONE_HOT), SEQUENCES[layout](X)
    line = r"y.idxmax\(axis=1\)" if hasattr(y, "idxmax") else r"numpy.argmax\(y, axis"
    with pytest.raises(InvalidInputError, match=f"one-hot coding. Pass {line}"):
        fit(X_, y)


@pytest.mark.parametrize("container", [*CONTAINERS][:8])
def test__one_hot__told_to_be_per_step__is_that(container):
    y = CONTAINERS[container](ONE_HOT)
    assert fit(X, y, return_sequences=True).predict(X).shape == (N, T)
    several = CONTAINERS[container](SEVERAL)
    assert fit(X, several, return_sequences=True).predict(X).shape == (N, T)


@pytest.mark.parametrize("container", [*CONTAINERS][:8])
def test__one_hot__other_number_of_steps__says_how_to_pass_classes(container):
    y = CONTAINERS[container](ONE_HOT)
    for X_, how in ((X[:, :9], {}), (X[:, 0], {"window_length": 1})):
        with pytest.raises(InvalidInputError, match=r"shape \(60, 10\).*(arg|idx)max"):
            fit(X_, y, **how)
    with pytest.raises(InvalidInputError, match="one classifier per column"):
        fit(X[:, :9], CONTAINERS[container](SEVERAL))


def test__one_hot__validation_data__says_how_to_pass_classes():
    with pytest.raises(InvalidInputError, match="argmax"):
        LiquidClassifier(**WHOLE).fit(X, CLASSES, X_val=X, y_val=ONE_HOT)


def test__one_hot__per_step__says_how_to_pass_classes():
    y = np.eye(3, dtype=int)[RNG.integers(0, 3, (N, T))]
    with pytest.raises(InvalidInputError, match=r"argmax\(y, axis=-1\)"):
        fit(X, y)


def test__probabilities__as_many_steps_as_classes__are_refused():
    soft = np.exp(RNG.normal(size=(N, T)))
    soft /= soft.sum(axis=1, keepdims=True)
    for X_ in (X, X[:, :9]):
        with pytest.raises(InvalidInputError, match="sum to 1.*argmax"):
            fit(X_, soft)


@pytest.mark.parametrize("container", ["int", "float", "bool", "list", "frame"])
def test__several_labels__as_many_steps__warns(container):
    with pytest.warns(LNNWarning, match=r"\(60, 10\) is read as one class per step"):
        fit(X, CONTAINERS[container](SEVERAL))


def test__several_labels__named__warns_even_if_neighbours_agree():
    sorted_ = np.sort(SEVERAL, axis=1)
    fit(X, sorted_)
    with pytest.warns(LNNWarning, match=r"one classifier per column: y.iloc\[:, k\]"):
        fit(X, CONTAINERS["named"](sorted_))
    fit(X, pd.DataFrame(sorted_, columns=[f"t{k}" for k in range(T)]))


def test__labels_per_step__that_go_with_the_steps__do_not_warn():
    now = X[:, :, 0] > 0
    late = np.roll(now, 2, axis=1)
    so_far = X[:, :, 1].cumsum(axis=1) > 0
    noisy = X[:, :, 0] + RNG.normal(size=(N, T)) > 0
    for y in (now, late, so_far, noisy, now.astype(float), now.tolist()):
        assert fit(X, y).predict(X).shape == (N, T)
    fit(list(X), list(now.astype(int)))
    runs = (np.arange(T) > RNG.integers(1, T, N)[:, None]).astype(int)
    fit(RNG.normal(size=X.shape), runs)
    fit(X, RNG.integers(0, T, (N, T)))  # classes that are as many as the steps
    fit(X, np.array([*"ab"])[SEVERAL])
    fit(X[:14], SEVERAL[:14])  # too few to tell
    unknown = SEVERAL.astype(float)
    unknown[0, 3] = np.nan
    fit(X, unknown)
    event = np.zeros((N, T), int)
    event[:, 4] = 1  # the same step of all is no class
    fit(X, event)
