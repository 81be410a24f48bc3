"""Targets: what the network should predict, per sample or per step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import (
    _safe_indexing,
    check_array,
    check_consistent_length,
    column_or_1d,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _num_samples

from LNN._warnings import warn
from LNN.exceptions import InvalidInputError

from .label_tables import advice_on_label_table
from .non_numeric import kind_of_cell, without_mask
from .sequence_set import SequenceSet

MISSING_CLASS = -1


@dataclass(frozen=True, eq=False)
class Targets:
    """Target values beside a `SequenceSet`.

    Attributes
    ----------
    values : ndarray
        Regression: float64 (n_samples, K), or (n_rows, K) per step, NaN where there is
        none. Classification: int64 codes (n_samples,) or (n_rows,), -1 where none.
    per_step : bool
    ndim : int
        Dimensions of the caller's y for one sample or step: 0 a number, 1 a vector.
    """

    values: np.ndarray
    per_step: bool
    ndim: int

    def with_values(self, values: np.ndarray) -> Targets:
        """Return the same layout with other values."""
        return Targets(values, self.per_step, self.ndim)

    def subset(self, samples: np.ndarray) -> Targets:
        """Return the targets of some samples; per step they stay with the rows."""
        return self if self.per_step else self.with_values(self.values[samples])


def is_per_step(
    y: Any, X: Any, layout: str, return_sequences: bool | str, task: str
) -> bool:
    """Tell whether y has a target at every step, from its shape.

    For T outputs per sample as one vector, set ``return_sequences=False``; a warning
    says so where y could be either.
    """
    if layout == "rows":
        if return_sequences != "auto" and return_sequences:
            raise InvalidInputError(
                "return_sequences=True needs sequences: 3-D X or a list of (T_i, F). "
                "2-D X already gives one prediction per row."
            )
        return False
    if return_sequences != "auto":
        return bool(return_sequences)
    # A list has no shape: it is per step if its parts are as long as those of X.
    blocks = isinstance(y, list | tuple) or getattr(y, "dtype", None) == np.dtype("O")
    if layout == "ragged" or blocks:
        sizes = [len(item) if np.ndim(item) else None for item in y]
        if None in sizes:
            return False
        if len(set(sizes)) > 1:
            return True  # blocks of several lengths can only be steps, right or wrong
        if sizes != [len(x) for x in X]:
            return False
    else:
        shape = np.shape(y)
        if len(shape) != 2 or shape[1] != np.shape(X)[1]:
            return len(shape) == 3
    if task == "regression":
        _warn_if_vectors(y, blocks)
    return True


def _warn_if_vectors(y: Any, blocks: bool) -> None:
    """Warn of targets that are read as one per step but could be one vector each."""
    if blocks and any(np.ndim(item) != 1 for item in y):
        return
    values = np.stack(list(y)) if blocks else np.asarray(y)
    # NaN is allowed in targets per step only.
    if values.ndim != 2 or values.shape[1] == 1 or pd.isna(values).any():
        return
    warn(
        f"y of shape {values.shape} is read as one target per step of X, so that "
        "y[i][k] is predicted from the steps up to k only. return_sequences=True says "
        "so for good; if y[i] is one vector, such as a forecast of "
        f"{values.shape[1]} values, set return_sequences=False."
    )


def read_targets(
    y: Any, sequences: SequenceSet, *, counts: np.ndarray, task: str, per_step: bool
) -> tuple[np.ndarray, int]:
    """Read y into (n, ...) values in row or sample order, still in the user's labels.

    Parameters
    ----------
    y : array-like
    sequences : SequenceSet
    counts : ndarray of bool, shape (n_samples,)
        Which samples (rows, for 2-D) of the X that y belongs to have a weight above 0.
        The y of the others may be anything, and so may what is returned for them.
    task : {"regression", "classification"}
    per_step : bool

    Returns
    -------
    values : ndarray
        Regression: float64 (n, K); classification: labels (n,).
    ndim : int
        As `Targets.ndim`.
    """
    if not per_step:
        values, ndim = _per_sample(without_mask(y), counts, task, sequences)
        place = sequences.row_of_position
        place = sequences.row_of_sample if place is None else place
        return _spread(values, counts)[place], ndim
    blocks = step_blocks(y, sequences.length)
    # All together: a class or a type is told from all blocks, not from each.
    kept = [block for block, counted in zip(blocks, counts, strict=True) if counted]
    values, ndim = _per_step(np.concatenate(kept), kept[0].ndim - 1, task)
    return _spread(values, np.repeat(counts, sequences.length)), ndim


def _spread(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Put values at the samples that count; the others repeat a neighbour's value."""
    return values if counts.all() else values[np.maximum(np.cumsum(counts) - 1, 0)]


