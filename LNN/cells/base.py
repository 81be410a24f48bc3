"""What every cell has in common: how a sequence runner talks to it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from LNN.cells.hooks import refresh_parts
from LNN.cells.names import by_our_names, packed_hint
from LNN.cells.own_weights import OwnWeights
from LNN.exceptions import InvalidInputError

# The state of a layer; with mixed memory, and for an LSTM, the pair (h, c).
State = Tensor | tuple[Tensor, Tensor]


class Cell(OwnWeights):
    """One time step of a recurrent network, split so that work can be shared.

    A runner calls `enter` once on the initial state, `drive` once on all
    inputs (whatever does not depend on the state), `constants` once (whatever
    depends on parameters alone), then `step` for each time step, and `leave` on
    the states it collected. Calling the cell itself does all of it for one step.

    Attributes
    ----------
    input_size, state_size, output_size : int
        Number of inputs, of state columns, and of outputs.
    """

    input_size: int
    state_size: int
    output_size: int
    fused: tuple | None = None  # what a kernel remembers of the cell
    known_parts: tuple | None = None  # what `hooked_parts` remembers of it

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is remembered: a copy has parameters and parts of its own."""
        return {**super().__getstate__(), "fused": None, "known_parts": None}

    def drive(self, inputs: Tensor) -> Tensor:
        """Map inputs (..., input_size) to all that does not depend on the state."""
        raise NotImplementedError

    def constants(self) -> tuple:
        """Return what every step needs and only the parameters decide."""
        raise NotImplementedError

    def step(
        self, drive: Tensor, state: Tensor, dt: Tensor, constants: tuple
    ) -> Tensor:
        """Advance the state (B, state_size) by dt (B, 1)."""
        raise NotImplementedError

    def outputs(self, states: Tensor) -> Tensor:
        """Read the outputs (..., output_size) off states (..., state_size)."""
        raise NotImplementedError

    def enter(self, state: Tensor) -> Tensor:
        """Bring a state into the order in which `step` works."""
        return state

    def leave(self, states: Tensor) -> Tensor:
        """Undo `enter`, for states of any leading shape."""
        return states

    def zero_state(self, inputs: Tensor) -> Tensor:
        """Return the state before the first step, (B, state_size)."""
        return inputs.new_zeros(inputs.shape[0], self.state_size)

    def forward(
        self,
        inputs: Tensor | None = None,
        state: Tensor | None = None,
        dt: Tensor | float | None = None,
        **ncps_names: Any,
    ) -> tuple[Tensor, Tensor]:
        """Take one step.

        Parameters
        ----------
        inputs : Tensor of shape (B, input_size)
        state : Tensor of shape (B, state_size), default=None
            None starts from zeros.
        dt : Tensor of shape (B,) or (B, 1), or float, default=None
            Time since the step before, in units of `time_unit_`; None is 1.
        **ncps_names
            The same as ncps names them: `input`, `hx` or `states`, `ts`, `timespans`
            or `elapsed_time`.

        Returns
        -------
        outputs : Tensor of shape (B, output_size)
        state : Tensor of shape (B, state_size)
        """
        given = {"inputs": inputs, "state": state, "dt": dt}
        inputs, state, dt = by_our_names(self, given, ncps_names)
        self._check_inputs(inputs)
        # Before the weights are read: pruning and weight_norm compute them in hooks.
        refresh_parts(self, inputs)
        if isinstance(state, list | tuple) and len(state) == 2:  # h and c
            state = torch.cat(tuple(state), dim=-1)
        if state is None:
            state = self.zero_state(inputs)
        check_state(state, batch=inputs.shape[0], state_size=self.state_size)
        span = check_timespans(dt, (inputs.shape[0], 1), inputs)
        new = self.step(self.drive(inputs), self.enter(state), span, self.constants())
        new = self.leave(new)
        return self.outputs(new), new

    def _check_inputs(self, inputs: Any) -> None:
        is_tensor = isinstance(inputs, Tensor)
        if is_tensor and inputs.ndim == 2 and inputs.shape[1] == self.input_size:
            return
        got = tuple(inputs.shape) if is_tensor else type(inputs).__name__
        use = "For whole sequences use the layers LNN.LTC and LNN.CfC."
        raise InvalidInputError(
            f"{type(self).__name__} expects inputs as a tensor of shape "
            f"(batch, {self.input_size}), got {got}. {packed_hint(inputs) or use}"
        )


