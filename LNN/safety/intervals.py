"""Intervals, widened outward by what rounding can add in the network's precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# What a function like tanh may be wrong by, in units of the last place of 1: kernels
# have approximations of their own.
FUNCTION = 16


class Interval(NamedTuple):
    """Lowest and highest values, element by element; the sides may be infinite."""

    low: Array
    high: Array

    @property
    def size(self) -> Array:
        """The largest magnitude."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


def point(value: Array) -> Interval:
    """Return the interval of a single value."""
    return Interval(value, value)


def everywhere(n: int) -> Interval:
    """Return n intervals without ends."""
    return Interval(np.full(n, -np.inf), np.full(n, np.inf))


def hull(*parts: Interval) -> Interval:
    """Return the smallest interval that holds them all."""
    low = np.minimum.reduce([part.low for part in parts])
    return Interval(low, np.maximum.reduce([part.high for part in parts]))


def joined(*parts: Interval) -> Interval:
    """Return intervals side by side."""
    low = np.concatenate([part.low for part in parts])
    return Interval(low, np.concatenate([part.high for part in parts]))


def meet(a: Interval, b: Interval) -> Interval:
    """Return what two intervals have in common: both hold the same value."""
    low, high = np.maximum(a.low, b.low), np.minimum(a.high, b.high)
    # Rounding alone can tear apart what touches.
    return Interval(np.minimum(low, high), np.maximum(low, high))


def widened(a: Interval, slack: Array | float) -> Interval:
    """Return an interval with `slack` more on both sides."""
    return Interval(a.low - slack, a.high + slack)


def clipped(a: Interval, low: float, high: float) -> Interval:
    """Return an interval cut to what its values can be."""
    return Interval(np.clip(a.low, low, high), np.clip(a.high, low, high))


def product(a: Interval, b: Interval) -> Interval:
    """Return a times b, element by element; 0 times infinity is 0."""
    with np.errstate(invalid="ignore"):
        parts = [x * y for x in a for y in b]
    parts = [np.where(np.isnan(part), 0.0, part) for part in parts]
    return Interval(np.minimum.reduce(parts), np.maximum.reduce(parts))


def total(a: Interval, b: Interval) -> Interval:
    """Return a plus b."""
    return Interval(a.low + b.low, a.high + b.high)


def affine(weight: Array, x: Interval, bias: Array, eps: float) -> Interval:
    """Return weight @ x + bias, widened by the rounding of its sum.

    Parameters
    ----------
    weight : ndarray of shape (n_outputs, n_inputs)
    x : Interval of shape (n_inputs,)
    bias : ndarray of shape (n_outputs,)
    eps : float
        The network's precision.
    """
    terms = product(point(weight), Interval(x.low[None], x.high[None]))
    exact = Interval(terms.low.sum(1) + bias, terms.high.sum(1) + bias)
    # Each of n + 1 summands is rounded n + 1 times at most, in any order.
    size = terms.size.sum(1) + np.abs(bias)
    slack = (weight.shape[1] + 2) * eps * size
    return widened(exact, np.where(np.isfinite(slack), slack, 0.0))


def rising(
    function: Callable[[Array], Array], x: Interval, eps: float, scale: float = 1.0
) -> Interval:
    """Return the values of a function that never falls."""
    return widened(Interval(function(x.low), function(x.high)), FUNCTION * eps * scale)


def between(share: Interval, a: Interval, b: Interval, eps: float) -> Interval:
    """Return (1 - share) a + share b, with shares from 0 to 1."""
    ends = []
    for s in share:
        mixed = total(product(point(1 - s), a), product(point(s), b))
        ends.append(mixed)
    # Linear in the share, so that the ends hold the extremes.
    mixed = hull(*ends)
    size = np.maximum(a.size, b.size)
    return widened(mixed, np.where(np.isfinite(size), FUNCTION * eps * size, 0.0))


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)) without overflow, for infinite x too."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def softplus(x: Array) -> Array:
    """Return log(1 + exp(x)) without overflow."""
    return np.logaddexp(0.0, x)
