"""Compare settings on series: forecasts of one step and of twelve, on validation parts.

    python examples/benchmarks/series.py run results.jsonl
    python examples/benchmarks/series.py table results.jsonl

The series are those of `forecasting` and `ett` in LNN_DATA_HOME. The first 60 % of each
train and the next 20 % validate; the last 20 % are not read. Printed is the skill
against persistence, 1 - MSE / MSE(the present value stays), with ridge and gradient
boosting on 32 lags beside. One line per fit is appended to the file; a run that was
stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV

sys.path.insert(0, str(Path(__file__).resolve().parent))
from development import starting_with

from LNN import LiquidRegressor
from LNN.experiments.archive.lines import Fit, Lines

# File, column that is forecast (None: the first), rows used.
SERIES = {
    "gas rate": ("forecasting/gasrate_co2.csv", "CO2%", None),
    "sunspots": ("forecasting/monthly-sunspots.csv", "Sunspots", None),
    "temperatures": ("forecasting/temps.csv", None, None),
    "taxis": ("forecasting/taxi_new_york_passengers.csv", "#Passengers", 5000),
    "heart": ("forecasting/mitdb.csv", None, 5000),
    "exchange rate": ("forecasting/exchange_rate.csv", None, 5000),
    "ETTh1": ("ett/ETTh1.csv", "OT", 5000),
}
HORIZONS = (1, 12)
LAGS = 32
WHOLE = {"window_length": None}
SETTINGS: dict[str, dict] = {
    "windows": {},
    "whole": WHOLE,
    "exp": {"mode": "exponential"},
    "exp, whole": WHOLE | {"mode": "exponential"},
    "LSTM": {"model_type": "LSTM"},
    "LTC": {"model_type": "LTC"},
    "LTC, whole": WHOLE | {"model_type": "LTC"},
    "exp, 0.3 to T/8": {"mode": "exponential", "start": (0.3, 8)},
    "exp, 0.3 to T/2": {"mode": "exponential", "start": (0.3, 2)},
    "exp, all pooling": {"mode": "exponential", "pooling": "last+mean+max"},
    "exp, whole, 0.3 to T/8": WHOLE | {"mode": "exponential", "start": (0.3, 8)},
    "LTC, exp 1": {"model_type": "LTC", "solver": "exponential", "ode_unfolds": 1},
    "LTC, exp 2": {"model_type": "LTC", "solver": "exponential", "ode_unfolds": 2},
    "exp, whole, 64": WHOLE | {"mode": "exponential", "chunk_length": 64},
    "exp, whole, 256": WHOLE | {"mode": "exponential", "chunk_length": 256},
    "exp, whole, no burn-in": WHOLE | {"mode": "exponential", "burn_in": 0},
    "exp, whole, batch 256": WHOLE | {"mode": "exponential", "batch_size": 256},
    "exp, whole, batch 16": WHOLE | {"mode": "exponential", "batch_size": 16},
    "ridge": {},
    "boosting": {},
}


def load(name: str, horizon: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows, targets `horizon` steps later, and the present values."""
    file, column, n_rows = SERIES[name]
    home = Path(os.environ.get("LNN_DATA_HOME", "shared/data"))
    frame = pd.read_csv(home / file, nrows=n_rows).select_dtypes("number").dropna()
    target = frame[column] if column else frame.iloc[:, 0]
    values, series = frame.to_numpy(float), target.to_numpy(float)
    return values[:-horizon], series[horizon:], series[:-horizon]


def lagged(X: np.ndarray) -> np.ndarray:
    """Return each row with those before it; the first row repeats at the start."""
    rows = np.arange(len(X))[:, None] - np.arange(LAGS)
    return X[np.maximum(rows, 0)].reshape(len(X), -1)


def fit_once(name: str, horizon: int, setting: str, seed: int) -> dict:
    """Fit on the first 60 % and measure on the next 20 %."""
    X, y, present = load(name, horizon)
    cut, end = int(0.6 * len(y)), int(0.8 * len(y))
    begun = time.process_time()
    with warnings.catch_warnings(action="ignore"):
        if setting in ("ridge", "boosting"):
            model = RidgeCV(np.logspace(-3, 4, 15))
            scale = X[:cut].mean(axis=0), X[:cut].std(axis=0) + 1e-12
            rows = lagged((X - scale[0]) / scale[1])
            if setting == "boosting":
                model = HistGradientBoostingRegressor(random_state=seed)
            model.fit(rows[:cut], y[:cut])
            predicted = model.predict(rows[cut:end])
        else:
            given = dict(SETTINGS[setting])
            with starting_with(given.pop("start", None)):
                model = LiquidRegressor(
                    **given, random_state=seed, device="cpu", n_jobs=1
                )
                model.fit(X[:cut], y[:cut])
            predicted = model.predict(X[cut:end], context=X[:cut])
    seconds = time.process_time() - begun
    worse = np.mean((y[cut:end] - present[cut:end]) ** 2)
    return {
        "skill": float(1 - np.mean((y[cut:end] - predicted) ** 2) / worse),
        "seconds": round(seconds, 2),
    }


def run(options: argparse.Namespace) -> None:
    """Measure what the file does not hold yet."""
    torch.set_num_threads(1)
    lines = Lines(options.file)
    done = lines.read()
    for seed in range(options.seeds):
        for setting in options.settings:
            for name in options.series:
                for horizon in HORIZONS:
                    fit = Fit(f"{name} +{horizon}", setting, seed)
                    if fit not in done:
                        lines.append(fit, fit_once(name, horizon, setting, seed))


def table(options: argparse.Namespace) -> None:
    """Print the mean skill of each setting on each series."""
    found = pd.DataFrame(Lines(options.file).read().values())
    mean = found.pivot_table(index="model", columns="set", values="skill")
    mean.insert(0, "median", mean.median(axis=1))
    mean["s/fit"] = found.groupby("model")["seconds"].mean()
    order = [s for s in options.settings if s in mean.index]
    print(mean.loc[order].round(3).to_string())


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("do", choices=("run", "table"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--series", nargs="+", default=list(SERIES))
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS))
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args(arguments)
    {"run": run, "table": table}[options.do](options)


if __name__ == "__main__":
    sys.exit(main())
