"""Whole trainings: `LiquidRegressor.fit` beside hand-written ncps and LSTM loops.

    python examples/benchmarks/training.py            (about three minutes)

All see the same data, windows and batch size, take as many optimiser steps, clip the
same, and hold nothing out. The hand-written loops scale once, keep all windows as one
float32 tensor and take their batches from it with one call; the fused Adam of torch is
the fastest it has on a CPU. `fit` includes everything it does: reading, checking and
scaling the data, and the loss of the weights in the end.

Times are those of whole runs, each in turn, and ratios are taken run by run. The loop
of ncps takes seconds for what the others do in milliseconds, so it gets fewer batches,
and the times per batch are compared. Memory is the growth of the resident set from
before the run to its peak, each in a process of its own (Linux only).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import ncps
import ncps.torch
import ncps.wirings
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import LNN

NEURONS, RATE, CLIP = 32, 0.005, 1.0
# How often ours must be as fast as a loop, by model.
BARS = {"ncps": {"LTC": 60.0, "CfC": 60.0}, "LSTM": {"LTC": 2.0, "CfC": 2.5}}


@dataclass
class Result:
    """One contender against ours, as medians over runs."""

    model: str
    contender: str
    milliseconds: float  # per batch
    ratio: float  # to ours, of the same run
    lowest: float
    highest: float
    bar: float
    loss: float | None  # of the last epoch, in variances of the target
    memory: float | None  # MB


def make_data(rows: int, features: int) -> tuple[np.ndarray, np.ndarray]:
    """Return autoregressive channels, and a target that needs some memory of them."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(rows, features))
    X = noise.copy()
    for t in range(1, rows):
        X[t] += 0.9 * X[t - 1]
    y = np.convolve(X[:, 0], np.ones(8) / 8)[:rows] + 0.1 * rng.normal(size=rows)
    return X.astype(np.float32), y


class HandWritten(nn.Module):
    """A recurrent layer of torch or ncps with what it needs to give one output."""

    def __init__(self, kind: str, features: int):
        super().__init__()
        self.head: nn.Module = nn.Identity()
        if kind == "LSTM":
            self.layer: nn.Module = nn.LSTM(features, NEURONS, batch_first=True)
            self.head = nn.Linear(NEURONS, 1)
        else:
            wiring = ncps.wirings.AutoNCP(NEURONS, 1)
            layer = {"LTC": ncps.torch.LTC, "CfC": ncps.torch.CfC}[kind]
            self.layer = layer(features, wiring)

    def forward(self, windows: Tensor) -> Tensor:
        """Map windows (B, T, F) to outputs (B, 1)."""
        states, _ = self.layer(windows)
        return self.head(states[:, -1])


def standardised(values: np.ndarray) -> Tensor:
    """Return columns with mean 0 and variance 1 as float32."""
    values = values.astype(np.float64)
    return torch.tensor((values - values.mean(0)) / values.std(0), dtype=torch.float32)


def train_by_hand(kind: str, data, options, most_batches: int | None = None) -> float:
    """Train as one would write it down; return the mean loss of the last epoch."""
    X, y = data
    torch.manual_seed(0)
    model = HandWritten(kind, X.shape[1])
    windows = standardised(X).unfold(0, options.window, 1).transpose(1, 2).contiguous()
    targets = standardised(y[:, None])[options.window - 1 :]
    parameters = list(model.parameters())
    optimizer = torch.optim.Adam(parameters, lr=RATE, fused=True)
    for _ in range(options.epochs):
        total = torch.zeros(())
        for chosen in torch.randperm(len(windows)).split(options.batch)[:most_batches]:
            outputs = model(windows.index_select(0, chosen))
            loss = functional.mse_loss(outputs, targets.index_select(0, chosen))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, CLIP)
            optimizer.step()
            total += loss.detach() * len(chosen)
    return float(total / len(windows))


def train_ours(kind: str, data, options) -> float:
    """Train the estimator; return the mean loss of the last epoch."""
    model = LNN.LiquidRegressor(
        NEURONS,
        model_type=kind,
        window_length=options.window,
        batch_size=options.batch,
        epochs=options.epochs,
        learning_rate=RATE,
        clip_value=CLIP,
        lr_schedule=None,
        early_stopping=False,
        random_state=0,
    )
    return model.fit(*data).loss_curve_[-1]


