"""Rows at odd times: forecasts of any time to come, one query at a time."""

import numpy as np
import pandas as pd
import pytest
from forecast_cases import quick

from LNN.exceptions import InvalidInputError, LNNWarning

HOUR = 3600.0


@pytest.fixture(scope="module")
def odd():
    """A daily wave that was looked at every two hours or so."""
    rng = np.random.default_rng(0)
    hours = rng.exponential(2, 300).cumsum()
    values = np.sin(2 * np.pi * hours / 24) + 0.05 * rng.normal(size=300)
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(hours, unit="h")
    return pd.Series(values, index=times, name="level")


@pytest.fixture(scope="module")
def model(odd):
    """A forecaster of the next rows of it."""
    return quick(4, calendar=None).fit(odd[:250])


def after(odd, hours):
    return odd.index[249] + pd.to_timedelta(hours, unit="h")


def test__predict__at_times__follows_the_wave(odd, model):
    found = model.predict(times=after(odd, [1.0, 4.0, 6.0]))
    hours = (found.index - odd.index[0]).total_seconds() / HOUR
    start = (odd.index[0] - pd.Timestamp("2024-01-01")).total_seconds() / HOUR
    assert np.abs(found - np.sin(2 * np.pi * (hours + start) / 24)).max() < 0.4


def test__fit__finds_the_period(model):
    (period,) = model.model_.engine.inputs.calendar.periods
    assert period / HOUR == pytest.approx(24, rel=0.02)


def test__predict__other_times_asked__do_not_matter(odd, model):
    both = model.predict(times=after(odd, [5.0, 1.0]))
    alone = model.predict(times=after(odd, [1.0]))
    np.testing.assert_allclose(both.iloc[1], alone.iloc[0], rtol=1e-6)


def test__predict__rows__are_the_usual_gap_apart(odd, model):
    found = model.predict()
    gaps = np.diff(found.index) / pd.Timedelta(seconds=1)
    usual = np.median(np.diff(odd.index[:250]) / pd.Timedelta(seconds=1))
    assert len(found) == 4
    np.testing.assert_allclose(gaps, usual)


def test__predict__at_later_times__all_moved_alike__is_the_same(odd):
    moved = odd.set_axis(odd.index + pd.Timedelta(days=1000))
    how = {"calendar": None}
    here, there = (quick(4, **how).fit(y[:250]).predict() for y in (odd, moved))
    np.testing.assert_allclose(here.to_numpy(), there.to_numpy(), rtol=1e-4, atol=1e-5)


def test__predict__numbers_as_times__are_times(odd):
    hours = (odd.index - odd.index[0]).total_seconds() / HOUR
    found = quick(4, calendar=None).fit(odd.set_axis(hours)[:250])
    forecast = found.predict(times=[hours[249] + 1.0])
    assert forecast.index.tolist() == [hours[249] + 1.0]


def test__fit__unseen_values_at_odd_times__are_allowed(odd):
    holes = odd.copy()
    holes.iloc[::9] = np.nan
    found = quick(4, calendar=None).fit(holes).predict()
    assert np.isfinite(found).all()


def test__predict__the_past__is_refused(odd, model):
    with pytest.raises(InvalidInputError, match="after the last row"):
        model.predict(times=after(odd, [1.0, -1.0]))


def test__predict__far_beyond_what_was_learnt__warns(odd, model):
    with pytest.warns(LNNWarning, match=r"\d days.* beyond what it learnt"):
        model.predict(times=after(odd, [1000.0]))


@pytest.mark.filterwarnings("ignore::LNN.exceptions.LNNWarning")
def test__backtest__each_forecast__is_that_of_predict_at_its_times(odd, model):
    tested = model.backtest(odd, step=7)
    for cutoff, part in tested.groupby("cutoff"):
        alone = model.predict(times=pd.Index(part.time), y=odd[:cutoff])
        np.testing.assert_allclose(part.prediction, alone, rtol=1e-4, atol=1e-5)


def test__predict__just_beyond_the_horizon__warns_where_intervals_are_refused(odd):
    model = quick(4, calendar=None).fit(odd[:250])
    usual = model.predict().index[0] - odd.index[249]
    near, beyond = (odd.index[249] + steps * usual for steps in (3.9, 4.1))
    model.predict(times=near)
    model.predict_interval(times=near, coverage=0.8)
    with pytest.warns(LNNWarning, match="beyond what it learnt"):
        model.predict(times=beyond)
    with pytest.raises(InvalidInputError, match="at most 4 steps"):
        model.predict_interval(times=beyond, coverage=0.8)


def test__predict__one_time__is_a_list_of_one(odd, model):
    (time,) = after(odd, [3.0])
    pd.testing.assert_series_equal(
        model.predict(times=time), model.predict(times=[time])
    )


@pytest.mark.parametrize("seed", [0, 1])
def test__predict_interval__default_times__are_within_the_horizon(seed):
    rng = np.random.default_rng(seed)
    hours = rng.exponential(2.0, 200).cumsum()
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(hours, unit="h")
    model = quick(6, epochs=1, n_seeds=0).fit(pd.Series(np.sin(hours / 4), when))
    band = model.predict_interval(coverage=0.8)
    assert band.index.equals(model.predict().index)


def test__predict_interval__widens_between_steps_of_the_usual_gap(odd, model):
    near, far = (
        model.predict_interval(times=after(odd, [hours]), coverage=0.8)
        for hours in (0.01, 4.0)
    )
    width = [(band.upper - band.lower).iloc[0] for band in (near, far)]
    assert 0 < width[0] < width[1]


def test__predict__regular_series_between_rows__lies_on_a_line(series):
    found = quick(season=12).fit(series.set_axis(np.arange(140) * 2.0))
    rows = found.predict()
    middle = found.predict(times=[281.0, 280.0])
    expected = (rows.iloc[0] + rows.iloc[1]) / 2
    np.testing.assert_allclose(middle, [expected, rows.iloc[0]])
