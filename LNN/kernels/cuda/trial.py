"""A first run beside torch: kernels that are wrong on a device are not used there."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from LNN.cells.base import Cell
from LNN.kernels import torch_loop

__all__ = ["fault_of"]

# Rounding of this size is far below what a wrong index or a missing barrier does.
ALLOWED = {torch.float32: 1e-3, torch.float64: 1e-7}
LENGTHS = (4, 2, 3)

Run = Callable[..., tuple[Tensor | None, Tensor]]


def fault_of(
    run: Run, cell: Cell, device: torch.device, dtype: torch.dtype
) -> str | None:
    """Return what kernels do otherwise than torch on a small problem, None if nothing.

    Parameters
    ----------
    run : callable
        As `Backend.run`.
    cell : Cell
        It is copied.
    device, dtype
        Where, and in what.
    """
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast(device.type, enabled=False),
    ):
        own = copy.deepcopy(cell).to(device, dtype).requires_grad_(True)
        problem = _problem(own, device, dtype)
        found, expected = (_solved(how, own, *problem) for how in (run, torch_loop.run))
    for name, value in expected.items():
        far = float((found[name] - value).abs().max() / (1 + value.abs().max()))
        if not far <= ALLOWED[dtype]:  # NaN is not
            return f"{name} of a small problem is {far:.2g} off what torch computes"
    return None


def _problem(cell: Cell, device: torch.device, dtype: torch.dtype) -> tuple:
    random = torch.Generator().manual_seed(0)
    n, steps = len(LENGTHS), max(LENGTHS)
    shapes = [(n, steps, cell.input_size), (n, cell.state_size), (n, steps)]
    inputs, state, spans = (torch.rand(s, generator=random) for s in shapes)
    here: dict[str, Any] = {"device": device, "dtype": dtype}
    # Inputs on both sides of 0, states within their bounds, gaps around one unit.
    given = [(4 * inputs - 2).to(**here), (state - 0.5).to(**here)]
    given = [tensor.requires_grad_() for tensor in given]
    return *given, (0.2 + 2 * spans).to(**here), torch.tensor(LENGTHS, device=device)


def _solved(
    run: Run, cell: Cell, inputs: Tensor, state: Tensor, spans: Tensor, lengths: Tensor
) -> dict[str, Tensor]:
    """Return states and gradients by name."""
    states, final = run(cell, inputs, state, spans, lengths)
    assert states is not None
    loss = states.square().sum() + final.sum()
    named = {"inputs": inputs, "state": state, **dict(cell.named_parameters())}
    slopes: tuple[Tensor | None, ...] = torch.autograd.grad(
        loss, list(named.values()), allow_unused=True
    )
    gradients = {
        f"the gradient of {name}": slope
        for name, slope in zip(named, slopes, strict=True)
        if slope is not None
    }
    results = {"the states": states.detach(), "the final state": final.detach()}
    return results | gradients
