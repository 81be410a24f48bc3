"""What one step of a stream costs in Python.

    python examples/benchmarks/streams.py

32 neurons on the default NCP wiring, 8 inputs, windows of 32, one thread. A carried
step reads, checks and scales the row, runs the cells once, and brings the answer back
to the target's units; a window step runs the cells over 32 rows. Medians, and the
quickest and slowest of ten rounds, in microseconds a step and stream. The bar: 30 for a
carried step of a liquid cell. The GRU runs on torch, for comparison.

Last come the streams of the forecaster and the detector, with their defaults: hourly
rows of one and of eight columns, 200 steps, at equal hours and at odd times; they are
CPU time in milliseconds.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import pandas as pd
import torch

from LNN import LiquidAnomalyDetector, LiquidForecaster, LiquidRegressor

BAR = 30.0
FEATURES, NEURONS, ROUNDS = 8, 32, 10
CASES = (  # mode, streams, steps in a round
    ("carry", None, 2000),
    ("carry", 1000, 20),
    ("window", None, 200),
    ("window", 1000, 5),
)


def rounds(stream, rows: np.ndarray, dt: float | None) -> list[float]:
    """Return microseconds a step and stream, one number a round."""
    for row in rows[:2]:
        stream.step(row, dt=dt)
    found = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for row in rows:
            stream.step(row, dt=dt)
        seconds = time.perf_counter() - start
        found.append(1e6 * seconds / len(rows) / (stream.n or 1))
    return found


def milliseconds(take, steps: int) -> float:
    """Return the median CPU time of a step, over ten rounds."""
    found = []
    each = steps // ROUNDS
    for begin in range(0, steps, each):
        start = time.process_time()
        for place in range(begin, begin + each):
            take(place)
        found.append(1e3 * (time.process_time() - start) / each)
    return statistics.median(found)


def others(odd: bool, columns: int) -> None:
    """Time a step of a forecaster's and a detector's stream."""
    rng = np.random.default_rng(0)
    fitted, steps = 1000, 200
    gaps = rng.exponential(size=fitted + steps) if odd else np.ones(fitted + steps)
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(gaps.cumsum(), unit="h")
    day = np.sin(2 * np.pi * gaps.cumsum() / 24)[:, None]
    table = pd.DataFrame(day + 0.1 * rng.normal(size=(len(day), columns)), when)
    table.columns = [f"c{k}" for k in range(columns)]
    old, new = table[:fitted], table[fitted:]
    detector = LiquidAnomalyDetector(epochs=3, random_state=0).fit(old)
    watch = detector.stream(context=old[-200:])
    y, later = (old, new) if columns > 1 else (old["c0"], new["c0"])
    model = LiquidForecaster(6, epochs=3, random_state=0).fit(y)
    plain, wide = model.stream(), model.stream(coverage=0.9)
    ways = {
        "detector": lambda k: watch.step(new.iloc[k], timestamp=new.index[k]),
        "forecaster": lambda k: plain.step(later.iloc[k : k + 1]),
        "forecaster, intervals": lambda k: (
            wide.step(later.iloc[k : k + 1]),
            wide.interval(),
        ),
    }
    for name, take in ways.items():
        clock = "odd times" if odd else "equal hours"
        took = milliseconds(take, steps)
        print(f"{name:22s} {clock:12s} {columns} column(s) {took:8.2f} ms", flush=True)


def main() -> None:
    """Fit each model, time each kind of stream."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, FEATURES))
    times = rng.exponential(size=400).cumsum()
    print(
        f"{'model':6s} {'time':10s} {'mode':7s} {'streams':>7s}  us a step and stream"
    )
    for model_type in ("CfC", "LTC", "GRU"):
        for timed in (False, True):
            arguments = {"timestamps": times} if timed else {}
            model = LiquidRegressor(
                NEURONS, model_type=model_type, epochs=1, random_state=0
            )
            model.fit(X, X[:, 0], **arguments)
            for mode, n, steps in CASES:
                size = (steps, FEATURES) if n is None else (steps, n, FEATURES)
                found = rounds(
                    model.stream(mode, n), rng.normal(size=size), 0.7 if timed else None
                )
                median = statistics.median(found)
                verdict = ""
                if (mode, n) == ("carry", None) and model_type != "GRU":
                    verdict = "  PASS" if median < BAR else "  MISS"
                print(
                    f"{model_type:6s} {'irregular' if timed else 'regular':10s} "
                    f"{mode:7s} {n or 1:7d}  {median:7.2f} ({min(found):.2f} to "
                    f"{max(found):.2f}){verdict}",
                    flush=True,
                )
    for odd, columns in ((False, 1), (False, FEATURES), (True, 1)):
        others(odd, columns)


if __name__ == "__main__":
    main()
