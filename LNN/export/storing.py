"""Fitted estimators as files without pickle: what is written, and what is read back.

The front door makes estimators of what is read here: `LNN.load`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from LNN.baselines import BASELINES
from LNN.constraints.plain import refuse_functions
from LNN.estimators.fitted import FittedModel, as_fitted
from LNN.exceptions import InvalidInputError, InvalidModelFileError
from LNN.export import container
from LNN.export.checks import check_state
from LNN.export.encoding import decode, encode
from LNN.export.spec import Spec, refuse_foreign_loss, to_spec

# Increase it when an older reader could misread what is written.
FORMAT = 1
OWNERS = {
    "LiquidNeuralNetwork": "LNN.LNN",
    "LiquidRegressor": "LNN.estimators.regressor",
    "LiquidClassifier": "LNN.estimators.classifier",
}
_OWN_MODELS = ("CfC", "LTC", *BASELINES)
_MOST_JSON = 2**26


@dataclass(frozen=True, eq=False)
class Stored:
    """What a model file holds, decoded and checked.

    Attributes
    ----------
    owner : str
        The class of the estimator, one of `OWNERS`.
    state : dict of str
        What its `__setstate__` takes.
    test_outputs : ndarray or None
        What the model answered to its test vectors; None if it has none.
    """

    owner: str
    state: dict[str, Any]
    test_outputs: np.ndarray | None


def save(model: Any, path: Any) -> None:
    """Store a fitted estimator without pickle.

    `LNN.load` reads it back; `numpy_model.py` and other runtimes read the same file.

    Parameters
    ----------
    model : LiquidRegressor, LiquidClassifier or LiquidNeuralNetwork
        Fitted. The moments of its optimiser, and what you added to it, are not kept.
    path : str or path
        Ends in ".npz" or ".safetensors".

    Raises
    ------
    InvalidModelFileError
        If it holds an object of yours, which only a pickle can keep.

    Examples
    --------
    >>> import tempfile, numpy as np, LNN
    >>> X = np.sin(0.2 * np.arange(100))[:, None]
    >>> lnn = LNN.LiquidRegressor(8, window_length=8, epochs=2, random_state=0)
    >>> lnn = lnn.fit(X[:-1], X[1:, 0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     LNN.export.save(lnn, folder + "/model.npz")
    ...     again = LNN.load(folder + "/model.npz")
    >>> bool((again.predict(X) == lnn.predict(X)).all())
    True
    """
    owner, fitted = type(model).__name__, _fitted(model)
    arrays: dict[str, np.ndarray] = {}
    state = _state_of(model, fitted)
    told = {"format": FORMAT, "owner": owner, "state": encode(state, arrays, "model")}
    # No file is written that would be refused when it is read.
    check_state(decode(told["state"], arrays), owner)
    try:
        spec = to_spec(fitted)
    except InvalidInputError as error:
        # Python alone can run it; runtimes are told why.
        told["no_spec"] = str(error)
    else:
        arrays |= _arrays_of(spec)
    container.write(path, arrays | {"model": _json(told)})


def _fitted(front: Any) -> FittedModel:
    """Return the fitted model of one of the `OWNERS`, if a file can hold it."""
    kind = type(front)
    if OWNERS.get(kind.__name__) != kind.__module__:
        raise InvalidModelFileError(
            f"Expected one of {', '.join(OWNERS)}, got {kind.__name__}: a file without "
            "pickle holds no other class. Of a Pipeline save the last step; keep what "
            "else there is as a pickle: pickle.dump(estimator, file)."
        )
    fitted: FittedModel | None = vars(front).get("model_")
    if fitted is None:
        raise InvalidModelFileError(
            f"Expected a fitted {kind.__name__}, got one without a model. Call fit."
        )
    if fitted.parameters["model_type"] not in _OWN_MODELS:
        raise InvalidModelFileError(
            f"Expected a model type of LNN, got {fitted.parameters['model_type']!r}, "
            "which was registered by the caller: no file says what it computes. Keep "
            "the model as a pickle: pickle.dump(estimator, file)."
        )
    fitted = as_fitted(front)  # constraints may have been set since
    refuse_foreign_loss(fitted)
    refuse_functions(fitted.parameters["output_constraints"] or (), "a file")
    return fitted


def _state_of(front: Any, fitted: FittedModel) -> dict[str, Any]:
    """Return parameters and model; what hangs on the machine's run is left out."""
    plain = fitted.to_plain()
    plain["record"] = {**plain["record"], "moments": None, "random": None}
    state = front.__getstate__()
    names = (*front.get_params(deep=False), "_lnn_version")
    return {name: state[name] for name in names} | {"model_": plain}


def _json(value: Any) -> np.ndarray:
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return np.frombuffer(text.encode(), np.uint8)


def _arrays_of(spec: Spec) -> dict[str, np.ndarray]:
    named = {f"spec.{name}": array for name, array in spec.arrays.items()}
    return named | {"spec": _json(spec.values)}


def save_spec(path: Any, arrays: dict[str, np.ndarray]) -> None:
    """Write what runtimes read of a model file, and nothing that LNN alone reads.

    Parameters
    ----------
    path : str or path
    arrays : dict of str to ndarray
        Those of a model file, as `container.read` returns them.
    """
    if "spec" not in arrays:
        why = _text(arrays, "model").get("no_spec", "the file holds no spec")
        raise InvalidModelFileError(f"This model runs in Python alone: {why}")
    names = [n for n in arrays if n == "spec" or n.startswith("spec.")]
    container.write(path, {name: arrays[name] for name in names})


def read(path: Any) -> Stored:
    """Read a model file without trust.

    Raises
    ------
    InvalidModelFileError
        If it is not what `save` writes, or if a later version of LNN wrote it.
    """
    arrays = container.read(path)
    told = _text(arrays, "model")
    owner, written = told.get("owner"), told.get("format")
    if not isinstance(owner, str) or owner not in OWNERS or type(written) is not int:
        raise InvalidModelFileError("Expected a model of LNN, got another file.")
    if written > FORMAT:
        raise InvalidModelFileError(
            f"Expected a file of format {FORMAT} or older, got format {written}: a "
            "later version of LNN wrote it. Install that version."
        )
    try:
        state = decode(told["state"], arrays)
        check_state(state, owner)
    except InvalidModelFileError:
        raise
    # Whatever a part of the wrong type raises says only that it is one.
    except Exception as error:
        raise InvalidModelFileError(
            "Expected a model as LNN.export.save writes it, got parts that do not "
            f"belong together ({type(error).__name__}: {error}). Save the model again."
        ) from error
    outputs = arrays.get("spec.test.outputs") if "spec" in arrays else None
    return Stored(owner, state, outputs)


def _text(arrays: dict[str, np.ndarray], name: str) -> dict[str, Any]:
    """Return the JSON object that an array of bytes spells."""
    array = arrays.get(name)
    if array is None or array.dtype != np.uint8 or array.size > _MOST_JSON:
        raise InvalidModelFileError(
            f"Expected a file of LNN.export.save, got one without the text {name!r}."
        )
    try:
        told = json.loads(array.tobytes().decode())
    # Text that nests too deep is a RecursionError.
    except (ValueError, RecursionError) as error:
        raise InvalidModelFileError(
            f"Expected JSON in {name!r}, got {type(error).__name__}: {error}."
        ) from error
    if not isinstance(told, dict):
        raise InvalidModelFileError(f"Expected an object in {name!r}.")
    return told
