"""Streams after errors, resets of some, refits, and what may be passed as a row."""

from __future__ import annotations

import copy
import json

import numpy as np
import pandas as pd
import pytest
import torch
from tiny import TINY

from LNN import LiquidClassifier, LiquidRegressor, LiquidStream
from LNN.exceptions import InvalidInputError, NonFiniteLossError

N = 80


def rows() -> tuple[np.ndarray, np.ndarray]:
    """Return rows and a target."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 2)).cumsum(axis=0) / 4
    return X, X[:, 0] + 0.5 * X[:, 1]


def regressor(**options) -> LiquidRegressor:
    """Return an estimator that trains in no time."""
    settings = TINY | {"window_length": 6}
    return LiquidRegressor(**{**settings, **options})


@pytest.mark.parametrize("mode", ["window", "carry"])
def test__row__too_large_for_the_network__is_refused_and_not_taken(mode):
    X, y = rows()
    stream, other = (regressor().fit(X, y).stream(mode) for _ in range(2))
    stream.step(X[0])
    other.step(X[0])
    with pytest.raises(InvalidInputError, match="network can hold"):
        stream.step([1e300, 1.0])
    assert stream.step(X[1]) == other.step(X[1])


def test__readout__failed_update__leaves_everything_as_it_was():
    X, y = rows()
    model = regressor(scale_target=False).fit(X, y * 1e-3)
    stream, other = model.stream(adapt="readout"), model.stream(adapt="readout")
    for k in range(3):
        stream.step(X[k])
        other.step(X[k])
        if k == 1:
            stream._last.features[:] = np.inf
            with pytest.raises(NonFiniteLossError, match="as before"):
                stream.update(1.0)
        else:
            stream.update(y[k])
            other.update(y[k])
    assert (stream._readout.weight == other._readout.weight).all()


def test__sgd__stream_without_a_truth__has_no_part_in_the_gradient():
    X, y = rows()
    model = regressor(dtype="float64").fit(X, y)
    streams = [model.stream("carry", n=2, adapt="sgd", truncation=3) for _ in "ab"]
    for number, stream in enumerate(streams):
        for k in range(5):
            stream.step(np.stack([X[k], X[k] * (1 + 10 * number)]))
        stream.update([1.0, np.nan])
    pairs = zip(*(s._network.parameters() for s in streams), strict=True)
    assert all(torch.allclose(a, b, rtol=1e-12) for a, b in pairs)


def test__sgd__reset_of_one_stream__does_not_cut_the_others_short():
    X, y = rows()
    model = regressor(dtype="float64", clip_value=None).fit(X, y)
    together = model.stream("carry", n=2, adapt="sgd", truncation=6)
    whole = model.stream("carry", adapt="sgd", truncation=6)
    fresh = model.stream("carry", adapt="sgd", truncation=6)
    for k in range(9):
        if k == 6:
            together.reset([1])
        together.step(np.stack([X[k], X[20 + k]]))
        whole.step(X[k])
        if k >= 6:
            fresh.step(X[20 + k])
    both = together.copy()
    together.update([2.0, np.nan])
    whole.update(2.0)
    both.update([np.nan, 2.0])
    fresh.update(2.0)
    for a, b in ((together, whole), (both, fresh)):
        pairs = zip(a._network.parameters(), b._network.parameters(), strict=True)
        assert all(torch.allclose(p, q, rtol=1e-9) for p, q in pairs)


def test__reset__of_some__leaves_the_others_to_be_learnt_from():
    X, y = rows()
    stream = regressor().fit(X, y).stream(n=2, adapt="readout")
    stream.step(X[:2])
    stream.reset([1])
    before = stream._readout.weight.copy()
    stream.update([5.0, 1e6])
    alone = LiquidStream(stream.model, n=2, adapt="readout")
    alone.step(X[:2])
    alone.update([5.0, np.nan])
    assert (stream._readout.weight != before).any()
    np.testing.assert_array_equal(stream._readout.weight, alone._readout.weight)
    stream.reset([])  # none are done
    for wrong in ([7], [0.5], [True]):
        with pytest.raises(InvalidInputError, match="numbers of streams"):
            stream.reset(wrong)


@pytest.mark.parametrize("timed", [False, True])
def test__frame_rows__their_index__is_the_time(timed):
    X, y = rows()
    gaps = (
        np.random.default_rng(1).exponential(60, size=N) if timed else 60.0 * np.ones(N)
    )
    clock = pd.Timestamp("2026-01-01") + pd.to_timedelta(gaps.cumsum(), unit="s")
    frame = pd.DataFrame(X, index=clock)
    model = regressor().fit(frame, y)
    want = model.predict(frame)
    by_frame, by_series = model.stream(), model.stream()
    got = [by_frame.step(frame.iloc[[k]]) for k in range(N)]
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
    got = [by_series.step(frame.iloc[k]) for k in range(N)]
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test__other_gaps__than_in_training__warn_once():
    X, y = rows()
    stream = regressor().fit(X, y, timestamps=np.arange(N) * 60.0).stream("carry")
    stream.step(X[0])
    with pytest.warns(UserWarning, match="never learnt to use"):
        stream.step(X[1], dt=50)
    stream.step(X[2], dt=50)


def irregular_stream(n=None, **options):
    """Return a stream, rows and their times, a minute apart and more."""
    X, y = rows()
    time = np.random.default_rng(1).uniform(40, 80, size=N).cumsum()
    return regressor().fit(X, y, timestamps=time).stream(n=n, **options), X, time


@pytest.mark.parametrize("factor", [1000.0, 1 / 86400])
@pytest.mark.parametrize("n", [None, 3])
def test__another_unit__than_in_training__warns_once(n, factor):
    stream, X, time = irregular_stream(n)
    x = X if n is None else np.repeat(X[:, None], n, axis=1)

    def run():
        for row, when in zip(x, time * factor, strict=True):
            stream.step(row, timestamp=when)

    with pytest.warns(UserWarning, match="The stream has .*same unit") as warned:
        run()
    assert len(warned) == 1


@pytest.mark.parametrize("n", [None, 3])
def test__gaps__long_ones_now_and_then__are_no_other_unit(n):
    stream, X, _ = irregular_stream(n)
    x = X if n is None else np.repeat(X[:, None], n, axis=1)
    for k, row in enumerate(x):
        stream.step(row, dt=2000.0 if k % 4 == 1 else 0.0 if k % 4 == 2 else 60.0)
    with pytest.warns(UserWarning, match="a gap of 86400, 1091 times the longest"):
        stream.step(x[0], dt=86400)
    stream.step(x[1], dt=86400)


def test__classes__after_another_fit__are_those_of_the_stream():
    X, y = rows()
    model = LiquidClassifier(8, window_length=6, epochs=1, random_state=0)
    stream = model.fit(X, np.where(y > 0, "pos", "neg")).stream()
    model.fit(X, np.where(y > 0, "A", "B"))
    row = dict(enumerate(X[0]))
    assert set(stream.predict_proba_one(row)) == {"pos", "neg"}
    assert list(stream.classes_) == ["neg", "pos"]


def test__commit__after_that_of_another_stream__is_refused():
    X, y = rows()
    model = regressor().fit(X, y)
    first, second = model.stream(adapt="readout"), model.stream(adapt="readout")
    for stream in (first, second):
        stream.step(X[0])
        stream.update(9.0)
    first.commit()
    with pytest.raises(InvalidInputError, match="another stream committed"):
        second.commit()
    first.step(X[1])
    first.update(9.0)
    first.commit()  # its own commits are no obstacle
    with pytest.raises(InvalidInputError, match="nothing to commit"):
        model.stream().commit()


def test__groups__of_many_streams__change_after_a_reset_of_that_one():
    X, y = rows()
    table = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "g": ["u"] * 40 + ["v"] * 40})
    model = regressor(group_column="g").fit(table, y)
    stream = model.stream(n=2)
    stream.step(table.iloc[[0, 40]])
    swapped = table.iloc[[1, 41]].assign(g=["u", "w"])
    with pytest.raises(InvalidInputError, match="stream 1 was 'v' and is 'w'"):
        stream.step(swapped)
    stream.reset([1])
    stream.step(swapped)


def test__time_column__rounded_by_float32__is_refused():
    X, y = rows()
    t = 1.7e9 + np.random.default_rng(2).exponential(60, size=N).cumsum()
    table = np.column_stack([t, X])
    stream = regressor(time_column=0).fit(table, y).stream()
    stream.step(table[0])
    with pytest.raises(InvalidInputError, match="rounded to 128"):
        stream.step(table[1].astype(np.float32))


@pytest.mark.parametrize("mode", ["window", "carry"])
def test__state__through_a_file__goes_on_alike(mode, tmp_path):
    X, _ = rows()
    clock = pd.date_range("2026-01-01", periods=N, freq="min", tz="UTC")
    model = regressor(missing="mask", anchor=0)
    model.fit(pd.DataFrame(X, index=clock), X[:, 0] + 0.1)
    stream = model.stream(mode)
    for k in range(10):
        stream.step(X[k], timestamp=clock[k])
    np.savez(tmp_path / "state.npz", **stream.state)
    as_json = json.loads(json.dumps({k: v.tolist() for k, v in stream.state.items()}))
    with np.load(tmp_path / "state.npz") as stored:
        states = [dict(stored), as_json]
    want = stream.step(X[10], timestamp=clock[10])
    for state in states:
        other = model.stream(mode)
        other.state = state
        with pytest.raises(InvalidInputError, match="with a time zone as before"):
            other.step(X[10], timestamp=clock[10].tz_localize(None))
        assert other.step(X[10], timestamp=clock[10]) == want
    broken = copy.copy(states[0])
    del broken["started"]
    with pytest.raises(InvalidInputError, match="same model, mode and n"):
        model.stream(mode).state = broken


def test__learn_one__wrong_truth__does_not_take_the_row_in():
    X, y = rows()
    model = regressor().fit(X, y)
    stream, other = (model.stream("carry", adapt="readout") for _ in range(2))
    row = dict(enumerate(X[0]))
    with pytest.raises(InvalidInputError, match="infinite"):
        stream.learn_one(row, np.inf)
    stream.learn_one(row, 1.0)
    other.learn_one(row, 1.0)
    assert stream.step(X[1]) == other.step(X[1])


def test__anything_odd__as_row_time_or_truth__is_named():
    X, y = rows()
    clock = pd.date_range("2026-01-01", periods=N, freq="min")
    model = regressor().fit(pd.DataFrame(X, index=clock), y)
    stream, many = model.stream(adapt="readout"), model.stream(n=2, adapt="readout")
    stream.step(torch.tensor(X[0], requires_grad=True), timestamp=clock[0])
    stream.step(X[1].astype(object), timestamp=pd.Period("2026-01-01 00:01", "min"))
    many.step(X[:2])
    cases = [
        lambda: stream.step(["a", "b"]),
        lambda: stream.step([[1.0], [1.0, 2.0]]),
        lambda: stream.step({0: "text", 1: 1.0}),
        lambda: stream.step({0: pd.NA, 1: 1.0}),
        lambda: many.step({0: 1.0, 1: 1.0}),
        lambda: many.step(X[:2], dt=[1.0, 2.0, 3.0]),
        lambda: many.step(X[:2], timestamp=list(clock[:3])),
        lambda: stream.step(X[2], dt="hello"),
        lambda: stream.step(X[2], dt=[[60.0]]),
        lambda: stream.step(X[2], timestamp=["hello"]),
        lambda: stream.update("x"),
        lambda: many.update(1.0),
        lambda: model.stream(adapt=np.zeros(2)),
        lambda: model.stream(adapt="sgd", learning_rate=True),
        lambda: model.stream(adapt="readout", learning_rate=0.1),
        lambda: model.stream(forgetting=0.9),
    ]
    for case in cases:
        with pytest.raises(InvalidInputError):
            case()
    classifier = LiquidClassifier(8, window_length=6, epochs=1).fit(X, y > 0)
    votes = classifier.stream(n=2, adapt="readout")
    votes.step(X[:2])
    for wrong in ("A", [[True], [False]], [True, "A"]):
        with pytest.raises(InvalidInputError):
            votes.update(wrong)
    votes.update([True, pd.NA])
