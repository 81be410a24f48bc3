"""Frames of polars, pyarrow and of pandas on Arrow are read like others."""

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidClassifier, LiquidRegressor, SequenceScaler
from LNN.data.containers import plain
from LNN.exceptions import InvalidInputError

pa = pytest.importorskip(
    "pyarrow", reason="pyarrow is not installed (pip install .[dev])"
)
pl = pytest.importorskip(
    "polars", reason="polars is not installed (pip install .[dev])"
)

N = 60
RNG = np.random.default_rng(0)
STAMPS = pd.Timestamp("2024-03-01") + pd.to_timedelta(
    RNG.exponential(60, N).cumsum().round(3), unit="s"
)
VALUES = RNG.normal(size=(N, 2))
FRAME = pd.DataFrame(VALUES, columns=["v", "w"], index=STAMPS)
TIMED = FRAME.reset_index(names="t")
GROUPED = FRAME.reset_index(drop=True).assign(g=["a"] * 40 + ["b"] * 20)
Y = VALUES[:, 0]

BERLIN = pd.ArrowDtype(pa.timestamp("us", "Europe/Berlin"))
FRAMES = {
    "pandas": lambda frame: frame,
    "pandas on arrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "polars": pl.from_pandas,
    "pyarrow table": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "pyarrow batch": lambda frame: pa.RecordBatch.from_pandas(
        frame, preserve_index=False
    ),
    "records": lambda frame: frame.to_records(index=False),
}


def on_arrow(index, kind):
    """Return an index that Arrow holds."""
    return pd.Index(pd.Series(index).astype(kind))


INDICES = {
    "timestamp[ns]": on_arrow(STAMPS, "timestamp[ns][pyarrow]"),
    "timestamp[us]": on_arrow(STAMPS, "timestamp[us][pyarrow]"),
    "timestamp with a zone": on_arrow(STAMPS.tz_localize("Europe/Berlin"), BERLIN),
    "duration": on_arrow(STAMPS - STAMPS[0], "duration[ns][pyarrow]"),
    "category": pd.CategoricalIndex(STAMPS),
    "category on arrow": pd.CategoricalIndex(
        on_arrow(STAMPS, "timestamp[ns][pyarrow]")
    ),
}


def regressor(**parameters):
    return LiquidRegressor(6, epochs=1, window_length=4, random_state=0, **parameters)


@pytest.fixture(scope="module")
def expected():
    model = regressor().fit(FRAME, Y)
    return model.time_unit_, model.predict(FRAME)


@pytest.mark.parametrize("kind", INDICES)
@pytest.mark.parametrize("place", ["index", "last level", "column", "timestamps"])
def test__time__of_any_kind_and_place__is_read_as_numpy_time(kind, place, expected):
    stamps, model, more = INDICES[kind], regressor(), {}
    X = FRAME.set_axis(stamps)
    if place == "last level":
        X = FRAME.set_axis(pd.MultiIndex.from_arrays([["a"] * N, stamps]))
    elif place == "column":
        X, model = X.reset_index(names="t"), regressor(time_column="t")
    elif place == "timestamps":
        X, more = VALUES, {"timestamps": stamps}
    model.fit(X, Y, **more)
    assert model.time_unit_ == pytest.approx(expected[0])
    np.testing.assert_array_equal(model.predict(X, **more), expected[1])


@pytest.mark.parametrize("kind", INDICES)
def test__time__in_a_list_of_frames__is_read_as_numpy_time(kind):
    frame = FRAME.set_axis(INDICES[kind])
    model = LiquidRegressor(6, epochs=1).fit([frame[:30], frame[30:]], [0.0, 1.0])
    plainly = LiquidRegressor(6, epochs=1).fit([FRAME[:30], FRAME[30:]], [0.0, 1.0])
    assert model.time_unit_ == pytest.approx(plainly.time_unit_)


def test__time__dates_of_arrow__are_days():
    days = pd.Series(pd.date_range("2024", periods=N).date)
    frame = FRAME.set_axis(pd.Index(days.astype(pd.ArrowDtype(pa.date32()))))
    assert regressor().fit(frame, Y).time_unit_ == 86400.0


@pytest.mark.parametrize(
    "stamps",
    [
        pl.Series(STAMPS.to_numpy()),
        pa.array(STAMPS),
        pa.chunked_array([pa.array(STAMPS)]),
        INDICES["timestamp[us]"].to_series(),
        INDICES["timestamp[us]"].array,
    ],
    ids=["polars", "array", "chunks", "series", "extension array"],
)
def test__timestamps__of_any_container__are_time(stamps, expected):
    model = regressor().fit(VALUES, Y, timestamps=stamps)
    answers = model.predict(VALUES, timestamps=stamps)
    np.testing.assert_array_equal(answers, expected[1])


