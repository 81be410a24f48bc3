"""What models cost as C: bytes on a Cortex-M4F, microseconds a step on this machine.

    python examples/benchmarks/edge.py

Flash is .text of `model.c` with -Os (arm-none-eabi-gcc; without it that column is
empty), its tables included, libm not: `math="inline"` needs none, with `math="libm"`
expf and tanhf come on top. A step is timed with -O2 and the compiler of this machine,
beside `stream.step` of the same model. Rows are regular, as a model that knows of time
is about 90 bytes larger. The difference is the largest one from what LNN answers, of an
answer with a standard deviation of 1. Instructions of a step are counted by a
Cortex-M4F that qemu-system-arm plays, with -O2. Of q15, which is for parts without an
FPU, flash is that of a Cortex-M0, and instructions are those of a Cortex-M3, beside
those of float32 there.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from LNN import LiquidRegressor
from LNN.export import CModel, report, to_c
from LNN.export.c.costs import flash

ARM = "arm-none-eabi-gcc"
CORTEX_M4F = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
CORTEX_M3 = ("-mcpu=cortex-m3", "-mthumb")
CORTEX_M0 = ("-mcpu=cortex-m0", "-mthumb")
BOARD = Path(__file__).parents[1] / "cortex_m4"
QEMU = "qemu-system-arm"
BOARDS = {CORTEX_M4F: "mps2-an386", CORTEX_M3: "mps2-an385"}
HOW = ["-icount", "shift=0", "-semihosting", "-nographic", "-kernel", "image"]
INPUTS, ROWS = 4, 400
MODELS = {
    "LTC, NCP of 16": (16, {"model_type": "LTC"}),
    "LTC, NCP of 32, 2 unfolds": (32, {"model_type": "LTC", "ode_unfolds": 2}),
    "LTC, NCP of 32, 6 semi-implicit": (
        32,
        {"model_type": "LTC", "solver": "semi-implicit", "ode_unfolds": 6},
    ),
    "CfC, NCP of 32, exponential": (32, {}),
    "CfC of 16, backbone of 32": (
        16,
        {"wiring": "full", "mode": "default", "backbone_units": 32},
    ),
}
# Bytes of flash in float32 and int8, and microseconds of a step in float32.
BARS = {
    "LTC, NCP of 16": (1800, None, None),
    "LTC, NCP of 32, 2 unfolds": (None, None, 2.0),
    "CfC, NCP of 32, exponential": (None, None, 1.0),
    "CfC of 16, backbone of 32": (11600, 4000, None),
}
TIMER = """\
#include <stdio.h>
#include <time.h>
#include "model.h"

int main(void)
{
    static lnn_state state;
    float x[LNN_CHANNELS] = {0.3f, -0.5f}, y[LNN_ANSWERS] = {0.0f};
    double best = 1e9;
    int round, k;
    lnn_reset(&state);
    for (round = 0; round < 500; round++) {
        struct timespec a, b;
        double each;
        clock_gettime(CLOCK_MONOTONIC, &a);
        for (k = 0; k < 300; k++) {
            x[0] = 0.1f * y[0]; /* a step waits for the one before */
            lnn_step(&state, x, 1.0f, y);
        }
        clock_gettime(CLOCK_MONOTONIC, &b);
        each = ((b.tv_sec - a.tv_sec) * 1e6 + (b.tv_nsec - a.tv_nsec) * 1e-3) / 300;
        if (each < best) best = each;
    }
    printf("%f", best);
    return 0;
}
"""


# qemu runs one instruction a nanosecond; the clock of the board has 25 MHz.
COUNTER = """\
#include <stdint.h>
#include <stdio.h>
#include "model.h"

#define SYSTICK(k) (((volatile uint32_t *)0xE000E010)[k])

