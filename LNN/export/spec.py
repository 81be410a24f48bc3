"""A fitted model as a description that any language can run: docu/spec.md."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch

from LNN._version import __version__
from LNN.batching.missing import MissingRule
from LNN.estimators.fitted import FittedModel, as_fitted, steps_before
from LNN.exceptions import InvalidInputError
from LNN.export.cell_specs import Arrays, layer_spec, linear_arrays, plain_array
from LNN.export.constraint_specs import constraints_spec
from LNN.export.vectors import test_vectors
from LNN.network import LiquidNetwork, MotorReadout
from LNN.own_scale import FLAT
from LNN.training import losses

# Increase it when an older runtime could misread what is written. Constraints are what
# runtimes of version 1 would leave out, and quadratic offsets what those of version 2
# would; a model without them is still of the version before.
VERSION, WITH_CONSTRAINTS, WITH_QUADRATIC = 1, 2, 3
# Those whose outputs docu/spec.md says how to read.
_LOSSES = (
    losses.CrossEntropy,
    losses.SquaredError,
    losses.AbsoluteError,
    losses.Huber,
    losses.Quantile,
)


@dataclass(frozen=True, eq=False)
class Spec:
    """A model without Python: plain values and named arrays.

    Attributes
    ----------
    values : dict of str
        What JSON can hold. docu/spec.md describes every field.
    arrays : dict of str to ndarray
        Weights, scalers and test vectors by name.
    """

    values: dict[str, Any]
    arrays: Arrays

    def __repr__(self) -> str:
        cells = [layer["cell"] for layer in self.values["layers"]]
        size = sum(array.nbytes for array in self.arrays.values())
        return f"Spec({' + '.join(cells)}, {len(self.arrays)} arrays, {size} bytes)"


def to_spec(model: Any) -> Spec:
    """Describe a fitted model so that runtimes without LNN can run it.

    Parameters
    ----------
    model : fitted estimator or FittedModel

    Returns
    -------
    Spec

    Raises
    ------
    InvalidInputError
        If the model has a part that no runtime knows: a transformer as `scale`, a loss
        or a model type of the caller's, a comparison other than LSTM and GRU, steps of
        a Pipeline before the model.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.export import to_spec
    >>> X = np.sin(0.2 * np.arange(100))[:, None]
    >>> lnn = LiquidRegressor(8, window_length=8, epochs=2, random_state=0)
    >>> spec = to_spec(lnn.fit(X[:-1], X[1:, 0]))
    >>> spec.values["layers"][0]["cell"], spec.values["reading"]["window_length"]
    ('wired CfC', 8)
    """
    _refuse_more_than_a_network(model)
    if names := [name for name, _ in steps_before(model)]:
        raise InvalidInputError(
            f"Expected a model without steps before it, got a Pipeline with {names}, "
            "which a spec cannot hold. Let LNN scale (scale=), or export the last step "
            "and transform its rows where it runs: to_spec(pipeline[-1])."
        )
    fitted = as_fitted(model)
    _refuse_unknown_parts(fitted)
    network_values, arrays = _network(fitted.network)
    arrays |= _scalers(fitted)
    constraints, limits = constraints_spec(fitted)
    arrays |= limits
    values = {
        "format": "LNN spec",
        "version": _version(limits),
        "task": "classification" if fitted.classifies else "regression",
        "input": _inputs(fitted),
        "reading": _reading(fitted),
        "missing": fitted.parameters["missing"],
        "clock": _clock(fitted),
        **network_values,
        "answer": _answer(fitted),
        "constraints": constraints,
        "provenance": _provenance(fitted),
    }
    arrays |= {f"test.{name}": array for name, array in test_vectors(fitted).items()}
    return Spec(values, arrays)


def _refuse_more_than_a_network(model: Any) -> None:
    """Refuse a linear path, intervals, a threshold, which no runtime has."""
    if type(model).__module__.startswith(("LNN.forecasting", "LNN.anomaly")):
        raise InvalidInputError(
            "Expected a regressor or a classifier, got "
            f"{type(model).__name__}, of which a network is only a part. Fit a "
            "LiquidRegressor on windows of the series; or keep it as a pickle."
        )


def _version(limits: Arrays) -> int:
    """Return the first version whose runtimes know all of these constraints."""
    if any(name.endswith(".b_quadratic") for name in limits):
        return WITH_QUADRATIC
    return WITH_CONSTRAINTS if limits else VERSION


def _refuse_unknown_parts(fitted: FittedModel) -> None:
    assert fitted.structure is not None  # every model finds its own
    fitted.structure.refuse_other(fitted.network)
    for scaler in (fitted.scaler, fitted.target_scaler):
        if scaler is not None and not isinstance(scaler.method, str):
            raise InvalidInputError(
                'Expected a scaler that is numbers (scale="standard", "minmax", '
                f'"robust", "sequence" or "none"), got {scaler.method!r}. Put the '
                "transformer in front of the model, in your runtime too, and fit with "
                'scale="none"; or keep the model as a pickle.'
            )
    refuse_foreign_loss(fitted)


def refuse_foreign_loss(fitted: FittedModel) -> None:
    """Refuse a loss that LNN does not have: its outputs mean what only it knows."""
    if type(fitted.objective) not in _LOSSES:
        raise InvalidInputError(
            "Expected a loss of LNN, whose outputs docu/spec.md says how to read, got "
            f"{type(fitted.objective).__name__}. A pickle keeps any model for Python: "
            "pickle.dump(estimator, file)."
        )


def _inputs(fitted: FittedModel) -> dict[str, Any]:
    columns = fitted.layout.columns
    names = columns.input_names
    rule = MissingRule.of_scaler(fitted.parameters["missing"], fitted.scaler)
    anchors = np.empty(0) if columns.anchors is None else columns.anchors
    return {
        "n_columns": int(columns.n_features_in),
        "columns": [int(column) for column in columns.inputs],
        "time": _int_or_none(columns.time),
        "group": _int_or_none(columns.group),
        "names": None if names is None else [str(name) for name in names],
        "anchors": [int(position) for position in anchors],
        "n_channels": int(fitted.layout.n_channels),
        "n_read": int(rule.n_inputs(fitted.layout.n_channels)),
    }


def _reading(fitted: FittedModel) -> dict[str, Any]:
    layout = fitted.layout
    return {
        "kind": "rows" if layout.in_rows else "sequences",
        "window_length": _int_or_none(layout.window_length) if layout.in_rows else None,
        "every_step": bool(fitted.form.every_step),
    }


def _int_or_none(value: Any) -> int | None:
    return None if value is None else int(value)


def _clock(fitted: FittedModel) -> dict[str, Any]:
    clock = fitted.clock
    return {
        "kind": clock.kind,
        "unit": float(clock.unit),
        "regular": bool(clock.regular),
        "tolerance": float(fitted.preparation.tolerance),
        "max_step": None if clock.max_step is None else float(clock.max_step),
    }


def _network(network: LiquidNetwork) -> tuple[dict[str, Any], Arrays]:
    arrays: Arrays = {}
    values: dict[str, Any] = {"dtype": str(next(network.parameters()).dtype)[6:]}
    values["own_scale"] = None
    if network.own_scale is not None:
        channels = network.own_scale.n_channels
        values["own_scale"] = {"n_channels": channels, "flat": FLAT}
    values["patch"] = None
    if network.patching is not None:
        patching = network.patching
        values["patch"] = {
            "size": patching.size,
            "reads_gaps": bool(patching.reads_gaps),
            "n_outputs": patching.n_outputs,
        }
        arrays |= {f"patch.{k}": v for k, v in linear_arrays(patching.map).items()}
    values["layers"] = []
    for k, layer in enumerate(network.layers):
        described, own = layer_spec(layer)
        values["layers"].append(described)
        arrays |= {f"layers.{k}.{name}": array for name, array in own.items()}
    values["pooling"] = network.pooling
    if network.attention is not None:
        known = linear_arrays(network.attention)
        arrays |= {f"attention.{name}": array for name, array in known.items()}
    return values, arrays | _readout(network, values)


def _readout(network: LiquidNetwork, values: dict[str, Any]) -> Arrays:
    readout = network.readout
    if isinstance(readout, MotorReadout):
        values["readout"] = "motor"
        known = {
            "weight": plain_array(readout.weight),
            "bias": plain_array(readout.bias),
        }
    else:
        values["readout"] = "dense"
        head: Any = readout[-1]
        known = linear_arrays(head)
    return {f"readout.{name}": array for name, array in known.items()}


def _scalers(fitted: FittedModel) -> Arrays:
    arrays = {
        "scaler.center": fitted.scaler.center_,
        "scaler.scale": fitted.scaler.scale_,
        "scaler.neutral": fitted.scaler.neutral_,
    }
    if fitted.target_scaler is not None:
        arrays["target_scaler.center"] = fitted.target_scaler.center_
        arrays["target_scaler.scale"] = fitted.target_scaler.scale_
    return {name: np.array(array, np.float64) for name, array in arrays.items()}


def _answer(fitted: FittedModel) -> dict[str, Any]:
    targets, loss = fitted.targets, fitted.objective
    classes = targets.classes
    return {
        "n_outputs": int(loss.output_size),
        "n_targets": int(targets.n_targets),
        "ndim": int(targets.ndim),
        "classes": None if classes is None else _labels(classes),
        "quantiles": [float(level) for level in getattr(loss, "levels", ())] or None,
        "loss": loss.name,
    }


def _labels(classes: np.ndarray) -> list[Any]:
    """Return class labels as JSON has them; dates as text."""
    if classes.dtype.kind in "mM":
        return [str(label) for label in classes]
    plain = classes.tolist()
    if not all(isinstance(label, bool | int | float | str) for label in plain):
        raise InvalidInputError(
            "Expected class labels that are numbers, booleans, text or dates, got "
            f"{next(label for label in plain if not isinstance(label, str))!r}. Encode "
            "them before the fit, as sklearn.preprocessing.LabelEncoder does."
        )
    return plain


def _provenance(fitted: FittedModel) -> dict[str, Any]:
    return {
        "estimator": fitted.owner,
        "model_type": fitted.parameters["model_type"],
        "lnn": __version__,
        "torch": torch.__version__.split("+")[0],
        "numpy": np.__version__,
        "n_iter": int(fitted.record.n_iter),
        "data": {"layout": fitted.layout.kind, "n_channels": fitted.layout.n_channels},
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
