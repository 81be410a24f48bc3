"""Every step of a network: what its layers read, the states before and after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from LNN.baselines import Baseline
from LNN.cells.hooks import call
from LNN.data import SequenceSet
from LNN.estimators.fitted import FittedModel
from LNN.inspection.passes import Passes
from LNN.layers import SequenceLayer
from LNN.models import Layer
from LNN.network import LiquidNetwork
from LNN.network_state import flat_state


class Moments(NamedTuple):
    """Single steps of a layer, one a line."""

    inputs: Tensor
    """(L, n_inputs)"""
    before: Tensor
    """(L, state_size)"""
    span: Tensor
    """(L, 1), the time that the step takes."""
    after: Tensor
    """(L, state_size)"""


@dataclass(frozen=True, eq=False)
class LayerSteps:
    """The steps of a layer over a batch.

    Attributes
    ----------
    layer : Layer
    inputs : Tensor of shape (B, T, n_inputs)
    spans : Tensor of shape (B, T)
    states : Tensor of shape (B, T, state_size)
        After each step; with mixed memory, and for an LSTM, h and c side by side.
    """

    layer: Layer
    inputs: Tensor
    spans: Tensor
    states: Tensor

    @property
    def visible(self) -> Tensor:
        """What others read of the states, (B, T, n_neurons)."""
        return visible(self.layer, self.states)

    def at(self, sample: np.ndarray, step: np.ndarray) -> Moments:
        """Return chosen steps."""
        before = torch.cat([torch.zeros_like(self.states[:, :1]), self.states], dim=1)
        return Moments(
            self.inputs[sample, step],
            before[sample, step],
            self.spans[sample, step, None],
            self.states[sample, step],
        )


@dataclass(frozen=True, eq=False)
class Steps:
    """The steps of all layers over a batch, and which of them are told of.

    These are the last one of each window, every real one of whole recordings and of
    sequences, and with patches the last of each patch.

    Attributes
    ----------
    layers : list of LayerSteps
    lengths : Tensor of shape (B,), or None
        As the layers read them.
    sample, step : ndarray of int64, shape (L,)
        Which sample of the batch and which of its steps each line is.
    of : ndarray of int64, shape (L,)
        The sample's number in all sequences.
    position : ndarray of int64, shape (L,)
        The row of each line, by its position.
    """

    layers: list[LayerSteps]
    lengths: Tensor | None
    sample: np.ndarray
    step: np.ndarray
    of: np.ndarray
    position: np.ndarray

    @property
    def last_step(self) -> np.ndarray:
        """The last told step of each sample, (B,)."""
        last = np.zeros(len(self.layers[0].inputs), dtype=np.int64)
        np.maximum.at(last, self.sample, self.step)
        return last


def visible(layer: Layer, states: Tensor) -> Tensor:
    """Return what others read of states (..., state_size), (..., n_neurons)."""
    if isinstance(layer, Baseline):
        return layer.visible(states)
    return states[..., : layer.n_neurons]


def passes_over(fitted: FittedModel, sequences: SequenceSet) -> Passes:
    """Return what runs a model in double precision, no output being explained."""
    classes = fitted.targets.classes
    return Passes(fitted, sequences, sequences, None if classes is None else classes[0])


def steps_of(
    sequences: SequenceSet, passes: Passes, n_times: int = 1
) -> Iterator[Steps]:
    """Run over all sequences, in batches that fit into memory so many times."""
    for samples in passes.pieces(len(sequences), n_times):
        yield _steps_of_batch(sequences, passes, samples)


@torch.no_grad()
def _steps_of_batch(
    sequences: SequenceSet, passes: Passes, samples: np.ndarray
) -> Steps:
    network = passes.network
    read = network.front(**passes.batches.inputs(samples))
    places, counted = passes.batches.places(samples)
    sample, step, row = _told(sequences, network.patch, places, counted)
    return Steps(
        steps_of_layers(network, *read),
        read[2],
        sample,
        step,
        samples[sample],
        places[sample, row],
    )


def _told(
    sequences: SequenceSet, patch: int, places: np.ndarray, counted: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the sample, the layers' step and the network's step of each line."""
    n, width = places.shape
    live = np.ones(places.shape, dtype=bool) if counted is None else counted
    # The last step of each: sub-steps before it end before their row is reached.
    length = width - live[:, ::-1].argmax(axis=1)
    if sequences.layout == "rows" and not sequences.whole:
        sample, row = np.arange(n), length - 1
    elif patch == 1:
        sample, row = np.nonzero(live)
    else:
        count = -(-length // patch)
        sample = np.repeat(np.arange(n), count)
        number = np.arange(len(sample)) - np.repeat(np.cumsum(count) - count, count)
        row = np.minimum((number + 1) * patch, length[sample]) - 1
    return sample, row // patch, row


def steps_of_layers(
    network: LiquidNetwork, inputs: Tensor, spans: Tensor, lengths: Tensor | None
) -> list[LayerSteps]:
    """Run the layers on what the parts before them have made."""
    found = []
    for layer in network.layers:
        run = _states_of_baseline if isinstance(layer, Baseline) else _states_of_cell
        states = run(layer, inputs, spans, lengths)
        found.append(LayerSteps(layer, inputs, spans, states))
        inputs = visible(layer, states)
    return found


def _states_of_cell(
    layer: Layer, inputs: Tensor, spans: Tensor, lengths: Tensor | None
) -> Tensor:
    """Return all columns of the states, which the layer itself hands to the cell."""
    assert isinstance(layer, SequenceLayer)
    found: list[Tensor] = []
    handle = layer.cell.register_forward_hook(
        lambda cell, arguments, outputs: found.append(outputs[0])
    )
    try:
        call(layer, layer.run, inputs, None, spans, lengths)
    finally:
        handle.remove()
    return found[0]


def _states_of_baseline(
    layer: Layer, inputs: Tensor, spans: Tensor, lengths: Tensor | None
) -> Tensor:
    """Return all columns of the states; a baseline hands on those of the last step."""
    state, found = None, []
    for t in range(inputs.shape[1]):
        step = slice(t, t + 1)
        _, state = layer.run(inputs[:, step], state, spans[:, step], None)
        found.append(flat_state(state))
    return torch.stack(found, dim=1)
