"""What training leaves besides weights: curves, and what is needed to continue."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from LNN.training.loop import History
from LNN.training.optimisers import Optimizer


@dataclass(frozen=True, eq=False)
class Moments:
    """The state of an optimiser, as plain numbers.

    Attributes
    ----------
    optimizer : str
        Its name.
    trained : tuple of str
        The parameters that it moved.
    step : int
        Steps taken.
    arrays : dict of str to ndarray
        One number per weight, by the names of the optimiser.
    """

    optimizer: str
    trained: tuple[str, ...]
    step: int
    arrays: dict[str, np.ndarray]

    @classmethod
    def of(cls, optimizer: Optimizer, name: str, trained: tuple[str, ...]) -> Moments:
        """Copy the state of an optimiser."""
        state = dict(optimizer.state)
        step = state.pop("step")
        # Copied on the CPU too: an array that shares the tensor's memory would change
        # with the next step.
        arrays = {n: t.to("cpu", copy=True).numpy() for n, t in state.items()}
        return cls(name, tuple(trained), step, arrays)

    def suits(self, name: str, trained: tuple[str, ...]) -> bool:
        """Tell whether an optimiser of this name can go on with these parameters."""
        return self.optimizer == name and self.trained == tuple(trained)

    def state(self, device: torch.device) -> dict[str, Any]:
        """Return a copy as the state of an optimiser on this device."""
        # A copy, as steps change it in place and models share their moments.
        tensors = {
            name: torch.tensor(array, device=device)
            for name, array in self.arrays.items()
        }
        return {"step": self.step, **tensors}


@dataclass(frozen=True, eq=False)
class TrainingRecord:
    """How a model was trained; the curves are the estimators' attributes.

    Attributes
    ----------
    backend : str
        What the cells ran on.
    loss_curve : list of float
    validation_loss_curve : list of float, or None
    validation_scores : list of float, or None
        None where no score decided.
    scoring : str or None
        The name of that score.
    best_loss : float
        Lowest training loss; without a validation part, the loss of the kept weights.
    n_iter : int
        Epochs run.
    moments : Moments or None
        The optimiser's, for training that goes on.
    random : numpy.random.RandomState or None
        The random source that `partial_fit` continues with.
    batches : str
        How a GPU took the batches of the last training; empty on a CPU.
    """

    backend: str
    loss_curve: list[float] = field(default_factory=list)
    validation_loss_curve: list[float] | None = None
    validation_scores: list[float] | None = None
    scoring: str | None = None
    best_loss: float = math.inf
    n_iter: int = 0
    moments: Moments | None = None
    random: np.random.RandomState | None = None
    batches: str = ""

    @property
    def best_validation_loss(self) -> float | None:
        """The lowest validation loss; None without a validation part."""
        curve = self.validation_loss_curve
        return None if curve is None else min(curve, default=math.inf)

    @property
    def best_validation_score(self) -> float | None:
        """The highest validation score; None where no score decided."""
        scores = self.validation_scores
        return None if scores is None else max(scores, default=-math.inf)

    def fresh(self) -> TrainingRecord:
        """Return a record with what is needed to go on, and without curves."""
        return TrainingRecord(self.backend, moments=self.moments, random=self.random)

    def after(
        self,
        history: History,
        *,
        validated: bool,
        keep_last: bool = False,
        scoring: str | None = None,
    ) -> TrainingRecord:
        """Add the epochs of a training.

        Parameters
        ----------
        history : History
        validated : bool
            Whether there was a validation part.
        keep_last : bool, default=False
            As in `Plan`.
        scoring : str, default=None
            The name of the score that decided, if one did.
        """
        curve = [*self.loss_curve, *history.loss]
        best = min(curve, default=math.inf)
        # The weights after the last epoch were measured apart. If they are the ones
        # that are kept, their loss is not in the curve.
        if not validated and not keep_last and math.isfinite(history.kept):
            best = history.kept
        found: dict[str, Any] = {"best_loss": best, "batches": history.batches}
        if validated:
            found["validation_loss_curve"] = list(history.validation_loss)
        if validated and scoring is not None:
            found["validation_scores"] = list(history.validation_score)
            found["scoring"] = scoring
        n_iter = self.n_iter + len(history.loss)
        return replace(self, loss_curve=curve, n_iter=n_iter, **found)
