"""Time is what the data say: one gap per sample and step, in any unit, from anywhere.

Tested elsewhere: gaps and their units (data/test_timestamps.py), what is time in
an index (data/test_time_index.py), spans over rows and bad stamps
(data/test_reading.py), rows that go back in time, stamps too coarse and missing
time in rows (test_bad_input.py), regular rows and other units for each cell, causality
and padding (test_reproducibility.py), layers in batches of a few
(test_equivalences.py), fused cells one by one for each instruction set, no time leaving
an LTC as it was (kernels/test_properties.py, test_cells.py), time of X_val
(training/test_validation_split.py). scikit-learn's tools and time: test_time_tools.py.
"""

import pickle
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from quick import quick
from tiny import TINY

from LNN import LiquidClassifier, LiquidRegressor
from LNN.datasets import make_xor
from LNN.exceptions import InvalidInputError, LNNWarning
from LNN.kernels.native.library import load
from LNN.network import LiquidNetwork

Regressor = partial(LiquidRegressor, **TINY, window_length=5)
Classifier = partial(LiquidClassifier, **TINY, window_length=5)
N = 12
BATCHES = sorted({1, 2, 7, 33, N})
CELLS = {
    "LTC": {"model_type": "LTC"},
    "LTC memory": {"model_type": "LTC", "mixed_memory": True},
    "CfC": {"model_type": "CfC"},
    "CfC no_gate": {"model_type": "CfC", "mode": "no_gate"},
    "CfC pure": {"model_type": "CfC", "mode": "pure"},
    "CfC exponential": {"model_type": "CfC", "mode": "exponential"},
    "CfC memory": {"model_type": "CfC", "mixed_memory": True},
}
BASELINES = {name: {"model_type": name} for name in ("LSTM", "GRU")}
WIRINGS = {
    "ncp": {"wiring": "ncp"},
    "strict": {"wiring": "ncp", "layer_recurrence": False},
    "full": {"wiring": "full"},
    "random": {"wiring": "random"},
}
KINDS = {
    f"{cell} {wiring}": {**CELLS[cell], **WIRINGS[wiring]}
    for cell in CELLS
    for wiring in WIRINGS
} | BASELINES
# Each cell, each wiring and what each cell does in no other.
QUICK_KINDS = (
    "CfC ncp",
    "CfC memory random",
    "CfC pure full",
    "CfC exponential strict",
)
QUICK_KINDS += ("CfC no_gate random", "LTC strict", "LTC memory ncp", "LSTM", "GRU")
NO_LIBRARY = pytest.mark.skipif(not load(), reason="no native library here")
ON_BACKENDS = pytest.mark.parametrize(
    "backend", ["torch", pytest.param("native", marks=NO_LIBRARY)]
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def cube(rng):
    return rng.normal(size=(20, 6, 2))


@pytest.fixture
def ragged(rng):
    return [rng.normal(size=(length, 2)) for length in [1, *rng.integers(1, 9, 19)]]


@pytest.fixture
def rows(rng):
    return rng.normal(size=(60, 2))


def clock(n, seed=1):
    """Whole days, as seconds: every unit and resolution can hold them exactly."""
    gaps = np.random.default_rng(seed).choice([0, 1, 2, 5, 11], n)
    return np.cumsum(gaps) * 86400


def dates(seconds):
    return pd.Timestamp("2024-02-27") + pd.to_timedelta(seconds, unit="s")


def assert_same(left, right, rtol=0.0):
    """Predictions, arrays or lists of arrays, are equal; to the bit by default."""
    left, right = (np.concatenate([np.atleast_1d(b) for b in p]) for p in (left, right))
    if rtol:
        np.testing.assert_allclose(left, right, rtol=rtol, atol=rtol)
    else:
        np.testing.assert_array_equal(left, right)


def fit_predict(X, y, make=Regressor, **given):
    return make().fit(X, y, **given).predict(X, **given)


# --------------------------------------------------------------- one gap per sample


@ON_BACKENDS
@pytest.mark.parametrize("kind", quick(KINDS, *QUICK_KINDS))
def test__network__irregular_batch_of_any_size__equals_one_by_one(kind, backend):
    generator = torch.Generator().manual_seed(0)
    network = LiquidNetwork(
        3,
        N,
        2,
        **KINDS[kind],
        return_sequences=True,
        use_time=True,
        backend=backend,
        generator=generator,
    ).double()
    x = torch.randn(max(BATCHES), 4, 3, dtype=torch.float64, generator=generator)
    dt = 4 * torch.rand(max(BATCHES), 4, dtype=torch.float64, generator=generator)
    dt[::3, 2] = 0
    with torch.no_grad():
        alone = torch.cat([network(x[b : b + 1], dt[b : b + 1]) for b in range(len(x))])
        for batch in BATCHES:
            together = network(x[:batch], dt[:batch])
            torch.testing.assert_close(together, alone[:batch], rtol=1e-11, atol=1e-12)
        # The gaps are used, each by its own sample only.
        dt[0] += 1
        changed = network(x, dt)
    assert (changed[0] != together[0]).any(-1).all()
    torch.testing.assert_close(changed[1:], alone[1:], rtol=1e-11, atol=1e-12)


PER_STEP = ("CfC ncp", "CfC memory random", "CfC pure full", "LTC strict", "GRU")


@ON_BACKENDS
@pytest.mark.parametrize(
    ("kind", "per_step"),
    [
        *(
            pytest.param(*case.values, False, marks=case.marks)
            for case in quick(KINDS, *QUICK_KINDS)
        ),
        *((kind, True) for kind in PER_STEP),
    ],
)
def test__predict__irregular_cube_of_any_size__equals_one_by_one(
    rng, kind, backend, per_step
):
    # Larger batches: the network's test above.
    X = rng.normal(size=(N, 5, 2))
    time = np.cumsum(rng.exponential(3600.0, size=X.shape[:2]), axis=1)
    y = X[:, :, 0] if per_step else X[:, :, 0].mean(axis=1)
    settings = {"return_sequences": per_step, **KINDS[kind]}
    model = Regressor(**settings, backend=backend, dtype="float64")
    model.fit(X, y, timestamps=time)
    assert kind in BASELINES or model.backend_ == backend
    alone = np.concatenate(
        [
            model.predict(x[None], timestamps=t[None])
            for x, t in zip(X, time, strict=True)
        ]
    )
    for batch in (1, 2, 7, N):
        together = model.predict(X[:batch], timestamps=time[:batch])
        np.testing.assert_allclose(together, alone[:batch], rtol=1e-9, atol=1e-11)


@ON_BACKENDS
@pytest.mark.parametrize("cell", ["CfC memory ncp", "LTC random", "LSTM"])
def test__predict__irregular_rows__equal_each_window_alone(rows, cell, backend):
    """The first row of a window keeps its own gap, to a row that is not in it."""
    time = clock(len(rows))
    model = Regressor(**KINDS[cell], backend=backend, dtype="float64")
    model.fit(rows, rows[:, 0], timestamps=time)
    together = model.predict(rows, timestamps=time)
    for t in (0, 1, 3, 4, 5, 17, 59):
        seen = slice(max(0, t - 5), t + 1)
        alone = model.predict(rows[seen], timestamps=time[seen])[-1]
        np.testing.assert_allclose(alone, together[t], rtol=1e-9)
    own_gap = time.copy()
    own_gap[:13] -= 86400  # the gap of row 13, the first in the window of row 17
    changed = model.predict(rows, timestamps=own_gap) != together
    np.testing.assert_array_equal(np.flatnonzero(changed), np.arange(13, 18))


# --------------------------------------------------------------- units and kinds


ROW_STAMPS = {
    "int32": lambda s: s.astype(np.int32),
    "uint64": lambda s: s.astype(np.uint64),
    "days": lambda s: s / 86400,
    "days as integers": lambda s: s // 86400,
    "nanoseconds": lambda s: s * 10**9,
    "negative": lambda s: s - 10**9,
    "column": lambda s: s[:, None],
    "list": lambda s: s.tolist(),
    "object": lambda s: s.astype(object),
    "Series": lambda s: pd.Series(s, index=np.zeros(len(s), int)),
    "nullable": lambda s: pd.Series(s, dtype="Int64"),
    **{
        f"datetime64[{unit}]": lambda s, u=unit: dates(s).to_numpy().astype(f"M8[{u}]")
        for unit in ("D", "h", "m", "s", "ms", "us", "ns")
    },
    "DatetimeIndex": dates,
    "summer time": lambda s: dates(s).tz_localize("UTC").tz_convert("Europe/Vienna"),
    "Series of dates": lambda s: pd.Series(dates(s)),
    "Timestamps": lambda s: list(dates(s)),
    "datetimes": lambda s: [stamp.to_pydatetime() for stamp in dates(s)],
    "plain dates": lambda s: [stamp.date() for stamp in dates(s)],
    "tensor": torch.from_numpy,
    "timedelta64[D]": lambda s: (s // 86400).astype("m8[D]"),
    "timedelta64[ns]": lambda s: s.astype("m8[s]").astype("m8[ns]"),
    "Timedeltas": lambda s: list(pd.to_timedelta(s, unit="s")),
    "timedeltas": lambda s: list(pd.to_timedelta(s, unit="s").to_pytimedelta()),
    "PeriodIndex": lambda s: pd.PeriodIndex(dates(s), freq="D"),
    "frame": lambda s: pd.DataFrame({"when": dates(s)}),
}


@pytest.fixture(scope="module")
def of_seconds():
    """Predictions of `rows` with their time in seconds."""
    rows = np.random.default_rng(0).normal(size=(60, 2))
    return fit_predict(rows, rows[:, 0], timestamps=clock(len(rows)).astype(float))


@pytest.mark.parametrize("form", ROW_STAMPS)
def test__timestamps__any_unit_and_kind_for_rows__same_bits(rows, form, of_seconds):
    stamps = ROW_STAMPS[form](clock(len(rows)))
    assert_same(fit_predict(rows, rows[:, 0], timestamps=stamps), of_seconds)


CUBE_STAMPS = {
    "integers": lambda s: s.astype(int),
    "days": lambda s: s / 86400,
    "lists": lambda s: s.tolist(),
    "tuple of arrays": tuple,
    "tensor": torch.from_numpy,
    "list of tensors": lambda s: list(torch.from_numpy(s)),
    "frame": pd.DataFrame,
    "Series of lists": lambda s: pd.Series(s.tolist()),
    "last axis": lambda s: s[:, :, None],
    "datetime64[h]": lambda s: s.astype("M8[s]").astype("M8[h]"),
    "datetime64[ns]": lambda s: s.astype("M8[s]").astype("M8[ns]"),
    "timedelta64": lambda s: s.astype("m8[s]"),
    "indices": lambda s: [dates(row) for row in s],
    "zones": lambda s: [
        dates(row).tz_localize("UTC").tz_convert("Asia/Tokyo" if k % 2 else "UTC")
        for k, row in enumerate(s)
    ],
    "periods": lambda s: [pd.PeriodIndex(dates(row), freq="D") for row in s],
    "Series": lambda s: [pd.Series(dates(row), index=row) for row in s],
    "datetimes": lambda s: [[d.to_pydatetime() for d in dates(row)] for row in s],
}


@pytest.mark.parametrize("form", CUBE_STAMPS)
def test__timestamps__any_unit_and_kind_for_sequences__same_bits(cube, form):
    seconds = np.stack([clock(6, seed) for seed in range(len(cube))]).astype(float)
    stamps, y = CUBE_STAMPS[form](seconds), cube[:, 0, 0]
    expected = fit_predict(cube, y, timestamps=seconds)
    assert_same(fit_predict(cube, y, timestamps=stamps), expected)
    assert_same(fit_predict(list(cube), y, timestamps=stamps), expected)


@pytest.mark.parametrize("kind", [*CELLS, *BASELINES])
@pytest.mark.parametrize(
    "layout", quick(["cube", "ragged", "recordings"], "ragged", "recordings")
)
def test__timestamps__regular_in_any_layout__same_bits_as_without(
    cube, ragged, rows, kind, layout
):
    """Rows of one recording: test_reproducibility.py."""
    make = partial(Regressor, **(CELLS | BASELINES)[kind])
    if layout == "cube":
        X, given = cube, {}
        stamps = 0.1 * np.arange(6) + 100.0 * np.arange(len(cube))[:, None]
    elif layout == "ragged":
        X, given = ragged, {}
        stamps = [1e9 + 60.0 * np.arange(len(x)) for x in ragged]
    else:
        X, given = rows, {"groups": np.arange(60) % 3}
        stamps = dates(np.repeat(np.arange(20), 3) * 900)
    y = X[:, 0] if layout == "recordings" else np.array([x[0, 0] for x in X])
    assert_same(
        fit_predict(X, y, make, timestamps=stamps, **given),
        fit_predict(X, y, make, **given),
    )


# --------------------------------------------------------------- gaps of zero


def test__timestamps__duplicates__leave_the_state_of_an_ltc(cube):
    """What is seen when no time passes has no effect on the equation."""
    time = np.stack([clock(6, seed) for seed in range(len(cube))])
    model = Regressor(model_type="LTC", pooling="last")
    model.fit(cube, cube[:, 0, 0], timestamps=time)
    before = model.predict(cube, timestamps=time)
    longer = np.concatenate([cube, 7 * cube[:, -1:], -cube[:, -1:]], axis=1)
    stamps = np.concatenate([time, time[:, -1:], time[:, -1:]], axis=1)
    assert_same(model.predict(longer, timestamps=stamps), before)
    stamps[:, -1] += 1
    assert (model.predict(longer, timestamps=stamps) != before).all()


@pytest.mark.parametrize("kind", [*CELLS, *BASELINES])
def test__timestamps__all_the_same__are_one_unit_and_finite(cube, kind):
    make = partial(Regressor, **(CELLS | BASELINES)[kind])
    stamps = np.full((len(cube), 6), 5.0)
    with pytest.warns(LNNWarning, match="Time stands still in 100 of 100 steps"):
        model = make().fit(cube, cube[:, 0, 0], timestamps=stamps)
    assert model.time_unit_ == 1
    assert np.isfinite(model.predict(cube, timestamps=stamps)).all()
    with pytest.raises(InvalidInputError, match="without any"):
        model.predict(cube)


# --------------------------------------------------------------- where time is kept


def frame_of(rows, index=None, **columns):
    return pd.DataFrame(rows, columns=["a", "b"], index=index).assign(**columns)


ROW_SOURCES = {
    "DatetimeIndex": lambda X, s: (frame_of(X, dates(s)), {}),
    "zoned index": lambda X, s: (frame_of(X, dates(s).tz_localize("Asia/Tokyo")), {}),
    "TimedeltaIndex": lambda X, s: (frame_of(X, pd.to_timedelta(s, unit="s")), {}),
    "PeriodIndex": lambda X, s: (frame_of(X, pd.PeriodIndex(dates(s), freq="D")), {}),
    "index of plain dates": lambda X, s: (frame_of(X, list(dates(s).date)), {}),
    "level of dates": lambda X, s: (frame_of(X, [["r"] * len(s), dates(s)]), {}),
    "level of durations": lambda X, s: (
        frame_of(X, [["r"] * len(s), pd.to_timedelta(s, unit="s")]),
        {},
    ),
    "level of periods": lambda X, s: (
        frame_of(X, [["r"] * len(s), pd.PeriodIndex(dates(s), freq="D")]),
        {},
    ),
    "level of numbers": lambda X, s: (
        frame_of(X, [["r"] * len(s), ["s"] * len(s), s]),
        {},
    ),
    "column of dates": lambda X, s: (frame_of(X, t=dates(s)), {"time_column": "t"}),
    "column of zoned dates": lambda X, s: (
        frame_of(X, t=dates(s).tz_localize("Asia/Tokyo")),
        {"time_column": "t"},
    ),
    "column of durations": lambda X, s: (
        frame_of(X, t=pd.to_timedelta(s, unit="s")),
        {"time_column": "t"},
    ),
    "column of periods": lambda X, s: (
        frame_of(X, t=pd.PeriodIndex(dates(s), freq="D")),
        {"time_column": "t"},
    ),
    "column of numbers": lambda X, s: (frame_of(X, t=s), {"time_column": "t"}),
    "column by number": lambda X, s: (frame_of(X, t=s), {"time_column": 2}),
    "column and index": lambda X, s: (
        frame_of(X, pd.date_range("2000", periods=len(s)), t=s),
        {"time_column": "t"},
    ),
    "first of an array": lambda X, s: (np.column_stack([s, X]), {"time_column": 0}),
    "last of an array": lambda X, s: (np.column_stack([X, s]), {"time_column": -1}),
    "array of objects": lambda X, s: (
        frame_of(X, t=dates(s)).to_numpy(),
        {"time_column": 2},
    ),
    "frame of objects": lambda X, s: (
        frame_of(X, t=dates(s)).astype(object),
        {"time_column": "t"},
    ),
}


def test__full_CfC__gaps_from_femtoseconds_to_years__finite(cube):
    gaps = 10.0 ** np.random.default_rng(0).uniform(-15, 7, cube.shape[:2])
    y, t = np.arange(len(cube)) % 2, np.cumsum(np.sort(gaps, axis=1), axis=1)
    model = Classifier(wiring="full").fit(cube, y, timestamps=t)
    assert np.isfinite(model.predict_proba(cube, timestamps=t)).all()


@pytest.mark.slow
@pytest.mark.parametrize("mixed_memory", [False, True])
def test__full_CfC__all_the_news_is_in_the_gaps__learns_quickly(mixed_memory):
    # Parity of bits told by the lengths of runs. With gates that start near one
    # half, three seeds have 0.89 to 0.91 here, with mixed memory 0.83 to 0.85.
    bits = make_xor(3000, event=True, max_length=12, random_state=0)
    X = [x[:n] for x, n in zip(bits.data, bits.lengths, strict=True)]
    t = [x[:n] for x, n in zip(bits.timestamps, bits.lengths, strict=True)]
    model = LiquidClassifier(
        wiring="full",
        mode="default",
        n_neurons=32,
        backbone_activation="relu",
        mixed_memory=mixed_memory,
        learning_rate=0.005,
        epochs=15,
        early_stopping=False,
        random_state=0,
    )
    model.fit(X[:2000], bits.target[:2000], timestamps=t[:2000])
    assert model.score(X[2000:], bits.target[2000:], timestamps=t[2000:]) > 0.95


@pytest.mark.parametrize("source", ROW_SOURCES)
def test__rows__time_from_anywhere__same_predictions(rows, source):
    X, settings = ROW_SOURCES[source](rows, clock(len(rows)))
    make = partial(Regressor, **settings, dtype="float64")
    expected = fit_predict(
        rows, rows[:, 0], partial(Regressor, dtype="float64"), timestamps=clock(60)
    )
    # Columns of a wider array lie elsewhere in memory: sums differ in the last bit.
    assert_same(fit_predict(X, rows[:, 0], make), expected, rtol=1e-9)


SEQUENCE_SOURCES = {
    "frames by date": lambda X, s: (
        [frame_of(x, dates(t)) for x, t in zip(X, s, strict=True)],
        {},
    ),
    "frames by period": lambda X, s: (
        [
            frame_of(x, pd.PeriodIndex(dates(t), freq="D"))
            for x, t in zip(X, s, strict=True)
        ],
        {},
    ),
    "frames of a panel": lambda X, s: (
        [
            part
            for _, part in frame_of(
                np.concatenate(X),
                [
                    np.repeat(range(len(X)), [len(x) for x in X]),
                    dates(np.concatenate(s)),
                ],
            ).groupby(level=0)
        ],
        {},
    ),
    "frames with a column": lambda X, s: (
        [frame_of(x, t=dates(t)) for x, t in zip(X, s, strict=True)],
        {"time_column": "t"},
    ),
    "arrays with a column": lambda X, s: (
        [np.column_stack([t, x]) for x, t in zip(X, s, strict=True)],
        {"time_column": 0},
    ),
    "arrays of objects": lambda X, s: (
        [frame_of(x, t=dates(t)).to_numpy() for x, t in zip(X, s, strict=True)],
        {"time_column": 2},
    ),
}


@pytest.mark.parametrize("source", [*SEQUENCE_SOURCES, "cube with a column"])
def test__sequences__time_from_anywhere__same_predictions(cube, ragged, source):
    sequences = cube if source.startswith("cube") else ragged
    stamps = [clock(len(x), seed) for seed, x in enumerate(sequences)]
    if source.startswith("cube"):
        X = np.concatenate([cube, np.stack(stamps)[:, :, None]], axis=2)
        settings = {"time_column": -1}
    else:
        X, settings = SEQUENCE_SOURCES[source](ragged, stamps)
    y = [x[:, 0] for x in sequences]
    make = partial(Regressor, dtype="float64", return_sequences=True)
    expected = fit_predict(sequences, y, make, timestamps=stamps)
    got = fit_predict(X, y, partial(make, **settings))
    assert_same(got, expected, rtol=1e-9)


# --------------------------------------------------------------- what is refused


def irregular(layout, seed=1):
    """Data of a layout with their time, as X, y, time."""
    rng = np.random.default_rng(seed)
    if layout == "rows":
        X = rng.normal(size=(40, 2))
        return X, X[:, 0] > 0, clock(40, seed)
    X = rng.normal(size=(16, 5, 2))
    time = np.stack([clock(5, seed + k) for k in range(16)])
    y = X[:, 0, 0] > 0
    return (X, y, time) if layout == "cube" else (list(X), y, list(time))


@pytest.mark.parametrize("layout", ["rows", "cube", "list"])
@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "score", "partial_fit", "X_val", "context"]
)
def test__fitted_on_irregular_time__no_time__is_refused(layout, method):
    X, y, time = irregular(layout)
    model = Classifier().fit(X, y, timestamps=time)
    calls = {
        "predict": lambda: model.predict(X),
        "predict_proba": lambda: model.predict_proba(X),
        "score": lambda: model.score(X, y),
        "partial_fit": lambda: model.partial_fit(X, y),
        "X_val": lambda: model.fit(X, y, timestamps=time, X_val=X, y_val=y),
        "context": lambda: model.predict(X[5:], context=X[:5]),
    }
    if method == "context" and layout != "rows":
        return
    with pytest.raises(InvalidInputError, match="irregular time stamps, but X(_val)?"):
        calls[method]()


