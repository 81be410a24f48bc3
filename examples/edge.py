"""Is the room occupied? A model trained here, replayed on a microcontroller.

    python examples/edge.py             half a minute; needs the occupancy data
    python examples/edge.py --out DIR   where the files go that a firmware would take

UCI Occupancy: a classifier learns the training file (8,143 minutes) and is written as
C: in float32, with weights of int8, and in integers alone (q15). The second test file
(9,752 minutes, a week later) is read by LNN, by the numpy runtime, by onnxruntime and
by all three C models, compiled here; the files for JavaScript and Clojure are written
beside them, and node asks its own the test vectors. One day of it is then replayed
through a Cortex-M4 that qemu plays, row by row with the real clock: the image has the
two files of the model and the rows of that day.

Accuracy is balanced (the mean over the two classes: "always empty" is 0.5). The largest
difference is one of probabilities. Flash is .text of `model.c` with -Os for the
Cortex-M4F, RAM the state of a stream. A step is timed on this machine, in C with -O2.
What is not installed is left out: `make edge-tools` installs it on Debian.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score

import LNN
from LNN import LiquidClassifier
from LNN.datasets import fetch_occupancy
from LNN.export import CModel, report, to_c, to_clojure, to_js, to_onnx
from LNN.export.numpy_model import Model

BOARD = Path(__file__).with_name("cortex_m4")
ARM, MACHINE = "arm-none-eabi-gcc", "qemu-system-arm"
CORTEX_M4F = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
DTYPES = ("float32", "int8", "q15")
REPLAY = """\
#include <stdio.h>
#include "model.h"

static const float rows[][LNN_CHANNELS] = {
%(rows)s
};
static const float gaps[] = {%(gaps)s};

int main(void)
{
    static lnn_state state;
    float y[LNN_ANSWERS];
    unsigned k;
    lnn_reset(&state);
    for (k = 0; k < sizeof gaps / sizeof *gaps; k++) {
        lnn_step(&state, rows[k], gaps[k], y);
        putchar(y[1] > y[0] ? '1' : '0');
    }
    return 0;
}
"""


def read(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sensors, the time of each row, and whether the room is occupied."""
    rooms = fetch_occupancy()
    chosen = rooms.groups == rooms.group_names.index(name)
    X = rooms.data[chosen].to_numpy(float)
    return X, np.asarray(rooms.timestamps)[chosen], np.asarray(rooms.target)[chosen]


def gaps_of(times: np.ndarray) -> np.ndarray:
    """Return seconds since the row before, NaN at the first."""
    return np.append(np.nan, np.diff(times) / np.timedelta64(1, "s"))


def microseconds(step, X: np.ndarray) -> float:
    """Return microseconds of a call, of the quickest of five rounds."""
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        step(X)
        best = min(best, (time.perf_counter() - start) / len(X))
    return 1e6 * best


def row_by_row(step):
    """Return what calls `step` for each row."""

    def run(X):
        for row in X:
            step(row, dt=60.0)

    return run


def replayed(folder: Path, X: np.ndarray, gaps: np.ndarray) -> np.ndarray | None:
    """Return the codes that a Cortex-M4 answers, None where it cannot be played."""
    if shutil.which(ARM) is None or shutil.which(MACHINE) is None:
        return None
    rows = ",\n".join("    {" + ", ".join(f"{v:.9e}f" for v in row) + "}" for row in X)
    told = ", ".join(f"{gap:.9e}f" for gap in np.nan_to_num(gaps, nan=-1.0))
    (folder / "replay.c").write_text(REPLAY % {"rows": rows, "gaps": told})
    sources = ["replay.c", "model.c", str(BOARD / "startup.c")]
    how = [
        "-O2",
        "-DLNN_FLOAT",
        "--specs=rdimon.specs",
        "-T",
        str(BOARD / "link.ld"),
        "-o",
        "m4.elf",
    ]
    subprocess.run([ARM, *CORTEX_M4F, *sources, *how], cwd=folder, check=True)
    machine = [MACHINE, "-M", "mps2-an386", "-semihosting", "-nographic"]
    done = subprocess.run(
        [*machine, "-kernel", "m4.elf"], cwd=folder, capture_output=True, check=True
    )
    return np.array([int(digit) for digit in done.stdout.decode().strip()])


