"""Where a network runs, and what to say when it does not fit there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch

from LNN.exceptions import DeviceMemoryError, InvalidInputError

# The backend that runs any cell anywhere, step by step.
LOOP = "torch"


class Placed(Protocol):
    """A network that knows which backend would run it where."""

    def backend_for(self, device: torch.device, dtype: torch.dtype) -> str:
        """Return the name of the backend."""


def device_for(device: str, network: Placed, dtype: torch.dtype) -> torch.device:
    """Return the device that a network runs on.

    "auto" is a GPU, but not for cells that have fused kernels on the CPU: at the sizes
    of a liquid network a GPU waits for launches, and its own fused kernels have not
    been measured yet. ``device="cuda"`` uses them.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "cuda:<number>"}
    network : Placed
    dtype : torch.dtype
    """
    chosen, cpu = resolve_device(device), torch.device("cpu")
    if device != "auto" or chosen == cpu:
        return chosen
    return chosen if network.backend_for(cpu, dtype) == LOOP else cpu


def resolve_device(device: str) -> torch.device:
    """Return the device for a name; "auto" is CUDA where there is one, else the CPU."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError):
        resolved = None
    if resolved is None or resolved.type not in ("cpu", "cuda"):
        raise InvalidInputError(
            f'device must be "auto", "cpu", "cuda" or "cuda:<number>", got {device!r}.'
        )
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if resolved.type == "cuda" and (resolved.index or 0) >= there:
        raise InvalidInputError(
            f'device="{device}" was asked for, but torch sees {there or "no"} CUDA '
            'device(s). Use device="auto" or "cpu", or install a CUDA build of torch.'
        )
    return resolved


@contextmanager
def memory_errors_explained(batch_size: int) -> Iterator[None]:
    """Turn an accelerator's out-of-memory error into one that says what to change."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise DeviceMemoryError(
            f"The accelerator ran out of memory with batch_size={batch_size}. Memory "
            "grows with batch_size x sequence length x n_neurons: lower batch_size "
            "first, then window_length (or cut long sequences), or use "
            f'device="cpu". torch said: {error}'
        ) from error
