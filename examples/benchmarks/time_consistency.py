"""What cells do with time: one long gap beside two short ones, and solvers of the LTC.

    python examples/benchmarks/time_consistency.py      (about a minute)

Cells of 32 neurons as they start, with time constants from 1 to 16. States are those
after five steps of random inputs; then the input is held. Means over 20 cells of 200
states.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from LNN import Wiring
from LNN.cells import CfCCell, LTCCell, WiredCfCCell
from LNN.cells.base import Cell

INPUTS, NEURONS, STATES, CELLS = 3, 32, 200, 20
STRICT = Wiring.ncp(INPUTS, NEURONS, 2)
DENSE = Wiring.ncp(INPUTS, NEURONS, 2, layer_recurrence=True)
START = {"time_constants": (1.0, 16.0)}
SOLVERS, UNFOLDS = ("semi-implicit", "exponential"), (6, 3, 2, 1)
MAKERS: dict[str, Callable[..., Cell]] = {
    "CfC default": lambda g: WiredCfCCell(DENSE, **START, generator=g),
    "CfC exponential": lambda g: WiredCfCCell(
        DENSE, mode="exponential", **START, generator=g
    ),
    "CfC exponential, full": lambda g: CfCCell(
        INPUTS, NEURONS, mode="exponential", **START, generator=g
    ),
} | {
    f"LTC {solver}, {unfolds} unfolds": lambda g, s=solver, u=unfolds: LTCCell(
        STRICT, solver=s, ode_unfolds=u, **START, generator=g
    )
    for solver in SOLVERS
    for unfolds in UNFOLDS
}


@torch.no_grad()
def situation(make: Callable[..., Cell], seed: int) -> tuple[Cell, Tensor, Tensor]:
    """Return a cell, the input to hold, and states that it may be in."""
    generator = torch.Generator().manual_seed(seed)
    cell = make(generator).double()

    def draw() -> Tensor:
        return torch.randn(STATES, INPUTS, dtype=torch.float64, generator=generator)

    state = torch.zeros(STATES, NEURONS, dtype=torch.float64)
    for _ in range(5):
        state = cell(draw(), state, 1.0)[1]
    return cell, draw(), state


@torch.no_grad()
def one_against_two(make: Callable[..., Cell], seed: int) -> float:
    """Return how far one step of 2 is from two of 1, relative to the state."""
    cell, x, state = situation(make, seed)
    once = cell(x, state, 2.0)[1]
    twice = cell(x, cell(x, state, 1.0)[1], 1.0)[1]
    return float((once - twice).norm() / twice.norm())


@torch.no_grad()
def from_solution(solver: str, unfolds: int, dt: float, seed: int) -> float:
    """Return how far a solver is from 400 steps of RK4, relative to the way."""
    cell, x, state = situation(MAKERS["LTC semi-implicit, 6 unfolds"], seed)
    cell.solver, cell.ode_unfolds = "rk4", 400
    solution = cell(x, state, dt)[1]
    cell.solver, cell.ode_unfolds = solver, unfolds
    return float((cell(x, state, dt)[1] - solution).norm() / (solution - state).norm())


def percent(function: Callable[..., float], *arguments: object) -> str:
    """Return the mean over cells."""
    found = [function(*arguments, seed) for seed in range(CELLS)]
    return f"{100 * sum(found) / len(found):.1f}"


def main() -> None:
    """Print both tables."""
    print("one step of 2 against two of 1, in percent of the state")
    for name, make in MAKERS.items():
        print(f"  {name:32s} {percent(one_against_two, make):>5s}")
    print("from the solution, in percent of the way, over gaps of 1 and of 5")
    for solver in SOLVERS:
        for unfolds in UNFOLDS:
            way = [percent(from_solution, solver, unfolds, dt) for dt in (1.0, 5.0)]
            print(f"  {solver:14s} {unfolds} unfolds  {way[0]:>5s} {way[1]:>5s}")


if __name__ == "__main__":
    main()
