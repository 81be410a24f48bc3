"""Epochs and losses on the CPU's kernels: many batches in one call of the library.

Batch by batch, Python gathers each batch and calls the library a few times for it. That
takes as long as the kernels where batches are small, and fits in other threads have to
wait meanwhile. Here the library goes through the batches of an epoch by itself. What it
does with a batch is what `KernelStep` does, so that all results have the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from LNN.batching.batches import Batches
from LNN.kernels import Epochs, Losses, SampleTable
from LNN.training.kernel_step import KernelStep
from LNN.training.optimisers import Adam
from LNN.training.sample_table import sample_table
from LNN.training.schedules import Schedule

Run = TypeVar("Run", Epochs, Losses)


@dataclass(frozen=True, eq=False)
class InLibrary(Generic[Run]):
    """Batches that the library goes through by itself.

    Attributes
    ----------
    step : KernelStep
        What would take a single one.
    batches : Batches
    batch_size : int
    run : Epochs, Losses or None
        None where the batches are not in a table that the library reads.
    """

    step: KernelStep
    batches: Batches
    batch_size: int
    run: Run | None

    @property
    def suits(self) -> bool:
        """Whether to use it, with the threads there are now."""
        return self.run is not None and self.run.suits


class KernelEpochs(InLibrary[Epochs]):
    """Takes all steps of an epoch in the library."""

    def epoch(self, order: np.ndarray, schedule: Schedule) -> float:
        """Train on all samples in this order; return the sum of their losses."""
        optimizer, epochs = self.step.optimizer, self.run
        assert isinstance(optimizer, Adam)
        assert epochs is not None
        rates, momenta = [], []
        for _ in range(0, len(order), self.batch_size):
            rates.append(optimizer.rate)
            momenta.append(optimizer.momentum)
            schedule.after_batch()
        epochs.step = optimizer.state["step"]
        try:
            return epochs.train(order, rates, momenta, self.batches.mean_weight)
        finally:  # an interrupted epoch took fewer
            optimizer.state["step"] = epochs.step


class KernelLosses(InLibrary[Losses]):
    """Adds the losses of all samples up in the library."""

    def total(self) -> float:
        """Return the sum of the losses."""
        assert self.run is not None
        return self.run.total()


def kernel_epochs(
    step: KernelStep | None,
    batches: Batches,
    batch_size: int,
    before: KernelEpochs | None = None,
) -> KernelEpochs | None:
    """Return what takes an epoch's steps in the library; None if nothing does.

    Parameters
    ----------
    step : KernelStep or None
        What takes a single step; None if kernels lack a part of it.
    batches : Batches
    batch_size : int
    before : KernelEpochs, default=None
        What was made for the epoch before.
    """
    if step is None or _is_for(before, step, batches):
        return None if step is None else before
    table = _table(batches)
    run = None if table is None else step.trainer.epochs(table, batch_size)
    return KernelEpochs(step, batches, batch_size, run)


def kernel_losses(
    step: KernelStep | None,
    batches: Batches,
    batch_size: int,
    before: KernelLosses | None = None,
) -> KernelLosses | None:
    """Return what adds up losses in the library; takes what `kernel_epochs` takes."""
    if step is None or _is_for(before, step, batches):
        return None if step is None else before
    table = _table(batches)
    run = None if table is None else step.trainer.losses(table, batch_size)
    return KernelLosses(step, batches, batch_size, run)


def _is_for(before: InLibrary | None, step: KernelStep, batches: Batches) -> bool:
    return before is not None and before.step is step and before.batches is batches


def _table(batches: Batches) -> SampleTable | None:
    """Return batches as a table; None if they do not stay in memory."""
    resident = batches.resident()
    return None if isinstance(resident, str) else sample_table(resident)
