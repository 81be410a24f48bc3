"""`LiquidRegressor`: the estimator that scikit-learn takes for a regressor."""

from __future__ import annotations

from sklearn.base import RegressorMixin

from LNN.estimators._docs import documented
from LNN.estimators.signatures import RegressorParameters
from LNN.LNN import LiquidNeuralNetwork


@documented
class LiquidRegressor(RegressorParameters, RegressorMixin, LiquidNeuralNetwork):
    """Liquid neural network for regression on sequences.

    See Also
    --------
    LiquidNeuralNetwork : The same with `task` as a parameter; describes the data.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> t = np.arange(300)
    >>> X, y = np.sin(0.2 * t)[:-1, None], np.sin(0.2 * t)[1:]
    >>> model = LiquidRegressor(12, window_length=8, epochs=60, random_state=0)
    >>> model.fit(X[:250], y[:250]).predict(X[250:]).shape
    (49,)
    """

    # The mixin's score takes neither time stamps nor targets per step.
    score = LiquidNeuralNetwork.score
