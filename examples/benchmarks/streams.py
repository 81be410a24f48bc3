"""What one step of a stream costs in Python.

    python examples/benchmarks/streams.py

32 neurons on the default NCP wiring, 8 inputs, windows of 32, one thread. A carried
step reads, checks and scales the row, runs the cells once, and brings the answer back
to the target's units; a window step runs the cells over 32 rows. Medians, and the
quickest and slowest of ten rounds, in microseconds a step and stream. The bar: 30 for a
carried step of a liquid cell. The GRU runs on torch, for comparison.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch

from LNN import LiquidRegressor

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


if __name__ == "__main__":
    main()
