"""What a fit takes but can make little of is said: short series, jitter, windows."""

import numpy as np
import pandas as pd
import pytest
from forecast_cases import quick, wave

from LNN import LiquidForecaster
from LNN.exceptions import InvalidInputError, LNNWarning


def test__fit__short_series_of_a_panel__are_counted(panel):
    late = panel["a"][:30]
    short = pd.concat([panel, pd.concat({"tiny": late, "other": late[:28]})])
    with pytest.warns(
        LNNWarning, match="2 of 5 series .* 'other' with 28 rows"
    ) as told:
        model = quick(n_seeds=0).fit(short)
    assert "5 series of 1 target(s), 2 of them too short" in model.summary()
    assert len(model.predict()) == 5 * 3
    text = next(str(w.message) for w in told)
    assert "window_length=20" in text
    quick(n_seeds=0, window_length=20).fit(short)  # what is advised trains on all


def test__fit__no_short_series__nothing_is_said(panel):
    assert "too short" not in quick(n_seeds=0).fit(panel).summary()


def test__fit__jittering_clock__names_the_line():
    off = pd.to_timedelta(np.tile([0, 1, -1, 0], 30), unit="s")
    times = pd.date_range("2024-01-01", periods=120, freq="min") + off
    y = pd.Series(wave(120), times)
    with pytest.warns(LNNWarning, match=r'y.index = y.index.round\("min"\)'):
        quick(1, n_seeds=0).fit(y)
    y.index = y.index.round("min")
    assert "equal, 0:01:00" in quick(1, n_seeds=0).fit(y).summary()


def test__fit__one_short_series__window_below_the_season_is_told():
    months = pd.date_range("2010-01-01", periods=50, freq="MS")
    y = pd.Series(wave(50), months)
    told = "shorter than the season of 12.*window_length=12, which leaves 3 window"
    with pytest.warns(LNNWarning, match=told):
        model = LiquidForecaster(18, n_seeds=0).fit(y)
    assert model.window_length_ < 12
    LiquidForecaster(18, n_seeds=0, window_length=12).fit(y)


def test__fit__many_short_series__windows_hold_a_season():
    months = pd.date_range("2010-01-01", periods=50, freq="MS")
    y = pd.concat({k: pd.Series(wave(50, k), months) for k in range(8)})
    assert LiquidForecaster(18, n_seeds=0).fit(y).window_length_ == 12


def test__fit__too_short__quotes_no_parameter_that_was_not_set():
    with pytest.raises(InvalidInputError, match="windows of 2 rows") as error:
        LiquidForecaster(12).fit(wave(14))
    assert "window_length" not in str(error.value)
