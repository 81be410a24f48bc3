"""Integrated gradients: the path from a baseline to the values, and its integral.

The integral is taken by adaptive Gauss-Legendre quadrature: parts of the path are
halved until the shares of each part add up to the change of the answer on it.

References
----------
Sundararajan, Taly, Yan, Axiomatic attribution for deep networks, ICML 2017.
"""

from __future__ import annotations

from collections.abc import Callable

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

Slopes = Callable[[np.ndarray, Tensor], Tensor]


class IntegrationPath:
    """The straight path from a baseline (at 0) to the values of a batch (at 1).

    Parameters
    ----------
    passes : Passes
    batch : ndarray of int, shape (B,)
    baseline : Tensor of shape (F,)
        Scaled. Missing values stay missing.
    slopes : callable, default=None
        Takes the numbers of n samples and their values (n, T, F). Returns the gradient
        of each answer, split into G parts that add up to it: (n, G, T, F). None is one
        part, the gradient itself.
    """

    def __init__(
        self,
        passes: Passes,
        batch: np.ndarray,
        baseline: Tensor,
        slopes: Slopes | None = None,
    ):
        self._passes, self.batch = passes, batch
        self.values = passes.batches.values(batch)
        self.begin = torch.where(self.values.isnan(), self.values, baseline)
        self._way = self.values - self.begin
        self._slopes = self._whole_slope if slopes is None else slopes

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
        allowed = tolerance * (end - begin).abs().clamp_min(SMALLEST)
        total = torch.zeros(())
        # Parts of the path, (sample, from, to), halved until the shares of each add up:
        # a maximum over time has kinks, at which quadrature for smooth functions fails.
        parts = [(batch, np.zeros(len(batch)), np.ones(len(batch)))]
        for depth in range(DEPTH + 1):
            sample, a, b = (np.concatenate(part) for part in zip(*parts, strict=True))
            parts = []
            for k in self._passes.pieces(len(sample), n_times=len(POINTS)):
                shares, error = self._shares(sample[k], a[k], b[k])
                # A kink is in one part only, whose error shrinks with its width: the
                # tolerance of a part need not shrink as fast.
                width = torch.as_tensor(b[k] - a[k]).clamp_min(1 / BENDS)
                fine = (error <= allowed[sample[k]] * width).numpy() | (depth == DEPTH)
                whole = shares.new_zeros(len(batch), *shares.shape[1:])
                place = torch.as_tensor(sample[k][fine])
                total = total + whole.index_add_(0, place, shares[fine])
                k, middle = k[~fine], (a[k] + b[k])[~fine] / 2
                parts += [(sample[k], a[k], middle), (sample[k], middle, b[k])]
            if not any(len(part[0]) for part in parts):
                break
        return total.numpy(), end.numpy(), begin.numpy()

    def _at(self, sample: np.ndarray, share: np.ndarray | float) -> Tensor:
        at = torch.as_tensor(np.broadcast_to(share, len(sample)).copy())
        return self.begin[sample] + at[:, None, None] * self._way[sample]

    @torch.no_grad()
    def _answers(self, sample: np.ndarray, share: np.ndarray | float) -> Tensor:
        """Return the answers at places of the path."""
        return self._passes.answers(self.batch[sample], self._at(sample, share))

    def _shares(
        self, sample: np.ndarray, a: np.ndarray, b: np.ndarray
    ) -> tuple[Tensor, Tensor]:
        """Return the shares of parts of the path, and how far they do not add up."""
        n = len(POINTS)
        places = (a[:, None] + POINTS * (b - a)[:, None]).ravel()
        repeated = sample.repeat(n)
        between = self._at(repeated, places).requires_grad_()
        slopes = self._slopes(self.batch[repeated], between)
        weights = torch.as_tensor(WEIGHTS)
        mean = torch.einsum("p,bp...->b...", weights, slopes.unflatten(0, (-1, n)))
        way = self._way[sample] * torch.as_tensor(b - a)[:, None, None]
        # Missing values have no way to go.
        shares = torch.where(way.isnan()[:, None], 0.0, mean * way[:, None])
        expected = self._answers(sample, b) - self._answers(sample, a)
        return shares, (shares.sum(dim=(1, 2, 3)) - expected).abs()

    def _whole_slope(self, batch: np.ndarray, values: Tensor) -> Tensor:
        answers = self._passes.answers(batch, values)
        (slope,) = torch.autograd.grad(answers.sum(), values)
        return slope[:, None]
