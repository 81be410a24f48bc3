"""Solvers that explode at long gaps: an error that says so, and no NaN."""

from __future__ import annotations

import numpy as np
import pytest

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError

N = 30
T = np.arange(N) + np.tile([0.0, 0.4], N // 2)
X = np.column_stack([np.sin(T / 5), np.cos(T / 3)])
LONG = T + np.where(np.arange(N) < 20, 0, 1e12)  # from row 20 on
# They are far beyond those of training, which is told first (test_edges.py).
pytestmark = pytest.mark.filterwarnings("ignore:.*same unit as in fit")
SETTINGS = {"model_type": "LTC", "solver": "rk4", "epochs": 1, "random_state": 0}


def regressor(**options) -> LiquidRegressor:
    """Return an estimator that trains in no time."""
    return LiquidRegressor(8, window_length=5, **{**SETTINGS, **options})


@pytest.mark.parametrize("solver", ["explicit", "rk4"])
def test__predict__gap_too_long_for_the_solver__names_row_and_solver(solver):
    model = regressor(solver=solver).fit(X, X[:, 0], timestamps=T)
    with pytest.raises(InvalidInputError, match=f'row 20. solver="{solver}" explodes'):
        model.predict(X, timestamps=LONG)


def test__predict__per_step__names_the_step():
    model = LiquidRegressor(8, return_sequences=True, **SETTINGS)
    model.fit(X[None], X[None, :, 0], timestamps=T[None])
    with pytest.raises(InvalidInputError, match="time step 20 of sample 1"):
        model.predict(np.stack([X, X]), timestamps=np.stack([T, LONG]))


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test__classifier__gap_too_long__gives_no_class(method):
    model = LiquidClassifier(8, window_length=5, **SETTINGS)
    model.fit(X, X[:, 0] > 0, timestamps=T)
    with pytest.raises(InvalidInputError, match="semi-implicit"):
        getattr(model, method)(X, timestamps=LONG)


def test__semi_implicit__gap_of_any_length__stays_finite():
    model = regressor(solver="semi-implicit").fit(X, X[:, 0], timestamps=T)
    assert np.isfinite(model.predict(X, timestamps=LONG)).all()


@pytest.mark.parametrize("mode", ["window", "carry"])
@pytest.mark.parametrize("adapt", [None, "sgd"])
def test__stream__gap_too_long__stands_where_it_stood(mode, adapt):
    model = regressor().fit(X, X[:, 0], timestamps=T)
    stream, other = model.stream(mode, adapt=adapt), model.stream(mode, adapt=adapt)
    for s in (stream, other):
        for k in range(8):
            s.step(X[k], timestamp=T[k])
    with pytest.raises(InvalidInputError, match=r'solver="rk4".* reset\(\) begins'):
        stream.step(X[8], dt=1e30)
    if adapt:
        for s in (stream, other):
            s.update(1.0)
    answers = [s.step(X[8], timestamp=T[8]) for s in (stream, other)]
    assert answers[0] == answers[1]
    stream.reset()
    assert np.isfinite(stream.step(X[9], timestamp=1e12))


@pytest.mark.parametrize("mode", ["window", "carry"])
def test__many_streams__one_gap_too_long__can_be_reset_alone(mode):
    model = regressor(missing="mask").fit(X, X[:, 0], timestamps=T)
    stream, other = model.stream(mode, n=2), model.stream(mode, n=2)
    for s in (stream, other):
        s.step(X[:2], dt=1.0)
    with pytest.raises(InvalidInputError, match=r"first for stream 1.* reset\(\[1\]\)"):
        stream.step(X[2:4], dt=[1.0, 1e30])
    for s in (stream, other):
        s.reset([1])
    got = stream.step(X[2:4], dt=[1.0, 1e30])
    np.testing.assert_array_equal(got, other.step(X[2:4], dt=1.0))
