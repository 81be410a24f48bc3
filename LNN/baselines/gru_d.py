"""GRU-D: a GRU in which missing values and the hidden state decay with time."""

from __future__ import annotations

import torch
from torch import Tensor

from LNN._plain import takes_any_number
from LNN.baselines.base import Baseline, input_map, recurrent_map
from LNN.baselines.decay import Decay
from LNN.exceptions import InvalidInputError


class GRUD(Baseline):
    r"""Gated recurrent unit with trainable decays.

    With values x, masks m (1 where observed), last observed values x', means
    :math:`\tilde x` and the time :math:`\delta` since each channel was observed before,

    .. math::

        \gamma^x &= e^{-\max(0, w^x \delta + b^x)}, \quad
        \gamma^h = e^{-\max(0, W^h \delta + b^h)} \\
        \hat x &= m x + (1 - m)(\gamma^x x' + (1 - \gamma^x) \tilde x), \quad
        \hat h = \gamma^h h \\
        z &= \sigma(W_z \hat x + U_z \hat h + V_z m + b_z), \quad
        r = \sigma(W_r \hat x + U_r \hat h + V_r m + b_r) \\
        h &\leftarrow (1 - z) \hat h
        + z \tanh(W \hat x + U (r \hat h) + V m + b).

    Without masks all is observed: :math:`\hat x = x`, :math:`\delta` is the time
    elapsed, and there is no V.

    Parameters
    ----------
    input_size, n_neurons : int
    neutral : Tensor of shape (F,), default=None
        The means of the F channels. The inputs are then what `missing="mask"` makes of
        them, input_size = 3 F: held values, whether observed, log(1 + age). None: they
        are channels without masks.
    time_constants : tuple of float, default=None
        The second, "longest", is about how long values and states last at the start,
        in units of time; None is 10.
    generator : torch.Generator, default=None

    Notes
    -----
    An age is 0 where a channel is observed, :math:`\delta` is not: it is the age at the
    step before plus the time elapsed. So the ages of the last step are part of the
    state, (B, n_neurons + F).

    References
    ----------
    Che et al., Recurrent neural networks for multivariate time series with missing
    values, Scientific Reports 2018.

    Examples
    --------
    >>> import torch
    >>> from LNN.baselines import GRUD
    >>> layer = GRUD(3, 8)
    >>> inputs, gaps = torch.randn(5, 7, 3), torch.rand(5, 7)
    >>> states, final = layer.run(inputs, None, gaps, None)
    >>> states.shape, final.shape
    (torch.Size([5, 7, 8]), torch.Size([5, 8]))
    """

    line = (
        "h fades by exp(-max(0, W d)), and a missing value from the last one to the "
        "mean by exp(-max(0, w d)); then a GRU reads values and masks"
    )
    takes = ("time_constants", "neutral")
    neutral: Tensor | None

    @takes_any_number
    def __init__(
        self,
        input_size: int,
        n_neurons: int,
        *,
        neutral: Tensor | None = None,
        time_constants: tuple[float, float] | None = None,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        self.input_size, self.n_neurons = input_size, n_neurons
        longest = time_constants[1] if time_constants else 10.0
        n_read, n_times = input_size, 1
        if neutral is not None:
            n_times, n_read = len(neutral), 2 * len(neutral)
            _check_layout(input_size, n_times)
            self.input_decay = Decay(
                n_times, n_times, longest, each=True, generator=generator
            )
        self.register_buffer("neutral", neutral)
        self.state_decay = Decay(n_times, n_neurons, longest, generator=generator)
        self.inputs = input_map(n_read, n_neurons, 3, generator)
        # Apart: U of the candidate reads the state that the reset gate has cut.
        self.gate_recurrent = recurrent_map(n_neurons, n_neurons, 2, generator)
        self.new_recurrent = recurrent_map(n_neurons, n_neurons, 1, generator)

    @property
    def state_size(self) -> int:
        """Columns of the state as one table: neurons, and the channels' ages."""
        return self.n_neurons + (0 if self.neutral is None else len(self.neutral))

    def advance(self, inputs: Tensor, state: Tensor, spans: Tensor) -> Tensor:
        """Return the states after every step, and the ages beside them."""
        elapsed = spans.unsqueeze(-1)
        if self.neutral is None:
            return self._steps(inputs, state, self.state_decay(elapsed))
        held, seen, log_age = inputs.chunk(3, dim=-1)
        state, age_before = state.split([self.n_neurons, len(self.neutral)], dim=-1)
        age = log_age.expm1()  # undoes the log1p of `MissingRule`
        since = elapsed + torch.cat([age_before.unsqueeze(1), age[:, :-1]], dim=1)
        neutral = self.neutral.to(held.dtype)
        last = torch.lerp(neutral, held, self.input_decay(since))
        # Where a channel was seen, the held value is its own and has not decayed.
        read = torch.cat([torch.lerp(last, held, seen), seen], dim=-1)
        states = self._steps(read, state, self.state_decay(since))
        return torch.cat([states, age], dim=-1)

    def _steps(self, read: Tensor, state: Tensor, keep: Tensor) -> Tensor:
        n = self.n_neurons
        gates, news = self.inputs(read).split([2 * n, n], dim=-1)
        steps = zip(gates.unbind(1), news.unbind(1), keep.unbind(1), strict=True)
        states = []
        for gate, new, left in steps:
            state = state * left
            gate = torch.sigmoid(torch.addmm(gate, state, self.gate_recurrent))
            update, reset = gate.chunk(2, dim=-1)
            new = torch.tanh(torch.addmm(new, reset * state, self.new_recurrent))
            state = torch.lerp(state, new, update)
            states.append(state)
        return torch.stack(states, dim=1)

    def visible(self, states: Tensor) -> Tensor:
        """Leave the ages out."""
        return states[..., : self.n_neurons]


def _check_layout(input_size: int, n_channels: int) -> None:
    if input_size != 3 * n_channels:
        raise InvalidInputError(
            f"GRU-D with the means of {n_channels} channels reads {3 * n_channels} "
            f"inputs (held values, masks, log ages), got input_size={input_size}. "
            "Leave neutral out for inputs without masks."
        )
