"""The training loop: epoch, batch, step."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch

from LNN._warnings import warn
from LNN.batching.batches import Batches, cut
from LNN.cells.dropout import set_dropout_generator
from LNN.exceptions import NonFiniteLossError
from LNN.network import LiquidNetwork
from LNN.training.distributed import ALONE, Ranks
from LNN.training.kernel_epochs import (
    KernelEpochs,
    KernelLosses,
    kernel_epochs,
    kernel_losses,
)
from LNN.training.kernel_step import KernelStep, kernel_step
from LNN.training.losses import Loss
from LNN.training.optimisers import Optimizer, clip_gradient
from LNN.training.parameter_vector import ParameterVector
from LNN.training.plateau import warn_if_constant_is_as_good
from LNN.training.resident_step import ResidentStep, resident_step
from LNN.training.schedules import Schedule
from LNN.training.stopping import BestWeights, Patience


@dataclass(frozen=True)
class Plan:
    """How long and in which way to train; the names are those of the estimator.

    `keep_last` keeps the last finite weights in place of the best: for data that come
    in parts, where the best on one part is not the aim. `remedy` says what else to
    change where the loss is not finite.
    """

    epochs: int
    batch_size: int
    lr_schedule: str | None
    clip_value: float | None
    clip_by: str
    n_iter_no_change: int
    stops_early: bool
    tol: float
    keep_last: bool = False
    remedy: str = ""


@dataclass
class History:
    """What happened: one entry per epoch, and the loss of the weights that are kept.

    `batches` tells how a GPU took them; it is empty on a CPU.
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_score: list[float] = field(default_factory=list)
    kept: float = math.inf
    batches: str = ""


@dataclass(frozen=True)
class Epoch:
    """What a callback is told after each epoch."""

    epoch: int
    epochs: int
    loss: float
    validation_loss: float | None
    learning_rate: float
    validation_score: float | None = None


# Network, parameters, loss, optimiser and clipping.
Parts = tuple[LiquidNetwork, ParameterVector, Loss, Optimizer, tuple[float | None, str]]


class WholeEpochs(Protocol):
    """Takes all steps of an epoch, which are those that batches one by one give."""

    def epoch(self, order: np.ndarray, schedule: Schedule) -> float | torch.Tensor:
        """Train on all samples in this order; return the sum of their losses."""


