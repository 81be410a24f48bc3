"""The whole network: optional encoder, liquid layers, read-out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from LNN import models
from LNN._module_list import ModuleListOf
from LNN._plain import takes_any_number
from LNN.cells.base import check_timespans, choice, past_end
from LNN.cells.dropout import Dropout
from LNN.cells.hooks import call
from LNN.cells.names import packed_hint
from LNN.cells.own_weights import OwnWeights
from LNN.cells.synapses import linear
from LNN.exceptions import InvalidInputError
from LNN.layers import check_lengths
from LNN.models import Layer, ModelType
from LNN.network_state import (
    refuse_state_as_spans,
    states_of_layers,
    warns_of_unnamed_spans,
)
from LNN.own_scale import OwnScale
from LNN.patching import Patching
from LNN.pooling import POOLINGS, pooled, pooled_size
from LNN.wiring import Wiring, build_wiring


class LiquidNetwork(OwnWeights):
    """Liquid layers with a read-out, as one torch module.

    Parameters
    ----------
    input_size : int
        Features per step that the first layer reads: those of the data, or the
        outputs of the encoder if there is one.
    hidden_size : int
        Neurons per layer.
    output_size : int
    model_type : str, default="CfC"
        One of `LNN.models.MODELS`: a liquid cell, "CfC" or "LTC", or a model to
        compare with.
    wiring : {"ncp", "full", "random"}, Wiring, ncps wiring, matrix or list of Wiring, \
