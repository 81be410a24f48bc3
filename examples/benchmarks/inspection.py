"""What the functions of LNN.inspection cost.

    python examples/benchmarks/inspection.py

A model of 32 neurons with windows of 32 rows, and 10,000 rows of 8 columns. Printed are
seconds of one call; set OMP_NUM_THREADS=1 for one thread.
"""

from __future__ import annotations

import time

import numpy as np

from LNN import LiquidRegressor
from LNN.inspection import (
    attribution,
    check_temporal_causality,
    explain,
    permutation_importance,
    smallest_change,
)


def main() -> None:
    """Fit once, call each function once."""
    X = np.random.default_rng(0).normal(size=(10_000, 8))
    y = np.roll(X[:, 0], 1)
    model = LiquidRegressor(32, window_length=32, epochs=1, random_state=0).fit(X, y)
    few, fewer = range(5000, 5200), range(5000, 5050)
    calls = {
        "attribution, 200 answers": lambda: attribution(model, X, rows=few),
        "occlusion, 50 answers": lambda: attribution(
            model, X, rows=fewer, method="occlusion"
        ),
        "explain, 1 answer": lambda: explain(model, X, 5000),
        "smallest_change, 1 answer": lambda: smallest_change(
            model, X, 5000, target=float(model.predict(X[4950:5001])[-1]) + 0.05
        ),
        "permutation_importance": lambda: permutation_importance(model, X, y),
        "check_temporal_causality": lambda: check_temporal_causality(model, X),
    }
    for name, call in calls.items():
        began = time.perf_counter()
        call()
        print(f"{name:26}{time.perf_counter() - began:7.2f} s")


if __name__ == "__main__":
    main()
