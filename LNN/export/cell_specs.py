"""The layers of a network as plain values and named arrays, ready to be evaluated.

Weights are given after the maps that keep them positive, and synapses as lists, so that
a runtime only evaluates the equations of docu/spec.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from LNN.baselines import RecurrentBaseline
from LNN.cells import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell
from LNN.cells.synapses import SynapseIndex
from LNN.exceptions import InvalidInputError
from LNN.layers import SequenceLayer

Arrays = dict[str, np.ndarray]


def layer_spec(layer: nn.Module) -> tuple[dict[str, Any], Arrays]:
    """Describe a layer of a network.

    Parameters
    ----------
    layer : SequenceLayer or RecurrentBaseline

    Returns
    -------
    values : dict of str
        Plain values of JSON.
    arrays : dict of str to ndarray

    Raises
    ------
    InvalidInputError
        If no runtime knows its equations.
    """
    if isinstance(layer, RecurrentBaseline):
        return _recurrent(layer)
    cell = layer.cell if isinstance(layer, SequenceLayer) else None
    memory: Arrays | None = None
    if type(cell) is MixedMemoryCell:
        memory, cell = _memory(cell), cell.cell
    known: dict[type, Callable] = {
        LTCCell: _ltc,
        WiredCfCCell: _wired,
        CfCCell: _dense,
    }
    describe = known.get(type(cell))
    if cell is None or describe is None:
        kind = type(layer if cell is None else cell).__name__
        raise InvalidInputError(
            f"Expected layers of LTC, CfC, LSTM or GRU, whose equations docu/spec.md "
            f"has, got {kind}. A pickle keeps any model for Python: "
            "pickle.dump(estimator, file)."
        )
    values, arrays = describe(cell)
    values = {
        **values,
        "n_inputs": int(cell.input_size),
        "n_neurons": int(cell.state_size),
        "mixed_memory": memory is not None,
    }
    return values, arrays | (memory or {})


def plain_array(value: Tensor) -> np.ndarray:
    """Return a copy of a tensor as an array."""
    return value.detach().cpu().numpy().copy()


def _edges(index: SynapseIndex) -> Arrays:
    source, target = index.edges.astype(np.int32)
    return {"source": source, "target": target}


def _named(prefix: str, arrays: Arrays) -> Arrays:
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def _ltc(cell: LTCCell) -> tuple[dict[str, Any], Arrays]:
    arrays = {
        "gleak": plain_array(F.softplus(cell.gleak)),
        "vleak": plain_array(cell.vleak),
        "cm": plain_array(F.softplus(cell.cm)),
    }
    for name in ("input_weight", "input_bias"):
        given = getattr(cell, name)
        fill = np.ones if name == "input_weight" else np.zeros
        like = arrays["cm"].dtype
        arrays[name] = (
            fill(cell.input_size, like) if given is None else plain_array(given)
        )
    for kind in ("sensory", "recurrent"):
        synapses = getattr(cell, kind)
        known = {
            "weight": plain_array(F.softplus(synapses.w)),
            "sigma": plain_array(synapses.sigma),
            "mu": plain_array(synapses.mu),
            "erev": plain_array(synapses.erev),
        }
        arrays |= _named(kind, _edges(synapses.index) | known)
    values = {
        "cell": "LTC",
        "solver": cell.solver,
        "unfolds": cell.ode_unfolds,
        "epsilon": float(cell.epsilon),
    }
    return values, arrays


def _pure(cell: CfCCell | WiredCfCCell) -> Arrays:
    if cell.A is None or cell.w_tau is None:
        return {}
    return {"asymptote": plain_array(cell.A), "rate": plain_array(cell.w_tau.abs())}


def _wired(cell: WiredCfCCell) -> tuple[dict[str, Any], Arrays]:
    arrays = _pure(cell)
    for name in cell.maps:
        arrays[f"{name}.bias"] = plain_array(getattr(cell, f"{name}_bias"))
        for kind in ("sensory", "recurrent"):
            known = _edges(getattr(cell, f"{name}_{kind}_index"))
            known["weight"] = plain_array(getattr(cell, f"{name}_{kind}"))
            arrays |= _named(f"{name}.{kind}", known)
    arrays["order"] = plain_array(cell.order).astype(np.int32)
    values = {
        "cell": "wired CfC",
        "mode": cell.mode,
        "maps": list(cell.maps),
        "groups": [int(stop - start) for start, stop in cell.slices],
    }
    return values, arrays


def _dense(cell: CfCCell) -> tuple[dict[str, Any], Arrays]:
    arrays = _pure(cell)
    for k, layer in enumerate(cell.backbone):
        arrays |= _named(f"backbone.{k}", linear_arrays(layer))
    for name in cell.maps:
        arrays |= _named(name, linear_arrays(getattr(cell, name)))
    values = {
        "cell": "CfC",
        "mode": cell.mode,
        "maps": list(cell.maps),
        "backbone_layers": len(cell.backbone),
        "activation": cell.backbone_activation,
    }
    return values, arrays


def linear_arrays(layer: nn.Linear) -> Arrays:
    """Return weight (outputs, inputs) and bias of a linear map."""
    return {"weight": plain_array(layer.weight), "bias": plain_array(layer.bias)}


def _memory(cell: MixedMemoryCell) -> Arrays:
    bias = plain_array(cell.input_map.bias)
    # The forget gate starts open: the 1 that the cell adds belongs to its bias here.
    bias[2 * cell.n_neurons : 3 * cell.n_neurons] += 1
    return {
        "memory.input_weight": plain_array(cell.input_map.weight),
        "memory.recurrent_weight": plain_array(cell.recurrent_weight),
        "memory.bias": bias,
    }


def _recurrent(layer: RecurrentBaseline) -> tuple[dict[str, Any], Arrays]:
    rnn = layer.rnn
    arrays = {
        "input_weight": plain_array(rnn.weight_ih_l0),
        "recurrent_weight": plain_array(rnn.weight_hh_l0),
        "input_bias": plain_array(rnn.bias_ih_l0),
        "recurrent_bias": plain_array(rnn.bias_hh_l0),
    }
    values = {
        "cell": "LSTM" if isinstance(rnn, nn.LSTM) else "GRU",
        "n_inputs": int(layer.input_size),
        "n_neurons": int(layer.n_neurons),
        "mixed_memory": False,
        "reads_time": bool(layer.use_time),
        "time_gates": bool(layer.time_gates),
    }
    return values, arrays
