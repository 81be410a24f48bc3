"""How strong the synapses of a trained layer are, with their trained signs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from LNN.cells import CfCCell, LTCCell, WiredCfCCell
from LNN.exceptions import InvalidInputError
from LNN.inspection.decays import called, inner
from LNN.models import Layer


@torch.no_grad()
def strengths_of(layer: Layer) -> tuple[Tensor, Tensor]:
    """Return the strengths of synapses, (n_inputs, N) and (N, N), 0 without one.

    Of an LTC conductance times reversal potential, the current of an open synapse into
    a neuron at 0. Of a CfC the weight in what the neuron goes to, the mean of both
    branches where a mode has two.

    Raises
    ------
    InvalidInputError
        If a layer has no weight for each synapse: with a backbone, and of baselines.
    """
    cell = inner(layer)
    if isinstance(cell, LTCCell):
        sensory, recurrent = (
            part.index.dense(F.softplus(part.w) * part.erev)
            for part in (cell.sensory, cell.recurrent)
        )
        return sensory, recurrent
    names = [name for name in getattr(cell, "maps", ()) if name.startswith("ff")]
    if isinstance(cell, WiredCfCCell):
        sensory, recurrent = (
            torch.stack([_dense(cell, f"{name}_{kind}") for name in names]).mean(0)
            for kind in ("sensory", "recurrent")
        )
    elif isinstance(cell, CfCCell) and not len(cell.backbone):
        weight = torch.stack([getattr(cell, name).weight.T for name in names]).mean(0)
        sensory, recurrent = weight.split((cell.input_size, cell.state_size))
    else:
        raise InvalidInputError(
            "Expected a layer with a weight for each synapse, got "
            f"{called(layer)}. InfluenceDisplay draws what its inputs "
            "and neurons do to each other."
        )
    if cell.mode == "pure" and cell.A is not None:
        # It goes on from A - A f.
        sensory, recurrent = -cell.A * sensory, -cell.A * recurrent
    return sensory, recurrent


def _dense(cell: WiredCfCCell, name: str) -> Tensor:
    return getattr(cell, f"{name}_index").dense(getattr(cell, name))
