"""Dates that are text or numbers are told wherever time may stand; ids are not."""

import warnings

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidRegressor
from LNN.data import read_sequences
from LNN.data.written_dates import line_for_numbers, line_for_text
from LNN.exceptions import InvalidInputError, LNNWarning

DAYS = pd.date_range("2020-12-20", periods=40)
HOURS = pd.date_range("2020-12-31 20:00", periods=40, freq="h")
MONTHS = pd.date_range("2020-01-01", periods=40, freq="MS")
WEEKS = pd.date_range("2020-01-06", periods=60, freq="7D")
DAILY = [
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y_%m_%d", "%Y%m%d", "%d.%m.%Y", "%d.%m.%y"),
    *("%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d %b %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y", "%d%b%Y"),
    *("%d. %B %Y", "%A, %B %d, %Y", "%Y %b %d", "%G-W%V-%u"),
]
HOURLY = [
    *("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H", "%Y-%m-%dT%H:%M:%SZ"),
    *("%Y%m%dT%H%M", "%Y%m%d %H%M", "%Y%m%d_%H%M%S", "%Y%m%d%H%M%S", "%Y%m%d%H"),
    *("%d.%m.%Y %H:%M", "%d.%m.%Y %H.%M", "%d/%m/%Y %I:%M %p", "%m/%d/%Y %I:%M %p"),
    *("%a, %d %b %Y %H:%M:%S GMT", "%d/%b/%Y:%H:%M:%S"),
]
WRITTEN = {f: DAYS for f in DAILY} | {f: HOURS for f in HOURLY}
WRITTEN |= {"%Y-%m": MONTHS, "%b %Y": MONTHS, "%m/%Y": MONTHS, "%Y%m": MONTHS}
WRITTEN |= {"%G-W%V": WEEKS}


@pytest.mark.parametrize("how", WRITTEN)
def test__text__any_way_to_write_a_date__the_line_reads_it(how):
    labels = WRITTEN[how].strftime(how)
    line = line_for_text(labels)
    assert line is not None
    # Six digits are an id, unless the months go on in the next year.
    assert how == "%Y%m" or line_for_text(labels[:3]) is not None
    read = eval(
        line.format("labels"), {"pandas": pd, "labels": labels}
    )  # no warning of pandas either
    assert (read.tz_localize(None) == WRITTEN[how]).all()


IDS = [
    *(["a1", "a2"], ["2020", "2021"], ["1-1", "1-2"], ["1-2-3", "1-2-4"], ["1/2/3"]),
    *(["sensor 3", "sensor 4"], ["A-12", "A-13"], ["100001", "100002"], ["1", "2"]),
    *(["0.5", "1.5"], ["2020.5", "2021.10"], ["3e5"], ["2020-97", "2020-98"], ["x"]),
    *(["10.4.2", "10.4.3"], ["1.2.10", "1.2.11"], ["10.0.0.1"], ["101112", "111213"]),
    *(["may", "june"], ["May 5", "May 6"], ["Mon", "Tue"], ["Jan"], ["12A"], ["1:2"]),
    *(["2021-0001", "2021-0002"], ["2020a"], ["S2021-1"], ["20210132", "20210133"]),
    *(["BE-2020-01", "BE-2020-02"], ["00:1B:44:11:3A:B7"], ["now"], ["nan"], [" "]),
    *(["run 10:30", "run 10:40"], ["v2021.1"], ["2020-01-01", "total"], [1, 2], [""]),
    *([None, None], [], ["2020-01-01", 3], [("a", 1)]),
]


@pytest.mark.parametrize("labels", IDS, ids=str)
def test__text__ids_and_numbers__are_no_dates(labels):
    assert line_for_text(pd.Index(labels, dtype=object)) is None


def test__text__days_up_to_12__order_tells_which_is_the_day():
    labels = pd.Index(["05/01/2021", "06/01/2021", "07/01/2021", "01/02/2021"])
    assert line_for_text(labels) == "pandas.to_datetime({}, dayfirst=True)"
    labels = pd.Index(["01/05/2021", "01/06/2021", "01/07/2021", "02/01/2021"])
    assert line_for_text(labels) == "pandas.to_datetime({})"
    dots = pd.Index(["01.12.2020", "02.12.2020"])
    assert line_for_text(dots) == "pandas.to_datetime({}, dayfirst=True)"


