"""Series of the tests of this folder, which import what they share."""

import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from forecast_cases import wave  # noqa: E402


@pytest.fixture
def series():
    """A Series of months."""
    index = pd.date_range("2010-01-01", periods=140, freq="MS", name="month")
    return pd.Series(wave(), index=index, name="sales")


@pytest.fixture
def panel():
    """A Series with three recordings of different length."""
    index = pd.date_range("2010-01-01", periods=140, freq="MS", name="month")
    parts = {
        name: pd.Series(wave(n, seed, level), index=index[:n])
        for seed, (name, n, level) in enumerate(
            [("a", 140, 10.0), ("b", 120, 300.0), ("c", 90, 5.0)]
        )
    }
    return pd.concat(parts, names=["shop"]).rename("sales")
