"""Rows of a clock that was reset, and pauses that are real."""

import numpy as np
import pandas as pd
import pytest
from forecast_cases import quick, wave

from LNN.exceptions import InvalidInputError
from LNN.forecasting import periods

SECONDS = pd.date_range("2026-01-01", periods=140, freq="s")
SERIES = pd.Series(wave(), SECONDS)


def with_row(y, when):
    row = pd.Series([0.0], [pd.Timestamp(when)])
    return pd.concat([y, row]).sort_index()


def odd_times():
    rng = np.random.default_rng(0)
    seconds = pd.to_timedelta(rng.exponential(2.0, 140).cumsum(), unit="s")
    return SERIES.set_axis(SECONDS[0] + seconds)


@pytest.fixture(scope="module")
def model():
    """A forecaster of rows of seconds."""
    return quick(n_seeds=0).fit(SERIES)


@pytest.mark.parametrize("when", ["1970-01-01", "2036-01-01"])
@pytest.mark.parametrize("y", [SERIES, odd_times()], ids=["seconds", "odd times"])
def test__fit__one_row_of_a_reset_clock__is_named(y, when):
    with pytest.raises(InvalidInputError, match=f"1 row.* that at {when}"):
        quick(n_seeds=0).fit(with_row(y, when))


@pytest.mark.parametrize("when", ["1970-01-01", "2036-01-01"])
def test__predict__one_row_of_a_reset_clock__is_named(model, when):
    with pytest.raises(InvalidInputError, match=f"1 row.* that at {when}"):
        model.predict(y=with_row(SERIES, when))


def test__fit__first_rows_before_the_clock_was_set__are_named():
    early = SERIES[:9].set_axis(pd.date_range("1970-01-01", periods=9, freq="s"))
    with pytest.raises(InvalidInputError, match=r"9 row\(s\) far before all others"):
        quick(n_seeds=0).fit(pd.concat([early, SERIES]))


def test__fit__halves_with_a_year_between__are_taken():
    late = SERIES[70:].set_axis(SECONDS[70:] + pd.Timedelta(days=365))
    found = quick(n_seeds=0, season=None).fit(pd.concat([SERIES[:70], late])).predict()
    assert np.isfinite(found).all()


def test__predict__far_more_steps_than_rows__says_where_none_is(model):
    late = SERIES[70:].set_axis(SECONDS[70:] + pd.Timedelta(days=365))
    with pytest.raises(InvalidInputError, match="140 rows on 31,536,140 steps"):
        model.predict(y=pd.concat([SERIES[:70], late]))


def test__stream__one_row_of_a_reset_clock__is_refused_and_changes_nothing(model):
    stream, other = model.stream(), model.stream()
    with pytest.raises(InvalidInputError, match="at 2036-01-01 .* clock reset"):
        stream.step(pd.Series([0.0], [pd.Timestamp("2036-01-01")]))
    later = pd.Series([10.0], SECONDS[-1:] + pd.Timedelta(seconds=1))
    pd.testing.assert_series_equal(stream.step(later), other.step(later))


@pytest.mark.parametrize("pause", [pd.Timedelta(hours=8), pd.Timedelta(days=40)])
def test__stream__second_row_after_a_pause__goes_on(model, pause):
    stream = model.stream()
    later = SERIES[:3].set_axis(SECONDS[:3] + pause)
    with pytest.raises(InvalidInputError, match="clock reset"):
        stream.step(later[:1])
    assert stream.step(later[1:2]).index[0] == later.index[2]
    assert np.isfinite(stream.step(later[2:])).all()


def test__update__two_rows_after_a_pause__are_taken(model):
    later = SERIES[:2].set_axis(SECONDS[:2] + pd.Timedelta(hours=8))
    updated = quick(n_seeds=0).fit(SERIES).update(later)
    assert updated.cutoff_ == later.index[-1]
    np.testing.assert_allclose(updated.predict(), model.stream().step(later))


def test__find_periods__bursts_far_apart__take_little_memory(monkeypatch):
    monkeypatch.setattr(periods, "MOST_CELLS", 400_000)
    rng = np.random.default_rng(0)
    burst = np.sort(rng.uniform(0, 1, 100))
    times = np.concatenate([burst + 1e7 * k for k in range(4)])
    assert periods.find_periods([times], [rng.normal(size=400)]) == ()