# True under torch.func's transforms (grad, vmap, jvp, ...).
transformed = torch._C._are_functorch_transforms_active


def readable(values: Tensor) -> bool:
    """Tell whether values can be looked at, to check them, without harm.

    That would break a graph that torch.compile or export traces; a tensor on the meta
    device has no values, and one inside of vmap has those of many samples. While a CUDA
    graph is recorded nothing is computed that could be looked at.
    """
    if torch.compiler.is_compiling() or values.is_meta or transformed():
        return False
    return not (values.is_cuda and torch.cuda.is_current_stream_capturing())


def check_state(state: object, **shape: int) -> Tensor:
    """Return a state; refuse anything but a tensor of these sizes, in their order."""
    sizes = tuple(shape.values())
    if isinstance(state, Tensor) and state.shape == sizes:
        return state
    got = tuple(state.shape) if isinstance(state, Tensor) else type(state).__name__
    raise InvalidInputError(
        f"The state must be a tensor of shape ({', '.join(shape)}) = {sizes}, got "
        f"{got}. Hand on a state as it was returned, or leave it out to start from "
        "zeros."
    )


def past_end(lengths: Tensor, steps: int) -> Tensor:
    """Tell of each step whether it is past its sequence's end, (B, steps)."""
    return torch.arange(steps, device=lengths.device) >= lengths[:, None]


def check_timespans(
    timespans: Tensor | float | None,
    shape: tuple[int, ...],
    like: Tensor,
    lengths: Tensor | None = None,
) -> Tensor:
    """Return elapsed times as (B, T) in the dtype of `like`, or refuse by name.

    A scalar holds for every sample and step; (B, T, 1) and, for B = 1 or T = 1,
    (T,) or (B,) are read as what they can only mean. Nothing is broadcast by accident.
    Steps past `lengths` may hold anything.
    """
    if timespans is None:
        return like.new_ones(shape)
    spans = torch.as_tensor(timespans, dtype=like.dtype, device=like.device)
    # Broadcasting would also take (T,) for (B,) where a batch happens to be as long.
    if spans.ndim == 0:
        spans = spans.expand(shape)
    elif spans.shape == (*shape, 1) or (1 in shape and spans.numel() == max(shape)):
        spans = spans.reshape(shape)
    if spans.shape != shape:
        raise InvalidInputError(
            f"timespans must be a number or have shape (batch, time) = {shape}, "
            f"got {tuple(spans.shape)}. Give one elapsed time per sample and step."
        )
    if lengths is not None:
        # A number in place of whatever is there: NaN would pass into the gradients,
        # although these steps count for nothing.
        spans = spans.masked_fill(past_end(lengths, shape[1]), 1.0)
    if readable(spans):
        _refuse_bad_gaps(spans)
    return spans


def _refuse_bad_gaps(spans: Tensor) -> None:
    good = (spans >= 0) & torch.isfinite(spans)
    if bool(good.all()):
        return
    sample, step = (int(i) for i in (~good).nonzero()[0])
    value = float(spans[sample, step])
    kind = "negative" if value < 0 else "not a finite number"
    raise InvalidInputError(
        f"timespans[{sample}, {step}] is {value}, which is {kind}. An elapsed time is "
        "a number >= 0: sort the rows by time and remove missing time stamps."
    )


def choice(name: str, value: object, allowed: tuple) -> None:
    """Refuse a value that is not one of those allowed."""
    if value not in allowed:
        raise InvalidInputError(
            f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}."
        )