@pytest.mark.parametrize("container", FRAMES)
@pytest.mark.parametrize("column", ["t", 0])
def test__time_column__of_any_frame__is_seconds(container, column, expected):
    X = FRAMES[container](TIMED)
    model = regressor(time_column=column).fit(X, Y)
    assert model.time_unit_ == pytest.approx(expected[0])
    assert model.feature_names_in_.tolist() == ["t", "v", "w"]
    np.testing.assert_array_equal(model.predict(X), expected[1])


@pytest.mark.parametrize("container", FRAMES)
def test__group_column__of_any_frame__holds_names(container):
    X = FRAMES[container](GROUPED)
    answers = regressor(group_column="g").fit(X, Y).predict(X)
    plainly = regressor(group_column="g").fit(GROUPED, Y).predict(GROUPED)
    np.testing.assert_array_equal(answers, plainly)


@pytest.mark.parametrize("container", FRAMES)
def test__anchor__of_any_frame__is_found_by_name(container):
    X = FRAMES[container](FRAME.reset_index(drop=True))
    y = VALUES @ [0.1, 1.0]
    model = regressor(anchor="w").fit(X, y)
    plainly = regressor(anchor=1).fit(VALUES, y)
    np.testing.assert_array_equal(model.predict(X), plainly.predict(VALUES))


@pytest.mark.parametrize("container", [name for name in FRAMES if name != "records"])
def test__list__of_any_frames__is_recordings_with_names(container):
    make = FRAMES[container]
    X = [make(TIMED[:9]), make(TIMED[9:20].reset_index(drop=True))]
    model = LiquidRegressor(6, time_column="t", epochs=1).fit(X, [0.0, 1.0])
    assert model.feature_names_in_.tolist() == ["t", "v", "w"]
    wrong = [make(TIMED[:9][["t", "w", "v"]])]
    with pytest.raises(ValueError, match="columns"):
        model.predict(wrong)


@pytest.mark.parametrize("container", FRAMES)
def test__time_among_inputs__is_refused_by_name(container):
    with pytest.raises(InvalidInputError, match="time_column='t'"):
        regressor().fit(FRAMES[container](TIMED), Y)


@pytest.mark.parametrize("container", FRAMES)
def test__columns__other_than_in_fit__are_refused(container):
    model = regressor().fit(FRAME.reset_index(drop=True), Y)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(FRAMES[container](FRAME[["w", "v"]].reset_index(drop=True)))


TARGETS = {
    "polars": pl.Series("y", Y),
    "array": pa.array(Y),
    "pandas on arrow": pd.Series(Y).astype("float64[pyarrow]"),
}


@pytest.mark.parametrize("kind", TARGETS)
def test__targets_and_weights__of_any_container__count_as_arrays(kind):
    y, X = TARGETS[kind], VALUES
    weights = np.arange(N) % 3.0
    model = regressor().fit(X, y, sample_weight=pl.Series(weights))
    plainly = regressor().fit(X, Y, sample_weight=weights)
    np.testing.assert_array_equal(model.predict(X), plainly.predict(X))
    assert model.score(X, y) == plainly.score(X, Y)


LABELS = np.array(["a", "b"] * 6)
CUBE = RNG.normal(size=(12, 5, 2))


@pytest.mark.parametrize(
    "labels",
    [
        pl.Series(LABELS),
        pl.Series(LABELS).cast(pl.Categorical),
        pl.Series(LABELS).cast(pl.Enum(["b", "a"])),
        pa.array(LABELS),
        pd.Series(LABELS).astype("string[pyarrow]"),
        pd.Series(LABELS).astype(pd.ArrowDtype(pa.string())),
    ],
    ids=["polars", "categorical", "enum", "pyarrow", "string", "pandas on arrow"],
)
def test__labels__of_any_container__are_classes(labels):
    model = LiquidClassifier(6, epochs=1).fit(CUBE, labels)
    assert model.classes_.tolist() == ["a", "b"]
    assert 0 <= model.score(CUBE, labels) <= 1


def test__labels__missing_booleans__are_refused():
    with pytest.raises(InvalidInputError, match="NaN, first in row 1"):
        LiquidClassifier(6, epochs=1).fit(CUBE, pl.Series([True, None] * 6))


