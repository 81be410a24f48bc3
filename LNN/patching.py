"""Patching: one step of the layers reads many steps of a long sequence."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from LNN._running import Running
from LNN.cells.base import past_end
from LNN.cells.dropout import Dropout
from LNN.cells.synapses import linear

# What a patch becomes: enough that a few channels lose little (docu/defaults.md).
FEWEST_FEATURES = 16
# Of what a patch became, while training: few sequences are soon learnt by heart.
DROPOUT = 0.2


class Patching(nn.Module):
    """Makes one step of every `size` steps, by a causal convolution with that stride.

    With rows x_1, x_2, ... and patches of P rows, the layers read

        u_k = W [x_{(k-2)P+1}, ..., x_{kP}] + b,

    a learnt map of the patch and of the one before it; zeros stand before the first
    row. A step takes the time that its patch spans, divided by P: equal gaps of one
    unit stay steps of one unit. The last patch may have fewer rows than P; zeros stand
    in their places, and it spans less time.

    Parameters
    ----------
    n_inputs : int
    size : int
        Rows of a patch, 2 or more.
    reads_gaps : bool, default=False
        Read log(1 + gap) of each row too. Where gaps differ, they would be lost inside
        of a patch.
    generator : torch.Generator, default=None
        Source of the initial weights; None is torch's global generator.

    References
    ----------
    Nie et al., A time series is worth 64 words, ICLR 2023: patches that overlap; Lin et
    al., SegRNN, arXiv 2308.11200: patches as the steps of a recurrent network.

    Examples
    --------
    >>> import torch
    >>> from LNN.patching import Patching
    >>> steps, timespans, lengths = Patching(3, 8)(torch.randn(5, 100, 3))
    >>> steps.shape, timespans[0, -1].item()  # the last patch has 4 of 8 rows
    (torch.Size([5, 13, 16]), 0.5)
    """

    def __init__(
        self,
        n_inputs: int,
        size: int,
        *,
        reads_gaps: bool = False,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        self.size, self.reads_gaps = int(size), reads_gaps
        self.n_read = int(n_inputs) + reads_gaps
        self.n_outputs = max(FEWEST_FEATURES, self.n_read)
        self.map = linear(2 * self.size * self.n_read, self.n_outputs, generator)
        self.dropout = Dropout(DROPOUT)

    def forward(
        self,
        inputs: Tensor,
        timespans: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Shorten sequences.

        Parameters
        ----------
        inputs : Tensor of shape (B, T, F)
        timespans : Tensor of shape (B, T), default=None
            None is ones.
        lengths : Tensor of shape (B,), default=None
            Valid steps of each sequence; None is all.

        Returns
        -------
        steps : Tensor of shape (B, ceil(T / size), n_outputs)
        timespans : Tensor of shape (B, ceil(T / size))
        lengths : Tensor of shape (B,), or None
        """
        if timespans is None:
            timespans = inputs.new_ones(inputs.shape[:2])
        rows = self.rows(inputs, timespans)
        if lengths is not None:
            padded = past_end(lengths, inputs.shape[1])
            rows = rows.masked_fill(padded.unsqueeze(-1), 0.0)
            timespans = timespans.masked_fill(padded, 0.0)
        missing = -inputs.shape[1] % self.size
        rows = functional.pad(rows, (0, 0, self.size, missing))
        spans = functional.pad(timespans, (0, missing))
        patches = rows.unflatten(1, (-1, self.size)).flatten(2)
        steps = self.map(torch.cat([patches[:, :-1], patches[:, 1:]], dim=-1))
        spans = spans.unflatten(1, (-1, self.size)).mean(-1)
        return self.dropout(steps), spans, self.n_steps(lengths)

    def n_steps(self, lengths: Tensor | None) -> Tensor | None:
        """Return the steps that sequences of so many rows become; None is all."""
        if lengths is None:
            return None
        return (torch.as_tensor(lengths) + self.size - 1) // self.size

    def rows(self, inputs: Tensor, timespans: Tensor) -> Tensor:
        """Return what the convolution reads of each row, (..., n_read)."""
        if not self.reads_gaps:
            return inputs
        return torch.cat([inputs, torch.log1p(timespans).unsqueeze(-1)], dim=-1)


class RunningPatches(Running):
    """The same row by row, for `n` streams at once.

    Until a patch has all its rows, its step is taken again with each new row, from the
    state before the patch: the answer is what the sequence up to here gives.

    Parameters
    ----------
    patching : Patching
    n : int
    """

    def __init__(self, patching: Patching, n: int):
        self.patching = patching
        size, dtype = patching.size, patching.map.weight.detach().numpy().dtype
        # The patch before and the present one; the rows that the latter has; its time.
        self.past: dict[str, np.ndarray] = {
            "patch_rows": np.zeros((n, 2 * size, patching.n_read), dtype),
            "patch_count": np.zeros(n, np.int64),
            "patch_time": np.zeros(n, dtype),
        }

    def add(
        self, values: np.ndarray, units: float | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Take in the next rows (n, F).

        Returns
        -------
        steps : ndarray of shape (n, n_outputs)
        timespans : ndarray of shape (n,)
        complete : ndarray of bool, shape (n,)
            Where the patch has all its rows, so that the state goes on.
        """
        size, one = self.patching.size, np.arange(len(values))
        # New arrays: `state` hands out the old ones, for a stream to go back to.
        rows, count, time = (array.copy() for array in self.past.values())
        begun = count == size
        rows[begun, :size] = rows[begun, size:]
        rows[begun, size:], count[begun], time[begun] = 0.0, 0, 0.0
        units = np.broadcast_to(units, count.shape).astype(time.dtype)
        with torch.no_grad():
            inputs = torch.tensor(values, dtype=self.patching.map.weight.dtype)
            read = self.patching.rows(inputs, torch.from_numpy(units))
            rows[one, size + count] = read.numpy()
            steps = self.patching.map(torch.from_numpy(rows).flatten(1)).numpy()
        count, time = count + 1, time + units
        self.past = {"patch_rows": rows, "patch_count": count, "patch_time": time}
        return steps, time / size, count == size
