"""Lags of darts reach a network through `LagsAsSequence` in their order."""

import numpy as np
import pandas as pd
import pytest
from tiny import TINY

pytest.importorskip("darts", reason="make check-adapters runs these tests")

from darts import TimeSeries
from darts.models import SKLearnModel

from LNN import LiquidRegressor
from LNN.adapters import LagsAsSequence

STEPS = np.arange(130)
DAYS = pd.date_range("2024", periods=130, freq="D")
NOISE = np.random.default_rng(0).normal(size=130)
VALUES = np.sin(STEPS * 2 * np.pi / 12) + 0.1 * NOISE
SERIES = TimeSeries.from_series(pd.Series(VALUES, DAYS))
PROMO = TimeSeries.from_series(pd.Series((STEPS % 5 == 0).astype(float), DAYS))


def wrapped(lags):
    return LagsAsSequence(LiquidRegressor(**TINY), lags=lags)


def window(lags):
    """Return the last lags of the past as one sequence, the oldest first."""
    return VALUES[120 - np.sort(lags)[::-1]][None, :, None]


@pytest.mark.parametrize(
    ("asked", "lags"), [(8, range(8, 0, -1)), ([-1, -2, -12], [12, 2, 1])]
)
def test__model__next_value__is_that_of_the_sequence(asked, lags):
    model = SKLearnModel(lags=asked, output_chunk_length=1, model=wrapped(lags))
    model.fit(SERIES[:120])
    inner = model.model
    times = -inner.lags_[None] if len(lags) == 3 else None
    expected = inner.estimator_.predict(window(lags), timestamps=times)
    assert model.predict(2).values()[0, 0] == pytest.approx(expected[0])


def test__model__several_steps_and_covariates__run_beside_the_lags():
    lags = range(8, 0, -1)
    model = SKLearnModel(
        lags=8,
        lags_future_covariates=[0],
        output_chunk_length=1,
        model=wrapped(lags),
    )
    model.fit(SERIES[:120], future_covariates=PROMO)
    promo = np.full((1, 8, 1), PROMO.values()[120, 0])
    sequence = np.concatenate([window(lags), promo], axis=2)
    expected = model.model.estimator_.predict(sequence)
    found = model.predict(1, future_covariates=PROMO).values()[0, 0]
    assert found == pytest.approx(expected[0])
    at_once = SKLearnModel(lags=8, output_chunk_length=3, model=wrapped(lags))
    assert at_once.fit(SERIES[:120]).predict(3).values().shape == (3, 1)
