"""A fitted model as plain values and named arrays, and back: what pickles hold.

The format is described in docu/pickles.md. It holds nothing of torch and no class of
LNN, so that other versions of both, and other readers (skops), can read it. The fields
of the stored dataclasses must keep their names: a test holds the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import torch
from torch import nn

from LNN.constraints.plain import all_from_plain, all_to_plain, with_constraints
from LNN.data import SequenceScaler
from LNN.data.clock import Clock
from LNN.data.continuation import Continuation, EndStates
from LNN.data.form import DataForm, InputLayout, ReadOptions, TargetLayout
from LNN.data.gap_range import GapRange
from LNN.data.input_range import InputRange
from LNN.data.tables import Columns
from LNN.estimators.building import rebuild_network
from LNN.estimators.model_parts import ModelParts
from LNN.estimators.parameters import (
    BUILT_FROM,
    CHANGEABLE,
    DEFAULTS,
    with_present_defaults,
)
from LNN.exceptions import InvalidInputError
from LNN.network import LiquidNetwork
from LNN.training.losses import Loss
from LNN.training.record import Moments, TrainingRecord
from LNN.wiring import Wiring

# Increase it when an older reader could misread what is written. Every older format
# stays readable.
FORMAT = 1


def to_plain(model: ModelParts) -> dict[str, Any]:
    """Take a `FittedModel` apart.

    Parameters
    ----------
    model : FittedModel

    Returns
    -------
    dict of str
        Numbers, strings, arrays, and dicts and lists of them. Objects that the caller
        made (a transformer as `scale`, a wiring of ncps) stay as they are.
    """
    return {
        "format": FORMAT,
        "parameters": {
            **model.parameters,
            **with_constraints(model.parameters, all_to_plain),
        },
        "layout": _layout_to_plain(model.layout),
        "clock": asdict(model.clock),
        "targets": _shallow(model.targets),
        "scaler": _scaler_to_plain(model.scaler),
        "target_scaler": _scaler_to_plain(model.target_scaler),
        "loss": model.objective.to_plain(),
        "network": _network_to_plain(model),
        "record": _record_to_plain(model.record),
        "continuation": _continuation_to_plain(model.continuation),
        "input_range": model.input_range and _shallow(model.input_range),
    }


def from_plain(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a `FittedModel` that `to_plain` took apart.

    Raises
    ------
    InvalidInputError
        If a later version of LNN wrote it in a newer format, or if the weights do not
        suit the network that the parameters describe.
    """
    if plain["format"] > FORMAT:
        raise InvalidInputError(
            f"Expected a model stored in format {FORMAT} or older, got format "
            f"{plain['format']}: a later version of LNN wrote it. Install that version "
            "or a newer one."
        )
    # asdict has taken what is inside of the clock apart as well.
    clock = dict(plain["clock"])
    if clock["gap_range"] is not None:
        clock["gap_range"] = _of(GapRange, clock["gap_range"])
    form = DataForm(
        _layout_from_plain(plain["layout"]),
        _of(Clock, clock),
        _of(TargetLayout, plain["targets"]),
    )
    target_scaler, seen = plain["target_scaler"], plain.get("input_range")
    scaler, loss = _scaler_from_plain(plain["scaler"]), Loss.from_plain(plain["loss"])
    # A parameter that LNN got after the model was stored takes its default.
    parameters = dict(plain["parameters"])
    for name in (*BUILT_FROM, *CHANGEABLE):
        if name not in parameters:
            parameters[name] = DEFAULTS[name]
    parameters = with_present_defaults(parameters)
    parameters |= with_constraints(parameters, all_from_plain)
    return {
        **form._asdict(),
        "parameters": parameters,
        "scaler": scaler,
        "target_scaler": target_scaler and _scaler_from_plain(target_scaler),
        "objective": loss,
        "network": _network_from_plain(
            plain["network"], form, parameters, scaler, loss
        ),
        "record": _record_from_plain(plain["record"]),
        "continuation": _continuation_from_plain(plain.get("continuation")),
        "input_range": seen and _of(InputRange, seen),
    }