@pytest.mark.parametrize("layout", ["rows", "cube", "list"])
def test__fitted_without_time__irregular_time__is_refused(layout):
    X, y, time = irregular(layout)
    model = Classifier().fit(X, y)
    for call in (model.predict, model.predict_proba):
        with pytest.raises(InvalidInputError, match="fitted without time stamps"):
            call(X, timestamps=time)
    with pytest.raises(InvalidInputError, match="fitted without time stamps"):
        model.score(X, y, timestamps=time)
    with pytest.raises(InvalidInputError, match="fitted without time stamps"):
        model.partial_fit(X, y, timestamps=time)


def test__fitted_on_a_frame_without_time__irregular_index_is_refused(rows):
    model = Regressor().fit(frame_of(rows), rows[:, 0])
    with pytest.raises(InvalidInputError, match="fitted without time stamps"):
        model.predict(frame_of(rows, dates(clock(60))))


@pytest.mark.parametrize("layout", ["rows", "cube", "list"])
def test__fitted_on_irregular_time__another_unit__warns(layout):
    X, y, time = irregular(layout)
    model = Classifier().fit(X, y, timestamps=time)
    days = [t / 8.64e7 for t in time] if layout == "list" else time / 8.64e7
    given, message = {"timestamps": days}, "1.157e-08 times that of training.*same unit"
    for call in (model.predict, model.predict_proba):
        with pytest.warns(LNNWarning, match=f"X has gaps.*{message}"):
            call(X, **given)
    with pytest.warns(LNNWarning, match=message) as warned:
        model.score(X, y, **given)
    assert len(warned) == 1
    with pytest.warns(LNNWarning, match=message):
        Classifier().fit(X, y, timestamps=time).partial_fit(X, y, **given)
    val = {"X_val": X, "y_val": y, "timestamps_val": days}
    with pytest.warns(LNNWarning, match=f"X_val has gaps.*{message}"):
        Classifier().fit(X, y, timestamps=time, **val)
    one = slice(None, 3) if layout == "rows" else slice(None, 1)
    model.predict(X[one], timestamps=time[one])


