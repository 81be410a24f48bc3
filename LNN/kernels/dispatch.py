"""Which backend runs, decided per call."""

from __future__ import annotations

import functools
import os

import torch
from torch import Tensor

from LNN._warnings import warn
from LNN.cells.base import Cell, choice
from LNN.exceptions import InvalidInputError
from LNN.kernels.backend import (
    Backend,
    Missing,
    Resident,
    ResidentTrainer,
    Stepper,
    Trained,
    Trainer,
)
from LNN.kernels.cuda import CudaBackend
from LNN.kernels.native import NativeBackend
from LNN.kernels.torch_loop import TorchLoop

# In the order in which "auto" tries them. The last one runs everything everywhere.
REGISTRY: tuple[Backend, ...] = (NativeBackend(), CudaBackend(), TorchLoop())


def _names() -> tuple[str, ...]:
    return ("auto", *(backend.name for backend in reversed(REGISTRY)))


BACKENDS = _names()


def resolve_backend(requested: str = "auto") -> str:
    """Return the backend that will be tried first for a requested one.

    The environment variable LNN_BACKEND replaces "auto", and only "auto".

    Raises
    ------
    InvalidInputError
        If there is no such backend, or the one asked for is not installed.
    """
    return _candidates(requested)[0].name


def _candidates(requested: str, device: str = "cpu") -> list[Backend]:
    """Return the backends to try for a request, in order."""
    names = _names()
    choice("backend", requested, names)
    # Read at every call, not at import: tests and notebooks set it in between.
    if requested == "auto":
        requested = os.environ.get("LNN_BACKEND", "auto")
        choice("LNN_BACKEND", requested, names)
    if requested != "auto":
        return _candidates_named(requested)
    there = []
    for backend in REGISTRY:
        missing = backend.missing()
        if missing is None:
            there.append(backend)
        elif missing.warns_on == device:
            _tell_once(missing)
    return there


def _candidates_named(name: str) -> list[Backend]:
    (chosen,) = [backend for backend in REGISTRY if backend.name == name]
    missing = chosen.missing()
    last = REGISTRY[-1]
    if missing is not None:
        raise InvalidInputError(
            f'backend="{name}" is not available: {missing.reason}. To get it, '
            f'{missing.remedy}. backend="{last.name}" does the same, more slowly.'
        )
    # A kernel that was asked for may still lack the case at hand, a second derivative
    # for example: the same answer, more slowly, is better than none.
    return [chosen] if chosen is last else [chosen, last]


def _supporting(
    cell: Cell, requested: str, device: torch.device, dtype: torch.dtype
) -> Backend:
    for backend in _candidates(requested, device.type)[:-1]:
        if backend.supports(cell, device, dtype):
            return backend
    return REGISTRY[-1]


def backend_for(
    cell: Cell, requested: str, device: torch.device, dtype: torch.dtype
) -> str:
    """Return the backend that trains this cell on this device."""
    return _supporting(cell, requested, device, dtype).name


def stepper_for(
    cell: Cell, requested: str, n_streams: int, dtype: torch.dtype
) -> Stepper | None:
    """Return a stepper for streams of this cell; None if its backend has none."""
    backend = _supporting(cell, requested, torch.device("cpu"), dtype)
    return backend.stepper(cell, n_streams, dtype)


def trainer_for(network: Trained, requested: str) -> Trainer | None:
    """Return what trains a network without autograd; None if its backend cannot."""
    backend = _of_all_cells(network, requested)
    return None if backend is None else backend.trainer(network)


def resident_trainer_for(
    network: Trained, data: Resident, requested: str
) -> ResidentTrainer | None:
    """Return what trains a network on data of a device; None if its backend cannot."""
    backend = _of_all_cells(network, requested)
    return None if backend is None else backend.resident_trainer(network, data)


def _of_all_cells(network: Trained, requested: str) -> Backend | None:
    dtype, device = network.weight.dtype, network.weight.device
    backends = {_supporting(c, requested, device, dtype) for c in network.cells}
    return backends.pop() if len(backends) == 1 else None


def prepare(cell: Cell) -> None:
    """Let every backend look at a new cell, which torch.compile could not trace."""
    for backend in REGISTRY:
        backend.prepare(cell)


@functools.cache
def _tell_once(missing: Missing) -> None:
    warn(
        f"LNN runs on torch, without its fast kernels: {missing.reason}. To get them, "
        f'{missing.remedy}. backend="torch" or LNN_BACKEND=torch ends this warning.'
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
    # The last one is not asked: it runs everything.
    for candidate in _candidates(backend, inputs.device.type)[:-1]:
        if candidate.can_run(*data):
            return candidate.run(*data, lengths, all_states)
    return REGISTRY[-1].run(*data, lengths, all_states)
