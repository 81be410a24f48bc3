"""What the comparison models share: running over sequences, lengths, and states."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from LNN.cells.base import State, check_state, past_end, readable
from LNN.cells.exporting import refuse_free_time
from LNN.cells.synapses import drawn, linear
from LNN.exceptions import InvalidInputError


class Baseline(nn.Module):
    """A recurrent layer with the `run` method of a liquid layer.

    A model says in `advance` how its state goes through a sequence; lengths, the start
    and what is handed on are the same for all of them and handled here.

    Attributes
    ----------
    line : str
        What a step does, in one line.
    takes : tuple of str
        What its constructor takes beyond the sizes and the generator.
    input_size, n_neurons : int
    state_size : int
        Columns of the state as one table (B, state_size).
    """

    line: ClassVar[str] = ""
    takes: ClassVar[tuple[str, ...]] = ()
    input_size: int
    n_neurons: int

    @property
    def state_size(self) -> int:
        """Columns of the state as one table."""
        return self.n_neurons

    def advance(self, inputs: Tensor, state: Tensor, spans: Tensor) -> Tensor:
        """Return the states after every step, (B, T, state_size).

        Parameters
        ----------
        inputs : Tensor of shape (B, T, input_size)
        state : Tensor of shape (B, state_size)
            Before the first step.
        spans : Tensor of shape (B, T)
            Time elapsed before each step.
        """
        raise NotImplementedError

    def visible(self, states: Tensor) -> Tensor:
        """Map states (..., state_size) to what others read, (..., n_neurons)."""
        return states

    def unflatten_state(self, state: Tensor) -> State:
        """Return a state (B, state_size) as `run` takes it."""
        return state

    def backend_for(self, device: torch.device, dtype: torch.dtype) -> str:
        """Return "torch": no kernel runs these models."""
        return "torch"

    def stepper(self, backend: str, n_streams: int, dtype: torch.dtype) -> None:
        """Return None: torch alone carries the states of streams."""
        return

    def run(
        self,
        inputs: Tensor,
        state: State | None,
        spans: Tensor,
        lengths: Tensor | None,
        all_steps: bool = True,
    ) -> tuple[Tensor, State]:
        """Return the visible states (B, T, n_neurons) and the final state.

        Parameters
        ----------
        inputs : Tensor of shape (B, T, input_size)
        state : Tensor of shape (B, state_size), or None
            Before the first step; None is zeros.
        spans : Tensor of shape (B, T)
            Time elapsed before each step, in units of the typical gap.
        lengths : Tensor of shape (B,), or None
            Valid steps per sequence, 1 or more; a sequence that has ended keeps its
            state.
        all_steps : bool, default=True
            Otherwise the states are those after the last step, (B, n_neurons).

        Raises
        ------
        InvalidInputError
            On wrong shapes, and on sequences of length 0.
        """
        check_inputs(self, inputs)
        refuse_free_time(inputs.shape[1])
        if state is None:
            state = inputs.new_zeros(inputs.shape[0], self.state_size)
        state = check_state(state, batch=inputs.shape[0], state_size=self.state_size)
        if lengths is None:
            states = self.advance(inputs, state, spans)
        else:
            refuse_empty(lengths)
            # Padding may hold anything; no gradient may come of it as NaN.
            padded = past_end(lengths, inputs.shape[1]).unsqueeze(-1)
            states = self.advance(inputs.masked_fill(padded, 0.0), state, spans)
            states = hold_after_end(states, lengths)
        # Not a view, which torch.export would take for the layout of every state.
        final = states[:, -1].contiguous()
        return self.visible(states if all_steps else final), final


def refuse_empty(lengths: Tensor) -> None:
    """Raise if a sequence has no step at all."""
    if readable(lengths) and bool((lengths == 0).any()):
        raise InvalidInputError(
            "The baselines need lengths of 1 or more, got a sequence of length 0. "
            "Leave it out."
        )


def hold_after_end(states: Tensor, lengths: Tensor) -> Tensor:
    """Replace the states (B, T, S) past each end by the last valid one."""
    step = torch.arange(states.shape[1], device=states.device)
    # After the run, not in it: no step then has to look at the lengths.
    held = torch.minimum(step, lengths[:, None] - 1).unsqueeze(-1)
    return states.gather(1, held.expand_as(states))


def input_map(
    n_in: int, n_out: int, count: int, generator: torch.Generator | None
) -> nn.Linear:
    """Make `count` Glorot-initialised maps of the inputs, side by side."""
    layer = linear(n_in, count * n_out, generator)
    # Drawn again one by one: all as one map, Glorot's bound would be too small.
    for block in layer.weight.data.split(n_out):
        block.copy_(drawn(block.shape, nn.init.xavier_uniform_, generator=generator))
    return layer


def recurrent_map(
    n_in: int, n_out: int, count: int, generator: torch.Generator | None
) -> nn.Parameter:
    """Make `count` orthogonal maps side by side, for states @ weight."""
    weight = torch.empty(n_in, count * n_out)
    for block in weight.split(n_out, dim=1):
        block.copy_(drawn((n_in, n_out), nn.init.orthogonal_, generator=generator))
    return nn.Parameter(weight)


def check_inputs(layer: Baseline, inputs: Tensor) -> None:
    """Refuse inputs of another shape than (batch, time, input_size)."""
    if inputs.ndim != 3 or inputs.shape[2] != layer.input_size or inputs.shape[1] == 0:
        raise InvalidInputError(
            f"{type(layer).__name__} expects inputs of shape (batch, time, "
            f"{layer.input_size}) with at least one step, got {tuple(inputs.shape)}."
        )
