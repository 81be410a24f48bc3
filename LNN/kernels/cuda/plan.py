"""What a kind of cell gives to the loop over steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from LNN.cells.base import Cell
from LNN.kernels.cuda.driver import Value
from LNN.kernels.cuda.ledger import Ledger
from LNN.kernels.cuda.program import Program, load
from LNN.kernels.torch_loop import Steps


@dataclass(frozen=True, eq=False)
class Data:
    """What the kernels read.

    Attributes
    ----------
    drive : Tensor of shape (B, T, D)
    start : Tensor of shape (B, S)
        The state before the first step.
    spans : Tensor of shape (B, T)
    lengths : Tensor of int32, shape (B,), or None
    constants : list of Tensor
    memory : tuple of Tensor or None
        What a mixed memory adds to a kernel's arguments: the gates' weights, their
        record, and on the way back where to write the states that steps begin with.
    by_column : sequence of Tensor, or None
        What `Plan.by_column` makes of the constants, if it was made already.
    models : int
        As many models run at once, whose sequences stand in a row.
    per_model : int
        How far the constants of one model are from those of the next.
    """

    drive: Tensor
    start: Tensor
    spans: Tensor
    lengths: Tensor | None
    constants: list[Tensor]
    memory: tuple[Value, Value, Value] = (None, None, None)
    by_column: Sequence[Tensor] | None = None
    models: int = 1
    per_model: int = 0

    @property
    def batch(self) -> int:
        """Number of sequences of each model."""
        return self.drive.shape[0] // self.models

    @property
    def steps(self) -> int:
        """Number of steps."""
        return self.drive.shape[1]

    def from_state(self, start: Tensor) -> Data:
        """Return the same with another state to start from."""
        return replace(self, start=start.contiguous())


@dataclass(frozen=True, eq=False)
class Gradients:
    """What the kernels of the way back write.

    Attributes
    ----------
    drive : Tensor of shape (B, T, D)
    spans : Tensor of shape (B, T, N), or None
        Each neuron's part of the gradients of the timespans, if they are wanted.
    sums : Tensor, or None
        Sums over steps, of the gradients that the kernel itself sums up.
    started : Tensor of shape (B, T, N), or None
        With mixed memory, the states that the cell's steps began with; 0 past a
        sequence's end.
    work : Tensor of shape (B T, n_work), or None
        Where a kernel leaves what else gradients are made of. None lets the plan have
        memory of its own, and make them.
    """

    drive: Tensor
    spans: Tensor | None
    sums: Tensor | None
    started: Tensor | None = None
    work: Tensor | None = None


class Plan(ABC):
    """How the steps of a cell run on a GPU.

    Parameters
    ----------
    source : str
        The kernels' file in csrc/.
    defines : mapping of str to int
        Its macros.
    tables : mapping of str to ndarray of int32
        What the kernels read of the structure.
    threads : (int, int)
        How many a block has, forward and backward.
    n_record : int
        How many numbers the kernels record per sequence and step.
    n_shared : int
        How many numbers the threads of a block share.
    n_work : int
        How many more they write on the way back, per sequence and step.

    Attributes
    ----------
    n_neurons : int
    """

    def __init__(
        self,
        source: str,
        defines: dict[str, int],
        tables: dict[str, np.ndarray],
        threads: tuple[int, int],
        n_record: int,
        n_shared: int,
        n_work: int = 0,
    ):
        self.source, self.defines = source, {"MEMORY": 0, **defines}
        self.threads, self.n_record, self.n_work = threads, n_record, n_work
        self.n_shared, self.n_neurons = n_shared, defines["NEURONS"]
        self._tables = tables
        self._on: dict[torch.device, dict[str, Tensor]] = {}

    def program(self, dtype: torch.dtype) -> Program:
        """Return the program for a precision."""
        return Program(self.source, tuple(self.defines.items()), dtype)

    @property
    def n_gates(self) -> int:
        """Numbers of a mixed memory before the drive of a step."""
        return 4 * self.n_neurons * self.defines["MEMORY"]

    @property
    def before(self) -> str:
        """What a ledger calls the states that the steps of the cell begin with."""
        return "started" if self.defines["MEMORY"] else "before"

    def launch(
        self,
        name: str,
        data: Data,
        blocks: int,
        values: Sequence[Value],
        models: int = 1,
    ) -> None:
        """Start a kernel with these arguments, those of a mixed memory, and sizes."""
        kernels = load(self.program(data.drive.dtype), data.drive.device)
        back = name == "backward"
        memory = data.memory if back else data.memory[:2]
        values = [*values, *memory, data.batch, data.per_model]
        kernels.launch(name, blocks, self.threads[back], values, models)

    def key(self) -> tuple[bytes, ...]:
        """Return what the tables hold, which tells this plan from others."""
        return tuple(table.tobytes() for table in self._tables.values())

    def tables(self, device: torch.device) -> dict[str, Tensor]:
        """Return the tables on a device."""
        if device not in self._on:
            self._on[device] = {
                name: torch.from_numpy(table).to(device)
                for name, table in self._tables.items()
            }
        return self._on[device]

    def enter(
        self, cell: Cell, inputs: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return drive, start and constants, by which the gradients go on."""
        return cell.drive(inputs), cell.enter(state), self.constants(cell)

    def leave(self, cell: Cell, states: Tensor) -> Tensor:
        """Undo `enter`, for states of any leading shape."""
        return cell.leave(states)

    @abstractmethod
    def constants(self, cell: Cell) -> list[Tensor]:
        """Return what every step needs and only the parameters decide."""

    def on_torch(self, cell: Cell) -> Steps:
        """Return what takes the same steps in torch."""
        return cell

    @abstractmethod
    def step_constants(self, cell: Cell, constants: Sequence[Tensor]) -> tuple:
        """Return the same as the steps of `on_torch` take them."""

    def by_column(self, constants: Sequence[Tensor]) -> list[Tensor]:
        """Return the constants that kernels read the other way round as well."""
        return []

    @abstractmethod
    def forward(
        self,
        data: Data,
        states: Tensor | None,
        record: Tensor | None,
        final: Tensor,
        first: int,
        last: int,
    ) -> None:
        """Take the steps from `first` to `last`, from `data.start` on."""

    def gradients(self, data: Data, spans_too: bool) -> Gradients:
        """Return memory for the gradients."""
        spans = None
        if spans_too:
            spans = data.drive.new_empty(data.batch, data.steps, self.n_neurons)
        return Gradients(torch.empty_like(data.drive), spans, self.sums(data))

    def sums(self, data: Data) -> Tensor | None:
        """Return zeros, to which the kernel adds its sums over steps."""
        return None

    @abstractmethod
    def backward(
        self,
        data: Data,
        states: Tensor,
        record: Tensor,
        grad_states: Tensor | None,
        carry: Tensor,
        found: Gradients,
        first: int,
        last: int,
    ) -> None:
        """Go the steps from `last` to `first` back, with the gradient in `carry`."""

    @abstractmethod
    def entries(self, ledger: Ledger) -> list[np.ndarray]:
        """List the sums that are the constants' gradients; return where each stands.

        Those of `finish`, for kernels that have all of them made at once.

        Returns
        -------
        list of ndarray of int64
            Entries of the ledger, in the shapes of the constants.
        """

    @abstractmethod
    def finish(
        self, data: Data, states: Tensor, found: Gradients
    ) -> list[Tensor | None]:
        """Return the gradients of the constants."""


def started(data: Data, states: Tensor, found: Gradients) -> Tensor:
    """Return the states (B, T, N) that the steps began with."""
    if found.started is not None:
        return found.started
    return torch.cat([data.start[:, None], states[:, :-1]], dim=1)
