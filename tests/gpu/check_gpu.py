"""Checks the CUDA kernels on a GPU, and measures them: right, same bits, how quick.

    python tests/gpu/check_gpu.py [gpu_check.json]

A few minutes on a machine with torch and an NVIDIA GPU. Results are written after each
part, so that a part that fails, or hangs, leaves those before it. It ends with
"N passed, N failed", and with exit code 2 where there is no GPU.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import clone

import LNN
from LNN import LTC, CfC, LiquidClassifier, LiquidRegressor, Wiring, fit_many
from LNN.exceptions import NonFiniteLossError
from LNN.kernels import dispatch, torch_loop
from LNN.kernels.cuda import CudaBackend
from LNN.kernels.cuda import steps as loop
from LNN.training import graphs as recording

GPU, CPU = torch.device("cuda"), torch.device("cpu")
NEURONS, INPUTS, STEPS, REPEATS = 32, 8, 32, 20
ROWS, SEEDS = 6400, 8  # of the fits with and without graphs
# Neurons, sequences, steps.
SHAPES = [
    (n, *size) for n in (12, 32, 64) for size in ((1, 1), (5, 7), (64, 32), (300, 9))
]
ALLOWED = {torch.float64: 1e-9, torch.float32: 2e-4}
CELLS: dict[str, Callable[[int], Any]] = {
    "CfC exponential": lambda n: CfC(INPUTS, wiring(n), mode="exponential"),
    "CfC default": lambda n: CfC(INPUTS, wiring(n), mode="default"),
    "CfC no_gate": lambda n: CfC(INPUTS, wiring(n), mode="no_gate"),
    "CfC pure": lambda n: CfC(INPUTS, wiring(n), mode="pure"),
    "CfC full": lambda n: CfC(INPUTS, n, mode="exponential", backbone_layers=0),
    "CfC backbone": lambda n: CfC(INPUTS, n, mode="default", backbone_units=4 * n),
    "CfC deep backbone": lambda n: CfC(
        INPUTS, n, mode="exponential", backbone_units=64, backbone_layers=3
    ),
    "CfC pure backbone": lambda n: CfC(
        INPUTS, n, mode="pure", backbone_units=300, backbone_activation="gelu"
    ),
    "LTC exponential": lambda n: LTC(INPUTS, wiring(n), solver="exponential"),
    "LTC semi-implicit": lambda n: LTC(INPUTS, wiring(n), solver="semi-implicit"),
    "memory CfC": lambda n: CfC(INPUTS, wiring(n), mode="default", mixed_memory=True),
    "memory CfC backbone": lambda n: CfC(INPUTS, n, mode="default", mixed_memory=True),
    "memory LTC": lambda n: LTC(
        INPUTS, wiring(n), solver="exponential", mixed_memory=True
    ),
}
# Seconds to compile, for each size and precision: one size less.
SLOW = [name for name in CELLS if "backbone" in name or "memory" in name]
Found = dict[str, Any]


def wiring(n: int) -> Wiring:
    """Return an NCP wiring of n neurons."""
    return Wiring.ncp(INPUTS, n, 2)


def cell_of(name: str, n: int = NEURONS) -> Any:
    """Return a cell whose weights are no longer those of the start."""
    torch.manual_seed(0)
    cell = CELLS[name](n).cell
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return cell


def problem_of(cell: Any, batch: int, steps: int, seed: int = 0) -> tuple:
    """Return inputs, state, elapsed times and lengths, float64 on the CPU."""
    rng = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=rng, dtype=torch.float64)

    lengths = (1 + (steps - 1) * draw(batch)).round().long()
    state = draw(batch, cell.state_size) - 0.5
    spans = 0.1 + 2 * draw(batch, steps)
    return 4 * draw(batch, steps, cell.input_size) - 2, state, spans, lengths


def solved(backend: Any, cell: Any, problem: tuple, where: Any, dtype: Any) -> Found:
    """Return states and gradients of a loss, float64 on the CPU."""
    inputs, state, spans, lengths = problem
    cell = cell.to(where, dtype)
    inputs, state = (
        x.to(where, dtype, copy=True).requires_grad_() for x in (inputs, state)
    )
    data = (cell, inputs, state, spans.to(where, dtype), lengths.to(where))
    states, final = backend.run(*data)
    loss = states.square().sum() + final.sum()
    named = {"inputs": inputs, "state": state, **dict(cell.named_parameters())}
    slopes = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    found = {"states": states.detach(), "final": final.detach()}
    found |= {n: g for n, g in zip(named, slopes, strict=True) if g is not None}
    return {name: value.to(CPU, torch.float64) for name, value in found.items()}


# ------------------------------------------------------------------------------- parts


def machine() -> Found:
    """Tell what this is."""
    LNN.show_versions()
    properties = torch.cuda.get_device_properties(GPU)
    return {
        "gpu": properties.name,
        "capability": f"{properties.major}.{properties.minor}",
        "memory": properties.total_memory,
        "torch": torch.__version__,
        "cpus": os.cpu_count(),
        "cuda backend": LNN._show_versions.versions()["Backends"]["cuda"],
    }


def equality(name: str) -> Callable[[], Found]:
    """Return a check of a cell against the torch cell on the CPU, in float64."""

    def check() -> Found:
        worst: Found = {}
        for n, batch, steps in SHAPES:
            if n == NEURONS and name in SLOW:
                continue
            problem = problem_of(cell_of(name, n), batch, steps)
            cell = cell_of(name, n).double()
            right = solved(torch_loop, cell, problem, CPU, torch.float64)
            for dtype, allowed in ALLOWED.items():
                cell, cuda = cell_of(name, n).to(GPU, dtype), CudaBackend()
                assert cuda.supports(cell, GPU, dtype), cuda.describe()
                found = solved(cuda, cell, problem, GPU, dtype)
                far = max(
                    float((found[k] - v).abs().max() / (1 + v.abs().max()))
                    for k, v in right.items()
                )
                worst[str(dtype)] = max(worst.get(str(dtype), 0.0), far)
                assert far <= allowed, f"{name}, {n}, {batch} x {steps}: {far}"
        return worst

    return check


def same_bits() -> Found:
    """Check that two runs agree, with all fresh memory full of NaN."""
    torch.utils.deterministic.fill_uninitialized_memory = True
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        for name in CELLS:
            problem = problem_of(cell_of(name), 64, 32)
            first, second = (
                solved(CudaBackend(), cell_of(name), problem, GPU, torch.float32)
                for _ in range(2)
            )
            assert all(torch.equal(first[k], second[k]) for k in first), name
    finally:
        torch.use_deterministic_algorithms(False)
    return {"cells": len(CELLS)}


def seconds(step: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Return the median time of a step in ms, the GPU waited for."""
    step()
    step()
    times = []
    for _ in range(repeats):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        step()
        torch.cuda.synchronize()
        times.append(1e3 * (time.perf_counter() - begin))
    return round(float(np.median(times)), 3)


