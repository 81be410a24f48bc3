"""Forecast a sensor that reports at odd times, for any time you ask.

    python examples/forecast_irregular.py [picture.png]

The series is New York's taxis (`forecasting/taxi_new_york_passengers.csv` in
LNN_DATA_HOME), of which one half hour in ten is kept at random: gaps go from half an
hour to more than a day. The next five rows are forecast at their times, once by a model
that knows the time stamps and once by one that counts rows. The calendar is left out,
so that only the times can help.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from LNN import LiquidForecaster

HOME = Path(os.environ.get("LNN_DATA_HOME", "data"))
KEPT, ROWS = 0.1, 5


def main() -> None:
    """Fit with times and without, print both errors, draw two days."""
    file = HOME / "forecasting/taxi_new_york_passengers.csv"
    table = pd.read_csv(file, parse_dates=["time"], index_col="time")
    whole = table["#Passengers"].astype(float)
    seen = whole[np.random.default_rng(0).random(len(whole)) < KEPT]
    train, test = seen[:"2014-12-19"], seen["2014-12-20":]
    gaps = train.index.to_series().diff().dt.total_seconds() / 3600
    print(f"{len(train)} rows, gaps of {gaps.min():g} to {gaps.max():g} hours")

    timed = LiquidForecaster(ROWS, calendar=None, random_state=0).fit(train)
    rows = train.reset_index(drop=True)
    counted = LiquidForecaster(ROWS, calendar=None, random_state=0).fit(rows)
    later = test.set_axis(range(len(rows), len(rows) + len(test)))
    for name, model, y in (("time", timed, test), ("row numbers", counted, later)):
        tested = model.backtest(y)
        error = (tested.y - tested.prediction).abs().mean() / train.std()
        print(f"  mean absolute error with {name:12}{error:.3f} of the deviation")

    # Every half hour of two days, most of which are no row: a longer horizon is learnt.
    ahead = pd.date_range("2014-12-20", periods=96, freq="30min")
    far = LiquidForecaster(4 * ROWS, calendar=None, random_state=0).fit(train)
    said = far.predict(times=ahead)
    band = far.predict_interval(times=ahead, coverage=0.9)
    figure, ax = plt.subplots(figsize=(9, 3.6))
    ax.plot(whole["2014-12-17":"2014-12-21"], color="0.8", label="every half hour")
    ax.plot(train["2014-12-17":], "ko", ms=4, label="what the model saw")
    ax.fill_between(ahead, band["lower"], band["upper"], alpha=0.25, lw=0)
    ax.plot(ahead, said, label="forecast, 90 % interval")
    ax.set_ylabel("passengers in half an hour")
    ax.legend(loc="upper left", fontsize=8)
    figure.tight_layout()
    path = sys.argv[1] if len(sys.argv) > 1 else "irregular_forecast.png"
    figure.savefig(path, dpi=110)
    print(f"the picture is {path}")


if __name__ == "__main__":
    main()
