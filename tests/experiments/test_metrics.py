"""The metrics agree with scikit-learn and leave out what is not known."""

import numpy as np
import pytest
from sklearn import metrics

from LNN.exceptions import InvalidInputError
from LNN.experiments.metrics import METRICS

NAN = np.nan


@pytest.fixture
def labels():
    random = np.random.default_rng(0)
    return random.integers(0, 2, (20, 5)), random.integers(0, 2, (20, 5))


def test__metrics__names__are_their_keys_and_scorers_exist():
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.scorer in metrics.get_scorer_names()


def test__accuracy__steps__is_sklearns_in_percent(labels):
    y, found = labels
    expected = 100 * metrics.accuracy_score(y.ravel(), found.ravel())
    assert METRICS["accuracy"].score(y, found) == pytest.approx(expected)


def test__f1__steps__is_sklearns_of_class_1(labels):
    y, found = labels
    expected = metrics.f1_score(y.ravel(), found.ravel())
    assert METRICS["f1"].score(y.astype(float), found) == pytest.approx(expected)


def test__f1__no_one_there_and_none_found__is_nought():
    assert METRICS["f1"].score([0, 0], [0, 0]) == 0


def test__mse__several_outputs__is_sklearns():
    random = np.random.default_rng(0)
    y, found = random.normal(size=(2, 4, 5, 3))
    expected = metrics.mean_squared_error(y.reshape(-1, 3), found.reshape(-1, 3))
    assert METRICS["mse"].score(y, found) == pytest.approx(expected)


@pytest.mark.parametrize("columns", [1, 2])
def test__auc__probabilities__last_column_counts(columns):
    random = np.random.default_rng(0)
    y, p = random.integers(0, 2, 50), random.random(50)
    given = p if columns == 1 else np.column_stack([1 - p, p])
    assert METRICS["auc"].needs == "probability"
    assert METRICS["auc"].score(y, given) == metrics.roc_auc_score(y, p)


def test__score__unknown_steps__are_left_out():
    y = np.array([[0, 1], [1, NAN]])
    found = METRICS["accuracy"].score(y, np.array([[0, 0], [0, 1]]))
    assert found == pytest.approx(100 / 3)
    y = np.array([[[1.0], [NAN]]])
    assert METRICS["mse"].score(y, np.array([[[3.0], [9.0]]])) == 4


def test__score__lists_of_sequences__are_joined():
    y = [np.array([0.0, 1.0]), np.array([NAN, 1.0, 1.0])]
    found = [np.array([0, 0]), np.array([0, 1, 1])]
    assert METRICS["accuracy"].score(y, found) == 75


def test__score__text_labels__are_compared():
    assert METRICS["accuracy"].score(np.array(["a", "b"]), np.array(["a", "a"])) == 50


def test__score__other_shape__is_refused():
    with pytest.raises(InvalidInputError, match=r"shape \(2, 3\).*got \(2, 2\)"):
        METRICS["accuracy"].score(np.zeros((2, 3)), np.zeros((2, 2)))


def test__score__nothing_known__is_refused():
    with pytest.raises(InvalidInputError, match="NaN only"):
        METRICS["mse"].score(np.full((2, 3), NAN), np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("accuracy", 0.9, 90), ("mse", -2.5, 2.5), ("f1", 0.3, 0.3), ("auc", 0.8, 0.8)],
)
def test__from_scorer__value_of_the_scorer__in_units_of_score(name, value, expected):
    assert METRICS[name].from_scorer(value) == pytest.approx(expected)