def passes(name: str) -> Callable[[], Found]:
    """Return a measurement of forward and backward passes, ms."""

    def measure() -> Found:
        found: Found = {}
        for n in (32, 64, 128):
            for batch in (64, 256, 1024):
                found[f"{n} neurons, batch {batch}"] = one(n, batch)
        return found

    def one(n: int, batch: int) -> Found:
        rows = torch.randn(batch, STEPS, INPUTS, device=GPU)

        def trained(layer: Any) -> Callable[[], None]:
            layer = layer.to(GPU)

            def step() -> None:
                layer.zero_grad()
                layer(rows)[0].square().mean().backward()

            return step

        def with_backend(backend: str) -> Any:
            layer = CELLS[name](n)
            layer.backend = backend
            return layer

        times = {
            "cuda": seconds(trained(with_backend("cuda"))),
            "cuDNN LSTM": seconds(trained(torch.nn.LSTM(INPUTS, n, batch_first=True))),
        }
        if n == NEURONS:
            times["torch loop"] = seconds(trained(with_backend("torch")), 3)
        return times

    return measure


def chunks() -> Found:
    """Check that a long sequence whose record has no room goes back in chunks."""
    found: Found = {}
    for name in ("CfC exponential", "CfC deep backbone", "memory LTC"):
        problem = problem_of(cell_of(name), 64, 200)
        whole = solved(CudaBackend(), cell_of(name), problem, GPU, torch.float32)
        limits = loop.most_bytes, loop.CHUNK_BYTES
        loop.most_bytes, loop.CHUNK_BYTES = (lambda device: 0), 2**20
        try:
            cut = solved(CudaBackend(), cell_of(name), problem, GPU, torch.float32)
        finally:
            loop.most_bytes, loop.CHUNK_BYTES = limits
        far = max(
            float((cut[k] - v).abs().max() / (1 + v.abs().max()))
            for k, v in whole.items()
        )
        assert far <= ALLOWED[torch.float32], f"{name}: {far}"
        found[name] = far
    return found