def test__fit__y_in_another_order_than_X__warns(rows):
    X = frame_of(rows, dates(np.arange(60) * 60))
    model = Regressor()
    with pytest.warns(LNNWarning, match="row 0 is 2024-02-27 00:00:00 in X and"):
        model.fit(X, X["a"].sort_values())
    with pytest.warns(LNNWarning, match="in X_val and .* in y_val"):
        model.fit(X, X["a"], X_val=X, y_val=X["a"].sort_values())
    model.fit(X, X["a"].sort_values().to_numpy())
    model.fit(X, X["a"].sort_values().reset_index(drop=True))
    model.fit(X[:-1], X["a"][1:])


@pytest.mark.parametrize("layout", ["cube", "list", "frames"])
def test__sequences__time_going_back__names_sample_and_step(layout):
    X, y, time = irregular("cube")
    model = Classifier().fit(X, y, timestamps=time)
    time = time.copy()
    time[3, 2] = time[3, 1] - 1
    given = {"timestamps": list(time) if layout == "list" else time}
    if layout == "frames":
        X = [frame_of(x, dates(t)) for x, t in zip(X, time, strict=True)]
        model, given = Classifier(), {}
    with pytest.raises(
        InvalidInputError,
        match=r"time step 2 of sample 3 is at.*time step 1 of sample 3",
    ):
        model.fit(X, y, **given)
    with pytest.raises(InvalidInputError, match="time step 2 of sample 3 is at"):
        Classifier().fit(list(X), y, **given)


