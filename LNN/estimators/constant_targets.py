"""Targets that do not vary in training: the untrained network predicts them already."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from LNN.data import SequenceScaler
from LNN.data.channel_statistics import is_constant
from LNN.data.examples import Examples
from LNN.network import LiquidNetwork, MotorReadout

__all__ = ["give_constants"]


def give_constants(
    network: LiquidNetwork,
    data: Examples,
    changes: np.ndarray,
    scaler: SequenceScaler,
) -> None:
    """Let the read-out of constant targets read nothing, in place.

    Its error is then exactly 0, as is its gradient: it stays what it is, and does not
    disturb what the other targets learn. Where later data vary, it learns like others.

    Parameters
    ----------
    network : LiquidNetwork
        Untrained.
    data : Examples
        The training part.
    changes : ndarray
        Its targets, less the anchors where there are any.
    scaler : SequenceScaler
        That of the targets.
    """
    known = (data.weight_per_value > 0) & ~np.isnan(changes).any(axis=1)
    values = changes[known]  # at least one: data without any target are refused
    constant = is_constant(values[0], np.ptp(values, axis=0))
    if not constant.any():
        return
    head = _last_map(network.readout)
    # Several quantiles of a target lie side by side.
    each = len(head.bias) // changes.shape[1]
    rows = torch.from_numpy(np.repeat(constant, each))
    level = np.repeat(scaler.transform_rows(values[:1])[0], each)
    with torch.no_grad():
        head.weight[rows] = 0.0
        head.bias[rows] = torch.from_numpy(level).to(head.bias)[rows]


def _last_map(readout: nn.Sequential | MotorReadout) -> nn.Linear | MotorReadout:
    """Return the module with one weight and one bias per output."""
    head = readout[-1] if isinstance(readout, nn.Sequential) else readout
    assert isinstance(head, nn.Linear | MotorReadout)
    return head
