"""How much of Walker2D is memory, and how much is time: a network without either.

    python examples/walker_memory.py            three networks; some minutes on a core
    python examples/walker_memory.py --quick    a smoke run; its numbers mean nothing

The CfC paper's Walker2D (a tenth of the frames lost, the next state is to be told) is
used to compare networks that remember. Here a feed-forward network of two layers is
trained on single steps of the same windows: it sees the present frame; that and the one
before it; and also how long ago that was. Windows, splits and the choice of the epoch
on the validation part are those of `python -m LNN.experiments`, so its error can be
read beside docu/experiments.md.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from torch import Tensor, nn

from LNN.experiments.task import Part
from LNN.experiments.tasks import TASKS

SEEN = ("the present frame", "and the one before", "and the gap between")
UNITS, EPOCHS, BATCH = 256, 12, 512
RATE = 4e-3
QUICK = {"sequences": 50, "epochs": 2}


def pairs(part: Part, seen: str) -> tuple[Tensor, Tensor]:
    """Return steps from the second one on as rows, with what is seen, and targets."""
    X, time = np.asarray(part.X), np.asarray(part.timestamps, dtype=np.float32)
    columns = [X[:, 1:]]
    if seen != SEEN[0]:
        columns.append(X[:, :-1])
    if seen == SEEN[2]:
        columns.append(np.diff(time)[..., None])
    rows = np.concatenate(columns, axis=-1)
    y = np.asarray(part.y)[:, 1:]
    return tuple(
        torch.tensor(a.reshape(-1, a.shape[-1]).astype("f4")) for a in (rows, y)
    )


def fit_and_score(parts: list[Part], seen: str, seed: int, epochs: int) -> float:
    """Return the test error of the epoch with the lowest validation error."""
    torch.manual_seed(seed)
    (X, y), (X_val, y_val), (X_test, y_test) = (pairs(part, seen) for part in parts)
    mean, deviation = X.mean(0), X.std(0)
    X, X_val, X_test = ((x - mean) / deviation for x in (X, X_val, X_test))
    network = nn.Sequential(
        *(nn.Linear(X.shape[1], UNITS), nn.SiLU()),
        *(nn.Linear(UNITS, UNITS), nn.SiLU()),
        nn.Linear(UNITS, y.shape[1]),
    )
    adam = torch.optim.AdamW(network.parameters(), RATE)
    n_batches = -(-len(X) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        adam, RATE, total_steps=epochs * n_batches
    )
    best = (float("inf"), float("nan"))
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(BATCH):
            loss = nn.functional.mse_loss(network(X[rows]), y[rows])
            adam.zero_grad()
            loss.backward()
            adam.step()
            schedule.step()
        with torch.no_grad():
            errors = [
                nn.functional.mse_loss(network(a), b).item()
                for a, b in ((X_val, y_val), (X_test, y_test))
            ]
        best = min(best, tuple(errors))
    return best[1]


def main() -> None:
    """Print a line for each network."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="a smoke run")
    given = parser.parse_args()
    data = TASKS["walker2d"].load("published")
    parts, epochs = [data.train, data.validation, data.test], EPOCHS
    if given.quick:
        first = np.arange(QUICK["sequences"])
        parts, epochs = [part.take(first) for part in parts], QUICK["epochs"]
    print("mean squared error on the test part, mean and deviation over seeds")
    for seen in SEEN:
        found = [fit_and_score(parts, seen, s, epochs) for s in range(given.seeds)]
        print(f"{seen:22} {np.mean(found):.4f} +- {np.std(found):.4f}", flush=True)


if __name__ == "__main__":
    main()