def test__recordings__time_going_back__names_the_callers_row(rows):
    time = np.repeat(np.arange(20), 3)  # three recordings, row by row
    time[7] = 0  # row 4, of the same recording, is at 1
    X = np.column_stack([rows, time, np.arange(60) % 3])
    with pytest.raises(InvalidInputError, match=r"row 7 is at 0.*\(row 4\) at 1"):
        Regressor(time_column=2, group_column=3).fit(X, rows[:, 0])


@pytest.mark.parametrize("what", ["index", "column", "level", "timestamps"])
def test__missing_date__names_the_row(rows, what):
    stamps = dates(clock(60)).to_series(index=range(60))
    stamps[8] = pd.NaT
    frame, given, settings = frame_of(rows), {}, {}
    if what == "index":
        frame.index = pd.DatetimeIndex(stamps)
    elif what == "level":
        frame.index = pd.MultiIndex.from_arrays([np.zeros(60), stamps])
    elif what == "column":
        frame, settings = frame.assign(t=stamps), {"time_column": "t"}
    else:
        given = {"timestamps": stamps}
    with pytest.raises(InvalidInputError, match=r"missing \(NaT\) in row 8"):
        Regressor(**settings).fit(frame, rows[:, 0], **given)


@pytest.mark.parametrize("what", ["column", "index", "timestamps", "naive"])
def test__mixed_zones__name_the_row_and_the_fix(rows, what):
    stamps = list(dates(clock(60)).tz_localize("UTC"))
    stamps[8] = stamps[8].tz_convert("Asia/Tokyo")
    if what == "naive":
        stamps[8] = stamps[8].tz_localize(None)
    X, given, settings = rows, {"timestamps": stamps}, {}
    if what == "column":
        X, given = frame_of(rows, t=pd.Series(stamps, dtype=object)), {}
        settings = {"time_column": "t"}
    elif what == "index":
        X, given = frame_of(rows, pd.Index(stamps, dtype=object)), {}
    with pytest.raises(InvalidInputError, match=r"one time zone.*row 8.*utc=True"):
        Regressor(**settings).fit(X, rows[:, 0], **given)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test__time_column__not_finite__is_named_as_time(rows, bad):
    X = np.column_stack([rows, clock(60)])
    X[8, 2] = bad
    with pytest.raises(
        InvalidInputError, match="time column is (NaN|infinite) in row 8"
    ):
        Regressor(time_column=2).fit(X, rows[:, 0])


