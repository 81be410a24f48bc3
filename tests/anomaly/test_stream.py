"""Rows that come one by one."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from anomaly_cases import HOURS, fitted_on_frame, fitted_on_wave, frame, quick, wave

from LNN import InvalidInputError


def test__step__without_adapting__scores_as_all_rows_at_once():
    model = fitted_on_wave(800)
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
    model = fitted_on_frame(calendar=("week",))
    stream = model.stream(adaptive=False, context=rows[400:500])
    found = [
        stream.step(row, timestamp=time).score for time, row in rows[500:].iterrows()
    ]
    expected = model.anomaly_scores(rows[400:])[100:]
    np.testing.assert_allclose(found, expected, rtol=2e-2, atol=1e-2)


def test__step__dt_and_time_stamps__are_the_same():
    rows = frame(700)
    model = fitted_on_frame(calendar=("week",))
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
    x, model = wave(), fitted_on_wave()
    before = model.anomaly_scores(x)
    stream = model.stream()
    for row in x[:200]:
        stream.step(row)
    np.testing.assert_array_equal(model.anomaly_scores(x), before)


def test__step__row_that_is_none__is_told():
    stream = fitted_on_frame().stream()
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
        fitted_on_frame(calendar=("week",)).stream().step([0.0, 0.0])


def test__step__channels_seldom_seen_at_odd_times__scores_as_all_rows_at_once():
    rng = np.random.default_rng(0)
    times = rng.exponential(size=600).cumsum()
    x = np.sin(times[:, None] / 4 + [0, 1]) + 0.05 * rng.normal(size=(600, 2))
    model = quick(window_length=3).fit(x, timestamps=times)
    x[rng.random(x.shape) < 0.7] = np.nan
    expected = model.anomaly_scores(x[:250], timestamps=times[:250])
    stream = model.stream(adaptive=False)
    found = [
        stream.step(*pair, timestamp=time).score
        for *pair, time in zip(x[:250], times[:250], strict=True)
    ]
    assert (expected > 0).sum() > 50
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("kind", ["polars", "reordered", "panel"])
def test__context__of_any_container__is_read_as_fit_reads_it(kind):
    rows = frame(700)
    model = fitted_on_frame()
    context = {
        "polars": pl.from_pandas(rows[600:660]),
        "reordered": rows.loc[rows.index[600:660], ["heat", "flow"]],
        "panel": pd.concat({"pump": rows[600:660]}),
    }[kind]
    expected = model.stream(rows[600:660]).step(rows.iloc[660])
    assert model.stream(context).step(rows.iloc[660]) == expected
    assert expected.score > 0


def test__context__that_is_no_table_of_one_recording__is_refused():
    rows = frame(60)
    model = fitted_on_frame()
    with pytest.raises(InvalidInputError, match="one recording"):
        model.stream(pd.concat({"pump": rows, "fan": rows}))
    with pytest.raises(InvalidInputError, match="n_rows, n_features"):
        model.stream(rows.to_numpy()[None])
    with pytest.raises(InvalidInputError, match="lacks"):
        model.stream(rows[["flow"]])
    named = frame().reset_index().assign(who=np.arange(1200) // 600)
    model = quick(time_column="hour", group_column="who").fit(named)
    with pytest.raises(InvalidInputError, match="one recording"):
        model.stream(named)


def test__timestamp__text_and_dates_of_python__are_those_of_pandas():
    rows = frame(700)
    model = fitted_on_frame(calendar=("week",))
    found = []
    for made in (lambda t: t, str, lambda t: t.to_pydatetime(), np.datetime64):
        stream = model.stream(rows[550:600].to_numpy()[:0])
        for time, row in rows[600:640].iterrows():
            stream.step(row, timestamp=made(time))
        found.append(stream.step(rows.iloc[640]))  # an hour later
    assert found[0].score > 0
    assert found.count(found[0]) == 4


def test__timestamp__of_another_kind_than_in_fit__is_refused():
    rows, stream = frame(600), fitted_on_frame().stream()
    stream.step([0.0, 0.0], timestamp=HOURS[0])
    for other in (3600, pd.NaT, HOURS[1].tz_localize("UTC"), pd.Timedelta("1h")):
        with pytest.raises(InvalidInputError, match="Expected"):
            stream.step([0.0, 0.0], timestamp=other)
    counted = quick().fit(rows.to_numpy()).stream(rows)  # equal gaps are steps
    with pytest.raises(InvalidInputError, match="without time stamps"):
        counted.step([0.0, 0.0], timestamp=HOURS[0])
    with pytest.raises(InvalidInputError, match="dt as a number"):
        counted.step([0.0, 0.0], pd.Timedelta("1h"))
    with pytest.raises(InvalidInputError, match="gap of inf"):
        counted.step([0.0, 0.0], np.inf)
    numbered = quick().fit(wave(600), timestamps=np.arange(600)).stream()
    with pytest.raises(InvalidInputError, match="as a number"):
        numbered.step([0.0], timestamp=HOURS[0])
