"""Sequence layers: LTC and CfC over whole sequences, used as `torch.nn.LSTM` is."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter
from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from LNN import kernels
from LNN._plain import takes_any_number
from LNN.cells import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell
from LNN.cells.base import Cell, State, check_state, check_timespans, readable
from LNN.cells.cfc import wired_only
from LNN.cells.hooks import call, is_hooked, refresh_parts
from LNN.cells.names import (
    arguments_of,
    by_our_names,
    check_batch_first,
    names_of,
    packed_hint,
    refuse_unknown,
)
from LNN.cells.own_weights import OwnWeights
from LNN.cells.synapses import linear
from LNN.exceptions import InvalidInputError
from LNN.wiring import Wiring, build_wiring

KEYWORD_ONLY = Parameter.KEYWORD_ONLY


class SequenceLayer(OwnWeights):
    """A liquid cell over time: the base of `LTC`, `CfC` and layers of other cells.

    Parameters
    ----------
    cell : Cell
    wiring : Wiring
        The one that the cell was made with.
    return_sequences, mixed_memory, proj_size, backend, generator
        As for `LTC`.

    Attributes
    ----------
    cell : Cell
    n_neurons : int
        Number of liquid neurons; state column j is neuron j of the wiring.
    output_size : int
    wiring : Wiring
    """

    cell: Cell
    wiring: Wiring

    @takes_any_number
    def __init__(
        self,
        cell: Cell,
        wiring: Wiring,
        *,
        return_sequences: bool = True,
        mixed_memory: bool = False,
        proj_size: int | None = None,
        backend: str = "auto",
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        self.wiring = wiring
        self.n_neurons = cell.state_size
        self.mixed_memory = mixed_memory
        self.cell = MixedMemoryCell(cell, generator=generator) if mixed_memory else cell
        self.input_size = cell.input_size
        self.return_sequences = return_sequences
        kernels.resolve_backend(backend)  # refuses one that does not exist
        # Now, as torch.compile could not look into it later.
        kernels.prepare(self.cell)
        self.backend = backend
        self.projection = (
            linear(cell.output_size, proj_size, generator) if proj_size else None
        )
        self.output_size = proj_size or cell.output_size

    def forward(
        self,
        inputs: Tensor | None = None,
        state: State | None = None,
        timespans: Tensor | float | None = None,
        lengths: Tensor | None = None,
        **ncps_names: Any,
    ) -> tuple[Tensor, State]:
        """Run over sequences.

        Parameters
        ----------
        inputs : Tensor of shape (B, T, input_size) or (T, input_size)
        state : Tensor of shape (B, n_neurons), default=None
            State before the first step; None is zeros. With mixed memory the pair
            (h, c). Without a batch axis in the inputs there is none here either.
        timespans : Tensor of shape (B, T) or float, default=None
            Time elapsed before each step; None is 1.
        lengths : Tensor of shape (B,), default=None
            Number of valid steps per sequence: later steps leave its state as it is.
        **ncps_names
            `input` and `hx`, which is how ncps and torch name `inputs` and `state`.

        Returns
        -------
        outputs : Tensor of shape (B, T, output_size)
            Or (B, output_size), the last valid step, if not `return_sequences`.
        state : as `state`
            The state after each sequence's last valid step.

        Raises
        ------
        InvalidInputError
            On wrong shapes or dtypes, and on negative, NaN or infinite timespans.
        """
        given = {"inputs": inputs, "state": state}
        inputs, state = by_our_names(self, given, ncps_names)
        if isinstance(inputs, Tensor) and inputs.ndim == 2:
            batched = None if state is None else _map_state(state, lambda s: s[None])
            # Not `self(...)`, which would run the hooks of the layer once more.
            outputs, last = self.forward(inputs[None], batched, timespans, lengths)
            return outputs[0], _map_state(last, lambda s: s[0])
        spans, lengths = self._check_time(inputs, timespans, lengths)
        states, last = self._run(inputs, state, spans, lengths, self.return_sequences)
        outputs = self.cell.outputs(states)
        if self.projection is not None:
            outputs = self.projection(outputs)
        return outputs, last

    def states(
        self,
        inputs: Tensor,
        state: State | None = None,
        timespans: Tensor | float | None = None,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Run over sequences, and return the neurons' states in place of outputs.

        Parameters
        ----------
        inputs, state, timespans, lengths
            As in `forward`, with a batch axis.

        Returns
        -------
        states : Tensor of shape (B, T, n_neurons)
            After every step; with mixed memory h, without the memory c.
        state : as `state`
            The state after each sequence's last valid step.
        """
        spans, lengths = self._check_time(inputs, timespans, lengths)
        return self._run(inputs, state, spans, lengths, True)

    def run(
        self,
        inputs: Tensor,
        state: State | None,
        spans: Tensor,
        lengths: Tensor | None,
        all_steps: bool = True,
    ) -> tuple[Tensor, State]:
        """Do what `states` does, with time spans and lengths that were checked.

        Parameters
        ----------
        inputs : Tensor of shape (B, T, input_size)
        state : Tensor, pair of Tensor or None
            As in `forward`.
        spans : Tensor of shape (B, T)
        lengths : Tensor of shape (B,), or None
        all_steps : bool, default=True
            Whether to return the states of every step. Without it a kernel need not
            store them.

        Returns
        -------
        states : Tensor of shape (B, T, n_neurons) or, without `all_steps`, \
(B, n_neurons)
        state : as `state`
            The state after each sequence's last valid step.
        """
        self.check_inputs(inputs)
        return self._run(inputs, state, spans, lengths, all_steps)

    def _run(
        self,
        inputs: Tensor,
        state: State | None,
        spans: Tensor,
        lengths: Tensor | None,
        all_steps: bool,
    ) -> tuple[Tensor, State]:
        start = self._pack(state, inputs)  # kernels take one tensor
        cell = self.cell
        # A hook after the cell gets the states of all steps, also if only the last is
        # read here.
        every = all_steps or bool(cell._forward_hooks)

        def run(
            inputs: Tensor, start: Tensor, spans: Tensor
        ) -> tuple[Tensor | None, Tensor]:
            # Hooks after a part need the part to be called, which kernels do not.
            watched = refresh_parts(cell, inputs)
            backend = "torch" if watched else self.backend
            return kernels.run(cell, inputs, start, spans, lengths, backend, every)

        # Sequences are run by the kernels, not by the cell's `forward`, so torch does
        # not run the cell's own hooks.
        states, last = call(cell, run, inputs, start, spans)
        chosen = states if all_steps else last
        if self.mixed_memory:
            chosen = chosen[..., : self.n_neurons]
        return chosen, self.unflatten_state(last)

    def backend_for(self, device: torch.device, dtype: torch.dtype) -> str:
        """Return the backend that training on this device runs on."""
        return kernels.backend_for(self.cell, self.backend, device, dtype)

    def stepper(
        self, backend: str, n_streams: int, dtype: torch.dtype
    ) -> kernels.Stepper | None:
        """Return what carries the states of streams; None if only torch can.

        That is so where the layer or a part of it has hooks, to run at every step.
        """
        if is_hooked(self):
            return None
        return kernels.stepper_for(self.cell, backend, n_streams, dtype)

    def _check_time(
        self,
        inputs: Tensor,
        timespans: Tensor | float | None,
        lengths: Tensor | None,
    ) -> tuple[Tensor, Tensor | None]:
        self.check_inputs(inputs)
        batch, steps = inputs.shape[:2]
        # Lengths first: time spans past the end of a sequence are not checked.
        lengths = check_lengths(lengths, batch, steps, inputs.device)
        return check_timespans(timespans, (batch, steps), inputs, lengths), lengths

    def check_inputs(self, inputs: Tensor) -> None:
        """Refuse what are no inputs (B, T, input_size) in the weights' dtype."""
        if not isinstance(inputs, Tensor):
            convert = f"Convert it: torch.as_tensor(inputs, dtype={self._dtype()})."
            raise InvalidInputError(
                f"{type(self).__name__} expects inputs as a tensor, got "
                f"{type(inputs).__name__}. {packed_hint(inputs) or convert}"
            )
        if (
            inputs.ndim != 3
            or inputs.shape[2] != self.input_size
            or not inputs.shape[1]
        ):
            raise InvalidInputError(
                f"{type(self).__name__} expects inputs of shape (batch, time, "
                f"{self.input_size}) with at least one step, got "
                f"{tuple(inputs.shape)}. The layout is batch first, features last."
            )
        dtype = self._dtype()
        if inputs.dtype != dtype and not torch.is_autocast_enabled(inputs.device.type):
            raise InvalidInputError(
                f"The weights are {dtype}, the inputs are {inputs.dtype}. Convert one: "
                f"inputs.to({dtype}) or layer.to({inputs.dtype})."
            )

    def _dtype(self) -> torch.dtype:
        # Most cells own a parameter; a walk over all modules takes longer.
        for parameter in self.cell._parameters.values():
            if parameter is not None:
                return parameter.dtype
        return next(self.parameters()).dtype

    def _pack(self, state: State | None, inputs: Tensor) -> Tensor:
        if state is None:
            return self.cell.zero_state(inputs)
        pair = isinstance(state, tuple | list) and len(state) == 2
        if self.mixed_memory != pair:
            kind = "a pair (h, c)" if self.mixed_memory else "one tensor"
            raise InvalidInputError(
                f"The state of this layer is {kind} of shape (batch, "
                f"{self.n_neurons}), got {type(state).__name__}."
            )
        parts = []
        for part in state if self.mixed_memory else (state,):
            _refuse_spans_as_state(part, inputs, self.n_neurons)
            parts.append(
                check_state(part, batch=inputs.shape[0], neurons=self.n_neurons)
            )
        return torch.cat(parts, dim=-1) if self.mixed_memory else parts[0]

    @property
    def state_size(self) -> int:
        """Columns of the state as one table: with mixed memory h and c."""
        return self.cell.state_size

    def unflatten_state(self, state: Tensor) -> State:
        """Return a state (B, state_size) as `forward` takes it."""
        if not self.mixed_memory:
            return state
        # Not views, which torch.export does not take for a free batch.
        h, c = state.chunk(2, dim=-1)
        return h.contiguous(), c.contiguous()


