"""The steps of `fit`, in their order: rows, plan, network, what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from LNN._warnings import warn
from LNN.anomaly.calibration import Calibration
from LNN.anomaly.direct import Direct
from LNN.anomaly.fitted import FittedDetector
from LNN.anomaly.parameters import network_options
from LNN.anomaly.plan import settle
from LNN.anomaly.queried import Queried
from LNN.anomaly.recordings import DetectorForm, Recordings, read_first
from LNN.anomaly.row_warnings import (
    refuse_stray_rows,
    warn_of_constant,
    warn_of_jitter,
    warn_of_weak_fit,
)
from LNN.data.alignment import warn_if_misaligned
from LNN.exceptions import InvalidInputError

__all__ = ["abnormal", "fit"]


def fit(
    X: Any,
    y: Any,
    timestamps: Any,
    groups: Any,
    values: Mapping[str, Any],
    random: np.random.RandomState,
) -> FittedDetector:
    """Learn what is usual.

    Parameters
    ----------
    X, y, timestamps, groups : as in `LiquidAnomalyDetector.fit`
    values : mapping of str
        The parameters of the detector, checked.
    random : numpy.random.RandomState
    """
    warn_if_misaligned(X, y, timestamps=timestamps, groups=groups)
    rows, form = read_first(X, timestamps, groups, values)
    _refuse_too_few(rows, form)
    if not form.per_sequence:
        refuse_stray_rows(rows)
    clean = ~_marked(y, rows, form)
    plan = settle(values, rows)
    if not plan.regular and not form.per_sequence:
        warn_of_jitter(rows, plan.unit, _holder(X, timestamps, values))
    kind = Direct if plan.regular else Queried
    engine = kind.fit(rows, plan, clean, network_options(values), random)
    owner = rows.recording if form.per_sequence else None
    calibration, sizes = Calibration.fit(
        engine, rows, clean, values["aggregate"], plan.spans, owner
    )
    if not np.isfinite(sizes).any():
        raise InvalidInputError(
            f"Expected recordings of more than {plan.first_judged + 1:g} rows, a "
            f"window and the longest horizon ({plan.horizons[-1]:g}), got at most "
            f"{np.bincount(rows.recording).max()}: no row can be judged. Fit on "
            "longer ones, or set a shorter season or shorter horizons."
        )
    n_sequences = int(rows.recording[-1]) + 1 if form.per_sequence else None
    warn_of_weak_fit(sizes, calibration.scorer.last, n_sequences)
    model = FittedDetector(dict(values), form, engine, calibration)
    warn_of_constant(rows.values[clean], model.channels)
    return model


def _holder(X: Any, timestamps: Any, values: Mapping[str, Any]) -> str | None:
    """Return what holds the times in the caller's code; None if it is not one index."""
    if values["time_column"] is not None:
        named = isinstance(X, pd.DataFrame)
        return f"X[{values['time_column']!r}]" if named else None
    several = isinstance(getattr(X, "index", None), pd.MultiIndex)
    return None if several or timestamps is not None else "X.index"


def _refuse_too_few(rows: Recordings, form: DetectorForm) -> None:
    """Refuse what has nothing that follows anything."""
    n, longest = int(rows.recording[-1]) + 1, int(np.bincount(rows.recording).max())
    if form.per_sequence:
        if n > 1 and longest > 1:
            return
        what, found = "at least two sequences of two steps", f"n_samples = {n}"
        found += f" of {longest} step(s)"
        if form.by_row:
            found += f", which are {longest} feature(s)"
    else:
        if longest > 2:
            return
        what, found = "three rows of a recording or more", f"n_samples={longest}"
    raise InvalidInputError(
        f"Expected {what}, got {found}: what comes next can only be learnt from rows "
        "in time order. Pass more of them."
    )


def _marked(y: Any, rows: Recordings, form: DetectorForm) -> np.ndarray:
    """Return which rows y says to leave out."""
    if y is None:
        return np.zeros(len(rows), dtype=bool)
    place = rows.recording if form.per_sequence else rows.row
    marked = abnormal(y, int(place.max()) + 1)
    if marked.all():
        raise InvalidInputError(
            "Expected y to be 1 where a row is abnormal, got 1 for every row, which "
            "leaves none to learn from. Where 1 stands for usual rows pass y != 1."
        )
    return marked[place]


def abnormal(y: Any, n: int) -> np.ndarray:
    """Return which of n rows, or sequences, y marks."""
    given = np.asarray(y)
    if given.shape not in ((n,), (n, 1)):
        raise InvalidInputError(
            f"Expected y with one entry for each of the {n} rows of X, 1 where a row "
            f"is abnormal, got shape {given.shape}."
        )
    given = given.reshape(-1)
    if given.dtype == object:  # which may hold pandas.NA
        given = np.where(pd.isna(given), np.nan, given)
    marked: np.ndarray = np.asarray(given == 1, dtype=bool)
    if not np.isin(given[~marked], [0]).all():
        warn(
            "y holds other values than 0 and 1. Rows where it is 1 count as abnormal, "
            "all others as usual; where -1 stands for abnormal rows pass y == -1."
        )
    return marked