# --------------------------------------------------------------- panels


def panel(n_recordings=12, seed=3):
    """Recordings of 1 to 8 rows, with an irregular clock of their own each."""
    rng = np.random.default_rng(seed)
    lengths = [1, *rng.integers(1, 9, n_recordings - 1)]
    X = [rng.normal(size=(length, 2)) for length in lengths]
    time = [clock(length, 100 + k) for k, length in enumerate(lengths)]
    return X, time, np.repeat(np.arange(n_recordings), lengths)


def interleaved(owner, seed=5):
    """An order that mixes recordings and keeps the rows of each in theirs."""
    order = np.random.default_rng(seed).permutation(len(owner))
    within = np.argsort(owner[order], kind="stable")
    mixed = np.empty(len(owner), dtype=int)
    mixed[within] = np.argsort(owner, kind="stable")
    return mixed


@pytest.mark.parametrize("kind", ["CfC ncp", "LTC full", "GRU"])
@pytest.mark.parametrize("how", ["shuffled", "interleaved"])
def test__panel__any_order_of_recordings__same_predictions(kind, how):
    X, time, owner = panel()
    X, time = np.concatenate(X), np.concatenate(time)
    make = partial(Regressor, **KINDS[kind], dtype="float64", batch_size=10**6)
    model = make().fit(X, X[:, 0], timestamps=time, groups=owner)
    expected = model.predict(X, timestamps=time, groups=owner)
    names = np.random.default_rng(4).permutation(12)
    order = np.argsort(names[owner], kind="stable")
    if how == "interleaved":
        order = interleaved(owner)
        assert (np.diff(owner[order]) < 0).sum() > 12
    X, time, owner = X[order], time[order], owner[order]
    given = {"timestamps": time, "groups": names[owner].astype(str)}
    assert_same(model.predict(X, **given), expected[order], rtol=1e-10)
    again = make().fit(X, X[:, 0], **given)
    assert_same(again.predict(X, **given), expected[order], rtol=1e-8)


