"""A CUDA graph of a function: recorded once, replayed with one launch.

A small network's step is some hundred small kernels, and a GPU takes each of them in
less time than Python needs to start it. A graph starts all of them at once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

# What may differ between a replay and the function itself: nothing should.
ALLOWED = 1e-5
SWITCH = "LNN_CUDA_GRAPH"

Run = Callable[[], None]

# Fits may run in threads, and a recording waits for all that the device does.
_one_at_a_time = threading.Lock()


def record(run: Run, device: torch.device) -> Run:
    """Record what a function does on a CUDA device; return what replays it.

    The function has run on the device before: what is compiled, loaded or kept at a
    first call cannot be recorded.
    """
    graph = torch.cuda.CUDAGraph()
    with _one_at_a_time, torch.cuda.device(device):
        stream = torch.cuda.Stream()
        torch.cuda.synchronize()
        # "thread_local": another thread of the caller's may use the device meanwhile.
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            run()
    return graph.replay


# What records, by type of device.
RECORDERS: dict[str, Callable[[Run, torch.device], Run]] = {"cuda": record}


def is_asked_for() -> bool:
    """Tell whether the environment variable LNN_CUDA_GRAPH is 1.

    As long as no device has run tests/gpu/check_gpu.py, graphs are for those who ask.
    """
    return os.environ.get(SWITCH) == "1"


def recorded(
    run: Run, changed: Sequence[Tensor], device: torch.device
) -> tuple[Run, str]:
    """Run a function once, and return what does the same from then on, quickly.

    The graph is held against the function on its first run: both start from the same
    numbers and must end with the same.

    Parameters
    ----------
    run : callable
        Reads and changes tensors that stay where they are, and nothing else.
    changed : sequence of Tensor
        All that it changes.
    device : torch.device

    Returns
    -------
    run : callable
        What replays the graph; the function itself, if there is none that is right.
    fault : str
        Why there is none; empty if there is one.
    """
    before = [tensor.clone() for tensor in changed]
    run()
    expected = [tensor.clone() for tensor in changed]
    _set(changed, before)
    try:
        replay = RECORDERS[device.type](run, device)
        # Recording has run nothing, or a recorder that did is undone.
        _set(changed, before)
        replay()
        far = distance(changed, expected)
    except RuntimeError as error:  # torch's, for all that CUDA refuses
        first = str(error).strip().partition("\n")[0]
        _set(changed, expected)
        return run, f"it could not be recorded: {first}"
    if not far <= ALLOWED:
        _set(changed, expected)
        return run, f"its first batch was {far:.2g} off what torch computes"
    return replay, ""


def _set(tensors: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for tensor, value in zip(tensors, values, strict=True):
        tensor.copy_(value)


def distance(
    found: Sequence[Tensor], expected: Sequence[Tensor], least: float = 1.0
) -> float:
    """Return how far tensors are from others, relative to their size; NaN is equal.

    Parameters
    ----------
    found, expected : sequence of Tensor
    least : float
        Added to the largest number of each tensor, which is its size.
    """
    far = 0.0
    for tensor, other in zip(found, expected, strict=True):
        a, b = tensor.double(), other.double()
        same = (a == b) | (a.isnan() & b.isnan())
        size = least + b.nan_to_num(0, 0, 0).abs().max()
        gap = torch.where(same, 0.0, (a - b).abs()).max() / size
        far = max(far, float(gap.nan_to_num(torch.inf)))
    return far
