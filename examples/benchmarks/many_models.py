"""Sixteen seeds of one model: `fit_many` beside loops and beside worker processes.

    python examples/benchmarks/many_models.py            (about two minutes)

Every contender fits the same models to the same data, and all have to predict the same
bits. They take turns in each round.

On a machine that does other work, a contender with two threads may get no more of it
than one with a single thread. So there are two times. "wall" is what a clock shows: the
median of the rounds. "busy" is what the busiest thread (or process) took without
waiting for a core, as Linux counts it: computing, and waiting for the interpreter's
lock. It is the least of the rounds, as who waits for the lock of a thread that waits
for a core counts as busy too. On a machine with free cores it is the wall time.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.base import clone

from LNN import LiquidRegressor, fit_many
from LNN.estimators import fitting
from LNN.kernels.native import call, epochs, library, passes, training

ROWS, FEATURES = 1000, 4
# How many times as fast as the other two `fit_many` was meant to be, on two cores.
AIMS = {"loop": 3.0, "joblib": 1.5}


def processor() -> str:
    """Return its name; "" where Linux does not say."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def now() -> float:
    """Return seconds that this thread has not spent waiting for a core."""
    path = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
    waited = int(path.read_text().split()[1]) / 1e9 if path.exists() else 0.0
    return time.perf_counter() - waited


class Timed(LiquidRegressor):
    """Notes who fitted it, and how long that took."""

    def fit(self, *args: Any, **kwargs: Any) -> Timed:
        """Fit as `LiquidRegressor` does."""
        before = now()
        super().fit(*args, **kwargs)
        self.spent_ = (os.getpid(), threading.get_native_id()), now() - before
        return self


def data() -> tuple[np.ndarray, np.ndarray]:
    """Return noise, and what a short memory makes of it."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, FEATURES))
    return X, np.convolve(X[:, 0], [1, 0.5, 0.25])[:ROWS]


def alone(model: Timed, X: np.ndarray, y: np.ndarray) -> Timed:
    """Fit one model on one thread, in whatever process this is."""
    torch.set_num_threads(1)
    return model.fit(X, y)


def contenders(
    models: list[Timed], X: np.ndarray, y: np.ndarray, n_jobs: int
) -> dict[str, Callable[[], list[Timed]]]:
    """Return what fits all models; the workers of joblib stay between rounds."""
    workers = joblib.Parallel(n_jobs=n_jobs, backend="loky")

    def own() -> list[Timed]:
        return [clone(model) for model in models]

    return {
        "loop": lambda: [alone(model, X, y) for model in own()],
        "joblib": lambda: workers(joblib.delayed(alone)(m, X, y) for m in own()),
        "fit_many": lambda: fit_many(own(), X, y, n_jobs=n_jobs),
    }


def measured(run: Callable[[], list[Timed]]) -> tuple[float, float, float, list[Timed]]:
    """Return wall, busy and CPU time (of this process), and what was fitted."""
    start, cpu = time.perf_counter(), time.process_time()
    found = run()
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    busy: dict[Any, float] = defaultdict(float)
    for model in found:
        worker, seconds = model.spent_
        busy[worker] += seconds
    return wall, max(busy.values()), cpu, found


def before_training(model: Timed, X: np.ndarray, y: np.ndarray) -> str:
    """Return which part of a fit comes before its first batch, in CPU time."""
    spent = {"read_parts": 0.0, "build": 0.0}

    def timed(name: str, function: Callable) -> Callable:
        def call(*args: Any) -> Any:
            start = time.thread_time()
            found = function(*args)
            spent[name] += time.thread_time() - start
            return found

        return call

    originals = {name: getattr(fitting, name) for name in spent}
    for name, function in originals.items():
        setattr(fitting, name, timed(name, function))
    start = time.thread_time()
    for _ in range(5):
        clone(model).fit(X, y)
    whole = time.thread_time() - start
    for name, function in originals.items():
        setattr(fitting, name, function)
    read, built = (seconds / whole for seconds in spent.values())
    return f"reading and splitting {read:.1%}, scalers and network {built:.1%} of a fit"


def python_part(model: Timed, X: np.ndarray, y: np.ndarray) -> float:
    """Return the part of a fit's CPU time outside of the native library.

    In there, other threads of Python may run.
    """
    spent = [0.0]

    class Watched:
        """The library's functions; the time in them is added up."""

        def __init__(self, functions: Any):
            self._functions = functions

        def __getattr__(self, name: str) -> Callable:
            function = getattr(self._functions, name)

            def call(*args: Any) -> Any:
                start = time.thread_time()
                found = function(*args)
                spent[0] += time.thread_time() - start
                return found

            setattr(self, name, call)  # found at once the next time
            return call

    watched = Watched(library.functions())
    users = (epochs, passes, training, call)
    for user in users:
        user.functions = lambda: watched
    parts = []
    for _ in range(5):
        spent[0], start = 0.0, time.thread_time()
        clone(model).fit(X, y)
        parts.append(1 - spent[0] / (time.thread_time() - start))
    for user in users:
        user.functions = library.functions
    return min(parts)


