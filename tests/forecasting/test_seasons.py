"""Seasons, from the clock and from the series; and periods at odd times."""

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidForecaster
from LNN.forecasting.grid import Grid
from LNN.forecasting.periods import find_periods
from LNN.forecasting.seasons import find_seasons

NOISE = np.random.default_rng(0).normal(size=3000)
NUMBERS = Grid("numbers", 1)


@pytest.mark.parametrize(
    ("frequency", "seasons"),
    [
        ("30min", (48, 336)),
        ("h", (24, 168)),
        ("D", (7,)),
        ("B", (5,)),
        ("W", (52,)),
        ("MS", (12,)),
        ("QS", (4,)),
        ("YS", (1,)),
    ],
)
def test__find_seasons__of_a_clock__are_its_cycles(frequency, seasons):
    times = pd.date_range("1900-01-01", periods=900, freq=frequency)
    assert find_seasons(Grid.of([times]), [NOISE[:900]]) == seasons


def test__find_seasons__of_a_short_series__fit_in_twice():
    times = pd.date_range("2024-01-01", periods=60, freq="h")
    assert find_seasons(Grid.of([times]), [NOISE[:60]]) == (24,)


@pytest.mark.parametrize("season", [4, 7, 12, 24])
def test__find_seasons__of_numbers__come_from_the_series(season):
    wave = np.sin(2 * np.pi * np.arange(600) / season)
    assert find_seasons(NUMBERS, [wave + 0.1 * NOISE[:600]])[0] == season


def test__find_seasons__a_week_of_days__is_the_longer_cycle():
    day = np.sin(2 * np.pi * np.arange(2000) / 24)
    weekend = 1 + (np.arange(2000) // 24 % 7 > 4)
    found = find_seasons(NUMBERS, [day * weekend + 0.05 * NOISE[:2000]])
    assert found == (24, 168)


@pytest.mark.parametrize("series", [NOISE[:500], NOISE[:500].cumsum(), np.zeros(500)])
def test__find_seasons__without_any__are_none(series):
    assert find_seasons(NUMBERS, [series]) == (1,)


def test__find_seasons__what_came_twice__is_none():
    twice = np.tile(NOISE[:100], 2)
    assert find_seasons(NUMBERS, [twice]) == (1,)


def test__find_periods__of_noise__are_none():
    times = np.sort(np.random.default_rng(1).uniform(0, 1000, 600))
    assert find_periods([times], [NOISE[:600]]) == ()


def test__find_periods__two_of_them__are_both_found():
    times = np.sort(np.random.default_rng(1).uniform(0, 1000, 800))
    both = np.sin(2 * np.pi * times / 10) + 0.7 * np.sin(2 * np.pi * times / 63)
    found = find_periods([times], [both + 0.2 * NOISE[:800]])
    np.testing.assert_allclose(sorted(found), [10, 63], rtol=0.01)


def test__find_periods__with_strong_harmonics__is_the_whole_period():
    times = np.sort(np.random.default_rng(1).uniform(0, 1000, 800))
    share = times / 24
    values = np.sin(2 * np.pi * share) + 1.2 * np.sin(4 * np.pi * share)
    (found, *_) = find_periods([times], [values])
    assert found == pytest.approx(24, rel=0.01)


def test__forecaster__own_season_longer_than_windows__is_judged_by_a_season_ago():
    season = 1500  # windows hold 1024 rows at most
    shape = np.random.default_rng(3).normal(size=season).cumsum()
    y = np.tile(shape, 4)[:5200] + 0.01 * np.random.default_rng(4).normal(size=5200)
    model = LiquidForecaster(4, season=season, n_seeds=0, random_state=0).fit(y[:5000])
    assert model.season_ == season > model.window_length_
    assert model.baseline_errors_["seasonal naive"] < model.baseline_errors_["naive"]
    found = model.backtest(y[5000:])
    naive = np.abs(y[found["time"].to_numpy() - season] - found["y"])
    error = (found["y"] - found["prediction"]).abs()
    assert model.score(y[5000:]) == pytest.approx(
        1 - error.sum() / naive.sum(), rel=0.05
    )
