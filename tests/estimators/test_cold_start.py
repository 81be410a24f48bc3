"""Rows that continue the training data and come without a context."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import (
    GridSearchCV,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import LNNWarning

N, CUT = 60, 50
RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(N, 2))
DATES = pd.date_range("2024-05-01", periods=N, freq="h")
UNEVEN = DATES + pd.to_timedelta(RNG.integers(0, 30, N), "min")
FRAME = pd.DataFrame(VALUES, columns=["a", "b"])
INDICES = {
    "row numbers": FRAME.index,
    "numbers from 7": pd.RangeIndex(7, 7 + N),
    "int64": pd.Index(np.arange(N)),
    "dates": DATES,
    "uneven dates": UNEVEN,
    "zone": DATES.tz_localize("Asia/Tokyo"),
    "periods": DATES.to_period("h"),
    "durations": DATES - DATES[0],
    "plain dates": pd.Index(pd.date_range("2024", periods=N).date, dtype=object),
}
Y = VALUES[:, 0]
WARNING = r"continues the rows .*predict\(X, context=X_train\[-8:\]"


def model(kind=LiquidRegressor, **how):
    how = {"window_length": 8, "epochs": 1, "random_state": 0} | how
    return kind(4, early_stopping=False, **how)


def fitted(X, **how):
    return model(**how).fit(X[:CUT], Y[:CUT])


@pytest.mark.parametrize("index", INDICES)
def test__predict__index_continues_training__warns_once(index):
    X = FRAME.set_index(INDICES[index])
    lnn = fitted(X)
    with pytest.warns(LNNWarning, match=WARNING):
        cold = lnn.predict(X[CUT:])
    np.testing.assert_array_equal(lnn.predict(X[CUT:]), cold)
    lnn.fit(X[:CUT], Y[:CUT])
    with pytest.warns(LNNWarning, match=WARNING):
        lnn.predict(X[CUT : CUT + 1])


def test__predict_proba__index_continues_training__warns_once():
    X = FRAME.set_index(DATES)
    lnn = model(LiquidClassifier).fit(X[:CUT], Y[:CUT] > 0)
    with pytest.warns(LNNWarning, match="LiquidClassifier was fitted on"):
        lnn.predict_proba(X[CUT:])
    lnn.predict(X[CUT:])


@pytest.mark.parametrize(
    "stamps", [np.arange(N), DATES, list(DATES), pd.Series(DATES), UNEVEN.to_numpy()]
)
def test__predict__time_stamps_continue_training__warns(stamps):
    lnn = model().fit(VALUES[:CUT], Y[:CUT], timestamps=stamps[:CUT])
    with pytest.warns(LNNWarning, match="timestamps=.*the context first"):
        lnn.predict(VALUES[CUT:], timestamps=stamps[CUT:])


def test__predict__time_column_continues_training__warns():
    table = FRAME.assign(t=DATES)
    with pytest.warns(LNNWarning, match=WARNING):
        fitted(table, time_column="t").predict(table[CUT:])
    array = np.column_stack([VALUES, np.arange(N)])
    with pytest.warns(LNNWarning, match=WARNING):
        fitted(array, time_column=2).predict(array[CUT:])


@pytest.mark.parametrize("kind", ["objects", "polars", "pyarrow"])
def test__predict__time_column_of_any_table__warns(kind):
    X = FRAME.assign(t=DATES)
    if kind == "objects":
        X["t"] = X["t"].astype(object)
    elif kind == "polars":
        X = pytest.importorskip("polars").from_pandas(X)
    else:
        X = pytest.importorskip("pyarrow").Table.from_pandas(X)
    lnn = model(time_column="t").fit(X[:CUT], Y[:CUT])
    with pytest.warns(LNNWarning, match=WARNING):
        lnn.predict(X[CUT:])


def test__predict__time_stamps_in_a_series_of_objects__warn_of_the_start_alone():
    stamps = pd.Series(DATES).astype(object)
    lnn = model().fit(VALUES[:CUT], Y[:CUT], timestamps=stamps[:CUT])
    with pytest.warns(LNNWarning, match="the context first") as caught:
        lnn.predict(VALUES[CUT:], timestamps=stamps[CUT:])
    assert len(caught) == 1  # pandas 2.2 has a warning of its own


@pytest.mark.parametrize("index", INDICES)
def test__predict__no_cold_start_or_meant__does_not_warn(index):
    X = FRAME.set_index(INDICES[index])
    lnn = fitted(X)
    lnn.predict(X[CUT:], context=X[:CUT])
    lnn.predict(X[CUT:], context=X[:0])  # meant
    lnn.predict(X)
    lnn.predict(X[:CUT])
    lnn.predict(X[CUT - 1 :])
    lnn.predict(X[CUT + 5 :])
    lnn.score(X[CUT:], Y[CUT:])
    fitted(X[5:]).predict(X[:5])


def test__predict__nothing_to_continue__does_not_warn():
    fitted(VALUES).predict(VALUES[CUT:])
    fitted(FRAME, window_length=1).predict(FRAME[CUT:])
    groups = np.arange(N) % 2
    lnn = model().fit(FRAME[:CUT], Y[:CUT], groups=groups[:CUT])
    lnn.predict(FRAME[CUT:], groups=groups[CUT:])
    table = FRAME.assign(who=groups)
    fitted(table, group_column="who").predict(table[CUT:])
    several = FRAME.set_index([groups, DATES])
    fitted(several).predict(several[CUT:])
    frames = [FRAME[k : k + 5] for k in range(0, N, 5)]
    model().fit(frames[:6], np.arange(6.0)).predict(frames[6:])


def test__tools__folds_that_continue_training__do_not_warn():
    X = FRAME.set_index(DATES)
    cv = TimeSeriesSplit(3)
    for scoring in (None, "r2", lambda e, X, y: -np.abs(e.predict(X) - y).mean()):
        cross_val_score(model(), X, Y, cv=cv, scoring=scoring)
    cross_val_predict(
        model(),
        X,
        Y,
        cv=[(np.arange(CUT), np.arange(CUT, N)), (np.arange(CUT, N), np.arange(CUT))],
    )
    search = GridSearchCV(model(), {"n_neurons": [4, 5]}, cv=cv, scoring="r2")
    search.fit(X, Y)
    piped = make_pipeline(StandardScaler().set_output(transform="pandas"), model())
    cross_val_score(piped, X, Y, cv=cv, scoring="r2")


def test__pipeline__direct_call__warns_with_its_own_line():
    X = FRAME.set_index(DATES)
    piped = make_pipeline(StandardScaler().set_output(transform="pandas"), model())
    piped.fit(X[:CUT], Y[:CUT])
    with pytest.warns(LNNWarning, match=r"pipe.predict\(rows\)\[len\(before\):\]"):
        piped.predict(X[CUT:])
    piped.predict(X[CUT:])


def test__partial_fit__goes_on__the_end_moves():
    X = FRAME.set_index(DATES)
    lnn = model().fit(X[:20], Y[:20]).partial_fit(X[20:40], Y[20:40])
    lnn.predict(X[20:40])
    with pytest.warns(LNNWarning, match=WARNING):
        lnn.predict(X[40:])
    lnn.partial_fit(X[40:CUT], Y[40:CUT]).predict(X[CUT:])


def test__copies__of_a_fitted_estimator__predict_alike():
    X = FRAME.set_index(DATES)
    lnn = fitted(X)
    again = pickle.loads(pickle.dumps(lnn))
    np.testing.assert_array_equal(
        again.predict(X[CUT:]), lnn.predict(X[CUT:], context=X[:0])
    )