default="ncp"
        See `LNN.wiring.build_wiring`. "full" gives CfC its backbone. A list or tuple
        has the wiring of each layer, used as it is: no recurrence is added to it, and
        its motor neurons stay.
    sparsity, wiring_seed
        For the named wirings; None is their default.
    layer_recurrence : bool, default=None
        Connect all neurons of a layer to each other. None is True for CfC on the "ncp"
        wiring, because its neurons have no membrane of their own; otherwise the wiring
        decides.
    readout : {"dense", "motor"}, default="dense"
        A linear map of all neurons, or an affine map of each motor neuron.
    pooling : {"last", "mean", "max", "last+mean+max", "attention"}, default="last"
        What the read-out sees of a sequence's states, if there is one output per
        sequence: the last state, the mean or the maximum of each neuron, these three
        side by side, or a learnt weighted mean.
    return_sequences : bool, default=False
        One output per step, or one per sequence.
    n_layers : int, default=1
        Each further layer reads all neurons of the one before.
    dropout : float, default=0.0
        On the states that the dense read-out reads.
    mixed_memory, mode, solver, ode_unfolds, backbone_*, time_constants, gaps, backend
        As in `CfC` and `LTC`. `solver="explicit"` and "rk4" cannot take long gaps.
    encoder : nn.Module, default=None
        Applied to each step before the first layer: it gets (B * T, ...) and returns
        (B * T, input_size). For images, spectra, raw channels.
    own_scale : int, default=0
        So many channels, the first ones, are scaled by the mean and the spread that
        they have in their own sequence, which become inputs too; see `OwnScale`. Only
        with one output per sequence.
    patch : int, default=1
        Steps of the inputs that one step of the layers reads; see `Patching`. Only with
        one output per sequence.
    use_time : bool, default=False
        Give LSTM and GRU the elapsed time as an input; all others always use it.
    time_gates : bool, default=False
        Raise the gates of LSTM and GRU to the power of the elapsed time.
    neutral : Tensor of shape (F,), default=None
        For GRU-D where the inputs are what `missing="mask"` makes of F channels: the
        values that stand for the unknown.
    generator : torch.Generator, default=None
        Source of the initial weights; None is torch's global generator.

    Attributes
    ----------
    layers : ModuleList of SequenceLayer or Baseline
        From the inputs on.

    Examples
    --------
    >>> import torch
    >>> from LNN import LiquidNetwork
    >>> network = LiquidNetwork(3, 16, 2)
    >>> inputs, timespans = torch.randn(5, 7, 3), torch.rand(5, 7)
    >>> loss = network(inputs, timespans).square().mean()
    >>> loss.backward()
    """

    layers: ModuleListOf[Layer]
    parts_of_the_caller = ("encoder",)

    @takes_any_number
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        model_type: str = "CfC",
        mode: str = "default",
        wiring: Any = "ncp",
        sparsity: float | None = None,
        wiring_seed: int | None = None,
        layer_recurrence: bool | None = None,
        readout: str = "dense",
        pooling: str = "last",
        return_sequences: bool = False,
        n_layers: int = 1,
        dropout: float = 0.0,
        mixed_memory: bool = False,
        solver: str = "semi-implicit",
        ode_unfolds: int = 6,
        backbone_units: int | None = None,
        backbone_layers: int | None = None,
        backbone_dropout: float | None = None,
        backbone_activation: str | None = None,
        time_constants: tuple[float, float] | None = None,
        gaps: tuple[float, float, float] | None = None,
        backend: str = "auto",
        encoder: nn.Module | None = None,
        own_scale: int = 0,
        patch: int = 1,
        use_time: bool = False,
        time_gates: bool = False,
        neutral: Tensor | None = None,
        generator: torch.Generator | None = None,
    ):
        # By name, since each model type takes some of them and ignores the others.
        given = locals()
        super().__init__()
        _check_head(readout, pooling, return_sequences)
        model = models.find(model_type)
        _check_front(model, given)
        self.input_size, self.output_size = input_size, output_size
        self.pooling, self.return_sequences = pooling, return_sequences
        self.mode, self.ode_unfolds, self.patch = mode, ode_unfolds, patch
        self.encoder = encoder
        given["input_size"] = self._make_front(own_scale, use_time, generator)
        self.layers = _stack(model, given)
        self._make_head(readout, dropout, generator)

    def _make_front(
        self, own_scale: int, use_time: bool, generator: torch.Generator | None
    ) -> int:
        """Make what stands before the layers; return the inputs of the first one."""
        size = self.input_size
        self.own_scale = OwnScale(own_scale) if own_scale else None
        if self.own_scale is not None:
            size = self.own_scale.n_outputs(size)
        self.patching = None
        if self.patch > 1:
            self.patching = Patching(
                size, self.patch, reads_gaps=use_time, generator=generator
            )
            size = self.patching.n_outputs
        return size

    def _make_head(
        self, readout: str, dropout: float, generator: torch.Generator | None
    ) -> None:
        """Make what turns states into outputs."""
        n_neurons = self.layers[-1].n_neurons
        self.attention: nn.Linear | None = None
        if self.pooling == "attention":
            self.attention = linear(n_neurons, 1, generator)
        if readout == "motor":
            self.readout: nn.Sequential | MotorReadout = MotorReadout(self.output_size)
        else:
            n_read = pooled_size(self.pooling, n_neurons)
            head = linear(n_read, self.output_size, generator)
            self.readout = nn.Sequential(Dropout(dropout), head)

    def backend_for(self, device: torch.device, dtype: torch.dtype) -> str:
        """Return the kernel backend that training on a device runs on.

        Parameters
        ----------
        device : torch.device
        dtype : torch.dtype
            Of the inputs.

        Returns
        -------
        str
            "torch", "native" or "cuda".
        """
        return self.layers[0].backend_for(device, dtype)

    @property
    def wiring(self) -> Wiring | None:
        """The wiring of the last layer; None for the baselines."""
        return getattr(self.layers[-1], "wiring", None)

    @property
    def wirings(self) -> list[Wiring]:
        """The wiring of each layer; none for the baselines."""
        found = (getattr(layer, "wiring", None) for layer in self.layers)
        return [wiring for wiring in found if wiring is not None]

    @warns_of_unnamed_spans
    def forward(
        self,
        inputs: Tensor,
        timespans: Tensor | float | None = None,
        *,
        lengths: Tensor | None = None,
        state: tuple | None = None,
        return_state: bool = False,
    ) -> Tensor | tuple[Tensor, tuple]:
        """Map sequences to outputs.

        Parameters
        ----------
        inputs : Tensor of shape (B, T, input_size)
            With an encoder (B, T, ...), whatever it takes.
        timespans : Tensor of shape (B, T) or float, default=None
            Time elapsed before each step; None is 1. Pass it by name: by position it
            causes a warning if there are as many steps as neurons, since it then looks
            like a state.
        lengths : Tensor of shape (B,), default=None
            Valid steps per sequence.
        state : tuple, default=None
            One state per layer, as returned; None is zeros.
        return_state : bool, default=False

        Returns
        -------
        outputs : Tensor of shape (B, output_size) or (B, T, output_size)
        state : tuple
            Only if `return_state`.
        """
        features, last = self.features(
            inputs, timespans=timespans, lengths=lengths, state=state
        )
        outputs = self.readout(features)
        return (outputs, last) if return_state else outputs

    @warns_of_unnamed_spans
    def features(
        self,
        inputs: Tensor,
        timespans: Tensor | float | None = None,
        *,
        lengths: Tensor | None = None,
        state: tuple | None = None,
    ) -> tuple[Tensor, tuple]:
        """Run all but the read-out.

        Parameters
        ----------
        inputs, timespans, lengths, state
            As in `forward`.

        Returns
        -------
        features : Tensor of shape (B, n_read) or (B, T, n_read)
            What the read-out reads: the pooled states of a sequence, or with
            `return_sequences` the states of each step. n_read is `hidden_size`, three
            times that with pooling "last+mean+max".
        state : tuple
            The final state of each layer.
        """
        # Only the last layer's states that are read: kernels need not store the others.
        every = self.return_sequences or self.pooling != "last"
        states, last = self._run(inputs, timespans, lengths, state, every)
        if not self.return_sequences:
            if self.patching is not None:
                lengths = self.patching.n_steps(lengths)
            states = self.pool(states, lengths)
        return states, last

    @warns_of_unnamed_spans
    def states(
        self,
        inputs: Tensor,
        timespans: Tensor | float | None = None,
        *,
        lengths: Tensor | None = None,
        state: tuple | None = None,
    ) -> tuple[Tensor, tuple]:
        """Run all layers, without pooling and read-out.

        Parameters
        ----------
        inputs, timespans, lengths, state
            As in `forward`.

        Returns
        -------
        states : Tensor of shape (B, T, hidden_size)
            Those of the last layer, after each step; with `patch`, after each patch.
        state : tuple
            The final state of each layer.
        """
        return self._run(inputs, timespans, lengths, state, every=True)

    def _run(
        self,
        inputs: Tensor,
        timespans: Tensor | float | None,
        lengths: Tensor | None,
        state: Any,
        every: bool,
    ) -> tuple[Tensor, tuple]:
        """Run all layers; the states of the last one are (B, N) unless `every`."""
        read = self.front(inputs, timespans, lengths=lengths, state=state)
        return self.run_layers(*read, state, every)

    def front(
        self,
        inputs: Tensor,
        timespans: Tensor | float | None = None,
        *,
        lengths: Tensor | None = None,
        state: Any = None,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Check the arguments, and apply what stands before the first layer.

        That is the encoder, the scale of each sequence and the patches, if there are
        any.

        Parameters
        ----------
        inputs, timespans, lengths, state
            As in `forward`. The state is only checked.

        Returns
        -------
        inputs : Tensor of shape (B, T, n_features)
            As the first layer reads them; with `patch`, T counts patches.
        timespans : Tensor of shape (B, T)
        lengths : Tensor of shape (B,), or None
        """
        if not isinstance(inputs, Tensor):
            convert = "Convert it: torch.as_tensor(inputs, dtype=torch.float32)."
            raise InvalidInputError(
                f"{type(self).__name__} expects inputs as a tensor, got "
                f"{type(inputs).__name__}. {packed_hint(inputs) or convert}"
            )
        batch, steps = shape = inputs.shape[:2]
        lengths = check_lengths(lengths, batch, steps, inputs.device)
        if self.encoder is not None:
            inputs = self._encode(self.encoder, inputs, lengths)
        if state is None:
            neurons = [layer.n_neurons for layer in self.layers]
            refuse_state_as_spans(timespans, shape, neurons)
        spans = check_timespans(timespans, shape, inputs, lengths)
        if self.own_scale is not None or self.patching is not None:
            self._check_front(inputs, state)
        if self.own_scale is not None:
            inputs = self.own_scale(inputs, lengths)
        if self.patching is not None:
            inputs, spans, lengths = self.patching(inputs, spans, lengths)
        return inputs, spans, lengths

    def _check_front(self, inputs: Tensor, state: Any) -> None:
        """Refuse what `own_scale` and `patching` cannot read; layers check the rest."""
        if state is not None:
            raise InvalidInputError(
                "Expected no state: it does not hold the rows before, which scales of "
                "whole sequences (own_scale=) and patches read. Pass whole sequences."
            )
        # With an encoder its outputs are read, and `input_size` is how many there are.
        if inputs.ndim != 3 or inputs.shape[2] != self.input_size:
            raise InvalidInputError(
                f"{type(self).__name__} expects inputs of shape (batch, time, "
                f"{self.input_size}), got {tuple(inputs.shape)}. The layout is batch "
                "first, features last."
            )

    def run_layers(
        self,
        inputs: Tensor,
        timespans: Tensor,
        lengths: Tensor | None,
        state: Any,
        every: bool,
    ) -> tuple[Tensor, tuple]:
        """Run the layers on what `front` has returned.

        Parameters
        ----------
        inputs, timespans, lengths
            As `front` returns them.
        state : tuple or None
            As in `forward`.
        every : bool
            Whether to return the last layer's states of every step.

        Returns
        -------
        states : Tensor of shape (B, T, hidden_size), or (B, hidden_size)
            Those of the last layer; without `every`, after each last valid step.
        state : tuple
            The final state of each layer.
        """
        starts = states_of_layers(state, len(self.layers))
        finals = []
        for k, (layer, start) in enumerate(zip(self.layers, starts, strict=True)):
            # By place: torch.export gives a module of two names two identities.
            all_steps = every or k < len(self.layers) - 1
            # `run` is not `forward`, so torch does not see to the layer's hooks.
            run = partial(layer.run, all_steps=all_steps)
            inputs, final = call(layer, run, inputs, start, timespans, lengths)
            finals.append(final)
        return inputs, tuple(finals)

    @staticmethod
    def _encode(encoder: nn.Module, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Apply the encoder to the valid steps, and to no other."""
        batch, steps = inputs.shape[:2]
        if lengths is None:
            return encoder(inputs.flatten(0, 1)).unflatten(0, (batch, steps))
        # Padding would count in the statistics of a batch norm, and its NaN would pass
        # into the encoder's gradients.
        valid = ~past_end(lengths, steps)
        features = encoder(inputs[valid])
        encoded = features.new_zeros(batch, steps, *features.shape[1:])
        return encoded.masked_scatter(valid[..., None], features)

    def pool(self, states: Tensor, lengths: Tensor | None) -> Tensor:
        """Pool the states of sequences.

        Parameters
        ----------
        states : Tensor of shape (B, T, N), with pooling "last" (B, N)
        lengths : Tensor of shape (B,), or None
            Valid steps of each sequence.

        Returns
        -------
        Tensor of shape (B, n_read)
            What the read-out reads of a sequence.
        """
        if self.pooling == "last":
            return states  # it is one already
        if self.attention is None:
            return pooled(self.pooling, states, lengths)
        score = self.attention(states).squeeze(-1)
        if lengths is not None:
            lengths = torch.as_tensor(lengths, device=states.device)
            # An empty sequence still has its start, which every step repeats.
            padded = past_end(lengths.clamp_min(1), states.shape[1])
            score = score.masked_fill(padded, -torch.inf)
        weight = torch.softmax(score, dim=1)
        return (weight.unsqueeze(-1) * states).sum(1)


class MotorReadout(nn.Module):
    """Affine map of each motor neuron, the first `output_size` state columns.

    Parameters
    ----------
    output_size : int
    """

    @takes_any_number
    def __init__(self, output_size: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(output_size))
        self.bias = nn.Parameter(torch.zeros(output_size))

    def forward(self, states: Tensor) -> Tensor:
        """Map states (..., N) to outputs (..., output_size)."""
        return states[..., : len(self.weight)] * self.weight + self.bias


def _stack(model: ModelType, given: Mapping[str, Any]) -> ModuleListOf[Layer]:
    """Make layers on top of each other; each reads all neurons of the one below."""
    n_neurons, n_layers = given["hidden_size"], given["n_layers"]
    sizes = [given["input_size"]] + [n_neurons] * (n_layers - 1)
    units: Sequence[Wiring | int] = [n_neurons] * n_layers
    if model.liquid:
        units = layer_wirings(
            given["wiring"],
            sizes,
            n_neurons,
            given["output_size"],
            motor=given["readout"] == "motor",
            sparsity=given["sparsity"],
            seed=given["wiring_seed"],
            layer_recurrence=_recurrence(model, given),
        )
    known = {**given, "fully_connected": _is_named(given["wiring"], "full")}
    unknown = [name for name in model.takes if name not in known]
    if unknown:
        raise InvalidInputError(
            f"Expected the model type {model.name!r} to take arguments of "
            f"LiquidNetwork, got {unknown}. It may take: {', '.join(sorted(known))}."
        )
    taken = {name: known[name] for name in model.takes}
    layers: ModuleListOf[Layer] = ModuleListOf()
    for n_inputs, unit in zip(sizes, units, strict=True):
        # In order, from one generator: a seed gives the same network every time.
        layer = model.make(n_inputs, unit, generator=given["generator"], **taken)
        layers.append(layer)
        if "neutral" in taken:  # only the first layer reads channels and masks
            taken["neutral"] = None
    return layers


def layer_wirings(
    spec: Any,
    sizes: Sequence[int],
    n_neurons: int,
    n_outputs: int,
    *,
    motor: bool,
    sparsity: float | None = None,
    seed: int | None = None,
    layer_recurrence: bool = False,
) -> list[Wiring]:
    """Build the wiring of each layer.

    Parameters
    ----------
    spec
        As for `LiquidNetwork`. Wirings of a list are taken as they are.
    sizes : sequence of int
        Inputs of each layer.
    n_neurons, n_outputs : int
    motor : bool
        Whether the outputs are read off motor neurons: there must be one of each.
    sparsity, seed, layer_recurrence
        As in `build_wiring`.
    """
    n_motor = n_outputs if motor else None
    if _is_list_of_wirings(spec):
        if len(spec) != len(sizes):
            raise InvalidInputError(
                f"A list of wirings must have one for each of the {len(sizes)} layers, "
                f"got {len(spec)}. Set n_layers={len(spec)}, or give as many wirings."
            )
        pairs = zip(spec, sizes, strict=True)
        return [build_wiring(own, n, n_neurons, n_motor) for own, n in pairs]
    # A dense read-out reads all neurons, so fewer motor neurons than outputs will do:
    # at most a quarter, to leave the other layers some.
    if n_motor is None and isinstance(spec, str):
        n_motor = max(1, min(n_outputs, n_neurons // 4))
    # Layers of a stack differ, and the first is what a single layer would be.
    seeds = [seed] + [(seed or 0) + k for k in range(1, len(sizes))]
    return [
        build_wiring(
            spec,
            n_inputs,
            n_neurons,
            n_motor,
            sparsity=sparsity,
            seed=seed_of_layer,
            layer_recurrence=layer_recurrence,
        )
        for n_inputs, seed_of_layer in zip(sizes, seeds, strict=True)
    ]


def _is_list_of_wirings(spec: Any) -> bool:
    is_list = isinstance(spec, list | tuple) and len(spec) > 0
    return is_list and all(isinstance(part, Wiring) for part in spec)


def _is_named(spec: Any, name: str) -> bool:
    return isinstance(spec, str) and spec == name


def _recurrence(model: ModelType, given: Mapping[str, Any]) -> bool:
    """Return whether to wire every layer densely to itself; None asks the model."""
    if given["layer_recurrence"] is not None:
        return given["layer_recurrence"]
    return model.layer_recurrence and _is_named(given["wiring"], "ncp")


def _check_head(readout: str, pooling: str, return_sequences: bool) -> None:
    choice("readout", readout, ("dense", "motor"))
    choice("pooling", pooling, POOLINGS)
    if return_sequences and pooling != "last":
        raise InvalidInputError(
            f'pooling="{pooling}" makes one output of a whole sequence, but '
            'return_sequences asks for one per step. Use pooling="last".'
        )
    if readout == "motor" and pooled_size(pooling, 1) > 1:
        raise InvalidInputError(
            f'pooling="{pooling}" reads each neuron several times, but with '
            'readout="motor" each output is one motor neuron. Use readout="dense", or '
            'pooling="last", "mean" or "max".'
        )


def _check_front(model: ModelType, given: Mapping[str, Any]) -> None:
    """Refuse what cannot stand before the layers."""
    changes_channels = given["patch"] > 1 or given["own_scale"]
    if changes_channels and "neutral" in model.takes and given["neutral"] is not None:
        raise InvalidInputError(
            f"{model.name} reads each channel and its mask, but patch= and "
            'scale="sequence" make other inputs of them. Leave these out.'
        )
    if not given["return_sequences"]:
        return
    if given["patch"] > 1:
        raise InvalidInputError(
            f"patch={given['patch']} makes one step of {given['patch']}, but there is "
            "an output for each step. Use patch=1, or one output per sequence."
        )
    if given["own_scale"]:
        raise InvalidInputError(
            'The scale of a whole sequence (scale="sequence") would tell outputs '
            'within it what comes later. Use scale="standard", or one output per '
            "sequence."
        )
