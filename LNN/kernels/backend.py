"""What a backend is: the one protocol between a cell and whatever runs it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
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
    warns : bool
        Whether a user of `backend="auto"` is told. A machine without a GPU is not worth
        a warning, a library that was not built is.
    """

    reason: str
    remedy: str
    warns: bool = True


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

    def prepare(self, cell: Cell) -> None:  # noqa: B027 (most have nothing to prepare)
        """Look at a new cell, while torch.compile does not trace what is looked at."""

    def limits(self) -> Mapping[str, str]:
        """Return what stays on the torch backend, and why, for `show_versions`."""
        return {}
