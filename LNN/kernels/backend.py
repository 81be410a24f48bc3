"""What a backend is: the one protocol between a cell and whatever runs it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from LNN.cells.base import Cell


@dataclass(frozen=True)
class Missing:
    """Why a backend cannot run on this machine.

    Attributes
    ----------
    reason : str
        What is missing.
    remedy : str
        What to do about it.
    warns_on : {"cpu", "cuda", ""}
        Which device a user of `backend="auto"` computes on who is told. A library that
        was not built is worth a warning, a machine without a GPU is not.
    """

    reason: str
    remedy: str
    warns_on: str = "cpu"


class Stepper(Protocol):
    """Carries the states of many streams through one cell, one step at a time.

    Attributes
    ----------
    inputs : ndarray of shape (n_streams, input_size)
        Fill in before `advance`.
    timespans : ndarray of shape (n_streams,)
        Fill in before `advance`.
    state : ndarray of shape (n_streams, state_size)
        The state after the last `advance`; may be written.
    """

    inputs: np.ndarray
    timespans: np.ndarray
    state: np.ndarray

    def advance(self) -> None:
        """Take one step of all streams."""


@dataclass(frozen=True, eq=False)
class AdamRule:
    """Adam's step, and what it works on; tensors as long as the vector.

    Attributes
    ----------
    vector, gradient, mean, square : Tensor
        Changed in place.
    decay, epsilon, weight_decay : float
    decay_apart : bool
        Whether the weights decay apart from the gradient (AdamW).
    clip_value : float or None
    clip_by : {"norm", "value"}
    """

    vector: Tensor
    gradient: Tensor
    mean: Tensor
    square: Tensor
    decay: float
    epsilon: float
    weight_decay: float
    decay_apart: bool
    clip_value: float | None
    clip_by: str


@dataclass(frozen=True, eq=False)
class Trained:
    """A network and its loss, as a `Trainer` takes them.

    Attributes
    ----------
    cells : sequence of Cell
        Each reads all states of the one before.
    weight, bias : Tensor of shape (outputs, n_read), (outputs,)
        The read-out, an affine map of pooled states.
    pooling : tuple of {"last", "mean", "max"}
        Side by side in this order; empty if each step is read.
    loss : str
        One of LNN's, by name.
    levels : tuple of float
        Those of the quantile loss.
    gradients : mapping from int to Tensor
        Where the gradient of each parameter goes, by its `id`.
    adam : AdamRule or None
        What `adam_step` does, if it is called.
    needs_inputs : bool
        Whether the gradient of the inputs is wanted.
    """

    cells: Sequence[Cell]
    weight: Tensor
    bias: Tensor
    pooling: tuple[str, ...]
    loss: str
    levels: tuple[float, ...]
    gradients: Mapping[int, Tensor]
    adam: AdamRule | None
    needs_inputs: bool


@dataclass(frozen=True, eq=False)
class SampleTable:
    """Samples as spans over the rows of a table, all in the memory of one device.

    Attributes
    ----------
    rows : Tensor of shape (n_rows, F)
    gaps : Tensor of shape (n_rows,), or None
        The time span before each row; None for ones.
    neutral : Tensor of shape (F,)
        Stands for NaN before the sample's first value of a channel.
    policy : {"error", "hold", "mask"}
        What stands for NaN later: nothing, as there is none, the value before, or that
        with inputs that say so.
    target : Tensor of shape (n_samples, ...) or (n_rows, ...)
    weight : Tensor of shape (n_samples,) or (n_rows,), or None for ones
    per_step : bool
        Whether targets and weights belong to rows.
    start, length : Tensor of int64, shape (n_samples,)
    first_target : Tensor of int64, shape (n_samples,), or None
        Steps before it do not count; None if all do.
    steps : int
        The longest length.
    """

    rows: Tensor
    gaps: Tensor | None
    neutral: Tensor
    policy: str
    target: Tensor
    weight: Tensor | None
    per_step: bool
    start: Tensor
    length: Tensor
    first_target: Tensor | None
    steps: int


class Epochs(Protocol):
    """Takes steps on batch after batch of a `SampleTable`.

    They are those that a `Trainer` takes on the same batches, to the last bit.

    Attributes
    ----------
    step : int
        The number of the last step, the first one of all being 1.
    """

    step: int

    @property
    def suits(self) -> bool:
        """Whether it is as fast as single steps are, with the threads there are now."""

    def train(
        self,
        order: np.ndarray,
        rates: Sequence[float],
        momenta: Sequence[float],
        mean_weight: float,
    ) -> float:
        """Take a step on each batch of samples; return the sum of their losses.

        It can be interrupted between batches; `step` then tells how many were taken.

        Parameters
        ----------
        order : ndarray of int64, shape (n_samples,)
        rates, momenta : sequence of float
            Of Adam, for each batch.
        mean_weight : float
            Gradients are divided by it, and by the number of samples in the batch.
        """


class Losses(Protocol):
    """Adds up the losses of a `SampleTable`, as a `Trainer` has them batch by batch."""

    @property
    def suits(self) -> bool:
        """Whether it is as fast as single batches are, with the threads there are."""

    def total(self) -> float:
        """Return the sum of the losses of all samples, in their order."""


class Trainer(Protocol):
    """Takes training steps of a network without autograd.

    Attributes
    ----------
    grad_inputs : Tensor of shape (B, T, F), or None
        The gradient of the last batch's inputs, if it is wanted.
    """

    grad_inputs: Tensor | None

    def gradient(
        self,
        inputs: Tensor,
        timespans: Tensor | None,
        lengths: Tensor | None,
        target: Tensor,
        weight: Tensor | None,
    ) -> float:
        """Fill in the gradients of sum(w l) of a batch, and return that sum.

        Parameters
        ----------
        inputs : Tensor of shape (B, T, F)
        timespans : Tensor of shape (B, T), or None for ones
        lengths : Tensor of int64, shape (B,), or None
        target, weight : Tensor
            As `Loss.total` takes them.
        """

    def loss(
        self,
        inputs: Tensor,
        timespans: Tensor | None,
        lengths: Tensor | None,
        target: Tensor,
        weight: Tensor | None,
    ) -> float:
        """Return sum(w l) of a batch; takes what `gradient` takes."""

    def adam_step(
        self, divisor: float, step: int, rate: float, momentum: float
    ) -> None:
        """Take a step with the gradients, divided by a number and clipped."""

    def holds(self) -> bool:
        """Tell whether the cells still are what the trainer was made for."""

    def epochs(self, table: SampleTable, batch_size: int) -> Epochs | None:
        """Return what takes steps on all samples; None if that takes single batches."""

    def losses(self, table: SampleTable, batch_size: int) -> Losses | None:
        """Return what adds up the losses of all samples; None as in `epochs`."""


@dataclass(frozen=True, eq=False)
class Resident:
    """Data of a fit that stay on a device, and where a step finds its own.

    Attributes
    ----------
    table : SampleTable
    batch_size : int
    mean_weight : float
        The mean weight of a sample.
    order : Tensor of int64, shape (n_samples,)
        The samples in the order of an epoch.
    numbers : Tensor of shape (n_batches, 4)
        What the optimiser needs for each batch (`Adam.numbers`).
    now : Tensor of int64, shape (1,)
        The batch that was taken last, -1 before the first.
    total : Tensor of shape ()
        To which the losses are added.
    """

    table: SampleTable
    batch_size: int
    mean_weight: float
    order: Tensor
    numbers: Tensor
    now: Tensor
    total: Tensor


class Together(Protocol):
    """Takes the steps of several trainers at once."""

    def choose(self, present: Sequence[bool]) -> None:
        """Say which of them take steps from now on; the others stay as they are."""

    def step(self) -> None:
        """Take the step of each one's next batch; none where it has had them all."""


