"""Decay of values over elapsed time, as GRU-D has it: exp(-max(0, w delta + b))."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from LNN.cells.synapses import uniform


class Decay(nn.Module):
    r"""What is left after some time, :math:`\gamma = e^{-\max(0, W \delta + b)}`.

    Parameters
    ----------
    n_times : int
        Elapsed times that each rate reads.
    n_rates : int
        Columns of gamma; with `each`, n_times.
    longest : float
        At gaps of 1 the time constants start at half of it or more.
    each : bool, default=False
        One rate for each time, in place of a full matrix.
    generator : torch.Generator, default=None

    Notes
    -----
    Rates start above 0: where max(0, .) is 0 for all data, nothing could be learnt.
    """

    def __init__(
        self,
        n_times: int,
        n_rates: int,
        longest: float,
        *,
        each: bool = False,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        self.each = each
        high = 2 / longest
        shape: tuple[int, ...] = (n_rates,)
        if not each:
            shape, high = (n_rates, n_times), high / n_times
        self.weight = nn.Parameter(uniform(shape, 0.0, high, generator))
        self.bias = nn.Parameter(torch.zeros(n_rates))

    def forward(self, elapsed: Tensor) -> Tensor:
        """Map elapsed times (..., n_times) to gamma (..., n_rates)."""
        if self.each:
            rate = torch.addcmul(self.bias, elapsed, self.weight)
        else:
            rate = nn.functional.linear(elapsed, self.weight, self.bias)
        return torch.exp(-torch.relu(rate))
