"""How answers change along one column, or along the time before the last row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from LNN._results import Result
from LNN._typing import Column
from LNN.data import SequenceSet
from LNN.data.row_store import ArrayRows
from LNN.estimators.fitted import FittedModel, as_fitted
from LNN.exceptions import InvalidInputError
from LNN.inspection.names import output_names
from LNN.inspection.passes import input_names, spans_of_answers
from LNN.inspection.steps import passes_over

GAP = "gap"
# A grid of gaps goes to this many units at least: outages are longer than most gaps.
FAR = 8.0
# What of a column a grid is made of, as in scikit-learn.
PERCENTILES = (5, 95)
Change = Callable[[SequenceSet, float], SequenceSet]


def partial_dependence(
    model: Any,
    X: ArrayLike,
    *,
    feature: Any,
    grid: ArrayLike | None = None,
    at: str = "last",
    n_grid: int = 20,
    rows: Sequence[int] | NDArray[np.int64] | None = None,
    step: int = -1,
    max_samples: int | None = 200,
    timestamps: Column | None = None,
    groups: Column | None = None,
) -> Result:
    """Show how the answers change with the value of a column, or with the last gap.

    Parameters
    ----------
    model : fitted estimator, Pipeline that ends in one, or FittedModel
    X, timestamps, groups
        As in `predict`; for a Pipeline, as its last step gets it.
    feature : str or int
        A column of X, or "gap": the time between the row before and the last row, whose
        values stay as they are.
    grid : array of shape (G,), default=None
        Values in the column's unit; gaps in seconds, or in units of numeric time
        stamps. None is `n_grid` values: from the 5th to the 95th percentile of a
        column, or from the shortest gaps of training to the longest (or to 8 typical
        ones, if that is longer).
    at : {"last", "all"}, default="last"
        Whether to set the column in the last row of the window or sequence, or in all
        of its rows.
    rows : sequence of int, default=None
        The rows (or sequences) of X whose answers are looked at; None is all.
    step : int, default=-1
        For sequences with an answer at each step: the step.
    max_samples : int, default=200
        The most answers to compute, spread evenly over X; None is all.

    Returns
    -------
    Bunch
        average : ndarray of shape (K, G)
            The mean answer, in the unit of y; for classifiers the mean probability of
            each class, or of the second one of two.
        individual : ndarray of shape (K, n, G)
            Each answer.
        grid : ndarray of shape (G,)
        feature, outputs
            The column, and the names of the answers.

    Raises
    ------
    InvalidInputError
        If there is no such column, or no time for "gap".

    Notes
    -----
    It describes the model, not the world: other columns stay as they are even if they
    would change along, and combinations of values that never occur count like others. A
    missing value that is set is no longer missing. For an anchor column the change from
    row to row is set, since that is what the model reads. With whole recordings each
    answer needs a run from the first row: choose few `rows` of long ones.

    References
    ----------
    Friedman, Greedy function approximation: a gradient boosting machine, Annals of
    Statistics 2001, section 8.2.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import partial_dependence
    >>> X = np.random.default_rng(0).normal(size=(60, 6, 2))
    >>> lnn = LiquidRegressor(8, epochs=60, random_state=0).fit(X, X[:, -1, 0])
    >>> found = partial_dependence(lnn, X, feature=0)
    >>> bool((np.diff(found.average[0]) > 0).all())
    True
    """
    fitted = as_fitted(model)
    if at not in ("last", "all"):
        raise InvalidInputError(f'Expected at as "last" or "all", got {at!r}.')
    sequences = fitted.read(X, timestamps=timestamps, groups=groups)
    names = input_names(sequences)
    if feature != GAP and feature not in names:
        raise InvalidInputError(
            f'Expected feature among the inputs {names}, or "{GAP}", got {feature!r}.'
        )
    samples = spans_of_answers(sequences, rows, step, fitted.targets.per_step)
    if max_samples is not None and len(samples) > max_samples:
        spread = np.linspace(0, len(samples) - 1, max_samples)
        samples = samples.subset(spread.round().astype(np.int64))
    if feature == GAP:
        _refuse_no_gap(fitted, sequences, names)
        values = _grid(grid, lambda: _gaps(fitted, n_grid))
        change: Change = _with_gap
    else:
        place = names.index(feature)
        values = _grid(grid, lambda: _column(sequences, place, n_grid))
        change = partial(_with_value, place, at)
    curves = _over(fitted, samples, values, change)
    answers = np.stack([_in_units(fitted, samples, part) for part in curves], axis=-1)
    individual = np.moveaxis(answers, 0, 1)
    outputs = output_names(fitted, answers.shape[1])
    if fitted.classifies and answers.shape[1] == 2:
        individual, outputs = individual[1:], outputs[1:]
    return Result(
        average=individual.mean(axis=1),
        individual=individual,
        grid=values,
        feature=feature,
        outputs=outputs,
    )


def _grid(grid: ArrayLike | None, default: Any) -> np.ndarray:
    if grid is None:
        return default()
    values = np.asarray(grid, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise InvalidInputError(f"Expected grid as finite numbers, got {grid!r}.")
    return values


def _column(sequences: SequenceSet, place: int, n_grid: int) -> np.ndarray:
    column = np.concatenate([rows[:, place] for _, rows in sequences.iter_rows()])
    low, high = np.nanpercentile(column, PERCENTILES)
    return np.linspace(low, high, n_grid)


def _gaps(fitted: FittedModel, n_grid: int) -> np.ndarray:
    known, unit = fitted.clock.gap_range, fitted.clock.unit
    low, high = (unit, unit) if known is None else (known.low, known.high)
    return np.geomspace(min(low, unit), max(high, FAR * unit), n_grid)


def _refuse_no_gap(
    fitted: FittedModel, sequences: SequenceSet, names: list[Any]
) -> None:
    if GAP in names:
        raise InvalidInputError(
            f'"{GAP}" means the time before the last row, but is a column of X as '
            "well. Fit with another name of the column."
        )
    if fitted.clock.kind is None or sequences.elapsed is None:
        raise InvalidInputError(
            f'Expected time stamps for feature="{GAP}", but {fitted.owner} was fitted '
            "without any, so that every gap is one step. Fit and call with "
            "timestamps=, a DatetimeIndex or time_column=."
        )


def _positions(samples: SequenceSet) -> Iterator[np.ndarray]:
    """Yield the positions of each sample."""
    for start, length in zip(samples.start, samples.length, strict=True):
        yield np.arange(start, start + length)


@torch.no_grad()
def _over(
    fitted: FittedModel, samples: SequenceSet, grid: np.ndarray, change: Change
) -> list[np.ndarray]:
    """Return the outputs (n, K) for each value."""
    found: list[list[Tensor]] = [[] for _ in grid]
    for batch in passes_over(fitted, samples).pieces(len(samples)):
        apart = _apart(samples.subset(batch))
        for number, value in enumerate(grid):
            passes = passes_over(fitted, change(apart, value))
            found[number].append(passes.outputs(np.arange(len(batch))))
    return [torch.cat(parts).numpy() for parts in found]


def _with_value(place: int, at: str, apart: SequenceSet, value: float) -> SequenceSet:
    """Give a column the same value in the last row of each sample, or in all rows."""
    rows = apart.rows.take(np.arange(apart.rows.n_rows)).astype(np.float64)
    which = apart.start + apart.length - 1 if at == "last" else slice(None)
    rows[which, place] = value
    return replace(apart, rows=ArrayRows(rows))


def _with_gap(apart: SequenceSet, gap: float) -> SequenceSet:
    """Let the last row of each sample come so long after the one before."""
    elapsed = np.array(apart.elapsed)
    elapsed[apart.start + apart.length - 1] = gap
    return replace(apart, elapsed=elapsed)


def _apart(samples: SequenceSet) -> SequenceSet:
    """Give each sample rows of its own: windows share them, and so their gaps."""
    positions = np.concatenate([*_positions(samples)])
    elapsed = samples.elapsed
    return replace(
        samples,
        rows=ArrayRows(samples.rows.take(positions)),
        recording=np.repeat(np.arange(len(samples)), samples.length),
        elapsed=None if elapsed is None else elapsed[positions],
        start=np.cumsum(samples.length) - samples.length,
        row_of_position=None,
        anchor_rows=None,
        continues=None,
    )


def _in_units(
    fitted: FittedModel, samples: SequenceSet, outputs: np.ndarray
) -> np.ndarray:
    """Return outputs (n, K) in the unit of y, or as probabilities."""
    if fitted.classifies:
        return fitted.objective.probabilities(outputs).reshape(len(outputs), -1)
    rows = samples.anchor_rows
    last = samples.start + samples.length - 1
    anchors = None if rows is None else rows.take(last)
    return fitted.values(outputs, anchors).reshape(len(outputs), -1)
