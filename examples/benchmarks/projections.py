"""How long the nearest point in half-spaces takes, beside a general QP solver.

`pip install proxsuite` adds the columns of ProxQP. Times are of the forward pass, CPU
time on one core, a millisecond for each problem.

    OMP_NUM_THREADS=1 python examples/benchmarks/projections.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from LNN.constraints.numpy_limits import TOLERANCE
from LNN.constraints.projection import project

SIZES = ((2, 5), (4, 4), (4, 12), (10, 20), (20, 40), (50, 100), (4, 500), (10, 500))
# Problems that have a point in common, but barely.
HARD = ("one corner", "nearly parallel", "slices", "all sizes", "far")
N_PROBLEMS, REPEATS = 64, 5
NO_END = 1e20


def random_problems(n: int, m: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Return points, boxes and half-spaces that have a point in common."""
    random = np.random.default_rng(seed)
    A = random.normal(size=(N_PROBLEMS, m, n))
    A /= np.linalg.norm(A, axis=2, keepdims=True)
    y = 2 * random.normal(size=(N_PROBLEMS, n))
    side = np.ones_like(y)
    return y, -side, side, A, random.random((N_PROBLEMS, m)) + 0.1


def hard_problems(kind: str, n: int = 8, m: int = 40) -> tuple[np.ndarray, ...]:
    """Return problems without a box that have a point in common, but barely."""
    random = np.random.default_rng(0)
    A = random.normal(size=(N_PROBLEMS, m, n))
    A /= np.linalg.norm(A, axis=2, keepdims=True)
    point, room = random.normal(size=(N_PROBLEMS, n)), np.zeros((N_PROBLEMS, m))
    if kind == "nearly parallel":
        A[:, 1::2] = A[:, ::2] + 1e-6 * random.normal(size=A[:, ::2].shape)
        room = 1e-6 * random.random((N_PROBLEMS, m))
    elif kind == "slices":
        A[:, 1::2], room = -A[:, ::2], 1e-5 * random.random((N_PROBLEMS, m))
    elif kind == "all sizes":
        room = 10.0 ** random.uniform(-8, 4, size=(N_PROBLEMS, m))
    elif kind == "far":
        point, room = 1e6 * point, random.random((N_PROBLEMS, m))
    b = np.einsum("bmn,bn->bm", A, point) + room
    y = point + 5 * random.normal(size=point.shape)
    return y, np.full_like(y, -np.inf), np.full_like(y, np.inf), A, b


def ours(*problems: np.ndarray) -> np.ndarray:
    """Return which points satisfy all constraints."""
    y, low, high, A, b = problems
    u = project(*(torch.from_numpy(part) for part in problems)).numpy()
    over = np.einsum("bmn,bn->bm", A, u) - b
    size = 1e-3 + np.abs(A * u[:, None]).sum(axis=2) + np.abs(b)
    held = (over <= TOLERANCE * size).all(axis=1)
    found: np.ndarray = held & (u >= low).all(axis=1) & (u <= high).all(axis=1)
    return found


def proxqp(*problems: np.ndarray) -> np.ndarray:
    """Return which problems ProxQP solves to 1e-9."""
    from proxsuite import proxqp

    y, low, high, A, b = problems
    m, n = A.shape[1:]
    solver = proxqp.dense.QP(n, 0, m, True)
    solver.settings.eps_abs, solver.settings.eps_rel = 1e-9, 0.0
    low, high = np.maximum(low, -NO_END), np.minimum(high, NO_END)
    found = []
    for k in range(len(y)):
        ends = np.full(m, -NO_END), b[k], low[k], high[k]
        solver.init(np.eye(n), -y[k], None, None, A[k], *ends)
        solver.solve()
        solved = proxqp.QPSolverOutput.PROXQP_SOLVED
        found.append(solver.results.info.status == solved)
    return np.array(found)


def milliseconds(solve: Callable[..., Any], problems: tuple[np.ndarray, ...]) -> float:
    """Return the median CPU time of a problem."""
    solve(*problems)
    taken = []
    for _ in range(REPEATS):
        begin = time.process_time()
        solve(*problems)
        taken.append(time.process_time() - begin)
    return 1e3 * float(np.median(taken)) / N_PROBLEMS


def main() -> None:
    """Print a line for each size and for each kind of hard problems."""
    torch.set_num_threads(1)
    solvers: dict[str, Callable[..., Any]] = {"LNN": ours}
    try:
        import proxsuite
    except ImportError:
        print("without proxsuite, which is not installed")
    else:
        solvers[f"ProxQP {proxsuite.__version__}"] = proxqp
    for n, m in SIZES:
        times = {
            name: f"{milliseconds(solve, random_problems(n, m)):.2f}"
            for name, solve in solvers.items()
        }
        print(f"{n} outputs in a box, {m} half-spaces: {times} ms")
    for kind in HARD:
        shares = {
            name: int(f(*hard_problems(kind)).sum()) for name, f in solvers.items()
        }
        print(f"{kind}: solved {shares} of {N_PROBLEMS}")


if __name__ == "__main__":
    main()
