"""How often `contraction_bound` proves that a fitted model forgets, on real data.

    python examples/benchmarks/forgetting.py            some minutes on 2 cores
    python examples/benchmarks/forgetting.py --quick    one set, one seed

Classifiers with default settings (three seeds each) are fitted on the training parts.
The bound is asked for a box of all training inputs, for one of the middle half of each
input (its quartiles), and for inputs that hardly move from their medians. `measured` is
what a step leaves of a difference in the slowest of 50 test sequences, by
`contraction_rate`. Every cell: models proved, and the median of the factors.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from LNN import LiquidClassifier
from LNN.safety import contraction_bound, contraction_rate

sys.path.append(str(Path(__file__).parents[1]))
from datasets import load

SETS = ("ItalyPowerDemand", "JapaneseVowels", "BasicMotions", "GunPoint")
MODELS = {
    "CfC (exponential)": {"model_type": "CfC"},
    "CfC, 8 neurons": {"model_type": "CfC", "n_neurons": 8},
    "CfC of the paper": {"model_type": "CfC", "mode": "default"},
    "LTC": {"model_type": "LTC"},
    "LTC, 8 neurons": {"model_type": "LTC", "n_neurons": 8},
}
BOXES = {"all inputs": (0, 1), "middle half": (0.25, 0.75), "medians": (0.5, 0.5)}
N_MEASURED = 50


def rows_of(X) -> np.ndarray:
    """Return all rows of sequences."""
    parts = [np.asarray(x, float) for x in X]
    return np.concatenate([part.reshape(len(part), -1) for part in parts])


def factors(model: LiquidClassifier, data) -> list[float]:
    """Return the bound in each box, and what is measured."""
    rows = rows_of(data.X_train)
    found = []
    for low, high in BOXES.values():
        box = np.quantile(rows, low, axis=0), np.quantile(rows, high, axis=0)
        found.append(contraction_bound(model, box).factor)
    slowest = contraction_rate(model, data.X_test[:N_MEASURED]).slowest
    return [*found, float(np.exp(-slowest))]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    sets, seeds = (SETS[:1], 1) if given.quick else (SETS, 3)
    head = ["data", "model", *BOXES, "measured"]
    print("| " + " | ".join(head) + " |\n" + "| --- " * len(head) + "|")
    for name in sets:
        data = load(name)
        for title, how in MODELS.items():
            found = []
            for seed in range(seeds):
                model = LiquidClassifier(random_state=seed, **how)
                found.append(factors(model.fit(data.X_train, data.y_train), data))
            table = np.array(found)
            proved = [
                f"{int((own < 1).sum())} of {seeds}; {np.median(own):.4g}"
                for own in table.T[:-1]
            ]
            cells = [name, title, *proved, f"{np.median(table[:, -1]):.3f}"]
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
