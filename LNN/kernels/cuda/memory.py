"""The plan of mixed memory: that of the liquid cell, with an LSTM before each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from LNN.cells import MixedMemoryCell, WiredCfCCell
from LNN.cells.base import Cell
from LNN.kernels.cuda.dealing import lanes_for
from LNN.kernels.cuda.ledger import Ledger
from LNN.kernels.cuda.plan import Data, Gradients, Plan
from LNN.kernels.torch_loop import Steps


class MemoryPlan(Plan):
    """The steps of another plan, each after one of an LSTM (csrc/memory.cuh).

    Drive, states and record have the LSTM's numbers beside those of the inner plan:
    four gates a neuron before the drive, c after the states, and the gates after the
    inner record. The last constant is the LSTM's recurrent weight (4 N, N). All are in
    the order in which the inner plan has the neurons.

    Parameters
    ----------
    inner : Plan
        Made for this one: from here on its kernels have the LSTM before each step.
    order : ndarray of int64, shape (N,)
        The neuron in each place.
    """

    def __init__(self, inner: Plan, order: np.ndarray):
        n = inner.n_neurons
        forward, backward = inner.threads
        inner.defines |= {
            "MEMORY": 1,
            "GATE_LANES": lanes_for(4 * n, n, forward),
            "BACK_LANES": lanes_for(n, 4 * n, backward),
        }
        rows = (n * np.arange(4)[:, None] + order).reshape(-1)
        super().__init__(
            inner.source,
            inner.defines,
            {"order": order, "rows": rows},
            inner.threads,
            inner.n_record + 4 * n,
            inner.n_shared + 5 * n,
            inner.n_work,
        )
        self.inner, self.is_sorted = inner, bool((order == np.arange(n)).all())

    def key(self) -> tuple[bytes, ...]:
        """Return what the tables hold, those of the inner plan among them."""
        return *super().key(), *self.inner.key()

    def enter(
        self, cell: Cell, inputs: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return drive, start and constants (see `Plan.enter`)."""
        assert isinstance(cell, MixedMemoryCell)
        h, c = state.chunk(2, dim=-1)
        drive, h, constants = self.inner.enter(cell.cell, inputs, h)
        weight: Tensor = cell.input_map.weight
        bias: Tensor = cell.input_map.bias
        recurrent: Tensor = cell.recurrent_weight
        if not self.is_sorted:
            tables = self.tables(inputs.device)
            rows, order = tables["rows"], tables["order"]
            weight, bias = weight[rows], bias[rows]
            recurrent = recurrent[rows][:, order]
        gates = F.linear(inputs, weight, bias)
        start = torch.cat([h, cell.cell.enter(c)], dim=-1)
        return torch.cat([gates, drive], dim=-1), start, [*constants, recurrent]

    def leave(self, cell: Cell, states: Tensor) -> Tensor:
        """Undo `enter`, for states of any leading shape."""
        assert isinstance(cell, MixedMemoryCell)
        if self.is_sorted:
            return states
        parts = [self.inner.leave(cell.cell, s) for s in states.chunk(2, dim=-1)]
        return torch.cat(parts, dim=-1)

    def constants(self, cell: Cell) -> list[Tensor]:
        """Return those of the inner plan; `enter` adds the LSTM's."""
        assert isinstance(cell, MixedMemoryCell)
        return self.inner.constants(cell.cell)

    def on_torch(self, cell: Cell) -> Steps:
        """Return the LSTM's step and then the inner one."""
        assert isinstance(cell, MixedMemoryCell)
        return _Steps(cell, self.inner.on_torch(cell.cell))

    def step_constants(self, cell: Cell, constants: Sequence[Tensor]) -> tuple:
        """Return the LSTM's transposed weight, and the inner constants."""
        assert isinstance(cell, MixedMemoryCell)
        *inner, recurrent = constants
        return recurrent.t(), self.inner.step_constants(cell.cell, inner)

    def by_column(self, constants: Sequence[Tensor]) -> list[Tensor]:
        """Return those of the inner plan and the LSTM's weight."""
        *inner, recurrent = constants
        return [*self.inner.by_column(inner), recurrent.t().contiguous()]

    def forward(
        self,
        data: Data,
        states: Tensor | None,
        record: Tensor | None,
        final: Tensor,
        first: int,
        last: int,
    ) -> None:
        """Take steps (see `Plan.forward`)."""
        *constants, _ = data.constants
        kept, gates = self._split(record)
        *turned, recurrent = data.by_column or self.by_column(data.constants)
        inner = replace(
            data,
            constants=constants,
            memory=(recurrent, gates, None),
            by_column=turned,
        )
        self.inner.forward(inner, states, kept, final, first, last)

    def gradients(self, data: Data, spans_too: bool) -> Gradients:
        """Return memory for the gradients."""
        inner = replace(data, constants=data.constants[:-1])
        shape = data.batch, data.steps, self.n_neurons
        found = self.inner.gradients(inner, spans_too)
        return replace(found, started=data.drive.new_empty(shape))

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
        """Go steps back (see `Plan.backward`)."""
        *constants, recurrent = data.constants
        kept, gates = self._split(record)
        assert kept is not None
        memory = recurrent, gates, found.started
        inner = replace(data, constants=constants, memory=memory)
        self.inner.backward(inner, states, kept, grad_states, carry, found, first, last)

    def entries(self, ledger: Ledger) -> list[np.ndarray]:
        """List those of the inner plan, and the LSTM's product (see `Plan.entries`)."""
        n = self.n_neurons
        recurrent = ledger.product("before", n, "drive", 4 * n)
        return [*self.inner.entries(ledger), recurrent.T]

    def finish(
        self, data: Data, states: Tensor, found: Gradients
    ) -> list[Tensor | None]:
        """Return the gradients of the inner constants and of the LSTM's weight."""
        n = self.n_neurons
        of_gates, of_drive = found.drive.tensor_split([4 * n], dim=-1)
        old = torch.cat([data.start[:, None], states[:, :-1]], dim=1)[..., :n]
        recurrent = of_gates.flatten(0, 1).t() @ old.reshape(-1, n)
        inner = replace(data, constants=data.constants[:-1])
        found = replace(found, drive=of_drive)
        return [*self.inner.finish(inner, states, found), recurrent]

    def _split(self, record: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
        """Return the inner record and that of the gates."""
        if record is None:
            return None, None
        size = record.numel() // self.n_record * self.inner.n_record
        return record[:size], record[size:]


@dataclass(frozen=True)
class _Steps:
    """The steps of mixed memory, with the neurons in the order of the plan."""

    cell: MixedMemoryCell
    inner: Steps

    def step(
        self, drive: Tensor, state: Tensor, dt: Tensor, constants: tuple
    ) -> Tensor:
        """Take a step."""
        h, c = self.cell.remember(drive, state, constants)
        rest = drive[..., 4 * self.cell.n_neurons :]
        return torch.cat([self.inner.step(rest, h, dt, constants[1]), c], dim=-1)


def order_of(cell: Cell) -> np.ndarray:
    """Return the neuron in each place, in the order in which a cell's plan works."""
    if isinstance(cell, WiredCfCCell):
        return np.concatenate([layer.neurons for layer in cell.wiring.layers])
    return np.arange(cell.state_size)
