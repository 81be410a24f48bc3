"""A search over settings on a cluster of Dask or Ray, through joblib.

    pip install "LNN[dask]" or "LNN[ray]"
    python examples/search_cluster.py dask
    python examples/search_cluster.py ray

Two local workers stand for any other cluster: pass the address of a scheduler to
`Client`, or of a Ray cluster to `ray.init`, in place of theirs. On one machine
`LNN.fit_many` and `LNN.fits_in_threads` need no cluster and are faster.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

import joblib
import numpy as np
from sklearn.model_selection import RandomizedSearchCV, TimeSeriesSplit

from LNN import LiquidRegressor


@contextmanager
def dask_cluster() -> Iterator[None]:
    """Send joblib's work to Dask."""
    from dask.distributed import Client, LocalCluster

    how = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    send = joblib.parallel_config
    with LocalCluster(**how) as cluster, Client(cluster), send(backend="dask"):
        yield


@contextmanager
def ray_cluster() -> Iterator[None]:
    """Send joblib's work to Ray."""
    import ray
    from ray.util.joblib import register_ray

    ray.init(num_cpus=2, include_dashboard=False)
    register_ray()
    try:
        with joblib.parallel_config(backend="ray"):
            yield
    finally:
        ray.shutdown()


CLUSTERS = {"dask": dask_cluster, "ray": ray_cluster}


def main() -> None:
    """Search on a cluster; print the best settings."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cluster", choices=CLUSTERS)
    given = parser.parse_args()
    random = np.random.default_rng(0)
    t = np.arange(1500)
    wave = np.sin(t / 9) * np.sin(t / 31) + 0.05 * random.normal(size=len(t))
    X, y = wave[:-1, None], wave[1:]
    settings = {
        "learning_rate": [0.003, 0.01, 0.03],
        "window_length": [8, 16, 32],
        "n_neurons": [8, 16, 32],
    }
    model = LiquidRegressor(epochs=10, random_state=0)
    search = RandomizedSearchCV(
        model, settings, n_iter=6, cv=TimeSeriesSplit(3), random_state=0
    )
    with CLUSTERS[given.cluster]():
        search.fit(X, y)
    print("R2", round(search.best_score_, 3), search.best_params_)


if __name__ == "__main__":
    main()
