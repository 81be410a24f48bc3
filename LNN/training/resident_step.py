"""Epochs that stay on a GPU: order, batches, steps and the sum of losses.

The ordinary loop chooses a batch on the CPU, copies where its rows stand, and starts a
hundred kernels for a step. Here an epoch begins with one copy (the order of samples,
and what the optimiser needs for each step), and each batch is then one launch of a
recorded graph, without waiting for the device. The steps are those of the ordinary
loop. Where LNN's own kernels know all parts of a step, ten of them do it in place of
what autograd makes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from LNN import kernels
from LNN.batching.batches import Batches, cut
from LNN.batching.resident import ResidentBatches
from LNN.cells.dropout import Dropout
from LNN.kernels import Resident, ResidentTrainer
from LNN.layers import SequenceLayer
from LNN.network import LiquidNetwork
from LNN.training import graphs
from LNN.training.kernel_step import LOSSES, is_watched, known_layers, trained_parts
from LNN.training.lockstep import Meeting, Member, meeting_here
from LNN.training.losses import Loss, Quantile
from LNN.training.optimisers import Adam, AdamW, Optimizer, clip_gradient
from LNN.training.parameter_vector import ParameterVector
from LNN.training.sample_table import sample_table
from LNN.training.schedules import Schedule

# The backends whose kernels a graph can hold.
BACKENDS = ("cuda",)
# How far the kernels' first gradient may be from autograd's, relative to the largest
# number in it.
ALLOWED = {torch.float32: 1e-3, torch.float64: 1e-7}


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
    doubt : str
        How the kernels' first gradient differed from autograd's, which takes all steps
        then; empty if it did not.
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
    doubt: str = ""
    _has_met: bool = False  # whether other fits ever took an epoch with this one
    _member: Member | None = None  # this fit, while others may wait for it
    _meeting: Meeting | None = None
    # What takes a batch, by the number of its samples.
    _takes: dict[int, Callable[[], None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        vector, n = self.optimizer.vector, len(self.batches.start)
        n_batches = -(-n // self.batch_size)
        # A graph knows these by their addresses: what they hold may change.
        self._order = torch.zeros(n, dtype=torch.int64, device=vector.device)
        self._numbers = vector.new_zeros(n_batches, 4)
        # Number of the batch that was taken last.
        self._now = torch.full((1,), -1, dtype=torch.int64, device=vector.device)
        self._total = vector.new_zeros(())
        self._trainer = self._trainer_on_kernels()

    def epoch(self, order: np.ndarray, schedule: Schedule) -> Tensor:
        """Train on all samples in this order; return the sum of their losses.

        Parameters
        ----------
        order : ndarray of int64, shape (n_samples,)
        schedule : Schedule
            Told of each batch, as by the ordinary loop.

        Returns
        -------
        Tensor of shape ()
            On the device; the next epoch overwrites it.
        """
        sizes = [len(samples) for samples in cut(order, self.batch_size)]
        begin = self.optimizer.state["step"]
        self._order.copy_(torch.from_numpy(order))
        self._numbers.copy_(self._numbers_of(len(sizes), schedule))
        self._now.fill_(-1)
        self._total.zero_()
        if self._trainer is not None and not self._takes and self._member is None:
            self._try_out(self._trainer, sizes[0])
            self._meet()
        if self._member is not None and self._meeting is not None:
            self._epoch_with_others(len(sizes), begin)
            return self._total
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
        how = "each batch as one CUDA graph"
        if self.fault:
            how = f"without a CUDA graph: {self.fault}"
        if self.doubt:
            return f"{how}; by autograd: {self.doubt}"
        if self._trainer is not None:
            how += ", without autograd"
        return f"{how}, in one launch for several fits" if self._has_met else how

    def _epoch_with_others(self, n_batches: int, begin: int) -> None:
        assert self._meeting is not None
        assert self._member is not None
        try:
            n_fits, self.fault = self._meeting.epoch(self._member, n_batches)
        except BaseException:
            self.optimizer.state["step"] = begin
            raise
        self._has_met |= n_fits > 1

    def leave(self) -> None:
        """Tell other fits that they need not wait for this one any more."""
        if self._meeting is not None and self._member is not None:
            self._meeting.leave(self._member)
            self._member = None

    def _meet(self) -> None:
        """Join the fits that run beside this one, if they can take steps together."""
        self._meeting = meeting_here()
        if self._trainer is None or self._meeting is None:
            return
        member = Member(self._trainer, self._changed())
        if self._meeting.join(member):
            self._trainer.release()
            self._member = member

    def _numbers_of(self, n_batches: int, schedule: Schedule) -> Tensor:
        """Return what the optimiser needs for each batch, (n_batches, 4)."""
        numbers = []
        for _ in range(n_batches):
            self.optimizer.state["step"] += 1
            numbers.append(self.optimizer.numbers())
            schedule.after_batch()
        return torch.tensor(numbers, dtype=self._numbers.dtype, device="cpu")

    def _take(self, size: int) -> None:
        """Take the step of the next batch, which has so many samples."""
        # The kernels take batches of all sizes alike.
        shape = size if self._trainer is None else self.batch_size
        if shape in self._takes:
            self._takes[shape]()
            return

        def run() -> None:
            self._step(size)

        if self.fault:  # what is wrong with one shape is wrong with all
            run()
            self._takes[shape] = run
            return
        device = self.optimizer.vector.device
        self._takes[shape], self.fault = graphs.recorded(run, self._changed(), device)

    def _changed(self) -> list[Tensor]:
        """Return all that a step changes."""
        state = [self.optimizer.state[name] for name in self.optimizer.moments]
        return [self.optimizer.vector, *state, self._total, self._now]

    def _step(self, size: int) -> None:
        """Take the step of the next batch as `Step.by_autograd` does, on the device."""
        if self._trainer is not None:
            self._trainer.step()
            return
        gradient = self._gradient(size)
        clip_gradient(gradient, *self.clip)
        self.optimizer.step_by(gradient, self._numbers[self._now][0])

    def _gradient(self, size: int) -> Tensor:
        """Go on to the next batch; return the gradient of its mean loss."""
        self._now += 1
        places = torch.arange(size, device=self._order.device)
        samples = self._order[self._now * self.batch_size + places]
        inputs, targets = self.batches.take(samples)
        total = self.objective.total(self.network(**inputs), *targets)
        gradient = self.parameters.gradient(total)
        gradient /= self.weight * size
        self._total += total.detach()
        return gradient

    # ---------------------------------------------------------------- on the kernels

    def _trainer_on_kernels(self) -> ResidentTrainer | None:
        """Return what takes a step with LNN's kernels; None if only autograd can."""
        network, first = self.network, self.network.layers[0]
        gradient = torch.zeros_like(self.parameters.vector)
        how = self.objective, self.optimizer, self.clip, gradient
        found = trained_parts(network, self.parameters, *how)
        if found is None or found[0].adam is None:
            return None
        assert isinstance(first, SequenceLayer)
        data = Resident(
            table=sample_table(self.batches),
            batch_size=min(self.batch_size, len(self._order)),
            mean_weight=self.weight,
            order=self._order,
            numbers=self._numbers,
            now=self._now,
            total=self._total,
        )
        return kernels.resident_trainer_for(found[0], data, first.backend)

    def _try_out(self, trainer: ResidentTrainer, size: int) -> None:
        """Compare the kernels' first gradient with autograd's, which decides.

        `kernels.cuda.trial` does the same for the cells: tests say nothing of a GPU,
        driver and compiler that they have not run on.
        """
        found, expected = [], []
        try:
            found = self._tried(trainer.gradient)
        except RuntimeError as error:  # of the driver or the compiler
            self.doubt = str(error).strip().partition("\n")[0]
        expected = self._tried(lambda: self._gradient(size))
        for name, a, b in zip(("loss", "gradient"), found, expected, strict=False):
            far = graphs.distance([a], [b], least=1e-30)
            if not far <= ALLOWED[a.dtype]:
                self.doubt = f"the kernels' first {name} was {far:.2g} off"
        if self.doubt:
            self._trainer = None

    def _tried(self, gradient: Callable[[], Tensor]) -> list[Tensor]:
        """Return the loss and the gradient of the first batch, as if never taken."""
        slope = gradient().clone()  # adds the loss to the total
        loss = self._total.clone()
        self._now.fill_(-1)
        self._total.zero_()
        return [loss, slope]


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
    """Return what takes an epoch's steps on the device, or the reason why it cannot.

    The reason is empty on a CPU, where nothing would be gained.

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
    if reason and before is not None:
        before.leave()
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
