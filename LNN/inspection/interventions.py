"""Running a network while its states are held or pushed, step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from LNN.baselines import RecurrentBaseline
from LNN.baselines.base import hold_after_end
from LNN.cells import LTCCell, MixedMemoryCell, WiredCfCCell
from LNN.cells.base import Cell
from LNN.inspection.jacobians import one_unfold
from LNN.layers import SequenceLayer
from LNN.models import Layer
from LNN.network import LiquidNetwork
from LNN.network_state import flat_state

# Takes values (B, n) of these neurons of a layer; returns what they become.
Change = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Held:
    """Neurons that keep a value whatever happens.

    Attributes
    ----------
    which : Tensor of bool, shape (B, N)
    value : Tensor of shape (N,)
        Of all neurons, layer after layer.
    """

    which: Tensor
    value: Tensor

    # Also between the unfolds of a step.
    throughout = True

    def __call__(self, neurons: Tensor, values: Tensor) -> Tensor:
        """Return the values with those that are held in place of their own."""
        return torch.where(self.which[:, neurons], self.value[neurons], values)


@dataclass(frozen=True, eq=False)
class Pushed:
    """Neurons that get something on top at each step.

    Attributes
    ----------
    by : Tensor of shape (B, N)
    """

    by: Tensor

    throughout = False

    def __call__(self, neurons: Tensor, values: Tensor) -> Tensor:
        """Return the values with what they are pushed by."""
        return values + self.by[:, neurons]


def run_changed(
    network: LiquidNetwork,
    inputs: Tensor,
    spans: Tensor,
    lengths: Tensor | None,
    change: Held | Pushed,
) -> list[Tensor]:
    """Return the states (B, T, n_neurons) of each layer, which others read.

    Parameters
    ----------
    network, inputs, spans, lengths
        As `LiquidNetwork.run_layers` takes them.
    change : Held or Pushed
        What it makes of a state, all that come later read.
    """
    found, begin = [], 0
    for layer in network.layers:
        neurons = torch.arange(begin, begin + layer.n_neurons)
        inputs = _run_layer(layer, inputs, spans, change, neurons)
        if lengths is not None:
            inputs = hold_after_end(inputs, lengths)
        found.append(inputs)
        begin += layer.n_neurons
    return found


def _run_layer(
    layer: Layer,
    inputs: Tensor,
    spans: Tensor,
    change: Held | Pushed,
    neurons: Tensor,
) -> Tensor:
    n = layer.n_neurons
    state = inputs.new_zeros(len(inputs), layer.state_size)
    if isinstance(layer, RecurrentBaseline):
        step = partial(_step_of_baseline, layer)
        reads = inputs.unbind(1)
    else:
        assert isinstance(layer, SequenceLayer)
        step = partial(_step_of_cell, layer.cell, layer.cell.constants())
        reads = layer.cell.drive(inputs).unbind(1)
    found = []
    for read, span in zip(reads, spans[..., None].unbind(1), strict=True):
        state = step(read, state, span, change, neurons)
        found.append(state[:, :n])
    return torch.stack(found, dim=1)


def _step_of_baseline(
    layer: RecurrentBaseline,
    inputs: Tensor,
    state: Tensor,
    span: Tensor,
    change: Change,
    neurons: Tensor,
) -> Tensor:
    start = layer.unflatten_state(state)
    _, new = layer.run(inputs[:, None], start, span, None)
    state, n = flat_state(new), layer.n_neurons
    return torch.cat([change(neurons, state[:, :n]), state[:, n:]], dim=1)


def _step_of_cell(
    cell: Cell,
    constants: tuple,
    drive: Tensor,
    state: Tensor,
    span: Tensor,
    change: Held | Pushed,
    neurons: Tensor,
) -> Tensor:
    """Advance a state in the order of the wiring."""
    if isinstance(cell, MixedMemoryCell):
        h, c = cell.remember(drive, state, constants)
        rest, inner = drive[:, 4 * cell.n_neurons :], constants[1]
        h = _step_of_cell(cell.cell, inner, rest, h, span, change, neurons)
        return torch.cat([h, c], dim=1)
    if isinstance(cell, WiredCfCCell):
        state, placed = cell.enter(state), neurons[cell.order]
        for number, (a, b) in enumerate(cell.slices):
            maps = cell.values_of_maps(number, drive, state, constants)
            state = cell.with_layer(number, maps, state, span, constants)
            new = change(placed[a:b], state[:, a:b])
            state = torch.cat([state[:, :a], new, state[:, b:]], dim=1)
        return cell.leave(state)
    if isinstance(cell, LTCCell) and change.throughout:
        unfold, part = one_unfold(cell), span / cell.ode_unfolds
        for _ in range(cell.ode_unfolds):
            state = change(neurons, unfold.step(drive, state, part, constants))
        return state
    return change(neurons, cell.step(drive, state, span, constants))
