"""Optimisers, learning-rate schedules and gradient clipping, by name."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch.optim import lr_scheduler

OPTIMIZERS = ("adam", "adamw", "rmsprop", "sgd")
SCHEDULES = (None, "plateau", "cosine", "exponential", "onecycle")

# The learning rate at the end of "cosine" and "exponential", as a part of the first.
FINAL_RATE = 0.01


def make_optimizer(
    name: str, parameters: Iterable, learning_rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Build an optimiser with the usual settings."""
    settings = {"lr": learning_rate, "weight_decay": weight_decay}
    if name == "adam":
        return torch.optim.Adam(parameters, **settings)
    if name == "adamw":
        return torch.optim.AdamW(parameters, **settings)
    if name == "rmsprop":
        return torch.optim.RMSprop(parameters, **settings)
    return torch.optim.SGD(parameters, momentum=0.9, nesterov=True, **settings)


class Schedule:
    """A learning-rate schedule that is told of batches and epochs.

    Parameters
    ----------
    name : {None, "plateau", "cosine", "exponential", "onecycle"}
    optimizer : torch.optim.Optimizer
    epochs, batches_per_epoch : int
    patience : int
        Epochs without progress before "plateau" halves the rate.
    """

    def __init__(self, name, optimizer, epochs, batches_per_epoch, patience):
        self.name = name
        self.optimizer = optimizer
        self._per_batch = name in ("cosine", "onecycle")
        steps = max(1, epochs * batches_per_epoch)
        rate = optimizer.param_groups[0]["lr"]
        self._scheduler = None
        if name == "plateau":
            self._scheduler = lr_scheduler.ReduceLROnPlateau(
                optimizer, factor=0.5, patience=patience
            )
        elif name == "cosine":
            self._scheduler = lr_scheduler.CosineAnnealingLR(
                optimizer, steps, eta_min=FINAL_RATE * rate
            )
        elif name == "exponential":
            self._scheduler = lr_scheduler.ExponentialLR(
                optimizer, FINAL_RATE ** (1 / max(1, epochs))
            )
        elif name == "onecycle":
            # One step more than there are: torch refuses a step past the last.
            self._scheduler = lr_scheduler.OneCycleLR(optimizer, rate, steps + 1)

    def after_batch(self) -> None:
        """Take a step, for schedules that go by batches."""
        if self._per_batch:
            self._scheduler.step()

    def after_epoch(self, monitored: float) -> None:
        """Take a step, for schedules that go by epochs."""
        if self.name == "plateau":
            self._scheduler.step(monitored)
        elif self.name == "exponential":
            self._scheduler.step()

    @property
    def rate(self) -> float:
        """The learning rate now."""
        return float(self.optimizer.param_groups[0]["lr"])


def clip_gradients(parameters: list, value: float | None, by: str) -> None:
    """Clip gradients in place by their joint norm or element by element."""
    if not value:
        return
    if by == "norm":
        torch.nn.utils.clip_grad_norm_(parameters, value)
    else:
        torch.nn.utils.clip_grad_value_(parameters, value)