@pytest.mark.parametrize("null", [1, True, 1.5])
@pytest.mark.parametrize("container", ["polars", "pandas on arrow", "pyarrow table"])
def test__missing_values__of_any_frame__are_missing(container, null):
    frame = pl.DataFrame({"v": Y, "w": [None, null] * 30}).to_pandas()
    given = FRAMES[container](frame)
    with pytest.raises(InvalidInputError, match=r"row 0, column 1 \('w'\)"):
        regressor().fit(given, Y)
    known = regressor(missing="hold").fit(given, Y)
    assert np.isfinite(known.predict(given)).all()


def test__missing_time__of_polars__is_named():
    stamps = [None, *STAMPS.to_pydatetime()[1:]]
    X = pl.DataFrame({"t": stamps, "v": Y})
    with pytest.raises(InvalidInputError, match=r"missing \(NaT\) in row 0"):
        regressor(time_column="t").fit(X, Y)


def test__decimals__of_any_frame__are_numbers():
    exact = np.round(Y * 64) / 64  # six digits after the point hold them
    X = pl.DataFrame({"v": exact}).cast(pl.Decimal(12, 6))
    on_arrow = X.to_arrow().to_pandas(types_mapper=pd.ArrowDtype)
    plainly = regressor().fit(exact[:, None], Y).predict(exact[:, None])
    for given in (X, X.to_arrow(), on_arrow):
        np.testing.assert_array_equal(regressor().fit(given, Y).predict(given), plainly)


@pytest.mark.parametrize("kind", [pl.Int128, pl.UInt8, pl.Float32, pl.Boolean])
def test__numbers__of_any_kind__are_read(kind):
    X = pl.DataFrame({"a": [0, 1] * 30}).cast(kind)
    plainly = regressor().fit(np.array([[0.0], [1.0]] * 30), Y)
    np.testing.assert_allclose(
        regressor().fit(X, Y).predict(X), plainly.predict(X.cast(pl.Float64).to_numpy())
    )


@pytest.mark.parametrize("kind", [pa.date32(), pa.timestamp("us"), pa.duration("s")])
def test__missing_time__on_arrow__is_named(kind):
    stamps = pd.Series([1, None] * 30, dtype="int32[pyarrow]").astype("int64[pyarrow]")
    stamps = pa.array(stamps).cast(pa.int32() if kind == pa.date32() else pa.int64())
    X = pd.DataFrame({"t": pd.Series(stamps.cast(kind), dtype=pd.ArrowDtype(kind))})
    with pytest.raises(InvalidInputError, match=r"missing \(NaT\) in row 1"):
        regressor(time_column="t").fit(X.assign(v=Y), Y)


def test__names__twice_in_a_pyarrow_table__are_refused():
    X = pa.table([Y, Y], names=["a", "a"])
    with pytest.raises(InvalidInputError, match="names of their own"):
        regressor().fit(X, Y)


NESTED = {
    "series of arrays": lambda: pd.Series(list(CUBE)),
    "sktime": lambda: pd.DataFrame(
        {k: [pd.Series(x[:, j]) for x in CUBE] for j, k in enumerate("ab")}
    ),
    "polars lists": lambda: pl.DataFrame(
        {k: CUBE[:, :, j].tolist() for j, k in enumerate("ab")}
    ),
    "polars arrays": lambda: pl.DataFrame(
        {k: CUBE[:, :, j] for j, k in enumerate("ab")}
    ),
    "pandas on arrow": lambda: (
        pl.DataFrame({k: CUBE[:, :, j].tolist() for j, k in enumerate("ab")})
        .to_arrow()
        .to_pandas(types_mapper=pd.ArrowDtype)
    ),
    "polars series of lists": lambda: pl.Series(CUBE.tolist()),
}


@pytest.mark.parametrize("kind", NESTED)
def test__nested__of_any_kind__is_one_sequence_per_row(kind):
    X = NESTED[kind]()
    model = LiquidRegressor(6, epochs=1, random_state=0).fit(X, np.arange(12.0))
    plainly = LiquidRegressor(6, epochs=1, random_state=0).fit(
        list(CUBE), np.arange(12.0)
    )
    np.testing.assert_array_equal(model.predict(X), plainly.predict(list(CUBE)))
    scaled = SequenceScaler().fit_transform(X)
    assert [np.shape(x) for x in scaled] == [(5, 2)] * 12


