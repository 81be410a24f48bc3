"""Streams answer as `predict` does, row by row."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from datetime import timedelta
from functools import cache
from inspect import signature

import numpy as np
import pandas as pd
import pytest
from quick import quick
from tiny import TINY

from LNN import LiquidClassifier, LiquidNeuralNetwork, LiquidRegressor
from LNN.anomaly.stream import DetectorStream
from LNN.exceptions import InvalidInputError
from LNN.pooling import POOLINGS
from LNN.streaming import LiquidStream, PipelineStream

N, F = 40, 3
MODELS = {
    "CfC": {},
    "CfC no_gate": {"mode": "no_gate"},
    "CfC pure": {"mode": "pure"},
    "CfC exponential": {"mode": "exponential"},
    "CfC full": {"wiring": "full", "backbone_units": 8},
    "CfC mixed": {"mixed_memory": True},
    "CfC two layers": {"n_layers": 2},
    "CfC motor": {"readout": "motor"},
    "LTC": {"model_type": "LTC"},
    "LTC mixed": {"model_type": "LTC", "mixed_memory": True},
    "LTC exponential": {"model_type": "LTC", "solver": "exponential", "ode_unfolds": 1},
    "LTC rk4": {"model_type": "LTC", "solver": "rk4"},
    "LSTM": {"model_type": "LSTM"},
    "GRU": {"model_type": "GRU"},
}

ON_TORCH = ("CfC", "CfC mixed", "LTC")  # of the others in slow tests
ANY = [(name, "auto") for name in MODELS] + [
    pytest.param(*case.values, "torch", marks=case.marks)
    for case in quick(MODELS, *ON_TORCH)
]


def rows(seed: int = 0, gaps: bool = False) -> np.ndarray:
    """Return rows of a recording, a third of them missing if asked for."""
    rng = np.random.default_rng(seed)
    X = rng.normal(2.0, 3.0, size=(N, F)).cumsum(axis=0) / 5
    if gaps:
        X[rng.random(X.shape) < 0.3] = np.nan
        X[N // 2] = np.nan
    return X


def stamps(seed: int = 1) -> np.ndarray:
    """Return irregular times, two of them equal."""
    t = np.random.default_rng(seed).exponential(3.0, size=N).cumsum()
    t[10] = t[9]
    return t


@cache
def fitted(name: str, backend: str) -> LiquidRegressor:
    """Return one of `MODELS`, fitted on `rows` and `stamps`."""
    X = rows()
    model = regressor(backend=backend, **MODELS[name])
    return model.fit(X, X[:, 0], timestamps=stamps())


def regressor(**options) -> LiquidRegressor:
    """Return an estimator that trains in no time."""
    settings = TINY | {"window_length": 7, "epochs": 1}
    return LiquidRegressor(**{**settings, **options})


def per_step(model, X, y=None, **time) -> np.ndarray:
    """Run a model of windows over one long sequence, with an answer at every step."""
    time = {name: [values] for name, values in time.items()}
    y = X[:, 0] if y is None else y
    whole = LiquidRegressor(**model.get_params()).set_params(return_sequences=True)
    whole.fit(X[None], np.nan_to_num(y)[None], **time)
    network = copy.deepcopy(model.network_)
    network.return_sequences = True
    whole.model_ = replace(
        model.model_,
        layout=whole.model_.layout,
        targets=whole.model_.targets,
        network=network,
    )
    return whole.predict(X[None], **time)[0]


@pytest.mark.parametrize(("name", "backend"), ANY)
def test__window__any_cell__equals_predict(name, backend):
    X, t, model = rows(), stamps(), fitted(name, backend)
    stream = model.stream()
    got = [stream.step(x, timestamp=when) for x, when in zip(X, t, strict=True)]
    want = model.predict(X, timestamps=t)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "backend"), ANY)
def test__carry__any_cell__equals_the_whole_sequence(name, backend):
    X, t, model = rows(), stamps(), fitted(name, backend)
    stream = model.stream("carry")
    got = [stream.step(x, timestamp=when) for x, when in zip(X, t, strict=True)]
    want = per_step(model, X, timestamps=t)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("missing", ["hold", "mask"])
@pytest.mark.parametrize("mode", ["window", "carry"])
def test__missing_values__any_mode__are_treated_as_in_predict(mode, missing):
    X, t = rows(gaps=True), stamps()
    model = regressor(missing=missing).fit(X, np.arange(N), timestamps=t)
    stream = model.stream(mode)
    got = [stream.step(x, timestamp=when) for x, when in zip(X, t, strict=True)]
    if mode == "window":
        want = model.predict(X, timestamps=t)
    else:
        want = per_step(model, X, timestamps=t)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mode", ["window", "carry"])
def test__anchor__any_mode__is_added_as_in_predict(mode):
    X = rows()
    model = regressor(anchor=[0, 2]).fit(X, X[:, [0, 2]] + 0.1)
    stream = model.stream(mode)
    got = np.array([stream.step(x) for x in X])
    assert got.shape == (N, 2)
    want = model.predict(X) if mode == "window" else per_step(model, X, X[:, [0, 2]])
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mode", ["window", "carry"])
@pytest.mark.parametrize("model_type", ["CfC", "LTC", "GRU"])
def test__many_streams__stepped_together__equal_single_ones(mode, model_type):
    X, t = [rows(seed, gaps=True) for seed in range(20)], stamps()
    model = regressor(missing="mask", model_type=model_type)
    model.fit(X[0], np.arange(N), timestamps=t)
    together, alone = model.stream(mode, n=20), [model.stream(mode) for _ in X]
    for k in range(12):
        dt = np.arange(20) * 0.3 + (k == 4)
        got = together.step(np.stack([x[k] for x in X]), dt=dt)
        want = [s.step(x[k], dt=d) for s, x, d in zip(alone, X, dt, strict=True)]
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
        if k == 5:
            together.reset([3, 7])
            alone[3].reset()
            alone[7].reset()


@pytest.mark.parametrize("mode", ["window", "carry"])
def test__classifier__any_mode__gives_labels_and_probabilities(mode):
    X = rows()
    y = np.where(X[:, 0] > X[:, 0].mean(), "high", "low")
    model = LiquidClassifier(8, window_length=7, epochs=2, random_state=0).fit(X, y)
    stream, second = model.stream(mode), model.stream(mode)
    labels = [stream.step(x) for x in X]
    probabilities = np.array([second.step_proba(x) for x in X])
    assert list(model.classes_[probabilities.argmax(1)]) == labels
    if mode == "window":
        np.testing.assert_allclose(probabilities, model.predict_proba(X), atol=1e-5)
        assert labels == list(model.predict(X))


def test__step_proba__regressor__says_what_to_use():
    stream = regressor().fit(rows(), np.ones(N)).stream()
    with pytest.raises(AttributeError, match="Use step"):
        stream.step_proba(np.zeros(F))


def test__quantiles__step__gives_all_levels():
    X = rows()
    model = regressor(loss="quantile", quantile=[0.1, 0.9]).fit(X, X[:, 0])
    stream = model.stream()
    got = np.array([stream.step(x) for x in X])
    np.testing.assert_allclose(got, model.predict(X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mode", ["window", "carry"])
def test__fitted_on_sequences__last_state__equals_predict_of_all_so_far(mode):
    X = np.stack([rows(seed) for seed in range(30)])
    model = regressor(pooling="last").fit(X, X[:, -1, 0])
    stream = model.stream(mode)
    got = [stream.step(x) for x in X[0]]
    want = [model.predict(X[:1, : k + 1])[0] for k in range(N)]
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test__fitted_per_step__carry__equals_predict():
    X = np.stack([rows(seed) for seed in range(10)])
    model = regressor().fit(X, X[:, :, :2])
    stream = model.stream("carry", n=10)
    got = np.stack([stream.step(X[:, k]) for k in range(N)], axis=1)
    np.testing.assert_allclose(got, model.predict(X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS[1:])
def test__pooling__over_a_window__streams_as_window_only(pooling):
    X = rows()
    model = regressor(pooling=pooling).fit(X, X[:, 0])
    stream = model.stream()
    got = [stream.step(x) for x in X]
    np.testing.assert_allclose(got, model.predict(X), rtol=1e-5, atol=1e-5)
    with pytest.raises(InvalidInputError, match='pooling="last", or use mode="window"'):
        model.stream("carry")


@pytest.mark.parametrize("backend", ["native", "torch"])
@pytest.mark.parametrize("pooling", POOLINGS[:-1])
def test__pooling__over_a_sequence__carry_equals_predict_so_far(pooling, backend):
    X = np.stack([rows(seed) for seed in range(5)])
    model = regressor(pooling=pooling, backend=backend).fit(X, np.arange(5.0))
    stream = model.stream("carry", n=5)
    for k in range(N):
        got = stream.step(X[:, k])
        if k < 5 or k % 7 == 0:  # each length of the past takes a pass of its own
            expected = model.predict(X[:, : k + 1])
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
        if k == 20:
            stream = pickle.loads(pickle.dumps(stream))
    stream.reset(1)
    stream.reset([0, 2])
    again = stream.step(X[:, 0])
    expected = model.predict(X[:, :1])
    np.testing.assert_allclose(again[:3], expected[:3], rtol=1e-5, atol=1e-5)


def test__pooling__carried_stream__state_goes_on_elsewhere():
    X = np.stack([rows(seed) for seed in range(5)])
    model = regressor(pooling="last+mean+max").fit(X, np.arange(5.0))
    first, second = model.stream(), model.stream()
    for x in X[0, :20]:
        first.step(x)
    second.state = first.state
    for x in X[0, 20:]:
        assert first.step(x) == second.step(x)


def test__pooling__attention_over_a_sequence__is_not_carried():
    X = np.stack([rows(), rows()])
    model = regressor(pooling="attention").fit(X, np.arange(2.0))
    with pytest.raises(InvalidInputError, match="Fit with another pooling"):
        model.stream()


def test__pooling__readout_adapts_and_sgd_is_refused():
    X = np.stack([rows(seed) for seed in range(5)])
    model = regressor(pooling="last+mean+max").fit(X, np.arange(5.0))
    stream = model.stream(adapt="readout")
    before = stream.step(X[0, 0])
    for _ in range(30):
        stream.update(before + 1.0)
        stream.reset()
        stream.step(X[0, 0])
    stream.reset()
    assert stream.step(X[0, 0]) > before + 0.3
    with pytest.raises(InvalidInputError, match='Use adapt="readout"'):
        model.stream(adapt="sgd")


# ---------------------------------------------------------------------------- time

CLOCK = pd.Timestamp("2024-01-01") + pd.to_timedelta(stamps(), unit="s")


@pytest.mark.parametrize(
    "times",
    [
        list(CLOCK),
        list(CLOCK.to_pydatetime()),
        list(CLOCK.to_numpy()),
        list(CLOCK.astype(str)),
    ],
    ids=["Timestamp", "datetime", "datetime64", "text"],
)
def test__timestamp__any_form_of_a_datetime__equals_predict(times):
    frame = pd.DataFrame(rows(), index=CLOCK)
    model = regressor().fit(frame, frame[0])
    stream = model.stream()
    got = [stream.step(x, timestamp=t) for x, t in zip(rows(), times, strict=True)]
    np.testing.assert_allclose(got, model.predict(frame), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("form", [float, timedelta, pd.Timedelta, np.timedelta64])
def test__dt__seconds_or_durations__equal_time_stamps(form):
    frame = pd.DataFrame(rows(), index=CLOCK)
    model = regressor().fit(frame, frame[0])
    gaps = np.diff(CLOCK.asi8, prepend=CLOCK.asi8[0]) / (
        1e9 if CLOCK.unit == "ns" else 1e6
    )
    stream = model.stream("carry")
    by_stamp = model.stream("carry")
    for x, gap, when in zip(rows(), gaps, CLOCK, strict=True):
        if form is float:
            dt = float(gap)
        elif form is np.timedelta64:
            dt = np.timedelta64(round(gap * 1e9), "ns")
        else:
            dt = form(seconds=gap)
        got = stream.step(x, dt=dt)
        assert got == pytest.approx(by_stamp.step(x, timestamp=when), abs=1e-5)


def test__time_column__in_the_row__is_the_time():
    table = np.column_stack([stamps(), rows()])
    model = regressor(time_column=0).fit(table, table[:, 1])
    stream = model.stream()
    got = [stream.step(x) for x in table]
    np.testing.assert_allclose(got, model.predict(table), rtol=1e-5, atol=1e-5)
    with pytest.raises(InvalidInputError, match="time column only"):
        stream.step(table[0], dt=1.0)


def test__group_column__another_recording__asks_for_a_reset():
    table = np.column_stack([rows(), np.repeat([0, 1], N // 2)])
    model = regressor(group_column=3).fit(table, table[:, 0])
    stream = model.stream()
    got = [stream.step(x) for x in table[: N // 2]]
    with pytest.raises(InvalidInputError, match="reset it first"):
        stream.step(table[N // 2])
    stream.reset()
    got += [stream.step(x) for x in table[N // 2 :]]
    np.testing.assert_allclose(got, model.predict(table), rtol=1e-5, atol=1e-5)


def test__regular_time__given_or_left_out__same_bits():
    X = rows()
    model = regressor().fit(X, X[:, 0], timestamps=np.arange(N) * 60.0)
    plain, timed, stamped = (model.stream("carry") for _ in range(3))
    for k, x in enumerate(X):
        answers = {
            plain.step(x),
            timed.step(x, dt=60),
            stamped.step(x, timestamp=1e6 + 60.0 * k),
        }
        assert len(answers) == 1


def test__fitted_without_time__dt__counts_in_steps():
    X = rows()
    model = regressor().fit(X, X[:, 0])
    one, two = model.stream("carry"), model.stream("carry")
    assert one.step(X[0]) == two.step(X[0], dt=5.0)  # the first row counts one unit
    later = two.step(X[1], dt=2.0)  # two steps of one unit
    assert one.step(X[1]) != later
    with pytest.warns(UserWarning, match="never learnt to use"):
        two.step(X[2], dt=1.5)
    with pytest.raises(InvalidInputError, match="Pass dt= in steps"):
        one.step(X[2], timestamp=3.0)


def test__independent_rows__time__is_left_out_as_in_predict():
    table = np.column_stack([stamps(), rows()])
    model = regressor(window_length=1, time_column=0).fit(table, table[:, 1])
    stream = model.stream()
    got = [stream.step(x) for x in table]
    np.testing.assert_allclose(got, model.predict(table), rtol=1e-5, atol=1e-5)
    stream = regressor(window_length=1).fit(rows(), rows()[:, 0]).stream()
    with pytest.raises(InvalidInputError, match="independent"):
        stream.step(rows()[0], dt=2.0)


def test__wrong_time__any_kind__is_refused_and_changes_nothing():
    X, t = rows(), stamps()
    model = regressor().fit(X, X[:, 0], timestamps=t)
    stream, other = model.stream("carry"), model.stream("carry")
    for k in range(5):
        stream.step(X[k], timestamp=t[k])
        other.step(X[k], timestamp=t[k])
    cases = [
        ({}, "without time"),
        ({"timestamp": t[3]}, "goes back"),
        ({"timestamp": np.nan}, "number"),
        ({"timestamp": "2020-01-01"}, "number"),
        ({"dt": -1.0}, ">= 0"),
        ({"dt": np.inf}, "finite"),
        ({"dt": 1e39}, "not larger than the network's numbers"),
        ({"timestamp": np.float32(1.7e9)}, "rounded to 128"),
        ({"dt": np.float64("nan")}, "finite"),
        ({"dt": 1.0, "timestamp": 3.0}, "got both"),
        ({"dt": timedelta(seconds=3)}, "as a number"),
    ]
    for time, words in cases:
        with pytest.raises(InvalidInputError, match=words):
            stream.step(X[5], **time)
    after = [s.step(X[5], timestamp=t[5]) for s in (stream, other)]
    assert after[0] == after[1]
    stream.step(X[6], dt=1.0)
    with pytest.raises(InvalidInputError, match="Expected dt again"):
        stream.step(X[7], timestamp=t[7])


def test__datetimes__number_as_timestamp__is_refused():
    frame = pd.DataFrame(rows(), index=CLOCK)
    stream = regressor().fit(frame, frame[0]).stream()
    with pytest.raises(InvalidInputError, match="Pass dt= for a number of seconds"):
        stream.step(rows()[0], timestamp=1e9)
    with pytest.raises(InvalidInputError, match="NaT"):
        stream.step(rows()[0], timestamp=pd.NaT)
    with pytest.raises(InvalidInputError, match="cannot be read"):
        stream.step(rows()[0], timestamp="some day")
    stream.step(rows()[0], timestamp=CLOCK[0])
    for other in (CLOCK[1].tz_localize("UTC"), CLOCK[1] - CLOCK[0]):
        with pytest.raises(InvalidInputError, match="without a time zone as before"):
            stream.step(rows()[1], timestamp=other)


# ---------------------------------------------------------------------------- rows


def test__rows__wrong_ones__say_what_was_expected():
    X = pd.DataFrame(rows(), columns=["a", "b", "c"])
    model = regressor().fit(X, X["a"])
    stream = model.stream()
    cases = [
        (np.zeros(2), r"shape \(3,\), got shape \(2,\)"),
        (np.zeros((2, 3)), r"shape \(3,\), got shape \(2, 3\)"),
        (np.array([0, np.nan, 0]), r"nan in column 1 \('b'\)"),
        (np.array([0, 0, np.inf]), r"inf in column 2 \('c'\)"),
        ({"a": 1.0, "b": 2.0}, r"lacking \['c'\]"),
        ({"a": 1.0, "b": 2.0, "c": 0.0, "d": 1.0}, r"unknown \['d'\]"),
        (X.iloc[:2], r"Expected 1 row"),
    ]
    for x, words in cases:
        with pytest.raises(InvalidInputError, match=words):
            stream.step(x)
    many = model.stream(n=4)
    with pytest.raises(InvalidInputError, match=r"shape \(4, 3\), got shape \(3,\)"):
        many.step(np.zeros(3))
    with pytest.raises(InvalidInputError, match="of stream 2"):
        many.step(np.where(np.eye(4, 3, -2) > 0, np.nan, 0.0))


def test__rows__series_dict_or_frame__are_the_same_row():
    X = pd.DataFrame(rows(), columns=["a", "b", "c"])
    model = regressor().fit(X, X["a"])
    streams = [model.stream() for _ in range(4)]
    for k in range(10):
        row = X.iloc[k]
        forms = [
            row.to_numpy(),
            row,
            dict(reversed(row.to_dict().items())),
            X[k : k + 1],
        ]
        answers = {s.step(form) for s, form in zip(streams, forms, strict=True)}
        assert len(answers) == 1


# --------------------------------------------------------------------------- state


@pytest.mark.parametrize("mode", ["window", "carry"])
@pytest.mark.parametrize("options", [{}, {"adapt": "readout"}, {"adapt": "sgd"}])
@pytest.mark.parametrize("model_type", ["CfC", "GRU"])
def test__copies__by_any_way__go_on_alike_and_apart(mode, options, model_type):
    X, t = rows(gaps=True), stamps()
    model = regressor(missing="mask", model_type=model_type)
    model.fit(X, np.arange(N), timestamps=t)
    stream = model.stream(mode, **options)
    for x, when in zip(X[:20], t, strict=False):
        stream.step(x, timestamp=when)
        if options:
            stream.update(3.0)
    copies = [stream.copy(), pickle.loads(pickle.dumps(stream))]
    assert copies[0].model is stream.model
    saved = stream.state
    want = [stream.step(X[k], timestamp=t[k]) for k in range(20, 30)]
    for other in copies:
        got = [other.step(X[k], timestamp=t[k]) for k in range(20, 30)]
        assert got == want
        if options:
            other.update(-50.0)
    stream.state = saved
    again = [stream.step(X[k], timestamp=t[k]) for k in range(20, 30)]
    assert again == want
    if options:  # a pickled stream knows its estimator, and a copy is its own
        copies[1].commit()
        copies[0].commit()


def test__state__of_another_kind__is_refused():
    X = rows()
    model = regressor().fit(X, X[:, 0])
    with pytest.raises(InvalidInputError, match="same model, mode and n"):
        model.stream().state = model.stream("carry").state
    with pytest.raises(InvalidInputError, match="same model, mode and n"):
        model.stream(n=2).state = model.stream(n=3).state


@pytest.mark.parametrize("mode", ["window", "carry"])
def test__reset__after_some_rows__begins_anew(mode):
    X, t = rows(), stamps()
    model = regressor().fit(X, X[:, 0], timestamps=t)
    stream = model.stream(mode)
    first = [stream.step(x, timestamp=when) for x, when in zip(X, t, strict=True)]
    stream.reset()
    assert first == [
        stream.step(x, timestamp=when) for x, when in zip(X, t, strict=True)
    ]


def test__estimator__streamed_and_fitted_again__leaves_old_streams_alone():
    X = rows()
    model = regressor().fit(X, X[:, 0])
    stream, untouched = model.stream("carry"), model.stream("carry")
    want = [untouched.step(x) for x in X]
    model.partial_fit(X, -X[:, 0])
    model.fit(X, -X[:, 0])
    assert [stream.step(x) for x in X] == want


def test__stream__bad_arguments__are_refused():
    X = rows()
    model = regressor().fit(X, X[:, 0])
    cases = [
        {"mode": "ring"},
        {"n": 0},
        {"n": True},
        {"adapt": "all"},
        {"adapt": "readout", "forgetting": 1.5},
        {"adapt": "sgd", "learning_rate": 0},
        {"truncation": 5},
        {"adapt": "sgd", "mode": "window", "truncation": 5},
    ]
    for options in cases:
        with pytest.raises(InvalidInputError):
            model.stream(**options)
    with pytest.raises(ValueError, match="not fitted"):
        LiquidNeuralNetwork().stream()


def test__step__gap_by_position__is_dt():
    X, model = rows(), fitted("CfC", "auto")
    by_position, by_name = model.stream("carry"), model.stream("carry")
    for x in X[:3]:
        assert by_position.step(x, 5.0) == by_name.step(x, dt=5.0)


def test__step__streams_of_all_kinds__take_the_same_arguments():
    kinds = LiquidStream, PipelineStream, DetectorStream
    first, *others = [list(signature(kind.step).parameters.values()) for kind in kinds]
    told = [(given.name, given.kind, given.default) for given in first]
    for other in others:
        assert [(given.name, given.kind, given.default) for given in other] == told
