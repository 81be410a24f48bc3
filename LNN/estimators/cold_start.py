"""Warn about `predict` without `context=` on rows that continue the training data."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any

import sklearn

from LNN._warnings import warn
from LNN.data.training_end import TrainingEnd

LNN_FILES = str(Path(__file__).parents[1]) + os.sep
SKLEARN_FILES = str(Path(sklearn.__file__ or __file__).parent) + os.sep
# These only pass a call on. Others, such as searches, predict on folds of their own
# choice, which cannot have a context.
_PASS_ON = (SKLEARN_FILES + "pipeline.py", SKLEARN_FILES + "utils" + os.sep)


def warn_if_cold(
    end: TrainingEnd | None, owner: str, X: Any, how: dict[str, Any], options: Any
) -> bool:
    """Warn if X continues the training data, without a context, in a direct call.

    Parameters
    ----------
    end : TrainingEnd or None
    owner : str
        The estimator's name, for messages.
    X : array-like
    how : dict
        `timestamps`, `groups` and `context`, as they were passed.
    options : ReadOptions

    Returns
    -------
    bool
        Whether it has warned.
    """
    if end is None or how["context"] is not None or how["groups"] is not None:
        return False
    if not end.is_continued_by(X, how["timestamps"], options.time_column):
        return False
    caller = _caller()
    if not caller:
        return False
    rows = options.window_length
    pipe = "pipe." if caller == "pipeline" else ""
    line = f"predict(X, context=X_train[-{end.window}:])"
    fewer = f"see fewer than window_length={rows} rows"
    if rows is None:
        fewer = "start from an empty state"
    if how["timestamps"] is not None:
        line = line[:-1] + ", timestamps=...), the time stamps of the context first"
    if caller == "pipeline":
        line = "pipe.predict(rows)[len(before):], with rows = before and X in one table"
    warn(
        f"X continues the rows that {owner} was fitted on, but comes without them: its "
        f'first predictions {fewer}. To start warm: {pipe}predict(X, context="fit"), '
        f"or {line}. For a cold start on purpose, context=X[:0] says so."
    )
    return True


def _caller() -> str:
    """Return who called a method of an estimator: "user", "pipeline" or "" (others)."""
    frame, kind = inspect.currentframe(), "user"
    while frame is not None and frame.f_code.co_filename.startswith(LNN_FILES):
        inner, frame = frame, frame.f_back
        # `score`, and other parts of LNN, call methods for purposes of their own.
        if inner.f_code.co_name in ("predict", "predict_proba"):
            break
    if frame is not None and frame.f_code.co_filename.startswith(LNN_FILES):
        return ""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(SKLEARN_FILES):
            if not file.startswith(_PASS_ON):
                return ""
            kind = "pipeline"
        frame = frame.f_back
    return kind
