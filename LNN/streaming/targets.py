"""Targets that `update` gets, checked and in the network's units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from LNN.estimators.fitted import FittedModel
from LNN.exceptions import InvalidInputError


def goals_of(
    model: FittedModel, n: int | None, y_true: Any, present: NDArray | None
) -> tuple[NDArray, NDArray]:
    """Return targets in the network's units, and where they are known.

    Parameters
    ----------
    model : FittedModel
    n : int or None
        Number of streams; None is one, whose truth has no axis for it.
    y_true : float, label or array-like
    present : ndarray or None
        The anchors' values.
    """
    count, classes = 1 if n is None else n, model.targets.classes
    if classes is not None:
        labels = np.empty(1, dtype=object)
        labels[0] = y_true
        if n is not None:
            labels = np.asarray(y_true, dtype=object)
        _check_shape(labels.shape, (count,))
        codes = np.array([_code(label, classes) for label in labels])
        return codes, codes >= 0
    n_targets = model.targets.n_targets
    try:
        values = np.asarray(y_true, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"Expected y_true as numbers, got {y_true!r}: {error}. Pass it as step "
            "returned it."
        ) from error
    shape = (n_targets,) if model.targets.ndim else ()
    _check_shape(values.shape, shape if n is None else (count, *shape))
    values = values.reshape(count, n_targets)
    if np.isinf(values).any():
        raise InvalidInputError(
            "Expected finite y_true, got an infinite value. Pass NaN where the "
            "truth is not known."
        )
    scaled = model.scaled_targets(values, present)
    return scaled, ~np.isnan(scaled).any(axis=1)


def _check_shape(got: tuple, expected: tuple) -> None:
    if got != expected:
        raise InvalidInputError(
            f"Expected y_true of shape {expected}, one target per stream as in "
            f"fit, got shape {got}. Pass NaN for streams without a truth."
        )


def _code(label: Any, classes: np.ndarray) -> int:
    """Return the number of a class; -1 where none is known."""
    if isinstance(label, np.ndarray) and label.ndim == 0:
        label = label.item()
    if np.ndim(label) == 0 and pd.isna(label):
        return -1
    found = np.flatnonzero(classes == label)
    if len(found) != 1:
        raise InvalidInputError(
            f"Expected one of the classes {classes.tolist()}, got "
            f"{label!r}. A new class needs a new fit."
        )
    return int(found[0])