GRAPHS: dict[str, Found] = {
    "CfC": {},
    "LTC": {"model_type": "LTC"},
    "CfC backbone": {"wiring": "full", "mode": "default"},
    "mixed memory": {"mixed_memory": True},
    "mean of the states": {"pooling": "mean"},
    "whole recordings": {"window_length": None, "batch_size": 16},
    "AdamW, onecycle, by value": {
        "optimizer": "adamw",
        "weight_decay": 0.01,
        "lr_schedule": "onecycle",
        "clip_by": "value",
    },
    "two layers, classes, missing": {"n_layers": 2, "missing": "mask"},
}


# What has no kernels for the whole step.
BY_AUTOGRAD = ("two layers, classes, missing",)


@contextmanager
def by_autograd() -> Iterator[None]:
    """Let autograd take all steps."""
    own = LNN.kernels.resident_trainer_for
    LNN.kernels.resident_trainer_for = lambda *parts: None
    try:
        yield
    finally:
        LNN.kernels.resident_trainer_for = own


def graphs(kind: str) -> Callable[[], Found]:
    """Return a check of fits whose batches are CUDA graphs against those without."""

    def fitted(switch: str) -> Any:
        rng = np.random.default_rng(0)
        X = rng.normal(size=(ROWS, INPUTS)).astype(np.float32)
        y = np.convolve(X[:, 0], np.ones(5), "same")
        how = {"window_length": STEPS, "epochs": 3, "device": str(GPU), **GRAPHS[kind]}
        model: Any = LiquidRegressor(NEURONS, random_state=0, **how)
        if how.get("missing"):
            X[::7, 1] = np.nan
            model, y = LiquidClassifier(NEURONS, random_state=0, **how), y > 0
        times: list[float] = []
        os.environ["LNN_CUDA_GRAPH"] = switch
        try:
            model.set_params(callback=lambda epoch: times.append(time.perf_counter()))
            model.fit(X, y)
        finally:
            os.environ["LNN_CUDA_GRAPH"] = "1"
        # The first epoch compiles and records; validation is in all of them.
        return model, 1e3 * (times[-1] - times[0]) / 2 / (ROWS * 0.9 / 64)

    def check() -> Found:
        (with_graphs, quick), (without, slow) = fitted("1"), fitted("0")
        with by_autograd():
            quick_too = fitted("1")[1]
        said = with_graphs.model_.record.batches
        plain = "each batch as one CUDA graph"
        expected = plain if kind in BY_AUTOGRAD else f"{plain}, without autograd"
        assert said == expected, said
        assert "LNN_CUDA_GRAPH is not 1" in without.model_.record.batches
        curves = np.array([with_graphs.loss_curve_, without.loss_curve_])
        far = float(np.abs(curves[0] / curves[1] - 1).max())
        assert far < 1e-2, curves.tolist()  # rounding grows from step to step
        assert abs(curves[0, 0] / curves[1, 0] - 1) < 1e-3, curves.tolist()
        # Torch's own generator still works after a recording.
        assert torch.isfinite(torch.rand(3, device=GPU)).all()
        times = {"ms a batch": quick, "by autograd in a graph": quick_too}
        return {**times, "without graphs": slow, "apart": far}

    return check


MODELS = (1, 4, 16)
MANY: dict[str, Found] = {"CfC": {}, "LTC": {"model_type": "LTC"}}


def many(kind: str) -> Callable[[], Found]:
    """Return a check of fits in lock step against those alone, and their times, s."""

    def check() -> Found:
        rng = np.random.default_rng(0)
        X = rng.normal(size=(ROWS, INPUTS)).astype(np.float32)
        y = np.convolve(X[:, 0], np.ones(5), "same")
        how: Found = {"window_length": STEPS, "device": str(GPU), **MANY[kind]}
        model = LiquidRegressor(NEURONS, epochs=4, **how)
        grid = {"random_state": range(SEEDS), "learning_rate": [0.005, 0.01]}
        begin = time.perf_counter()
        models = fit_many(model, X, y, grid, n_jobs=2 * SEEDS)
        together = time.perf_counter() - begin
        times = []
        for each in models[:3]:
            said = each.model_.record.batches
            assert "in one launch for several fits" in said, said
            begin = time.perf_counter()
            alone = clone(each).fit(X, y)
            times.append(time.perf_counter() - begin)
            assert each.loss_curve_ == alone.loss_curve_, "other losses than alone"
            state = alone.network_.state_dict()
            for name, value in each.network_.state_dict().items():
                assert torch.equal(value, state[name]), f"{name} is other than alone"
        found: Found = {"fits": len(models), "together": round(together, 2)}
        return found | {"one alone": round(min(times), 2)}

    return check


