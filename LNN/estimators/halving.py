"""A warning for successive halving, which draws rows at random."""

from __future__ import annotations

import inspect
import sys
from types import FrameType
from typing import Any
from weakref import WeakSet

import numpy as np

from LNN._warnings import warn

_HALVING = "sklearn.model_selection._search_successive_halving"
# Weak: a search, with its results and its best estimator, would never be freed.
_warned: WeakSet = WeakSet()


def warn_if_halving_draws_rows(window_length: Any) -> bool:
    """Warn, once for a search, if one that draws rows at random copies an estimator.

    An estimator is told nothing of the search around it, and rows with gaps look like
    any others. Copies are made in the process that searches, whatever `n_jobs` is.

    Returns
    -------
    bool
        Whether the copy is for such rows. The one that the search fits to all rows
        in the end is not.
    """
    if _HALVING not in sys.modules or window_length == 1:
        return False
    frame, is_candidate = _frame_of_search(sys.modules[_HALVING].BaseSuccessiveHalving)
    if frame is None:
        return False
    search, X = frame.f_locals["self"], frame.f_locals.get("X")
    if search.resource != "n_samples" or not _is_table(X):
        return False
    if search not in _warned:
        _warned.add(search)
        warn(
            f'{type(search).__name__} with resource="n_samples", its default, draws '
            "rows at random: windows then hold rows that did not follow each other, "
            'and the search judges them. Set resource="epochs" with max_resources=, or '
            "pass sequences (3-D X or a list), which are drawn whole."
        )
    return is_candidate


def _frame_of_search(kind: type) -> tuple[FrameType | None, bool]:
    """Return the call of `fit` of a search that led here, and whether to candidates."""
    frame: FrameType | None = inspect.currentframe()
    is_candidate = False
    while frame is not None:
        # Candidates are cloned from within it, the estimator of the last fit is not.
        is_candidate |= frame.f_code.co_name == "_run_search"
        is_fit = frame.f_code.co_name == "fit"
        if is_fit and isinstance(frame.f_locals.get("self"), kind):
            return frame, is_candidate
        frame = frame.f_back
    return None, False


def _is_table(X: Any) -> bool:
    """Tell rows from sequences."""
    if hasattr(X, "ndim") or hasattr(X, "columns"):
        return getattr(X, "ndim", 2) == 2
    return len(X) > 0 and np.ndim(X[0]) == 1


__all__ = ["warn_if_halving_draws_rows"]
