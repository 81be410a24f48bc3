"""Epochs that stay on a GPU: order, batches, steps and the sum of losses.

The ordinary loop chooses a batch on the CPU, copies where its rows stand, and starts a
hundred kernels for a step. Here an epoch is one copy (the order of samples, and what
the optimiser needs by step) and then one launch a batch, without waiting for the
device. The steps are those of the ordinary loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from LNN.batching.batches import Batches, cut
from LNN.batching.resident import ResidentBatches
from LNN.cells.dropout import Dropout
from LNN.network import LiquidNetwork
from LNN.training import graphs
from LNN.training.kernel_step import LOSSES, is_watched, known_layers
from LNN.training.losses import Loss, Quantile
from LNN.training.optimisers import Adam, AdamW, Optimizer, clip_gradient
from LNN.training.parameter_vector import ParameterVector
from LNN.training.schedules import Schedule

# The backends whose kernels a graph can hold.
BACKENDS = ("cuda",)


@dataclass(eq=False)
class ResidentStep:
    """Takes all steps of an epoch on the device.

    Attributes
    ----------
    network : LiquidNetwork
    parameters : ParameterVector
    optimizer : Adam
    objective : Loss
    clip : (float or None, {"norm", "value"})
    batches : ResidentBatches
    batch_size : int
    weight : float
        Mean weight of a sample.
    fault : str
        Why batches are not replayed as a graph; empty as long as they are.
    """

    network: LiquidNetwork
    parameters: ParameterVector
    optimizer: Adam
    objective: Loss
    clip: tuple[float | None, str]
    batches: ResidentBatches
    batch_size: int
    weight: float
    fault: str = ""
    _takes: dict[int, Callable[[], None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        vector, n = self.optimizer.vector, len(self.batches.start)
        n_batches = -(-n // self.batch_size)
        # Where these stand, and no number in them, is part of a graph.
        self._order = torch.zeros(n, dtype=torch.int64, device=vector.device)
        self._numbers = vector.new_zeros(n_batches, 4)
        self._batch = torch.zeros(1, dtype=torch.int64, device=vector.device)
        self._total = vector.new_zeros(())

    def epoch(self, order: np.ndarray, schedule: Schedule) -> Tensor:
        """Train on all samples in this order; return the sum of their losses."""
        sizes = [len(samples) for samples in cut(order, self.batch_size)]
        begin = self.optimizer.state["step"]
        self._order.copy_(torch.from_numpy(order))
        self._numbers.copy_(self._numbers_of(len(sizes), schedule))
        self._batch.zero_()
        self._total.zero_()
        taken = 0
        try:
            for size in sizes:
                self._take(size)
                taken += 1
        finally:  # an interrupted epoch took fewer
            self.optimizer.state["step"] = begin + taken
        return self._total

    def describe(self) -> str:
        """Tell how batches are taken."""
        if self.fault:
            return f"without a CUDA graph: {self.fault}"
        return "each batch as one CUDA graph"

    def _numbers_of(self, n_batches: int, schedule: Schedule) -> Tensor:
        """Return what the optimiser needs for each batch, (n_batches, 4)."""
        numbers = []
        for _ in range(n_batches):
            self.optimizer.state["step"] += 1
            numbers.append(self.optimizer.numbers())
            schedule.after_batch()
        return torch.tensor(numbers, dtype=self._numbers.dtype)

    def _take(self, size: int) -> None:
        """Take the step of the next batch, which has so many samples."""
        if size in self._takes:
            self._takes[size]()
            return

        def run() -> None:
            self._step(size)

        if self.fault:  # what is wrong with one shape is wrong with all
            run()
            self._takes[size] = run
            return
        state = [self.optimizer.state[name] for name in self.optimizer.moments]
        changed = [self.optimizer.vector, *state, self._total, self._batch]
        device = self.optimizer.vector.device
        self._takes[size], self.fault = graphs.recorded(run, changed, device)

    def _step(self, size: int) -> None:
        """Do what `Step.by_autograd` does, with all that changes on the device."""
        places = torch.arange(size, device=self._order.device)
        samples = self._order[self._batch * self.batch_size + places]
        inputs, targets = self.batches.take(samples)
        total = self.objective.total(self.network(**inputs), *targets)
        gradient = self.parameters.gradient(total)
        gradient /= self.weight * size
        clip_gradient(gradient, *self.clip)
        self.optimizer.step_by(gradient, self._numbers[self._batch][0])
        self._total += total.detach()
        self._batch += 1


def resident_step(
    network: LiquidNetwork,
    parameters: ParameterVector,
    objective: Loss,
    optimizer: Optimizer,
    clip: tuple[float | None, str],
    batch_size: int,
    batches: Batches,
    before: ResidentStep | str | None = None,
) -> ResidentStep | str:
    """Return what takes an epoch's steps on the device, or why there is nothing.

    The reason is empty on a CPU, where nothing would be won.

    Parameters
    ----------
    network, parameters, objective, optimizer, clip
        As `kernel_step` takes them.
    batch_size : int
    batches : Batches
    before : ResidentStep, str or None
        What was returned for the epoch before.
    """
    device = batches.device
    if isinstance(before, str):
        return before
    if device.type not in graphs.RECORDERS:
        return ""
    parts = network, parameters, objective, optimizer, device
    reason = _reason_against(*parts)
    if reason or before is not None:
        return reason or before or ""
    assert isinstance(optimizer, Adam)
    resident = batches.resident()
    if isinstance(resident, str):
        return resident
    weight = batches.mean_weight
    how = clip, resident, batch_size, weight
    return ResidentStep(network, parameters, optimizer, objective, *how)


def _reason_against(
    network: LiquidNetwork,
    parameters: ParameterVector,
    objective: Loss,
    optimizer: Optimizer,
    device: torch.device,
) -> str:
    if not graphs.is_asked_for():
        return f"{graphs.SWITCH} is not 1"
    layers, dtype = known_layers(network), parameters.vector.dtype
    if layers is None:
        return "the network has layers or pooling of other kinds than LTC and CfC have"
    if {layer.backend_for(device, dtype) for layer in layers} - set(BACKENDS):
        return "not all layers run on LNN's CUDA kernels"
    if network.encoder is not None or network.own_scale is not None or network.patching:
        return "an encoder, own_scale or patches stand before the layers"
    if any(isinstance(m, Dropout) and m.p > 0 for m in network.modules()):
        return "dropout draws new numbers for each batch"
    if type(objective) not in LOSSES or type(objective) is Quantile:
        return "the loss is your own, or its levels are copied to the device each time"
    if type(optimizer) not in (Adam, AdamW):
        return "only Adam and AdamW take their numbers from the device"
    if is_watched(network) or not parameters.is_shared():
        return "hooks look on, or parameters have memory of their own"
    return ""