NUMBERS = {
    "%Y%m%d": DAYS,
    "%Y%m": MONTHS,
    "%Y%j": DAYS,
    "%Y%m%d%H": HOURS,
    "%Y%m%d%H%M": HOURS,
    "%Y%m%d%H%M%S": HOURS,
}


@pytest.mark.parametrize("how", NUMBERS)
@pytest.mark.parametrize("dtype", ["int64", "float64", "Int64", "uint64"])
def test__numbers__dates__the_line_reads_them(how, dtype):
    numbers = pd.Index(NUMBERS[how].strftime(how).astype("int64"), dtype=dtype)
    line = line_for_numbers(numbers)
    assert f'format="{how}"' in line
    assert (
        eval(line.format("numbers"), {"pandas": pd, "numbers": numbers}) == NUMBERS[how]
    ).all()


@pytest.mark.parametrize(
    "numbers",
    [
        range(20240101, 20240180),
        range(20240101, 20240130),  # whose gaps are right
        range(200101, 200140),
        range(2000, 2030),
        [20240131, 20240201],
        1.7e9 + 60 * np.arange(50),
        20240130.5 + np.arange(90),
        np.random.default_rng(0).integers(19000101, 21001231, 40),
        np.arange(50) * 86400,
        [np.nan, 20240131, 20240201, 20240202],
        [],
        ["20240131", "20240201", "20240202"],
    ],
    ids=str,
)
def test__numbers__others__are_no_dates(numbers):
    assert line_for_numbers(numbers) is None


# --------------------------------------------------------------- where time may stand

V = np.sin(np.arange(40.0))
WHOLE = DAYS.strftime("%Y%m%d").astype("int64")
TEXT = DAYS.strftime("%d.%m.%Y")


def frame(index=None, **columns):
    return pd.DataFrame({"v": V, **columns}, index=index)


def levels(*arrays):
    return pd.MultiIndex.from_arrays(arrays)


def line_in(told, before):
    """Return the line of a warning, which stands after some words."""
    return (
        str(told[0].message).partition(before)[2].partition(". If not")[0].rstrip(".")
    )


HALVES, SENSORS = np.repeat([0, 1], 20), np.tile([1, 2], 20)
TWICE, TWICE_WHOLE = TEXT[:20].repeat(2), WHOLE[:20].repeat(2)


@pytest.mark.parametrize(
    ("index", "what"),
    [
        (TEXT, "is ignored"),
        (WHOLE, "is ignored"),
        (WHOLE.astype(float), "is ignored"),
        (levels(HALVES, TEXT), "Level 1 of the index"),
        (levels(TWICE, SENSORS), "Level 0 of the index"),
        (levels(TWICE, [*"ab"] * 20), "Level 0 of the index"),
        (levels(TWICE_WHOLE, SENSORS), "dates as numbers"),
        (levels([0] * 40, TWICE_WHOLE, [*"ab"] * 20), "Level 1 of the index"),
    ],
)
@pytest.mark.parametrize("as_list", [False, True])
def test__index__written_dates__the_line_makes_them_time(index, what, as_list):
    X = [frame(index)] * 2 if as_list else frame(index)
    if as_list and index.nlevels > 1 and index[1][-1] == 2:
        with pytest.warns(LNNWarning, match=what), pytest.raises(InvalidInputError):
            read_sequences(X, window_length=3)  # the sensors are read as time
        return
    with pytest.warns(LNNWarning, match=what) as told:
        read_sequences(X, window_length=3)
    assert len(told) == 1
    names = {"X": X, "pandas": pd, "numpy": np}
    exec(line_in(told, "convert it: "), names)
    X = names["X"]
    assert read_sequences(X, window_length=3).time_kind == "datetimes or durations"


def test__index__names_of_recordings_by_date__are_not_doubted():
    hours = pd.Timestamp("2024") + pd.to_timedelta(np.arange(40), unit="h")
    days = hours.strftime("%d.%m.%Y")
    read_sequences(frame(levels(days, hours)), window_length=3)
    X = frame(levels(days, np.arange(40)))
    read_sequences(X, window_length=3, timestamps=np.arange(40), groups=days)
    read_sequences(X, window_length=1)