def test__panel__list_frame_and_groups__are_one_and_the_same():
    """With windows as long as the recordings, a row sees what a step sees."""
    X, time, owner = panel()
    y = [x[:, 0].cumsum() for x in X]
    flat, stamps, target = map(np.concatenate, (X, time, y))
    model = partial(
        LiquidRegressor, **TINY, window_length=8, dtype="float64", scale_target=False
    )
    grouped = model().fit(flat, target, timestamps=stamps, groups=owner)
    expected = grouped.predict(flat, timestamps=stamps, groups=owner)
    frame = frame_of(flat, [owner, dates(stamps)])
    # Columns of a frame lie elsewhere in memory: sums differ in the last bit.
    assert_same(fit_predict(frame, target, model), expected, rtol=1e-9)
    columns = frame_of(flat, t=stamps, who=owner)
    named = partial(model, time_column="t", group_column="who")
    assert_same(fit_predict(columns, target, named), expected, rtol=1e-9)
    # The same network on whole sequences, a prediction per step.
    ragged = model().fit(X, y, timestamps=time)
    ragged.network_.load_state_dict(grouped.network_.state_dict())
    ragged.model_ = replace(
        ragged.model_, scaler=grouped.scaler_, clock=grouped.model_.clock
    )
    assert_same(ragged.predict(X, timestamps=time), expected, rtol=1e-9)