int main(void)
{
    static lnn_state state;
    $number x[LNN_CHANNELS] = {0}, y[LNN_ANSWERS] = {0};
    int k;
    lnn_reset(&state);
    SYSTICK(1) = 0xFFFFFF;
    SYSTICK(2) = 0;
    SYSTICK(0) = 5;
    for (k = 0; k < 200; k++) {
        x[0] = y[0] / 8;
        $step(&state, x, $one, y);
    }
    printf("%lu", (unsigned long)((0xFFFFFF - SYSTICK(2)) * 40 / 200));
    return 0;
}
"""


def instructions(model: LiquidRegressor, dtype: str, cpu=CORTEX_M4F) -> str:
    """Return how many instructions a Cortex-M4F, or -M3, needs for a step."""
    if shutil.which(ARM) is None or shutil.which(QEMU) is None:
        return "?"
    integers = dtype == "q15"
    words = {"$number": "float", "$step": "lnn_step", "$one": "1.0f"}
    if integers:
        words = {"$number": "int32_t", "$step": "lnn_step_q15", "$one": "65536"}
    counter = COUNTER
    for place, word in words.items():
        counter = counter.replace(place, word)
    with tempfile.TemporaryDirectory() as folder:
        to_c(model, Path(folder, "model.c"), dtype, self_test=False)
        Path(folder, "counter.c").write_text(counter)
        sources = ["counter.c", "model.c", str(BOARD / "startup.c")]
        how = [
            "-O2",
            "--specs=rdimon.specs",
            "-T",
            str(BOARD / "link.ld"),
            "-o",
            "image",
        ]
        build = [ARM, *cpu, *sources, *how]
        subprocess.run(build, cwd=folder, check=True)
        qemu = [QEMU, "-M", BOARDS[cpu], *HOW]
        done = subprocess.run(qemu, cwd=folder, check=True, capture_output=True)
    return f"{int(done.stdout):,}"


def c_step(model: LiquidRegressor, dtype: str, math: str) -> float:
    """Return microseconds of a step, of the quickest of 500 rounds."""
    with tempfile.TemporaryDirectory() as folder:
        to_c(model, Path(folder, "model.c"), dtype, math=math, self_test=False)
        Path(folder, "timer.c").write_text(TIMER)
        build = ["cc", "-O2", "timer.c", "model.c", "-lm", "-o", "timer"]
        subprocess.run(build, cwd=folder, check=True)
        timed = Path(folder, "timer")
        return float(subprocess.run([timed], check=True, capture_output=True).stdout)


def python_step(model: LiquidRegressor, X: np.ndarray) -> float:
    """Return microseconds of a step of a stream, of the quickest of ten rounds."""
    stream, best = model.stream("carry"), np.inf
    for _ in range(10):
        start = time.perf_counter()
        for row in X:
            stream.step(row)
        best = min(best, 1e6 * (time.perf_counter() - start) / len(X))
    return best


def difference(model: LiquidRegressor, dtype: str, X: np.ndarray) -> float:
    """Return the largest difference between C and LNN."""
    with tempfile.TemporaryDirectory() as folder:
        to_c(model, Path(folder, "model.c"), dtype, self_test=False)
        answers = CModel(Path(folder, "model.c")).predict(X)
    return float(np.abs(answers - model.predict(X)).max())


def verdict(found: float | None, bar: float | None) -> str:
    """Return what a number says beside its bar."""
    if bar is None or found is None:
        return ""
    return f" {'PASS' if found <= bar else 'MISS'} ({bar:g})"


def main() -> None:
    """Fit each model, print a line for each type of its weights."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, INPUTS))
    y = X[:, 0] + 0.5 * np.roll(X[:, 1], 1)
    y /= y.std()
    for name, (n_neurons, how) in MODELS.items():
        model = LiquidRegressor(
            n_neurons, window_length=None, epochs=5, random_state=0, **how
        ).fit(X, y)
        table, stream = report(model), python_step(model, X)
        print(f"{name}; stream.step {stream:.1f} us")
        bars = BARS.get(name, (None, None, None))
        for dtype, bytes_bar in zip(("float32", "int8"), bars[:2], strict=True):
            line(model, name, dtype, bytes_bar, table.loc[dtype], X)
        integers(model, X)


def integers(model, X) -> None:
    """Print what q15 costs on parts without an FPU."""
    costs = report(model, dtype="q15").loc["q15"]
    size = "?"
    if shutil.which(ARM):
        size = f"{flash(model, 'q15', ARM, ('-Os', *CORTEX_M0)):,}"
    counts = [instructions(model, dtype, CORTEX_M3) for dtype in ("q15", "float32")]
    print(
        f"  q15      flash {size} B on a Cortex-M0; RAM {costs['state']:.0f} B; "
        f"{counts[0]} instructions on a Cortex-M3, {counts[1]} as float32; off by "
        f"{difference(model, 'q15', X):.1e}",
        flush=True,
    )


def line(model, name, dtype, bytes_bar, costs, X) -> None:
    """Print what one type of weights costs."""
    sizes: dict[str, int | None] = {"inline": None, "libm": None}
    if shutil.which(ARM):
        options = ("-Os", *CORTEX_M4F)
        sizes = {math: flash(model, dtype, ARM, options, math=math) for math in sizes}
    speeds = {math: c_step(model, dtype, math) for math in sizes}
    time_bar = BARS.get(name, (None,))[-1] if dtype == "float32" else None
    print(
        f"  {dtype:8s} flash {sizes['inline']} B{verdict(sizes['inline'], bytes_bar)}, "
        f"with libm {sizes['libm']} B; RAM {costs['state']:.0f} B; "
        f"{speeds['inline']:.2f} us{verdict(speeds['inline'], time_bar)}, "
        f"with libm {speeds['libm']:.2f} us; {instructions(model, dtype)} "
        f"instructions; {costs['multiplications']:.0f} multiply-adds, "
        f"{costs['calls']:.0f} calls; off by "
        f"{difference(model, dtype, X):.1e}",
        flush=True,
    )


if __name__ == "__main__":
    main()
