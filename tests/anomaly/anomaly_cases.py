"""Rows that all tests of anomalies use, and a detector that is quick to fit."""

from functools import cache

import numpy as np
import pandas as pd

from LNN import LiquidAnomalyDetector

SEASON = 24
HOURS = pd.date_range("2024-01-01", periods=1200, freq="h", name="hour")


def quick(**how):
    """Return a detector that trains for an instant."""
    given = {"n_neurons": 6, "epochs": 3, "window_length": 12, "season": SEASON}
    return LiquidAnomalyDetector(**({"random_state": 0} | given | how))


def wave(n=1200, seed=0, channels=1):
    """Return waves of a season with noise (n, channels)."""
    rng = np.random.default_rng(seed)
    phase = 2 * np.pi * np.arange(n) / SEASON
    table = np.sin(phase[:, None] + np.arange(channels))
    return table + 0.1 * rng.normal(size=table.shape)


def frame(n=1200, seed=0):
    """Return two channels with time stamps."""
    return pd.DataFrame(wave(n, seed, 2), HOURS[:n], columns=["flow", "heat"])


@cache
def fitted_on_frame(n=600, *, calendar=None):
    """Return a detector of the first rows of `frame`; tests share it."""
    return quick(calendar=calendar and list(calendar)).fit(frame(n))


@cache
def fitted_on_wave(n=1200):
    """Return a detector of the first rows of `wave`; tests share it."""
    return quick().fit(wave(n))
