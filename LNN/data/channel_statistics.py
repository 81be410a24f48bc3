"""Weighted statistics per channel, from rows in chunks; NaN is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError

from .tables import in_threads
from .weighted import weighted_quantiles

__all__ = [
    "WeightedChunk",
    "is_constant",
    "live",
    "mean_and_deviation",
    "no_change",
    "quantiles",
    "value_range",
]

WeightedChunk = tuple[np.ndarray, np.ndarray | None]
Live = Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]]


def live(
    chunks: Callable[[], Iterable[WeightedChunk]], dtype: Any = np.float64
) -> Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]]:
    """The chunks without the rows of weight 0, which have no influence."""

    def generate() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        empty = True
        for values, weights in chunks():
            values = np.asarray(values, dtype=dtype)
            if weights is None:
                weights = np.ones(len(values))
            elif not (weights > 0).all():
                values, weights = values[weights > 0], weights[weights > 0]
            if len(values):
                empty = False
                yield values, np.asarray(weights, dtype=np.float64)
        if empty:
            raise InvalidInputError(
                "Expected at least one row of positive weight, got a sample_weight of "
                "zero for all. Give the rows to learn from a positive weight."
            )

    return generate


def mean_and_deviation(
    chunks: Live, n_jobs: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and deviation; chunks merged after Chan, Golub and LeVeque.

    In the order of the chunks, so that the result does not depend on `n_jobs`.
    """
    total: Any = 0.0
    mean: Any = 0.0
    squares: Any = 0.0
    for weight, part_mean, part_squares in in_threads(_moments, chunks(), n_jobs):
        delta = np.where(weight > 0, part_mean - mean, 0.0)
        share = weight / np.where(total + weight > 0, total + weight, 1.0)
        squares = squares + part_squares + delta**2 * total * share
        mean, total = mean + delta * share, total + weight
    variance = squares / np.where(total > 0, total, 1.0)
    return mean, np.sqrt(variance)


@np.errstate(over="ignore", invalid="ignore")  # here, as threads do not inherit it
def _moments(
    chunk: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weight, mean and squared deviations of each channel of a chunk."""
    values, weights = chunk
    known = ~np.isnan(values)
    # Around the first known value constants have differences of exactly 0.
    shift = values[known.argmax(axis=0), np.arange(values.shape[1])]
    off = values - shift
    if known.all():
        weight = np.full(values.shape[1], weights.sum())
    else:
        off[~known] = 0.0
        weight = weights @ known
    off_mean = weights @ off / np.where(weight > 0, weight, 1.0)
    off -= off_mean
    if not known.all():
        off[~known] = 0.0
    np.square(off, out=off)
    return weight, np.where(weight > 0, shift + off_mean, 0.0), weights @ off


def value_range(chunks: Live) -> tuple[np.ndarray, np.ndarray]:
    """Return minimum and range."""
    low: Any = np.inf
    high: Any = -np.inf
    for values, _ in chunks():
        # fmin and fmax pass over NaN.
        low = np.fmin(low, np.fmin.reduce(values, axis=0))
        high = np.fmax(high, np.fmax.reduce(values, axis=0))
    unknown = ~np.isfinite(low)
    low, high = np.where(unknown, 0.0, low), np.where(unknown, 0.0, high)
    return low, high - low


def quantiles(chunks: Live) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted median and interquartile range."""
    n_features = next(chunks())[0].shape[1]
    center, scale = np.zeros(n_features), np.zeros(n_features)
    # One channel at a time: quantiles need all of its rows at once, and all channels of
    # all rows may not fit into memory.
    for column in range(n_features):
        parts = [(values[:, column].copy(), weight) for values, weight in chunks()]
        values = np.concatenate([part for part, _ in parts])
        weights = np.concatenate([weight for _, weight in parts])
        known = ~np.isnan(values)
        if not known.any():
            continue
        low, center[column], high = weighted_quantiles(
            values[known], [0.25, 0.5, 0.75], weights[known]
        )
        scale[column] = high - low
    return center, scale


def no_change(chunks: Live) -> tuple[np.ndarray, np.ndarray]:
    """Return centers of 0 and scales of 1."""
    n_features = next(chunks())[0].shape[1]
    return np.zeros(n_features), np.ones(n_features)


def is_constant(center: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Tell which channels do not vary beyond rounding."""
    # A spread within the rounding of the level is noise; scaling it up would be worse.
    return scale <= 10 * np.finfo(np.float64).eps * np.abs(center)
