"""scikit-learn's callbacks, if the installed version has them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from LNN.data.containers import plain
from LNN.data.examples import Given, check_weights
from LNN.data.sequence_set import SequenceSet
from LNN.estimators.fitted import FittedModel
from LNN.training.loop import Epoch

try:  # scikit-learn >= 1.9
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback import with_callbacks as _theirs
except ImportError:
    _theirs = None

    # Only one of the two is ever there.
    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in where scikit-learn has no callbacks."""

        def _init_callback_context(self, **_: Any) -> None:
            return None


Method = TypeVar("Method", bound=Callable)


def with_callbacks(method: Method) -> Method:
    """Let scikit-learn's callbacks run around a method, which keeps its type."""
    return method if _theirs is None else _theirs(method)


@dataclass(frozen=True, eq=False, repr=False)
class ModelOfFit(FittedModel):
    """A model that knows the time stamps and the recordings of its training data.

    Scorers hand on X alone. Predictions for the X of the fit, that very object, need
    what `fit` was told beside it.

    Attributes
    ----------
    given : Given
        What the caller passed to `fit`.
    """

    given: Given = Given(None, None)

    def read(self, X: Any, *, context: Any = None, **told: Any) -> SequenceSet:
        """Read X as `FittedModel` does, with what `fit` was told of this X."""
        if X is self.given.X and context is None:
            for name in ("timestamps", "groups"):
                if told.get(name) is None:
                    told[name] = getattr(self.given, name)
        return super().read(X, context=context, **told)


class CallbackTask:
    """Tells scikit-learn's callbacks of a fit, from its begin to its end.

    Parameters
    ----------
    estimator : estimator
    context : sklearn.callback.CallbackContext
    given : Given
        What the caller passed to `fit`.
    """

    def __init__(self, estimator: Any, context: Any, given: Given):
        self._estimator, self._context, self._given = estimator, context, given
        # Scorers know weights. Time stamps they would hand to metrics, which raise.
        weights = given.sample_weight
        metadata = {} if weights is None else {"sample_weight": weights}
        y = _without_unread(given.y, weights)
        self._told = {"X": given.X, "y": y, "metadata": metadata}
        context.call_on_fit_task_begin(estimator=estimator, **self._told)

    def after_epoch(self, epoch: Epoch) -> bool:
        """Tell of an epoch; return True if training should stop."""
        part = self._context.subcontext(task_name="epoch")
        part.call_on_fit_task_begin(estimator=self._estimator, **self._told)
        return self._end(part)

    def end(self) -> None:
        """Tell of the end of the fit."""
        self._end(self._context)

    def _end(self, context: Any) -> bool:
        return bool(
            context.call_on_fit_task_end(
                estimator=self._estimator,
                **self._told,
                reconstruction_attributes=self._model_now,
            )
        )

    def _model_now(self) -> dict[str, Any]:
        model = self._estimator.model_
        known = {field.name: getattr(model, field.name) for field in fields(model)}
        # A callback may keep it, while the next epoch changes the weights in place.
        known["network"] = copy.deepcopy(model.network).to("cpu").eval()
        return {"model_": ModelOfFit(**known, given=self._given)}


def _without_unread(y: Any, sample_weight: Any) -> Any:
    """Return y with a target that is read in place of those missing at weight 0.

    A fit does not read them, but metrics refuse NaN whatever its weight is.
    """
    if sample_weight is None:
        return y
    values = np.asarray(plain(y))
    weights = check_weights(sample_weight, len(values))
    odd = pd.isna(values) & (weights == 0).reshape(-1, *[1] * (values.ndim - 1))
    if not odd.any():
        return y
    return np.where(odd, values[np.flatnonzero(weights)[0]], values)


def callback_task(estimator: Any, given: Given, max_epochs: int) -> CallbackTask | None:
    """Begin the task "fit"; None where scikit-learn has no callbacks."""
    context = estimator._init_callback_context(max_subtasks=max_epochs)
    return None if context is None else CallbackTask(estimator, context, given)


__all__ = [
    "CallbackSupportMixin",
    "callback_task",
    "with_callbacks",
]
