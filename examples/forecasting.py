"""Forecast New York's taxis for two days, and look at it.

    python examples/forecasting.py [picture.png]

The series is `forecasting/taxi_new_york_passengers.csv` in LNN_DATA_HOME: passengers in
half hours, from July 2014 on. Printed are the summary and a backtest of a week; the
picture shows the last days, the forecast with its interval, and what came.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import pandas as pd

from LNN import LiquidForecaster

HOME = Path(os.environ.get("LNN_DATA_HOME", "data"))
HORIZON = 96


def main() -> None:
    """Fit, look at the summary, backtest a week and draw."""
    file = HOME / "forecasting/taxi_new_york_passengers.csv"
    table = pd.read_csv(file, parse_dates=["time"], index_col="time")
    taxis = table["#Passengers"].astype(float).rename("passengers in half an hour")
    before, after = taxis[:"2014-12-08"], taxis["2014-12-09":"2014-12-17"]

    forecaster = LiquidForecaster(HORIZON, random_state=0).fit(before)
    print(forecaster.summary())
    tested = forecaster.backtest(after, coverage=0.9, step=12)
    inside = (tested.lower <= tested.y) & (tested.y <= tested.upper)
    print(f"\nfrom {tested.cutoff.nunique()} cutoffs in {after.index[0]:%B %Y}:")
    print(f"  skill against the same time last season  {forecaster.score(after):.2f}")
    print(f"  truths inside of intervals of 90 %       {inside.mean():.0%}")

    ax = forecaster.plot(truth=after[:HORIZON])
    ax.set_ylabel(taxis.name)
    ax.set_xlim(before.index[-7 * 48], after.index[HORIZON])
    path = sys.argv[1] if len(sys.argv) > 1 else "forecast.png"
    ax.figure.savefig(path, dpi=110)
    print(f"\nthe picture is {path}")


if __name__ == "__main__":
    main()
