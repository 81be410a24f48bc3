"""`PipelineStream`: a stream whose rows go through the steps of a Pipeline first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import ArrayLike, NDArray

from LNN._typing import Row
from LNN.estimators.fitted import FittedModel, last_step
from LNN.exceptions import InvalidInputError
from LNN.streaming.steps_before import StepsBefore
from LNN.streaming.stream import LiquidStream

__all__ = ["PipelineStream"]


class PipelineStream(LiquidStream):
    """Predictions row by row of a Pipeline that ends in an LNN estimator.

    Rows, and those of `context`, go through the fitted steps before the last one, as
    they do in `pipeline.predict`. Steps have to work on each row by itself, as scalers,
    imputers and PCA do. Those that do not transform, or change the number of rows, are
    refused by name, and so is a step that the first rows show to read neighbours.

    Parameters
    ----------
    pipeline : fitted Pipeline that ends in an LNN estimator
    mode, n, adapt, forgetting, learning_rate, truncation, context, publish, guard
        As in `LiquidStream`; rows of `context` are such as `pipeline.predict` takes.
        With `guard=True` the `doubts` are about what the last step gets, so their
        columns are those that the steps before it make.

    See Also
    --------
    LiquidStream : What a stream does, and its methods.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from LNN import LiquidRegressor
    >>> from LNN.streaming import PipelineStream
    >>> X = 20 + 5 * np.sin(0.2 * np.arange(201)[:, None])
    >>> network = LiquidRegressor(12, window_length=8, epochs=5, random_state=0)
    >>> pipe = make_pipeline(StandardScaler(), network).fit(X[:150], X[1:151, 0])
    >>> stream = PipelineStream(pipe, context=X[:150])
    >>> answers = [stream.step(x) for x in X[150:]]
    >>> bool(np.allclose(answers, pipe.predict(X)[150:], atol=1e-5))
    True
    """

    def __init__(
        self,
        pipeline: Any,
        mode: str = "window",
        n: int | None = None,
        *,
        adapt: str | None = None,
        forgetting: float | None = None,
        learning_rate: float | None = None,
        truncation: int | None = None,
        context: ArrayLike | str | None = None,
        publish: Callable[[FittedModel], None] | None = None,
        guard: bool = False,
    ):
        last = last_step(pipeline)
        if last is pipeline:
            way = "Open a stream of the estimator itself with estimator.stream()."
            if hasattr(pipeline, "best_estimator_"):
                way = "Pass its best_estimator_."
            raise InvalidInputError(
                "Expected a fitted Pipeline that ends in an LNN estimator, got "
                f"{type(pipeline).__name__}. {way}"
            )
        self._before = StepsBefore(pipeline, n)
        super().__init__(
            last,
            mode,
            n,
            adapt=adapt,
            forgetting=forgetting,
            learning_rate=learning_rate,
            truncation=truncation,
            context=context,
            publish=publish,
            guard=guard,
        )

    def step(self, x: Row, dt: Any = None, *, timestamp: Any = None) -> NDArray | Any:
        """Take in a row and predict.

        Parameters
        ----------
        x : array-like of shape (n_features,), Series or dict
            A row as the Pipeline takes it, before its first step. With `n` streams
            (n, n_features), or a frame.
        dt, timestamp
            As in `LiquidStream.step`.

        Returns
        -------
        float, label or ndarray
            As `LiquidStream.step`.
        """
        return super().step(self._before.row(x), dt=dt, timestamp=timestamp)

    def step_proba(self, x: Row, dt: Any = None, *, timestamp: Any = None) -> NDArray:
        """Take in a row and return the probability of each class.

        Parameters
        ----------
        x, dt, timestamp
            As in `step`.

        Returns
        -------
        ndarray of shape (n_classes,) or (n, n_classes)
            As `LiquidStream.step_proba`.
        """
        return super().step_proba(self._before.row(x), dt=dt, timestamp=timestamp)

    def _take_in(self, context: Any, kept: int | None) -> None:
        super()._take_in(self._before.context(context), kept)

    def _known_keys(self, x: Any) -> Any:
        return self._before.keys(x)