def _shallow(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as they are."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _of(kind: type, plain: Mapping[str, Any]) -> Any:
    """Make a value of the fields it has now; what has gone since is left out."""
    names = {field.name for field in fields(kind)}
    return kind(**{name: value for name, value in plain.items() if name in names})


def _layout_to_plain(layout: InputLayout) -> dict[str, Any]:
    options, columns = _shallow(layout.options), _shallow(layout.columns)
    return {**_shallow(layout), "options": options, "columns": columns}


def _layout_from_plain(plain: Mapping[str, Any]) -> InputLayout:
    options = _of(ReadOptions, plain["options"])
    columns = _of(Columns, plain["columns"])
    return _of(InputLayout, {**plain, "options": options, "columns": columns})


def _scaler_to_plain(scaler: SequenceScaler | None) -> dict[str, Any] | None:
    return None if scaler is None else dict(vars(scaler))


def _scaler_from_plain(plain: Mapping[str, Any]) -> SequenceScaler:
    scaler = SequenceScaler(plain["method"])
    # Only what was stored: which attributes there are says how the scaler works.
    for name, value in plain.items():
        setattr(scaler, name, value)
    return scaler


# ----------------------------------------------------------------------- the network


# Parameters that may be "auto": what it stood for is kept by the network.
SETTLED = ("pooling", "patch", "mode", "ode_unfolds")


def settled_in(network: LiquidNetwork) -> dict[str, Any]:
    """Return what "auto" stands for in a network."""
    return {name: getattr(network, name) for name in SETTLED}


def _network_to_plain(model: ModelParts) -> dict[str, Any]:
    network: LiquidNetwork = model.network
    wirings = _wirings_to_plain(network, model.parameters["wiring"])
    plain: dict[str, Any] = {
        "n_neurons": network.layers[-1].n_neurons,
        **settled_in(network),
        "wirings": wirings,
        "weights": weights_of(network),
        "frozen": [n for n, p in network.named_parameters() if not p.requires_grad],
    }
    # Refused where it is stored: to load it would fail later, perhaps elsewhere.
    assert model.structure is not None  # read when the model was made
    model.structure.refuse_other(network)
    return plain


def _network_from_plain(
    plain: Mapping[str, Any],
    form: DataForm,
    parameters: Mapping[str, Any],
    scaler: SequenceScaler,
    objective: Loss,
) -> LiquidNetwork:
    wirings = plain["wirings"]
    if wirings is not None:
        wirings = [_wiring_from_plain(wiring) for wiring in wirings]
    network = rebuild_network(
        form,
        parameters,
        scaler,
        objective,
        plain["n_neurons"],
        # Before there was "auto", the parameters were the values; there was no patch.
        {name: plain.get(name, {**parameters, "patch": 1}[name]) for name in SETTLED},
        wirings,
    )
    _refuse_other_weights(network, plain["weights"])
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            # A copy: torch warns of arrays that are read-only, as memory maps are.
            parameter.copy_(torch.from_numpy(np.array(plain["weights"][name])))
            parameter.requires_grad_(name not in plain["frozen"])
    return network.eval()


def weights_of(network: nn.Module) -> dict[str, np.ndarray]:
    """Return copies of the parameters of a network by name.

    Its buffers hold what the wiring and the scaler say, and are rebuilt from them.
    """
    named = network.named_parameters()
    return {name: p.detach().cpu().numpy().copy() for name, p in named}


def _refuse_other_weights(
    network: nn.Module, weights: Mapping[str, np.ndarray]
) -> None:
    expected = {name: tuple(p.shape) for name, p in network.named_parameters()}
    got = {name: array.shape for name, array in weights.items()}
    if got != expected:
        odd = sorted(set(expected.items()) ^ set(got.items()), key=str)
        raise InvalidInputError(
            "Expected the weights of the network that the parameters describe, got "
            f"others: {odd[:4]}. If its parts were replaced by hand, only torch can "
            "store it: torch.save(est.network_, file)."
        )


def _wirings_to_plain(network: LiquidNetwork, wiring: Any) -> list[dict] | None:
    """Return one wiring per layer; None if there is none, or for the name "full"."""
    # "full" follows from sizes and seed; its synapses would be most of a pickle. The
    # other names are drawn by ncps, whose next version may draw others.
    if network.wiring is None or (isinstance(wiring, str) and wiring == "full"):
        return None
    return [_wiring_to_plain(own) for own in network.wirings]


def _wiring_to_plain(wiring: Wiring) -> dict[str, Any]:
    sensory, recurrent = wiring.adjacency()
    layers = [[name, neurons.tolist()] for name, neurons in wiring.layers]
    size = wiring.n_outputs
    return {
        "sensory": sensory,
        "recurrent": recurrent,
        "n_outputs": size,
        "layers": layers,
    }


def _wiring_from_plain(plain: Mapping[str, Any]) -> Wiring:
    return Wiring.from_adjacency(
        plain["recurrent"],
        sensory=plain["sensory"],
        n_outputs=plain["n_outputs"],
        layers=plain["layers"],
    )


# ------------------------------------------------------------------------ the record


def _record_to_plain(record: TrainingRecord) -> dict[str, Any]:
    plain = _shallow(record)
    if record.moments is not None:
        plain["moments"] = _shallow(record.moments)
    if record.random is not None:
        plain["random"] = record.random.get_state()
    return plain


def _record_from_plain(plain: Mapping[str, Any]) -> TrainingRecord:
    found = dict(plain)
    if found["moments"] is not None:
        found["moments"] = _of(Moments, found["moments"])
    if found["random"] is not None:
        random = np.random.RandomState()
        random.set_state(found["random"])
        found["random"] = random
    return _of(TrainingRecord, found)


# -------------------------------------------------------- the ends of training data


def _continuation_to_plain(known: Continuation | None) -> dict[str, Any] | None:
    if known is None:
        return None
    states = known.states and _shallow(known.states)
    return {**_shallow(known), "states": states}


def _continuation_from_plain(plain: Mapping[str, Any] | None) -> Continuation | None:
    if plain is None:
        return None
    states = plain["states"] and _of(EndStates, plain["states"])
    return _of(Continuation, {**plain, "states": states})