def fit_of(kind):
    """Return an estimator, with what to fit it on, for dates written as numbers."""
    cube = np.zeros((2, 40, 1))
    whole = WHOLE.to_numpy()
    rows = {"window_length": 4, "epochs": 1}
    stamps = np.stack([WHOLE, WHOLE])
    y = np.arange(2.0)
    by_column = np.concatenate([cube, stamps[..., None]], axis=2)
    frames = [frame(t=WHOLE), frame(t=WHOLE)]
    timed = {**rows, "time_column": "t"}
    return {
        "timestamps": (rows, frame(), V, {"timestamps": whole}),
        "floats": (rows, frame(), V, {"timestamps": whole.astype(float)}),
        "list": (rows, frame(), V, {"timestamps": whole.tolist()}),
        "series": (rows, frame(), V, {"timestamps": pd.Series(whole)}),
        "column": (timed, frame(t=whole), V, {}),
        "array": ({**rows, "time_column": 1}, frame(t=whole).to_numpy(), V, {}),
        "level": (rows, frame(levels([0] * 40, WHOLE)), V, {}),
        "cube": ({"epochs": 1}, cube, y, {"timestamps": stamps}),
        "cube (n, T, 1)": ({"epochs": 1}, cube, y, {"timestamps": stamps[..., None]}),
        "cube, column": ({"epochs": 1, "time_column": 1}, by_column, y, {}),
        "ragged": (
            {"epochs": 1},
            [cube[0], cube[1, :39]],
            y,
            {"timestamps": [WHOLE, whole[:39]]},
        ),
        "frames": ({"epochs": 1, "time_column": "t"}, frames, y, {}),
        "frames, level": (
            {"epochs": 1},
            [frame(levels([k] * 40, WHOLE)) for k in y],
            y,
            {},
        ),
    }[kind]


KINDS = ["timestamps", "floats", "list", "series", "column", "array", "level", "cube"]
KINDS += ["cube (n, T, 1)", "cube, column", "ragged", "frames", "frames, level"]


@pytest.mark.parametrize("kind", KINDS)
def test__fit__dates_as_numbers__the_line_makes_them_time(kind):
    parameters, X, y, how = fit_of(kind)
    model = LiquidRegressor(4, random_state=0, **parameters)
    with pytest.warns(LNNWarning, match="dates written as numbers") as told:
        model.fit(X, y, **how)
    assert len(told) == 1
    model.predict(X, **how)  # told once
    line = line_in(told, "Convert them: ")
    names = {"X": X, "pandas": pd, "numpy": np, "timestamps": how.get("timestamps")}
    if line.endswith(", without time_column="):
        line = line.removesuffix(", without time_column=")
        model.set_params(time_column=None)
        X = [x[:, :1] for x in X] if isinstance(X, list) else X[..., :1]
    if line.startswith("timestamps="):
        exec(f"how = dict({line})", names)
        model.fit(X, y, **names["how"])
    else:
        exec(line, names)
        model.fit(names["X"], y, **how)
    assert model.time_unit_ == 86400


def test__time_stamps_as_text__error_has_the_line():
    model = LiquidRegressor(4, window_length=4, epochs=1)
    line = r"first: pandas\.to_datetime\(\.\.\., dayfirst=True\)\."
    with pytest.raises(InvalidInputError, match=line):
        model.fit(frame(), V, timestamps=TEXT.to_numpy())
    with pytest.raises(InvalidInputError, match=line):
        model.set_params(time_column="t").fit(frame(t=TEXT), V)
    line = r'first: pandas\.to_datetime\(\.\.\., format="%Y%m%d"\)\.'
    with pytest.raises(InvalidInputError, match=line):
        model.fit(frame(t=WHOLE.astype(str)), V)


def test__text__that_is_read_twice__pandas_never_speaks():
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for labels in ([*TEXT], ["3rd of May", "5th"], ["13/01/2020 x", "1"]):
            line_for_text(pd.Index(labels))
    assert not told
