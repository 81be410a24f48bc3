"""One model, trained by several processes that share its batches.

    torchrun --nproc_per_node 2 examples/data_parallel.py

On several machines run the same command on each, with --nnodes, --node_rank and
--master_addr. Every process needs the whole X and y: a file that all of them read, say.
"""

from __future__ import annotations

import argparse
import os

import numpy as np
import torch

import LNN
from LNN import LiquidRegressor, data_parallel


def make() -> tuple[np.ndarray, np.ndarray]:
    """Return 4,000 rows of four noisy waves, and what their sum is ten rows later."""
    random = np.random.default_rng(0)
    t = np.arange(4010)[:, None]
    waves = np.sin(t / np.array([5.0, 8.0, 13.0, 21.0]))
    return (waves + 0.1 * random.normal(size=waves.shape))[:-10], waves.sum(axis=1)[10:]


def main() -> None:
    """Train together; the first process alone scores and saves."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--save", metavar="FILE.npz")
    given = parser.parse_args()
    # With GPUs each process has its own.
    number = int(os.environ.get("LOCAL_RANK", 0))
    device = f"cuda:{number}" if torch.cuda.device_count() > number else "cpu"
    X, y = make()
    model = LiquidRegressor(
        batch_size=256, random_state=0, verbose=1, device=device, epochs=given.epochs
    )
    with data_parallel() as ranks:
        model.fit(X[:3000], y[:3000])
    if ranks.is_first:
        print("R2", round(model.score(X[3000:], y[3000:]), 3))
        if given.save:
            LNN.export.save(model, given.save)


if __name__ == "__main__":
    main()
