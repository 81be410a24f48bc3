"""`max_step`: a long gap is the same as the rows that would have stood in it."""

import pickle
import warnings

import numpy as np
import pytest
from tiny import TINY

from LNN import LiquidClassifier, LiquidRegressor
from LNN.models import names

N, T = 12, 9
GAPS = np.array([1.0, 1, 3, 1, 2, 1, 1, 5, 1])
TIMES = GAPS.cumsum()
CELLS = [*names(liquid=True), *names(liquid=False)]
SETTINGS = TINY | {"dtype": "float64"}


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(N, T, 2))


def filled(X: np.ndarray) -> np.ndarray:
    """Return sequences in which rows stand in the gaps: the next one, held."""
    return np.repeat(X, GAPS.astype(int), axis=1)


def fitted(X: np.ndarray, y: np.ndarray, kind=LiquidRegressor, **options):
    """Return a model of equal gaps of one unit."""
    times = np.tile(np.arange(1.0, X.shape[1] + 1), (len(X), 1))
    return kind(**{**SETTINGS, **options}).fit(X, y, timestamps=times)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("pooling", ["last", "last+mean+max"])
def test__equal_gaps_then_long_ones__equals_rows_in_the_gaps(X, cell, pooling):
    model = fitted(X, X[:, -1, 0], model_type=cell, pooling=pooling)
    times = np.tile(TIMES, (N, 1))
    every = np.tile(np.arange(1.0, TIMES[-1] + 1), (N, 1))
    np.testing.assert_allclose(
        model.predict(X, timestamps=times),
        model.predict(filled(X), timestamps=every),
        rtol=1e-10,
    )


def test__targets_per_step__answers_stand_at_the_real_steps(X):
    model = fitted(X, X[:, :, 0].cumsum(axis=1), return_sequences=True)
    found = model.predict(X, timestamps=np.tile(TIMES, (N, 1)))
    every = model.predict(filled(X), timestamps=np.tile(np.arange(1.0, 17), (N, 1)))
    np.testing.assert_allclose(found, every[:, GAPS.cumsum().astype(int) - 1])


def test__training__long_gaps__learns_what_rows_in_the_gaps_teach(X):
    # An LTC starts the same whatever the gaps are.
    how = {**SETTINGS, "model_type": "LTC", "scale": "none", "return_sequences": True}
    y = X[:, :, 0].cumsum(axis=1)
    walked = LiquidRegressor(**how, max_step=1.0)
    walked.fit(X, y, timestamps=np.tile(TIMES, (N, 1)))
    goals = np.full((N, 16), np.nan)  # where no row stood, no target counts
    goals[:, GAPS.cumsum().astype(int) - 1] = y
    rows = LiquidRegressor(**how)
    rows.fit(filled(X), goals, timestamps=np.tile(np.arange(1.0, 17), (N, 1)))
    np.testing.assert_allclose(walked.loss_curve_, rows.loss_curve_, rtol=1e-10)


def test__none__takes_each_gap_in_one_step(X):
    whole = fitted(X, X[:, -1, 0], max_step=None)
    walked = fitted(X, X[:, -1, 0])
    times = np.tile(TIMES, (N, 1))
    with pytest.warns(UserWarning, match="never learnt to use"):
        found = whole.predict(X, timestamps=times)
    assert not np.allclose(found, walked.predict(X, timestamps=times))


def test__equal_gaps__same_bits_with_and_without(X):
    one, other = fitted(X, X[:, -1, 0]), fitted(X, X[:, -1, 0], max_step=None)
    times = np.tile(np.arange(1.0, T + 1), (N, 1))
    found = [m.predict(X, timestamps=times) for m in (one, other)]
    np.testing.assert_array_equal(*found)


def test__irregular_training__auto_is_none(X):
    times = np.tile(TIMES, (N, 1))
    model = LiquidRegressor(**SETTINGS).fit(X, X[:, -1, 0], timestamps=times)
    assert model.model_.clock.max_step is None
    assert "walked" not in model.summary()