class LTC(SequenceLayer):
    """Liquid time-constant network over sequences.

    Parameters
    ----------
    input_size : int
    units : int, Wiring or ncps wiring
        An int makes that many fully connected neurons, all of them outputs.
    return_sequences : bool, default=True
        Outputs of every step, or of the last valid one.
    mixed_memory : bool, default=False
        Put an LSTM cell around the liquid cell; the state is then a pair (h, c).
    proj_size : int, default=None
        Size of a linear map after the outputs; None for none.
    backend : {"auto", "torch", "native"}, default="auto"
        "native" is the fused C library (CPU), "auto" takes it where it can.
    generator : torch.Generator, default=None
        Source of the initial weights; None is torch's global generator.
    batch_first : bool, default=True
        As in ncps and torch; it must be True.
    **cell_options
        `solver`, `ode_unfolds`, `input_mapping`, `output_mapping`, `epsilon` and
        `time_constants` of `LTCCell`. `solver="explicit"` and "rk4" explode at long
        time spans: see there.

    See Also
    --------
    LTCCell : One step, with the equations.
    CfC : The closed-form sister; faster.

    Examples
    --------
    >>> import torch
    >>> from LNN import LTC, Wiring
    >>> layer = LTC(3, Wiring.ncp(n_inputs=3, n_neurons=12, n_outputs=2))
    >>> outputs, state = layer(torch.randn(5, 7, 3), timespans=torch.rand(5, 7))
    >>> outputs.shape, state.shape
    (torch.Size([5, 7, 2]), torch.Size([5, 12]))
    """

    @takes_any_number
    def __init__(
        self,
        input_size: int,
        units: int | Wiring,
        *,
        return_sequences: bool = True,
        mixed_memory: bool = False,
        proj_size: int | None = None,
        backend: str = "auto",
        generator: torch.Generator | None = None,
        batch_first: bool = True,
        **cell_options: Any,
    ):
        check_batch_first(batch_first)
        options = arguments_of(LTCCell)
        known = [option.name for option in options if option.kind is KEYWORD_ONLY]
        unknown = {k: v for k, v in cell_options.items() if k not in known}
        refuse_unknown(self, unknown, names_of(LTC) + known)
        wiring = _wiring(units, input_size)
        super().__init__(
            LTCCell(wiring, generator=generator, **cell_options),
            wiring,
            return_sequences=return_sequences,
            mixed_memory=mixed_memory,
            proj_size=proj_size,
            backend=backend,
            generator=generator,
        )


