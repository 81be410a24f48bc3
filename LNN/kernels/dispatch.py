"""Which backend runs, decided per call."""

from __future__ import annotations

import functools
import os

import torch
from torch import Tensor

from LNN._warnings import warn
from LNN.cells.base import Cell, choice
from LNN.exceptions import InvalidInputError
from LNN.kernels import native, torch_loop
from LNN.kernels.library import load
from LNN.kernels.stepping import Stepper

BACKENDS = ("auto", "torch", "native")


def resolve_backend(requested: str = "auto") -> str:
    """Return the backend that will be tried first for a requested one.

    The environment variable LNN_BACKEND replaces "auto", and only "auto".

    Raises
    ------
    InvalidInputError
        If there is no such backend, or "native" was asked for and is not installed.
    """
    choice("backend", requested, BACKENDS)
    if requested == "auto":
        requested = os.environ.get("LNN_BACKEND", "auto")
        choice("LNN_BACKEND", requested, BACKENDS)
    library = load()
    if requested == "native" and not library:
        raise InvalidInputError(
            f'backend="native" is not available: {library.reason}. To get it, '
            f'{library.remedy}. backend="torch" does the same, more slowly.'
        )
    if requested != "auto":
        return requested
    if not library:
        _tell_once()
    return "native" if library else "torch"


def backend_for(
    cell: Cell, requested: str, device: torch.device, dtype: torch.dtype
) -> str:
    """Return the backend that trains this cell on this device."""
    backend = resolve_backend(requested)
    fits = device.type == "cpu" and native.supports(cell, dtype)
    return backend if backend != "native" or fits else "torch"


def stepper_for(
    cell: Cell, requested: str, n_streams: int, dtype: torch.dtype
) -> Stepper | None:
    """Return a stepper for streams of this cell; None if it runs on torch."""
    if backend_for(cell, requested, torch.device("cpu"), dtype) == "torch":
        return None
    return Stepper(cell, n_streams, dtype) if native.supports(cell, dtype) else None


@functools.cache
def _tell_once() -> None:
    library = load()
    warn(
        f"LNN runs on torch, without its fast kernels: {library.reason}. To get them, "
        f'{library.remedy}. backend="torch" or LNN_BACKEND=torch ends this warning.'
    )


def run(
    cell: Cell,
    inputs: Tensor,
    state: Tensor,
    timespans: Tensor,
    lengths: Tensor | None,
    backend: str = "auto",
    all_states: bool = True,
) -> tuple[Tensor | None, Tensor]:
    """Run a cell over sequences.

    With the backend asked for, or on torch where that has no kernel for the case.

    Returns
    -------
    states : Tensor of shape (B, T, S)
        After every step; None unless `all_states`.
    final : Tensor of shape (B, S)
    """
    data = (cell, inputs, state, timespans)
    runner = torch_loop
    if resolve_backend(backend) == "native" and native.can_run(*data):
        runner = native
    return runner.run(*data, lengths, all_states)
