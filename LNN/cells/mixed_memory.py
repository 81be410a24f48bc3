"""Mixed memory: an LSTM cell carries memory around a liquid cell."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from LNN.cells.base import Cell
from LNN.cells.synapses import drawn, linear


class MixedMemoryCell(Cell):
    r"""A liquid cell whose state is first updated by an LSTM cell.

    .. math::

        (\tilde h, c') = \mathrm{LSTM}(x, (h, c)), \quad
        h' = \mathrm{cell}(x, \tilde h, \Delta t)

    The state holds h and c side by side, (B, 2 N); the forget gate starts open
    (bias + 1).

    Parameters
    ----------
    cell : Cell
        An `LTCCell`, `CfCCell` or `WiredCfCCell`.
    generator : torch.Generator, default=None

    References
    ----------
    Lechner and Hasani, Learning long-term dependencies in irregularly-sampled time
    series, 2020 (arXiv 2006.04418).

    Examples
    --------
    >>> import torch
    >>> from LNN.cells import CfCCell, MixedMemoryCell
    >>> cell = MixedMemoryCell(CfCCell(3, 8))
    >>> outputs, state = cell(torch.randn(5, 3))
    >>> outputs.shape, state.shape
    (torch.Size([5, 8]), torch.Size([5, 16]))
    """

    def __init__(self, cell: Cell, *, generator: torch.Generator | None = None):
        super().__init__()
        self.cell = cell
        self.input_size = cell.input_size
        self.n_neurons = cell.state_size
        self.state_size = 2 * cell.state_size
        self.output_size = cell.output_size
        # Initial values, the order of the gates and the open forget gate are those of
        # ncps, whose weights can be loaded as they are.
        self.input_map = linear(self.input_size, 4 * self.n_neurons, generator)
        n = self.n_neurons
        bias = drawn(4 * n, nn.init.uniform_, -0.1, 0.1, generator=generator)
        self.input_map.bias.data = bias
        weight = drawn((4 * n, n), nn.init.orthogonal_, generator=generator)
        self.recurrent_weight = nn.Parameter(weight)

    def drive(self, inputs: Tensor) -> Tensor:
        """Return the LSTM's input part, then the inner cell's drive."""
        return torch.cat([self.input_map(inputs), self.cell.drive(inputs)], dim=-1)

    def constants(self) -> tuple:
        """Return the transposed recurrent weight and the inner cell's constants."""
        return self.recurrent_weight.t(), self.cell.constants()

    def step(
        self, drive: Tensor, state: Tensor, dt: Tensor, constants: tuple
    ) -> Tensor:
        """Advance the LSTM, then the liquid cell from the LSTM's output."""
        h, c = self.remember(drive, state, constants)
        rest, inner = drive[..., 4 * self.n_neurons :], constants[1]
        # The inner cell may keep its neurons in another order within a sequence.
        h = self.cell.leave(self.cell.step(rest, self.cell.enter(h), dt, inner))
        return torch.cat([h, c], dim=-1)

    def remember(
        self, drive: Tensor, state: Tensor, constants: tuple
    ) -> tuple[Tensor, Tensor]:
        """Advance the LSTM alone; its output is the state that the cell starts from."""
        h, c = state.chunk(2, dim=-1)
        gates = drive[..., : 4 * self.n_neurons] + h @ constants[0]
        candidate, write, keep, read = gates.chunk(4, dim=-1)
        c = c * torch.sigmoid(keep + 1) + torch.tanh(candidate) * torch.sigmoid(write)
        return torch.tanh(c) * torch.sigmoid(read), c

    def outputs(self, states: Tensor) -> Tensor:
        """Read the inner cell's outputs off the liquid half of the state."""
        return self.cell.outputs(states[..., : self.n_neurons])
