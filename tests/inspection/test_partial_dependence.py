"""Partial dependence is what `predict` says of data that were changed by hand."""

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection import partial_dependence

RANDOM = np.random.default_rng(0)
CUBE = RANDOM.normal(size=(12, 6, 2))
Y = CUBE[:, -1, 0]
RAGGED = [x[: 3 + k % 4] for k, x in enumerate(CUBE)]
TIMES = RANDOM.exponential(size=30).cumsum()
ROWS = pd.DataFrame(RANDOM.normal(size=(30, 2)), columns=["heat", "flow"])
QUICK = {"epochs": 3, "random_state": 0}
GRID = [-1.0, 0.5, 2.0]


def changed(x, value, at):
    x = x.copy()
    x[slice(None) if at == "all" else -1, 1] = value
    return x


@pytest.mark.parametrize("at", ["last", "all"])
@pytest.mark.parametrize(
    "parameters", [{}, {"patch": 3}, {"model_type": "LTC"}, {"scale": "robust"}]
)
def test__a_column__is_set_at_the_last_row_or_at_all(at, parameters):
    model = LiquidRegressor(6, **QUICK, **parameters).fit(CUBE, Y)
    for X in (CUBE, RAGGED):
        found = partial_dependence(model, X, feature=1, grid=GRID, at=at)
        for k, value in enumerate(GRID):
            expected = model.predict([changed(x, value, at) for x in X])
            np.testing.assert_allclose(found.individual[0, :, k], expected, atol=1e-5)
            np.testing.assert_allclose(found.average[0, k], expected.mean(), atol=1e-5)


@pytest.mark.parametrize("window_length", [4, None])
def test__a_column_of_rows__is_set_for_each_answer_alone(window_length):
    model = LiquidRegressor(6, window_length=window_length, **QUICK)
    model.fit(ROWS, ROWS["heat"])
    found = partial_dependence(model, ROWS, feature="flow", grid=GRID, rows=[7, -1])
    for place, row in enumerate((7, 29)):
        for k, value in enumerate(GRID):
            X = ROWS[: row + 1].copy()
            X.loc[row, "flow"] = value
            answer = found.individual[0, place, k]
            np.testing.assert_allclose(answer, model.predict(X)[-1], atol=1e-5)


@pytest.mark.parametrize("window_length", [4, None])
@pytest.mark.parametrize("max_step", [None, 1.0])
def test__gap__is_the_time_before_the_last_row_alone(window_length, max_step):
    model = LiquidRegressor(
        6, window_length=window_length, max_step=max_step, missing="mask", **QUICK
    )
    X = ROWS.where(RANDOM.random(ROWS.shape) > 0.2)
    model.fit(X, ROWS["heat"], timestamps=TIMES)
    grid, row = [0.3, 5.0], 11
    found = partial_dependence(
        model, X, feature="gap", grid=grid, rows=[row], timestamps=TIMES
    )
    for k, gap in enumerate(grid):
        time = TIMES[: row + 1].copy()
        time[row] = time[row - 1] + gap
        expected = model.predict(X[: row + 1], timestamps=time)[-1]
        np.testing.assert_allclose(found.individual[0, 0, k], expected, atol=1e-5)


def test__classes__are_told_in_probabilities():
    two = LiquidClassifier(6, **QUICK).fit(CUBE, Y > 0)
    found = partial_dependence(two, CUBE, feature=1, grid=GRID)
    assert found.outputs == [True]
    X = [changed(x, GRID[0], "last") for x in CUBE]
    expected = two.predict_proba(X)[:, 1]
    np.testing.assert_allclose(found.individual[0, :, 0], expected, atol=1e-5)
    three = LiquidClassifier(6, **QUICK).fit(CUBE, np.digitize(Y, [-0.5, 0.5]))
    found = partial_dependence(three, CUBE, feature=1, grid=GRID)
    assert found.outputs == [0, 1, 2]
    np.testing.assert_allclose(found.average.sum(axis=0), 1.0)


def test__anchor__is_added_to_each_answer():
    model = LiquidRegressor(6, window_length=4, anchor="heat", **QUICK)
    model.fit(ROWS, ROWS["heat"])
    found = partial_dependence(model, ROWS, feature="flow", grid=GRID, rows=[9])
    X = ROWS[:10].copy()
    X.loc[9, "flow"] = GRID[0]
    np.testing.assert_allclose(found.individual[0, 0, 0], model.predict(X)[-1], 1e-4)


def test__defaults__cover_the_column_and_the_gaps_of_training():
    model = LiquidRegressor(6, window_length=4, **QUICK)
    model.fit(ROWS, ROWS["heat"], timestamps=TIMES)
    how = {"timestamps": TIMES, "n_grid": 5, "max_samples": 7}
    found = partial_dependence(model, ROWS, feature="flow", **how)
    ends = np.nanpercentile(ROWS["flow"], [5, 95])
    np.testing.assert_allclose(found.grid[[0, -1]], ends)
    assert found.individual.shape == (1, 7, 5)
    found = partial_dependence(model, ROWS, feature="gap", **how)
    gaps = np.diff(TIMES)
    assert gaps.min() <= found.grid[0] < np.median(gaps)
    assert found.grid[-1] >= 7.99 * np.median(gaps)


def test__what_cannot_be_looked_at__is_refused_by_name():
    model = LiquidRegressor(6, **QUICK).fit(CUBE, Y)
    with pytest.raises(InvalidInputError, match=r"\[0, 1\].*'flow'"):
        partial_dependence(model, CUBE, feature="flow")
    with pytest.raises(InvalidInputError, match="without any, so that every gap"):
        partial_dependence(model, CUBE, feature="gap")
    with pytest.raises(InvalidInputError, match='"last" or "all"'):
        partial_dependence(model, CUBE, feature=0, at="first")
    with pytest.raises(InvalidInputError, match="finite numbers"):
        partial_dependence(model, CUBE, feature=0, grid=[np.nan])
    named = ROWS.set_axis(["gap", "flow"], axis=1)
    model = LiquidRegressor(6, window_length=4, **QUICK).fit(named, named["flow"])
    with pytest.raises(InvalidInputError, match="another name"):
        partial_dependence(model, named, feature="gap")
