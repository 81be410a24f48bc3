"""The same bits and the same speed as another checkout of LNN.

    python examples/benchmarks/checkouts.py OTHER [--rounds 6] [--dtype float64]

For changes that must change nothing, or the speed only (about five minutes): each
checkout fits the same eight models in a process of its own, and hashes of predictions,
loss curves and weights are compared. Then both are timed in turn, round by round, one
thread: each time is the least of all rounds, and the ratio here / there the median of
those of the rounds. OTHER needs its own native library (`make
native` in it).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parents[2]
KINDS, BACKENDS = ("LTC", "CfC"), ("native", "torch")


def hashed(*arrays) -> str:
    """Return the first characters of a hash of all bits."""
    parts = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
    return hashlib.sha256(parts).hexdigest()[:16]


def bits(dtype: str) -> dict[str, str]:
    """Fit small models of windows and of sequences; return a hash of each."""
    from LNN import LiquidClassifier, LiquidRegressor

    rng = np.random.default_rng(0)
    t = np.cumsum(rng.exponential(size=400))
    X = np.column_stack([np.sin(0.3 * t), rng.normal(size=400)])
    cube = rng.normal(size=(220, 12, 3))
    labels = np.where(cube[:, :, 0].mean(axis=1) > 0, "up", "down")
    found = {}
    for kind in KINDS:
        for backend in BACKENDS:
            how = {"model_type": kind, "backend": backend, "epochs": 4}
            how |= {"random_state": 0, "device": "cpu", "dtype": dtype}
            model = LiquidRegressor(16, **how).fit(X, X[:, 0], timestamps=t)
            answers = model.predict(X, timestamps=t)
            found[f"windows {kind} {backend}"] = _fitted(model, answers)
            model = LiquidClassifier(16, **how).fit(cube, labels)
            answers = model.predict_proba(cube)
            found[f"sequences {kind} {backend}"] = _fitted(model, answers)
    return found


def _fitted(model, answers: np.ndarray) -> str:
    weights = [p.detach().numpy() for p in model.network_.parameters()]
    return hashed(answers, model.loss_curve_, *weights)


def seconds(dtype: str) -> dict[str, float]:
    """Time what users wait for: the least of some repeats."""
    import torch

    from LNN import LiquidRegressor

    torch.set_num_threads(1)
    X = np.random.default_rng(0).normal(size=(2000, 8)).astype(dtype)
    y = X[:, 0].astype(float)
    how = {"epochs": 3, "batch_size": 32, "early_stopping": False, "random_state": 0}
    found = {}
    for kind in KINDS:
        model = LiquidRegressor(32, model_type=kind, dtype=dtype, **how)
        found[f"fit {kind}"] = _least(lambda m=model: m.fit(X, y), 5)
        found[f"predict {kind}"] = _least(lambda m=model: m.predict(X), 20)
        for mode, rows in (("carry", X[:1000]), ("window", X[:200])):
            stream = model.stream(mode)

            def run(stream=stream, rows=rows) -> None:
                for row in rows:
                    stream.step(row)

            found[f"stream {mode} {kind}"] = _least(run, 8) / len(rows)
        model.partial_fit(X[:200], y[:200])
        found[f"partial_fit {kind}"] = _least(
            lambda m=model: m.partial_fit(X[:200], y[:200]), 40
        )
    return found


def _least(run: Callable, repeats: int) -> float:
    run()
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        run()
        times.append(time.process_time() - begin)
    return min(times)


def inside(checkout: Path, what: str, dtype: str) -> dict:
    """Run `bits` or `seconds` with the package of a checkout."""
    code = f"import sys; sys.path.insert(0, {str(checkout)!r})\n"
    code += f"sys.path.insert(1, {str(Path(__file__).parent)!r})\n"
    code += "import json, LNN, checkouts\n"
    code += f"assert LNN.__file__.startswith({str(checkout)!r}), LNN.__file__\n"
    code += f"print(json.dumps(checkouts.{what}({dtype!r})))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Compare bits, then time in turn."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("other", type=Path)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    options = parser.parse_args()
    checkouts = {"here": HERE, "there": options.other.resolve()}
    here, there = (inside(c, "bits", options.dtype) for c in checkouts.values())
    for name in here:
        same = "same bits" if here[name] == there[name] else "OTHER BITS"
        print(f"{name:24s} {same}")
    took: dict[str, list[dict[str, float]]] = {"here": [], "there": []}
    for k in range(options.rounds):
        for where in list(checkouts)[:: 1 if k % 2 else -1]:
            took[where].append(inside(checkouts[where], "seconds", options.dtype))
    print(f"\n{'':24s} {'here ms':>10s} {'there ms':>10s} {'ratio':>7s}")
    for name in took["here"][0]:
        ours, theirs = ([r[name] for r in took[where]] for where in checkouts)
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        print(
            f"{name:24s} {1e3 * min(ours):10.3f} {1e3 * min(theirs):10.3f} {ratio:7.3f}"
        )


if __name__ == "__main__":
    main()
