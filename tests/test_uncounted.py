"""Rows and sequences of weight 0: whatever their y is, it changes nothing."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from tiny import TINY

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError

SETTINGS = TINY | {"window_length": 4, "dtype": "float64"}
Classifier = partial(LiquidClassifier, **SETTINGS)
Regressor = partial(LiquidRegressor, **SETTINGS)
N = 30
OUT = np.arange(N) % 3 == 0
WEIGHT = np.where(OUT, 0.0, 1.0)
WHAT = pytest.mark.parametrize("label", ["unknown", None, np.nan], ids=str)


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(N, 2))


def labels_of(rows, label):
    """Return the classes "d" and "u", but `label` where it does not count."""
    labels = np.where(rows[:, 0] > 0, "u", "d").astype(object)
    labels[OUT] = label
    return labels


@WHAT
@pytest.mark.parametrize("container", [np.asarray, list, pd.Series])
def test__classes__label_of_weight_0__is_no_class(rows, label, container):
    expected = Classifier(class_weight="balanced").fit(
        rows, labels_of(rows, "u"), sample_weight=WEIGHT
    )
    y = container(labels_of(rows, label))
    model = Classifier(class_weight="balanced").fit(rows, y, sample_weight=WEIGHT)
    assert model.classes_.tolist() == ["d", "u"]
    np.testing.assert_array_equal(
        model.predict_proba(rows), expected.predict_proba(rows)
    )
    right = (model.predict(rows) == labels_of(rows, label))[~OUT]
    score = model.score(rows, y, sample_weight=WEIGHT)
    assert score == pytest.approx(right.mean())


@WHAT
def test__classes__label_of_weight_0_in_a_stride__is_no_class(rows, label):
    """A row that no window ends at has a weight, but lends nobody its label."""
    y, weight = labels_of(rows, label), WEIGHT.copy()
    y[:2], weight[:2] = ["rare", "odd"], [1.0, 0.0]
    model = Classifier(stride=2).fit(rows, y, sample_weight=weight)
    assert set(model.classes_) == {"d", "u"}


@WHAT
def test__partial_fit_and_warm_start__label_of_weight_0__does_not_matter(rows, label):
    y = labels_of(rows, "u")
    for model in (Classifier(), Classifier(warm_start=True).fit(rows, y)):
        train = partial(model.fit if model.warm_start else model.partial_fit, rows)
        train(y, sample_weight=WEIGHT)
        train(labels_of(rows, label), sample_weight=WEIGHT)
        assert model.classes_.tolist() == ["d", "u"]
    with pytest.raises(InvalidInputError, match="'new', which is not one of the known"):
        model.partial_fit(rows, labels_of(rows, "new"))


def test__x_val__label_of_weight_0__does_not_matter(rows):
    y = labels_of(rows, "u")
    held_out = {"X_val": rows, "y_val": labels_of(rows, None)}
    model = Classifier().fit(rows, y, **held_out, sample_weight_val=WEIGHT)
    assert np.isfinite(model.best_validation_loss_)


@WHAT
@pytest.mark.parametrize("layout", ["list", "cube"])
def test__per_step__label_of_weight_0__is_no_class(rows, label, layout):
    X, counted = rows.reshape(6, 5, 2), np.array([0, 1, 1, 0, 1, 1])
    y = np.where(X[:, :, 0] > 0, "u", "d").astype(object)
    y[2, 0] = None  # a step without a target
    expected = Classifier().fit(X, y, sample_weight=counted)
    y = y.copy()
    y[counted == 0] = label
    if layout == "list":
        y = list(y)
    model = Classifier().fit(X, y, sample_weight=counted)
    assert model.classes_.tolist() == ["d", "u"]
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert model.score(X, y, sample_weight=counted) == expected.score(
        X[counted > 0], [y[k] for k in np.flatnonzero(counted)]
    )


@pytest.mark.parametrize("container", [np.asarray, list, pd.Series, pd.DataFrame])
def test__regression__nan_of_weight_0__is_not_read(rows, container):
    y = rows[:, 0].copy()
    expected = Regressor().fit(rows, container(y), sample_weight=WEIGHT)
    want = expected.score(rows, container(y), sample_weight=WEIGHT)
    y[OUT] = np.nan
    model = Regressor().fit(rows, container(y), sample_weight=WEIGHT)
    np.testing.assert_array_equal(model.predict(rows), expected.predict(rows))
    assert model.score(rows, container(y), sample_weight=WEIGHT) == pytest.approx(want)


@pytest.mark.parametrize("make", [Classifier, Regressor])
def test__missing_target__of_a_row_that_counts__names_it(rows, make):
    y = np.where(OUT, np.nan, np.arange(N) % 2)
    y[7] = np.nan
    with pytest.raises(InvalidInputError, match="first in row 7.*sample_weight=0"):
        make().fit(rows, y, sample_weight=WEIGHT)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        make().fit(rows, y[:-1], sample_weight=WEIGHT)
