"""Predictions for a partitioned panel: in one process, on Dask, on Ray.

    pip install "LNN[dask]" "LNN[ray]"
    python examples/benchmarks/partitions.py                  about two minutes
    python examples/benchmarks/partitions.py --rows 4000000 --no-ray

The same rows, of 200 recordings, are predicted by `model.predict`, by `predict_frame`
on two local workers of Dask, and by `predict_dataset` on two local CPUs of Ray. Printed
are seconds: of the first call, which sends the model and starts what has to be started,
and the least of three more.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from LNN import LiquidRegressor

RECORDINGS, FEATURES = 200, 8


def panel(n_rows: int) -> pd.DataFrame:
    """Return a frame of recordings, one after another."""
    random = np.random.default_rng(0)
    names = [f"c{k}" for k in range(FEATURES)]
    found = pd.DataFrame(random.normal(size=(n_rows, FEATURES)), columns=names)
    found["unit"] = np.arange(n_rows) * RECORDINGS // n_rows
    found["hour"] = np.arange(n_rows, dtype=float)
    return found


def timed(what: str, work: Callable[[], object]) -> None:
    """Print the seconds of the first call, and the least of three more."""
    took = []
    for _ in range(4):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    print(f"{what:24s} first {took[0]:6.2f} s  then {min(took[1:]):6.2f} s", flush=True)


def on_dask(model: LiquidRegressor, rows: pd.DataFrame) -> None:
    """Predict on two workers of Dask, with and without moving rows."""
    import dask.dataframe as dd
    from dask.distributed import Client, LocalCluster

    from LNN.adapters.dask import predict_frame

    how = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**how) as cluster, Client(cluster):
        # Cuts between recordings, of which there are 200.
        frame = dd.from_pandas(rows, npartitions=8).persist()
        timed("Dask", lambda: predict_frame(model, frame)["prediction"].sum().compute())
        shuffled = lambda: predict_frame(model, frame, shuffle=True)  # noqa: E731
        timed("Dask, shuffle=True", lambda: shuffled()["prediction"].sum().compute())


def on_ray(model: LiquidRegressor, rows: pd.DataFrame) -> None:
    """Predict on two CPUs of Ray."""
    import ray

    from LNN.adapters.ray import predict_dataset

    ray.init(num_cpus=2, include_dashboard=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    dataset = ray.data.from_pandas(rows).materialize()
    try:
        answers = lambda: predict_dataset(model, dataset, num_partitions=8)  # noqa: E731
        timed("Ray", lambda: answers().sum("prediction"))
    finally:
        ray.shutdown()


def main() -> None:
    """Fit once; predict in three ways."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--no-dask", action="store_true")
    parser.add_argument("--no-ray", action="store_true")
    given = parser.parse_args()
    rows = panel(given.rows)
    how = {"group_column": "unit", "time_column": "hour", "window_length": 16}
    model = LiquidRegressor(16, epochs=1, random_state=0, device="cpu", **how)
    model.fit(rows[: given.rows // 20], rows["c0"][: given.rows // 20])
    print(f"{given.rows:,} rows, windows of 16, {FEATURES} features")
    timed("model.predict", lambda: model.predict(rows))
    if not given.no_dask:
        on_dask(model, rows)
    if not given.no_ray:
        on_ray(model, rows)


if __name__ == "__main__":
    main()
