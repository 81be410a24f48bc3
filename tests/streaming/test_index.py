"""Rows of frames: their index, their columns, and what came before a stream."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest
from quick import quick
from tiny import TINY

from LNN import LiquidRegressor
from LNN.exceptions import InvalidInputError

N = 60
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 2)).cumsum(axis=0) / 4
Y = X[:, 0] + 0.5 * X[:, 1]
DAYS = pd.date_range("2024-01-01", periods=N)
GAPS = RNG.integers(1, 9, size=N).cumsum()
LATER = [*range(10), *range(40, 50)]  # a gap of a month in the middle


def regressor(**options) -> LiquidRegressor:
    """Return an estimator that trains in no time."""
    settings = TINY | {"window_length": 6, "epochs": 1}
    return LiquidRegressor(**{**settings, **options})


def steps(stream, frame: pd.DataFrame, form: str) -> list:
    """Step through a frame."""
    if form == "frame":
        return [stream.step(frame.iloc[[k]]) for k in range(len(frame))]
    return [stream.step(row) for _, row in frame.iterrows()]


INDICES = {
    "datetimes": DAYS,
    "zone": DAYS.tz_localize("Europe/Berlin"),
    "periods": DAYS.to_period("D"),
    "durations": DAYS - DAYS[0],
    "dates": pd.Index(DAYS.date),
    "recording and number": pd.MultiIndex.from_product([["p"], range(N)]),
    "recording and time": pd.MultiIndex.from_product([["p"], DAYS]),
    "two levels and time": pd.MultiIndex.from_product([["p"], [3], DAYS]),
    "no recording": pd.MultiIndex.from_product([DAYS]),
}


@pytest.mark.parametrize("form", ["frame", "series"])
@pytest.mark.parametrize("kind", INDICES)
def test__time_of_the_index__a_gap_in_regular_time__equals_predict(kind, form):
    frame = pd.DataFrame(X, index=INDICES[kind], columns=["a", "b"])
    model = regressor().fit(frame, Y)
    # Of 31 steps, walked one by one: no warning.
    want = model.predict(frame.iloc[LATER])
    got = steps(model.stream(), frame.iloc[LATER], form)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("form", quick(["frame", "series"], "frame"))
@pytest.mark.parametrize("kind", INDICES)
def test__time_of_the_index__irregular__equals_predict(kind, form):
    frame = pd.DataFrame(X, index=INDICES[kind]).iloc[GAPS[GAPS < N]]
    model = regressor().fit(frame, frame[0])
    got = steps(model.stream(), frame, form)
    np.testing.assert_allclose(got, model.predict(frame), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("form", ["frame", "series"])
@pytest.mark.parametrize("levels", [1, 2])
def test__multi_index__another_recording__asks_for_a_reset(levels, form):
    names = np.repeat(["p", "q", "r"], 20)
    above = [names] if levels == 1 else [np.repeat([1, 1, 2], 20), names]
    index = pd.MultiIndex.from_arrays([*above, np.tile(DAYS[:20], 3)])
    frame = pd.DataFrame(X, index=index)
    model = regressor().fit(frame, Y)
    stream, got = model.stream(), []
    for begin in (0, 20, 40):
        got += steps(stream, frame.iloc[begin : begin + 20], form)
        stream.state = stream.state  # labels of recordings are part of it
        if begin < 40:
            with pytest.raises(InvalidInputError, match="reset it first"):
                steps(stream, frame.iloc[[begin + 20]], form)
        stream.reset()
    np.testing.assert_allclose(got, model.predict(frame), rtol=1e-5, atol=1e-5)


def test__multi_index__a_stream_per_recording__equals_predict():
    index = pd.MultiIndex.from_product([["p", "q", "r"], DAYS[:20]])
    frame = pd.DataFrame(X, index=index)
    model = regressor().fit(frame, Y)
    stream = model.stream(n=3)
    rows = np.arange(N).reshape(3, 20).T
    got = np.array([stream.step(frame.iloc[row]) for row in rows])
    np.testing.assert_allclose(got.T.ravel(), model.predict(frame), atol=1e-5)
    with pytest.raises(InvalidInputError, match="stream 0 was 'p' and is 'q' now"):
        stream.step(frame.iloc[[20, 0, 40]])


def test__multi_index__time_before_the_last_level__is_refused_as_in_predict():
    index = pd.MultiIndex.from_product([DAYS, ["p"]])
    stream = regressor().fit(X, Y).stream()
    with pytest.raises(InvalidInputError, match="Put the time last"):
        stream.step(pd.DataFrame(X, index=index).iloc[0])


def test__index__without_time__is_none():
    frame = pd.DataFrame(X, index=[f"row {k}" for k in range(N)])
    model = regressor().fit(frame, Y)
    got = steps(model.stream(), frame, "series")
    np.testing.assert_allclose(got, model.predict(frame), atol=1e-5)


# ------------------------------------------------------------------------- columns


@pytest.mark.parametrize("form", ["frame", "series"])
@pytest.mark.parametrize(
    "columns", [[10, 20], [1, 0], pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])]
)
def test__columns__that_are_no_text__are_taken_by_place(columns, form):
    frame = pd.DataFrame(X, columns=columns)
    model = regressor().fit(frame, Y)
    got = steps(model.stream(), frame, form)
    np.testing.assert_allclose(got, model.predict(frame), rtol=1e-5, atol=1e-5)


def test__columns__no_names_in_fit__text_and_numbers_of_a_dict_are_refused():
    stream = regressor().fit(pd.DataFrame(X, columns=[10, 20]), Y).stream()
    named = pd.Series([1.0, 2.0], index=["b", "a"])
    for row in ({10: 1.0, 20: 2.0}, named, pd.Series([1.0], index=[10])):
        with pytest.raises(InvalidInputError, match="pass the row as an array"):
            stream.step(row)


# ------------------------------------------------------------------------- context


@pytest.mark.parametrize("missing", ["error", "mask"])
@pytest.mark.parametrize("mode", ["window", "carry"])
def test__context__of_a_frame__equals_stepping_through_it(mode, missing):
    frame = pd.DataFrame(X, index=DAYS[0] + pd.to_timedelta(GAPS, unit="h"))
    model = regressor(anchor=1, missing=missing).fit(frame, X[:, 1] + 0.1)
    stepped, warm = model.stream(mode), model.stream(mode, context=frame[:40])
    steps(stepped, frame[:40], "frame")
    got, want = (steps(s, frame[40:], "series") for s in (warm, stepped))
    np.testing.assert_allclose(got, want, rtol=1e-6)
    if mode == "window":
        want = model.predict(frame[40:], context=frame[:40])
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test__context__of_many_streams__has_their_axis():
    model = regressor().fit(X, Y)
    past = X[:30].reshape(15, 2, 2)
    stepped, warm = model.stream(n=2), model.stream(n=2, context=past)
    for rows in past:
        stepped.step(rows)
    np.testing.assert_array_equal(warm.step(X[:2]), stepped.step(X[:2]))
    with pytest.raises(InvalidInputError, match=r"got shape \(60, 2\)"):
        model.stream(n=2, context=X)
    with pytest.raises(InvalidInputError, match="take a step first"):
        model.stream(adapt="readout", context=X).update(1.0)


def test__context__without_the_time_it_needs__says_what_to_do():
    stamps = np.cumsum(np.random.default_rng(0).uniform(1, 2, len(X)))
    model = regressor().fit(X, Y, timestamps=stamps)
    with pytest.raises(
        InvalidInputError, match="row .* of context.*call step for each"
    ):
        model.stream(context=X[:20])


def test__stream__options__are_in_its_signature():
    model = regressor().fit(X, Y)
    options = inspect.signature(model.stream).parameters
    assert {"adapt", "forgetting", "learning_rate", "truncation"} <= set(options)
    with pytest.raises(TypeError, match=r"LiquidNeuralNetwork\.stream\(\)"):
        model.stream(adpt="readout")
