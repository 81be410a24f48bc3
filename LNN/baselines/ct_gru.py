"""CT-GRU: a GRU whose gates choose time scales of memory."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from LNN._plain import takes_any_number
from LNN.baselines.base import Baseline, input_map, recurrent_map

SCALES = 8


class CTGRU(Baseline):
    r"""Continuous-time gated recurrent unit.

    Each neuron has one memory for each of eight time scales
    :math:`\tilde\tau_i = 10^{i/2}`, from 1 unit of time to 3162. At an event the
    memories have faded over the time before it, and then

    .. math::

        \hat h_i &\leftarrow e^{-\Delta t / \tilde\tau_i} \hat h_i, \quad
        h = \sum_i \hat h_i \\
        \ln\tau^R &= W^R x + U^R h + b^R, \quad
        r_i = \mathrm{softmax}_i(-(\ln\tau^R - \ln\tilde\tau_i)^2) \\
        q &= \tanh(W^Q x + U^Q \textstyle\sum_i r_i \hat h_i + b^Q) \\
        \ln\tau^S &= W^S x + U^S h + b^S, \quad
        s_i = \mathrm{softmax}_i(-(\ln\tau^S - \ln\tilde\tau_i)^2) \\
        \hat h_i &\leftarrow (1 - s_i) \hat h_i + s_i q, \quad
        h = \sum_i \hat h_i.

    Parameters
    ----------
    input_size, n_neurons : int
    generator : torch.Generator, default=None

    Notes
    -----
    The paper writes the fading behind the storing, as the time until the next event.
    Here it comes first, so that an output needs no time that has not passed: the
    memories that an event finds are the same. The state is what each neuron holds on
    each scale, (B, 8 * n_neurons), scale by scale.

    References
    ----------
    Mozer, Kazakov and Lindsey, Discrete event, continuous time RNNs, 2017
    (arXiv 1710.04110).

    Examples
    --------
    >>> import torch
    >>> from LNN.baselines import CTGRU
    >>> layer = CTGRU(3, 8)
    >>> inputs, gaps = torch.randn(5, 7, 3), torch.rand(5, 7)
    >>> states, final = layer.run(inputs, None, gaps, None)
    >>> states.shape, final.shape
    (torch.Size([5, 7, 8]), torch.Size([5, 64]))
    """

    line = (
        "eight memories per neuron, of time constants 10^(i/2), fade by "
        "exp(-dt / 10^(i/2)); gates choose which of them is read and which is written"
    )
    choices = 1  # time scales that a gate names per neuron

    @takes_any_number
    def __init__(
        self,
        input_size: int,
        n_neurons: int,
        *,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        self.input_size, self.n_neurons = input_size, n_neurons
        width = n_neurons * self.choices
        self.gate_inputs = input_map(input_size, width, 2, generator)
        self.gate_recurrent = recurrent_map(n_neurons, width, 2, generator)
        self.event_inputs = input_map(input_size, n_neurons, 1, generator)
        self.event_recurrent = recurrent_map(n_neurons, n_neurons, 1, generator)

    @property
    def state_size(self) -> int:
        """Columns of the state as one table."""
        return self.n_neurons * SCALES

    def advance(self, inputs: Tensor, state: Tensor, spans: Tensor) -> Tensor:
        """Return the memories after every step."""
        batch = inputs.shape[0]
        # Scales before neurons: sums and softmax over the last axis are slow when it
        # is short.
        scales = log_scales(inputs).unsqueeze(-1)
        gates = self.gate_inputs(inputs).unbind(1)
        events = self.event_inputs(inputs).unbind(1)
        fading = self.fading(spans).unsqueeze(-1).unbind(1)
        memory = state.reshape(batch, SCALES, self.n_neurons)
        states = []
        for gate, event, fade in zip(gates, events, fading, strict=True):
            memory = memory * fade
            gate = torch.addmm(gate, memory.sum(1), self.gate_recurrent)
            gate = gate.view(batch, 2, self.choices, self.n_neurons)
            retrieve, store = torch.softmax(self.closeness(gate, scales), 2).unbind(1)
            found = (retrieve * memory).sum(1)
            event = torch.tanh(torch.addmm(event, found, self.event_recurrent))
            memory = memory + store * (event.unsqueeze(1) - memory)
            states.append(memory)
        return torch.stack(states, dim=1).flatten(2)

    def fading(self, spans: Tensor) -> Tensor:
        """Return what is left of each memory after gaps (B, T), as (B, T, SCALES)."""
        return torch.exp(-spans.unsqueeze(-1) / log_scales(spans).exp())

    def closeness(self, named: Tensor, scales: Tensor) -> Tensor:
        """Return minus the squared distance of the ln tau named to each scale.

        Less the square of the ln tau, which is the same for all scales: softmax does
        not see it.
        """
        return named * (2 * scales) - scales.square()

    def visible(self, states: Tensor) -> Tensor:
        """Return each neuron's memories, added up."""
        return self._memories(states).sum(-2)

    def _memories(self, states: Tensor) -> Tensor:
        return states.unflatten(-1, (SCALES, self.n_neurons))


class PublishedCTGRU(CTGRU):
    r"""The CT-GRU as the code of the LTC paper has it.

    It differs from the rule of Mozer et al. in three points: memories fade by
    :math:`e^{-1 / \ln\tilde\tau_i}`, so that the first, of time constant 1, is lost at
    once and the others fade within 1 to 8 steps instead of 3 to 3162; they do so once
    a step, whatever the time between steps, and before they are read; and a gate names
    a ln tau for each neuron and scale, not for each neuron. Published CT-GRU scores of
    that paper presumably come from it.

    Parameters
    ----------
    input_size, n_neurons : int
    generator : torch.Generator, default=None

    References
    ----------
    Hasani et al., Liquid time-constant networks, AAAI 2021, and its repository
    raminmh/liquid_time_constant_networks, experiments_with_ltcs/ctrnn_model.py.
    """

    line = "the same with exp(-1 / ln 10^(i/2)), whatever dt"
    choices = SCALES

    def fading(self, spans: Tensor) -> Tensor:
        """Return what is left of each memory after a step, however long."""
        return _published_fading(spans).expand(*spans.shape, SCALES)

    def closeness(self, named: Tensor, scales: Tensor) -> Tensor:
        """Return minus the squared distance of each scale to the ln tau for it."""
        return (named - scales).square().neg()

    def visible(self, states: Tensor) -> Tensor:
        """Return each neuron's memories as they are after fading, added up."""
        kept = self._memories(states) * _published_fading(states).unsqueeze(-1)
        return kept.sum(-2)


def log_scales(like: Tensor) -> Tensor:
    """Return ln of the time scales, half a decade apart from 1 on."""
    step = torch.arange(SCALES, dtype=like.dtype, device=like.device)
    return step * (math.log(10) / 2)


def _published_fading(like: Tensor) -> Tensor:
    return torch.exp(-1 / log_scales(like))  # exp(-1 / 0) is 0
