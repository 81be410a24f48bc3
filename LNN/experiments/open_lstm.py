"""An LSTM that starts as mixed memory's does: whether the gain is more than a start.

`MixedMemoryCell` takes the start of ncps: Glorot and orthogonal weights, and a forget
gate that is open. torch's LSTM starts with small uniform weights and a gate half open.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from LNN.baselines import RecurrentBaseline, make_baseline
from LNN.cells.synapses import drawn
from LNN.models import MODELS, ModelType, register

NAME = "LSTM-open"
FORGET = 1  # torch's order of the gates: write, forget, candidate, read


def make_open_lstm(
    n_inputs: int,
    n_neurons: int,
    *,
    generator: torch.Generator | None,
    **taken: Any,
) -> RecurrentBaseline:
    """Make torch's LSTM with the start of mixed memory's.

    Parameters
    ----------
    n_inputs, n_neurons : int
    generator : torch.Generator or None
    **taken
        Options of `RecurrentBaseline`.

    Returns
    -------
    RecurrentBaseline

    Examples
    --------
    >>> layer = make_open_lstm(3, 8, generator=None)
    >>> bool((layer.rnn.bias_ih_l0[8:16] > 0.5).all())
    True
    """
    layer = make_baseline("LSTM", n_inputs, n_neurons, generator=generator, **taken)
    assert isinstance(layer, RecurrentBaseline)
    starts = {
        "weight_ih_l0": nn.init.xavier_uniform_,
        "weight_hh_l0": nn.init.orthogonal_,
    }
    for name, fill in starts.items():
        weight = getattr(layer.rnn, name).data
        weight.copy_(drawn(weight.shape, fill, generator=generator))
    bias, second = layer.rnn.bias_ih_l0.data, layer.rnn.bias_hh_l0.data
    low, high = -0.1, 0.1
    bias.copy_(drawn(bias.shape, nn.init.uniform_, low, high, generator=generator))
    bias[FORGET * n_neurons : (FORGET + 1) * n_neurons] += 1.0
    second.zero_()
    return layer


def make_known() -> None:
    """Register the model in this process, if it is not: only runs of it need that."""
    if NAME not in MODELS:
        register(
            ModelType(
                NAME,
                "torch's LSTM, with the start of mixed memory's",
                make_open_lstm,
                takes=RecurrentBaseline.takes,
            )
        )
