"""The LTC's plan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from LNN.cells import LTCCell
from LNN.cells.base import Cell
from LNN.kernels.cuda.dealing import deal, sizes
from LNN.kernels.cuda.driver import Value
from LNN.kernels.cuda.ledger import Ledger
from LNN.kernels.cuda.plan import Data, Gradients, Plan

# As csrc/solvers.cuh numbers them.
SOLVERS = {"semi-implicit": 0, "exponential": 3}
# A block sums the synapses' gradients of its sequences before anyone else does. No more
# blocks than this: their sums have to be kept, and added.
MOST_BLOCKS = 1024


class LTCPlan(Plan):
    """The steps of an LTC (csrc/ltc.cu).

    Its constants are four numbers of each synapse, as `Synapses.per_synapse` returns
    them, (4, E), and the membranes' capacities.
    """

    def __init__(self, cell: LTCCell):
        source, target = cell.recurrent.index.edges
        n, self.n_synapses = cell.state_size, len(source)
        numbers = np.arange(len(source))
        self.into, self.out = deal(target, n), deal(source, n)
        super().__init__(
            "ltc.cu",
            {
                "NEURONS": n,
                "UNFOLDS": cell.ode_unfolds,
                "SOLVER": SOLVERS[cell.solver],
                **sizes("IN", self.into),
                **sizes("OUT", self.out),
            },
            {
                "in edges": self.into.table(numbers, -1),
                "in others": self.into.table(source, self.into.own()),
                "out edges": self.out.table(numbers, -1),
                "out others": self.out.table(target, self.out.own()),
            },
            (self.into.threads, self.out.threads),
            n_record=2 * cell.ode_unfolds * n,
            n_shared=4 * n,
        )

    def constants(self, cell: Cell) -> list[Tensor]:
        """Return the synapses' numbers and the capacities."""
        assert isinstance(cell, LTCCell)
        return [torch.stack(cell.recurrent.per_synapse()), F.softplus(cell.cm)]

    def step_constants(self, cell: Cell, constants: Sequence[Tensor]) -> tuple:
        """Return the capacities and the synapses' maps."""
        assert isinstance(cell, LTCCell)
        values, capacities = constants
        return capacities, cell.recurrent.maps(*values)

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
        tables = self.tables(data.drive.device)
        structure = [tables["in edges"], tables["in others"]]
        read: list[Value] = [data.drive, *data.constants, *structure]
        read += [data.start, data.spans, data.lengths]
        numbers = [self.n_synapses, data.steps, first, last]
        values = [*read, states, record, final, *numbers]
        self.launch("forward", data, len(data.start), values)

    def sums(self, data: Data) -> Tensor | None:
        """Return zeros for each block's sums of the constants' gradients."""
        values, capacities = data.constants
        blocks = data.models * min(data.batch, MOST_BLOCKS)
        return values.new_zeros(blocks, values.numel() + capacities.numel())

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
        assert found.sums is not None
        tables = self.tables(data.drive.device)
        structure = [tables["out edges"], tables["out others"]]
        read: list[Value] = [record, *data.constants, *structure, data.start]
        read += [data.spans, data.lengths, states, grad_states]
        written = [carry, found.drive, found.spans, found.sums]
        values = [*read, *written, self.n_synapses, data.steps, first, last]
        blocks = len(found.sums) // data.models
        self.launch("backward", data, blocks, values, data.models)

    def entries(self, ledger: Ledger) -> list[np.ndarray]:
        """List the sums over the blocks' sums (see `Plan.entries`)."""
        n = 4 * self.n_synapses
        sums = ledger.sums("sums", n + self.n_neurons)
        return [sums[:n].reshape(4, -1), sums[n:]]

    def finish(
        self, data: Data, states: Tensor, found: Gradients
    ) -> list[Tensor | None]:
        """Return the gradients of the synapses' numbers and of the capacities."""
        assert found.sums is not None
        values, capacities = data.constants
        of_values, of_capacities = found.sums.sum(0).split(
            [values.numel(), capacities.numel()]
        )
        return [of_values.view_as(values), of_capacities]
