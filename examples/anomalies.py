"""Find an abnormal heart beat and the failures of a machine, and look at them.

    python examples/anomalies.py [folder]

The series are `forecasting/mitdb.csv` (an ECG) and `machine_temperature_system_failure`
of `nab` in LNN_DATA_HOME. Each detector learns from the first part of its series.
Printed are the events; with matplotlib, pictures go to the folder (".").
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from LNN import LiquidAnomalyDetector

HOME = Path(os.environ.get("LNN_DATA_HOME", "data"))
MACHINE = "realKnownCause/machine_temperature_system_failure.csv"


def heart() -> tuple[pd.DataFrame, list[tuple]]:
    """Return an ECG, and where its abnormal beat is."""
    table = pd.read_csv(HOME / "forecasting/mitdb.csv")
    inside = np.flatnonzero(table["label"])
    rows = table[["data"]].rename(columns={"data": "ECG (mV)"})
    return rows, [(inside[0], inside[-1])]


def machine() -> tuple[pd.DataFrame, list[tuple]]:
    """Return temperatures of a machine, and the windows around its failures."""
    rows = pd.read_csv(HOME / "nab" / MACHINE, parse_dates=["timestamp"])
    rows = rows.set_index("timestamp").sort_index(kind="stable")
    rows = rows[~rows.index.duplicated()]  # one hour came twice
    windows = json.loads((HOME / "nab/combined_windows.json").read_text())[MACHINE]
    windows = [tuple(map(pd.Timestamp, window)) for window in windows]
    return rows.rename(columns={"value": "temperature (F)"}), windows


def draw(
    file: Path,
    rows: pd.DataFrame,
    windows: list[tuple],
    scores: pd.Series,
    threshold: float,
    n: int,
) -> None:
    """Draw the rows, the labelled windows, and the scores below."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    how = {"sharex": True, "height_ratios": [2, 1], "layout": "constrained"}
    _, (above, below) = plt.subplots(2, figsize=(9, 4), **how)
    above.plot(rows.index, rows.iloc[:, 0], color="0.25", lw=0.6)
    above.set_ylabel(rows.columns[0])
    below.plot(scores.index, scores, color="tab:blue", lw=0.8)
    below.axhline(threshold, color="tab:red", lw=0.8, ls="--")
    below.set_ylabel("score")
    below.set_xlabel(rows.index.name or "row")
    for ax in (above, below):
        for begin, end in windows:
            ax.axvspan(begin, end, color="tab:orange", alpha=0.25, lw=0)
        ax.axvspan(rows.index[0], rows.index[n], color="0.93", lw=0, zorder=0)
    above.set_title("grey: learnt from; orange: labelled as abnormal", fontsize=9)
    above.margins(x=0)
    plt.savefig(file, dpi=110)
    plt.close()


def main() -> None:
    """Fit, print the events and draw."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    for name, load, part in (("ecg", heart, 0.7), ("machine", machine, 0.15)):
        rows, windows = load()
        n = int(part * len(rows))
        # What went wrong in the first part is known by then, and is left out.
        y = np.zeros(n)
        for begin, end in windows:
            y[(rows.index[:n] >= begin) & (rows.index[:n] <= end)] = 1
        detector = LiquidAnomalyDetector(random_state=0).fit(rows[:n], y)
        scores, threshold = detector.anomaly_scores(rows), -detector.offset_
        print(f"\n{name}: season of {detector.season_:g} rows")
        for begin, end in windows:
            print(f"  labelled  {begin} to {end}")
        events = detector.events(rows)
        after = events[events["end"] >= rows.index[n]]
        print(after.drop(columns="channel").to_string(index=False))
        file = folder / f"anomalies_{name}.png"
        try:
            draw(file, rows, windows, scores, threshold, n)
        except ImportError:
            print("  (no picture without matplotlib)")
        else:
            print(f"  the picture is {file}")


if __name__ == "__main__":
    main()