def step_blocks(y: Any, lengths: np.ndarray) -> list[np.ndarray]:
    """Return the targets of each sequence, as many as it has steps."""
    blocks = [np.asarray(without_mask(block)) for block in y]
    check_consistent_length(blocks, lengths)
    for i, (block, length) in enumerate(zip(blocks, lengths, strict=True)):
        if block.ndim not in (1, 2) or len(block) != length:
            raise InvalidInputError(
                f"y has targets per step, so y[{i}] must have shape ({length},) or "
                f"({length}, n_outputs) like the steps of X[{i}], got {block.shape}. "
                "For one target per sequence give one value each, or set "
                "return_sequences=False."
            )
    return blocks


def _per_step(values: np.ndarray, ndim: int, task: str) -> tuple[np.ndarray, int]:
    if task == "classification":
        return _labels_per_step(values), 0
    _refuse_text_and_times(values)
    values = values.astype(np.float64).reshape(len(values), -1)
    if np.isinf(values).any():
        raise InvalidInputError("Input y contains infinity. Remove or clip it.")
    return values, ndim


def _per_sample(
    y: Any, counts: np.ndarray, task: str, sequences: SequenceSet
) -> tuple[np.ndarray, int]:
    in_rows, kept = sequences.layout == "rows", np.flatnonzero(counts)
    _check_lengths(y, len(counts), sequences)
    # Before any check of values: the y of a sample of weight 0 is not read.
    if len(kept) < len(counts):
        y = _safe_indexing(y, kept)
    if task == "classification":
        _refuse_missing_labels(y, kept, in_rows)
        table = np.asarray(y)
        if table.ndim == 2 and table.shape[1] > 1:
            raise InvalidInputError(_one_label_each(y, sequences))
        values = column_or_1d(y, warn=True)
        check_classification_targets(values)
        return values, 0
    _refuse_text_and_times(np.asarray(y))
    _refuse_missing_values(y, kept, in_rows)
    values = check_array(
        y,
        ensure_2d=False,
        allow_nd=True,
        dtype="numeric",
        input_name="y",
        ensure_all_finite=True,
    )
    if values.ndim > 2:
        raise InvalidInputError(
            f"y must have shape (n_samples,) or (n_samples, n_outputs), got "
            f"{values.shape}. Targets per step need sequences: 3-D X or a list."
        )
    ndim = values.ndim - 1
    return np.asarray(values, dtype=np.float64).reshape(len(values), -1), ndim


def _check_lengths(y: Any, n_samples: int, sequences: SequenceSet) -> None:
    length = _num_samples(y)
    fewer = sequences.layout == "rows" and 1 < length < n_samples
    if fewer and len(np.unique(sequences.recording)) == length:
        raise InvalidInputError(
            f"Expected a target for each of the {n_samples} rows of X, got "
            f"{length}, as many as X has recordings. For one target per recording "
            "pass X as a list of these: [frame for _, frame in X.groupby(level=0)], or "
            "by the column that names them; with sort=False they stay in the order of "
            "X, else y goes by their names in order."
        )
    if length != n_samples:
        raise InvalidInputError(
            "Found input variables with inconsistent numbers of samples: "
            f"{[n_samples, length]}. X has {n_samples}, y has {length}; pass one "
            "target for each."
        )


def _refuse_text_and_times(values: np.ndarray) -> None:
    """Raise for targets of a regression that are not numbers."""
    kind: str | None = None
    example: Any = values.dtype
    if values.dtype.kind in "mM":
        kind = "time"
    elif values.dtype.kind in "OSU":
        found = (cell for cell in values.flat if kind_of_cell(cell))
        example = next(found, None)
        kind = kind_of_cell(example)
    if kind == "time":
        raise InvalidInputError(
            f"Expected numbers in y, got datetimes or durations ({example}). Convert "
            "them to numbers in a unit of your choice: (y - y.min()) / "
            "pandas.Timedelta('1h') for datetimes, y / pandas.Timedelta('1h') for "
            "durations."
        )
    if kind == "large":
        raise InvalidInputError(
            "Expected numbers that float64 can hold in y, got a whole number of more "
            "than 300 digits. Check that value, or learn its logarithm."
        )
    if kind == "text":
        raise InvalidInputError(
            f"Expected numbers in y, got the text {str(example)!r}. For classes use "
            'LiquidClassifier (or task="classification"); else convert y to numbers.'
        )