def batches_of(options) -> int:
    """Return how many optimiser steps a run takes."""
    return options.epochs * -(-options.rows // options.batch)


def run_of(contender: str, kind: str, options) -> tuple[Callable[..., float], int]:
    """Return a contender's run over given data, and how many batches it takes."""
    if contender == "LNN":
        return lambda data: train_ours(kind, data, options), batches_of(options)
    if contender == "LSTM":
        return lambda data: train_by_hand("LSTM", data, options), batches_of(options)
    fewer = argparse.Namespace(**{**vars(options), "epochs": 1})
    n = options.ncps_batches
    return lambda data: train_by_hand(kind, data, fewer, n), n


def compare(kind: str, contenders: list[str], options) -> list[Result]:
    """Run all contenders in turn, several times."""
    data = make_data(options.rows, options.features)
    small = make_data(4 * options.batch + options.window, options.features)
    runs = {name: run_of(name, kind, options) for name in contenders}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    losses: dict[str, float] = {}
    for run, _ in runs.values():
        run(small)  # loads what is loaded lazily
    for repeat in range(options.repeats):
        # Forwards and backwards, so that nobody always comes after the same other.
        for name in contenders[:: 1 if repeat % 2 else -1]:
            run, n_batches = runs[name]
            start = time.perf_counter()
            losses[name] = run(data)
            times[name].append((time.perf_counter() - start) / n_batches)
    return [result(kind, name, times, losses[name], options) for name in contenders]


def result(kind: str, name: str, times: dict, loss: float, options) -> Result:
    """Sum up the runs of one contender."""
    pairs = zip(times[name], times["LNN"], strict=True)
    ratios = [theirs / ours for theirs, ours in pairs]
    return Result(
        model=f"{kind}-NCP-{NEURONS}",
        contender=name,
        milliseconds=1e3 * statistics.median(times[name]),
        ratio=statistics.median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
        bar=BARS[name][kind] if name != "LNN" else 1.0,
        loss=None if name == "ncps" else loss,  # it takes too few steps to tell
        memory=memory_apart(kind, name, options),
    )


# ------------------------------------------------------------------ memory


def resident(field: str) -> float:
    """Return VmRSS (now) or VmHWM (highest so far) of this process in MB."""
    # Not getrusage: its peak is inherited from the process that started this one.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def memory_here(kind: str, name: str, options) -> float:
    """Return by how many MB one run makes this process grow at most."""
    run, _ = run_of(name, kind, options)
    run(make_data(4 * options.batch + options.window, options.features))
    data = make_data(options.rows, options.features)
    Path("/proc/self/clear_refs").write_text("5")  # the highest is the present now
    before = resident("VmRSS")
    run(data)
    return resident("VmHWM") - before


def memory_apart(kind: str, name: str, options) -> float | None:
    """Do `memory_here` in a fresh process."""
    if not sys.platform.startswith("linux"):
        return None
    given = [f"--{key.replace('_', '-')}={vars(options)[key]}" for key in SIZES]
    command = [sys.executable, __file__, *given, f"--memory-of={kind},{name}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


# ------------------------------------------------------------------ report

SIZES = {
    "rows": 20_000,
    "features": 8,
    "window": 32,
    "batch": 32,
    "epochs": 3,
    "repeats": 5,
    "ncps_batches": 20,
    "threads": 1,
}


def machine() -> dict[str, str | int | None]:
    """Return where and with what this was measured."""
    processor = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        names = [line.split(": ")[1] for line in lines if line.startswith("model name")]
        processor = names[0] if names else processor
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "load": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else None,
        "threads": torch.get_num_threads(),
        "backend": LNN.LiquidRegressor(epochs=1).fit(np.eye(9), np.ones(9)).backend_,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "ncps": version("ncps"),
        "LNN": LNN.__version__,
    }


def show(results: list[Result]) -> None:
    """Print a table."""
    print(f"{'model':12s} {'loop':6s} {'ms/batch':>9s} {'of ours':>8s} ", end="")
    print(f"{'range':>15s} {'bar':>6s} {'loss':>7s} {'memory':>8s}")
    for r in results:
        span = f"{r.lowest:.2f} - {r.highest:.2f}"
        line = f"{r.model:12s} {r.contender:6s} {r.milliseconds:9.3f} {r.ratio:7.2f}x "
        loss = "-" if r.loss is None else f"{r.loss:.4f}"
        memory = "-" if r.memory is None else f"{r.memory:.0f} MB"
        line += f"{span:>15s} {r.bar:6.2f} {loss:>7s} {memory:>8s}"
        print(line, flush=True)


def write(folder: Path, results: list[Result], about: dict) -> None:
    """Write training.csv and training.json."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [asdict(r) for r in results]
    with (folder / "training.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    text = json.dumps({"about": about, "results": rows}, indent=2)
    (folder / "training.json").write_text(text + "\n")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, size in SIZES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=size)
    parser.add_argument("--models", nargs="+", default=["LTC", "CfC"])
    parser.add_argument("--contenders", nargs="+", default=["LSTM", "ncps"])
    parser.add_argument("--out", type=Path, default=Path("output"))
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure, print and write."""
    options = parse()
    torch.set_num_threads(options.threads)
    if options.memory_of:
        kind, name = options.memory_of.split(",")
        print(memory_here(kind, name, options))
        return
    about = machine() | {name: vars(options)[name] for name in SIZES}
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    results = []
    for kind in options.models:
        results += compare(kind, ["LNN", *options.contenders], options)
    show(results)
    write(options.out, results, about)


if __name__ == "__main__":
    main()
