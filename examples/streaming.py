"""Is the room occupied? Sensors replayed row by row, with a drop-out and a drift.

    python examples/streaming.py              about a minute; needs the occupancy data
    python examples/streaming.py --out DIR    where the picture and the table go

UCI Occupancy: a classifier is fitted on the training file (8,143 minutes, CfC, 32
neurons, missing="hold"), and the second test file (9,752 minutes, a week later) is
replayed with its real clock. Two things are done to it:

- the light sensor is silent for 12 hours of the second day (its values are NaN);
- from the middle on the lamps stay on day and night: Light reads 450 lux or more, and
  what the classifier relied on says nothing any more.

Somebody looks into the room now and then: the label of one minute in 30, drawn at
random, becomes known after it was predicted. Compared are frozen weights with adapting
ones, for both modes of a stream, and the label that was seen last. The score is
balanced accuracy (the mean over the two classes: "always empty" is 0.5), before the
drift, in the drop-out, after the drift and in the last two days. Latency is the time of
one call of `step` (and of `update`), of a single stream, on one thread.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from sklearn.metrics import balanced_accuracy_score

from LNN import LiquidClassifier
from LNN.datasets import fetch_occupancy

LAMPS_ON = 450.0  # lux
SEEDS = (0, 1, 2)
HIDDEN = ("frozen, carry", "sgd, carry")  # in the upper picture: as their windows
STREAMS = {
    "frozen, window": {"mode": "window"},
    "frozen, carry": {"mode": "carry"},
    "readout, window": {"mode": "window", "adapt": "readout"},
    "readout, carry": {"mode": "carry", "adapt": "readout"},
    "sgd, window": {"mode": "window", "adapt": "sgd"},
    "sgd, carry": {"mode": "carry", "adapt": "sgd"},
}


def read(name: str) -> tuple[pd.DataFrame, pd.Series]:
    """Return the sensors with their clock, and whether the room is occupied."""
    rooms = fetch_occupancy()
    chosen = rooms.groups == rooms.group_names.index(name)
    clock = pd.DatetimeIndex(rooms.timestamps[chosen], name="date")
    y = pd.Series(rooms.target[chosen], clock, name="Occupancy")
    return rooms.data[chosen].set_index(clock), y


def disturb(X: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, slice]]:
    """Return the rows with drop-out and drift, and where the periods are."""
    X = X.copy()
    day = X.index.normalize()
    second = day.unique()[1]
    silent = (X.index >= second + pd.Timedelta("8h")) & (
        X.index < second + pd.Timedelta("20h")
    )
    drift = len(X) // 2
    X.loc[silent, "Light"] = np.nan
    lamps = X.columns.get_loc("Light")
    X.iloc[drift:, lamps] = X.iloc[drift:, lamps].clip(lower=LAMPS_ON)
    two_days = int(np.searchsorted(X.index, X.index[-1] - pd.Timedelta("2D")))
    where = np.flatnonzero(silent)
    periods = {
        "before": slice(0, drift),
        "drop-out": slice(where[0], where[-1] + 1),
        "after": slice(drift, len(X)),
        "last 2 days": slice(two_days, len(X)),
    }
    return X, periods


def replay(model, options: dict, X: pd.DataFrame, y: pd.Series, known) -> dict:
    """Step through the rows; return answers and latencies in microseconds."""
    stream = model.stream(**options)
    learns = "adapt" in options
    answers, steps, updates = [], [], []
    clock = time.perf_counter
    for row, label, when, seen in zip(X.to_numpy(), y, X.index, known, strict=True):
        begin = clock()
        answers.append(stream.step(row, timestamp=when))
        steps.append(clock() - begin)
        if learns and seen:
            begin = clock()
            stream.update(label)
            updates.append(clock() - begin)
    return {
        "answers": np.array(answers),
        "step": 1e6 * np.array(steps),
        "update": 1e6 * np.array(updates),
    }


def last_seen(y: pd.Series, known: np.ndarray) -> np.ndarray:
    """Return the label that was seen last before each row; "empty" before the first."""
    return y.where(known).ffill().shift(1).fillna(0).astype(int).to_numpy()


def percentiles(latency: np.ndarray) -> str:
    """Return median, 99th percentile and maximum in words."""
    if not len(latency):
        return "-"
    median, high = np.percentile(latency, [50, 99])
    return f"{median:.0f} / {high:.0f} / {latency.max():.0f}"


def run(labelled: float) -> tuple[pd.DataFrame, dict, pd.DataFrame, pd.Series, dict]:
    """Fit and replay with every seed; return the table and what the picture shows."""
    X_train, y_train = read("datatraining")
    X, y = read("datatest2")
    X, periods = disturb(X)
    known = np.random.default_rng(0).random(len(X)) < labelled
    rows, shown = [], {}

    def note(name: str, seed: int, result: dict) -> None:
        scores = {
            period: balanced_accuracy_score(y.iloc[at], result["answers"][at])
            for period, at in periods.items()
        }
        rows.append({"stream": name, "seed": seed, **scores})
        shown.setdefault(name, result)

    nothing = np.array([])
    simple = {"answers": last_seen(y, known), "step": nothing, "update": nothing}
    note("label seen last", 0, simple)
    for seed in SEEDS:
        model = LiquidClassifier(missing="hold", random_state=seed)
        model.fit(X_train, y_train)
        for name, options in STREAMS.items():
            note(name, seed, replay(model, options, X, y, known))
    return pd.DataFrame(rows), shown, X, y, periods


def report(scores: pd.DataFrame, shown: dict) -> str:
    """Return the table: means over seeds, spread, and latencies of the first seed."""
    by_stream = scores.drop(columns="seed").groupby("stream", sort=False)
    mean, spread = by_stream.mean(), by_stream.std()
    table = mean.map("{:.3f}".format) + spread.map(" +- {:.3f}".format)
    table["step us (50 % / 99 % / max)"] = [
        percentiles(shown[name]["step"]) for name in table.index
    ]
    table["update us"] = [percentiles(shown[name]["update"]) for name in table.index]
    return table.to_string()


def draw(shown: dict, X: pd.DataFrame, y: pd.Series, periods: dict, path: Path) -> None:
    """Draw accuracy over time, and the latencies."""
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(9, 7), height_ratios=(3, 2), layout="constrained"
    )
    colours = dict(zip(shown, plt.colormaps["tab10"].colors, strict=False))
    for name, result in shown.items():
        if not len(result["step"]):
            continue
        style = "--" if name.startswith("frozen") else "-"
        bottom.hist(
            result["step"],
            bins=np.geomspace(5, 2000, 100),
            histtype="step",
            color=colours[name],
            linestyle=style,
            label=name,
        )
        if name in HIDDEN:
            continue
        right = pd.Series(result["answers"] == y.to_numpy(), index=X.index, dtype=float)
        smooth = right.rolling("6h").mean()
        top.plot(smooth, style, color=colours[name], label=name, linewidth=1.3)
    out = periods["drop-out"]
    top.axvspan(X.index[out.start], X.index[out.stop - 1], color="0.9")
    top.text(X.index[out.start], 0.04, " no light\n sensor", color="0.4", fontsize=8)
    top.axvline(X.index[periods["after"].start], color="k", linewidth=0.8)
    top.text(X.index[periods["after"].start], 0.04, " lamps stay on", fontsize=8)
    top.set(ylabel="right answers, last 6 hours", ylim=(0, 1.02))
    top.xaxis.set_major_formatter(mdates.DateFormatter("%d %b"))
    top.legend(loc="lower left", ncols=3, fontsize=8, bbox_to_anchor=(0, 0.14))
    bottom.margins(x=0)
    bottom.legend(fontsize=8)
    bottom.set(xscale="log", xlabel="one step, microseconds", ylabel="steps")
    figure.savefig(path, dpi=130)


def main() -> None:
    """Replay, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("output"))
    parser.add_argument(
        "--labelled", type=float, default=1 / 30, help="part of the labels seen"
    )
    options = parser.parse_args()
    folder = options.out
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    scores, shown, X, y, periods = run(options.labelled)
    text = report(scores, shown)
    print(text)
    (folder / "streaming.txt").write_text(text + "\n", encoding="utf-8")
    draw(shown, X, y, periods, folder / "streaming.png")
    print(f"\nwritten: {folder / 'streaming.png'}, {folder / 'streaming.txt'}")


if __name__ == "__main__":
    main()
