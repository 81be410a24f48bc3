"""Time that stands still is told, wherever the stamps are; events at one time are not.

Each case holds stamps that lost their hours, stamps of several recordings, or gaps in
the place of stamps.
"""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from tiny import TINY

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import LNNWarning

STANDS = "Time stands still in"
HOURS = pd.date_range("2024", periods=72, freq="h")
DAYS = HOURS.normalize()
rng = np.random.default_rng(0)
V = rng.normal(size=72)
CUBE = rng.normal(size=(8, 9, 1))
TARGET = CUBE[:, 0, 0]
DT = np.full((8, 9), 0.1)
AFTER_ZERO = np.where(np.arange(9) == 0, 0.0, DT)


def model(**parameters):
    return LiquidRegressor(**TINY | {"epochs": 1} | parameters)


def rows_model(**parameters):
    return model(window_length=4, **parameters)


def frame(index=None, **columns):
    return pd.DataFrame(
        {"v": V[: 72 if index is None else len(index)], **columns}, index=index
    )


def panel(time, n=3):
    labels = np.repeat(np.arange(n), 72 // n)
    return pd.MultiIndex.from_arrays([labels, time], names=["recording", "time"])


def fit_of(kind):
    """Return an estimator with what to fit it on, for a clock that stands still."""
    ragged = [CUBE[k, : 5 + k % 4] for k in range(8)]
    gaps = [DT[k, : 5 + k % 4] for k in range(8)]
    dates = [pd.DataFrame({"v": V[k : k + 12]}, index=DAYS[:12]) for k in range(6)]
    labels = np.repeat([0, 1], 36)
    timed = np.concatenate([CUBE, DT[..., None]], axis=2)
    return {
        "index": (rows_model(), frame(DAYS), V, {}),
        "periods": (rows_model(), frame(DAYS.to_period("D")), V, {}),
        "durations": (rows_model(), frame(DAYS - DAYS[0]), V, {}),
        "level": (rows_model(), frame(panel(DAYS)), V, {}),
        "three recordings": (rows_model(), frame(HOURS.repeat(3)[:72]), V, {}),
        "two recordings": (rows_model(), frame(HOURS.repeat(2)[:72]), V, {}),
        "level of names": (rows_model(), frame(panel(np.repeat([1, 2], 36), 2)), V, {}),
        "timestamps": (rows_model(), frame(), V, {"timestamps": DAYS}),
        "gaps": (rows_model(), frame(), V, {"timestamps": np.full(72, 0.1)}),
        "gaps and groups": (
            rows_model(),
            frame(),
            V,
            {"timestamps": 0.1 + labels, "groups": labels},
        ),
        "time column": (rows_model(time_column="t"), frame(t=DAYS), V, {}),
        "gap column": (rows_model(time_column="t"), frame(t=0.1), V, {}),
        "cube": (model(), CUBE, TARGET, {"timestamps": DT}),
        "cube (n, T, 1)": (model(), CUBE, TARGET, {"timestamps": DT[..., None]}),
        "cube, durations": (
            model(),
            CUBE,
            TARGET,
            {"timestamps": np.full((8, 9), np.timedelta64(5, "s"))},
        ),
        "cube, 0 first": (model(), CUBE, TARGET, {"timestamps": AFTER_ZERO}),
        "cube, three steps": (
            model(),
            CUBE.reshape(24, 3, 1),
            V[:24],
            {"timestamps": np.tile([0, 0.1, 0.1], (24, 1))},
        ),
        "cube, time column": (model(time_column=1), timed, TARGET, {}),
        "list": (model(), ragged, TARGET, {"timestamps": gaps}),
        "list of frames": (model(), dates, TARGET[:6], {}),
        "one short sequence": (model(), CUBE[:1], TARGET[:1], {"timestamps": DT[:1]}),
    }[kind]


KINDS = {
    "index": ["dates that lost their hours", "MultiIndex"],
    "periods": ["dates that lost their hours"],
    "durations": ["keep the hours"],
    "level": ["the last level of the index is", "keep the hours"],
    "three recordings": ["group_column="],
    "two recordings": ["in 36 of 71 steps of X: the index"],
    "level of names": ["append=True", r"groups=X\.index and X\.reset_index"],
    "timestamps": ["timestamps are there the same", "keep the hours"],
    "gaps": [r"timestamps=numpy\.cumsum\(dt\)\."],
    "gaps and groups": [r"pandas\.Series\(dt\)\.groupby\(groups\)\.cumsum\(\)"],
    "time column": ["the time column is there"],
    "gap column": [r"X\['t'\] = X\['t'\]\.cumsum\(\)\."],
    "cube": [r"in 64 of 64 steps", r"numpy\.cumsum\(dt, axis=1\)"],
    "cube (n, T, 1)": [r"numpy\.cumsum\(dt, axis=1\)"],
    "cube, durations": [r"numpy\.cumsum\(dt, axis=1\)"],
    "cube, 0 first": [r"in 56 of 64 steps", r"numpy\.cumsum\(dt, axis=1\)"],
    "cube, three steps": [r"in 24 of 48 steps"],
    "cube, time column": [r"X\[:, :, 1\] = numpy\.cumsum\(X\[:, :, 1\], axis=1\)"],
    "list": [r"\[numpy\.cumsum\(each\) for each in dt\]"],
    "list of frames": ["a sequence of X holds rows of several recordings"],
    "one short sequence": ["in 8 of 8 steps"],
}


@pytest.mark.parametrize("kind", KINDS)
def test__fit__clock_stands_still__is_told_once_with_what_to_do(kind):
    estimator, X, y, how = fit_of(kind)
    with pytest.warns(LNNWarning, match=STANDS) as told:
        estimator.fit(X, y, **how)
    assert len(told) == 1
    for part in KINDS[kind]:
        assert re.search(part, str(told[0].message))
    # It was told, and predictions on such time are what the model was fitted for.
    at = {"timestamps": how["timestamps"]} if "timestamps" in how else {}
    at |= {"groups": how["groups"]} if "groups" in how else {}
    estimator.predict(X, **at)


SUMS = ["gaps", "gaps and groups", "gap column", "cube", "cube (n, T, 1)", "list"]
SUMS += ["cube, durations", "cube, 0 first", "cube, time column"]


@pytest.mark.parametrize("kind", SUMS)
def test__gaps__added_up_by_the_line_that_is_told__are_time(kind):
    estimator, X, y, how = fit_of(kind)
    with pytest.warns(LNNWarning, match=STANDS) as told:
        estimator.fit(X, y, **how)
    line = str(told[0].message).split("add them up: ")[1].rstrip(".")
    names = {"numpy": np, "pandas": pd, "X": X.copy(), "dt": how.get("timestamps")}
    names["groups"] = how.get("groups")
    if line.startswith("timestamps="):
        line = f"how = dict({line})"
    exec(line, names)
    estimator.fit(names["X"], y, **how | names.get("how", {}))
    unit = {"cube, durations": 5, "gaps and groups": 0.6}.get(kind, 0.1)
    assert estimator.time_unit_ == pytest.approx(unit)


def test__gap_column__of_several_recordings__is_summed_in_each():
    X = frame(t=0.1, r=np.repeat([0, 1], 36))
    with pytest.warns(LNNWarning, match=r"cumsum\(\), in each recording by itself"):
        rows_model(time_column="t", group_column="r").fit(X, V)
    parts = [np.column_stack([V[:9], np.full(9, 0.1)])] * 2
    line = r"for each in X: each\[:, 1\] = numpy\.cumsum\(each\[:, 1\]\)"
    with pytest.warns(LNNWarning, match=line):
        model(time_column=1).fit(parts, [0.0, 1.0])


PAIRS = np.sort(rng.uniform(0, 1e5, 36)).repeat(2)
LENGTHS = rng.integers(2, 9, 8)
PADDED = np.minimum(np.arange(9.0), LENGTHS[:, None] - 1)
SILENT = {
    "hours": (rows_model(), frame(HOURS), V, {}),
    "events in pairs": (rows_model(), frame(), V, {"timestamps": PAIRS}),
    "counted pairs": (rows_model(), frame(panel(np.arange(72) // 2)), V, {}),
    "dates of events in pairs": (
        rows_model(),
        frame(pd.Timestamp("2024") + pd.to_timedelta(PAIRS, unit="s")),
        V,
        {},
    ),
    "a few rows at one time": (
        rows_model(),
        frame(HOURS[np.maximum(np.arange(72), 9)]),
        V,
        {},
    ),
    "one short burst": (
        rows_model(),
        frame(),
        V,
        {"timestamps": [*range(64), *[64] * 8]},
    ),
    "padded behind": (model(), CUBE, TARGET, {"timestamps": PADDED}),
    "padded much": (
        model(),
        CUBE.repeat(9, axis=1),
        TARGET,
        {"timestamps": np.minimum(np.arange(81), 1 + LENGTHS[:, None])},
    ),
    "padded in front": (model(), CUBE, TARGET, {"timestamps": 8 - PADDED[:, ::-1]}),
    "two steps, half of them at once": (
        model(),
        CUBE[:, :8].reshape(32, 2, 1),
        V[:32],
        {"timestamps": np.tile([[0, 0], [0, 1]], (16, 1))},
    ),
    "sequences of one step": (model(), CUBE[:, :1], TARGET, {"timestamps": DT[:, :1]}),
    "three rows at one time": (rows_model(), frame(HOURS[[0, 0, 0]]), V[:3], {}),
}


@pytest.mark.parametrize("kind", SILENT)
def test__fit__events_at_one_time_or_padding__is_not_doubted(kind):
    estimator, X, y, how = SILENT[kind]
    estimator.fit(X, y, **how)
    estimator.predict(X, **how)


@pytest.mark.parametrize("call", ["predict", "score", "partial_fit"])
def test__later_data__clock_stands_still__is_told_once(call):
    uneven = np.cumsum(rng.exponential(size=72))
    more = () if call == "predict" else (V,)
    for stamps in (np.arange(72.0), uneven):
        fitted = rows_model().fit(frame(), V, timestamps=stamps)
        with pytest.warns(LNNWarning, match=f"{STANDS} 71 of 71 steps of X") as told:
            getattr(fitted, call)(frame(), *more, timestamps=np.full(72, 0.1))
        assert len(told) == 1


def test__validation_data__clock_stands_still__is_told_by_their_name():
    uneven = np.cumsum(rng.exponential(size=(8, 9)), axis=1)
    with pytest.warns(LNNWarning, match=f"{STANDS} 64 of 64 steps of X_val") as told:
        model().fit(
            CUBE,
            TARGET,
            timestamps=uneven,
            X_val=CUBE,
            y_val=TARGET,
            timestamps_val=DT,
        )
    assert "timestamps_val=numpy.cumsum(dt, axis=1)" in str(told[0].message)
    # One cause is told once.
    with pytest.warns(LNNWarning, match=STANDS) as told:
        model().fit(
            CUBE, TARGET, timestamps=DT, X_val=CUBE, y_val=TARGET, timestamps_val=DT
        )
    assert len(told) == 1


def test__classifier__rows_without_weight__do_not_count():
    labels = (V > 0).astype(int)
    classifier = LiquidClassifier(4, window_length=4, epochs=1)
    weight = np.arange(72) < 40
    times = np.where(weight, np.arange(72), 71)
    classifier.fit(frame(), labels, timestamps=times, sample_weight=weight)
    with pytest.warns(LNNWarning, match=STANDS):
        classifier.fit(
            frame(),
            labels,
            timestamps=times[::-1].max() - times[::-1],
            sample_weight=weight,
        )


def test__stored_model__remembers_that_it_was_told():
    with pytest.warns(LNNWarning, match=STANDS):
        fitted = rows_model().fit(frame(DAYS), V)
    assert fitted.model_.clock.standing
    pickle.loads(pickle.dumps(fitted)).predict(frame(DAYS))


@pytest.mark.parametrize("cell", ["LTC", "CfC"])
def test__rows_at_one_time__as_many_as_neurons__are_predicted(cell):
    # A batch of zeros could be taken for a state of that shape.
    times = np.append(np.arange(60.0), np.full(12, 60.0))
    fitted = rows_model(model_type=cell).fit(frame(), V, timestamps=times)
    expected = fitted.predict(frame(), timestamps=times)
    last = fitted.predict(frame()[-5:], timestamps=times[-5:])
    np.testing.assert_allclose(last[-1:], expected[-1:], atol=1e-6)
    stream = fitted.stream()
    for row, time in zip(V, times, strict=True):
        answer = stream.step([row], timestamp=time)
    np.testing.assert_allclose(answer, expected[-1:], atol=1e-5)


@pytest.mark.parametrize("how", ["dt", "timestamp"])
def test__stream__clock_stands_still__is_told_once(how):
    uneven = np.cumsum(rng.exponential(size=72))
    stream = rows_model().fit(frame(), V, timestamps=uneven).stream()
    stands = {"dt": {"dt": 0.0}, "timestamp": {"timestamp": 3.0}}[how]
    # The first row has no gap before it.
    for row in V[:10]:
        stream.step([row], **stands)
    with pytest.warns(LNNWarning, match="first 10 steps of this stream"):
        stream.step(V[10:11], **stands)
    for row in V[11:40]:
        stream.step([row], **stands)


def test__stream__rows_at_one_time_now_and_then__are_not_doubted():
    fitted = rows_model().fit(frame(), V, timestamps=PAIRS)
    stream = fitted.stream()
    for row, time in zip(V, PAIRS, strict=True):
        stream.step([row], timestamp=time)
    with pytest.warns(LNNWarning, match=STANDS):
        fitted.fit(frame(DAYS), V)
    stream = fitted.stream()
    for row, day in zip(V, DAYS, strict=True):
        stream.step([row], timestamp=day)
