"""`Commit`: gives an estimator the weights that one of its streams has learnt."""

from __future__ import annotations

from typing import Any

from LNN.estimators.fitted import FittedModel
from LNN.exceptions import InvalidInputError


class Commit:
    """Publishes models that were learnt from the one that an estimator has now.

    Parameters
    ----------
    estimator : fitted estimator
    """

    def __init__(self, estimator: Any):
        self.estimator = estimator
        self.model: FittedModel | None = estimator.model_

    def __call__(self, learnt: FittedModel) -> None:
        """Give the estimator a model, unless it has another one by now."""
        if self.estimator.model_ is not self.model:
            raise InvalidInputError(
                "The estimator was trained again, or another stream committed to it, "
                "since this stream was opened; commit() would undo that. Open a new "
                "stream."
            )
        self.estimator.model_ = self.model = learnt

    def __deepcopy__(self, memo: dict[int, Any]) -> Commit:
        # A copied stream commits to the same estimator.
        other = Commit(self.estimator)
        other.model = self.model
        return other

    def __getstate__(self) -> dict[str, Any]:
        # A pickle has the model once, as a part of the estimator.
        return {"estimator": self.estimator, "current": self._is_current()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.estimator = state["estimator"]
        self.model = self.estimator.model_ if state["current"] else None

    def _is_current(self) -> bool:
        return self.estimator.model_ is self.model
