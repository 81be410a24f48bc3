"""The models that are compared, as parameters of the public estimators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from LNN.exceptions import InvalidInputError
from LNN.experiments import open_lstm

EQUAL = "@equal"


@dataclass(frozen=True)
class Model:
    """A model of the comparison.

    Attributes
    ----------
    parameters : mapping
        What makes an estimator this model.
    liquid : bool
        Whether it is one of ours: the best of these by validation is "best liquid".
    equal : bool
        Whether there is a variant "@equal" with as many weights as the LSTM. Of a
        CfC with a backbone, this is as wide as the LSTM: the default one alone
        outweighs it.
    like : str
        The model whose settings for a task it shares, if not its own.
    """

    parameters: Mapping[str, Any]
    liquid: bool = False
    equal: bool = False
    like: str = ""


def _liquid(*, equal: bool = False, **parameters: Any) -> Model:
    return Model(parameters, True, equal)


def _ltc(*, equal: bool = False, **parameters: Any) -> Model:
    """Return an LTC with the solver of its paper, not the estimators' own default."""
    return _liquid(
        equal=equal,
        model_type="LTC",
        solver="semi-implicit",
        ode_unfolds=6,
        **parameters,
    )


def _cfc(*, mode: str = "default", **parameters: Any) -> Model:
    """Return a CfC in a form of its paper, not in the estimators' own default."""
    return _liquid(equal=True, model_type="CfC", mode=mode, **parameters)


def _other(model_type: str) -> Model:
    return Model({"model_type": model_type})


MODELS: dict[str, Model] = {
    "LTC": _ltc(equal=True, wiring="full"),
    "LTC-NCP": _ltc(wiring="ncp"),
    "CfC": _cfc(wiring="full"),
    "CfC-NCP": _cfc(wiring="ncp"),
    "CfC-no-gate": _cfc(wiring="full", mode="no_gate"),
    "CfC-pure": _cfc(wiring="full", mode="pure"),
    "CfC-mixed": _cfc(wiring="full", mixed_memory=True),
    "CfC-NCP-mixed": _cfc(wiring="ncp", mixed_memory=True),
    "LSTM": _other("LSTM"),
    "GRU": _other("GRU"),
    open_lstm.NAME: Model({"model_type": open_lstm.NAME}, like="LSTM"),
    "CT-RNN": _other("CT-RNN"),
    "CT-GRU": _other("CT-GRU"),
    "CT-GRU-published": _other("CT-GRU-published"),
    "Neural-ODE": _other("Neural-ODE"),
    "GRU-D": _other("GRU-D"),
    "RNN-decay": _other("RNN-decay"),
}


def model_of(name: str) -> Model:
    """Return a model by name; "CfC@equal" is a variant of "CfC"."""
    base = name.removesuffix(EQUAL)
    if base not in MODELS:
        raise InvalidInputError(
            f"Expected models among {', '.join(MODELS)}, got {name!r}."
        )
    model = MODELS[base]
    if name.endswith(EQUAL) and not model.equal:
        choice = ", ".join(n + EQUAL for n, m in MODELS.items() if m.equal)
        raise InvalidInputError(
            f"There is no {name}: only these are measured at equal size: {choice}."
        )
    return model