@dataclass
class Step:
    """One optimiser step per batch.

    Attributes
    ----------
    network : LiquidNetwork
    parameters : ParameterVector
        The parameters of the network.
    optimizer : Optimizer
        The optimiser of this vector.
    objective : Loss
    plan : Plan
    ranks : Ranks
        The processes that share each batch.
    kernels : KernelStep or None
        What takes a step without autograd, if anything does.
    training, judging : KernelEpochs, KernelLosses or None
        What goes through all batches on a CPU, if that suits.
    resident : ResidentStep, str or None
        What takes whole epochs on a GPU, or why nothing does (empty on a CPU); None
        before the first epoch.
    """

    network: LiquidNetwork
    parameters: ParameterVector
    optimizer: Optimizer
    objective: Loss
    plan: Plan
    ranks: Ranks = ALONE
    kernels: KernelStep | None = field(default=None, init=False)
    training: KernelEpochs | None = field(default=None, init=False)
    judging: KernelLosses | None = field(default=None, init=False)
    resident: ResidentStep | str | None = field(default=None, init=False)

    def epoch(self, batches: Batches, order: np.ndarray, schedule: Schedule) -> float:
        """Train on all samples in this order; return the mean loss."""
        self.look(batches)
        whole = self._whole(batches)
        # Nothing that the library knows depends on the mode.
        in_library = whole is not None and whole is self.training
        if not in_library:
            self.network.train()
        if whole is None:
            total = self._batch_by_batch(batches, order, schedule)
        else:
            total = whole.epoch(order, schedule)
        # A callback may predict: without dropout, and without drawing from it.
        if not in_library or self.network.training:
            self.network.eval()
        return self.ranks.total(total / batches.targets.total_weight, batches.device)

    def look(self, batches: Batches) -> None:
        """See what kernels know of the network, which a callback may have changed."""
        if batches.limits is None:  # kernels know no constraints
            self.kernels = kernel_step(*self._parts(), self.ranks, self.kernels)

    def _parts(self) -> Parts:
        clip = self.plan.clip_value, self.plan.clip_by
        return self.network, self.parameters, self.objective, self.optimizer, clip

    def _whole(self, batches: Batches) -> WholeEpochs | None:
        """Return what takes whole epochs; None if batches are taken one by one."""
        if self.ranks.size > 1:  # a whole epoch adds no gradients up
            self.resident = "several processes share its batches"
            return None
        size = self.plan.batch_size
        self.resident = resident_step(*self._parts(), size, batches, self.resident)
        if not isinstance(self.resident, str):
            return self.resident
        before = self.training
        self.training = found = kernel_epochs(self.kernels, batches, size, before)
        return found if found and found.suits and not self.resident else None

    def losses(self, batches: Batches, size: int) -> KernelLosses | None:
        """Return what adds up all losses; None if batches are taken one by one."""
        if self.ranks.size > 1 or batches.limits is not None:
            return None
        before = self.judging
        self.judging = found = kernel_losses(self.kernels, batches, size, before)
        return found if found and found.suits else None

    def _batch_by_batch(
        self, batches: Batches, order: np.ndarray, schedule: Schedule
    ) -> float | torch.Tensor:
        """Take a step on each batch; return the sum of the weighted losses."""
        take = self.kernels
        total: float | torch.Tensor = 0.0
        mean_weight = batches.mean_weight
        for size, samples, inputs, targets in self._shares(batches, order):
            # The mean weight of all samples, not of the batch: otherwise weights would
            # cancel out in a batch of one, and the batches' sum be another loss.
            weight = mean_weight * size
            # Tensors are added up, not numbers: an accelerator need not wait here.
            if take is not None:
                total = total + take(inputs, targets, weight)
            else:
                limit = functools.partial(batches.limited, samples=samples)
                total = total + self.by_autograd(inputs, targets, weight, limit)
            schedule.after_batch()
        moments = (self.optimizer.state[name] for name in self.optimizer.moments)
        self.ranks.settle([self.parameters.vector, *moments])
        return total

    def leave(self) -> None:
        """Be over: no fit that runs beside this one waits for it any more."""
        if isinstance(self.resident, ResidentStep):
            self.resident.leave()

    @property
    def how(self) -> str:
        """How a GPU takes batches; empty on a CPU."""
        if isinstance(self.resident, ResidentStep):
            return self.resident.describe()
        return f"without a CUDA graph: {self.resident}" if self.resident else ""

    def _shares(
        self, batches: Batches, order: np.ndarray
    ) -> Iterator[tuple[int, np.ndarray, dict | None, tuple]]:
        """Yield the size of each batch, and what this process has of it."""
        if self.ranks.size == 1:
            for batch in batches.in_order(order, self.plan.batch_size):
                yield len(batch[0]), *batch
            return
        for samples in cut(order, self.plan.batch_size):
            own = self.ranks.part(samples)
            # A process without samples only takes the step of the others.
            parts = batches.inputs_and_targets(own) if len(own) else (None, ())
            yield len(samples), own, *parts

    def by_autograd(
        self,
        inputs: dict | None,
        targets: tuple,
        weight: float,
        limit: Callable[[torch.Tensor], torch.Tensor] = lambda outputs: outputs,
    ) -> torch.Tensor:
        """Take one step on a batch of this weight; return sum(w l), detached."""
        vector = self.parameters.vector
        if inputs is None:
            total, gradient = vector.new_zeros(()), torch.zeros_like(vector)
        else:
            total = self.objective.total(limit(self.network(**inputs)), *targets)
            gradient = self.parameters.gradient(total)
        self.ranks.add(gradient)
        gradient /= weight
        clip_gradient(gradient, self.plan.clip_value, self.plan.clip_by)
        self.optimizer.step(gradient)
        return total.detach()


