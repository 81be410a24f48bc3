"""What a fitted model keeps of the last rows of its training data.

`predict(X, context="fit")` and streams go on from there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from torch import Tensor

from LNN.batching.batches import MAX_STEPS
from LNN.data import SequenceSet
from LNN.data.continuation import Continuation, EndStates
from LNN.data.row_store import Rows, first_rows
from LNN.estimators.fitted import FittedModel
from LNN.network import LiquidNetwork
from LNN.network_state import flat_state

# Rows that are searched at a time for the last value of each channel.
_BLOCK = 4096


def with_continuation(
    model: FittedModel, sequences: SequenceSet, known: FittedModel | None = None
) -> FittedModel:
    """Return a trained model with the ends of its training data.

    Parameters
    ----------
    model : FittedModel
    sequences : SequenceSet
        Those that it was trained on: all their rows count, whatever the spans.
    known : FittedModel, default=None
        The model that a `partial_fit` went on from: its recordings that `sequences`
        does not have are kept.
    """
    layout = model.layout
    if not layout.in_rows or layout.timeless:
        return replace(model, continuation=None)
    found = Continuation.of(sequences, layout.window_length)
    if layout.whole and found.reason is None:
        found = found.with_states(_final_states(model, sequences))
    if known is not None:
        found = found.after(known.continuation)
    return replace(model, continuation=found)


def _final_states(model: FittedModel, sequences: SequenceSet) -> EndStates:
    """Run over each recording from its first row to its last."""
    begins = np.flatnonzero(first_rows(sequences.recording))
    length = np.diff(np.append(begins, sequences.rows.n_rows))
    recordings = replace(
        sequences,
        start=begins,
        length=length,
        first_target=np.zeros_like(length),
        row_of_sample=np.arange(len(length)),
        groups=None,
    )
    layers: list[list[np.ndarray]] = [[] for _ in model.network.layers]
    for _, _, state in model.passes(recordings, _last_states):
        for parts, final in zip(layers, state, strict=True):
            parts.append(flat_state(final).cpu().numpy())
    held, age = _held(model, recordings)
    return EndStates([np.concatenate(parts) for parts in layers], held, age)


def _last_states(
    network: LiquidNetwork,
    inputs: Tensor,
    timespans: Tensor | None = None,
    lengths: Tensor | None = None,
) -> tuple:
    """Return the layers' states after the last step; one long sequence in blocks."""
    steps = inputs.shape[1]
    state: tuple | None = None
    size = MAX_STEPS if lengths is None else steps
    for begin in range(0, steps, size):
        block = slice(begin, begin + size)
        spans = None if timespans is None else timespans[:, block]
        _, state = network.features(
            inputs[:, block], timespans=spans, lengths=lengths, state=state
        )
    return state or ()


def _held(model: FittedModel, recordings: SequenceSet) -> tuple[np.ndarray, np.ndarray]:
    """Return the last value of each channel, scaled, and how long ago it was seen."""
    preparation, rows = model.preparation, recordings.rows
    shape = len(recordings), rows.n_features
    neutral = model.scaler.neutral_
    held, age = (
        np.tile(neutral.astype(np.float64), (len(recordings), 1)),
        np.zeros(shape),
    )
    if preparation.missing == "error":
        return held, age
    units = np.ones(rows.n_rows)
    if recordings.elapsed is not None:
        units = preparation.units(recordings.elapsed, recordings.time_resolution)
    spans = zip(recordings.start, recordings.length, strict=True)
    for number, (start, length) in enumerate(spans):
        stop = start + length
        # Where a channel was never seen, it is as old as the recording.
        seen = _last_seen(rows, int(start), int(stop))
        time = np.cumsum(units[start:stop])
        age[number] = time[-1] - time[np.maximum(seen - start, 0)]
        values = preparation.scaled(rows.take(np.maximum(seen, start)))
        channels = np.arange(rows.n_features)
        held[number] = np.where(seen < 0, neutral, values[channels, channels])
    return held, age


def _last_seen(rows: Rows, start: int, stop: int) -> np.ndarray:
    """Return the last position in a recording at which each channel has a value."""
    seen = np.full(rows.n_features, -1)
    for end in range(stop, start, -_BLOCK):
        begin = max(start, end - _BLOCK)
        known = ~np.isnan(rows.block(begin, end))
        last = end - 1 - np.argmax(known[::-1], axis=0)
        new = (seen < 0) & known.any(axis=0)
        seen[new] = last[new]
        if (seen >= 0).all():
            break
    return seen
