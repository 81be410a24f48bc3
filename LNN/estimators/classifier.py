"""`LiquidClassifier`: the estimator that scikit-learn takes for a classifier."""

from __future__ import annotations

from sklearn.base import ClassifierMixin

from LNN.estimators._docs import documented
from LNN.estimators.signatures import ClassifierParameters
from LNN.LNN import LiquidNeuralNetwork


@documented
class LiquidClassifier(ClassifierParameters, ClassifierMixin, LiquidNeuralNetwork):
    """Liquid neural network for the classification of sequences, or of their steps.

    See Also
    --------
    LiquidNeuralNetwork : The same with `task` as a parameter; describes the data.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidClassifier
    >>> X = np.random.default_rng(0).normal(size=(60, 20, 2))
    >>> y = np.where(X[:, :, 0].mean(axis=1) > 0, "up", "down")
    >>> model = LiquidClassifier(12, epochs=20, random_state=0).fit(X, y)
    >>> model.predict_proba(X[:3]).shape
    (3, 2)
    """

    # The mixin's score takes neither time stamps nor targets per step.
    score = LiquidNeuralNetwork.score
