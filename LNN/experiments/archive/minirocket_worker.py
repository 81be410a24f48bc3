"""MiniRocket in the Python of its own environment; it knows nothing of LNN.

    python minirocket_worker.py

Each line of standard input names two npz files: what to fit on and predict, and where
to put the predictions. "done" on standard output answers it; the first says "ready".
"""

import sys
import time

import numpy as np


def serve(model_class: type) -> None:
    """Fit and predict, a line at a time, until there are no more."""
    warm = np.random.default_rng(0).normal(size=(4, 1, 16)).astype(np.float32)
    model_class(n_kernels=84).fit(warm, np.array([0, 1, 0, 1])).predict(warm)
    print("ready", flush=True)  # compiled: what is measured from here on is fitting
    for line in sys.stdin:
        given, answer = line.rstrip("\n").split("\t")
        with np.load(given) as data:
            np.savez(answer, **fitted(model_class, dict(data)))
        print("done", flush=True)


def fitted(model_class: type, data: dict) -> dict:
    """Fit on X and y; return the classes of each table "new ..." and the seconds."""
    begun = time.process_time()
    model = model_class(n_kernels=10_000, random_state=int(data["seed"]), n_jobs=1)
    model.fit(data["X"], data["y"])
    found = {"seconds": time.process_time() - begun}
    for name in data:
        if name.startswith("new "):
            found[name] = model.predict(data[name])
    return found


if __name__ == "__main__":
    from aeon.classification.convolution_based import MiniRocketClassifier

    serve(MiniRocketClassifier)
