"""The training loop: epoch, batch, step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from LNN._warnings import warn
from LNN.cells.dropout import set_dropout_generator
from LNN.exceptions import NonFiniteLossError
from LNN.training.batches import Batches
from LNN.training.losses import Objective
from LNN.training.optimisers import Schedule, clip_gradients
from LNN.training.stopping import BestWeights, Patience


@dataclass(frozen=True)
class Plan:
    """How long and in which way to train; the names are those of the estimator."""

    epochs: int
    batch_size: int
    lr_schedule: str | None
    clip_value: float | None
    clip_by: str
    n_iter_no_change: int
    stops_early: bool
    tol: float


@dataclass
class History:
    """What happened: one entry per epoch, and the best of them."""

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    interrupted: bool = False

    @property
    def monitored(self) -> list[float]:
        """The losses that decide which weights are best."""
        return self.validation_loss or self.loss


@dataclass(frozen=True)
class Epoch:
    """What a callback is told after each epoch."""

    epoch: int
    epochs: int
    loss: float
    validation_loss: float | None
    learning_rate: float


def train(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    objective: Objective,
    batches: Batches,
    validation: Batches | None,
    plan: Plan,
    random: np.random.RandomState,
    after_epoch: Callable[[Epoch], bool],
    history: History,
) -> None:
    """Train in place; however it ends, the best weights are the ones left.

    Parameters
    ----------
    network : nn.Module
    optimizer : torch.optim.Optimizer
    objective : Objective
    batches : Batches
        The training part, with targets and weights.
    validation : Batches or None
        If given, its loss decides which weights are best and when to stop.
    plan : Plan
    random : numpy.random.RandomState
        For the order of samples and for dropout.
    after_epoch : callable
        Gets an `Epoch`; a true answer stops training.
    history : History
        Filled in as training goes, so that it is there however training ends.

    Raises
    ------
    NonFiniteLossError
        If the loss is NaN or infinite. The best weights so far are kept.
    """
    generator = torch.Generator(batches.device)
    generator.manual_seed(int(random.randint(2**31 - 1)))
    set_dropout_generator(network, generator)
    per_epoch = math.ceil(len(batches) / plan.batch_size)
    slow = max(1, plan.n_iter_no_change // 3)
    schedule = Schedule(plan.lr_schedule, optimizer, plan.epochs, per_epoch, slow)
    stops = validation is not None and plan.stops_early
    patience = Patience(plan.n_iter_no_change if stops else None, plan.tol)
    best = BestWeights(network)
    try:
        for epoch in range(1, plan.epochs + 1):
            order = random.permutation(len(batches))
            loss = run_epoch(
                network, optimizer, objective, batches, order, plan, schedule
            )
            checked = (
                None
                if validation is None
                else evaluate(network, objective, validation, plan.batch_size)
            )
            monitored = loss if checked is None else checked
            refuse_non_finite(loss, monitored, epoch)
            history.loss.append(loss)
            if checked is not None:
                history.validation_loss.append(checked)
            best.update(monitored)
            schedule.after_epoch(monitored)
            # A callback may predict: without dropout, and without drawing from it.
            network.eval()
            told = Epoch(epoch, plan.epochs, loss, checked, schedule.rate)
            if after_epoch(told) or patience.exhausted(monitored):
                break
    except KeyboardInterrupt:
        history.interrupted = True
        warn(
            f"Training was interrupted in epoch {len(history.loss) + 1}; the best "
            "weights so far are kept."
        )
    finally:
        best.restore()
        set_dropout_generator(network, None)
        network.eval()


def run_epoch(network, optimizer, objective, batches, order, plan, schedule) -> float:
    """Take one optimiser step per batch; return the epoch's mean loss."""
    network.train()
    total = weights = 0.0
    for samples in batches.split(order, plan.batch_size):
        loss, weight = take_step(network, optimizer, objective, batches, samples, plan)
        schedule.after_batch()
        # Tensors are added up, not numbers: an accelerator need not wait here.
        total, weights = total + loss * weight, weights + weight
    return float(total / weights)


def take_step(network, optimizer, objective, batches, samples, plan):
    """Take one optimiser step; return the batch's loss and weight, detached."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    outputs = network(**batches.inputs(samples))
    total, weight = objective.sums(outputs, *batches.goals(samples))
    # A batch without any target (all steps unlabelled) must not divide by zero.
    loss = total / weight.clamp_min(torch.finfo(weight.dtype).tiny)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    clip_gradients(parameters, plan.clip_value, plan.clip_by)
    optimizer.step()
    return loss.detach(), weight


@torch.no_grad()
def evaluate(network, objective, batches: Batches, batch_size: int) -> float:
    """Return the mean loss over all samples, without training."""
    network.eval()
    total = weights = 0.0
    # Without gradients a batch takes less memory, so it may be larger.
    for samples in batches.split(np.arange(len(batches)), max(256, batch_size)):
        outputs = network(**batches.inputs(samples))
        loss, weight = objective.sums(outputs, *batches.goals(samples))
        total, weights = total + loss, weights + weight
    return float(total / weights)


def refuse_non_finite(loss: float, monitored: float, epoch: int) -> None:
    """Stop training by name when a loss is no number any more."""
    if math.isfinite(loss) and math.isfinite(monitored):
        return
    raise NonFiniteLossError(
        f"The loss became {loss} (validation: {monitored}) in epoch {epoch}. The best "
        "weights before that are kept. Lower learning_rate, lower clip_value, or scale "
        'the data (scale="standard", scale_target=True).'
    )