def test__steps_of_half_a_unit__equal_gaps_are_walked_too(X):
    """With time stamps of one unit or without any, each row is two sub-steps."""
    timed = fitted(X, X[:, -1, 0], max_step=0.5)
    plain = LiquidRegressor(**SETTINGS, max_step=0.5).fit(X, X[:, -1, 0])
    times = np.tile(np.arange(1.0, T + 1), (N, 1))
    np.testing.assert_allclose(timed.predict(X, timestamps=times), plain.predict(X))
    assert "walked in steps of at most 0.5" in plain.summary()


@pytest.mark.parametrize("missing", ["error", "mask"])
@pytest.mark.parametrize("mode", ["window", "carry"])
@pytest.mark.parametrize("backend", ["auto", "torch"])
def test__stream__of_sequences__equals_predict(X, missing, mode, backend):
    X = X.copy()
    if missing == "mask":
        X[:, 3, 1] = X[:, 0, 0] = np.nan
    y = np.linspace(-1, 1, N)
    how = {"pooling": "last+mean+max", "missing": missing, "backend": backend}
    model = fitted(X, y, **how)
    stream = model.stream(mode)
    found = [stream.step(x, dt=gap) for x, gap in zip(X[0], GAPS, strict=True)]
    for k in range(1, T + 1):
        want = model.predict(X[:1, :k], timestamps=TIMES[None, :k])
        np.testing.assert_allclose(found[k - 1], want[0], rtol=1e-7)


def test__streams_together__each_walks_its_own_gaps(X):
    model = fitted(X, X[:, -1, 0], pooling="last+mean+max", max_step=0.7)
    gaps = np.random.default_rng(1).choice([0.3, 1.0, 2.0, 4.5], size=(3, T))
    together, alone = model.stream("carry", n=3), []
    with warnings.catch_warnings(action="ignore"):  # of steps that are new
        found = [together.step(X[:3, k], dt=gaps[:, k]) for k in range(T)]
        for n in range(3):
            stream = model.stream("carry")
            alone.append([stream.step(X[n, k], dt=gaps[n, k]) for k in range(T)])
    np.testing.assert_allclose(np.transpose(found), alone, rtol=1e-10)


def test__windows_of_rows__stream_equals_predict():
    rows = np.random.default_rng(2).normal(size=(60, 2))
    times = np.arange(60.0)
    model = LiquidRegressor(**SETTINGS, window_length=5).fit(
        rows, rows[:, 0], timestamps=times
    )
    gaps = np.random.default_rng(3).choice([1.0, 1, 1, 4], size=60)
    stream = model.stream()
    found = [stream.step(x, dt=gap) for x, gap in zip(rows, gaps, strict=True)]
    want = model.predict(rows, timestamps=gaps.cumsum())
    np.testing.assert_allclose(found, want, rtol=1e-7)


def test__adapting__through_a_walk__learns(X):
    model = fitted(X, X[:, -1, 0], pooling="last")
    stream = model.stream("carry", adapt="sgd", truncation=4)
    for x, gap in zip(X[0], GAPS, strict=True):
        stream.step(x, dt=gap)
    before = stream.copy()
    stream.update(3.0)
    answers = [s.step(X[0, 0], dt=3.0) for s in (before, stream)]
    assert answers[1] > answers[0]


def test__causal__rows_after_a_gap_change_nothing_before_it(X):
    model = fitted(X, X[:, :, 0], return_sequences=True)
    later = X.copy()
    later[:, 7] += 1.0  # the row that a gap of 5 leads to
    times = np.tile(TIMES, (N, 1))
    one, other = (model.predict(x, timestamps=times) for x in (X, later))
    np.testing.assert_array_equal(one[:, :7], other[:, :7])
    assert not np.allclose(one[:, 7], other[:, 7])


def test__pickle__keeps_how_gaps_are_walked(X):
    model = fitted(X, np.arange(N) % 2, kind=LiquidClassifier, max_step=0.6)
    again = pickle.loads(pickle.dumps(model))
    times = np.tile(np.arange(1.0, T + 1) * 2, (N, 1))
    found = [m.predict_proba(X, timestamps=times) for m in (model, again)]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("wrong", [0, -1.0, "long", True])
def test__max_step__wrong_value__is_refused(X, wrong):
    with pytest.raises(ValueError, match="max_step"):
        LiquidRegressor(**SETTINGS, max_step=wrong).fit(X, X[:, -1, 0])
