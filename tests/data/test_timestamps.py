"""Time stamps to gaps, and gaps to units."""

import datetime

import numpy as np
import pandas as pd
import pytest
import torch

from LNN import LiquidRegressor
from LNN.data import elapsed_time, is_regular, normalised, time_unit
from LNN.exceptions import InvalidInputError

MINUTES = pd.to_datetime(["2020-01-01 00:00", "2020-01-01 00:01", "2020-01-01 00:03"])
ZONE = datetime.timezone(datetime.timedelta(hours=1))


def first(n):
    return np.arange(n) == 0


def gaps_of(stamps):
    return elapsed_time(stamps, first(len(stamps)))[0]


@pytest.mark.parametrize(
    "stamps",
    [
        MINUTES,
        MINUTES.tz_localize("Europe/Vienna"),
        MINUTES.to_numpy(),
        MINUTES.to_numpy().astype("datetime64[m]"),
        MINUTES.to_numpy().astype("datetime64[ns]"),
        pd.Series(MINUTES, index=[5, 5, 5]),
        list(MINUTES),
        [stamp.to_pydatetime() for stamp in MINUTES],
        MINUTES.array,
        torch.tensor([0, 60, 180]),
        [stamp.to_pydatetime().replace(tzinfo=ZONE) for stamp in MINUTES],
        np.array(list(MINUTES), dtype=object),
        MINUTES - MINUTES[0],
        (MINUTES - MINUTES[0]).to_numpy(),
        [datetime.timedelta(minutes=k) for k in (0, 1, 3)],
        pd.PeriodIndex(MINUTES, freq="min"),
        pd.DataFrame({"when": MINUTES}),
        np.array([0, 60, 180]),
        [0.0, 60.0, 180.0],
        np.array([0, 60, 180], dtype=np.uint64),
        np.array([[0], [60], [180]], dtype=np.int16),
        pd.Series([0, 60, 180], dtype="Int64"),
        np.array([0, 60, 180], dtype=object),
    ],
)
def test__elapsed_time__every_kind__gives_seconds(stamps):
    np.testing.assert_array_equal(gaps_of(stamps), [np.nan, 60, 120])


def test__elapsed_time__plain_dates__are_days():
    stamps = [datetime.date(2024, 2, day) for day in (27, 28, 29)]
    np.testing.assert_array_equal(gaps_of(stamps)[1:], 86400)


def test__elapsed_time__clock_change__counts_real_time():
    stamps = pd.date_range("2021-03-28", periods=4, freq="h", tz="Europe/Vienna")
    np.testing.assert_array_equal(gaps_of(stamps)[1:], 3600)


def test__elapsed_time__nanoseconds_since_1970__are_exact():
    base = 1_700_000_000_000_000_000
    assert gaps_of(np.array([base, base + 3]))[1] == 3


def test__elapsed_time__no_rows__is_empty():
    assert len(gaps_of(np.empty(0))) == 0
    assert len(gaps_of(pd.DatetimeIndex([]))) == 0


@pytest.mark.parametrize(
    ("stamps", "message"),
    [
        ([0.0, np.nan, 2.0], "is NaN in row 1"),
        ([0.0, 1.0, np.inf], "is infinite in row 2"),
        ([pd.Timestamp("2020"), pd.NaT], r"is missing \(NaT\) in row 1"),
        (np.array([0, None, 2], dtype=object), "is NaN in row 1"),
        (pd.Series([1, None], dtype="Int64"), "is NaN in row 1"),
        (["2020-01-01", "2020-01-02"], r"first: pandas\.to_datetime\(\.\.\.\)\."),
        ([datetime.date(2020, 1, 1), None], r"is missing \(NaT\) in row 1"),
        (np.array([0, 1j]), "got complex128"),
        (np.array([0, 1j], dtype=object), "got complex128"),
        (np.array([False, True]), "got bool"),
        (np.zeros((2, 2)), "got shape"),
        (
            [pd.Timestamp("2020", tz="UTC"), pd.Timestamp("2021", tz=ZONE)],
            r"one time zone, got UTC first and .* in row 1",
        ),
        (np.array([3, 1], dtype=np.uint8), "row 1 is at 1, .*row 0.* at 3"),
    ],
)
def test__elapsed_time__bad_stamps__name_the_row(stamps, message):
    with pytest.raises(InvalidInputError, match=message):
        gaps_of(stamps)


WALL = pd.date_range("2021-10-30", "2023-11-05", freq="15min", tz="Europe/Vienna")


