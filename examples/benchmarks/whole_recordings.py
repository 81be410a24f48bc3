"""How long windows and whole recordings take: one epoch of training, and prediction.

    python examples/benchmarks/whole_recordings.py --rows 100000

Rows of 8 features, 32 neurons, one thread; both settings in turn, the least of all
rounds is printed. Windows are of 32 rows with a stride of 1.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from LNN import LiquidRegressor

SETTINGS = {"windows": {"window_length": 32}, "whole": {"window_length": None}}


def seconds(settings: dict, X: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the CPU seconds of one epoch and of a prediction for all rows."""
    model = LiquidRegressor(
        **settings, epochs=1, early_stopping=False, random_state=0, n_jobs=1
    )
    begun = time.process_time()
    model.set_params(device="cpu").fit(X, y)
    fitted = time.process_time()
    model.predict(X, context=X[:0])
    return fitted - begun, time.process_time() - fitted


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--model", default="CfC")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    X = np.random.default_rng(0).normal(size=(options.rows, 8)).astype(np.float32)
    y = X[:, 0]
    least: dict[str, tuple[float, float]] = {}
    for _ in range(options.rounds):
        for name, settings in SETTINGS.items():
            found = seconds({**settings, "model_type": options.model}, X, y)
            before = least.get(name, found)
            least[name] = min(found[0], before[0]), min(found[1], before[1])
    print(
        f"{options.model}, {options.rows:,} rows: seconds to fit an epoch, to predict"
    )
    for name, (fit, predict) in least.items():
        print(f"{name:10s}{fit:10.2f}{predict:10.3f}")
    (a, b), (c, d) = least["windows"], least["whole"]
    print(f"{'ratio':10s}{a / c:10.1f}{b / d:10.1f}")


if __name__ == "__main__":
    main()
