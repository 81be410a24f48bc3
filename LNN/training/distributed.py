"""Data-parallel training: several processes train one model, each on its samples."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from LNN.exceptions import InvalidInputError

# What torchrun sets, and `init_process_group` reads.
VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
ADVICE = {
    "the start": "pass the same random_state (a number, not None) and the same "
    "parameters on every rank",
    "the data": "pass the whole X and y, in the same order, on every rank: each takes "
    "its samples itself",
    "the validation data": "pass the same X_val and y_val on every rank",
    "the training": "pass the same parameters on every rank",
}


@dataclass(frozen=True)
class Ranks:
    """The processes that train one model together, as one of them sees them.

    Attributes
    ----------
    rank : int
        The number of this process.
    size : int
        How many there are; one trains alone, and sends nothing.

    Examples
    --------
    >>> import numpy as np
    >>> [Ranks(rank, 3).part(np.arange(7)).tolist() for rank in range(3)]
    [[0, 1], [2, 3], [4, 5, 6]]
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that prints."""
        return self.rank == 0

    def part(self, samples: np.ndarray) -> np.ndarray:
        """Return the samples that this process takes; there may be none."""
        if self.size == 1:
            return samples
        n = len(samples)
        return samples[self.rank * n // self.size : (self.rank + 1) * n // self.size]

    def add(self, tensor: Tensor) -> None:
        """Add the tensors of all processes up, in place."""
        if self.size > 1:
            torch.distributed.all_reduce(tensor)

    def total(self, value: float | Tensor, device: torch.device) -> float:
        """Return the sum over all processes, with the same bits in each."""
        if self.size == 1:
            return float(value)
        held = torch.tensor([float(value)], dtype=torch.float64, device=device)
        self.add(held)
        return self.agreed(float(held), device)

    def agreed(self, value: float, device: torch.device) -> float:
        """Return the value of the first process."""
        if self.size == 1:
            return value
        held = torch.tensor([value], dtype=torch.float64, device=device)
        torch.distributed.broadcast(held, 0)
        return float(held)

    def fill_in(self, outputs: np.ndarray, device: torch.device) -> None:
        """Put what other processes have written into an array that was 0 before."""
        if self.size > 1:
            held = torch.from_numpy(outputs).to(device)
            self.add(held)
            outputs[...] = held.cpu().numpy()

    def settle(self, tensors: list[Tensor]) -> None:
        """Give every process the tensors of the first.

        The same steps from the same weights give the same bits on machines of one
        kind only.
        """
        if self.size > 1:
            for tensor in tensors:
                torch.distributed.broadcast(tensor, 0)

    def refuse_others(self, prints: dict[str, str]) -> None:
        """Refuse to train where processes differ in what must be the same.

        Parameters
        ----------
        prints : dict of str to str
            Digests, by what they are of: the keys of `ADVICE`.

        Raises
        ------
        InvalidInputError
            In every process, so that none waits for another.
        """
        if self.size == 1:
            return
        found: list[Any] = [None] * self.size
        torch.distributed.all_gather_object(found, prints)
        for what, own in found[0].items():
            others = [k for k, each in enumerate(found) if each[what] != own]
            if others:
                raise InvalidInputError(
                    f"Expected {what} to be the same on all {self.size} ranks, but "
                    f"that of rank(s) {others} is not that of rank 0: {ADVICE[what]}."
                )


ALONE = Ranks()


class Opened(NamedTuple):
    """Processes that train together, and the thread in which they do."""

    ranks: Ranks
    thread: int


_OPENED: ContextVar[Opened | None] = ContextVar("opened", default=None)


def ranks_here() -> Ranks:
    """Return the processes that train together; `ALONE` outside of `data_parallel`."""
    opened = _OPENED.get()
    # Threads that fit side by side get the context too, but their sums would mix.
    if opened is None or opened.thread != threading.get_ident():
        return ALONE
    return opened.ranks


def speaks_here() -> bool:
    """Tell whether this is the process that prints, in whatever thread."""
    opened = _OPENED.get()
    return opened is None or opened.ranks.is_first


@contextmanager
def data_parallel(backend: str | None = None) -> Iterator[Ranks]:
    """Let every `fit` inside share its batches among the processes of torchrun.

    All processes run the same script with the same data and the same `random_state`.
    Each takes its part of every batch, and the gradients are added up: the model is the
    one that a single process would train, to the rounding of sums. All processes end
    with the same weights, to the bit. Only the first one prints (`verbose=`).

    Parameters
    ----------
    backend : {"gloo", "nccl"} or None, default=None
        How processes talk, if no process group was initialised before; None is torch's
        choice: gloo for tensors on the CPU, NCCL on CUDA devices.

    Yields
    ------
    Ranks
        `rank` and `size`: save the model where `rank == 0`.

    Raises
    ------
    InvalidInputError
        If the script was not started by torchrun and no process group is there. In
        `fit`, if the processes have other data, parameters or seeds.

    Notes
    -----
    It holds for the thread that opens it; fits in other threads or processes
    (`fit_many`, the seeds of a forecaster, searches with `n_jobs`) train alone. With
    dropout every process draws its own masks, so that the model is another one than
    that of a single process.

    Examples
    --------
    Save this as train.py and run `torchrun --nproc_per_node 2 train.py`::

        from LNN import LiquidRegressor, data_parallel

        model = LiquidRegressor(random_state=0, verbose=1)
        with data_parallel() as ranks:
            model.fit(X, y)
        if ranks.rank == 0:
            LNN.export.save(model, "model.npz")
    """
    distributed = torch.distributed
    if not distributed.is_available():
        raise InvalidInputError(
            "Expected a torch with torch.distributed, got one that was built without "
            "it. Install another build of torch, or leave data_parallel out."
        )
    ours = not distributed.is_initialized()
    if ours:
        missing = [name for name in VARIABLES if name not in os.environ]
        if missing:
            raise InvalidInputError(
                "Expected to be one of several processes that torchrun has started, "
                f"but {', '.join(missing)} is not set. Run torchrun --nproc_per_node 2 "
                "script.py, or call torch.distributed.init_process_group first."
            )
        distributed.init_process_group(backend)
    ranks = Ranks(distributed.get_rank(), distributed.get_world_size())
    token = _OPENED.set(Opened(ranks, threading.get_ident()))
    try:
        yield ranks
    finally:
        _OPENED.reset(token)
        if ours:
            distributed.destroy_process_group()


def digest(*parts: Any) -> str:
    """Return a short text that tells arrays, tensors and plain values apart."""
    known = hashlib.sha256()
    for part in parts:
        if isinstance(part, Tensor):
            part = part.detach().cpu().numpy()
        if isinstance(part, np.ndarray):
            known.update(np.ascontiguousarray(part).tobytes())
        known.update(repr(getattr(part, "shape", part)).encode())
    return known.hexdigest()
