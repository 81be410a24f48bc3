"""Scores at their ends, and of neurons whose signals are known."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mutual_info_score
from tiny import TINY

from LNN import LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection import disentanglement_scores, neuron_activity
from LNN.inspection.disentanglement import _mutual, modularity, mutual_information_gap


def test__gap__by_hand():
    entropy = [1.0, 2.0, 0.0]
    information = [[0.9, 0.4, 0.0], [0.2, 0.4, 0.0], [0.1, 1.4, 0.0]]
    expected = ((0.9 - 0.2) / 1.0 + (1.4 - 0.4) / 2.0) / 2
    assert mutual_information_gap(information, entropy) == pytest.approx(expected)
    assert mutual_information_gap(np.eye(4), np.ones(4)) == 1.0
    assert mutual_information_gap(np.ones((4, 4)), np.ones(4)) == 0.0
    assert np.isnan(mutual_information_gap(np.zeros((2, 2)), np.zeros(2)))


def test__modularity__by_hand():
    information = [[1.0, 0.5, 0.0], [0.0, 0.0, 0.0]]
    assert modularity(information) == pytest.approx((1 - 0.25 / 2 + 0) / 2)
    assert modularity(np.eye(4)) == 1.0
    assert modularity(np.ones((3, 4))) == pytest.approx(0.0)
    assert np.isnan(modularity(np.ones((3, 1))))


def test__information__as_scikit_learn_has_it(fitted):
    X, model = fitted
    found = disentanglement_scores(model, X, max_depth=2, random_state=3)
    states = neuron_activity(model, X).states
    for k in (0, 4):
        edges = np.histogram_bin_edges(states[:, k], 20)[1:-1]
        bins = np.digitize(states[:, k], edges)
        own = mutual_info_score(bins, bins)
        assert found.information[k].max() <= own + 1e-9
    a, b = np.random.default_rng(0).integers(0, [[4], [7]], size=(2, 500))
    expected = mutual_info_score(a, a // 2)
    assert _mutual(a, a // 2) == pytest.approx(expected)
    assert _mutual(a, b) == pytest.approx(mutual_info_score(a, b))


@pytest.fixture(scope="module")
def fitted():
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(600, 2)).cumsum(axis=0), columns=["a", "b"])
    return X, LiquidRegressor(**TINY, window_length=6).fit(X, X["a"])


def test__signals_that_are_the_states__paths_are_told_from_states(fitted):
    X, model = fitted
    states = neuron_activity(model, X).states
    found = disentanglement_scores(model, X, states, max_depth=2, random_state=0)
    assert found.path_accuracy.min() > 0.9
    assert found.path_baseline.mean() < 0.8
    assert found.information.shape == (8, 8)
    assert (found.information <= found.entropy + 1e-9).all()
    noise = np.random.default_rng(1).normal(size=(600, 3))
    other = disentanglement_scores(model, X, noise, max_depth=2, random_state=0)
    assert other.path_accuracy.mean() < found.path_accuracy.mean() - 0.2
    assert other.fidelity.max() < 0.2 < found.fidelity.max()


def test__inputs__are_the_signals_if_there_are_none(fitted):
    X, model = fitted
    found = disentanglement_scores(model, X, random_state=0)
    same = disentanglement_scores(model, X, X, random_state=0)
    assert found.signals == ["a", "b"]
    assert found.neurons == neuron_activity(model, X).neurons
    np.testing.assert_array_equal(found.information, same.information)
    assert 0 <= found.mutual_information_gap <= 1
    assert 0 <= found.modularity <= 1


def test__sequences__have_a_line_for_each_step():
    X = np.random.default_rng(0).normal(size=(20, 9, 2))
    model = LiquidRegressor(**TINY).fit(X, X[:, -1, 0])
    signal = {"warm": X[:, :, 0]}
    found = disentanglement_scores(model, X, signal, random_state=0)
    assert found.signals == ["warm"]
    assert np.isfinite(found.path_accuracy).all()


def test__few_rows__are_refused(fitted):
    X, model = fitted
    with pytest.raises(InvalidInputError, match="at least 20 rows"):
        disentanglement_scores(model, X[:12])
