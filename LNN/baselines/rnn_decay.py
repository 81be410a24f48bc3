"""RNN-decay: a GRU whose hidden state decays between observations."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from LNN._plain import takes_any_number
from LNN.baselines.base import Baseline, input_map, recurrent_map
from LNN.baselines.decay import Decay


class RNNDecay(Baseline):
    r"""Gated recurrent unit with exponential decay of its state.

    .. math::

        \hat h &= e^{-\max(0, w \Delta t + \beta)} h \\
        r &= \sigma(W_r x + U_r \hat h + b_r), \quad
        z = \sigma(W_z x + U_z \hat h + b_z) \\
        n &= \tanh(W_n x + b_n + r (U_n \hat h + c_n)) \\
        h &\leftarrow (1 - z) n + z \hat h

    with the GRU of `torch.nn.GRU` and one rate w, beta for all neurons.

    Parameters
    ----------
    input_size, n_neurons : int
    time_constants : tuple of float, default=None
        The second, "longest", is about how long states last at the start, in units of
        time; None is 10.
    generator : torch.Generator, default=None

    References
    ----------
    Rubanova, Chen and Duvenaud, Latent ODEs for irregularly-sampled time series,
    NeurIPS 2019 ("RNN-Decay"; its code has this cell).
    Che et al., Recurrent neural networks for multivariate time series with missing
    values, Scientific Reports 2018 (the decay).

    Examples
    --------
    >>> import torch
    >>> from LNN.baselines import RNNDecay
    >>> layer = RNNDecay(3, 8)
    >>> inputs, gaps = torch.randn(5, 7, 3), torch.rand(5, 7)
    >>> states, final = layer.run(inputs, None, gaps, None)
    >>> states.shape, final.shape
    (torch.Size([5, 7, 8]), torch.Size([5, 8]))
    """

    line = "h fades by exp(-max(0, w dt + b)), one w and b for all neurons; then a GRU"
    takes = ("time_constants",)

    @takes_any_number
    def __init__(
        self,
        input_size: int,
        n_neurons: int,
        *,
        time_constants: tuple[float, float] | None = None,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        self.input_size, self.n_neurons = input_size, n_neurons
        longest = time_constants[1] if time_constants else 10.0
        self.decay = Decay(1, 1, longest, generator=generator)
        self.inputs = input_map(input_size, n_neurons, 3, generator)
        self.recurrent = recurrent_map(n_neurons, n_neurons, 3, generator)
        # c_n, which the reset gate multiplies: other biases would add up to one.
        self.recurrent_bias = nn.Parameter(torch.zeros(n_neurons))

    def advance(self, inputs: Tensor, state: Tensor, spans: Tensor) -> Tensor:
        """Return the states after every step."""
        n = self.n_neurons
        gates, news = self.inputs(inputs).split([2 * n, n], dim=-1)
        keep = self.decay(spans.unsqueeze(-1))
        steps = zip(gates.unbind(1), news.unbind(1), keep.unbind(1), strict=True)
        to_gates, to_new = self.recurrent.split([2 * n, n], dim=-1)
        states = []
        for gate, new, left in steps:
            state = state * left
            gate = torch.sigmoid(torch.addmm(gate, state, to_gates))
            reset, update = gate.chunk(2, dim=-1)
            recall = torch.addmm(self.recurrent_bias, state, to_new)
            new = torch.tanh(torch.addcmul(new, reset, recall))
            state = torch.lerp(new, state, update)
            states.append(state)
        return torch.stack(states, dim=1)
