"""Anomalies by one default on every set, beside simple detectors and a random score.

    python examples/benchmarks/anomalies.py run results.jsonl [set ...] [--seeds 0 1 2]
    python examples/benchmarks/anomalies.py table results.jsonl

The sets are those of `nab` and `forecasting/mitdb.csv` in LNN_DATA_HOME. Each detector
learns from the first part of a series, whose labels nobody reads, and scores all rows
with what came up to each. Judged are the rows after that part: average precision, and
at the threshold that each method sets itself on the first part the events found, the
false alarms (runs of alarms less than a season apart that touch no event) and the
median delay in rows. There is no point adjustment: a row counts as it was scored.

Events of this benchmark are wide windows around what happened (a fifth of the rows of
taxis), so a random score with a few alarms finds most of them: it stands in every
table. Nothing is set by set. Seconds are CPU seconds: set OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import Ridge
from sklearn.metrics import average_precision_score

from LNN import LiquidAnomalyDetector
from LNN.anomaly.scores import over_time
from LNN.anomaly.tail import Tail

HOME = Path(os.environ.get("LNN_DATA_HOME", "data"))
WINDOW = 48
ALARM_RATE = 1e-3
# The part that is learnt from, before the first event that is judged. That of machine
# holds one event, which nobody tells the detectors.
NAB = {
    "nyc_taxi": 0.5,
    "machine_temperature_system_failure": 0.15,
    "ec2_request_latency_system_failure": 0.25,
    "ambient_temperature_system_failure": 0.3,
    "cpu_utilization_asg_misconfiguration": 0.5,
}
PARTS = {**NAB, "mitdb": 0.7}
# Horizons of the detector, beside one step.
PARTS_OF_SEASON = (1 / 12, 1 / 6, 1 / 3, 1 / 2, 1)


def load(name: str) -> tuple[pd.DataFrame, np.ndarray, int]:
    """Return rows, which of them are abnormal, and how many are learnt from."""
    if name == "mitdb":
        table = pd.read_csv(HOME / "forecasting/mitdb.csv")
        rows, labels = table[["data"]], table["label"].to_numpy()
    else:
        file = f"realKnownCause/{name}.csv"
        rows = pd.read_csv(HOME / "nab" / file, parse_dates=["timestamp"])
        # Clocks that were set back: of two rows at one time the first one stays.
        rows = rows.set_index("timestamp").sort_index(kind="stable")
        rows = rows[~rows.index.duplicated()]
        windows = json.loads((HOME / "nab/combined_windows.json").read_text())
        labels = np.zeros(len(rows), dtype=int)
        for start, end in windows[file]:
            labels[(rows.index >= start) & (rows.index <= end)] = 1
    return rows, labels, int(PARTS[name] * len(rows))


# --------------------------------------------------------------------------- methods

# A method takes rows, how many it may learn from, and a seed. It returns a score of
# each row and a threshold.
Scored = tuple[np.ndarray, float]


def liquid(rows: pd.DataFrame, n: int, seed: int) -> Scored:
    """Return scores of the detector as it comes."""
    detector = LiquidAnomalyDetector(random_state=seed).fit(rows[:n])
    return detector.anomaly_scores(rows).to_numpy(), -detector.offset_


def random_score(rows: pd.DataFrame, n: int, seed: int) -> Scored:
    """Return scores that know nothing."""
    return with_threshold(np.random.default_rng(seed).random(len(rows)), n)


def moving_z(rows: pd.DataFrame, n: int, seed: int) -> Scored:
    """Return distances from the mean of the last rows, in their spreads."""
    x = rows.iloc[:, 0]
    before = x.shift().rolling(WINDOW, min_periods=8)
    spread = before.std().clip(lower=1e-6 * x[:n].std())
    return with_threshold(((x - before.mean()).abs() / spread).to_numpy(), n)


def isolation_forest(rows: pd.DataFrame, n: int, seed: int) -> Scored:
    """Return scores of a forest that reads the last rows."""
    cut = windows_of(rows)
    forest = IsolationForest(random_state=seed).fit(cut[:n])
    return with_threshold(-forest.score_samples(cut), n)


def linear(rows: pd.DataFrame, n: int, seed: int) -> Scored:
    """Return residuals of a linear map of the last rows, one step ahead."""
    return with_threshold(linear_sizes(rows, n, (1,)), n)


def linear_horizons(rows: pd.DataFrame, n: int, seed: int) -> Scored:
    """Return the same over the detector's horizons, averaged over its season."""
    season = season_of(rows, n)
    ahead = {1, *(max(1, round(part * season)) for part in PARTS_OF_SEASON)}
    sizes = linear_sizes(rows, n, tuple(sorted(ahead)))
    return with_threshold(over_time(sizes, np.arange(len(rows)), season), n, season)


