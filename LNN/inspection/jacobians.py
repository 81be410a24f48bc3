"""Direct effects within a step: how a neuron answers to what its synapses read."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from LNN.baselines import RecurrentBaseline
from LNN.cells import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell
from LNN.exceptions import InvalidInputError
from LNN.inspection.decays import called
from LNN.inspection.steps import Moments, visible
from LNN.models import Layer

# A part of a step: the targets, their new values, what they read of inputs and states.
Part = tuple[Tensor, Tensor, Tensor, Tensor]
KNOWN = LTCCell | CfCCell | WiredCfCCell | MixedMemoryCell


def refuse_unknown_steps(layer: Layer) -> None:
    """Raise if it is not known what the neurons of a layer read within a step."""
    cell = getattr(layer, "cell", None)
    if isinstance(layer, RecurrentBaseline) or isinstance(cell, KNOWN):
        return
    raise InvalidInputError(
        "Expected a model whose single steps are known here (CfC, LTC, LSTM, GRU), "
        f"got {called(layer)}. LNN.inspection.attribution tells of any "
        "model."
    )


def wired(layer: Layer) -> tuple[np.ndarray, np.ndarray]:
    """Return what reads what, (n_inputs, N) and (N, N) of bool.

    Every neuron reads its own state. Without a wiring all read all, and so do they
    through the LSTM of mixed memory.
    """
    n_inputs, n = layer.input_size, layer.n_neurons
    cell = getattr(layer, "cell", None)
    if isinstance(cell, LTCCell | WiredCfCCell):
        sensory, recurrent = (matrix != 0 for matrix in cell.wiring.adjacency())
        return sensory, recurrent | np.eye(n, dtype=bool)
    return np.ones((n_inputs, n), dtype=bool), np.ones((n, n), dtype=bool)


def direct_effects(layer: Layer, moments: Moments) -> tuple[Tensor, Tensor]:
    """Return the slopes of each neuron by what it reads.

    Returns
    -------
    of_inputs : Tensor of shape (L, n_inputs, N)
    of_states : Tensor of shape (L, N, N)
    """
    n_lines, n = len(moments.inputs), layer.n_neurons
    of_inputs = moments.inputs.new_zeros(n_lines, moments.inputs.shape[1], n)
    of_states = moments.inputs.new_zeros(n_lines, n, n)
    for targets, values, inputs, states in _parts(layer, moments):
        for place, j in enumerate(targets):
            slopes = torch.autograd.grad(
                values[:, place].sum(),
                (inputs, states),
                retain_graph=place + 1 < len(targets),
                materialize_grads=True,
            )
            of_inputs[:, :, j], of_states[:, :, j] = slopes
    return of_inputs, of_states


def _parts(layer: Layer, moments: Moments) -> Iterator[Part]:
    cell = getattr(layer, "cell", None)
    if isinstance(cell, WiredCfCCell):
        yield from _parts_of_wired_cfc(cell, moments)
        return
    n = layer.n_neurons
    inputs = moments.inputs.detach().requires_grad_()
    states = moments.before[:, :n].detach().requires_grad_()
    memory = moments.before[:, n:].detach()
    start = torch.cat([states, memory], dim=1)
    if isinstance(layer, RecurrentBaseline):
        state = layer.unflatten_state(start)
        values, _ = layer.run(inputs[:, None], state, moments.span, None)
        values = values[:, 0]
    else:
        assert isinstance(cell, KNOWN)
        values = visible(layer, _stepped(cell, inputs, start, moments.span))
    yield torch.arange(n), values, inputs, states


def _stepped(cell: KNOWN, inputs: Tensor, state: Tensor, span: Tensor) -> Tensor:
    if isinstance(cell, LTCCell):
        # One unfold: over several, effects go from neuron to neuron.
        span, cell = span / cell.ode_unfolds, one_unfold(cell)
        if cell.solver == "rk4":  # whose later stages look further
            cell.solver = "explicit"
    new = cell.step(cell.drive(inputs), cell.enter(state), span, cell.constants())
    return cell.leave(new)


def one_unfold(cell: LTCCell) -> LTCCell:
    """Return the cell with the same parameters whose step is one unfold."""
    single = copy.copy(cell)
    single.ode_unfolds = 1
    return single


def _parts_of_wired_cfc(cell: WiredCfCCell, moments: Moments) -> Iterator[Part]:
    """Yield the layers of the circuit, each of which reads the new values before it."""
    order, constants = cell.order, cell.constants()
    before, after = cell.enter(moments.before), cell.enter(moments.after)
    for number, (a, b) in enumerate(cell.slices):
        inputs = moments.inputs.detach().requires_grad_()
        read = torch.cat([after[:, :a], before[:, a:]], dim=1)
        states = cell.leave(read).detach().requires_grad_()
        state = cell.enter(states)
        maps = cell.values_of_maps(number, cell.drive(inputs), state, constants)
        new = cell.with_layer(number, maps, state, moments.span, constants)
        yield order[a:b], new[:, a:b], inputs, states
