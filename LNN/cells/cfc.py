"""The closed-form continuous-time cells (CfC): with a backbone, and wired."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from LNN._module_list import ModuleListOf
from LNN._plain import takes_any_number
from LNN.cells.base import Cell, choice
from LNN.cells.dropout import Dropout
from LNN.cells.hooks import are_parts_watched
from LNN.cells.synapses import (
    SynapseIndex,
    inverse_softplus,
    linear,
    log_uniform,
    refuse_other_wiring,
    uniform,
)
from LNN.exceptions import InvalidInputError
from LNN.wiring import Edges, Wiring, given_wiring

MODES = ("default", "no_gate", "pure", "exponential")
# How steep gates are that start as thresholds on the elapsed time: a quarter of a
# typical gap away they are at 0.12 and 0.88 (docu/defaults.md, "Irregular gaps").
STEEPNESS = 8.0


def lecun_tanh(x: Tensor) -> Tensor:
    """Return 1.7159 tanh(0.666 x) (LeCun et al., Efficient BackProp, 1998)."""
    return 1.7159 * torch.tanh(0.666 * x)


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "lecun_tanh": lecun_tanh,
    "tanh": torch.tanh,
    "relu": F.relu,
    "silu": F.silu,
    "gelu": F.gelu,
}


def map_names(mode: str) -> tuple[str, ...]:
    """Return the maps (heads) that a mode evaluates."""
    few = {"pure": ("ff1",), "exponential": ("ff1", "time_a")}
    return few.get(mode, ("ff1", "ff2", "time_a", "time_b"))


def closed_form(
    mode: str,
    maps: tuple[Tensor, ...],
    state: Tensor,
    dt: Tensor,
    asymptote: Tensor | None = None,
    rate: Tensor | None = None,
) -> Tensor:
    """Return the new state from the values of the maps (Hasani et al. 2022, eq. 10).

    "exponential" alone reads the neurons' own `state` here, "pure" alone `asymptote`
    and `rate`.
    """
    if mode == "pure" and asymptote is not None and rate is not None:
        # Absolute values keep the exponent from growing with time.
        (f,) = maps
        return asymptote - asymptote * torch.exp(-dt * (rate.abs() + f.abs())) * f
    if mode == "exponential":
        goal, speed = torch.tanh(maps[0]), F.softplus(maps[1])
        # Not 1 - exp: that has no digits left where little time goes by.
        return state - torch.expm1(-dt * speed) * (goal - state)
    f1, f2 = torch.tanh(maps[0]), torch.tanh(maps[1])
    s = torch.sigmoid(maps[2] * dt + maps[3])
    return f1 + s * f2 if mode == "no_gate" else f1 + s * (f2 - f1)


class _CfC(Cell):
    """What both CfC cells share: the mode and, for "pure", its two vectors."""

    A: nn.Parameter | None
    w_tau: nn.Parameter | None

    def _set_mode(self, mode: str, n: int, generator: torch.Generator | None) -> None:
        choice("mode", mode, MODES)
        self.mode = mode
        self.maps = map_names(mode)
        pure = mode == "pure"
        self.register_parameter("A", nn.Parameter(torch.ones(n)) if pure else None)
        # Not zero: |w_tau| has no gradient there, so it would never move.
        bound = (6 / (1 + n)) ** 0.5  # Glorot's, as in ncps
        rate = nn.Parameter(uniform(n, 0, bound, generator)) if pure else None
        self.register_parameter("w_tau", rate)


class CfCCell(_CfC):
    r"""Closed-form continuous-time cell, fully connected, with a backbone.

    A backbone reads input and state; each map :math:`f_1, f_2, t_a, t_b` is linear
    in its features z:

    .. math::

        s = \mathrm{sigmoid}(t_a(z) \Delta t + t_b(z)), \quad
        h' = \tanh f_1(z) (1 - s) + \tanh f_2(z) s

    ``mode="no_gate"`` is :math:`\tanh f_1 + s \tanh f_2`, and ``mode="pure"`` is
    :math:`A - A \exp(-\Delta t (|w_\tau| + |f_1|)) f_1`.

    ``mode="exponential"`` has two maps in place of four. Its state is a liquid neuron
    that decays towards :math:`\tanh f_1(z)` with the time constant
    :math:`\tau = 1 / \mathrm{softplus}(t_a(z))`:

    .. math::

        \dot h = (\tanh f_1 - h) / \tau, \quad
        h' = h + (1 - e^{-\Delta t\, \mathrm{softplus}(t_a)}) (\tanh f_1 - h)

    solved exactly over a step, with input and state held in the maps: the exponential
    Euler method. States stay within :math:`\pm 1` for every :math:`\Delta t`, and no
    time changes nothing. It is a relative of the CfC of the paper: its first branch is
    the state itself, its gate an exact decay. At :math:`\Delta t = 1` the gate is
    :math:`\mathrm{sigmoid}(t_a)`, and the cell is a minimal gated unit.

    Parameters
    ----------
    input_size, hidden_size : int
    mode : {"default", "no_gate", "pure", "exponential"}, default="default"
        The first three are the forms of the paper.
    backbone_units : int, default=128
    backbone_layers : int, default=None
        None is 1, and 0 for "exponential". 0 lets the maps read input and state
        directly.
    backbone_dropout : float, default=0.0
        Applied after every backbone layer while training.
    backbone_activation : {"lecun_tanh", "tanh", "relu", "silu", "gelu"}
    gaps : tuple of float, default=None
        For irregular time: which share of the gaps is not typical, the shortest gap and
        the longest, where a gap of 1 is typical. This share of the gates start as
        thresholds spread over the gaps, so that the state tells gaps apart from the
        beginning. None starts every gate near one half, where it hardly depends on
        time. "pure" has no such gates and ignores it. In "exponential" this share of
        the neurons start with these gaps as their time constants.
    time_constants : tuple of float, default=None
        For "exponential", see `WiredCfCCell`; others ignore it.
    generator : torch.Generator, default=None
        Source of the initial values; None is torch's global generator.

    References
    ----------
    Hasani et al., Closed-form continuous-time neural networks, Nature Machine
    Intelligence 2022. "exponential": Hasani et al., Liquid time-constant networks, AAAI
    2021 (the idea of a time constant that depends on input and state); Hochbruck and
    Ostermann, Exponential integrators, Acta Numerica 2010 (the method, section 2.1);
    Zhou et al., Minimal gated unit for recurrent neural networks, 2016 (the same
    without time).

    Examples
    --------
    >>> import torch
    >>> from LNN import CfCCell
    >>> outputs, state = CfCCell(3, 8)(torch.randn(5, 3), dt=torch.rand(5))
    >>> state.shape
    torch.Size([5, 8])
    """

    ff1: nn.Linear
    ff2: nn.Linear
    time_a: nn.Linear
    time_b: nn.Linear

    @takes_any_number
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        mode: str = "default",
        backbone_units: int = 128,
        backbone_layers: int | None = None,
        backbone_dropout: float = 0.0,
        backbone_activation: str = "lecun_tanh",
        gaps: tuple[float, float, float] | None = None,
        time_constants: tuple[float, float] | None = None,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        if hasattr(hidden_size, "n_neurons") or hasattr(hidden_size, "units"):
            raise InvalidInputError(
                "CfCCell expects hidden_size as an int, got the wiring "
                f"{type(hidden_size).__name__}. The cell on a wiring is another one: "
                f"WiredCfCCell(wiring, {input_size})."
            )
        if backbone_layers is None:
            backbone_layers = 0 if mode == "exponential" else 1
        choice("backbone_activation", backbone_activation, tuple(ACTIVATIONS))
        self.input_size = input_size
        self.state_size = self.output_size = hidden_size
        self.backbone_activation = backbone_activation
        sizes = [input_size + hidden_size] + [backbone_units] * backbone_layers
        self.backbone = ModuleListOf(
            linear(a, b, generator) for a, b in zip(sizes[:-1], sizes[1:], strict=True)
        )
        self.dropout = Dropout(backbone_dropout)
        self._set_mode(mode, hidden_size, generator)
        for name in self.maps:
            setattr(self, name, linear(sizes[-1], hidden_size, generator))
        if time_constants is not None and mode == "exponential":
            self._spread_time_constants(*time_constants, generator)
        if gaps is not None and mode != "pure":
            self._watch(*gaps, generator)

    @torch.no_grad()
    def _spread_time_constants(
        self, shortest: float, longest: float, generator: torch.Generator | None
    ) -> None:
        """Start with time constants that are log-uniform, driven by the inputs."""
        tau = log_uniform(self.state_size, shortest, longest, generator)
        self.time_a.bias.copy_(inverse_softplus(1 / tau))
        # In a backbone input and state are mixed: no weight is the state's alone.
        if not len(self.backbone):
            self.ff1.weight[:, self.input_size :].mul_(0.3)

    @torch.no_grad()
    def _watch(
        self,
        share: float,
        shortest: float,
        longest: float,
        generator: torch.Generator | None,
    ) -> None:
        """Start a share of the neurons so that they tell gaps apart."""
        if not (0 <= share <= 1 and 0 < shortest <= longest < float("inf")):
            raise InvalidInputError(
                "gaps must be (share, shortest, longest) with a share from 0 to 1 and "
                f"0 < shortest <= longest, got {(share, shortest, longest)}."
            )
        n = round(share * self.state_size)
        chosen = torch.randperm(self.state_size, generator=generator)[:n]
        low, high = torch.log(torch.tensor([float(shortest), float(longest)]))
        gaps = torch.exp(low + (high - low) * (torch.arange(n) + 0.5) / n)
        if self.mode == "exponential":
            self.time_a.bias[chosen] = inverse_softplus(1 / gaps).to(self.time_a.bias)
        else:
            self._spread_gates(chosen, gaps)

    def _spread_gates(self, chosen: Tensor, threshold: Tensor) -> None:
        """Start a share of the gates as a thermometer of the elapsed time.

        Gate i is sigmoid(steepness (dt - threshold_i)), thresholds evenly spread over
        the logarithm of the gaps. What a gap means is then a linear map of the states;
        gates at Glorot's values take dozens of epochs to become so steep. What a gate
        decides between starts equal: time does nothing before it is learnt.
        """
        # Steep enough for multiples of a typical gap, and for shorter ones.
        steepness = STEEPNESS / threshold.clamp_max(1.0)
        self.time_a.bias[chosen] = steepness
        self.time_b.bias[chosen] = -steepness * threshold
        # Equal branches of "default"; "no_gate" adds what its gate lets through.
        gated = self.ff1.weight[chosen] if self.mode == "default" else 0.0
        self.ff2.weight[chosen] = gated

    def _first(self) -> tuple[Tensor, Tensor]:
        """Return weight and bias of the first affine map, the one that reads [x, h]."""
        if len(self.backbone):
            first = self.backbone[0]
            return first.weight, first.bias
        return self._heads()

    def _heads(self) -> tuple[Tensor, Tensor]:
        # One product per step in place of one per map.
        heads = [getattr(self, name) for name in self.maps]
        weight = torch.cat([head.weight for head in heads])
        return weight, torch.cat([head.bias for head in heads])

    def drive(self, inputs: Tensor) -> Tensor:
        """Apply the input part of the first affine map."""
        if are_parts_watched(self):
            return inputs  # for `_maps_by_calls`
        # A map of [x, h] is the sum of two: that of x needs no state, so it is one
        # product for all steps.
        weight, bias = self._first()
        return F.linear(inputs, weight[:, : self.input_size], bias)

    def constants(self) -> tuple:
        """Return the state part of the first map, and the heads as one map.

        Both are None where a part has hooks and so has to be called.
        """
        if are_parts_watched(self):
            return None, None
        return self._first()[0][:, self.input_size :], self._heads()

    def step(
        self, drive: Tensor, state: Tensor, dt: Tensor, constants: tuple
    ) -> Tensor:
        """Advance by dt (B, 1)."""
        maps = self.values_of_maps(drive, state, constants)
        return closed_form(self.mode, maps, state, dt, self.A, self.w_tau)

    def values_of_maps(
        self, drive: Tensor, state: Tensor, constants: tuple
    ) -> tuple[Tensor, ...]:
        """Return what the maps of a step are, each (B, N)."""
        recurrent, heads = constants
        if recurrent is None:
            return self._maps_by_calls(drive, state)
        z = drive + F.linear(state, recurrent)
        if len(self.backbone):
            activation = ACTIVATIONS[self.backbone_activation]
            z = self.dropout(activation(z))
            for layer in self.backbone[1:]:
                z = self.dropout(activation(layer(z)))
            z = F.linear(z, *heads)
        return z.chunk(len(self.maps), dim=-1)

    def _maps_by_calls(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, ...]:
        """Return the maps by calling every part as a module, so that its hooks run."""
        activation = ACTIVATIONS[self.backbone_activation]
        z = torch.cat([inputs, state], dim=-1)
        for layer in self.backbone:
            z = self.dropout(activation(layer(z)))
        return tuple(getattr(self, name)(z) for name in self.maps)

    def outputs(self, states: Tensor) -> Tensor:
        """Every neuron is an output."""
        return states


class WiredCfCCell(_CfC):
    r"""Closed-form continuous-time cell on a wiring: every map is masked alike.

    The closed form of `CfCCell` without a backbone: each map of neuron j reads the
    sources of j's synapses, and j's own state. Layers (inter, command, motor) are
    evaluated in order within a step: a synapse from an earlier layer carries the new
    state, any other the state of the step before.

    Parameters
    ----------
    wiring : Wiring or ncps wiring
        Which synapses exist. State column j is neuron j of the wiring.
    input_size : int, default=None
        Needed for an ncps wiring that is not built; None is what the wiring has.
    mode : {"default", "no_gate", "pure", "exponential"}, default="default"
    map_edges : dict of str to (sensory, recurrent) Edges, default=None
        Another set of synapses for single maps, by name ("ff1", "ff2", "time_a",
        "time_b"): only for networks trained by other libraries, see `from_ncps`.
    time_constants : tuple of float, default=None
        Range (shortest, longest), in units of dt, of the neurons' memory at the
        start, drawn log-uniformly: each neuron begins as a leaky integrator,
        :math:`h' \approx (1 - 1/\tau) h + f_2 / \tau`; in "exponential" tau is the
        time constant itself. None starts from Glorot values. "pure" has no such state
        and ignores it.
    generator : torch.Generator, default=None
        Source of the initial values; None is torch's global generator.

    References
    ----------
    Hasani et al., Closed-form continuous-time neural networks, Nature Machine
    Intelligence 2022. Lechner et al., Neural circuit policies, Nature Machine
    Intelligence 2020.

    Examples
    --------
    >>> import torch
    >>> from LNN import Wiring
    >>> from LNN.cells import WiredCfCCell
    >>> wiring = Wiring.ncp(n_inputs=3, n_neurons=12, n_outputs=2)
    >>> outputs, state = WiredCfCCell(wiring)(torch.randn(5, 3))
    >>> outputs.shape, state.shape
    (torch.Size([5, 2]), torch.Size([5, 12]))
    """

    order: Tensor
    place: Tensor
    ff1_recurrent_index: SynapseIndex
    ff1_sensory_index: SynapseIndex
    ff1_bias: nn.Parameter
    time_a_bias: nn.Parameter
    ff1_recurrent: nn.Parameter
    ff1_sensory: nn.Parameter
    ff2_recurrent: nn.Parameter
    time_b_bias: nn.Parameter

    @takes_any_number
    def __init__(
        self,
        wiring: Wiring,
        input_size: int | None = None,
        *,
        mode: str = "default",
        map_edges: Mapping[str, tuple[Edges, Edges]] | None = None,
        time_constants: tuple[float, float] | None = None,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        wiring = given_wiring(wiring, input_size, self)
        self.wiring = wiring
        self.input_size = wiring.n_inputs
        self.state_size = wiring.n_neurons
        self.output_size = wiring.n_outputs
        self._set_mode(mode, wiring.n_neurons, generator)
        self._order_layers(wiring)
        self._make_maps(wiring, map_edges or {}, generator)
        if time_constants is not None and mode != "pure":
            self._spread_time_constants(*time_constants, generator)

    def _order_layers(self, wiring: Wiring) -> None:
        """Lay neurons out in evaluation order, so that a layer is a slice."""
        order = _evaluation_order(wiring)
        self.register_buffer("order", torch.tensor(order))
        self.register_buffer("place", torch.tensor(np.argsort(order)))
        ends = np.cumsum([len(layer.neurons) for layer in wiring.layers])
        self.slices = list(zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True))

    def _make_maps(
        self,
        wiring: Wiring,
        map_edges: Mapping[str, tuple[Edges, Edges]],
        generator: torch.Generator | None,
    ) -> None:
        n_in, n = wiring.n_inputs, wiring.n_neurons
        common = (wiring.sensory, _with_own_state(wiring.recurrent, n))
        for name in self.maps:
            sensory, (source, target) = common
            if name in map_edges:
                sensory, recurrent = map_edges[name]
                source, target = _with_own_state(recurrent, n)
            inputs = SynapseIndex(sensory.source, sensory.target, n_in, n)
            states = SynapseIndex(source, target, n, n)
            # Glorot's bound for as many synapses as the neuron really has: a dense
            # layer's would shrink the sums of a sparse one.
            fan_in = np.bincount(sensory.target, minlength=n) + np.bincount(target)
            bound = torch.tensor(np.sqrt(3 / fan_in), dtype=torch.get_default_dtype())
            setattr(self, f"{name}_sensory_index", inputs)
            setattr(self, f"{name}_recurrent_index", states)
            for kind, index in (("sensory", inputs), ("recurrent", states)):
                b = bound[index.edges[1]]
                value = nn.Parameter(uniform(len(index), -b, b, generator))
                self.register_parameter(f"{name}_{kind}", value)
            self.register_parameter(f"{name}_bias", nn.Parameter(torch.zeros(n)))

    @torch.no_grad()
    def _spread_time_constants(
        self, shortest: float, longest: float, generator: torch.Generator | None
    ) -> None:
        """Start as leaky integrators: f1 carries the state, s = 1 / tau writes.

        What is written comes from the inputs rather than from other neurons: dense
        recurrence at Glorot's size trains badly over long sequences.
        """
        tau = log_uniform(self.state_size, shortest, longest, generator)
        if self.mode == "exponential":
            # The state decays by itself: f1 need not carry it.
            self.time_a_bias.copy_(inverse_softplus(1 / tau))
            self.ff1_recurrent.mul_(0.3)
            return
        # logit(1 / tau), kept finite for tau near 1.
        self.time_b_bias.copy_(-torch.log((tau - 1).clamp_min(0.05)))
        source, target = self.ff1_recurrent_index.edges
        own = torch.tensor(source == target)
        # The sizes are those of docu/defaults.md, "How the CfC starts".
        self.ff1_recurrent.mul_(0.1)
        self.ff1_sensory.mul_(0.1)
        self.ff1_recurrent[own] = 1.0
        self.ff2_recurrent.mul_(0.3)

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        order, loaded = _evaluation_order(self.wiring), state_dict.get(f"{prefix}order")
        refuse_other_wiring(f"{prefix}order", loaded, order, "neurons in an order")
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    def enter(self, state: Tensor) -> Tensor:
        """Bring a state into evaluation order."""
        return state[..., self.order] if len(self.slices) > 1 else state

    def leave(self, states: Tensor) -> Tensor:
        """Bring states back into the wiring's order."""
        return states[..., self.place] if len(self.slices) > 1 else states

    def _by_layer(self, per_map: list[Tensor]) -> list[Tensor]:
        """Cut (..., N) tensors, one a map, into one (..., maps x layer) a layer."""
        ordered = [m[..., self.order] for m in per_map]
        return [torch.cat([m[..., a:b] for m in ordered], -1) for a, b in self.slices]

    def drive(self, inputs: Tensor) -> Tensor:
        """Return what inputs and biases add to each map, layer by layer."""
        weights, biases = [], []
        for name in self.maps:
            index = getattr(self, f"{name}_sensory_index")
            weights.append(index.dense(getattr(self, f"{name}_sensory")))
            biases.append(getattr(self, f"{name}_bias"))
        weight = torch.cat(self._by_layer(weights), dim=-1)
        return inputs @ weight + torch.cat(self._by_layer(biases), dim=-1)

    def constants(self) -> tuple:
        """Return each layer's recurrent weights (N, maps x layer) and A, w_tau."""
        dense = []
        for name in self.maps:
            index = getattr(self, f"{name}_recurrent_index")
            dense.append(index.dense(getattr(self, f"{name}_recurrent"))[self.order])
        if self.A is None or self.w_tau is None:
            return self._by_layer(dense), (None, None)
        return self._by_layer(dense), (self.A[self.order], self.w_tau[self.order])

    def step(
        self, drive: Tensor, state: Tensor, dt: Tensor, constants: tuple
    ) -> Tensor:
        """Advance by dt (B, 1); the state is in evaluation order."""
        for layer in range(len(self.slices)):
            maps = self.values_of_maps(layer, drive, state, constants)
            state = self.with_layer(layer, maps, state, dt, constants)
        return state

    def values_of_maps(
        self, layer: int, drive: Tensor, state: Tensor, constants: tuple
    ) -> tuple[Tensor, ...]:
        """Return what a layer's maps are, each (B, neurons of the layer).

        The state has the new values of earlier layers and the old ones of all others.
        """
        # `drive` and `constants` have a layer's maps side by side, so that a layer is
        # one product and its drive one slice.
        begin, end = (len(self.maps) * edge for edge in self.slices[layer])
        z = drive[..., begin:end] + state @ constants[0][layer]
        return z.chunk(len(self.maps), dim=-1)

    def with_layer(
        self,
        layer: int,
        maps: tuple[Tensor, ...],
        state: Tensor,
        dt: Tensor,
        constants: tuple,
    ) -> Tensor:
        """Return the state once a layer's neurons have their new values."""
        a, b = self.slices[layer]
        pure = tuple(part[a:b] for part in constants[1]) if self.mode == "pure" else ()
        h = closed_form(self.mode, maps, state[..., a:b], dt, *pure)
        # From here on, later layers see this layer's new state. Not in place: the way
        # back needs the old one.
        return torch.cat([state[..., :a], h, state[..., b:]], dim=-1)

    def outputs(self, states: Tensor) -> Tensor:
        """Read the motor neurons, the first `output_size` columns."""
        return states[..., : self.output_size]

    def extra_repr(self) -> str:
        """Name the wiring and the mode."""
        return f"{self.wiring!r}, mode={self.mode!r}"


def _evaluation_order(wiring: Wiring) -> np.ndarray:
    """List the neurons layer by layer."""
    return np.concatenate([layer.neurons for layer in wiring.layers])


def _with_own_state(recurrent: Edges, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Add the edges j -> j that are not there yet, sorted by target."""
    everyone = np.arange(n)
    source = np.concatenate([recurrent.source, everyone])
    target = np.concatenate([recurrent.target, everyone])
    pairs = np.unique(target * n + source)
    return pairs % n, pairs // n


def wired_only(value: object, name: str) -> None:
    """Refuse a backbone parameter where there is no backbone."""
    if value is not None:
        raise InvalidInputError(
            f"{name}={value!r} was given with a wiring, but a wired CfC has no "
            f"backbone: its maps read the synapses directly. Leave {name} out, or "
            'use wiring="full" (units as an int) for the backbone.'
        )
