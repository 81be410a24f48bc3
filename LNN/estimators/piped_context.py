"""Refuse rows of `context=` that a Pipeline has not transformed as it transforms X."""

from __future__ import annotations

import inspect
from typing import Any

from LNN.estimators.cold_start import LNN_FILES, SKLEARN_FILES
from LNN.estimators.fitted import last_step, steps_before
from LNN.exceptions import InvalidInputError


def refuse_piped_context(context: Any) -> None:
    """Raise if a Pipeline hands on rows of context beside an X that it transformed.

    scikit-learn transforms X alone. Who passes rows to a Pipeline means rows of its
    own X, which the estimator cannot transform.

    Parameters
    ----------
    context : array-like, "fit" or None
        As in `predict`, which calls this.

    Raises
    ------
    InvalidInputError
        With the line to write instead.
    """
    if context is None or isinstance(context, str) or not _has_rows(context):
        return
    steps = _transforming_steps()
    if steps:
        raise InvalidInputError(
            f"Expected no rows as context= of a Pipeline, which transforms X with "
            f"{steps} but hands context on as it is. Call its last step: "
            "pipe[-1].predict(pipe[:-1].transform(X), "
            "context=pipe[:-1].transform(context)). Or predict all rows, "
            'pipe.predict(rows)[len(context):]; or pass context="fit" if X continues '
            "the training data."
        )


def _has_rows(context: Any) -> bool:
    return not hasattr(context, "__len__") or len(context) > 0


def _transforming_steps() -> list[str]:
    """Return the steps before the last of the Pipeline that calls; [] without one."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(LNN_FILES):
        frame = frame.f_back
    # Tools in between, such as TransformedTargetRegressor, only pass the call on.
    while frame is not None:
        owner = frame.f_locals.get("self")
        if names := [name for name, _ in steps_before(owner)]:
            return names
        is_pipeline = last_step(owner) is not owner
        if not is_pipeline and not frame.f_code.co_filename.startswith(SKLEARN_FILES):
            break
        frame = frame.f_back
    return []
