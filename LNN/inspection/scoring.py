"""How good a model is on changed data: one number, for any model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.metrics import get_scorer

Score = Callable[[Any, Any], float]


def scorer_of(
    model: Any, scoring: str | Callable[..., float] | None, params: dict[str, Any]
) -> Score:
    """Return what scores a model on X and y.

    Parameters
    ----------
    model : fitted estimator or Pipeline
    scoring : str, callable or None
        A scorer of scikit-learn, or its name; None is `model.score`.
    params : dict
        What the scorer gets besides, such as `timestamps`.
    """
    if scoring is None:
        return lambda X, y: float(model.score(X, y, **params))
    scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
    return lambda X, y: float(scorer(model, X, y, **params))