def of_onnx(model, path: Path, X: np.ndarray, gaps: np.ndarray) -> np.ndarray | None:
    """Write the ONNX file; return its probabilities, None where it cannot be run."""
    try:
        import onnxruntime

        to_onnx(model, path)
    except ImportError:
        return None
    session = onnxruntime.InferenceSession(path)
    size = session.get_inputs()[2].shape[1]
    feeds = {
        "rows": X[None].astype("float32"),
        "dt": gaps[None].astype("float32"),
        "state": np.zeros((1, size), "float32"),
    }
    (found,) = session.run(["probabilities"], feeds)
    return found[0]


def to_other_languages(model: LiquidClassifier, out: Path) -> None:
    """Write the model for JavaScript and Clojure; tell what node says of the first."""
    written = [*to_js(model, out / "js"), *to_clojure(model, out / "clojure")]
    told = ", ".join(f"{path.name} {path.stat().st_size} B" for path in written)
    print(f"JavaScript and Clojure: {told}")
    if shutil.which("node"):
        command = ["node", "test.js"]
        done = subprocess.run(command, cwd=out / "js", capture_output=True, text=True)
        print(f"node: {done.stdout.strip()}")


def main() -> None:
    """Train, write, compare, replay."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("output/edge"))
    out = parser.parse_args().out
    torch.set_num_threads(1)
    X, times, y = read("datatraining")
    model = LiquidClassifier(16, window_length=None, random_state=0)
    model.fit(X, y, timestamps=times)
    X, times, y = read("datatest2")
    gaps = gaps_of(times)
    expected = model.predict_proba(X, timestamps=times)
    day = slice(1440, 2880)

    def line(name, found, own, costs="") -> None:
        score = balanced_accuracy_score(y, model.classes_[found.argmax(axis=1)])
        off = np.abs(found - expected).max()
        took = " " * 11 if own is None else f"{own:8.2f} us"
        print(f"{name:12s} {score:.4f}  {off:8.1e}  {took}  {costs}")

    print("             accuracy  off by     a step      on a Cortex-M4F")
    stream = model.stream("carry")
    line("LNN", expected, microseconds(row_by_row(stream.step), X[:2000]))
    out.mkdir(parents=True, exist_ok=True)
    LNN.export.save(model, out / "model.npz")
    runtime = Model(out / "model.npz")
    own = microseconds(row_by_row(runtime.step), X[:2000])
    line("numpy", runtime.predict_proba(X, gaps), own)
    found = of_onnx(model, out / "model.onnx", X, gaps)
    if found is not None:
        line("onnxruntime", found, None)
    compiler = ARM if shutil.which(ARM) else None
    days = {}
    for dtype in DTYPES:
        folder = out / dtype
        folder.mkdir(exist_ok=True)
        to_c(model, folder / "model.c", dtype)
        device = CModel(folder / "model.c")
        options = ("-Os", *CORTEX_M4F)
        costs = report(model, dtype=dtype, compiler=compiler, options=options).iloc[0]
        told = (
            f"{costs.get('flash', np.nan):.0f} B of flash, {costs['state']:.0f} of RAM"
        )
        own = microseconds(device.predict_proba, X)
        line(f"C, {dtype}", device.predict_proba(X, times), own, told)
        days[dtype] = replayed(folder, X[day], gaps_of(times[day]))
    to_other_languages(model, out)
    alone = model.predict(X[day], timestamps=times[day])
    for dtype, codes in days.items():
        if codes is None:
            print(f"No Cortex-M4 was played: {ARM} and {MACHINE} are not installed.")
            break
        same = (model.classes_[codes] == alone).mean()
        score = balanced_accuracy_score(y[day], model.classes_[codes])
        print(
            f"Cortex-M4, {dtype}: {len(codes)} minutes replayed, {same:.2%} of labels "
            f"as LNN's, accuracy {score:.4f}"
        )


if __name__ == "__main__":
    main()