def train(
    step: Step,
    batches: Batches,
    validation: Batches | None,
    random: np.random.RandomState,
    after_epoch: Callable[[Epoch], bool],
    history: History,
    score: Callable[[np.ndarray], float] | None = None,
) -> None:
    """Train in place; however it ends, the best weights are the ones left.

    Parameters
    ----------
    step : Step
        The network, and how it learns.
    batches : Batches
        The training part, with targets.
    validation : Batches or None
        If given, its loss decides which weights are best and when to stop.
    random : numpy.random.RandomState
        For the order of samples and for dropout.
    after_epoch : callable
        Gets an `Epoch`; a true answer stops training.
    history : History
        Filled in as training goes, so that it is there however training ends.
    score : callable, default=None
        Makes a score (more is better) of the outputs of the validation part. It then
        decides in place of the loss.

    Raises
    ------
    NonFiniteLossError
        If the loss is NaN or infinite. The best weights so far are kept.
    """
    network, plan, weights = step.network, step.plan, step.parameters.vector
    ranks, device = step.ranks, batches.device
    seed_dropout(network, random, ranks, device)
    per_epoch = math.ceil(len(batches) / plan.batch_size)
    # A third: "plateau" lowers the rate before early stopping runs out of patience.
    slow = max(1, plan.n_iter_no_change // 3)
    schedule = Schedule(plan.lr_schedule, step.optimizer, plan.epochs, per_epoch, slow)
    stops = validation is not None and plan.stops_early
    patience = Patience(plan.n_iter_no_change if stops else None, plan.tol)
    best, exhausted = BestWeights(weights), False
    try:
        for epoch in range(1, plan.epochs + 1):
            before = weights.clone()  # steps change the vector in place
            loss = step.epoch(batches, random.permutation(len(batches)), schedule)
            refuse_non_finite(loss, epoch, plan.remedy)
            if validation is None:
                # The loss was that of the weights before, or on the way.
                checked, scored, monitored = None, None, loss
                best.update(loss, before)
            else:
                checked, scored = validate(step, validation, score, epoch, history)
                monitored = checked if scored is None else -scored  # less is better
                best.update(monitored)
            history.loss.append(loss)
            schedule.after_epoch(monitored)
            told = Epoch(epoch, plan.epochs, loss, checked, schedule.rate, scored)
            exhausted = patience.exhausted(monitored)
            # One that wants to stop stops all: a callback may look at a clock.
            if ranks.total(after_epoch(told), device) or exhausted:
                break
        if plan.keep_last:
            best.update(-math.inf)  # lower than any loss: the last weights win
        elif validation is None:
            # Each epoch judged the weights before it: the last ones are still unjudged.
            step.look(batches)
            best.update(evaluate(step, batches))
    except KeyboardInterrupt:
        warn(
            f"Training was interrupted in epoch {len(history.loss) + 1}; the best "
            "weights so far are kept."
        )
    finally:
        step.leave()
        best.restore()
        history.kept, history.batches = best.loss, step.how
        set_dropout_generator(network, None)
        network.eval()
    if exhausted and score is None and validation is not None:
        targets = batches.targets, validation.targets
        losses = history.loss, history.validation_loss
        warn_if_constant_is_as_good(step.objective, *targets, *losses)


def seed_dropout(
    network: LiquidNetwork,
    random: np.random.RandomState,
    ranks: Ranks,
    device: torch.device,
) -> None:
    """Let dropout draw from the source of this fit, and move no global generator."""
    # Processes draw masks of their own, as the samples of one batch do.
    seed = int(random.randint(2**31 - 1)) + ranks.rank
    set_dropout_generator(network, torch.Generator(device).manual_seed(seed))


def validate(
    step: Step,
    validation: Batches,
    score: Callable[[np.ndarray], float] | None,
    epoch: int,
    history: History,
) -> tuple[float, float | None]:
    """Return the loss on the validation part, and its score if there is one."""
    # One pass serves both; the loss is wanted for the curve even where a score decides.
    outputs = None if score is None else validation.empty_outputs(step.network)
    loss = evaluate(step, validation, outputs)
    refuse_non_finite(loss, epoch, step.plan.remedy)
    history.validation_loss.append(loss)
    if score is None or outputs is None:
        return loss, None
    scored = step.ranks.agreed(score(outputs), validation.device)
    history.validation_score.append(scored)
    return loss, scored


@torch.no_grad()
def evaluate(step: Step, batches: Batches, outputs: np.ndarray | None = None) -> float:
    """Return the mean loss over all samples, without training.

    The network's outputs are written to `outputs`, if given.
    """
    ranks = step.ranks
    if outputs is not None and ranks.size > 1:
        outputs.fill(0.0)
    # Without gradients a batch takes less memory, so it may be larger.
    size = max(batches.size_without_gradients(), step.plan.batch_size)
    whole = None if outputs is not None else step.losses(batches, size)
    total: float | torch.Tensor
    if whole is not None:
        total = whole.total()
    else:
        total = _judged_by_batch(step, batches, size, outputs)
    if outputs is not None:
        ranks.fill_in(outputs, batches.device)
    return ranks.total(total / batches.targets.total_weight, batches.device)


def _judged_by_batch(
    step: Step, batches: Batches, size: int, outputs: np.ndarray | None
) -> float | torch.Tensor:
    """Return the sum of the losses; fill in the outputs."""
    step.network.eval()
    total: float | torch.Tensor = 0.0
    for samples in cut(step.ranks.part(np.arange(len(batches))), size):
        inputs, targets = batches.inputs_and_targets(samples)
        if outputs is None and step.kernels is not None and batches.limits is None:
            total = total + step.kernels.loss(inputs, targets)
            continue
        answer = step.network(**inputs)
        kept = batches.limited(answer, samples)
        total = total + step.objective.total(kept, *targets)
        if outputs is not None:
            batches.write(outputs, samples, answer)
    return total


def refuse_non_finite(loss: float, epoch: int, remedy: str = "") -> None:
    """Raise a named error when a loss is no longer finite."""
    if math.isfinite(loss):
        return
    usual = (
        'lower learning_rate, lower clip_value, scale the data (scale="standard", '
        "scale_target=True), or look for extreme values in X and y."
    )
    advice = f"{remedy} Otherwise {usual}" if remedy else usual[0].upper() + usual[1:]
    kept = "The best weights before that are kept."
    if epoch == 1:
        kept = "Nothing was learnt before that: the estimator is what it was."
    raise NonFiniteLossError(
        f"The loss became {loss} in epoch {epoch}. {kept} {advice}"
    )
