"""Losses: what is minimised, and what the network's outputs then mean.

A new loss is one class (of `RegressionLoss` or `ClassLoss`) and one entry in `LOSSES`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from torch import Tensor

from LNN.data.weighted import weighted_quantiles
from LNN.exceptions import InvalidInputError


@dataclass(frozen=True)
class Loss(ABC):
    """A loss with all its options: a plain value that any pickle can hold.

    Parameters
    ----------
    n_targets : int
        Regression: columns of y. Classification: number of classes.

    Attributes
    ----------
    name : str
        What users pass as `loss=`.
    classifies : bool
        Whether targets are codes of classes.
    parameters : tuple of str
        Names of estimator parameters that have an effect with this loss only.
    curvature : float or None
        Upper bound of the second derivative by an output, for which `errors` is the
        negative gradient. None: recursive least squares does not apply.
    """

    n_targets: int

    name: ClassVar[str]
    classifies: ClassVar[bool]
    parameters: ClassVar[tuple[str, ...]] = ()
    curvature: ClassVar[float | None] = None

    @classmethod
    def for_targets(
        cls,
        n_targets: int,
        *,
        quantile: float | ArrayLike = 0.5,
        class_weights: tuple[float, ...] = (),
    ) -> Self:
        """Make the loss of an estimator; every loss takes the options it knows.

        Parameters
        ----------
        n_targets : int
            Columns of y, or number of classes.
        quantile : float or array-like of float
            The parameter of the estimator.
        class_weights : tuple of float
            One per class; empty for ones.
        """
        return cls(n_targets)

    @property
    def output_size(self) -> int:
        """Number of network outputs."""
        return self.n_targets

    @property
    def n_terms(self) -> int:
        """How many losses there are per sample or step."""
        return self.output_size

    @abstractmethod
    def without_gaps(self, target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return targets without gaps, and what each sample or step counts.

        Parameters
        ----------
        target : Tensor of shape (..., n_targets), or (...) of class codes
            NaN (or code -1) means no target.
        weight : Tensor of shape (...)

        Returns
        -------
        target, weight : Tensor
            As given; where there was no target, some target of weight 0.
        """

    @abstractmethod
    def each(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the losses of each sample or step, (..., n_terms).

        Parameters
        ----------
        outputs : Tensor of shape (..., output_size)
        target : Tensor of shape (..., n_targets), or (...) of class codes
            Without gaps.
        """

    def total(self, outputs: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        """Return sum(w l) over all terms, so that batches can be added up.

        Parameters
        ----------
        outputs, target : Tensor
            As in `each`.
        weight : Tensor of shape (...), or None for ones
        """
        losses = self.each(outputs, target)
        # A loss of the user's own that averages would broadcast against the weights.
        if losses.ndim != outputs.ndim or losses.shape[-1] != self.n_terms:
            raise InvalidInputError(
                f"Expected {type(self).__name__}.each to return (..., {self.n_terms}), "
                f"one loss per term, got shape {tuple(losses.shape)} for outputs of "
                f"shape {tuple(outputs.shape)}. Do not average in it."
            )
        if weight is None:
            return losses.sum()
        weight = weight.unsqueeze(-1)
        same_shape(losses[..., :1], weight)
        return (losses * weight).sum()

    @abstractmethod
    def prediction(self, outputs: NDArray) -> NDArray:
        """Return what raw outputs (n, output_size) predict, in the network's units.

        Returns
        -------
        ndarray of shape (n, n_targets), (n, n_targets, ...) or (n,) of class codes
        """

    @abstractmethod
    def score(
        self, y: ArrayLike, predicted: NDArray, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the default score of an estimator with this loss; more is better.

        Parameters
        ----------
        y : array-like of shape (n,) or (n, n_targets)
            In the caller's units, without gaps.
        predicted : ndarray of shape (n, ...)
            As `predict` gives it.
        sample_weight : array-like of shape (n,), default=None
        """

    def probabilities(self, outputs: NDArray) -> NDArray:
        """Return probabilities (n, n_classes), of a loss of classes."""
        raise NotImplementedError(
            f"{type(self).__name__} is a loss of numbers, which have no probabilities."
        )

    def errors(self, outputs: NDArray, goals: NDArray) -> NDArray:
        """Return the negative gradient by outputs (n, output_size), for `curvature`.

        Parameters
        ----------
        outputs : ndarray of shape (n, output_size)
        goals : ndarray of shape (n, n_targets), or (n,) of class codes
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no curvature, so least squares does not apply."
        )

    def weights(self, goals: NDArray) -> NDArray | float:
        """Return the factor of each goal's weight, besides its sample's weight."""
        return 1.0

    def constant(self, target: Tensor, weight: Tensor) -> Tensor | None:
        """Return the constant outputs of the lowest loss; None where none are known.

        Parameters
        ----------
        target, weight : Tensor
            As `without_gaps` returns them.

        Returns
        -------
        Tensor of shape (output_size,)
        """
        return None

    def to_plain(self) -> dict[str, Any]:
        """Return name and options as numbers, strings and lists of them."""
        options = {field.name: getattr(self, field.name) for field in fields(self)}
        plain = {k: list(v) if isinstance(v, tuple) else v for k, v in options.items()}
        return {"name": self.name, **plain}

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> Loss:
        """Make the loss that `to_plain` described.

        Raises
        ------
        InvalidInputError
            If `LOSSES` has no loss of this name.
        """
        options: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()
        }
        name = options.pop("name")
        if name not in LOSSES:
            raise InvalidInputError(
                f"Expected one of the losses {', '.join(LOSSES)}, got {name!r}. Enter "
                "a loss of your own in LNN.training.losses.LOSSES before you load a "
                "model that was trained with it."
            )
        return LOSSES[name](**options)


class RegressionLoss(Loss):
    """A loss of numbers; unless a subclass says otherwise, outputs are predictions."""

    classifies = False

    def without_gaps(self, target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return targets without NaN, and weights that are 0 where one was."""
        known = ~torch.isnan(target).any(-1)
        weight = weight.masked_fill(~known, 0)
        # The weight alone would not do: 0 times NaN is NaN, in sums and in gradients.
        return target.masked_fill(~known.unsqueeze(-1), 0), weight

    def prediction(self, outputs: NDArray) -> NDArray:
        """Return the outputs, (n, n_targets)."""
        return outputs

    def score(
        self, y: ArrayLike, predicted: NDArray, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return R2, averaged over the targets."""
        # Imported here: `import LNN` should cost little more than torch and pandas.
        from sklearn.metrics import r2_score

        return float(r2_score(y, predicted, sample_weight=sample_weight))


class SquaredError(RegressionLoss):
    """The square of the error: predicts the mean."""

    name = "squared_error"
    curvature = 1.0  # of half the square, which has the same minimum

    def each(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the losses, (..., n_targets)."""
        same_shape(outputs, target)
        return torch.square(outputs - target)

    def errors(self, outputs: NDArray, goals: NDArray) -> NDArray:
        """Return goals less outputs."""
        return goals - outputs

    def constant(self, target: Tensor, weight: Tensor) -> Tensor:
        """Return the means."""
        # In double precision: a long sum of float32 would lose the small targets.
        return weight.double() @ target.double() / weight.double().sum()


class AbsoluteError(RegressionLoss):
    """The size of the error: predicts the median."""

    name = "absolute_error"

    def each(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the losses, (..., n_targets)."""
        same_shape(outputs, target)
        return torch.abs(outputs - target)

    def constant(self, target: Tensor, weight: Tensor) -> Tensor:
        """Return the medians."""
        return _constant_quantiles(target, weight, (0.5,))


class Huber(RegressionLoss):
    """Half the square up to an error of 1 (in scaled units), linear beyond."""

    name = "huber"

    def each(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the losses, (..., n_targets)."""
        same_shape(outputs, target)
        error = outputs - target
        size = error.abs()
        return torch.where(size <= 1, 0.5 * error.square(), size - 0.5)

    def constant(self, target: Tensor, weight: Tensor) -> Tensor:
        """Return the means of targets within 1 of their medians, about the best."""
        middle = _constant_quantiles(target, weight, (0.5,)).to(target)
        # The median is one of the targets, so the weight of those near it is not 0.
        near = weight.unsqueeze(-1) * (abs(target - middle) <= 1)
        return (near * target).sum(0) / near.sum(0)


@dataclass(frozen=True)
class Quantile(RegressionLoss):
    """The pinball loss: predicts one quantile per level.

    Parameters
    ----------
    n_targets : int
    levels : tuple of float in (0, 1)
    """

    levels: tuple[float, ...]

    name = "quantile"
    parameters = ("quantile",)

    @classmethod
    def for_targets(
        cls,
        n_targets: int,
        *,
        quantile: float | ArrayLike = 0.5,
        class_weights: tuple[float, ...] = (),
    ) -> Self:
        """Make the loss of one or several levels."""
        return cls(n_targets, tuple(np.atleast_1d(quantile).tolist()))

    @property
    def output_size(self) -> int:
        """One output per target and level."""
        return self.n_targets * len(self.levels)

    def each(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the losses, (..., n_targets x n_levels)."""
        outputs = outputs.unflatten(-1, (self.n_targets, len(self.levels)))
        target = target.unsqueeze(-1).expand_as(outputs)
        levels = outputs.new_tensor(self.levels)
        same_shape(outputs, target)
        error = target - outputs
        # Not the maximum of both lines: its slope where they meet depends on the level,
        # and would move outputs that are right already.
        above, below = torch.relu(error), torch.relu(-error)
        return (levels * above + (1 - levels) * below).flatten(-2)

    def constant(self, target: Tensor, weight: Tensor) -> Tensor:
        """Return the quantiles."""
        return _constant_quantiles(target, weight, self.levels)

    def prediction(self, outputs: NDArray) -> NDArray:
        """Return (n, n_targets, n_levels), or (n, n_targets) for a single level."""
        if len(self.levels) == 1:
            return outputs
        return outputs.reshape(len(outputs), self.n_targets, len(self.levels))

    def score(
        self, y: ArrayLike, predicted: NDArray, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return D2 of the pinball loss, averaged over the levels."""
        # Imported here: `import LNN` should cost little more than torch and pandas.
        from sklearn.metrics import d2_pinball_score

        by_level = np.asarray(predicted)
        if len(self.levels) == 1:
            by_level = by_level[..., None]
        scores = [
            d2_pinball_score(
                y, by_level[..., k], sample_weight=sample_weight, alpha=level
            )
            for k, level in enumerate(self.levels)
        ]
        return float(np.mean(scores))


@dataclass(frozen=True)
class ClassLoss(Loss):
    """A loss of classes, with one output (a logit) per class.

    Parameters
    ----------
    n_targets : int
        Number of classes.
    class_weights : tuple of float
        One per class, times the sample's weight; empty for ones.
    """

    class_weights: tuple[float, ...] = ()

    classifies = True

    @classmethod
    def for_targets(
        cls,
        n_targets: int,
        *,
        quantile: float | ArrayLike = 0.5,
        class_weights: tuple[float, ...] = (),
    ) -> Self:
        """Make the loss of this many classes."""
        return cls(n_targets, tuple(map(float, class_weights)))

    @property
    def n_terms(self) -> int:
        """One loss per sample or step, whatever the number of classes."""
        return 1

    def without_gaps(self, target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return codes without -1, and weights that are 0 where one was."""
        weight = weight.masked_fill(~(target >= 0), 0)
        target = target.clamp_min(0)  # some class, as torch refuses -1
        if self.class_weights:
            weight = weight * weight.new_tensor(self.class_weights)[target]
        return target, weight

    def prediction(self, outputs: NDArray) -> NDArray:
        """Return the code of the most probable class, (n,)."""
        return outputs.argmax(-1)

    def probabilities(self, outputs: NDArray) -> NDArray:
        """Return the probability of each class, (n, n_classes)."""
        return softmax(outputs, axis=-1)

    def score(
        self, y: ArrayLike, predicted: NDArray, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the accuracy."""
        # Imported here: `import LNN` should cost little more than torch and pandas.
        from sklearn.metrics import accuracy_score

        return float(accuracy_score(y, predicted, sample_weight=sample_weight))

    def weights(self, goals: NDArray) -> NDArray | float:
        """Return the weight of each goal's class."""
        return np.array(self.class_weights)[goals] if self.class_weights else 1.0


class CrossEntropy(ClassLoss):
    """The logarithmic loss.

    References
    ----------
    Boehning, Multinomial logistic regression algorithm, 1992 (the curvature).
    """

    name = "cross_entropy"
    curvature = 0.5  # diag(p) - p p' is at most half the identity, for every p

    def each(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the losses, (..., 1)."""
        # torch takes classes on axis 1; here they are last, after any number of axes.
        flat = F.cross_entropy(
            outputs.reshape(-1, self.n_targets), target.reshape(-1), reduction="none"
        )
        return flat.view(*target.shape, 1)

    def constant(self, target: Tensor, weight: Tensor) -> Tensor:
        """Return the logarithms of how often there is each class."""
        counts = torch.zeros(self.n_targets, dtype=torch.float64, device=weight.device)
        counts.index_add_(0, target.flatten(), weight.flatten().double())
        # A class that is not there at all still has a finite loss.
        return torch.log((counts + 1e-6 * counts.sum()) / counts.sum())

    def errors(self, outputs: NDArray, goals: NDArray) -> NDArray:
        """Return the labels (0 and 1) less the probabilities."""
        return np.eye(outputs.shape[1])[goals] - self.probabilities(outputs)


LOSSES: dict[str, type[Loss]] = {
    loss.name: loss
    for loss in (CrossEntropy, SquaredError, AbsoluteError, Huber, Quantile)
}


def find_loss(name: str, *, classifies: bool) -> type[Loss]:
    """Return the loss of this name; "auto" is the usual one of the task."""
    if name == "auto":
        return CrossEntropy if classifies else SquaredError
    loss = LOSSES[name]
    if loss.name != name:
        raise InvalidInputError(
            f"Expected LOSSES[{name!r}] to be a loss of this name, got one that is "
            f"named {loss.name!r}: no pickle of it could be loaded. Enter it as "
            "LOSSES[cls.name] = cls."
        )
    return loss


def _constant_quantiles(
    target: Tensor, weight: Tensor, levels: tuple[float, ...]
) -> Tensor:
    """Return the weighted quantiles of each target, (n_targets x n_levels,)."""
    counted = weight > 0
    values, weights = target[counted].cpu().numpy(), weight[counted].cpu().numpy()
    found = [weighted_quantiles(column, levels, weights) for column in values.T]
    return torch.tensor(found, dtype=torch.float64, device=target.device).flatten()


def same_shape(a: Tensor, b: Tensor) -> None:
    """Refuse to compare (B, 1) with (B,): broadcasting would average B x B pairs."""
    if a.shape != b.shape:
        raise RuntimeError(
            f"A loss compares tensors of one shape, got {tuple(a.shape)} and "
            f"{tuple(b.shape)}. This is a defect of LNN: please report it."
        )
