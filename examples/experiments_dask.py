"""Experiments on a Dask cluster: the runs go wherever joblib sends them.

A cluster of two local workers stands for any other: pass the address of a scheduler to
`Client` in its place, with a folder of results that all workers see.

    pip install "LNN[examples]"
    python examples/experiments_dask.py
"""

from __future__ import annotations

import argparse

from dask.distributed import Client, LocalCluster
from joblib import parallel_config

from LNN.experiments import run_all, runs_of


def main() -> None:
    """Run a few small experiments on a local cluster."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", default="results-dask")
    given = parser.parse_args()
    runs = runs_of("quick", tasks=["cheetah", "gesture"], models=["CfC-NCP", "LSTM"])
    workers = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with workers as cluster, Client(cluster), parallel_config(backend="dask"):
        records = run_all(runs, given.results)
    for record in records:
        print(record["task"], record["protocol"], record["model"], record["test"])


if __name__ == "__main__":
    main()
