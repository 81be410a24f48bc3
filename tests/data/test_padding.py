"""Padding that arrays of sequences carry: at either side, by NaN or by a value."""

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidClassifier, LiquidRegressor, SequenceScaler
from LNN.data import read_sequences
from LNN.exceptions import InvalidInputError, LNNWarning

T = 12
SIDES = ("begin", "end", "begin and end")
LENGTHS = [12] * 10 + [5, 6, 7, 8] * 3


def padded(lengths, side, value=np.nan, n_features=2, gaps=0.0, seed=0):
    """Sequences as Keras, Torch, or a centring tool would pad them."""
    rng = np.random.default_rng(seed)
    X = np.full((len(lengths), T, n_features), value, dtype=float)
    for x, length in zip(X, lengths, strict=True):
        begin = {"begin": T - length, "end": 0}.get(side, (T - length) // 2)
        steps = rng.normal(size=(length, n_features))
        steps[rng.random(steps.shape) < gaps] = np.nan
        x[begin : begin + length] = steps
    return X


def read(X, **options):
    return read_sequences(X, window_length=1, **options)


@pytest.mark.parametrize("gaps", [0.0, 0.1])
@pytest.mark.parametrize("side", SIDES)
def test__padding__nan_at_any_side__warns_where_it_is(side, gaps):
    X = padded(LENGTHS, side, gaps=gaps)
    with pytest.warns(LNNWarning, match=f"12 of 22 sequences of X {side} in steps"):
        read(X, allow_missing=True)
    read(list(X), allow_missing=True)


@pytest.mark.parametrize("missing", ["hold", "mask"])
def test__padding__nan_in_front__estimators_and_validation_data_warn(missing):
    X, sound = padded(LENGTHS, "begin"), padded([T] * 22, "begin")
    y, how = np.arange(22.0), {"epochs": 1, "missing": missing}
    with pytest.warns(LNNWarning, match=r"X begin .*len\(x\) - n"):
        LiquidRegressor(4, **how).fit(X, y)
    with pytest.warns(LNNWarning, match="X_val begin"):
        model = LiquidRegressor(4, **how).fit(sound, y, X_val=X, y_val=y)
    with pytest.warns(LNNWarning, match="X begin"):
        model.predict(X)
    with pytest.warns(LNNWarning, match="X begin"):
        LiquidClassifier(4, **how).fit(X, y > 9)


def test__padding__targets_per_step__warns_in_front_only():
    front, behind = padded(LENGTHS, "begin"), padded(LENGTHS, "end")
    how = {"allow_missing": True, "per_step": True}
    with pytest.warns(LNNWarning, match="X begin"):
        read(front, **how)
    read(behind, **how)
    with pytest.warns(LNNWarning, match="X begin in steps that are 0 in all"):
        read(padded(LENGTHS, "begin", 0.0), per_step=True)
    read(padded(LENGTHS, "end", 0.0), per_step=True)


@pytest.mark.parametrize("n_features", [1, 3])
@pytest.mark.parametrize("value", [0.0, -1.0, -999.0])
@pytest.mark.parametrize("side", ["begin", "end"])
def test__padding__by_a_value__warns_whatever_missing_is(side, value, n_features):
    X = padded(LENGTHS, side, value, n_features)
    message = f"12 of 22 sequences of X {side} in steps that are {value:g} in all"
    for allow_missing in (False, True):
        with pytest.warns(LNNWarning, match=message):
            read(X, allow_missing=allow_missing)
    read(list(X))


def test__padding__by_a_value_and_scaled__warns():
    X = padded(LENGTHS, "begin", 0.0)
    scaled = (X - X.mean((0, 1)) - 0.1) / X.std((0, 1))
    with pytest.warns(LNNWarning, match=r"X begin in steps that all have the values"):
        read(scaled)
    with pytest.warns(LNNWarning, match="12 of 22 .* it counts in the scale of every"):
        SequenceScaler().fit(X)
    SequenceScaler().fit(list(X))


def test__padding__signals_that_come_to_rest__do_not_warn():
    rng = np.random.default_rng(0)
    time, start = np.arange(40), rng.uniform(5, 30, 30)[:, None]
    braking = np.maximum(start - time, 0.0)
    steps = (time > start).astype(float)
    pulses = (time == start.astype(int)).astype(float)
    steep = np.maximum(rng.normal(size=(30, 40)), 0)  # at rest in the middle too
    for signal in (braking, steps, 1 - steps, pulses, steep):
        read(signal[:, :, None])
        read(np.stack([signal, 2 * signal], axis=2))
    rides = np.stack([braking, np.gradient(braking, axis=1)], axis=2)
    read(rides)
    read(np.round(np.exp(-time / start), 1)[:, :, None])
    read(rng.integers(0, 3, (30, 40, 1)))
    read(np.zeros((30, 40, 2)))


def test__padding__few_or_alike__does_not_warn():
    for side in ("begin", "end"):
        read(padded([T] * 21 + [5], side), allow_missing=True)
        read(padded([5] * 22, side), allow_missing=True)  # a lag, or still to come
        read(padded([5] * 22, side, 0.0))
        read(padded([T] * 20 + [5, 6], side, 0.0))
    for seed in range(20):
        X = padded([T] * 40, "end", n_features=1, gaps=0.3, seed=seed)
        read(X, allow_missing=True)
    # Gaps of many steps, which begin before a sequence or end after it.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, T, 2))
    for x, begin in zip(X, rng.integers(-6, T, 60), strict=True):
        x[max(begin, 0) : begin + 6] = np.nan
    read(X, allow_missing=True)


def test__padding__no_gaps_allowed__error_says_how_to_take_it_off():
    for side in SIDES:
        X = padded(LENGTHS, side)
        for given in (X, list(X), [x.tolist() for x in X]):
            with pytest.raises(InvalidInputError, match="isnan.*for x in X.*alike"):
                read(given)
        frames = [pd.DataFrame(x) for x in X]
        with pytest.raises(InvalidInputError, match=r'x.dropna\(how="all"\) for x'):
            read(frames)
    X = np.zeros((4, 5, 2))
    X[1, 2, 0] = np.nan
    with pytest.raises(InvalidInputError) as error:
        read(list(X))
    assert "padding" not in str(error.value)