def test__nested__time_in_the_cells__is_read():
    cells = [pd.Series(x[:, 0], index=STAMPS[k : k + 5]) for k, x in enumerate(CUBE)]
    model = LiquidRegressor(6, epochs=1).fit(pd.DataFrame({"a": cells}), range(12))
    assert model.time_unit_ != 1.0
    assert model.feature_names_in_.tolist() == ["a"]


def test__nested__values_beside_sequences__are_refused_by_name():
    X = pd.DataFrame({"a": [x[:, 0] for x in CUBE], "age": range(12)})
    with pytest.raises(InvalidInputError, match=r"columns \['age'\] beside"):
        LiquidRegressor(6, epochs=1).fit(X, range(12))


def test__nested__channels_of_other_lengths__are_refused_by_row():
    X = pd.DataFrame({"a": [x[:, 0] for x in CUBE], "b": [x[:4, 1] for x in CUBE]})
    with pytest.raises(InvalidInputError, match="5 steps in column 'a' of row 0 and 4"):
        LiquidRegressor(6, epochs=1).fit(X, range(12))


def test__lazy_frame__is_refused_with_what_to_call():
    with pytest.raises(InvalidInputError, match="collect"):
        regressor().fit(pl.DataFrame(VALUES).lazy(), Y)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (pd.interval_range(0, N, N), "Interval"),
        ([{"a": 1}] * N, "dict"),
        ([object()] * N, "object"),
    ],
    ids=["interval", "dict", "object"],
)
def test__objects__that_are_not_numbers__are_refused_by_column(cells, kind):
    words = f"row 0, column 'i' of X.*not '{kind}'"
    with pytest.raises((InvalidInputError, TypeError), match=words):
        regressor().fit(pd.DataFrame({"v": Y, "i": cells}), Y)


@pytest.mark.parametrize("container", ["polars", "pandas on arrow", "pyarrow table"])
def test__stream__rows_of_any_frame__equal_predict(container, expected):
    table = FRAMES[container](TIMED)
    model = regressor(time_column="t").fit(table, Y)
    rows = [FRAMES[container](TIMED[k : k + 1]) for k in range(30, N)]
    stream = model.stream(context=FRAMES[container](TIMED[:30]))
    answers = [stream.step(row) for row in rows]
    np.testing.assert_allclose(answers, expected[1][30:], atol=1e-5)
    after = model.predict(
        FRAMES[container](TIMED[30:]), context=FRAMES[container](TIMED[:30])
    )
    np.testing.assert_allclose(after, expected[1][30:], atol=1e-5)


def test__stream__time_in_an_index_on_arrow__is_read(expected):
    frame = FRAME.set_axis(INDICES["timestamp[us]"])
    stream = regressor().fit(frame, Y).stream()
    answers = [stream.step(frame.iloc[[k]]) for k in range(N)]
    np.testing.assert_allclose(answers, expected[1], atol=1e-5)
    stream = regressor().fit(frame, Y).stream()
    stamps = pa.array(STAMPS)
    answers = [stream.step(x, timestamp=t) for x, t in zip(VALUES, stamps, strict=True)]
    np.testing.assert_allclose(answers, expected[1], atol=1e-5)


@pytest.mark.parametrize("container", ["polars", "pyarrow table", "pandas on arrow"])
def test__scaler__any_frame__returns_its_kind(container):
    given = FRAMES[container](FRAME.reset_index(drop=True))
    scaled = SequenceScaler().fit_transform(given)
    assert type(scaled) is type(given)
    plainly = SequenceScaler().fit_transform(VALUES)
    # The order of the sums depends on how the numbers lie in memory.
    np.testing.assert_allclose(plain(scaled).to_numpy(), plainly, rtol=1e-9)


def test__scaler__columns_by_name__are_found():
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import StandardScaler

    chosen = ColumnTransformer(
        [("s", StandardScaler(), ["v"])], remainder="passthrough"
    )
    for X in (FRAME, pl.from_pandas(FRAME)):
        model = regressor(scale=chosen).fit(X, Y)
        numbered = ColumnTransformer(
            [("s", StandardScaler(), [0])], remainder="passthrough"
        )
        array = np.asarray(X)
        time = {"timestamps": STAMPS} if X is FRAME else {}
        plainly = regressor(scale=numbered).fit(array, Y, **time)
        np.testing.assert_array_equal(model.predict(X), plainly.predict(array, **time))
    inside = SequenceScaler(chosen).fit([FRAME, FRAME])
    assert np.allclose(inside.transform([FRAME])[0]["v"].mean(), 0)
