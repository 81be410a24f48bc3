"""What the functions of LNN.inspection cost.

    python examples/benchmarks/inspection.py

A model of 32 neurons with windows of 32 rows, and 10,000 rows of 8 columns. Printed are
seconds of one call; set OMP_NUM_THREADS=1 for one thread.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from LNN import LiquidRegressor
from LNN.inspection import (
    TreeSurrogate,
    attribution,
    attribution_similarity,
    check_temporal_causality,
    coupling,
    currents,
    disentanglement_scores,
    explain,
    influence_graph,
    neuron_activity,
    partial_dependence,
    permutation_importance,
    report,
    robustness,
    select_diverse,
    smallest_change,
    time_constants,
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
        "neuron_activity": lambda: neuron_activity(model, X),
        "time_constants": lambda: time_constants(model, X),
        "coupling": lambda: coupling(model, X),
        "currents, 200 answers": lambda: currents(model, X, rows=few),
        "influence_graph, jacobian": lambda: influence_graph(model, X),
        "influence_graph, ablation": lambda: influence_graph(model, X, kind="ablation"),
        "influence_graph, integrated": lambda: influence_graph(
            model, X, kind="integrated"
        ),
        "partial_dependence": lambda: partial_dependence(model, X, feature=0),
        "TreeSurrogate": lambda: TreeSurrogate(model).fit(X),
        "TreeSurrogate, states": lambda: TreeSurrogate(model, features="state").fit(X),
        "disentanglement_scores": lambda: disentanglement_scores(model, X),
        "robustness, noise": lambda: robustness(model, X, y, disturbances=["noise"]),
        "attribution_similarity, 50": lambda: attribution_similarity(
            model, X, rows=fewer
        ),
        "select_diverse, 100": lambda: select_diverse(X.reshape(500, 20, 8), 100),
        "report": lambda: report(model, X, y, Path(tempfile.mkdtemp()) / "report.html"),
    }
    for name, call in calls.items():
        began = time.perf_counter()
        call()
        print(f"{name:28}{time.perf_counter() - began:7.2f} s")


if __name__ == "__main__":
    main()
