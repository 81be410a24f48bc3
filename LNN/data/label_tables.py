"""Tables of zeros and ones that hold classes: one-hot and multi-label targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from LNN._warnings import warn
from LNN.exceptions import InvalidInputError

__all__ = ["advice_on_label_table", "check_labels_per_step"]

# With fewer sequences, labels per step may have one 1 in each by chance.
FEW_SEQUENCES = 4
# From fewer labels of 0 and 1 it cannot be told what they go with.
FEW_LABELS = 200
# Labels are of steps if neighbours agree more, or less, often than any two steps do, or
# if they go with a channel up to so many steps back, by this many standard errors.
CLEARLY, LAGS = 4, 5


def check_labels_per_step(y: Any, X: Any) -> None:
    """Refuse, or warn of, a y with classes per step that may be a table of labels.

    Parameters
    ----------
    y : array-like of shape (n_samples, n_timesteps), frame or list
        As the caller passed it.
    X : array-like of shape (n_samples, n_timesteps, n_features) or list

    Raises
    ------
    InvalidInputError
        If it is one-hot.

    Warns
    -----
    LNNWarning
        If it has several labels of 0 and 1 per sequence, in no order, which X does not
        explain step by step.
    """
    values = _table(y)
    if values is None or len(values) < FEW_SEQUENCES:
        return
    kind = _kind(values)
    if kind in ("one-hot", "probabilities"):
        raise InvalidInputError(
            f"Expected one class per sequence or per step, got y of shape "
            f"{values.shape}, {_WORDS[kind]}. {_argmax(y)}, one class per sequence; "
            "return_sequences=True says that it has one class per step of X."
        )
    if kind != "binary":
        return
    if _has_names(y) or (values.size >= FEW_LABELS and not _is_of_steps(values, X)):
        warn(
            f"y of shape {values.shape} is read as one class per step of X. "
            "return_sequences=True says so for good; if its columns are labels, of "
            "which a sequence may have several, fit one classifier per column: "
            f"{'y.iloc[:, k]' if isinstance(y, pd.DataFrame) else 'y[:, k]'}."
        )


def advice_on_label_table(y: Any) -> str:
    """Return what to do about a table where one class per sample was expected."""
    values = _table(y)
    kind = "" if values is None else _kind(values)
    if kind in ("one-hot", "probabilities"):
        return f"Got {_WORDS[kind]}: {_argmax(y, lower=True)}."
    if kind == "binary":
        return (
            "Several labels at once are not supported: fit one classifier per column, "
            "y[:, k]."
        )
    return "Pass one class per sample."


_WORDS = {
    "one-hot": "with exactly one 1 in each row as in one-hot coding",
    "probabilities": "whose rows are probabilities that sum to 1",
}


def _table(y: Any) -> np.ndarray | None:
    """Return y as numbers (n, K) with K > 1, or None if it is something else."""
    try:
        values = np.asarray(y if hasattr(y, "shape") else list(y))
        if values.dtype == object:
            values = np.stack([np.asarray(row) for row in values])
    except (TypeError, ValueError):
        return None  # blocks of several lengths, say
    values = values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values
    numbers = values.dtype.kind in "biuf"
    return values if numbers and values.ndim == 2 and values.shape[1] > 1 else None


def _kind(values: np.ndarray) -> str:
    """Tell what kind of table this is; "" for any other, such as class numbers."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return ""
    if ((values == 0) | (values == 1)).all():
        if (values.sum(axis=1) != 1).any():
            return "binary"
        # The same step in all sequences is an event, and would be a single class.
        return "one-hot" if np.ptp(values.argmax(axis=1)) else ""
    sums_to_one = (values >= 0).all() and np.allclose(values.sum(axis=1), 1, atol=1e-6)
    return "probabilities" if sums_to_one else ""


def _argmax(y: Any, lower: bool = False) -> str:
    line = "numpy.argmax(y, axis=1)"
    if isinstance(y, pd.DataFrame):
        line = "y.idxmax(axis=1)"
    return f"{'pass' if lower else 'Pass'} {line}"


def _has_names(y: Any) -> bool:
    """Tell whether the columns have names, and not numbers with a prefix."""
    if not isinstance(y, pd.DataFrame):
        return False
    return all(isinstance(name, str) and not name[-1:].isdigit() for name in y.columns)


def _is_of_steps(values: np.ndarray, X: Any) -> bool:
    """Tell whether labels have to do with the steps of X."""
    return _is_ordered(values) or _is_explained(values, X)


def _is_explained(values: np.ndarray, X: Any) -> bool:
    """Tell whether a channel, near a step or up to it, goes with the step's label."""
    try:
        steps = np.asarray(X if hasattr(X, "shape") else list(X), dtype=np.float64)
    except (TypeError, ValueError):
        return False
    if steps.shape[:2] != values.shape or steps.ndim != 3:
        return False
    steps = np.nan_to_num(steps, nan=0.0, posinf=0.0, neginf=0.0)
    # Less what all sequences share: labels that come and go at fixed steps would agree
    # with any channel that does.
    labels = _standardised(values.astype(np.float64)[:, :, None])
    far = CLEARLY * np.sqrt(values.size)
    seen = [_standardised(steps), _standardised(np.cumsum(steps, axis=1))]
    for back in range(min(LAGS, values.shape[1] - 1) + 1):
        late = labels[:, back:]
        for channel in seen:
            product = late * channel[:, : channel.shape[1] - back]
            if np.abs(product.sum(axis=(0, 1))).max() > far:
                return True
    return False


def _standardised(values: np.ndarray) -> np.ndarray:
    """Return values of each step less what all sequences share, in deviations."""
    spread = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)


def _is_ordered(values: np.ndarray) -> bool:
    """Tell whether neighbours in a row are more, or less, alike than any two."""
    n, steps = values.shape
    ones = values.sum(axis=1, dtype=float)
    zeros = steps - ones
    alike = (ones * (ones - 1) + zeros * (zeros - 1)).mean() / (steps * (steps - 1))
    beside = (values[:, 1:] == values[:, :-1]).mean()
    error = np.sqrt(alike * (1 - alike) / (n * (steps - 1)))
    return bool(abs(beside - alike) > CLEARLY * error)