def _advice_for_missing(in_rows: bool) -> str:
    """Say what to do about samples without a target."""
    if not in_rows:
        return "Drop these samples from X and y."
    # A row that is dropped is missing in the windows of those after it.
    return (
        "Give these rows sample_weight=0: their y is not read then, and they stay in "
        "the windows of the rows after them. Drop rows from X and y only at the end: "
        "after y = s.shift(-1) it is the last one."
    )


def _refuse_missing_values(y: Any, number: np.ndarray, in_rows: bool) -> None:
    try:
        numbers = np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError):
        return  # check_array says what is wrong with it
    bad = np.flatnonzero(np.isnan(numbers.reshape(len(numbers), -1)).any(axis=1))
    if len(bad):
        raise InvalidInputError(
            f"Input y contains NaN, first in row {number[bad[0]]}, {len(bad)} in all. "
            f"{_advice_for_missing(in_rows)}"
        )
    bad = np.flatnonzero(np.isinf(numbers.reshape(len(numbers), -1)).any(axis=1))
    if len(bad):
        raise InvalidInputError(
            f"Input y contains infinity, first in row {number[bad[0]]}, {len(bad)} in "
            "all. Remove or clip it; if these targets are not known: "
            f"{_advice_for_missing(in_rows)}"
        )


def _refuse_missing_labels(y: Any, number: np.ndarray, in_rows: bool) -> None:
    values = np.asarray(y)
    if values.dtype.kind == "f" and np.isinf(values).any():
        raise InvalidInputError(
            f"Input y contains infinity or a value too large for {values.dtype!r}. "
            "Classes are labels: use whole numbers, strings or booleans."
        )
    if values.dtype.kind in "Of" and values.ndim in (1, 2):
        bad = np.flatnonzero(
            np.asarray(pd.isna(values)).reshape(len(values), -1).any(1)
        )
        if len(bad):
            raise InvalidInputError(
                f"Input y contains NaN, first in row {number[bad[0]]}. Every sample "
                f"needs a class. {_advice_for_missing(in_rows)}"
            )


def _one_label_each(y: Any, sequences: SequenceSet) -> str:
    """Return the error for a table where one class per sample was expected."""
    advice, shape = advice_on_label_table(y), np.asarray(y).shape
    width = sequences.n_features_in
    if sequences.layout != "rows" and shape[1] == width != sequences.max_length:
        advice += (
            f" X has {width} features in its last axis: if y has a class per step, and "
            "this axis is time, pass X.transpose(0, 2, 1)."
        )
    return f"y should be a 1d array, got an array of shape {shape} instead. {advice}"


def _labels_per_step(values: np.ndarray) -> np.ndarray:
    if values.ndim == 2 and values.shape[1] != 1:
        raise InvalidInputError(
            f"Classes per step must have shape (n_timesteps,), got {values.shape[1]} "
            "columns. Several labels at once are not supported; for one-hot coding "
            "pass numpy.argmax(y, axis=-1)."
        )
    values = values.ravel()
    # Without the gaps, which scikit-learn's check refuses.
    check_classification_targets(values[~np.asarray(pd.isna(values))])
    return values


def encode_classes(
    labels: np.ndarray, counts: np.ndarray, classes: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return (classes, codes); unlabelled steps (NaN, None) get the code -1.

    Parameters
    ----------
    labels : ndarray of shape (n,)
    counts : ndarray of bool, shape (n,)
        Which labels count; the others get the code -1 too.
    classes : ndarray, default=None
        Known classes; any other label is an error. None finds them.
    """
    missing = np.asarray(pd.isna(labels)) | ~counts
    known = labels[~missing]
    if classes is None:
        classes = np.unique(known)
    place = np.searchsorted(classes, known)
    # A label behind the last class would point past the end; it is refused below.
    place = np.minimum(place, max(len(classes) - 1, 0))
    strange = known[classes[place] != known] if len(classes) else known
    if len(strange):
        raise InvalidInputError(
            f"y has the label {strange.tolist()[0]!r}, which is not one of the known "
            f"classes {classes.tolist()}. Train with all classes, or pass classes= to "
            "the first partial_fit."
        )
    codes = np.full(len(labels), MISSING_CLASS, dtype=np.int64)
    codes[~missing] = place
    return classes, codes
