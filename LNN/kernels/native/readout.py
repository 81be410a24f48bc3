"""Pooling, read-out and loss as a record of the library."""

from __future__ import annotations

import ctypes

from LNN.kernels.backend import Trained
from LNN.kernels.native.library import load
from LNN.kernels.native.mirror import ISAS, LOSSES, POOLINGS, Readout
from LNN.kernels.native.problem import address


class ReadoutRecord:
    """What lies between the states of the last layer and the loss.

    Parameters
    ----------
    network : Trained
    goes_back : bool
        Whether gradients are wanted, or the loss alone.

    Attributes
    ----------
    record : Readout
        Without states, targets and weights.
    per_row : int
        Numbers in the target of a row.
    """

    def __init__(self, network: Trained, goes_back: bool):
        weight, bias = network.weight.detach(), network.bias.detach()
        outputs, n_read = weight.shape
        levels = (ctypes.c_double * len(network.levels))(*network.levels)
        self.record = record = Readout(
            precision=8 * weight.element_size(),
            isa=ISAS[load().isa],
            pooling=sum(POOLINGS[part] for part in network.pooling),
            loss=LOSSES.index(network.loss),
            neurons=n_read // max(1, len(network.pooling)),
            columns=network.cells[-1].state_size,
            outputs=outputs,
            n_levels=max(1, len(levels)),
            levels=ctypes.addressof(levels) if levels else None,
        )
        record.weight, record.bias = map(address, (weight, bias))
        scratch = weight.new_empty(2 * n_read + record.neurons + outputs)
        record.scratch = address(scratch)
        gradients = []
        if goes_back:
            own = network.weight, network.bias
            gradients = [network.gradients[id(p)] for p in own]
            record.grad_weight, record.grad_bias = map(address, gradients)
        codes = network.loss == "cross_entropy"
        self.per_row = 1 if codes else outputs // record.n_levels
        # What the record points to must live as long as it does.
        self._kept = (weight, bias, gradients, levels, scratch)
