"""Integrated gradients: slopes along the line from a baseline to the values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from LNN.inspection.passes import Passes

# Gauss and Legendre's points, exact for polynomials of degree 15, on parts of the line
# that are halved at most so often. Differences below the smallest one are rounding.
_ON_BOTH_SIDES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
POINTS, WEIGHTS = (_ON_BOTH_SIDES + 1) / 2, _WEIGHTS / 2
DEPTH, BENDS = 32, 64
SMALLEST = 1e-9

Slopes = Callable[[np.ndarray, Tensor], Tensor]


class Line:
    """The line from a baseline to the values of a batch, from 0 to 1.

    Parameters
    ----------
    passes : Passes
    batch : ndarray of int, shape (B,)
    baseline : Tensor of shape (F,)
        Scaled. Missing values stay missing.
    slopes : callable, default=None
        Takes numbers of samples and their values (n, T, F), and returns the slope of
        each answer, divided among G ways that it depends on a value: (n, G, T, F). None
        is one way, the whole slope.
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
        """Return integrated gradients (B, G, T, F), and the answers at both ends.

        Parameters
        ----------
        tolerance : float
            How far their sum may be from the difference of the answers (end, begin), as
            a part of it.
        """
        batch = np.arange(len(self.batch))
        begin, end = (self._answers(batch, at) for at in (0.0, 1.0))
        allowed = tolerance * (end - begin).abs().clamp_min(SMALLEST)
        total = torch.zeros(())
        # Parts of the line, (sample, from, to), halved until the shares of each add up:
        # a maximum over time bends, and smooth formulas are poor where it does.
        parts = [(batch, np.zeros(len(batch)), np.ones(len(batch)))]
        for depth in range(DEPTH + 1):
            sample, a, b = (np.concatenate(part) for part in zip(*parts, strict=True))
            parts = []
            for k in self._passes.pieces(len(sample), n_times=len(POINTS)):
                shares, error = self._shares(sample[k], a[k], b[k])
                # A bend is in one part, which shrinks with its error: it needs no share
                # of what is allowed that shrinks as fast.
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
        """Return the answers at places of the line."""
        return self._passes.answers(self.batch[sample], self._at(sample, share))

    def _shares(
        self, sample: np.ndarray, a: np.ndarray, b: np.ndarray
    ) -> tuple[Tensor, Tensor]:
        """Return the shares of parts of the line, and how far they do not add up."""
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
