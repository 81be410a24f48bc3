"""Models of all kinds with data that they have not seen, for pages about them."""

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidClassifier, LiquidRegressor
from LNN.inspection import report

TINY = {"epochs": 2, "random_state": 0, "early_stopping": False}


@dataclass(frozen=True)
class Made:
    """A fitted model, new data, and what `predict` takes besides X."""

    model: Any
    X: Any
    y: Any
    given: dict = field(default_factory=dict)


def _rows(kind=LiquidRegressor, label=False, gaps=True, missing=False, **options):
    """Make a model of rows in two recordings, with gaps that differ."""
    random = np.random.default_rng(0)
    frames = []
    for begin in (0.0, 1000.0):
        times = begin + np.cumsum(random.choice([1.0, 1.0, 2.0, 3.5], size=90))
        values = np.cumsum(random.normal(size=(90, 3)), axis=0)
        frame = pd.DataFrame(values, columns=["heat", "flow", "noise"])
        if gaps:
            frame["hour"] = times
        frames.append(frame)
    X = pd.concat(frames, ignore_index=True)
    y = pd.Series(X["heat"] - 0.5 * X["flow"].shift(1, fill_value=0.0), name="load")
    if label:
        y = pd.Series(np.digitize(y, y.quantile([0.3, 0.7])), name="state")
        y = y.map({0: "low", 1: "middle", 2: "high"})
    if missing:
        X.iloc[::7, 1] = np.nan
        options["missing"] = "mask"
    if gaps:
        options["time_column"] = "hour"
    options = {"window_length": 6, **TINY, **options}
    model = kind(9, **options).fit(X[:90], y[:90])
    return Made(model, X[90:], y[90:])


def _sequences(kind=LiquidRegressor, ragged=False, label=False, steps=12, **options):
    random = np.random.default_rng(1)
    lengths = random.integers(5, steps, size=24) if ragged else [steps] * 24
    X = [random.normal(size=(n, 2)) for n in lengths]
    y = np.array([x[-1, 0] + x[:, 1].mean() for x in X])
    if label:
        y = np.where(y > 0.4, "up", np.where(y < -0.4, "down", "flat"))
    X = X if ragged else np.stack(X)
    model = kind(8, **TINY, **options).fit(X[:12], y[:12])
    return Made(model, X[12:], y[12:])


def _per_step():
    random = np.random.default_rng(2)
    X = random.normal(size=(16, 10, 2))
    y = X.cumsum(axis=1)[..., 0]
    model = LiquidRegressor(8, return_sequences=True, **TINY).fit(X[:8], y[:8])
    return Made(model, X[8:], y[8:])


def _two_targets():
    random = np.random.default_rng(3)
    X = random.normal(size=(120, 2))
    y = pd.DataFrame({"first": X[:, 0], "second": X[:, 1] - X[:, 0]})
    levels = {"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}
    model = LiquidRegressor(8, window_length=4, **levels, **TINY)
    return Made(model.fit(X[:60], y[:60]), X[60:], y[60:])


KINDS = {
    "windows": _rows,
    "classes": functools.partial(_rows, LiquidClassifier, label=True),
    "whole recordings": functools.partial(_rows, window_length=None),
    "missing values": functools.partial(_rows, missing=True),
    "LTC": functools.partial(_rows, model_type="LTC", readout="motor"),
    "LSTM": functools.partial(_rows, model_type="LSTM", gaps=False),
    "full": functools.partial(_rows, wiring="full"),
    "two layers": functools.partial(_rows, n_layers=2, mixed_memory=True),
    "cube": _sequences,
    "own scale": functools.partial(_sequences, scale="sequence"),
    "patches": functools.partial(_sequences, patch=3),
    "ragged classes": functools.partial(
        _sequences, LiquidClassifier, ragged=True, label=True
    ),
    "per step": _per_step,
    "two targets, quantiles": _two_targets,
}


@functools.cache
def made(kind):
    """Return the model of a kind with its data; the same one to all who ask."""
    return KINDS[kind]()


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """Return a function from a kind to its model, data and page; each is made once."""
    folder = tmp_path_factory.mktemp("pages")

    @functools.cache
    def of(kind):
        own = made(kind)
        path = report(
            own.model, own.X, own.y, folder / f"{kind}.html", title=kind, **own.given
        )
        return own, path

    return of
