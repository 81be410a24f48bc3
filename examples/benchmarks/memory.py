"""Memory while fitting and predicting 1,000,000 rows x 8 with windows of 32.

    python examples/benchmarks/memory.py

Prints the growth of the resident memory over what the data themselves take, in MB; the
bar for fit is twice the data plus 300 MB. Windows are never materialised: all of them
would take 32 times the data.
"""

from __future__ import annotations

import argparse
import resource
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from LNN import LiquidRegressor

MB = 2**20
PAGE = resource.getpagesize()


def resident() -> float:
    """Return the resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / MB


@contextmanager
def peak():
    """Sample the resident memory in the background; yields a function of the peak."""
    seen, done = [resident()], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            seen.append(resident())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield lambda: max([*seen, resident()])
    finally:
        done.set()
        thread.join()


def main() -> None:
    """Fit once, predict once, print both growths."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument(
        "--stride", type=int, default=1, help="every how many rows a window"
    )
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    X = rng.normal(size=(options.rows, 8))
    y = X[:, 0] + 0.1 * rng.normal(size=options.rows)
    # A small fit first, so that libraries are loaded and pools exist before measuring.
    settings = {"window_length": 32, "n_neurons": 12, "epochs": 1, "random_state": 0}
    LiquidRegressor(**settings, batch_size=256).fit(X[:2000], y[:2000])
    model = LiquidRegressor(**settings, batch_size=256, stride=options.stride)
    data = (X.nbytes + y.nbytes) / MB
    for name, work in (
        ("fit", lambda: model.fit(X, y)),
        ("predict", lambda: model.predict(X)),
    ):
        before, start = resident(), time.perf_counter()
        with peak() as highest:
            work()
            grown = highest() - before
        seconds = time.perf_counter() - start
        print(
            f"{name:8s} {options.rows:,} rows, data {data:.0f} MB: memory grew by "
            f"{grown:.0f} MB in {seconds:.0f} s (bar for fit: {2 * data + 300:.0f} MB)",
            flush=True,
        )


if __name__ == "__main__":
    main()
