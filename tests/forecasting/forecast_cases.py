"""Series that all tests of forecasts use, and a forecaster that is quick to fit."""

import numpy as np

from LNN import LiquidForecaster

SEASON = 12


def quick(horizon=3, **how):
    """Return a forecaster that trains for an instant."""
    given = {"n_neurons": 8, "epochs": 2, "window_length": 24, "random_state": 0}
    return LiquidForecaster(horizon, **(given | how))


def wave(n=140, seed=0, level=10.0):
    """Return a season of twelve rows with noise."""
    rng = np.random.default_rng(seed)
    season = np.sin(2 * np.pi * np.arange(n) / SEASON)
    return level + season + 0.1 * rng.normal(size=n)