def models_a_launch(kind: str) -> Callable[[], Found]:
    """Return a measurement of steps of 1, 4 and 16 models at once, ms."""

    def trainers() -> list[Any]:
        found: list[Any] = []
        own = LNN.kernels.resident_trainer_for

        def noted(*parts: Any) -> Any:
            found.append(own(*parts))
            return found[-1]

        X = np.random.default_rng(0).normal(size=(ROWS, INPUTS)).astype(np.float32)
        how: Found = {"window_length": STEPS, "device": str(GPU), **MANY[kind]}
        LNN.kernels.resident_trainer_for = noted
        try:
            for seed in range(MODELS[-1]):
                model = LiquidRegressor(NEURONS, random_state=seed, epochs=1, **how)
                model.fit(X, X.sum(axis=1))
        finally:
            LNN.kernels.resident_trainer_for = own
        return found

    def measure() -> Found:
        all_of_them, found = trainers(), {}
        for n in MODELS:
            chosen = all_of_them[:n]
            together = chosen[0].together(chosen)

            def again(chosen: list[Any] = chosen) -> None:
                for each in chosen:
                    each.model.fields["now"].fill_(-1)

            again()
            together.step()
            replay = recording.RECORDERS[GPU.type](together.step, GPU)
            again()
            # Fewer than an epoch has: later ones would have nothing to do.
            found[f"{n} models"] = seconds(replay, min(REPEATS, ROWS // 64 - 4))
        return found

    return measure


def not_finite() -> Found:
    """Check that a loss that overflows inside of a graph is noticed."""
    X = np.random.default_rng(0).normal(size=(500, INPUTS)).astype(np.float32)
    how: Found = {"learning_rate": 1e30, "clip_value": None, "window_length": 8}
    model = LiquidRegressor(12, device=str(GPU), random_state=0, **how)
    try:
        model.fit(X, X.sum(axis=1), epochs=5)
    except NonFiniteLossError as error:
        return {"said": str(error)[:60]}
    raise AssertionError(model.loss_curve_)


def fits() -> Found:
    """Measure whole fits on the CPU and on the GPU, s."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, INPUTS)).astype(np.float32)
    y = np.convolve(X[:, 0], np.ones(5), "same")
    found: Found = {}
    for model_type in ("CfC", "LTC"):
        for n, batch in ((32, 64), (64, 256), (128, 1024)):
            times = {}
            for device in ("cpu", "cuda"):
                how: Found = {"window_length": STEPS, "batch_size": batch, "epochs": 2}
                how |= {"model_type": model_type, "device": device, "random_state": 0}
                begin = time.perf_counter()
                model = LiquidRegressor(n, **how).fit(X, y)
                times[device] = round(time.perf_counter() - begin, 2)
                times[f"{device} backend"] = model.backend_
                times[f"{device} batches"] = model.model_.record.batches
                times[f"{device} score"] = round(model.score(X[:2000], y[:2000]), 4)
            assert times["cuda backend"] == "cuda", times
            found[f"{model_type}, {n} neurons, batch {batch}"] = times
    return found


PARTS: dict[str, Callable[[], Found]] = {
    "machine": machine,
    **{f"equal: {name}": equality(name) for name in CELLS},
    "same bits": same_bits,
    **{f"graph: {kind}": graphs(kind) for kind in GRAPHS},
    **{f"many models: {kind}": many(kind) for kind in MANY},
    **{f"models a launch: {kind}": models_a_launch(kind) for kind in MANY},
    "not finite": not_finite,
    "chunks": chunks,
    "passes: CfC exponential": passes("CfC exponential"),
    "passes: LTC exponential": passes("LTC exponential"),
    "passes: CfC backbone": passes("CfC backbone"),
    "fits": fits,
}


def main() -> int:
    """Run all parts; return the exit code."""
    os.environ["LNN_CUDA_GRAPH"] = "1"
    file = Path(sys.argv[1] if len(sys.argv) > 1 else "gpu_check.json")
    if not torch.cuda.is_available():
        print("There is no CUDA device here: nothing was checked.")
        return 2
    assert "cuda" in dispatch.BACKENDS
    results: Found = {}
    for name, part in PARTS.items():
        begin = time.perf_counter()
        try:
            results[name] = {"passed": True, "found": part()}
        except Exception as error:  # noqa: BLE001 (one part must not stop the others)
            traceback.print_exc()
            results[name] = {"passed": False, "error": f"{error!r}"[:2000]}
        results[name]["seconds"] = round(time.perf_counter() - begin, 1)
        print(name, json.dumps(results[name]), flush=True)
        file.write_text(json.dumps(results, indent=1), encoding="utf-8")
    passed = sum(result["passed"] for result in results.values())
    print(f"{passed} passed, {len(results) - passed} failed")
    return int(passed < len(results))


if __name__ == "__main__":
    sys.exit(main())