class ResidentTrainer(Protocol):
    """Takes whole training steps on a device: nothing comes from the CPU.

    Attributes
    ----------
    kind : hashable
        Trainers of one kind can go together.
    """

    kind: Hashable

    def together(self, trainers: Sequence[ResidentTrainer]) -> Together:
        """Return what takes the steps of trainers of this kind."""

    def release(self) -> None:
        """Give back memory that a step needs, until the next."""

    def step(self) -> None:
        """Take the step of the next batch."""

    def gradient(self) -> Tensor:
        """Go on to the next batch without a step; return its loss's mean gradient."""


class Backend(ABC):
    """Runs cells over sequences.

    A backend is an entry in `dispatch.REGISTRY`; nothing else knows that it exists.
    `torch_loop` is the oracle that every other backend must equal.

    Attributes
    ----------
    name : str
        What `backend=` and LNN_BACKEND call it.
    """

    name: str

    @abstractmethod
    def missing(self) -> Missing | None:
        """Tell why the backend cannot run on this machine; None if it can."""

    @abstractmethod
    def describe(self) -> str:
        """Tell what is there, for `show_versions`; called only if it is there."""

    @abstractmethod
    def supports(self, cell: Cell, device: torch.device, dtype: torch.dtype) -> bool:
        """Tell whether the backend runs the cell as it is set now, on any data."""

    @abstractmethod
    def can_run(
        self, cell: Cell, inputs: Tensor, state: Tensor, timespans: Tensor
    ) -> bool:
        """Tell whether the backend can run this call."""

    @abstractmethod
    def run(
        self,
        cell: Cell,
        inputs: Tensor,
        state: Tensor,
        timespans: Tensor,
        lengths: Tensor | None,
        all_states: bool = True,
    ) -> tuple[Tensor | None, Tensor]:
        """Run a cell over sequences.

        Parameters
        ----------
        cell : Cell
        inputs : Tensor of shape (B, T, F)
        state : Tensor of shape (B, S)
        timespans : Tensor of shape (B, T)
        lengths : Tensor of shape (B,) or None
        all_states : bool

        Returns
        -------
        states : Tensor of shape (B, T, S)
            After every step; None unless `all_states`.
        final : Tensor of shape (B, S)
        """

    def stepper(self, cell: Cell, n_streams: int, dtype: torch.dtype) -> Stepper | None:
        """Return a stepper for streams on the CPU; None if `run` is as good."""
        return None

    def trainer(self, network: Trained) -> Trainer | None:
        """Return what trains a network of cells that are supported; None if nothing.

        The cells have no hooks.
        """
        return None

    def resident_trainer(
        self, network: Trained, data: Resident
    ) -> ResidentTrainer | None:
        """Return what trains a network on data of a device; None if nothing.

        The network has an `adam`, and its cells are supported and have no hooks.
        """
        return None

    def prepare(self, cell: Cell) -> None:  # noqa: B027 (most have nothing to prepare)
        """Look at a new cell, while torch.compile does not trace what is looked at."""

    def limits(self) -> Mapping[str, str]:
        """Return what stays on the torch backend, and why, for `show_versions`."""
        return {}
