"""`LNN.load`: fitted estimators from files without pickle."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from LNN.estimators.classifier import LiquidClassifier
from LNN.estimators.fitted import FittedModel
from LNN.estimators.parameters import check_parameters, parameter_values
from LNN.estimators.regressor import LiquidRegressor
from LNN.exceptions import InvalidInputError, InvalidModelFileError
from LNN.export.storing import Stored, read
from LNN.export.vectors import test_vectors
from LNN.LNN import LiquidNeuralNetwork

_CLASSES: dict[str, type[LiquidNeuralNetwork]] = {
    kind.__name__: kind
    for kind in (LiquidNeuralNetwork, LiquidRegressor, LiquidClassifier)
}
# How far the answers to test vectors may be from those that were stored: another
# processor rounds otherwise, a file that was changed is far off.
_TOLERANCE = 1e-3


def load(path: Any) -> LiquidNeuralNetwork:
    """Load an estimator that `LNN.export.save` stored.

    Nothing in the file is run: files of others are safe to load. What is not a model,
    or does not answer its own test vectors, is refused.

    Parameters
    ----------
    path : str or path
        Ends in ".npz" or ".safetensors".

    Returns
    -------
    LiquidRegressor, LiquidClassifier or LiquidNeuralNetwork
        As it was when it was saved, without the moments of the optimiser.

    Raises
    ------
    InvalidModelFileError
        If the file is broken, was changed, or comes from a later version of LNN.
    """
    stored = read(path)
    estimator: LiquidNeuralNetwork = object.__new__(_CLASSES[stored.owner])
    try:
        estimator.__setstate__(stored.state)
        check_parameters(stored.owner, parameter_values(estimator))
        _try(estimator.model_, stored)
    except (InvalidModelFileError, Warning):
        raise
    # A description that does not fit its weights may fail anywhere.
    except Exception as error:
        raise InvalidModelFileError(
            "Expected a model whose parts belong together, got one that cannot be "
            f"built ({type(error).__name__}: {error}). Save the model again."
        ) from error
    return estimator


def _try(model: FittedModel, stored: Stored) -> None:
    """Run the model on its test vectors."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            outputs = test_vectors(model)["outputs"]
        except InvalidInputError:
            if stored.test_outputs is not None:
                raise
            return  # explicit solvers that explode have stored none
    expected = stored.test_outputs
    if expected is None:
        return
    same = outputs.shape == expected.shape and np.allclose(
        outputs, expected, rtol=_TOLERANCE, atol=_TOLERANCE
    )
    if not same:
        raise InvalidModelFileError(
            "Expected a model that answers its own test vectors as when it was saved, "
            "got other answers: the file was changed. Save the model again."
        )
