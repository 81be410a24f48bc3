"""`stream(context="fit")`: streams that begin where the training data ended."""

import copy

import numpy as np
import pandas as pd
import pytest
from quick import quick

from LNN import LiquidClassifier, LiquidRegressor, LiquidStream
from LNN.exceptions import InvalidInputError

N, CUT = 60, 45
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 2)).cumsum(axis=0) / 5
Y = np.roll(X[:, 0], -1)
TIMES = RNG.uniform(0.5, 3, N).cumsum()
HOLED = X.copy()
HOLED[::4, 0] = HOLED[40:50, 1] = np.nan


def model(window_length, kind=LiquidRegressor, **options):
    how = {"epochs": 2, "random_state": 0, "dtype": "float64", **options}
    return kind(6, window_length=window_length, **how)


def close(found, want):
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-9)


@pytest.mark.parametrize("window_length", [1, 8, 70, None])
@pytest.mark.parametrize("cell", ["CfC", "LTC", "LSTM"])
def test__stream__context_fit__goes_on_as_predict(cell, window_length):
    lnn = model(window_length, model_type=cell, n_layers=2).fit(X[:CUT], Y[:CUT])
    stream = lnn.stream(context="fit")
    close([stream.step(x) for x in X[CUT:]], lnn.predict(X[CUT:], context="fit"))


@pytest.mark.parametrize("window_length", quick([8, 70, None], 8, None))
@pytest.mark.parametrize("kind", ["numbers", "dates", "zone", "durations"])
@pytest.mark.parametrize("as_gaps", [False, True])
def test__stream__time_and_missing_values__as_predict(kind, as_gaps, window_length):
    spans = pd.to_timedelta(TIMES, "s")
    dates = pd.Timestamp("2024-05-01") + spans
    when = {"numbers": TIMES, "durations": spans, "dates": dates}.get(kind)
    when = dates.tz_localize("Asia/Tokyo") if when is None else when
    lnn = model(window_length, missing="mask", max_step=1.2)
    lnn.fit(HOLED[:CUT], Y[:CUT], timestamps=when[:CUT])
    want = lnn.predict(HOLED[CUT:], timestamps=when[CUT:], context="fit")
    stream, found = lnn.stream(context="fit"), []
    for k in range(CUT, N):
        gap = {"dt": TIMES[k] - TIMES[k - 1]} if as_gaps else {"timestamp": when[k]}
        found.append(stream.step(HOLED[k], **gap))
    close(found, want)


@pytest.mark.parametrize("window_length", [8, None])
@pytest.mark.parametrize("cut", [5, CUT])  # 5: fewer rows than a window has
def test__stream__anchor__as_predict(cut, window_length):
    lnn = model(window_length, anchor=0).fit(X[:cut], X[:cut, 0] + 0.1 * X[:cut, 1])
    stream = lnn.stream(context="fit")
    close([stream.step(x) for x in X[cut:]], lnn.predict(X[cut:], context="fit"))


def test__stream__carried_over_windows__begins_with_their_rows():
    lnn = model(8).fit(X[:CUT], Y[:CUT])
    warm = lnn.stream("carry", context="fit")
    by_hand = lnn.stream("carry", context=X[CUT - 7 : CUT])
    for x in X[CUT:]:
        close(warm.step(x), by_hand.step(x))


def test__stream__frame_rows__bring_time_and_recording_along():
    dates = pd.Timestamp("2024-05-01") + pd.to_timedelta(TIMES, "s")
    index = pd.MultiIndex.from_arrays([["a"] * N, dates])
    frame = pd.DataFrame(X, index, ["u", "v"])
    lnn = model(8).fit(frame[:CUT], Y[:CUT])
    stream = LiquidStream(lnn, context="fit")
    found = [stream.step(frame[k : k + 1]) for k in range(CUT, N)]
    close(found, lnn.predict(frame[CUT:], context="fit"))
    other = frame[-1:].set_axis(pd.MultiIndex.from_tuples([("b", dates[-1])]))
    with pytest.raises(InvalidInputError, match="was 'a' and is 'b'"):
        lnn.stream(context="fit").step(other)
    with pytest.raises(InvalidInputError, match="time goes back"):
        lnn.stream(context="fit").step(frame[:1])


def test__stream__reset__begins_anew():
    lnn = model(None).fit(X[:CUT], Y[:CUT])
    stream = lnn.stream(context="fit").reset()
    close([stream.step(x) for x in X[CUT:]], lnn.predict(X[CUT:], context=X[:0]))


@pytest.mark.parametrize("window_length", [8, None])
def test__stream__copies_and_state__go_on_alike(window_length):
    lnn = model(window_length).fit(X[:CUT], Y[:CUT])
    stream, other = lnn.stream(context="fit"), lnn.stream()
    other.state = stream.state
    again = copy.deepcopy(stream)
    want = lnn.predict(X[CUT:], context="fit")
    for one in (stream, other, again):
        close([one.step(x) for x in X[CUT:]], want)


def test__stream__classifier__answers_with_probabilities():
    lnn = model(8, LiquidClassifier).fit(X[:CUT], Y[:CUT] > 0)
    stream = lnn.stream(context="fit")
    found = [stream.step_proba(x) for x in X[CUT:]]
    close(found, lnn.predict_proba(X[CUT:], context="fit"))


def test__stream__several__are_refused():
    lnn = model(8).fit(X[:CUT], Y[:CUT])
    with pytest.raises(InvalidInputError, match="got n=3 of a model fitted on 1 rec"):
        lnn.stream(n=3, context="fit")
    lnn.fit(X[:CUT], Y[:CUT], groups=np.arange(CUT) // 9)
    with pytest.raises(InvalidInputError, match="n=None of a model fitted on 5 rec"):
        lnn.stream(context="fit")


def test__stream__model_without_ends__says_why():
    cube = X.reshape(20, 3, 2)
    with pytest.raises(InvalidInputError, match="fitted on sequences"):
        model(8).fit(cube, Y[:20]).stream(context="fit")


@pytest.mark.parametrize("window_length", [8, None])
def test__commit__ends__are_kept_where_they_do_not_depend_on_weights(window_length):
    lnn = model(window_length).fit(X[:CUT], Y[:CUT])
    stream = lnn.stream(adapt="sgd", context="fit")
    stream.step(X[CUT])
    stream.update(1.0)
    stream.commit()
    if window_length is None:
        with pytest.raises(InvalidInputError, match="stream has committed other weig"):
            lnn.predict(X[CUT:], context="fit")
    else:
        want = lnn.predict(X[CUT:], context=X[:CUT])
        close(lnn.predict(X[CUT:], context="fit"), want)
