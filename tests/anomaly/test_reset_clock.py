"""Rows of a clock that was reset, gaps without end, and pauses that are real."""

import numpy as np
import pandas as pd
import pytest
from anomaly_cases import HOURS, frame, quick, wave

from LNN.exceptions import InvalidInputError

HOUR = pd.Timedelta(hours=1)
FAR = pd.Timestamp("2106-02-07")


def with_time(rows, place, when):
    index = rows.index.to_series()
    index.iloc[place] = pd.Timestamp(when)
    return rows.set_axis(pd.DatetimeIndex(index))


def at_odd_times():
    hours = np.random.default_rng(0).exponential(size=700).cumsum()
    return frame(700).set_axis(HOURS[0] + pd.to_timedelta(hours, unit="h"))


@pytest.fixture(scope="module")
def model():
    return quick(calendar=None).fit(frame(700))


@pytest.mark.parametrize(("place", "when"), [(0, "1970-01-01"), (-1, "2106-02-07")])
@pytest.mark.parametrize("rows", [frame(700), at_odd_times()], ids=["hours", "odd"])
def test__fit__row_of_a_reset_clock__is_named(rows, place, when):
    with pytest.raises(InvalidInputError, match=f"1 row.* that at {when}"):
        quick().fit(with_time(rows, place, when))


@pytest.mark.parametrize("method", ["anomaly_scores", "predict", "judged", "events"])
def test__scores__row_of_a_reset_clock__is_named(model, method):
    rows = with_time(frame(300), -1, FAR)
    with pytest.raises(InvalidInputError, match="1 row.* that at 2106-02-07"):
        getattr(model, method)(rows)


def test__fit__one_recording_of_two_with_a_reset_clock__is_named():
    rows = pd.concat({"a": frame(300), "b": with_time(frame(300), 0, "1970-01-01")})
    with pytest.raises(InvalidInputError, match="recording 'b': that at 1970-01-01"):
        quick().fit(rows)


def test__fit__halves_with_a_year_between__are_taken():
    rows = frame(700)
    late = rows[350:].set_axis(rows.index[350:] + pd.Timedelta(days=365))
    found = quick(calendar=None).fit(pd.concat([rows[:350], late]))
    assert found.season_ == 24


def test__step__row_of_a_reset_clock__is_refused_and_changes_nothing(model):
    rows = frame(720)
    stream, other = (model.stream(rows[:700]) for _ in range(2))
    with pytest.raises(InvalidInputError, match="2106-02-07 .* clock reset"):
        stream.step(rows.iloc[0], timestamp=FAR)
    for time, row in rows[700:].iterrows():
        answer = stream.step(row, timestamp=time)
        assert answer == other.step(row, timestamp=time)


def test__step__good_row_after_two_of_a_reset_clock__is_told_the_way_out(model):
    rows = frame(720)
    stream = model.stream(rows[:700])
    with pytest.raises(InvalidInputError, match="clock reset"):
        stream.step(rows.iloc[700], timestamp=FAR)
    stream.step(rows.iloc[700], timestamp=FAR + HOUR)
    words = r"one before \(2106-02-07 01:00:00\).*new stream: detector.stream\(context="
    with pytest.raises(InvalidInputError, match=words):
        stream.step(rows.iloc[701], timestamp=rows.index[701])
    again = model.stream(context=rows[:700])
    assert np.isfinite(again.step(rows.iloc[701], timestamp=rows.index[701]).score)


def test__step__second_row_after_a_pause__goes_on(model):
    rows, pause = frame(720), pd.Timedelta(days=600)
    stream = model.stream(rows[:700])
    times = rows.index[700:] + pause
    with pytest.raises(InvalidInputError, match="next one that comes soon"):
        stream.step(rows.iloc[700], timestamp=times[0])
    for time, row in zip(times[1:], rows.to_numpy()[701:], strict=True):
        assert np.isfinite(stream.step(row, timestamp=time).score)


def test__step__pause_shorter_than_the_stream__is_taken(model):
    rows = frame(720)
    stream = model.stream(rows[:700])
    stream.step(rows.iloc[700], timestamp=rows.index[700] + pd.Timedelta(days=60))


@pytest.mark.parametrize("dt", [1e15, 1e300, np.timedelta64(10**5, "Y")])
def test__step__gap_without_end__is_refused_and_changes_nothing(model, dt):
    rows = frame(720)
    stream, other = (model.stream(rows[:700]) for _ in range(2))
    with pytest.raises(InvalidInputError, match="time which can be stored.*its unit"):
        stream.step(rows.iloc[700], dt=dt)
    assert stream.step(rows.iloc[700], HOUR) == other.step(rows.iloc[700], HOUR)


def test__step__gap_without_end_after_a_fit_without_time__is_refused():
    stream = quick().fit(wave(700)).stream()
    stream.step([0.0])
    with pytest.raises(InvalidInputError, match="time which can be stored"):
        stream.step([0.0], dt=1e17)


def test__step__gap_below_0_within_rounding__is_refused(model):
    stream = model.stream(frame(300))
    with pytest.raises(InvalidInputError, match="time order"):
        stream.step(frame(301).iloc[300], dt=-1.0)
