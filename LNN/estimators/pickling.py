"""How an estimator is pickled, unpickled and copied."""

from __future__ import annotations

import copy
from typing import Any, Self

from sklearn.base import BaseEstimator

from LNN._version import __version__
from LNN._warnings import warn
from LNN.constraints.owned import owned, with_owner
from LNN.constraints.plain import all_from_plain, all_to_plain, with_constraints
from LNN.estimators.fitted import FittedModel
from LNN.estimators.parameters import default_parameters, with_present_defaults


class PicklingMixin(BaseEstimator):
    """Pickles of plain values and arrays, which later versions can read."""

    def __getstate__(self) -> dict[str, Any]:
        """Return plain values and arrays: a pickle holds nothing of torch."""
        state = {**super().__getstate__(), "_lnn_version": __version__}
        state.pop("_training_end", None)  # about the call that follows a fit
        model = state.get("model_")
        # What acts is stored, not what its owner has made of it since the fit.
        known = model and model.parameters["output_constraints"]
        state |= with_constraints(state, lambda own: all_to_plain(owned(own, known)))
        if model is not None:
            state["model_"] = model.to_plain()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Rebuild the fitted model; parameters that are missing get their default."""
        state = with_present_defaults(default_parameters(type(self)) | state)
        version = state.pop("_lnn_version", "unknown")
        state |= with_constraints(state, all_from_plain)
        if "model_" in state:
            model = FittedModel.from_plain(state["model_"])
            state["model_"] = with_owner(model, state)
        if version != __version__:
            warn(
                f"This {type(self).__name__} was pickled by LNN {version} and is "
                f"loaded by LNN {__version__}. Predictions may differ: check some, or "
                "fit again."
            )
        super().__setstate__(state)

    def __copy__(self) -> Self:
        """Return an estimator that shares the fitted model, which never changes."""
        other: Self = object.__new__(type(self))
        other.__dict__.update(vars(self))
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a copy with a network of its own, as it is now."""
        other: Self = copy.copy(self)
        memo[id(self)] = other
        other.__dict__.update(copy.deepcopy(vars(self), memo))
        return other
