"""Successive halving draws rows at random: a warning for each search that does."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline

from LNN import LiquidRegressor, SequenceScaler
from LNN.exceptions import LNNWarning

ROWS = np.sin(np.arange(160) / 5)[:, None]
Y = np.cos(np.arange(160) / 5)
GRID = {"learning_rate": [0.01, 0.03]}
HOW = {"cv": TimeSeriesSplit(2), "factor": 2, "error_score": "raise"}


def regressor(**parameters):
    return LiquidRegressor(6, epochs=1, random_state=0, **parameters)


@pytest.mark.parametrize("kind", [HalvingGridSearchCV, HalvingRandomSearchCV])
@pytest.mark.parametrize("X", [ROWS, pd.DataFrame(ROWS, columns=["a"]), ROWS.tolist()])
def test__halving__rows__warns_once_and_names_the_resource(kind, X):
    search = kind(regressor(), GRID, min_resources=80, **HOW)
    with pytest.warns(LNNWarning, match='resource="epochs"') as caught:
        search.fit(X, Y)
    # Not of the order of the rows too, in every fit, where an index shows it.
    assert [one.filename for one in caught] == [__file__]


def test__halving__frame__its_best_estimator_still_warns_of_shuffled_rows():
    X = pd.DataFrame(ROWS, columns=["a"])
    search = HalvingGridSearchCV(regressor(), GRID, min_resources=80, **HOW)
    with pytest.warns(LNNWarning, match="draws rows"):
        search.fit(X, Y)
    with pytest.warns(LNNWarning, match="look shuffled"):
        search.predict(X[::-1])


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test__halving__in_a_pipeline_with_processes__warns_once(n_jobs, capfd):
    model = make_pipeline(SequenceScaler(), regressor())
    grid = {"liquidregressor__learning_rate": [0.01, 0.03]}
    search = HalvingGridSearchCV(model, grid, min_resources=80, n_jobs=n_jobs, **HOW)
    with pytest.warns(LNNWarning, match="draws rows at random") as caught:
        search.fit(pd.DataFrame(ROWS, columns=["a"]), Y)
    assert len(caught) == 1
    assert "time order" not in capfd.readouterr().err  # of the processes


def test__grid_search__frame_in_reverse_order__warns():
    search = GridSearchCV(regressor(), GRID, cv=TimeSeriesSplit(2), refit=False)
    with pytest.warns(LNNWarning, match="look shuffled"):
        search.fit(pd.DataFrame(ROWS, columns=["a"]).iloc[::-1], Y[::-1])


def silent(search, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search.fit(X, y)


def test__halving__of_epochs__draws_nothing_and_is_silent():
    how = {**HOW, "resource": "epochs", "min_resources": 1, "max_resources": 2}
    silent(HalvingGridSearchCV(regressor(), GRID, **how), ROWS, Y)


def test__halving__of_sequences__draws_whole_ones_and_is_silent():
    cube = np.random.default_rng(0).normal(size=(60, 5, 2))
    for X in (cube, list(cube)):
        search = HalvingGridSearchCV(regressor(), GRID, min_resources=30, **HOW)
        silent(search, X, cube[:, 0, 0])


def test__halving__rows_without_a_past__is_silent():
    model = regressor(window_length=1)
    silent(HalvingGridSearchCV(model, GRID, min_resources=80, **HOW), ROWS, Y)


def test__grid_search__is_silent():
    silent(GridSearchCV(regressor(), GRID, cv=TimeSeriesSplit(2)), ROWS, Y)
