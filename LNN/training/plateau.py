"""A warning where early stopping ended a training that had learnt nothing of use."""

from __future__ import annotations

import torch

from LNN._warnings import warn
from LNN.batching.target_tensors import TargetTensors
from LNN.training.losses import Loss

# With fewer epochs or targets to validate on, a loss says little.
ENOUGH_EPOCHS, ENOUGH_TARGETS = 10, 30
# By chance the lowest loss of many epochs is a little below that of a constant: less
# so with many targets.
CHANCE, CHANCE_OF_ONE = 0.01, 2.0
# The network learns the training part if its loss there falls by so much.
LEARNT = 0.1


def warn_if_constant_is_as_good(
    objective: Loss,
    training: TargetTensors,
    validation: TargetTensors,
    loss: list[float],
    validation_loss: list[float],
) -> None:
    """Warn where the validation loss never fell below that of a constant.

    Parameters
    ----------
    objective : Loss
    training, validation : TargetTensors
        The constant is the best one for the training part.
    loss, validation_loss : list of float
        One of each epoch, until early stopping ended training.
    """
    count = _count(validation)
    if len(loss) < ENOUGH_EPOCHS or count < ENOUGH_TARGETS:
        return
    constant = objective.constant(training.target, _weight(training))
    if constant is None:
        return
    known, other = (_loss(objective, constant, p) for p in (training, validation))
    best = min(validation_loss)
    low = (1 - max(CHANCE, CHANCE_OF_ONE / count)) * other
    # Targets that do not vary are predicted by a constant, and rightly so.
    if known <= 0.0 or best <= 0.0 or best < low:
        return
    learnt = min(loss) < (1 - LEARNT) * known
    advice = _DOES_NOT_CARRY_OVER if learnt else _PLATEAU
    warn(
        f"Early stopping ended training in epoch {len(loss)}, but the validation loss "
        "never fell below that of a constant by more than chance: it was "
        f"{best:.3g} at best, and {other:.3g} for the constant that suits the training "
        f"part. {advice}"
    )


_PLATEAU = (
    "The training loss hardly fell either: this may be a plateau that takes longer. "
    "Raise n_iter_no_change, or set early_stopping=False and epochs=; try another "
    'learning_rate, pooling="mean" for long sequences, or a shorter window_length. Or '
    "X says nothing about y: check that their rows belong together."
)
_DOES_NOT_CARRY_OVER = (
    "The training loss did fall: what was learnt does not hold in the validation part. "
    "Where y drifts, use anchor= or a target of changes; else train on more data, with "
    "fewer n_neurons or with dropout=, or validate on other data (X_val, "
    "validation_fraction)."
)


def _weight(targets: TargetTensors) -> torch.Tensor:
    """Return the weight of each target."""
    if targets.weight is not None:
        return targets.weight
    shape = targets.target.shape
    shape = shape[:-1] if targets.target.is_floating_point() else shape
    return torch.ones(shape, device=targets.target.device)


def _count(targets: TargetTensors) -> int:
    return int((_weight(targets) > 0).sum())


def _loss(objective: Loss, constant: torch.Tensor, targets: TargetTensors) -> float:
    """Return the mean loss of a constant."""
    weight = _weight(targets)
    outputs = constant.to(weight).expand(len(weight), -1)
    target = targets.target
    target = target.to(weight) if target.is_floating_point() else target
    return float(objective.total(outputs, target, weight) / targets.total_weight)
