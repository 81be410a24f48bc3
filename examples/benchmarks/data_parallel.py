"""One training by one process, by two threads, and by processes that share its batches.

    python examples/benchmarks/data_parallel.py                 about two minutes
    python examples/benchmarks/data_parallel.py --ranks 4 --rounds 5

For each batch size the same fit is done by one thread, by as many threads as there are
ranks (`n_jobs`), and by ranks of one thread each (`data_parallel`, gloo). Printed are
milliseconds per batch, the least of some rounds that take turns. Last come the sums of
gradients alone: how long it takes to add up as many numbers as the model has weights.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

from LNN import LiquidRegressor, data_parallel

ROWS, FEATURES, WINDOW, EPOCHS, SUMS = 8192, 8, 32, 2, 300
SIZES = (64, 256, 1024)


def timed_fit(batch_size: int, n_jobs: int | None = None) -> dict[str, float]:
    """Fit once; return ms per batch, the last loss and the number of weights."""
    random = np.random.default_rng(0)
    X = random.normal(size=(ROWS, FEATURES)).cumsum(axis=0)
    model = LiquidRegressor(
        32,
        window_length=WINDOW,
        batch_size=batch_size,
        epochs=EPOCHS,
        early_stopping=False,
        n_jobs=n_jobs,
        random_state=0,
    )
    start = time.perf_counter()
    model.fit(X, X[:, 0] - X[:, 1])
    batches = EPOCHS * -(-ROWS // batch_size)
    took = 1000 * (time.perf_counter() - start) / batches
    return {"ms": took, "loss": model.loss_curve_[-1], "weights": model.n_parameters_}


def timed_sums(weights: int) -> float:
    """Return milliseconds for adding up gradients of all ranks."""
    gradient = torch.ones(weights)
    torch.distributed.all_reduce(gradient)
    start = time.perf_counter()
    for _ in range(SUMS):
        torch.distributed.all_reduce(gradient)
    return 1000 * (time.perf_counter() - start) / SUMS


def as_rank(rounds: int) -> None:
    """Do the fits as one of several processes; the first one prints them as JSON."""
    with data_parallel() as ranks:
        found = [[timed_fit(size) for size in SIZES] for _ in range(rounds)]
        sums = timed_sums(int(found[0][0]["weights"]))
    if ranks.is_first:
        print(json.dumps({"fits": found, "sums": sums}))


def in_ranks(ranks: int) -> dict:
    """Start processes that fit together, once; return what the first one printed."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node"]
    command += [str(ranks), "--standalone", str(Path(__file__)), "--as-rank"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure in turns, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--as-rank", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.as_rank:
        as_rank(1)
        return
    torch.set_num_threads(1)
    ways = {"one thread": None, f"n_jobs={given.ranks}": given.ranks}
    name = f"{given.ranks} ranks"
    least = {way: [np.inf] * len(SIZES) for way in (*ways, name)}
    losses, sums = {}, np.inf
    timed_fit(1024)  # libraries are loaded
    for _ in range(given.rounds):
        for way, n_jobs in ways.items():
            for k, size in enumerate(SIZES):
                found = timed_fit(size, n_jobs)
                least[way][k] = min(least[way][k], found["ms"])
                losses[way, size] = found["loss"]
        told = in_ranks(given.ranks)
        sums = min(sums, told["sums"])
        for k, found in enumerate(told["fits"][0]):
            least[name][k] = min(least[name][k], found["ms"])
            losses[name, SIZES[k]] = found["loss"]
    print(f"CfC of 32 neurons, windows of {WINDOW}, {FEATURES} features; ms per batch")
    print(f"{'':12s}", *(f"batch {size:5d}" for size in SIZES))
    for way, times in least.items():
        print(f"{way:12s}", *(f"{ms:11.2f}" for ms in times))
    apart = max(
        abs(losses[name, size] / losses["one thread", size] - 1) for size in SIZES
    )
    print(f"losses of {name} differ from those of one thread by {apart:.1e} at most")
    print(f"adding up the gradients takes {sums:.3f} ms")


if __name__ == "__main__":
    main()
