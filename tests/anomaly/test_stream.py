"""Rows that come one by one."""

import numpy as np
import pandas as pd
import pytest
from anomaly_cases import HOURS, frame, quick, wave

from LNN import InvalidInputError


def test__step__without_adapting__scores_as_all_rows_at_once():
    model = quick().fit(wave(800))
    x = wave(300, 1)
    x[250] += 2
    stream = model.stream(adaptive=False)
    found = [stream.step(row) for row in x]
    expected = model.anomaly_scores(x)
    scores = np.array([answer.score for answer in found])
    np.testing.assert_allclose(scores, expected, rtol=1e-2, atol=1e-3)
    alarms = [answer.alarm for answer in found]
    np.testing.assert_array_equal(alarms, model.predict(x) == -1)


def test__step__with_calendar_and_missing_rows__scores_as_all_at_once():
    rows = frame(700)
    rows.iloc[650, 0] = np.nan
    rows = rows.drop(HOURS[620:625])
    model = quick(calendar=["week"]).fit(frame(600))
    stream = model.stream(adaptive=False, context=rows[400:500])
    found = [
        stream.step(row, timestamp=time).score for time, row in rows[500:].iterrows()
    ]
    with pytest.warns(UserWarning, match="gap"):
        expected = model.anomaly_scores(rows[400:])[100:]
    np.testing.assert_allclose(found, expected, rtol=2e-2, atol=1e-2)


def test__step__dt_and_time_stamps__are_the_same():
    rows = frame(700)
    model = quick(calendar=["week"]).fit(rows[:600])
    streams = [model.stream(context=rows[550:600]) for _ in range(2)]
    for time, row in rows[600:650].iterrows():
        by_time = streams[0].step(row, timestamp=time)
        by_gap = streams[1].step(row, pd.Timedelta(hours=1))
        assert by_time == by_gap


def test__step__at_odd_times__scores_as_all_rows_at_once():
    rng = np.random.default_rng(0)
    times = rng.exponential(size=600).cumsum()
    x = np.sin(times / 3)[:, None] + 0.05 * rng.normal(size=(600, 1))
    model = quick().fit(x, timestamps=times)
    x, times = x[:250], times[:250]
    expected = model.anomaly_scores(x, timestamps=times)
    stream = model.stream(adaptive=False)
    found = [
        stream.step(row, timestamp=time).score
        for row, time in zip(x, times, strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-2)


@pytest.mark.slow
def test__adaptive__noise_that_grows_slowly__becomes_usual():
    x = wave(1900)
    growing = np.linspace(0, 0.2, 900)[:, None]
    x[1000:] += growing * np.random.default_rng(1).normal(size=(900, 1))
    model = quick().fit(x[:1000])
    count = {}
    for adaptive in (True, False):
        stream = model.stream(context=x[900:1000], adaptive=adaptive)
        count[adaptive] = sum(stream.step(row).alarm for row in x[1000:])
    assert count[True] < 0.5 * count[False]


def test__adaptive__anomaly_that_lasts__stays_one():
    x = wave(1600)
    x[1200:] = np.random.default_rng(1).normal(size=(400, 1)) * 3
    model = quick().fit(x[:1000])
    stream = model.stream(context=x[900:1000])
    alarms = np.array([stream.step(row).alarm for row in x[1000:]])
    assert not alarms[:200].any()
    assert alarms[300:].mean() > 0.95


def test__stream__leaves_the_detector_as_it_was():
    x = wave()
    model = quick().fit(x)
    before = model.anomaly_scores(x)
    stream = model.stream()
    for row in x[:200]:
        stream.step(row)
    np.testing.assert_array_equal(model.anomaly_scores(x), before)


def test__step__row_that_is_none__is_told():
    stream = quick(calendar=None).fit(frame()).stream()
    stream.step({"heat": 0.0, "flow": 1.0})
    with pytest.raises(InvalidInputError, match="lacks"):
        stream.step({"heat": 0.0})
    with pytest.raises(InvalidInputError, match="row of 2 values"):
        stream.step([1.0])
    with pytest.raises(InvalidInputError, match="infinite"):
        stream.step([1.0, np.inf])
    with pytest.raises(InvalidInputError, match="in time order"):
        stream.step([1.0, 1.0], -5 * 3600)


def test__stream__of_a_panel__is_one_of_its_recordings():
    x = np.concatenate([wave(600, seed) for seed in range(2)])
    model = quick().fit(x, groups=np.repeat([0, 1], 600))
    stream = model.stream(adaptive=False)
    found = [stream.step(row).score for row in x[600:700]]
    expected = model.anomaly_scores(x, groups=np.repeat([0, 1], 600))[600:700]
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-3)


def test__stream__of_sequences_or_without_a_clock__is_refused():
    cube = np.stack([wave(60, seed) for seed in range(520)])
    with pytest.raises(InvalidInputError, match="whole sequences"):
        quick(season=12).fit(cube).stream()
    with pytest.raises(InvalidInputError, match="timestamp="):
        quick(calendar=["week"]).fit(frame()).stream().step([0.0, 0.0])
