"""Where what makes an answer enters the network, and through which neurons it leaves.

All that goes from the inputs to an answer crosses two places: what the inputs of each
step add to the neurons that read them, and what the read-out reads of each neuron. What
crosses one place adds up to the whole. Inside, between steps, it does not: states go
round and are counted once for each round.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from LNN.cells import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell
from LNN.cells.base import Cell
from LNN.cells.hooks import is_hooked
from LNN.inspection.integration_path import POINTS, WEIGHTS, IntegrationPath
from LNN.inspection.names import neuron_names
from LNN.inspection.passes import Passes
from LNN.layers import SequenceLayer
from LNN.models import Layer
from LNN.network import LiquidNetwork
from LNN.training.copying import with_backend

# The read-out of several classes is smooth: so many parts of the line are enough.
PARTS = 32


class Entries:
    """Shares of values, divided by the neuron that a value enters through.

    Where what enters is a sum of the inputs with weights, as in a CfC, slopes are by
    these sums, and are told apart by value once, at the end of the line. What enters an
    LTC bends with each value: there they are by values, for each neuron.

    Parameters
    ----------
    passes : Passes
        Its network runs on torch from now on, which can be looked into.

    Attributes
    ----------
    names : list of str
        The neurons, and with mixed memory the memory of each.
    """

    def __init__(self, passes: Passes):
        self._passes = passes
        passes.network = with_backend(passes.network, "torch")
        layer = passes.network.layers[0]
        assert isinstance(layer, SequenceLayer)  # `can_tell_entries`
        self._owner = torch.as_tensor(entered_by(layer.cell))
        self._inputs = self._drive = torch.empty(0)
        drive = layer.cell.drive
        straight = passes.network.own_scale is None and passes.network.encoder is None
        self._weights = _weights_of(layer.cell) if straight else None

        def recorded(inputs: Tensor) -> Tensor:
            self._inputs, self._drive = inputs, drive(inputs)
            return self._drive

        # Of this cell alone, which belongs to a copy of the network.
        vars(layer.cell)["drive"] = recorded
        own = neuron_names(passes.network)[: layer.n_neurons]
        memory = [f"memory {j}" for j in range(layer.n_neurons)]
        self.names = own + (memory if isinstance(layer.cell, MixedMemoryCell) else [])

    def slopes(self, batch: np.ndarray, values: Tensor) -> Tensor:
        """Return slopes by what enters (n, T, C), or by values (n, neurons, T, F)."""
        answers = self._passes.answers(batch, values)
        drive = self._drive
        bends = self._weights is None
        (slope,) = torch.autograd.grad(answers.sum(), drive, retain_graph=bends)
        if not bends:
            return slope
        return self._by_neuron(
            values, drive, [slope * own for own in self._of_neurons()]
        )

    @torch.no_grad()
    def way(self, path: IntegrationPath) -> Tensor:
        """Return how far what enters goes, or how far values go."""
        if self._weights is None:
            return path.way[:, None]
        ends = []
        for values in (path.begin, path.values):
            self._passes.answers(path.batch, values)
            ends.append(self._drive)
        return ends[1] - ends[0]

    def shares(self, path: IntegrationPath, integrals: Tensor) -> Tensor:
        """Return the shares (B, neurons, T, F)."""
        if self._weights is not None:
            values = path.values.clone().requires_grad_()
            self._passes.answers(path.batch, values)
            entered = [integrals[..., k] @ self._weights[k] for k in self._of_neurons()]
            integrals = self._by_neuron(values, self._inputs, entered)
        return integrals * path.way[:, None]

    def _of_neurons(self) -> list[Tensor]:
        """Return which columns of `drive` go to each neuron that inputs reach."""
        return [self._owner == neuron for neuron in self._owner.unique()]

    def _by_neuron(self, values: Tensor, read: Tensor, parts: list[Tensor]) -> Tensor:
        """Return slopes by values (n, neurons, T, F) from those by what is read.

        From there to the values themselves it is through patches, scales of sequences,
        and values that were held.
        """
        found = values.new_zeros(len(values), len(self.names), *values.shape[1:])
        for neuron, part in zip(self._owner.unique().tolist(), parts, strict=True):
            found[:, neuron] = torch.autograd.grad(
                read, values, part, retain_graph=True
            )[0]
        return found


def _weights_of(cell: Cell) -> Tensor | None:
    """Return the weights (C, n_inputs) of `cell.drive`; None if that bends."""
    inner = cell.cell if isinstance(cell, MixedMemoryCell) else cell
    if not isinstance(inner, CfCCell | WiredCfCCell):
        return None
    with torch.no_grad():
        each = torch.eye(inner.input_size, dtype=torch.float64)[:, None]
        weights: Tensor = (cell.drive(each) - cell.drive(torch.zeros_like(each)))[:, 0]
    return weights.T


def can_tell_entries(network: LiquidNetwork) -> bool:
    """Tell whether inputs go to neurons one by one: not so with a backbone."""
    cell = getattr(network.layers[0], "cell", None)
    if cell is None or is_hooked(cell):  # parts that are watched are called otherwise
        return False
    if isinstance(cell, MixedMemoryCell):
        cell = cell.cell
    if isinstance(cell, CfCCell):
        return not len(cell.backbone)
    return isinstance(cell, WiredCfCCell | LTCCell)


def entered_by(cell: Cell) -> np.ndarray:
    """Return the neuron that each column of `cell.drive` goes to."""
    n = cell.state_size
    if isinstance(cell, MixedMemoryCell):
        memory = cell.n_neurons + np.tile(np.arange(cell.n_neurons), 4)
        return np.concatenate([memory, entered_by(cell.cell)])
    if isinstance(cell, WiredCfCCell):
        order = cell.order.numpy()
        layers = [np.tile(order[a:b], len(cell.maps)) for a, b in cell.slices]
        return np.concatenate(layers)
    if isinstance(cell, CfCCell):
        return np.tile(np.arange(n), len(cell.maps))
    return np.tile(np.arange(n), 2)  # an LTC's currents and conductances


def left_through(passes: Passes, path: IntegrationPath) -> np.ndarray:
    """Return the share of each answer that left through each neuron, (B, N).

    These are integrated gradients of the read-out, from what it reads at the baseline
    to what it reads here; they add up to the difference of the answers. Where what is
    explained is linear in what the read-out reads, as for numbers and for the log odds
    of two classes, that is each weight times the difference of what it multiplies.
    """
    begin, end = (passes.features(path.batch, at) for at in (path.begin, path.values))
    readout, way = passes.network.readout, end - begin
    first, last = (readout(features).detach() for features in (begin, end))
    edges = np.linspace(0, 1, PARTS + 1)[:-1]
    slope = torch.zeros_like(first)
    for at in edges:
        for point, weight in zip(POINTS, WEIGHTS, strict=True):
            between = torch.lerp(first, last, float(at + point / PARTS))
            between.requires_grad_()
            answers = passes.of_outputs(path.batch, between)
            slope += weight / PARTS * torch.autograd.grad(answers.sum(), between)[0]
    features = end.clone().requires_grad_()
    (weights,) = torch.autograd.grad((readout(features) * slope).sum(), features)
    # The poolings of all neurons lie side by side.
    n = passes.network.layers[-1].n_neurons
    return (weights * way).unflatten(1, (-1, n)).sum(1).numpy()


def way_through(
    network: LiquidNetwork, left: np.ndarray
) -> list[tuple[str, str, float]]:
    """Return what went from one group of neurons to the next, on a chain of groups.

    On a wiring such as inputs -> inter -> command -> motor, what leaves through a
    group or a later one must have come along the only way there. Other networks have
    no such chain, and the list is empty.

    Parameters
    ----------
    network : LiquidNetwork
    left : ndarray of shape (N,)
        As `left_through`.
    """
    groups = chain(network)
    if not groups:
        return []
    shares = [float(left[neurons].sum()) for _, neurons in groups]
    names = ["inputs", *(name for name, _ in groups)]
    return [(names[k], names[k + 1], sum(shares[k:])) for k in range(len(groups))]


def chain(network: LiquidNetwork) -> list[tuple[str, np.ndarray]]:
    """Return the groups of neurons, if each reads only itself and the one before it."""
    if len(network.layers) > 1 or not can_tell_entries(network):
        return []
    layer: Layer = network.layers[0]
    wiring = getattr(layer, "wiring", None)
    if wiring is None or len(wiring.layers) == 1 or layer.mixed_memory:
        return []
    layer_of = wiring.layer_of
    step = layer_of[wiring.recurrent.target] - layer_of[wiring.recurrent.source]
    if layer_of[wiring.sensory.target].any() or not np.isin(step, (0, 1)).all():
        return []
    return [(name, np.asarray(neurons)) for name, neurons in wiring.layers]
