"""Which backend runs, decided per call."""

from __future__ import annotations

import os

from torch import Tensor

from LNN.cells.base import Cell, choice
from LNN.kernels import torch_loop

# Fused backends ("native", "triton") register here when they exist.
RUNNERS = {"torch": torch_loop.run}
BACKENDS = ("auto", *RUNNERS)


def resolve_backend(requested: str = "auto") -> str:
    """Return the backend that will run for a requested one.

    The environment variable LNN_BACKEND replaces "auto", and only "auto".
    """
    choice("backend", requested, BACKENDS)
    if requested == "auto":
        requested = os.environ.get("LNN_BACKEND", "auto")
        choice("LNN_BACKEND", requested, BACKENDS)
    return "torch" if requested == "auto" else requested


def run(
    cell: Cell,
    inputs: Tensor,
    state: Tensor,
    timespans: Tensor,
    lengths: Tensor | None,
    backend: str = "auto",
) -> tuple[Tensor, Tensor]:
    """Run a cell over sequences with the backend asked for."""
    return RUNNERS[resolve_backend(backend)](cell, inputs, state, timespans, lengths)
