"""Grids: what an index says about the rows that come next."""

import numpy as np
import pandas as pd
import pytest

from LNN.forecasting.grid import Grid

FREQUENCIES = ["30min", "h", "D", "B", "W-SUN", "MS", "ME", "QS", "QE", "YS", "YE"]


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test__after__of_any_frequency__is_what_pandas_counts(frequency):
    times = pd.date_range("2023-01-01", periods=40, freq=frequency)
    grid = Grid.of([times[:30]])
    assert grid.after(times[29], 10).tolist() == times[30:].tolist()


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test__positions__of_rows__count_them(frequency):
    times = pd.date_range("2023-01-01", periods=40, freq=frequency)
    grid = Grid.of([times])
    assert grid.positions(times, times[0]).tolist() == list(range(40))


@pytest.mark.parametrize("frequency", ["h", "D", "B", "MS", "ME"])
def test__of__rows_that_lack__is_the_same_grid(frequency):
    times = pd.date_range("2023-01-02", periods=60, freq=frequency)
    kept = np.delete(times, [7, 8, 31, 50])
    grid = Grid.of([kept])
    assert grid == Grid.of([times])
    assert grid.positions(kept, times[0]).max() == 59


def test__of__numbers__goes_on_counting():
    grid = Grid.of([pd.Index([1990, 1991, 1992])])
    assert grid.after(1992, 2).tolist() == [1993, 1994]
    assert Grid.of([pd.Index([1, 3, 5, 6])]).step == 1
    assert Grid.of([pd.Index([0.5, 1.0, 1.5])]).after(1.5, 1).tolist() == [2.0]


def test__of__odd_times__is_none():
    rng = np.random.default_rng(0)
    seconds = pd.to_timedelta(rng.exponential(60, 50).cumsum(), unit="s")
    assert Grid.of([pd.Timestamp("2024") + seconds]) is None
    assert Grid.of([pd.Index(np.sort(rng.random(20)))]) is None


def test__after__across_summer_time__keeps_the_hour_of_the_day():
    times = pd.date_range("2024-03-20", periods=20, freq="D", tz="Europe/Berlin")
    grid = Grid.of([times])
    assert grid.kind == "wall clock"
    assert grid.after(times[-1], 3).hour.tolist() == [0, 0, 0]
    assert grid.positions(times, times[0]).tolist() == list(range(20))


def test__positions__off_the_calendar__are_not_whole():
    months = pd.date_range("2024-01-01", periods=12, freq="MS")
    found = Grid.of([months]).positions(pd.DatetimeIndex(["2024-03-05"]), months[0])
    assert np.isnan(found).all()
