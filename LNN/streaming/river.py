"""`predict_one`, `predict_proba_one` and `learn_one`: the names that river uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from LNN.estimators.fitted import FittedModel
from LNN.exceptions import InvalidInputError
from LNN.streaming.arrivals import Arrivals
from LNN.streaming.targets import goals_of


class _Stream(Protocol):
    """What the names below need of the stream that has them."""

    n: int | None
    adapt: str | None
    model: FittedModel
    _arrivals: Arrivals

    @property
    def classes_(self) -> NDArray: ...
    def step(self, x: Any, dt: Any = None, *, timestamp: Any = None) -> Any: ...
    def step_proba(self, x: Any, dt: Any = None, *, timestamp: Any = None) -> Any: ...
    def update(self, y_true: Any) -> None: ...
    def _require_classes(self, what: str, instead: str) -> NDArray: ...
    def _require_single(self) -> None: ...
    def _known_keys(self, x: Any) -> Any: ...
    def _without_taking(
        self, step: Callable[..., Any], x: Any, dt: Any, timestamp: Any
    ) -> Any: ...


class RiverNames:
    """A stream for code written for river (which is not needed here).

    There, only `learn_one` changes a model: the stream advances when a row is learnt,
    and `predict_one` looks ahead. Rows that will never have a label go to `step`.
    """

    def predict_one(
        self: _Stream, x: dict, *, dt: Any = None, timestamp: Any = None
    ) -> Any:
        """Predict for a row without taking it in.

        Parameters
        ----------
        x : dict
            From column name (or number) to value. Keys that the fit did not see are
            left out, as in river, unless a column of the fit is missing.
        dt, timestamp
            As in `step`.

        Returns
        -------
        float or label
        """
        self._require_single()
        x = self._known_keys(x)
        answer = self._without_taking(self.step, x, dt, timestamp)
        # Labels and numbers of Python's own, as of river: they go into JSON.
        return answer.item() if isinstance(answer, np.generic) else answer

    def predict_proba_one(
        self: _Stream, x: dict, *, dt: Any = None, timestamp: Any = None
    ) -> dict[Any, float]:
        """Return the probability of each class for a row without taking it in.

        Parameters
        ----------
        x, dt, timestamp
            As in `predict_one`.

        Returns
        -------
        dict
            From label to probability.
        """
        self._require_classes("predict_proba_one", instead="predict_one")
        self._require_single()
        x = self._known_keys(x)
        probabilities = self._without_taking(self.step_proba, x, dt, timestamp)
        return dict(zip(self.classes_.tolist(), probabilities.tolist(), strict=True))

    def learn_one(
        self: _Stream, x: dict, y: Any, *, dt: Any = None, timestamp: Any = None
    ) -> None:
        """Take in a row and learn its truth (without `adapt` the state alone goes on).

        Parameters
        ----------
        x, dt, timestamp
            As in `predict_one`.
        y : float or label
        """
        self._require_single()
        x = self._known_keys(x)
        if self.adapt is not None:
            goals_of(self.model, None, y, None)  # refuses y before the row is taken in
        self.step(x, dt=dt, timestamp=timestamp)
        if self.adapt is not None:
            self.update(y)

    def _known_keys(self: _Stream, x: Any) -> Any:
        """Leave out keys that the fit did not see; one may be a misspelt column."""
        if not isinstance(x, dict):
            return x
        columns = self._arrivals.columns
        names = range(columns.n_features_in) if columns.names is None else columns.names
        if len(x) == len(names) or any(name not in x for name in names):
            return x
        return {name: x[name] for name in names}

    def _require_single(self: _Stream) -> None:
        if self.n is not None:
            raise InvalidInputError(
                f"predict_one and learn_one are for a single stream, this one has "
                f"n={self.n}. Use step and update."
            )
