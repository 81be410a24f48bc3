"""Leaks that people build are found; causal models pass to the last bit."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection import check_temporal_causality


@pytest.fixture(scope="module")
def frame():
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(120, 2)), columns=["heat", "flow"])
    X["kind"] = pd.Categorical(["a", "b"] * 60)
    return X


def linear(X, step):
    """Return a Pipeline with a step in front, fitted."""
    target = X["heat"].shift(1, fill_value=0.0)
    numbers = FunctionTransformer(lambda X: X[["heat", "flow"]])
    return make_pipeline(numbers, step, LinearRegression()).fit(X, target)


@pytest.mark.parametrize("window_length", [8, None])
@pytest.mark.parametrize("kind", ["CfC", "LTC", "LSTM"])
def test__rows__our_models__pass_bitwise(frame, kind, window_length):
    X = frame[["heat", "flow"]]
    model = LiquidRegressor(
        6, model_type=kind, window_length=window_length, epochs=2, random_state=0
    ).fit(X, X["heat"].shift(1, fill_value=0.0))
    found = check_temporal_causality(model, X, random_state=0)
    assert found.passed
    assert found.max_leak == 0
    assert found.first_violation is None


def test__sequences__targets_per_step__pass_bitwise():
    random = np.random.default_rng(0)
    X = [random.normal(size=(n, 2)) for n in (9, 14, 20, 12)]
    y = [np.cumsum(x[:, 0]) > 0 for x in X]
    model = LiquidClassifier(6, epochs=2, random_state=0).fit(X, y)
    assert check_temporal_causality(model, X, random_state=0).passed


LEAKS = {
    "scaler over all rows": lambda X: (X - X.mean()) / X.std(),
    "window around the row": lambda X: X.rolling(5, center=True, min_periods=1).mean(),
    "filled from the future": lambda X: X.where(X > -1).bfill().fillna(0.0),
    "next row": lambda X: X.shift(-1, fill_value=0.0),
}


@pytest.mark.parametrize("leak", LEAKS)
def test__pipeline__step_that_reads_later_rows__is_found(frame, leak):
    found = check_temporal_causality(
        linear(frame, FunctionTransformer(LEAKS[leak])), frame, random_state=0
    )
    assert not found.passed
    assert found.max_leak > 0
    assert found.first_violation["row"] <= found.first_violation["cut"]


def test__pipeline__scaler_of_the_training_rows__passes(frame):
    assert check_temporal_causality(linear(frame, StandardScaler()), frame).passed


def test__window_around_the_row__first_violation_is_next_to_the_cut():
    X = np.random.default_rng(0).normal(size=(50, 1))

    def centred(X):
        return np.convolve(X[:, 0], np.ones(5), mode="same")

    found = check_temporal_causality(centred, X, n_cuts=1, random_state=0)
    cut, row = found.first_violation["cut"], found.first_violation["row"]
    assert row == cut - 1


def test__y__column_that_is_the_target__is_named(frame):
    y = frame["heat"].shift(-1, fill_value=0.0)
    later = frame.assign(answer=y, next_answer=y.shift(-2, fill_value=0.0))
    found = check_temporal_causality(
        lambda X: X["heat"].to_numpy(), later, y, random_state=0
    )
    assert found.copies_of_y == [("answer", 0), ("next_answer", 2)]
    assert not found.passed
    assert check_temporal_causality(lambda X: X["flow"], frame, y).copies_of_y == []


def test__tolerance__small_moves__pass():
    X = np.random.default_rng(0).normal(size=(30, 1))
    found = check_temporal_causality(
        lambda X: X[:, 0] + 1e-9 * X.sum(), X, tolerance=1e-3, random_state=0
    )
    assert found.passed
    assert 0 < found.max_leak < 1e-3


def test__answers_that_cease_to_be_numbers__leak_without_bound():
    X = np.random.default_rng(0).normal(size=(30, 1))

    def strict(X):
        return X[:, 0] if np.abs(X).max() < 100 else np.full(len(X), np.nan)

    assert check_temporal_causality(strict, X).max_leak == np.inf


def test__input__is_not_changed(frame):
    def careless(X):
        X.iloc[:, 0] = 0.0
        return X["flow"]

    before = frame.copy()
    assert check_temporal_causality(careless, frame).passed
    pd.testing.assert_frame_equal(frame, before)


def test__one_answer_for_a_sequence__is_refused():
    X = np.zeros((5, 8, 2))
    with pytest.raises(InvalidInputError, match="nothing to check"):
        check_temporal_causality(lambda X: X[:, -1, 0], X)


def test__what_does_not_predict__is_refused():
    with pytest.raises(InvalidInputError, match="something that predicts"):
        check_temporal_causality("model", np.zeros((5, 2)))
    with pytest.raises(InvalidInputError, match="two rows"):
        check_temporal_causality(lambda X: X, np.zeros((1, 2)))
