"""Which signals the neurons go along with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from LNN._results import Result
from LNN._typing import Column
from LNN._warnings import warn
from LNN.data import SequenceSet
from LNN.estimators.fitted import as_fitted
from LNN.exceptions import InvalidInputError
from LNN.inspection.activity import activity_over
from LNN.inspection.passes import input_names

# A spread below this share of the values is rounding.
CONSTANT = 1e-12


def coupling(
    model: Any,
    X: ArrayLike,
    signals: Any = None,
    *,
    timestamps: Column | None = None,
    groups: Column | None = None,
) -> Result:
    """Return how closely each neuron goes along with signals: their correlation.

    Parameters
    ----------
    model : fitted estimator, Pipeline that ends in one, or FittedModel
    X, timestamps, groups
        As in `predict`; of a Pipeline what its last step gets.
    signals : DataFrame, dict of str to array, or array, default=None
        What may drive the neurons, known to the model or not: the curvature of the
        road, the hour of the day. Of rows one value for each row of X: an array is
        (n_rows,) or (n_rows, S). Of sequences one for each step: arrays are (n, T) or
        (n, T, S), or lists of (T_i,) or (T_i, S). None is the inputs. NaN is left out.

    Returns
    -------
    Bunch
        coupling : ndarray of shape (N, S)
            The absolute correlation; NaN for a neuron or signal that never changes.
        correlation : ndarray of shape (N, S)
            The same with its sign.
        neurons, signals : list
        constant : list
            Neurons and signals that never change over X.

    Raises
    ------
    InvalidInputError
        If a signal does not have one value for each row or step.

    Warns
    -----
    LNNWarning
        If neurons never change; it names them.

    Notes
    -----
    It tells of the model, not of the world: a neuron that goes along with a signal need
    not read it. Correlation is linear, and at the same time: a neuron that follows late
    has less. The states are those of `neuron_activity`.

    References
    ----------
    Lechner et al., Neural circuit policies enabling auditable autonomy, Nature Machine
    Intelligence 2020, figure 6.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import coupling
    >>> X = np.sin(0.3 * np.arange(60))[:, None]
    >>> lnn = LiquidRegressor(8, window_length=6, epochs=3, random_state=0)
    >>> lnn.fit(X[:-1], X[1:, 0])
    LiquidRegressor(epochs=3, n_neurons=8, random_state=0, window_length=6)
    >>> found = coupling(lnn, X, {"speed": np.cos(0.3 * np.arange(60))})
    >>> found.coupling.shape, found.signals
    ((8, 1), ['speed'])
    """
    fitted = as_fitted(model)
    sequences = fitted.read(X, timestamps=timestamps, groups=groups)
    activity = activity_over(fitted, sequences)
    names, values = signals_over(signals, sequences, activity)
    columns = [_correlations(activity.states, signal) for signal in values.T]
    correlation = np.reshape(columns, (len(names), len(activity.neurons))).T
    still = _constant(activity.neurons, activity.states)
    if still:
        warn(
            f"{len(still)} of {len(activity.neurons)} neurons never change over X: "
            f"{', '.join(still)}. Their correlation with anything is NaN."
        )
    return Result(
        coupling=np.abs(correlation),
        correlation=correlation,
        neurons=activity.neurons,
        signals=names,
        constant=still + _constant(names, values),
    )


def signals_over(
    signals: Any, sequences: SequenceSet, activity: Result
) -> tuple[list[Any], np.ndarray]:
    """Return the names of signals, and their values (R, S) at the lines of activity.

    Parameters
    ----------
    signals
        As in `coupling`.
    sequences : SequenceSet
    activity : Bunch
        As `activity_over` returns it.
    """
    if signals is None:
        return input_names(sequences), sequences.rows.take(activity.position)
    names, table = _table(signals, sequences)
    by_row = sequences.layout == "rows"
    return names, table[activity.row if by_row else activity.position]


def _table(signals: Any, sequences: SequenceSet) -> tuple[list[Any], np.ndarray]:
    """Return the names of the signals, and their values by row (or step)."""
    if isinstance(signals, pd.DataFrame):
        signals = {name: signals[name].to_numpy() for name in signals.columns}
    if not isinstance(signals, Mapping):
        table = _joined(signals, sequences, "signals")
        return [f"signal {k}" for k in range(table.shape[1])], table
    columns = []
    for name, values in signals.items():
        column = _joined(values, sequences, f"the signal {name!r}")
        if column.shape[1] != 1:
            raise InvalidInputError(
                f"Expected one value for each row or step in the signal {name!r}, got "
                f"{column.shape[1]}. Give each of them a name of its own."
            )
        columns.append(column)
    return list(signals), np.hstack(columns)


def _joined(values: Any, sequences: SequenceSet, what: str) -> np.ndarray:
    """Return values as (rows or steps, S), in the order of X."""
    if sequences.layout == "rows":
        expected: list[Any] = [_n_rows(sequences)]
        parts = [values]
    else:
        expected = sequences.length.tolist()
        parts = [values] if _is_flat(values, sum(expected)) else list(values)
        expected = [sum(expected)] if len(parts) == 1 else expected
    tables = [np.asarray(part, dtype=np.float64) for part in parts]
    got = [len(table) if table.ndim else 0 for table in tables]
    if got != expected or any(table.ndim > 2 for table in tables):
        raise InvalidInputError(
            f"Expected {what} to have a number for each row of X, or for each step of "
            f"each sequence, {_short(expected)}, got {_short(got)}."
        )
    return np.concatenate([table.reshape(len(table), -1) for table in tables])


def _n_rows(sequences: SequenceSet) -> int:
    if sequences.whole:
        return len(sequences.position_of_row)
    return int(sequences.row_of_sample.max(initial=-1)) + 1


def _is_flat(values: Any, n_steps: int) -> bool:
    """Tell whether sequences' steps come one after another already."""
    flat = not isinstance(values, list) and np.ndim(values) < 3
    return flat and len(values) == n_steps


def _short(lengths: list[int]) -> str:
    shown = ", ".join(map(str, lengths[:5]))
    return shown + (", ..." if len(lengths) > 5 else "")


def _correlations(states: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """Return the correlation of each state (R, N) with a signal (R,)."""
    known = ~np.isnan(signal)
    states, signal = states[known], signal[known]
    found = np.full(states.shape[1], np.nan)
    moving = np.array([not _is_constant(s) for s in states.T])
    if _is_constant(signal) or not moving.any():
        return found
    a = states[:, moving] - states[:, moving].mean(axis=0)
    b = signal - signal.mean()
    found[moving] = b @ a / np.linalg.norm(a, axis=0) / np.linalg.norm(b)
    return found


def _constant(names: list[Any], columns: np.ndarray) -> list[Any]:
    """Return the names of the columns (R, n) that never change."""
    pairs = zip(names, columns.T, strict=True)
    return [name for name, column in pairs if _is_constant(column[~np.isnan(column)])]


def _is_constant(values: np.ndarray) -> bool:
    if len(values) < 2:
        return True
    return bool(np.ptp(values) <= CONSTANT * np.abs(values).max())