@pytest.mark.parametrize("years", [1, 3])
@pytest.mark.parametrize("as_array", [False, True])
def test__elapsed_time__end_of_summer_time__asks_for_the_zone(years, as_array):
    known = WALL if years > 1 else WALL[:300]
    stamps = known.tz_localize(None)
    with pytest.raises(
        InvalidInputError,
        match=r"02:00:00.*02:45:00.*summer time.*tz_localize\(zone, ambiguous='inf",
    ) as info:
        gaps_of(stamps.to_numpy() if as_array else stamps)
    assert "shuffle" not in str(info.value)
    zoned = stamps.tz_localize("Europe/Vienna", ambiguous="infer")
    np.testing.assert_array_equal(gaps_of(zoned)[1:], 900)


def test__elapsed_time__end_of_summer_time_in_two_recordings__asks_for_the_zone():
    stamps = WALL[:300].tz_localize(None)
    begins = np.arange(600) % 300 == 0
    with pytest.raises(InvalidInputError, match="summer time"):
        elapsed_time(stamps.append(stamps), begins)


SHUFFLED = {
    "twice a week": pd.Series(WALL[:2000].tz_localize(None)).replace(
        {WALL[1000].tz_localize(None): WALL[998].tz_localize(None)}
    ),
    "a day's rows": WALL[[3, 2, 1, 0, 4, 5]].tz_localize(None),
    "swapped": WALL[[0, 2, 1, 3]].tz_localize(None).floor("h")
    + pd.to_timedelta([0, 2, 1, 3], "min"),
    "two hours": WALL[[0, 8, 0]].tz_localize(None),
    "zone": WALL[[0, 1, 0]],
    "durations": WALL[[0, 1, 0]] - WALL[0],
    "numbers": [0, 1, 0],
}


@pytest.mark.parametrize("kind", SHUFFLED)
def test__elapsed_time__other_steps_back__are_no_summer_time(kind):
    with pytest.raises(InvalidInputError, match="time goes back.*shuffle=False"):
        gaps_of(SHUFFLED[kind])


def test__elapsed_time__order__messages_name_the_callers_rows():
    stamps = np.array([5.0, 0.0, 4.0, 1.0])
    with pytest.raises(InvalidInputError, match=r"row 2 is at 4.0.*\(row 0\) at 5.0"):
        elapsed_time(
            stamps,
            np.array([True, False, True, False]),
            order=np.array([0, 2, 1, 3]),
        )


def test__time_unit__gaps__median_of_the_positive_ones():
    assert time_unit(np.array([np.nan, 0, 0, 0, 2, 4, 9])) == 4
    assert time_unit(np.array([2.0, 4.0])) == 3
    assert time_unit(np.array([np.nan, 0])) == 1
    assert time_unit(np.empty(0)) == 1


@pytest.mark.parametrize("base", [0.0, 1.7e9])
@pytest.mark.parametrize("step", [0.1, 1 / 3, 60.0])
def test__normalised__regular_float_stamps__are_exactly_one(base, step):
    gaps, resolution, _ = elapsed_time(base + step * np.arange(1000), first(1000))
    unit = time_unit(gaps)
    assert (normalised(gaps, unit, resolution) == 1.0).all()
    assert is_regular(gaps, unit, resolution)


def test__normalised__float32_stamps__rounding_is_known():
    stamps = (np.arange(100_000) * 0.5).astype(np.float32)
    gaps, resolution, _ = elapsed_time(stamps + np.float32(0.2), first(len(stamps)))
    unit = time_unit(gaps)
    assert is_regular(gaps, unit, resolution)


def test__normalised__irregular__keeps_ratios():
    gaps = np.array([np.nan, 10.0, 0.0, 10.001, 25.0])
    assert not is_regular(gaps, 10.0)
    np.testing.assert_allclose(normalised(gaps, 10.0), [1, 1, 0, 1.0001, 2.5])
    assert np.isnan(gaps[0])


def test__gaps__passed_as_time_stamps__are_told_with_the_sum_to_pass():
    rng = np.random.default_rng(0)
    X, dt = rng.normal(size=(30, 9, 2)), rng.exponential(size=(30, 9))
    model = LiquidRegressor(4, epochs=1)
    with pytest.raises(InvalidInputError, match=r"numpy.cumsum\(dt, axis=1\)"):
        model.fit(X, X[:, 0, 0], timestamps=dt)
    model.fit(X, X[:, 0, 0], timestamps=np.cumsum(dt, axis=1))
