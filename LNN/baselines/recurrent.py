"""LSTM and GRU behind the interface of the liquid layers, for fair comparisons."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from LNN._plain import takes_any_number
from LNN.baselines.base import (
    Baseline,
    check_inputs,
    hold_after_end,
    refuse_empty,
)
from LNN.baselines.time_gates import gru_step, lstm_step
from LNN.cells.base import State, check_state, readable
from LNN.cells.exporting import exporting, refuse_free_time
from LNN.cells.synapses import drawn
from LNN.exceptions import InvalidInputError

RECURRENT = {"LSTM": nn.LSTM, "GRU": nn.GRU}


class RecurrentBaseline(Baseline):
    """`torch.nn.LSTM` or `torch.nn.GRU` with the `run` method of a liquid layer.

    They know nothing of time: `use_time` gives them the elapsed time as one more
    input, which is the common remedy, and `time_gates` raises their gates to its power.

    Parameters
    ----------
    kind : {"LSTM", "GRU"}
    input_size, n_neurons : int
    use_time : bool, default=False
    time_gates : bool, default=False
        Without weights of its own: over a gap dt a GRU does
        h' = z^dt h + (1 - z^dt) n, an LSTM c' = f^dt c + i g (1 - f^dt) / (1 - f). See
        `LNN.baselines.time_gates`. Where all gaps are 1, torch's own layer runs.
    generator : torch.Generator, default=None
    """

    line = (
        "`torch.nn.LSTM`, `torch.nn.GRU`; irregular time stamps enter as one more "
        "input, dt"
    )
    takes = ("use_time", "time_gates")

    @takes_any_number
    def __init__(
        self,
        kind: str,
        input_size: int,
        n_neurons: int,
        *,
        use_time: bool = False,
        time_gates: bool = False,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        self.input_size, self.n_neurons = input_size, n_neurons
        self.use_time, self.time_gates = use_time, time_gates
        width = input_size + use_time
        # Made on the meta device, so that torch's global generator is not drawn from.
        rnn = RECURRENT[kind](width, n_neurons, batch_first=True, device="meta")
        self.rnn = rnn.to_empty(device=torch.get_default_device())
        bound = n_neurons**-0.5  # torch's own rule, from our generator
        for parameter in self.rnn.parameters():
            size, fill = parameter.shape, nn.init.uniform_
            parameter.data.copy_(drawn(size, fill, -bound, bound, generator=generator))

    def run(
        self,
        inputs: Tensor,
        state: State | None,
        spans: Tensor,
        lengths: Tensor | None,
        all_steps: bool = True,
    ) -> tuple[Tensor, State]:
        """Return the states (B, T, n_neurons) and the final state as torch has it.

        Without `all_steps` the states are those after the last step, (B, n_neurons).
        """
        if self.time_gates and not _all_one(spans):
            check_inputs(self, inputs)
            self._check_state(state, inputs.shape[0])
            flat = self._flattened(state)
            states, table = super().run(inputs, flat, spans, lengths, all_steps)
            assert isinstance(table, Tensor)
            return states, self.unflatten_state(table)
        states, final = self._run(inputs, state, spans, lengths)
        return (states if all_steps else states[:, -1]), final

    @property
    def state_size(self) -> int:
        """Columns of the state as one table."""
        return self.n_neurons * (2 if isinstance(self.rnn, nn.LSTM) else 1)

    def unflatten_state(self, state: Tensor) -> State:
        """Return a state (B, state_size) as `run` takes it."""
        if isinstance(self.rnn, nn.LSTM):
            h, c = (part[None].contiguous() for part in state.chunk(2, dim=-1))
            return h, c
        return state[None]

    def _flattened(self, state: State | None) -> Tensor | None:
        """Return a state as `run` takes it as one table (B, state_size)."""
        if isinstance(state, tuple):
            return torch.cat([part[0] for part in state], dim=-1)
        return None if state is None else state[0]

    def visible(self, states: Tensor) -> Tensor:
        """Leave the memories of an LSTM out."""
        return states[..., : self.n_neurons]

    def advance(self, inputs: Tensor, state: Tensor, spans: Tensor) -> Tensor:
        """Return the states after every step, with gates to the power of the spans."""
        rnn, step = self.rnn, gru_step
        if isinstance(rnn, nn.LSTM):
            step = lstm_step
        if self.use_time:
            inputs = torch.cat([inputs, spans.unsqueeze(-1)], dim=-1)
        mapped = F.linear(inputs, rnn.weight_ih_l0, rnn.bias_ih_l0)
        weights = rnn.weight_hh_l0, rnn.bias_hh_l0
        states = []
        for t in range(inputs.shape[1]):
            state = step(mapped[:, t], state, spans[:, t, None], *weights)
            states.append(state)
        return torch.stack(states, dim=1)

    def _check_state(self, state: State | None, batch: int) -> None:
        if state is None:
            return
        pair = isinstance(self.rnn, nn.LSTM)
        if pair and not (isinstance(state, tuple) and len(state) == 2):
            raise InvalidInputError(
                f"The state of an LSTM is a pair (h, c), each (1, {batch}, "
                f"{self.n_neurons}), got {type(state).__name__}."
            )
        for part in state if pair else (state,):
            check_state(part, layers=1, batch=batch, neurons=self.n_neurons)

    def _run(
        self,
        inputs: Tensor,
        state: State | None,
        spans: Tensor,
        lengths: Tensor | None,
    ) -> tuple[Tensor, State]:
        check_inputs(self, inputs)
        self._check_state(state, inputs.shape[0])
        steps = inputs.shape[1]
        refuse_free_time(steps)  # torch freezes it, or not, by the way of the export
        if self.use_time:
            inputs = torch.cat([inputs, spans.unsqueeze(-1)], dim=-1)
        if lengths is not None:
            refuse_empty(lengths)
        if exporting():
            return self._run_by_steps(inputs, state, lengths)
        if lengths is None:
            return self.rnn(inputs, state)
        # torch takes these lengths on the CPU only.
        packed = pack_padded_sequence(
            inputs, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        packed, state = self.rnn(packed, state)
        states, _ = pad_packed_sequence(packed, batch_first=True, total_length=steps)
        # As in the liquid layers, a sequence that has ended keeps its state.
        return hold_after_end(states, lengths), state

    def _run_by_steps(
        self, inputs: Tensor, state: State | None, lengths: Tensor | None
    ) -> tuple[Tensor, State]:
        """Do the same step by step.

        No exported file can hold packed sequences, and what ONNX makes of torch's own
        recurrent layers fails where the batch is free.
        """
        if state is None:
            zeros = inputs.new_zeros(inputs.shape[0], self.state_size)
            state = self.unflatten_state(zeros)
        states = []
        for t in range(inputs.shape[1]):
            new = self._step(inputs[:, t], state)
            if lengths is not None:
                new = _held(new, state, (lengths > t)[:, None])
            state = new
            states.append(new[0] if isinstance(new, tuple) else new)
        return torch.cat(states).transpose(0, 1), state

    def _step(self, inputs: Tensor, state: State) -> State:
        """Take one step of torch's own layer, whose states are (1, B, N)."""
        rnn = self.rnn
        weights = rnn.weight_ih_l0, rnn.weight_hh_l0, rnn.bias_ih_l0, rnn.bias_hh_l0
        if isinstance(state, tuple):
            h, c = torch.lstm_cell(inputs, (state[0][0], state[1][0]), *weights)
            return h[None], c[None]
        return torch.gru_cell(inputs, state[0], *weights)[None]


def _all_one(spans: Tensor) -> bool:
    """Tell whether all gaps are known to be 1."""
    return readable(spans) and bool((spans == 1).all())


def _held(new: State, old: State, going: Tensor) -> State:
    """Return the new state of sequences that go on, the old one of others."""
    if isinstance(new, Tensor) and isinstance(old, Tensor):
        return torch.where(going, new, old)
    h, c = (torch.where(going, a, b) for a, b in zip(new, old, strict=True))
    return h, c
