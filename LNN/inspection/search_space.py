"""Which values of a row or sequence may change in a search, and how far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from LNN.data import SequenceSet
from LNN.data.form import GivenX
from LNN.estimators.fitted import FittedModel
from LNN.exceptions import InvalidInputError
from LNN.inspection.passes import steps_of_spans
from LNN.inspection.places import Places


class SearchSpace(NamedTuple):
    """Which values of a row or sequence may change, and how far.

    Attributes
    ----------
    values : Tensor of shape (T, F)
        The values as they are, scaled; NaN where missing.
    low, high : Tensor of shape (T, F)
        Between what a value may lie, scaled.
    free : Tensor of bool, shape (T, F)
        Which values may change.
    rows : ndarray of int, shape (T,)
        The row of X, or the step of the sequence, that each step is.
    """

    values: Tensor
    low: Tensor
    high: Tensor
    free: Tensor
    rows: np.ndarray


def search_space_of(
    fitted: FittedModel,
    sequences: SequenceSet,
    spans: SequenceSet,
    places: Places,
    columns: Sequence[Any] | None,
    steps: Sequence[Any] | None,
    within: ArrayLike | None,
) -> SearchSpace:
    """Return which values may change, and how far.

    Parameters
    ----------
    fitted : FittedModel
    sequences : SequenceSet
        All of X.
    spans : SequenceSet
        The span of the one row or sequence.
    places : Places
        Its rows or steps, and columns, by the caller's names.
    columns, steps : sequence or None
        Those that may change, by these names; None is all.
    within : array-like or None
        Data whose range the values must stay in; None is X.
    """
    scaler = fitted.scaler
    if hasattr(scaler, "transformer_"):
        raise InvalidInputError(
            'Expected a scale by name (scale="standard"), got a transformer, which may '
            "mix columns. Put it in front, in a Pipeline, and pass what it returns."
        )
    positions, _ = spans.spans(np.array([0]))
    values = scaler.transform_rows(
        np.asarray(sequences.rows.take(positions[0]), dtype=np.float64)
    )
    source = sequences if within is None else _read_alone(fitted, within)
    low, high = (scaler.transform_rows(edge[None])[0] for edge in _range(source))
    rows = steps_of_spans(sequences, spans)[0]
    free = np.isfinite(values) & _chosen_columns(sequences, places, columns)
    if steps is not None:
        numbers = [places.number(label) for label in steps]
        free &= np.isin(rows, numbers)[:, None]
    if not free.any():
        raise InvalidInputError(
            "Expected columns= and steps= that leave a value to change, of those that "
            f"the answer to {places.title} reads, got none."
        )
    bounds = np.fmin(values, low), np.fmax(values, high)
    scaled, least, most = map(torch.as_tensor, (values, *bounds))
    return SearchSpace(scaled, least, most, torch.as_tensor(free), rows)


def _read_alone(fitted: FittedModel, data: ArrayLike) -> SequenceSet:
    """Read data for its values alone: of any number of rows, at any time."""
    sequences = fitted.layout.options.read(GivenX(data, name="within"))
    n, expected = sequences.n_features, fitted.layout.n_channels
    if n != expected:
        raise InvalidInputError(
            f"Expected within= with the {expected} inputs of X, got {n}."
        )
    return sequences


def _range(sequences: SequenceSet) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and the largest value of each input."""
    low = np.full(sequences.n_features, np.inf)
    high = -low
    for _, values in sequences.iter_rows():
        low = np.fmin(low, np.fmin.reduce(values, axis=0))
        high = np.fmax(high, np.fmax.reduce(values, axis=0))
    return low, high


def _chosen_columns(
    sequences: SequenceSet, places: Places, columns: Sequence[Any] | None
) -> np.ndarray:
    """Return which inputs may change, (F,)."""
    anchors = sequences.columns.anchors
    fixed = [] if anchors is None else [int(k) for k in anchors]
    chosen = np.zeros(sequences.n_features, dtype=bool)
    if columns is None:
        chosen[:] = True
        chosen[fixed] = False
        return chosen
    numbers = [places.column(name) for name in columns]
    if held := [places.names[k] for k in numbers if k in fixed]:
        raise InvalidInputError(
            f"Expected columns that anchor= does not name, got {held}: the model reads "
            "changes of an anchor from row to row and adds it to the answer, so that "
            "one value counts three times. Try values of it with "
            "LNN.inspection.counterfactual."
        )
    chosen[numbers] = True
    return chosen
