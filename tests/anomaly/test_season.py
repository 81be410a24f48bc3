"""How long it takes until rows look alike again."""

import numpy as np
import pandas as pd
import pytest
from anomaly_cases import wave

from LNN.anomaly.recordings import read_first
from LNN.anomaly.season import find_season

PLAIN = {"rows": "steps", "time_column": None, "group_column": None}


def season_of(X, unit=1.0, timestamps=None, groups=None):
    rows, _ = read_first(X, timestamps, groups, PLAIN)
    return find_season(rows, unit, timestamps is None)


def beats(n=4000):
    """Return pulses of 20 rows, about 200 apart."""
    rng = np.random.default_rng(0)
    x = 0.05 * rng.normal(size=n)
    begin = 50
    while begin + 20 < n:
        x[begin : begin + 20] += 3 * np.hanning(20)
        begin += int(rng.integers(192, 209))
    return x[:, None]


def test__season__beats_that_come_early_or_late__have_one():
    assert season_of(beats()) == pytest.approx(200, rel=0.05)


def test__season__clock_without_four_days__is_no_day():
    days = [pd.date_range("2024-01-01", periods=n, freq="h") for n in (95, 97)]
    noise = np.random.default_rng(0).normal(size=97)
    few, enough = (pd.DataFrame({"x": noise[: len(d)]}, index=d) for d in days)
    assert season_of(enough, 3600.0) == 24
    assert season_of(few, 3600.0) is None


def test__season__noise__has_none():
    assert season_of(np.random.default_rng(0).normal(size=(800, 2))) is None


def test__season__of_panels_with_gaps__is_that_of_their_rows():
    x = np.concatenate([wave(300, seed) for seed in range(3)])
    x[np.random.default_rng(1).random(900) < 0.1] = np.nan
    assert season_of(x, groups=np.repeat([0, 1, 2], 300)) == pytest.approx(24, abs=1)
