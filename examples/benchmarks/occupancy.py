"""How far a tree stands for a network, and how far it holds with worse sensors.

    python examples/benchmarks/occupancy.py

A CfC, an LSTM and boosted trees learn from the first recording of Occupancy Detection
whether somebody is in the room. Printed are the fidelity of trees of three questions
in a row, and the score on the second recording with disturbed sensors. LNN_DATA_HOME is
the folder that holds occupancy/; a minute of one core.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from LNN import LiquidClassifier
from LNN.datasets import fetch_occupancy
from LNN.inspection import TreeSurrogate, attribution_similarity, robustness


def main() -> None:
    """Fit three models, ask about them."""
    data = fetch_occupancy()
    X = data.data.set_index(pd.DatetimeIndex(data.timestamps))
    y = np.where(data.target == 1, "occupied", "vacant")
    first, second = (data.groups == k for k in (0, 1))
    how = {"window_length": 16, "epochs": 12, "random_state": 0}
    liquid = LiquidClassifier(24, **how).fit(X[first], y[first])
    lstm = LiquidClassifier(24, model_type="LSTM", **how).fit(X[first], y[first])
    trees = HistGradientBoostingClassifier(max_iter=50, random_state=0)
    trees.fit(X[first], y[first])

    for features in ("inputs", "window", "ema", "state"):
        tree = TreeSurrogate(liquid, features=features, max_depth=3, random_state=0)
        tree.fit(X, groups=data.groups)
        print(f"{features:8}{tree.fidelity_:.3f}, without questions", end=" ")
        print(f"{tree.baseline_:.3f}")
        print(f"        {tree.rules()[0]}\n        {tree.rules()[1]}")

    found = robustness(
        liquid,
        X[second],
        y[second],
        beside={"LSTM": lstm, "boosted trees": trees},
        n_repeats=5,
        random_state=0,
    )
    print(found.table.round(3).to_string(index=False))
    rows = range(100, int(second.sum()), 100)
    for name, model in (("LiquidClassifier", liquid), ("LSTM", lstm)):
        alike = attribution_similarity(model, X[second], rows=rows, random_state=0)
        print(name, dict(zip(alike.noise, alike.mean.round(3), strict=True)))


if __name__ == "__main__":
    main()