def compare(model: Timed, arguments: argparse.Namespace) -> None:
    """Print the times of one kind of model."""
    X, y = data()
    models = [clone(model).set_params(random_state=k) for k in range(arguments.models)]
    print(f"\n{model.model_type}, windows of {model.window_length}, seconds:")
    clone(models[0]).fit(X, y)  # the first fit of a process imports this and that
    print(f"  {before_training(models[0], X, y)}")
    print(f"  Python {python_part(models[0], X, y):.0%} of a fit", flush=True)
    if not arguments.repeats:
        return
    runs = contenders(models, X, y, arguments.n_jobs)
    start = time.perf_counter()
    runs["joblib"]()  # starts the workers, which import torch
    first = time.perf_counter() - start
    runs["fit_many"]()
    rounds: list[dict[str, tuple]] = []
    for _ in range(arguments.repeats):
        done = {name: measured(run) for name, run in runs.items()}
        expected = [each.predict(X) for each in done["loop"][3]]
        for name, (*_, found) in done.items():
            for one, other in zip(found, expected, strict=True):
                assert (one.predict(X) == other).all(), f"{name}: other bits"
        rounds.append({name: times[:3] for name, times in done.items()})
    print(f"  first call of joblib, with the start of its workers: wall {first:.2f}")
    busy = {name: min(r[name][1] for r in rounds) for name in runs}
    for name in runs:
        wall, cpu = (statistics.median(r[name][k] for r in rounds) for k in (0, 2))
        here = "" if name == "joblib" else f", CPU {cpu:.2f}"
        print(f"  {name:9s} wall {wall:.2f}, busy {busy[name]:.2f}{here}")
    for name, aim in AIMS.items():
        ratios = sorted(r[name][0] / r["fit_many"][0] for r in rounds)
        print(
            f"  {name} / fit_many: wall {statistics.median(ratios):.2f} "
            f"({ratios[0]:.2f} to {ratios[-1]:.2f}), busy "
            f"{busy[name] / busy['fit_many']:.2f}; the aim was {aim}",
            flush=True,
        )


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--models", type=int, default=16)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=9, help="0: no times")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--kinds", nargs="+", default=["CfC", "LTC"])
    parser.add_argument("--windows", nargs="+", type=int, default=[32, 8])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(
        f"{arguments.models} models of 32 neurons, {ROWS:,} rows, {arguments.epochs} "
        f"epochs; {joblib.cpu_count()} cores, {processor()}, "
        f"torch {torch.__version__}, load {load:.1f}"
    )
    for kind in arguments.kinds:
        for window in arguments.windows:
            how = {"window_length": window, "epochs": arguments.epochs}
            compare(Timed(32, model_type=kind, **how), arguments)


if __name__ == "__main__":
    main()
