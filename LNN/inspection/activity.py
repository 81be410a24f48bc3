"""What the neurons do: their states over data, and which signals they go along with."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from LNN._results import Result
from LNN._typing import Column
from LNN.data import SequenceSet
from LNN.estimators.fitted import FittedModel, as_fitted
from LNN.inspection.decays import time_constants_of
from LNN.inspection.names import neuron_names
from LNN.inspection.passes import input_names
from LNN.inspection.steps import Steps, passes_over, steps_of
from LNN.network import LiquidNetwork


def neuron_activity(
    model: Any,
    X: ArrayLike,
    *,
    timestamps: Column | None = None,
    groups: Column | None = None,
) -> Result:
    """Return what the neurons of a model do over X.

    Parameters
    ----------
    model : fitted estimator, Pipeline that ends in one, or FittedModel
    X, timestamps, groups
        As in `predict`; of a Pipeline what its last step gets.

    Returns
    -------
    Bunch
        states : ndarray of shape (R, N)
            Of all neurons, layer after layer. Of rows with windows, line r is the state
            after the window that ends at row r, and of whole recordings the state after
            row r. Of sequences the lines are all steps, one sequence after another;
            with patches a line is a patch, and stands at its last step.
        time_constants : ndarray of shape (R, N)
            In units of the model's clock; see `time_constants`. NaN where a model has
            none.
        outputs : ndarray of shape (R, K)
            The answer if the sequence ended here, in the unit of y, or the
            probabilities of the classes.
        row : ndarray of int, shape (R,)
            The row of X; -1 for sequences.
        sequence, step : ndarray of int, shape (R,)
            The recording (or sequence), and the row's number in it.
        time : ndarray of shape (R,)
            Since the first row of the recording, in seconds or in units of the time
            stamps; without any, `step`.
        position : ndarray of int, shape (R,)
            The line's row (or step), counted through all recordings or sequences.
        neurons, names : list
            The neurons, and the inputs as columns of X.

    Notes
    -----
    It tells of the model, not of the world. All is computed in double precision. With
    mixed memory, and for an LSTM, the states are what others read, without the memory
    beside them. With `scale="sequence"` all steps are scaled by the whole sequence, so
    that only its last answer is that of `predict`.

    References
    ----------
    Lechner et al., Neural circuit policies enabling auditable autonomy, Nature Machine
    Intelligence 2020, figures 5 and 6.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import neuron_activity
    >>> X = np.sin(0.3 * np.arange(60))[:, None]
    >>> lnn = LiquidRegressor(8, window_length=6, epochs=3, random_state=0)
    >>> found = neuron_activity(lnn.fit(X[:-1], X[1:, 0]), X)
    >>> found.states.shape, found.neurons[-1]
    ((60, 8), 'inter 7')
    """
    fitted = as_fitted(model)
    sequences = fitted.read(X, timestamps=timestamps, groups=groups)
    return activity_over(fitted, sequences)


def activity_over(fitted: FittedModel, sequences: SequenceSet) -> Result:
    """Return what `neuron_activity` does, and the `position` of each line."""
    passes = passes_over(fitted, sequences)
    network = passes.network
    parts = [_lines(network, steps) for steps in steps_of(sequences, passes)]
    n = sum(layer.n_neurons for layer in network.layers)
    widths, whole = (n, n, network.output_size), np.int64
    empty: list[np.ndarray] = [np.empty((0, width)) for width in widths]
    empty += [np.empty(0, dtype=whole), np.empty(0, dtype=whole)]
    columns = [np.concatenate(c) for c in zip(empty, *parts, strict=True)]
    states, taus, outputs, sample, position = columns
    place = places_of(sequences, sample, position)
    # Recordings may lie between each other in X.
    order = np.argsort(place["row"], kind="stable")
    return Result(
        states=states[order],
        time_constants=taus[order],
        outputs=_in_units(fitted, sequences, outputs, position)[order],
        **{name: values[order] for name, values in place.items()},
        position=position[order],
        neurons=neuron_names(network),
        names=input_names(sequences),
    )


def _lines(network: LiquidNetwork, steps: Steps) -> tuple[np.ndarray, ...]:
    """Return states, time constants, outputs, samples and positions of a batch."""
    sample, step = steps.sample, steps.step
    states = [part.visible[sample, step].numpy() for part in steps.layers]
    # A step of the layers is as long as the rows of a patch are on average.
    taus = [
        network.patch * time_constants_of(part.layer, part.at(sample, step)).numpy()
        for part in steps.layers
    ]
    read = steps.layers[-1].visible
    if not network.return_sequences:
        read = pooled_so_far(network, read)
    outputs = network.readout(read[sample, step]).numpy()
    return np.hstack(states), np.hstack(taus), outputs, steps.of, steps.position


def pooled_so_far(network: LiquidNetwork, states: Tensor) -> Tensor:
    """Return what the read-out would read if a sequence ended at each step."""
    if network.attention is not None:
        return _attended_so_far(network, states)
    count = torch.arange(1, states.shape[1] + 1, dtype=states.dtype)[:, None]
    parts = {
        "last": lambda: states,
        "mean": lambda: states.cumsum(1) / count,
        "max": lambda: states.cummax(1).values,
    }
    return torch.cat([parts[part]() for part in network.pooling.split("+")], dim=-1)


def _attended_so_far(network: LiquidNetwork, states: Tensor) -> Tensor:
    found = []
    for t in range(states.shape[1]):
        found.append(network.pool(states[:, : t + 1], None))
    return torch.stack(found, dim=1)


def _in_units(
    fitted: FittedModel,
    sequences: SequenceSet,
    outputs: np.ndarray,
    position: np.ndarray,
) -> np.ndarray:
    """Return outputs (R, K) in the unit of y, or as probabilities."""
    if fitted.classifies:
        return fitted.objective.probabilities(outputs).reshape(len(outputs), -1)
    rows = sequences.anchor_rows
    anchors = None if rows is None else rows.take(position)
    return fitted.values(outputs, anchors).reshape(len(outputs), -1)


def places_of(
    sequences: SequenceSet, sample: np.ndarray, position: np.ndarray
) -> dict[str, np.ndarray]:
    """Return where each line stands."""
    recording = sequences.recording
    first = np.searchsorted(recording, recording[position])
    step = position - first
    row = np.full(len(sample), -1)
    if sequences.row_of_position is not None:
        row = sequences.row_of_position[position]
    elif sequences.layout == "rows":
        row = sequences.row_of_sample[sample]
    time = step.astype(float)
    if sequences.elapsed is not None:
        begins = np.diff(recording, prepend=-1) != 0
        total = np.where(begins, 0.0, np.nan_to_num(sequences.elapsed)).cumsum()
        time = total[position] - total[first]
    return {"row": row, "sequence": recording[position], "step": step, "time": time}
