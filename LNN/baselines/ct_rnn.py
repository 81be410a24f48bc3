"""CT-RNN: neurons that leak, driven by a tanh of inputs and states."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from LNN._plain import takes_any_number
from LNN.baselines.base import Baseline, input_map, recurrent_map

UNFOLDS = 6


class CTRNN(Baseline):
    r"""Continuous-time recurrent network.

    .. math:: \dot h = -h / \tau + \tanh(W x + U h + b)

    over the time elapsed before each step, with the input of that step: `UNFOLDS` equal
    solver steps, each with the tanh held and the leak exact,

    .. math::

        h \leftarrow e^{-\delta / \tau} h + \tau (1 - e^{-\delta / \tau})
        \tanh(W x + U h + b), \quad \delta = \Delta t / 6.

    So no gap is too long (every state stays between its start and :math:`\pm\tau`),
    and a gap of 0 changes nothing.

    Parameters
    ----------
    input_size, n_neurons : int
    generator : torch.Generator, default=None

    Notes
    -----
    Each neuron has a trainable tau, which starts at 1. The code of the LTC paper keeps
    1, and takes six explicit Euler steps of 0.1 at every sample, whatever the time
    between them; over the time elapsed such steps would explode in long gaps.

    References
    ----------
    Funahashi and Nakamura, Approximation of dynamical systems by continuous time
    recurrent neural networks, Neural Networks 1993.
    Hasani et al., Liquid time-constant networks, AAAI 2021 (the comparison).

    Examples
    --------
    >>> import torch
    >>> from LNN.baselines import CTRNN
    >>> layer = CTRNN(3, 8)
    >>> inputs, gaps = torch.randn(5, 7, 3), torch.rand(5, 7)
    >>> states, final = layer.run(inputs, None, gaps, None)
    >>> states.shape, final.shape
    (torch.Size([5, 7, 8]), torch.Size([5, 8]))
    """

    line = "dh/dt = -h / tau + tanh(W x + U h) over dt"

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
        self.inputs = input_map(input_size, n_neurons, 1, generator)
        self.recurrent = recurrent_map(n_neurons, n_neurons, 1, generator)
        # The logarithm, so that tau stays positive however it is trained.
        self.log_tau = nn.Parameter(torch.zeros(n_neurons))

    def advance(self, inputs: Tensor, state: Tensor, spans: Tensor) -> Tensor:
        """Return the states after every step; a state is u = h / tau.

        In u the equation has one constant less: u <- f + exp(-delta / tau) (u - f).
        """
        tau = self.log_tau.exp()
        # U reads h = tau u.
        weight = tau.unsqueeze(-1) * self.recurrent
        drives = self.inputs(inputs).unbind(1)
        leaks = torch.exp(-(spans / UNFOLDS).unsqueeze(-1) / tau).unbind(1)
        states = []
        for drive, leak in zip(drives, leaks, strict=True):
            for _ in range(UNFOLDS):
                goal = torch.tanh(torch.addmm(drive, state, weight))
                state = torch.lerp(goal, state, leak)
            states.append(state)
        return torch.stack(states, dim=1)

    def visible(self, states: Tensor) -> Tensor:
        """Return h = tau u."""
        return states * self.log_tau.exp()