class CfC(SequenceLayer):
    """Closed-form continuous-time network over sequences.

    Parameters
    ----------
    input_size : int
    units : int, Wiring or ncps wiring
        An int makes the fully connected cell with a backbone; a wiring makes the wired
        cell, in which every map reads only what the wiring draws.
    mode : {"default", "no_gate", "pure", "exponential"}, default="default"
        See `CfCCell`.
    return_sequences, mixed_memory, proj_size, backend, generator
        As for `LTC`.
    backbone_units : int, default=None
        None is 128. Like all backbone options, for an int `units` only.
    backbone_layers : int, default=None
        None is 1, and 0 for "exponential".
    backbone_dropout : float, default=None
        None is 0; applied after every backbone layer while training.
    backbone_activation : str, default=None
        "lecun_tanh" (None), "tanh", "relu", "silu" or "gelu".
    time_constants : tuple of float, default=None
        See `WiredCfCCell`; for a wiring, or mode "exponential".
    gaps : tuple of float, default=None
        See `CfCCell`; for an int `units` only.
    batch_first : bool, default=True
        As in ncps and torch; it must be True.
    **unknown
        Refused, with an error that names them.

    See Also
    --------
    CfCCell : One step of the fully connected cell, with the equations.
    LTC : The ordinary differential equation that CfC approximates.

    Examples
    --------
    >>> import torch
    >>> from LNN import CfC
    >>> layer = CfC(3, 16)
    >>> inputs, lengths = torch.randn(5, 7, 3), torch.tensor([7, 7, 4, 2, 1])
    >>> outputs, state = layer(inputs, lengths=lengths)
    >>> torch.equal(outputs[3, 1], state[3])
    True
    """

    @takes_any_number
    def __init__(
        self,
        input_size: int,
        units: int | Wiring,
        *,
        mode: str = "default",
        return_sequences: bool = True,
        mixed_memory: bool = False,
        proj_size: int | None = None,
        backbone_units: int | None = None,
        backbone_layers: int | None = None,
        backbone_dropout: float | None = None,
        backbone_activation: str | None = None,
        time_constants: tuple[float, float] | None = None,
        gaps: tuple[float, float, float] | None = None,
        backend: str = "auto",
        generator: torch.Generator | None = None,
        batch_first: bool = True,
        **unknown: Any,
    ):
        check_batch_first(batch_first)
        refuse_unknown(self, unknown, names_of(CfC))
        backbone: dict[str, Any] = {
            "backbone_units": backbone_units,
            "backbone_layers": backbone_layers,
            "backbone_dropout": backbone_dropout,
            "backbone_activation": backbone_activation,
        }
        wiring = _wiring(units, input_size)
        backbone = {name: v for name, v in backbone.items() if v is not None}
        cell: Cell
        wired = not isinstance(units, Integral)
        if wired:
            for name, value in backbone.items():
                wired_only(value, name)
            _refuse_idle("gaps", gaps, "a wiring")
            cell = WiredCfCCell(
                wiring, mode=mode, time_constants=time_constants, generator=generator
            )
        else:
            if mode != "exponential":
                _refuse_idle("time_constants", time_constants, "an int")
            cell = CfCCell(
                wiring.n_inputs,
                wiring.n_neurons,
                mode=mode,
                gaps=gaps,
                time_constants=time_constants,
                generator=generator,
                **backbone,
            )
        super().__init__(
            cell,
            wiring,
            return_sequences=return_sequences,
            mixed_memory=mixed_memory,
            proj_size=proj_size,
            backend=backend,
            generator=generator,
        )


