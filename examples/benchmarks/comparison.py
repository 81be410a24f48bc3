"""LNN beside ncps, skorch and sklearn's MLP: a table of docu/beside_others.md.

    python examples/benchmarks/comparison.py        (skorch is measured if installed)

Every line is computed when the script runs: scikit-learn's own checks, what time spans
do in a batch, parameters that are alive, and the time of a training step.
"""

from __future__ import annotations

import os

os.environ.setdefault("SCIPY_ARRAY_API", "1")

import statistics
import time
import warnings

import ncps.torch
import ncps.wirings
import numpy as np
import torch
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import check_estimator

import LNN

ONE_ROW = {
    "n_neurons": 12,
    "window_length": 1,
    "dtype": "float64",
    "batch_size": 10**6,
    "epochs": 40,
    "learning_rate": 0.05,
    "early_stopping": False,
}


def checks(estimator) -> str:
    """Return how many of scikit-learn's checks pass."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_fail=None)
    status = [result["status"] for result in results]
    return f"{status.count('passed')} of {len(status) - status.count('skipped')}"


def skorch_estimators() -> list:
    """Return skorch nets around a small perceptron, or nothing."""
    try:
        from skorch import NeuralNetClassifier, NeuralNetRegressor
    except ImportError:
        return []

    class Perceptron(torch.nn.Module):
        def __init__(self, outputs: int = 1):
            super().__init__()
            hidden = torch.nn.LazyLinear(12)
            self.layers = torch.nn.Sequential(
                hidden, torch.nn.Tanh(), torch.nn.Linear(12, outputs)
            ).double()

        def forward(self, X):
            return self.layers(X)

    settings = {"max_epochs": 25, "verbose": 0, "train_split": None, "lr": 0.1}
    return [
        ("skorch regressor", NeuralNetRegressor(Perceptron, **settings)),
        (
            "skorch classifier",
            NeuralNetClassifier(
                Perceptron,
                module__outputs=3,
                criterion=torch.nn.CrossEntropyLoss,
                **settings,
            ),
        ),
    ]


@torch.no_grad()
def batch_equals_singles(layer, inputs, spans) -> str:
    """Tell whether a batch with time spans gives what its samples give alone."""
    try:
        together, _ = layer(inputs, timespans=spans)
    except RuntimeError as error:
        return f"error: {str(error)[:60]}"
    alone = torch.cat(
        [
            layer(inputs[i : i + 1], timespans=spans[i : i + 1])[0]
            for i in range(len(inputs))
        ]
    )
    return f"largest difference {float((together - alone).abs().max()):.1e}"


def step_ratio(ours, theirs, inputs, repeats: int = 7) -> str:
    """Time forward and backward in turns, and return the median ratio."""

    def once(layer) -> float:
        start = time.perf_counter()
        layer(inputs)[0].square().mean().backward()
        return time.perf_counter() - start

    for layer in (ours, theirs):
        once(layer)
    ratios = [once(theirs) / once(ours) for _ in range(repeats)]
    return f"{statistics.median(ratios):.1f}x"


def main() -> None:
    """Print all facts."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    print("scikit-learn checks passed")
    estimators = [
        ("LiquidRegressor", LNN.LiquidRegressor(**ONE_ROW)),
        ("LiquidClassifier", LNN.LiquidClassifier(**ONE_ROW)),
        ("MLPRegressor", MLPRegressor(max_iter=50)),
        ("MLPClassifier", MLPClassifier(max_iter=50)),
        *skorch_estimators(),
    ]
    for name, estimator in estimators:
        print(f"  {name:20s} {checks(estimator)}", flush=True)

    print("time spans (batch, time) in a batch, against one sample at a time")
    inputs, spans = torch.randn(8, 5, 3), torch.rand(8, 5)
    wiring = LNN.Wiring.ncp(3, 8, 2)
    for name, layer in {
        "LNN LTC": LNN.LTC(3, wiring),
        "LNN CfC": LNN.CfC(3, wiring),
        "ncps LTC, 8 units": ncps.torch.LTC(3, 8),
        "ncps CfC, 8 units": ncps.torch.CfC(3, 8),
        "ncps CfC, wired": ncps.torch.CfC(3, ncps.wirings.AutoNCP(8, 2)),
    }.items():
        print(f"  {name:20s} {batch_equals_singles(layer, inputs, spans)}")

    print("trainable parameters, LTC on AutoNCP(64, 4, sparsity 0.9), 10 inputs")
    theirs = ncps.torch.LTC(10, ncps.wirings.AutoNCP(64, 4, 0.9))
    ours = LNN.LTC(10, LNN.Wiring.ncp(10, 64, 4, sparsity=0.9))
    for name, layer in {"LNN": ours, "ncps": theirs}.items():
        n = sum(p.numel() for p in layer.parameters() if p.requires_grad)
        print(f"  {name:20s} {n:,}")

    print("ncps's time for forward and backward over ours, one thread, B=32, T=100")
    inputs = torch.randn(32, 100, 8)
    for name, (ours, theirs) in {
        "LTC, NCP 32": (
            LNN.LTC(8, LNN.Wiring.ncp(8, 32, 4)),
            ncps.torch.LTC(8, ncps.wirings.AutoNCP(32, 4)),
        ),
        "CfC, NCP 32": (
            LNN.CfC(8, LNN.Wiring.ncp(8, 32, 4, layer_recurrence=True)),
            ncps.torch.CfC(8, ncps.wirings.AutoNCP(32, 4)),
        ),
        "CfC, full 32": (LNN.CfC(8, 32), ncps.torch.CfC(8, 32)),
    }.items():
        print(f"  {name:20s} {step_ratio(ours, theirs, inputs)}", flush=True)

    print("our time over that of torch.nn.LSTM(32), same batch")
    lstm = torch.nn.LSTM(8, 32, batch_first=True)
    for name, layer in {
        "LTC, NCP 32": LNN.LTC(8, LNN.Wiring.ncp(8, 32, 4)),
        "CfC, NCP 32": LNN.CfC(8, LNN.Wiring.ncp(8, 32, 4, layer_recurrence=True)),
        "CfC, full 32": LNN.CfC(8, 32),
    }.items():
        print(f"  {name:20s} {step_ratio(lstm, layer, inputs)}", flush=True)
    print(f"torch {torch.__version__}, numpy {np.__version__}, LNN {LNN.__version__}")


if __name__ == "__main__":
    main()
