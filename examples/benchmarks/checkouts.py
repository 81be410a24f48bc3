"""The same bits and the same speed as another checkout of LNN.

    python examples/benchmarks/checkouts.py OTHER [--rounds 21] [--dtype float64]

For changes that must change nothing, or the speed only: each checkout fits the same
eight models in a process of its own, and hashes of predictions, loss curves and
weights are compared. Then two processes run each job in turn, one thread: each time is
the least of all rounds, and the ratio here / there the median of those of the pairs.
OTHER needs its own native library (`make native` in it).
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
from sklearn.base import clone

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


def show_bits(dtype: str) -> None:
    """Print what `bits` returns."""
    print(json.dumps(bits(dtype)), flush=True)


def _fitted(model, answers: np.ndarray) -> str:
    weights = [p.detach().numpy() for p in model.network_.parameters()]
    return hashed(answers, model.loss_curve_, *weights)


def jobs(dtype: str) -> dict[str, Callable[[], object]]:
    """Return what users wait for, by name: a fit is one epoch of 1,000 rows."""
    import torch

    from LNN import LiquidRegressor

    torch.set_num_threads(1)
    X = np.random.default_rng(0).normal(size=(1000, 8)).astype(dtype)
    y = X[:, 0].astype(float)
    how = {"epochs": 1, "batch_size": 32, "early_stopping": False, "random_state": 0}
    found: dict[str, Callable[[], object]] = {}
    for kind in KINDS:
        model = LiquidRegressor(32, model_type=kind, dtype=dtype, **how).fit(X, y)
        new = clone(model)
        found[f"fit {kind}"] = lambda m=new: m.fit(X, y)
        found[f"predict {kind}"] = lambda m=model: m.predict(X)
        for mode in ("carry", "window"):
            stream = model.stream(mode)
            found[f"stream {mode} {kind}"] = lambda s=stream: [s.step(x) for x in X]
        more = clone(model).partial_fit(X[:200], y[:200])
        found[f"partial_fit {kind}"] = lambda m=more: m.partial_fit(X[:200], y[:200])
    return found


def serve(dtype: str) -> None:
    """Time each job that is asked for by name, until nothing is."""
    found = jobs(dtype)
    for run in found.values():
        run()
    print(json.dumps(list(found)), flush=True)
    for line in sys.stdin:
        begin = time.process_time()
        found[line.strip()]()
        print(time.process_time() - begin, flush=True)


class Worker:
    """A process with the package of a checkout, and what it calls there.

    Parameters
    ----------
    checkout : Path
    call : str
        A call of a function of this file.
    """

    def __init__(self, checkout: Path, call: str):
        code = f"import sys; sys.path.insert(0, {str(checkout)!r})\n"
        code += f"sys.path.insert(1, {str(Path(__file__).parent)!r})\n"
        code += "import json, LNN, checkouts\n"
        code += f"assert LNN.__file__.startswith({str(checkout)!r}), LNN.__file__\n"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code + f"checkouts.{call}"],
            cwd=checkout,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def answer(self, question: str = ""):
        """Return what it prints next, after a line to read if there is one."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if question:
            self.process.stdin.write(question + "\n")
            self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def compare_times(checkouts: list[Path], options: argparse.Namespace) -> None:
    """Run each job here and there in turn; print least times and the median ratio."""
    workers = [Worker(checkout, f"serve({options.dtype!r})") for checkout in checkouts]
    names = [worker.answer() for worker in workers][0]
    print(f"\n{'':24s} {'here ms':>10s} {'there ms':>10s} {'ratio':>7s}")
    for name in names:
        pairs = []
        for k in range(options.rounds):
            # Forwards and backwards, so that nobody always comes after the other.
            order = workers[:: 1 if k % 2 else -1]
            pairs.append(
                [worker.answer(name) for worker in order][:: 1 if k % 2 else -1]
            )
        ours, theirs = (1e3 * min(times) for times in zip(*pairs, strict=True))
        ratio = statistics.median(here / there for here, there in pairs)
        print(f"{name:24s} {ours:10.3f} {theirs:10.3f} {ratio:7.3f}", flush=True)


def main() -> None:
    """Compare bits, then time in turn."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("other", type=Path)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    options = parser.parse_args()
    checkouts = [HERE, options.other.resolve()]
    call = f"show_bits({options.dtype!r})"
    here, there = (Worker(checkout, call).answer() for checkout in checkouts)
    for name in here:
        same = "same bits" if here[name] == there[name] else "OTHER BITS"
        print(f"{name:24s} {same}", flush=True)
    compare_times(checkouts, options)


if __name__ == "__main__":
    main()
