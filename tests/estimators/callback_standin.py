"""LiquidRegressor in place of the estimator of scikit-learn's own callback tests.

A plug-in of pytest, in the folder of this file:
`LNN_STANDS_IN=1 python -m pytest -p callback_standin --pyargs sklearn.callback.tests`.
"""

import os

import pytest

pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")

from sklearn.callback import CallbackContext, with_callbacks
from sklearn.callback.tests import _utils
from sklearn.datasets import make_regression

from LNN import LiquidRegressor

_subcontext = CallbackContext.subcontext


def _named_as_theirs(self, task_name="", **how):
    """Call epochs "iteration 0", "iteration 1", ... as their tests expect."""
    if task_name == "epoch":
        task_name = f"iteration {len(self._children_map)}"
    return _subcontext(self, task_name, **how)


class MaxIterEstimator(LiquidRegressor):
    """Has the parameters of theirs, and like theirs can be fitted without data."""

    def __init__(self, max_iter=20, computation_intensity=0.001):
        self.max_iter = max_iter
        self.computation_intensity = computation_intensity
        # Without a schedule, three epochs of five are a fit of three epochs, as theirs.
        super().__init__(4, window_length=1, lr_schedule=None, random_state=0)

    @with_callbacks
    def fit(self, X=None, y=None, *, sample_weight=None):
        if X is None:
            X, y = make_regression(n_samples=100, n_features=2, random_state=0)
        return super().fit(X, y, sample_weight, epochs=self.max_iter)


# Worker processes import this file too; the doctests of this package must not do it.
if "LNN_STANDS_IN" in os.environ:
    CallbackContext.subcontext = _named_as_theirs
    _utils.MaxIterEstimator = MaxIterEstimator
