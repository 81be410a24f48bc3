"""How an estimator takes over the weights that one of its streams has learnt."""

from __future__ import annotations

from typing import Any

from LNN.estimators.fitted import FittedModel, last_step
from LNN.exceptions import InvalidInputError


class Commit:
    """Publishes models that follow from the one an estimator has now.

    Parameters
    ----------
    estimator : fitted estimator
    """

    def __init__(self, estimator: Any):
        self.estimator = estimator
        self.is_current = True
        self.model: FittedModel | None = None
        self._find_model()

    def __call__(self, learnt: FittedModel) -> None:
        """Give the estimator a model, unless it has learnt something else by now."""
        if not self._still_current():
            raise InvalidInputError(
                "The estimator was trained again, another stream committed to it, or "
                "its weights were changed by hand, since this stream was opened; "
                "commit() would undo that. Open a new stream."
            )
        self.estimator.model_ = learnt
        self.model = None
        self._find_model()

    def __copy__(self) -> Commit:
        """Return one for a stream that stands where the first one stands."""
        other = Commit(self.estimator)
        vars(other).update(vars(self))
        return other

    def __getstate__(self) -> dict[str, Any]:
        # In pickles and deep copies the model comes with the estimator.
        return {"estimator": self.estimator, "is_current": self._still_current()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        # An estimator that holds its own stream has no model yet.
        self.model = None

    def _find_model(self) -> None:
        if self.model is None and self.is_current:
            self.model = self.estimator.model_
            self._versions = _versions_of(self.model)

    def _still_current(self) -> bool:
        self._find_model()
        model = self.model
        if model is None or self.estimator.model_ is not model:
            return False
        # The same model may have new weights: load_state_dict changes them in place.
        return _versions_of(model) == self._versions


def _versions_of(model: FittedModel) -> list[int]:
    """Return how often each weight was changed in place, as torch counts it."""
    return [weight._version for weight in model.network.parameters()]


def publisher_of(fitted: Any) -> Commit | None:
    """Return what gives an estimator new models; None for a model without one."""
    return None if isinstance(fitted, FittedModel) else Commit(last_step(fitted))
