"""From a fitted estimator and data to predictions in the caller's units and layout."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from LNN.exceptions import InvalidInputError
from LNN.reading import check_weights, read_inputs, without_unknown_time
from LNN.sequences import SequenceSet
from LNN.training.batches import Batches
from LNN.training.device import DTYPES, memory_errors_explained, resolve_device

# Per forward pass: enough to be fast, little in memory.
MAX_SAMPLES, MAX_STEPS = 1024, 2**17


@torch.no_grad()
def raw_outputs(
    estimator, X: ArrayLike, timestamps: Any, groups: Any, context: Any
) -> tuple[NDArray, SequenceSet]:
    """Return network outputs as float64, one a sample or, per step, one a row."""
    check_is_fitted(estimator)
    sequences = read_inputs(
        estimator,
        X,
        timestamps=timestamps,
        groups=groups,
        context=context,
        per_step=estimator._per_step,
    )
    sequences = without_unknown_time(estimator, sequences)
    device = resolve_device(estimator.device)
    network = estimator.network_
    if device.type != "cpu":
        network = copy.deepcopy(network).to(device)
    batches = Batches(
        sequences,
        estimator.scaler_,
        estimator.time_unit_,
        DTYPES[estimator.dtype],
        device,
        estimator._time_resolution,
    )
    n = sequences.rows.n_rows if estimator._per_step else len(sequences)
    outputs = np.empty((n, network.output_size))
    size = min(MAX_SAMPLES, max(1, MAX_STEPS // max(1, sequences.max_length)))
    with memory_errors_explained(size):
        for samples in batches.split(np.arange(len(sequences)), size):
            batch = network(**batches.inputs(samples)).double().cpu().numpy()
            if estimator._per_step:
                positions, valid = sequences.span_rows(samples)
                outputs[positions[valid]] = batch[valid]
            else:
                outputs[samples] = batch
    return outputs, sequences


def in_units(estimator, outputs: NDArray, sequences: SequenceSet) -> NDArray:
    """Bring outputs (n, targets x levels) back to the units of y."""
    scaler = estimator.target_scaler_
    n_levels = len(np.atleast_1d(estimator.quantile))
    if estimator.loss != "quantile":
        n_levels = 1
    values = outputs.reshape(len(outputs), -1, n_levels)
    values = values * scaler.scale_[:, None] + scaler.center_[:, None]
    if sequences.anchor_rows is not None:
        if estimator._per_step:
            present = sequences.anchor_rows.take(np.arange(sequences.rows.n_rows))
        else:
            present = sequences.anchors(np.arange(len(sequences)))
        values = values + present[..., None]
    if n_levels == 1:
        values = values[..., 0]
    return values[:, 0] if estimator._target_ndim == 0 else values


def in_layout(estimator, values: NDArray, sequences: SequenceSet) -> Any:
    """Give predictions per step the layout of X: an array, or a list of arrays."""
    if not estimator._per_step:
        return values
    if sequences.layout == "cube":
        return values.reshape(len(sequences), -1, *values.shape[1:])
    return np.split(values, np.cumsum(sequences.length)[:-1])


def point_prediction(estimator, predicted: Any) -> Any:
    """Return the median of several quantiles, or what there is."""
    levels = np.atleast_1d(estimator.quantile).tolist()
    if estimator.loss != "quantile" or len(levels) == 1:
        return predicted
    if 0.5 not in levels:
        raise InvalidInputError(
            f"score needs a point prediction, and quantile={levels} has no 0.5. Add "
            "it, or use sklearn.metrics.mean_pinball_loss for each level."
        )
    pick = levels.index(0.5)
    if isinstance(predicted, list):
        return [block[..., pick] for block in predicted]
    return predicted[..., pick]


def known_steps(
    y: Any, predicted: Any, sample_weight: Any
) -> tuple[NDArray, NDArray, NDArray]:
    """Return targets, predictions and weights of the steps that have a target."""
    lengths = [len(block) for block in predicted]
    weight = np.repeat(check_weights(sample_weight, len(lengths)), lengths)
    flat = np.concatenate([np.asarray(block) for block in y])
    predicted = np.concatenate(list(predicted))
    known = ~_is_missing(flat)
    return flat[known], predicted[known], weight[known]


def _is_missing(y: NDArray) -> NDArray:
    if y.dtype.kind == "O":
        return np.array([v is None or v != v for v in y])
    missing = np.isnan(y) if y.dtype.kind == "f" else np.zeros(y.shape, dtype=bool)
    return missing if y.ndim == 1 else missing.any(axis=1)
