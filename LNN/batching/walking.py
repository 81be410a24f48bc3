"""Long gaps: walked in equal sub-steps, with the input held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Walk:
    """A batch of sequences (B, T) with its long gaps cut: (B, W) sub-steps.

    Attributes
    ----------
    step : ndarray of int64, shape (B, W)
        The step of the sequence that a sub-step belongs to.
    ends : ndarray of bool, shape (B, W)
        Where a step ends: its output counts, those of its other sub-steps do not.
    count : ndarray of int64, shape (B, T)
        Sub-steps of each step.
    length : ndarray of int64, shape (B,), or None
        Sub-steps of each sequence; None if there is no padding.
    """

    step: np.ndarray
    ends: np.ndarray
    count: np.ndarray
    length: np.ndarray | None

    @classmethod
    def of(cls, count: np.ndarray, length: np.ndarray | None) -> Walk | None:
        """Lay out a walk; None if no step is cut.

        Parameters
        ----------
        count : ndarray of int64, shape (B, T)
        length : ndarray of int64, shape (B,), or None
            Steps of each sequence; None is all.
        """
        if count.max(initial=1) == 1:
            return None
        batch, steps = count.shape
        live = np.full(batch, steps) if length is None else length
        count = np.where(np.arange(steps) < live[:, None], count, 0)
        total = count.sum(axis=1)
        inside = np.arange(total.max()) < total[:, None]
        step = np.empty(inside.shape, dtype=np.int64)
        # Padding repeats the last step, as that of batches does.
        step[:] = np.maximum(live - 1, 0)[:, None]
        step[inside] = np.repeat(np.tile(np.arange(steps), batch), count.ravel())
        ends = np.zeros(inside.shape, dtype=bool)
        row, column = np.nonzero(count)
        ends[row, count.cumsum(axis=1)[row, column] - 1] = True
        # 1 on padding, as time spans are divided by it.
        return cls(step, ends, np.maximum(count, 1), None if inside.all() else total)

    def held(self, inputs: Tensor) -> Tensor:
        """Return inputs (B, T, F) for each sub-step, (B, W, F)."""
        step = torch.from_numpy(self.step).to(inputs.device)
        return inputs.gather(1, step[..., None].expand(-1, -1, inputs.shape[-1]))

    def cut(self, timespans: Tensor) -> Tensor:
        """Return the time spans (B, W) of the sub-steps of (B, T)."""
        count = torch.from_numpy(self.count).to(timespans)
        step = torch.from_numpy(self.step).to(timespans.device)
        return (timespans / count).gather(1, step)
