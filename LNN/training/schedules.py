"""Learning-rate schedules, by name; they are those of `torch.optim.lr_scheduler`."""

from __future__ import annotations

import math

from LNN.training.optimisers import Optimizer

SCHEDULES = (None, "plateau", "cosine", "exponential", "onecycle")

# The learning rate at the end of "cosine" and "exponential", as a part of the first.
FINAL_RATE = 0.01
# For "onecycle": the part of training in which the rate rises, how far below the
# highest it starts and ends, and the momentum at the lowest and highest rate. They are
# the defaults of torch's OneCycleLR.
RISE, START_RATE, END_RATE, MOMENTA = 0.3, 1 / 25, 1 / 25e4, (0.95, 0.85)
# For "plateau": what the rate is multiplied with, and what counts as progress.
PLATEAU_FACTOR, PLATEAU_THRESHOLD = 0.5, 1e-4


class Schedule:
    """A learning-rate schedule that is told of batches and epochs.

    Parameters
    ----------
    name : {None, "plateau", "cosine", "exponential", "onecycle"}
    optimizer : Optimizer
        Its rate is the first one, for "onecycle" the highest.
    epochs, batches_per_epoch : int
    patience : int
        Epochs without progress before "plateau" halves the rate.
    """

    def __init__(
        self,
        name: str | None,
        optimizer: Optimizer,
        epochs: int,
        batches_per_epoch: int,
        patience: int,
    ):
        self.name, self.optimizer, self.patience = name, optimizer, patience
        self._first = optimizer.rate
        self._epochs = max(1, epochs)
        self._batches = max(1, epochs * batches_per_epoch)
        self._done = 0
        self._best, self._bad_epochs = math.inf, 0
        if name == "onecycle":
            self._cycle()

    def after_batch(self) -> None:
        """Take a step, for schedules that go by batches."""
        self._done += 1
        if self.name == "cosine":
            progress = self._done / self._batches
            self.optimizer.rate = self._first * blend(1.0, FINAL_RATE, progress)
        elif self.name == "onecycle":
            self._cycle()

    def after_epoch(self, monitored: float) -> None:
        """Take a step, for schedules that go by epochs."""
        if self.name == "plateau":
            self._notice(monitored)
        elif self.name == "exponential":
            self.optimizer.rate *= FINAL_RATE ** (1 / self._epochs)

    def _cycle(self) -> None:
        """Smith & Topin 2018: up to the highest rate and down; momentum the reverse."""
        # torch counts rates, of which there is one more than batches: the first is set
        # before any batch.
        top = RISE * (self._batches + 1) - 1
        low, high = MOMENTA
        if self._done <= top:
            progress = self._done / top
            part = blend(START_RATE, 1.0, progress)
        else:
            progress = (self._done - top) / (self._batches - top)
            part = blend(1.0, END_RATE, progress)
            low, high = high, low
        self.optimizer.rate = self._first * part
        if self.optimizer.momentum is not None:
            self.optimizer.momentum = blend(low, high, progress)

    def _notice(self, monitored: float) -> None:
        """Lower the rate when nothing got better for longer than the patience."""
        # Below the best by a part of it: a score counts negative here.
        progress = math.copysign(PLATEAU_THRESHOLD, self._best)
        if monitored < self._best * (1 - progress):
            self._best, self._bad_epochs = monitored, 0
            return
        self._bad_epochs += 1
        if self._bad_epochs > self.patience:
            self.optimizer.rate *= PLATEAU_FACTOR
            self._bad_epochs = 0

    @property
    def rate(self) -> float:
        """The learning rate now."""
        return self.optimizer.rate


def blend(first: float, last: float, progress: float) -> float:
    """Go from the first value to the last along half a cosine."""
    return last + (first - last) * (1 + math.cos(math.pi * progress)) / 2