def _refuse_idle(name: str, value: object, units: str) -> None:
    if value is not None:
        raise InvalidInputError(
            f"{name}={value!r} has no effect on a CfC whose units are {units}. Leave "
            f"{name} out."
        )


def check_lengths(
    lengths: Any, batch: int, steps: int, device: torch.device
) -> Tensor | None:
    """Return lengths as an int64 tensor (B,), or None if there are none."""
    if lengths is None:
        return None
    lengths = torch.as_tensor(lengths, device=device)
    bad = lengths.shape != (batch,) or lengths.is_floating_point()
    # While a graph is traced there are no numbers to look at; the cells cut lengths
    # that are out of range.
    if not bad and readable(lengths):
        bad = bool(((lengths < 0) | (lengths > steps)).any())
    if bad:
        raise InvalidInputError(
            f"lengths must be {batch} whole numbers from 0 to {steps}, one per "
            f"sequence, got {lengths}."
        )
    return lengths.to(torch.int64)


def _wiring(units: Any, input_size: int) -> Wiring:
    if isinstance(units, Integral) and not isinstance(units, bool):
        return Wiring.full(input_size, int(units))
    if hasattr(units, "adjacency_matrix"):  # of ncps
        return build_wiring(units, input_size, None, None)
    if not isinstance(units, Wiring):
        raise InvalidInputError(
            "units must be an int, an LNN.Wiring or an ncps wiring, got "
            f"{type(units).__name__}. Make one: Wiring.ncp(n_inputs={input_size}, "
            "n_neurons=28, n_outputs=4) is the AutoNCP(28, 4) of ncps."
        )
    if units.n_inputs != input_size:
        raise InvalidInputError(
            f"The wiring was built for {units.n_inputs} inputs, input_size is "
            f"{input_size}. Build the wiring with n_inputs={input_size}."
        )
    return units


def _refuse_spans_as_state(state: Any, inputs: Tensor, neurons: int) -> None:
    """Tell time spans in the place of a state, the second one, by their shape."""
    steps = inputs.shape[:2]
    if isinstance(state, Tensor) and state.shape == steps and steps[1] != neurons:
        raise InvalidInputError(
            f"The state must be of shape (batch, neurons) = {(steps[0], neurons)}, got "
            f"{tuple(steps)}, which is (batch, time). Time spans go by name: "
            "timespans=..."
        )


def _map_state(state: State, function: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(state, tuple | list):
        return tuple(function(part) for part in state)
    return function(state)
