"""One model for 414 series: the hourly ones of the M4 competition, two days ahead.

    python examples/forecast_panel.py [picture.png]

The data are `m4/hourly.csv.gz` in LNN_DATA_HOME. Printed are the errors over all series
beside the seasonal naive forecast; the picture shows four series, two of them chosen
where the forecast is worst.
"""

from __future__ import annotations

import gzip
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
HORIZON, DAY = 48, 24


def read() -> tuple[pd.Series, dict[str, np.ndarray]]:
    """Return what is known as a Series with (series, hour), and what comes."""
    with gzip.open(HOME / "m4/hourly.csv.gz", "rt") as file:
        lines = pd.read_csv(file)
    values = {
        (line.part, line.series): pd.Series(np.array(line.values.split(), float))
        for line in lines.itertuples()
    }
    known = {name: own for (part, name), own in values.items() if part == "train"}
    coming = {name: values["test", name].to_numpy() for name in known}
    return pd.concat(known, names=["series", "hour"]), coming


def main() -> None:
    """Fit once, forecast all, print errors and draw four series."""
    known, coming = read()
    forecaster = LiquidForecaster(HORIZON, random_state=0).fit(known)
    forecast = forecaster.predict_interval(coverage=0.9)
    forecast["prediction"] = forecaster.predict()

    ours, naive, inside = {}, {}, {}
    for name, truth in coming.items():
        before, own = known.loc[name].to_numpy(), forecast.loc[name]
        scale = np.abs(before[DAY:] - before[:-DAY]).mean()
        ours[name] = np.abs(own["prediction"].to_numpy() - truth).mean() / scale
        naive[name] = np.abs(np.resize(before[-DAY:], HORIZON) - truth).mean() / scale
        inside[name] = np.mean((own["lower"] <= truth) & (truth <= own["upper"]))
    errors = pd.DataFrame({"ours": ours, "naive": naive, "inside": inside})
    print(f"{len(coming)} series, {len(known):,} rows, {HORIZON} hours ahead")
    print(f"  mean absolute scaled error  {errors.ours.mean():.3f}")
    print(f"  of the seasonal naive one   {errors.naive.mean():.3f}")
    print(f"  series where ours is ahead  {(errors.ours < errors.naive).mean():.0%}")
    print(f"  truths inside of intervals of 90 %  {errors.inside.mean():.0%}")

    in_order = errors.ours.sort_values().index
    shown = [in_order[len(in_order) // 4], in_order[len(in_order) // 2], *in_order[-2:]]
    path = sys.argv[1] if len(sys.argv) > 1 else "panel.png"
    draw(known, coming, forecast, errors, shown, path)
    print(f"the picture is {path}")


def draw(
    known: pd.Series,
    coming: dict[str, np.ndarray],
    forecast: pd.DataFrame,
    errors: pd.DataFrame,
    shown: list[str],
    path: str,
) -> None:
    """Draw the last week of each series, its forecast, and what came."""
    figure, axes = plt.subplots(2, 2, figsize=(11, 6))
    for ax, name in zip(axes.flat, shown, strict=True):
        own, before = forecast.loc[name], known.loc[name][-7 * DAY :]
        ax.plot(before.index, before, color="0.5", lw=1)
        ax.plot(own.index, coming[name], color="0.5", lw=1, label="what came")
        ax.fill_between(own.index, own["lower"], own["upper"], alpha=0.25, lw=0)
        ax.plot(own.index, own["prediction"], label="forecast, 90 % interval")
        ax.set_title(f"{name}: error {errors.ours[name]:.2f}", fontsize=10)
    axes[0, 0].legend(fontsize=8)
    for ax in axes[1]:
        ax.set_xlabel("hour")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
