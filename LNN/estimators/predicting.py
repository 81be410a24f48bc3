"""From a fitted estimator and data to predictions in the caller's units and layout."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import _safe_indexing, check_consistent_length
from sklearn.utils.validation import check_is_fitted

from LNN._warnings import warn
from LNN.batching.batches import Batches
from LNN.batching.missing import MissingRule
from LNN.batching.scaled_rows import ScaledRows
from LNN.data import SequenceSet
from LNN.data.targets import step_blocks
from LNN.estimators.built import built
from LNN.estimators.reading import check_weights, read_inputs
from LNN.exceptions import DeviceMemoryError, InvalidInputError
from LNN.training.device import DTYPES, resolve_device


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
    device = _device(estimator)
    network = estimator.network_
    if device.type != "cpu":
        network = copy.deepcopy(network).to(device)
    dtype = DTYPES[built(estimator, "dtype")]
    how = estimator.scaler_, dtype, device, estimator.n_jobs
    rows = ScaledRows(sequences.rows, *how)
    missing = built(estimator, "missing")
    batches = Batches(
        sequences,
        rows,
        estimator.time_unit_,
        estimator._time_resolution,
        MissingRule.of_scaler(missing, estimator.scaler_, dtype, device),
    )
    outputs = batches.empty_outputs(network)
    size = batches.size_without_gradients()
    done = 0
    while done < len(sequences):
        samples = np.arange(done, min(done + size, len(sequences)))
        try:
            with evaluating(network):
                answer = network(**batches.inputs(samples))
        except torch.OutOfMemoryError as error:
            if size == 1:
                raise DeviceMemoryError(
                    "The accelerator ran out of memory while predicting a single "
                    f"sequence of {sequences.max_length} steps. Cut it, or use "
                    'set_params(device="cpu").'
                ) from error
            size //= 2  # the answer is the same, in smaller parts
            continue
        batches.write(outputs, samples, answer)
        done += len(samples)
    _check_finite(estimator, outputs, sequences)
    return outputs, sequences


def _check_finite(estimator, outputs: NDArray, sequences: SequenceSet) -> None:
    """Refuse to answer what is no number: labels and means would hide it."""
    good = np.isfinite(outputs).all(axis=1)
    if good.all():
        return
    bad = position = int(np.argmin(good))
    if not estimator._per_step:
        position = int(sequences.start[bad] + sequences.length[bad]) - 1
    raise not_finite(estimator, outputs[bad], sequences.place(position))


def not_finite(
    estimator, outputs: NDArray, place: str, hint: str = ""
) -> InvalidInputError:
    """Return the error for outputs of the network that are no numbers."""
    fix = "Look for extreme values in this row and those before it."
    solver = built(estimator, "solver")
    if built(estimator, "model_type") == "LTC" and solver != "semi-implicit":
        fix = (
            f'solver="{solver}" explodes where a gap in time is too long for its '
            f"{built(estimator, 'ode_unfolds')} unfolds: fit with "
            'solver="semi-implicit", which takes gaps of any length, or with more '
            "ode_unfolds. " + fix
        )
    value = outputs[~np.isfinite(outputs)][0]
    return InvalidInputError(
        f"Expected finite outputs of the network, got {value} first for {place}. {fix}"
        + hint
    )


@contextmanager
def evaluating(network: torch.nn.Module) -> Iterator[None]:
    """Put a network that its user trains into evaluation mode, and then back."""
    # After a fit there is nothing to do, and nothing for other threads to trip over. A
    # network that its user has put into training mode is for one thread at a time.
    training = [module for module in network.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _device(estimator) -> torch.device:
    """Return the device to predict on: a model from a GPU also works without one."""
    try:
        return resolve_device(estimator.device)
    except InvalidInputError:
        warn(
            f'device="{estimator.device}" is not there on this machine: predictions '
            'run on the CPU. set_params(device="auto") ends this warning.'
        )
        return torch.device("cpu")


def present_values(estimator, sequences: SequenceSet) -> NDArray | None:
    """Return the anchors' values (n, K) that belong to `raw_outputs`."""
    if sequences.anchor_rows is None:
        return None
    if estimator._per_step:
        return sequences.anchor_rows.take(np.arange(sequences.rows.n_rows))
    return sequences.anchors(np.arange(len(sequences)))


def in_units(estimator, outputs: NDArray, present: NDArray | None) -> NDArray:
    """Bring outputs (n, targets x levels) back to the units of y.

    `present` are the values (n, K) that the network gives the change from, if any.
    """
    scaler = estimator.target_scaler_
    values = estimator._objective.prediction(outputs)
    scale, center = scaler.scale_, scaler.center_
    for _ in range(values.ndim - 2):  # axes after that of the targets: levels, say
        scale, center = scale[:, None], center[:, None]
        present = None if present is None else present[..., None]
    values = values * scale + center
    if present is not None:
        values = values + present
    return values[:, 0] if estimator._target_ndim == 0 else values


def in_layout(estimator, values: NDArray, sequences: SequenceSet) -> Any:
    """Give predictions per step the layout of X: an array, or a list of arrays."""
    if not estimator._per_step:
        return values
    if sequences.layout == "cube":
        return values.reshape(len(sequences), -1, *values.shape[1:])
    return np.split(values, np.cumsum(sequences.length)[:-1])


def what_counts(
    estimator, y: Any, predicted: Any, sample_weight: Any
) -> tuple[Any, Any, Any]:
    """Return targets, predictions and weights but for steps or weights of nothing."""
    if estimator._per_step:
        return known_steps(y, predicted, sample_weight)
    if sample_weight is None:
        return y, predicted, None
    check_consistent_length(y, predicted)
    weights = check_weights(sample_weight, len(predicted))
    kept = np.flatnonzero(weights)
    return _safe_indexing(y, kept), predicted[kept], weights[kept]


def known_steps(
    y: Any, predicted: Any, sample_weight: Any
) -> tuple[NDArray, NDArray, NDArray]:
    """Return targets, predictions and weights of the steps that have a target."""
    if isinstance(y, pd.DataFrame):
        y = y.to_numpy()
    lengths = np.array([len(block) for block in predicted])
    weight = np.repeat(check_weights(sample_weight, len(lengths)), lengths)
    flat = np.concatenate(step_blocks(y, lengths))
    predicted = np.concatenate(list(predicted))
    known = ~_is_missing(flat) & (weight > 0)
    return flat[known], predicted[known], weight[known]


def _is_missing(y: NDArray) -> NDArray:
    missing = np.asarray(pd.isna(y))
    return missing if y.ndim == 1 else missing.any(axis=1)
