"""Integrated gradients: the path from a baseline to the values, and its integral.

The integral is taken by adaptive Gauss-Legendre quadrature: parts of the path are
halved until the shares of each part add up to the change of the answer on it.

References
----------
Sundararajan, Taly, Yan, Axiomatic attribution for deep networks, ICML 2017.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from LNN.inspection.passes import Passes

# Eight Gauss-Legendre points on [0, 1], exact for polynomials of degree 15.
_ON_BOTH_SIDES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
POINTS, WEIGHTS = (_ON_BOTH_SIDES + 1) / 2, _WEIGHTS / 2
# How often a part of the path is halved at most.
DEPTH = 32
# A part may be off by its share of the tolerance, but by 1 / BENDS of it at least.
BENDS = 64
# Differences of answers below this are rounding.
SMALLEST = 1e-9


class Ways(Protocol):
    """Which slopes are integrated, and what their integrals say of each value."""

    def slopes(self, batch: np.ndarray, values: Tensor) -> Tensor:
        """Return slopes (n, ...) of the answers of samples with values (n, T, F)."""

    def way(self, path: IntegrationPath) -> Tensor:
        """Return how far that goes which the slopes are by, (B, ...)."""

    def shares(self, path: IntegrationPath, integrals: Tensor) -> Tensor:
        """Return shares (B, G, T, F) from the slopes' means over the path (B, ...)."""


class Whole:
    """The slopes by each value: one way, G = 1."""

    def __init__(self, passes: Passes):
        self._passes = passes

    def slopes(self, batch: np.ndarray, values: Tensor) -> Tensor:
        """Return the slopes (n, T, F)."""
        answers = self._passes.answers(batch, values)
        (slope,) = torch.autograd.grad(answers.sum(), values)
        return slope

    def way(self, path: IntegrationPath) -> Tensor:
        """Return how far each value goes."""
        return path.way

    def shares(self, path: IntegrationPath, integrals: Tensor) -> Tensor:
        """Return shares of each value."""
        return (integrals * path.way)[:, None]


class IntegrationPath:
    """The straight path from a baseline (at 0) to the values of a batch (at 1).

    Parameters
    ----------
    passes : Passes
    batch : ndarray of int, shape (B,)
    baseline : Tensor of shape (F,)
        Scaled. Missing values stay missing.
    ways : Ways, default=None
        Those that an answer depends on a value by. None is one, the whole slope.

    Attributes
    ----------
    batch : ndarray of int, shape (B,)
    values, begin : Tensor of shape (B, T, F)
        At both ends.
    way : Tensor of shape (B, T, F)
        Between them; 0 where a value is missing.
    """

    def __init__(
        self,
        passes: Passes,
        batch: np.ndarray,
        baseline: Tensor,
        ways: Ways | None = None,
    ):
        self._passes, self.batch = passes, batch
        self.values = passes.batches.values(batch)
        self.begin = torch.where(self.values.isnan(), self.values, baseline)
        # Missing values have no way to go.
        self.way = (self.values - self.begin).nan_to_num(0.0)
        self._ways: Ways = Whole(passes) if ways is None else ways

    def integrated(self, tolerance: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return integrated gradients, and the answers at both ends of the path.

        Parameters
        ----------
        tolerance : float
            How far the sum of the shares may be from the difference of the answers,
            relative to it.

        Returns
        -------
        shares : ndarray of shape (B, G, T, F)
        end, begin : ndarray of shape (B,)
            The answers to the values, and to the baseline.
        """
        batch = np.arange(len(self.batch))
        begin, end = (self._answers(batch, at) for at in (0.0, 1.0))
        way = self._ways.way(self)
        allowed = tolerance * (end - begin).abs().clamp_min(SMALLEST)
        total = torch.zeros(())
        # Parts of the path, (sample, from, to), halved until the shares of each add up:
        # a maximum over time has kinks, at which quadrature for smooth functions fails.
        parts = [(batch, np.zeros(len(batch)), np.ones(len(batch)))]
        for depth in range(DEPTH + 1):
            sample, a, b = (np.concatenate(part) for part in zip(*parts, strict=True))
            parts = []
            for k in self._passes.pieces(len(sample), n_times=len(POINTS)):
                slopes, error = self._slopes(sample[k], a[k], b[k], way[sample[k]])
                # A bend is in one part, which shrinks with its error: it needs no share
                # of what is allowed that shrinks as fast.
                width = torch.as_tensor(b[k] - a[k]).clamp_min(1 / BENDS)
                fine = (error <= allowed[sample[k]] * width).numpy() | (depth == DEPTH)
                whole = slopes.new_zeros(len(batch), *slopes.shape[1:])
                place = torch.as_tensor(sample[k][fine])
                total = total + whole.index_add_(0, place, slopes[fine])
                k, middle = k[~fine], (a[k] + b[k])[~fine] / 2
                parts += [(sample[k], a[k], middle), (sample[k], middle, b[k])]
            if not any(len(part[0]) for part in parts):
                break
        shares = self._ways.shares(self, total)
        return shares.numpy(), end.numpy(), begin.numpy()

    def _at(self, sample: np.ndarray, share: np.ndarray | float) -> Tensor:
        at = torch.as_tensor(np.broadcast_to(share, len(sample)).copy())
        return self.begin[sample] + at[:, None, None] * self.way[sample]

    @torch.no_grad()
    def _answers(self, sample: np.ndarray, share: np.ndarray | float) -> Tensor:
        """Return the answers at places of the path."""
        return self._passes.answers(self.batch[sample], self._at(sample, share))

    def _slopes(
        self, sample: np.ndarray, a: np.ndarray, b: np.ndarray, way: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return integrals of slopes on parts of the path, and their errors.

        An error is how far their products with `way` do not add up to what the answer
        rises there.
        """
        n = len(POINTS)
        places = (a[:, None] + POINTS * (b - a)[:, None]).ravel()
        repeated = sample.repeat(n)
        between = self._at(repeated, places).requires_grad_()
        slopes = self._ways.slopes(self.batch[repeated], between)
        weights = torch.as_tensor(WEIGHTS)
        mean = torch.einsum("p,bp...->b...", weights, slopes.unflatten(0, (-1, n)))
        length = torch.as_tensor(b - a).reshape(-1, *(1,) * (mean.ndim - 1))
        integrals = mean * length
        expected = self._answers(sample, b) - self._answers(sample, a)
        added = (integrals * way).flatten(1).sum(1)
        return integrals, (added - expected).abs()
