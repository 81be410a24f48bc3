"""What a model costs where there is no LNN: size and time of a step of each runtime.

    python examples/benchmarks/runtimes.py

A network of 32 neurons, 3 inputs and 1 output carries its states over 500 rows of
irregular time. Each time is the least of several runs on one thread. Runtimes that are
not installed are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import LNN
from LNN.export.numpy_model import Model

HERE = Path(__file__).resolve().parents[2]
ROWS, STEPS, RUNS = 500, 200, 7
KINDS = {
    "CfC": {},
    "LTC, one exponential unfold": {"model_type": "LTC"},
    "LTC, six semi-implicit unfolds": {
        "model_type": "LTC",
        "solver": "semi-implicit",
        "ode_unfolds": 6,
    },
}
JS = """
import {{ readFileSync }} from "node:fs";
import {{ Model }} from "./model.js";
const model = Model.from(readFileSync("model.json", "utf8"));
let best = Infinity;
for (let run = 0; run < 10; run++) {{
  const begin = performance.now();
  for (let k = 0; k < {steps}; k++) model.step([0.1, 0.2, 0.3], 1.3);
  best = Math.min(best, performance.now() - begin);
}}
console.log(best / {steps} / 1000);
"""
CLOJURE = """
(require '[lnn.core :as lnn])
(def net (lnn/load-network "model.edn"))
(defn run [n]
  (reduce (fn [state _] (first (lnn/step net state [0.1 0.2 0.3] 1.3))) nil (range n)))
(defn seconds []
  (let [begin (System/nanoTime)]
    (run {steps})
    (/ (- (System/nanoTime) begin) 1e9 {steps})))
(println (apply min (repeatedly 10 seconds)))
"""


def least(call: Callable[[], object]) -> float:
    """Return the seconds of the fastest run."""
    found = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        call()
        found.append(time.perf_counter() - begin)
    return min(found)


def printed(command: list[str], folder: Path) -> float:
    """Return the number that a program prints."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def of_python(model: LNN.LiquidRegressor, row: np.ndarray) -> float:
    """Return the seconds of a step of LNN's own stream."""
    stream = model.stream("carry")
    stream.step(row, timestamp=0.0)
    times = iter(1.3 * np.arange(1, RUNS * STEPS + 1))

    def run() -> None:
        for _ in range(STEPS):
            stream.step(row, timestamp=next(times))

    return least(run) / STEPS


def of_numpy(path: Path, row: np.ndarray) -> float:
    """Return the seconds of a step of numpy_model.py."""
    model = Model(path)
    return least(lambda: [model.step(row, 1.3) for _ in range(STEPS)]) / STEPS


def of_onnx(folder: Path, model: LNN.LiquidRegressor) -> dict[str, float]:
    """Return the seconds of a step and of all rows, and the size of the file."""
    try:
        import onnxruntime
    except ImportError:
        return {}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    found = {}
    for name, sequence in (("step", False), ("rows", True)):
        path = LNN.export.to_onnx(model, folder / f"{name}.onnx", sequence)
        session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        shape = (1, ROWS) if sequence else (1,)
        size = session.get_inputs()[2].shape[1]
        feeds = {
            "rows": np.full((*shape, 3), 0.1, np.float32),
            "dt": np.full(shape, 1.3, np.float32),
            "state": np.zeros((1, size), np.float32),
        }

        def run(session=session, feeds=feeds, times=1 if sequence else STEPS) -> None:
            for _ in range(times):
                _, feeds["state"] = session.run(None, feeds)

        found[name] = least(run) / (1 if sequence else STEPS)
    return found | {"bytes": path.stat().st_size}


def of_programs(folder: Path, model: LNN.LiquidRegressor) -> dict[str, float]:
    """Return the seconds of a step in node and Clojure."""
    LNN.export.to_js(model, folder)
    LNN.export.to_clojure(model, folder)
    (folder / "time.js").write_text(JS.format(steps=2000))
    (folder / "time.clj").write_text(CLOJURE.format(steps=1000))
    source = str(HERE / "examples" / "clojure" / "src")
    commands = {
        "node": ["node", "time.js"],
        "clojure": ["clojure", "-cp", source, "time.clj"],
    }
    return {
        name: printed(command, folder)
        for name, command in commands.items()
        if shutil.which(command[0])
    }


def measure(options: dict) -> dict:
    """Fit a model and measure all runtimes."""
    random = np.random.default_rng(0)
    times = np.cumsum(random.exponential(size=ROWS) + 0.05)
    X = random.normal(size=(ROWS, 3))
    y = 0.1 * np.cumsum(X.sum(axis=1))
    model = LNN.LiquidRegressor(
        32,
        window_length=None,
        epochs=2,
        early_stopping=False,
        random_state=0,
        **options,
    ).fit(X, y, timestamps=times)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        LNN.export.save(model, folder / "model.npz")
        seconds = {
            "stream of LNN": of_python(model, X[0]),
            "numpy_model.py": of_numpy(folder / "model.npz", X[0]),
            **of_programs(folder, model),
        }
        onnx = of_onnx(folder, model)
        sizes = {"model.json": (folder / "model.json").stat().st_size}
        if onnx:
            seconds["onnxruntime, one row a call"] = onnx["step"]
            seconds[f"onnxruntime, {ROWS} rows a call"] = onnx["rows"] / ROWS
            sizes["model.onnx"] = onnx["bytes"]
    micro = {name: round(1e6 * value, 1) for name, value in seconds.items()}
    return {"us a row": micro, "bytes": sizes}


def main() -> None:
    """Print what each kind of model costs."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    for name, options in KINDS.items():
        print(name, json.dumps(measure(options)))


if __name__ == "__main__":
    main()