def test__panel__one_row_each__is_a_gap_of_one_unit(rows):
    """Nothing comes before: neither time nor the other rows can matter."""
    model = Regressor(dtype="float64")
    model.fit(rows, rows[:, 0], timestamps=clock(60), groups=np.arange(60) // 10)
    alone = [
        model.predict(rows[k : k + 1], timestamps=clock(60)[k : k + 1])[0]
        for k in range(60)
    ]
    together = model.predict(rows, timestamps=clock(60), groups=np.arange(60))
    assert_same(together, alone, rtol=1e-9)
    backwards = model.predict(rows, timestamps=-clock(60), groups=np.arange(60))
    assert_same(backwards, together)


@pytest.mark.parametrize("source", ["groups", "MultiIndex", "list"])
def test__panel__thousands_of_short_recordings__work(rng, source):
    X = rng.normal(size=(6000, 2))
    owner, time = np.repeat(np.arange(2000), 3), np.arange(6000) % 3 * 60
    time[2::3] += owner[2::3] % 2 * 60
    make = partial(Regressor, dtype="float64", batch_size=1024, epochs=1)
    data, y, given = X, X[:, 0], {"timestamps": time, "groups": owner}
    if source == "MultiIndex":
        data, given = frame_of(X, [owner.astype(str), dates(time)]), {}
    elif source == "list":
        data, y = list(X.reshape(2000, 3, 2)), list(y.reshape(2000, 3, 1))
        given = {"timestamps": list(time.reshape(2000, 3))}
    model = make().fit(data, y, **given)
    assert model.time_unit_ == 60
    predicted = model.predict(data, **given)
    assert len(predicted) == len(data)
    last = model.predict(
        data[-3:] if source != "list" else data[-1:],
        **{
            name: value[-3:] if source != "list" else value[-1:]
            for name, value in given.items()
        },
    )
    assert_same(predicted[-len(last) :], last, rtol=1e-9)


@pytest.mark.parametrize("layout", ["rows", "cube", "list"])
@pytest.mark.parametrize("where", ["timestamps", "column"])
def test__memmap__read_only_data_and_time__equal_arrays(tmp_path, layout, where):
    X, _, time = irregular("rows" if layout == "rows" else "cube")
    y = X[..., 0] if layout == "rows" else X[:, 0, 0]
    if where == "column":
        X = np.concatenate([X, time[..., None]], axis=-1)

    def on_disk(values, name):
        np.save(tmp_path / name, values)
        return np.load(tmp_path / name, mmap_mode="r")

    settings = {"time_column": 2} if where == "column" else {}
    make = partial(Regressor, **settings)
    given = {} if where == "column" else {"timestamps": time}
    disk = {} if where == "column" else {"timestamps": on_disk(time, "t.npy")}
    wrap = list if layout == "list" else np.asanyarray
    expected = fit_predict(wrap(X), y, make, **given)
    read_only = wrap(on_disk(X, "x.npy"))
    assert_same(fit_predict(read_only, on_disk(y, "y.npy"), make, **disk), expected)


@pytest.mark.parametrize("fitted_in", [None, "Europe/Vienna"])
def test__zone__on_one_side_only__is_refused(fitted_in):
    index = pd.date_range("2024-01-01", periods=60, freq="h")
    X = pd.DataFrame({"a": np.sin(np.arange(60.0))}, index.tz_localize(fitted_in))
    model = LiquidRegressor(4, window_length=3, epochs=1, random_state=0)
    model.fit(X, X["a"].to_numpy())
    other = X.set_axis(index.tz_localize(None if fitted_in else "Europe/Vienna"))
    for model_ in (model, pickle.loads(pickle.dumps(model))):
        with pytest.raises(InvalidInputError, match="a time zone, but those of X"):
            model_.predict(other)
    with pytest.raises(InvalidInputError, match="a time zone, but those of X_val"):
        model.fit(X, X["a"].to_numpy(), X_val=other, y_val=X["a"].to_numpy())


def test__zone__another_one__is_as_long_as_the_other():
    index = pd.date_range("2024-01-01", periods=60, freq="h", tz="UTC")
    X = pd.DataFrame({"a": np.sin(np.arange(60.0))}, index)
    model = LiquidRegressor(4, window_length=3, epochs=1, random_state=0)
    model.fit(X, X["a"].to_numpy())
    found = model.predict(X.tz_convert("Asia/Tokyo"))
    np.testing.assert_array_equal(found, model.predict(X))