def linear_sizes(rows: pd.DataFrame, n: int, horizons: tuple[int, ...]) -> np.ndarray:
    """Return the mean size of residuals over horizons."""
    x, cut = rows.iloc[:, 0].to_numpy(), windows_of(rows)
    sizes = np.full((len(x), len(horizons)), np.nan)
    for place, ahead in enumerate(horizons):
        change = x[ahead:] - x[:-ahead]
        ridge = Ridge().fit(cut[: n - ahead], change[: n - ahead])
        found = np.abs(change - ridge.predict(cut[:-ahead]))
        sizes[ahead:, place] = found / np.median(found[: n - ahead])
    known = np.isfinite(sizes)
    return np.where(known, sizes, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def windows_of(rows: pd.DataFrame) -> np.ndarray:
    """Return the last rows of each row; the first one stands in before it."""
    x = rows.iloc[:, 0].to_numpy()
    padded = np.concatenate([np.full(WINDOW - 1, x[0]), x])
    return np.lib.stride_tricks.sliding_window_view(padded, WINDOW)


def with_threshold(scores: np.ndarray, n: int, span: float = 0.0) -> Scored:
    """Set the threshold as the detector does: by the Pareto tail of the first part."""
    scores, steps = np.nan_to_num(scores), np.arange(n, dtype=float)
    tail = Tail.fit(scores[:n], steps, span)
    return tail.rarity_of(scores), -np.log10(ALARM_RATE)


def season_of(rows: pd.DataFrame, n: int) -> int:
    """Return the season that the detector takes."""
    short = LiquidAnomalyDetector(8, epochs=1, random_state=0).fit(rows[:n])
    return round(short.season_)


METHODS: dict[str, Callable[[pd.DataFrame, int, int], Scored]] = {
    "random": random_score,
    "moving z-score": moving_z,
    "isolation forest": isolation_forest,
    "linear, 1 step": linear,
    "linear, horizons": linear_horizons,
    "liquid": liquid,
}
WITHOUT_SEED = ("moving z-score", "linear, 1 step", "linear, horizons")


# --------------------------------------------------------------------------- judging


def judge(scores: np.ndarray, labels: np.ndarray, threshold: float, gap: int) -> dict:
    """Return how well scores tell events; both without the part that was learnt."""
    events = runs(np.flatnonzero(labels), 1)
    alarms = runs(np.flatnonzero(scores > threshold), gap)
    delays = []
    for begin, end in events:
        hits = np.flatnonzero(scores[begin : end + 1] > threshold)
        if len(hits):
            delays.append(int(hits[0]))
    false = [a for a in alarms if not labels[a[0] : a[1] + 1].any()]
    return {
        "ap": float(average_precision_score(labels, scores)),
        "events": len(events),
        "found": len(delays),
        "false": len(false),
        "delay": float(np.median(delays)) if delays else np.nan,
    }


def runs(places: np.ndarray, gap: int) -> list[tuple[int, int]]:
    """Return first and last of places that are at most a gap apart."""
    if not len(places):
        return []
    parts = np.split(places, np.flatnonzero(np.diff(places) > gap) + 1)
    return [(int(part[0]), int(part[-1])) for part in parts]


def run(file: Path, wanted: list[str], seeds: list[int]) -> None:
    """Run what the file lacks."""
    done = set()
    if file.exists():
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        done = {(line["set"], line["method"], line["seed"]) for line in lines}
    for name in wanted or PARTS:
        rows, labels, n = load(name)
        gap = season_of(rows, n)
        for method, score in METHODS.items():
            for seed in seeds[:1] if method in WITHOUT_SEED else seeds:
                if (name, method, seed) in done:
                    continue
                begin = time.process_time()
                scores, threshold = score(rows, n, seed)
                seconds = round(time.process_time() - begin, 1)
                found = judge(scores[n:], labels[n:], threshold, gap)
                line = {"set": name, "method": method, "seed": seed, "season": gap}
                line |= {**found, "seconds": seconds}
                with file.open("a") as out:
                    out.write(json.dumps(line) + "\n")
                print(line, flush=True)


def table(file: Path) -> None:
    """Print means over seeds."""
    frame = pd.read_json(file, lines=True)
    means = frame.groupby(["set", "method"], sort=False).mean(numeric_only=True)
    means["seeds"] = frame.groupby(["set", "method"], sort=False).size()
    print(means.drop(columns="seed").to_string(float_format="{:.3g}".format))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("run", "table"))
    parser.add_argument("file", type=Path)
    parser.add_argument("sets", nargs="*", metavar="set", help=", ".join(PARTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    if given.command == "table":
        table(given.file)
    else:
        run(given.file, given.sets, given.seeds)


if __name__ == "__main__":
    main()
