"""Forecasts by one default on every set, beside the linear path and the naive ones.

    python examples/benchmarks/forecasting.py run results.jsonl [set ...] [--seeds 0]
    python examples/benchmarks/forecasting.py table results.jsonl

The sets are those of `m3`, `m4`, `ett` and `forecasting` in LNN_DATA_HOME. Nothing but
the horizon is set. One line per fit is appended to the file; a run that was stopped
goes on where it was. Seconds are CPU seconds: set OMP_NUM_THREADS=1.

Protocols: M3 and M4 as in the competitions (sMAPE in percent; MASE by the error of the
seasonal naive method in training). ETTh1: 12 months train, 4 validate, 4 test; MSE in
units of the training part's spread, from every hour of the test part. Taxis: mean
absolute error of the next 48 half hours, from every half hour from 20 December on, by
the error of the weekly naive method in training. Thinned taxis: one row of ten is kept,
and the next five are forecast at their times; mean absolute error in spreads.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from LNN import LiquidForecaster

HOME = Path(os.environ.get("LNN_DATA_HOME", "data"))
# The linear path alone is the same forecaster without networks.
METHODS = {"forecaster": {}, "linear": {"n_seeds": 0}}


def competition(name: str, season: int, horizon: int, method: dict, seed: int) -> dict:
    """Forecast all series of M3 or M4 with one model."""
    with gzip.open(HOME / name, "rt") as file:
        lines = list(pd.read_csv(file).itertuples(index=False))
    parts: dict = {"train": {}, "test": {}}
    for line in lines:
        values = np.array(line.values.split(), dtype=float)
        parts[line.part][line.series] = pd.Series(values)
    panel = pd.concat(parts["train"], names=["series", "row"]).rename("y")
    model = LiquidForecaster(horizon, random_state=seed, **method).fit(panel)
    forecast = model.predict()
    errors = []
    found: dict = {}
    for key, truth in parts["test"].items():
        own, before = forecast.loc[key].to_numpy(), parts["train"][key].to_numpy()
        gone = np.abs(own - truth.to_numpy())
        smape = 200 * np.mean(gone / (np.abs(own) + np.abs(truth.to_numpy())))
        naive = np.mean(np.abs(before[season:] - before[:-season]))
        errors.append((smape, gone.mean() / naive))
    found["smape"], found["mase"] = map(float, np.mean(errors, axis=0))
    if name.startswith("m3"):
        truth = pd.concat(parts["test"]).to_numpy()
        for coverage in (0.8, 0.95):
            band = model.predict_interval(coverage=coverage).to_numpy()
            inside = (band[:, 0] <= truth) & (truth <= band[:, 1])
            found[f"covered {coverage}"] = float(inside.mean())
    return found | {"season": model.season_, "window": model.window_length_}


def transformer(columns: list[str], method: dict, seed: int) -> dict:
    """Forecast the next 96 hours of the electricity transformer."""
    table = pd.read_csv(HOME / "ett/ETTh1.csv", parse_dates=["date"], index_col="date")
    table = table[columns]
    train, part = 12 * 30 * 24, 4 * 30 * 24
    table = (table - table[:train].mean()) / table[:train].std(ddof=0)
    model = LiquidForecaster(96, random_state=seed, **method)
    model.fit(table[: train + part])
    # Every hour of the test part is the first hour of a forecast.
    tested = model.backtest(table[train + part : train + 2 * part])
    error = tested.y - tested.prediction
    return {"mse": float((error**2).mean()), "mae": float(error.abs().mean())}


def taxis() -> pd.Series:
    """Return passengers of New York's taxis, each half hour."""
    file = HOME / "forecasting/taxi_new_york_passengers.csv"
    return pd.read_csv(file, parse_dates=["time"], index_col="time").iloc[:, 0]


def next_day(method: dict, seed: int) -> dict:
    """Forecast the next 48 half hours of taxis."""
    y = taxis().astype(float)
    test = "2014-12-20"
    train = y[y.index < test]
    model = LiquidForecaster(48, random_state=seed, **method).fit(train)
    tested = model.backtest(y[y.index >= test])
    naive = np.abs(train.to_numpy()[336:] - train.to_numpy()[:-336]).mean()
    return {"mae": float((tested.y - tested.prediction).abs().mean() / naive)}


def thinned(method: dict, seed: int, timed: bool = True) -> dict:
    """Forecast the next five rows of taxis, of which one in ten is kept.

    Without times the rows are counted. The calendar is left out of both.
    """
    y = taxis().astype(float)
    y = y[np.random.default_rng(seed).random(len(y)) < 0.1]
    cut = int((y.index < "2014-12-20").sum())
    if not timed:
        y = y.reset_index(drop=True)
    model = LiquidForecaster(5, calendar=None, random_state=seed, **method)
    tested = model.fit(y.iloc[:cut]).backtest(y.iloc[cut:])
    error = (tested.y - tested.prediction).abs().mean()
    return {"mae": float(error / y.iloc[:cut].std())}


SETS = {
    "m4 hourly": lambda *how: competition("m4/hourly.csv.gz", 24, 48, *how),
    "m3 monthly": lambda *how: competition("m3/monthly.csv.gz", 12, 18, *how),
    "etth1 oil": lambda *how: transformer(["OT"], *how),
    "etth1 all": lambda *how: transformer(
        ["HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"], *how
    ),
    "taxis": next_day,
    "thinned taxis": thinned,
    "the same, no times": lambda *how: thinned(*how, timed=False),
}


def fits(wanted: list[str], seeds: list[int]) -> Iterator[tuple[str, str, int]]:
    """Go through what there is to run; the linear path has no seed."""
    for name in wanted or SETS:
        for method in METHODS:
            for seed in seeds if method != "linear" else seeds[:1]:
                yield name, method, seed


def run(file: Path, wanted: list[str], seeds: list[int]) -> None:
    """Run what the file lacks."""
    done = set()
    if file.exists():
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        done = {(line["set"], line["method"], line["seed"]) for line in lines}
    for name, method, seed in fits(wanted, seeds):
        if (name, method, seed) in done:
            continue
        begin = time.process_time()
        found = SETS[name](METHODS[method], seed)
        line = {"set": name, "method": method, "seed": seed, **found}
        line["seconds"] = round(time.process_time() - begin, 1)
        with file.open("a") as out:
            out.write(json.dumps(line) + "\n")
        print(line, flush=True)


def table(file: Path) -> None:
    """Print means over seeds."""
    frame = pd.read_json(file, lines=True)
    means = frame.groupby(["set", "method"], sort=False).mean(numeric_only=True)
    means["seeds"] = frame.groupby(["set", "method"], sort=False).size()
    print(means.drop(columns="seed").to_string(float_format="{:.4g}".format))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("run", "table"))
    parser.add_argument("file", type=Path)
    parser.add_argument("sets", nargs="*", metavar="set", help=", ".join(SETS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    if given.command == "table":
        table(given.file)
    else:
        run(given.file, given.sets, given.seeds)


if __name__ == "__main__":
    main()
