r"""LSTM and GRU whose gates are raised to the power of the elapsed time.

A gate is what a step keeps of a memory. Over dt steps it keeps that to the power dt:

.. math::

    \text{GRU:} \quad h &\leftarrow z^{dt} h + (1 - z^{dt}) n \\
    \text{LSTM:} \quad c &\leftarrow f^{dt} c + \frac{1 - f^{dt}}{1 - f} i g, \quad
    h \leftarrow o \tanh c.

With gates and input held, this is what dt plain steps do, for any real dt: the sum of a
geometric series. At dt = 1 both are the plain cells; at dt = 0 memories stay.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

# From here on a gate is 1 but for less than 1e-13, and the series is dt equal terms.
OPEN = 30.0


def lstm_step(
    mapped: Tensor, state: Tensor, dt: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    """Return the state (h, c) side by side after a step.

    Parameters
    ----------
    mapped : Tensor of shape (B, 4 N)
        The inputs, mapped to the gates in torch's order.
    state : Tensor of shape (B, 2 N)
    dt : Tensor of shape (B, 1)
    weight, bias : Tensor
        `weight_hh_l0` and `bias_hh_l0` of torch's LSTM.
    """
    h, c = state.chunk(2, dim=-1)
    gates = mapped + F.linear(h, weight, bias)
    write, keep, new, read = gates.chunk(4, dim=-1)
    left = dt * F.logsigmoid(keep)
    fresh = torch.sigmoid(write) * torch.tanh(new) * _series(keep, dt)
    c = torch.exp(left) * c + fresh
    return torch.cat([torch.sigmoid(read) * torch.tanh(c), c], dim=-1)


def gru_step(
    mapped: Tensor, state: Tensor, dt: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    """Return the state after a step; as `lstm_step`, with three gates."""
    reset, keep, new = mapped.chunk(3, dim=-1)
    recurrent = F.linear(state, weight, bias).chunk(3, dim=-1)
    reset = torch.sigmoid(reset + recurrent[0])
    kept = torch.exp(dt * F.logsigmoid(keep + recurrent[1]))
    new = torch.tanh(new + reset * recurrent[2])
    return torch.lerp(new, state, kept)


def _series(keep: Tensor, dt: Tensor) -> Tensor:
    """Return (1 - f^dt) / (1 - f) of the gate f = sigmoid(keep), dt where f is 1."""
    # Never 0 / 0, and no NaN in a gradient either.
    keep = keep.clamp(max=OPEN)
    return -torch.expm1(dt * F.logsigmoid(keep)) / torch.sigmoid(-keep)
