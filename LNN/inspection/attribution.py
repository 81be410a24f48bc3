"""Which rows and columns an answer came from: integrated gradients, and occlusion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from LNN._results import Result
from LNN._typing import Column
from LNN.estimators.fitted import as_fitted
from LNN.exceptions import InvalidInputError
from LNN.inspection.integration_path import IntegrationPath
from LNN.inspection.passes import (
    Passes,
    input_names,
    scaled_baseline,
    spans_of_answers,
    steps_of_spans,
)

METHODS = ("integrated_gradients", "occlusion")
Shares = tuple[np.ndarray, np.ndarray, np.ndarray]


def attribution(
    model: Any,
    X: ArrayLike,
    *,
    method: str = "integrated_gradients",
    baseline: ArrayLike | str = "mean",
    output: Any = None,
    rows: Sequence[int] | NDArray[np.int64] | None = None,
    step: int = -1,
    tolerance: float = 1e-6,
    timestamps: Column | None = None,
    groups: Column | None = None,
) -> Result:
    """Tell how much each row and column of X added to an answer.

    Parameters
    ----------
    model : fitted estimator, Pipeline that ends in one, or FittedModel
    X, timestamps, groups
        As in `predict`; for a Pipeline, as its last step gets it.
    method : {"integrated_gradients", "occlusion"}
        "integrated_gradients": the mean gradient on the straight path from the baseline
        to X, times the difference of both. These add up to the difference of the
        answers.
        "occlusion": how much the answer falls if one value is replaced by that of the
        baseline. It takes a pass for each row and column. An effect that needs several
        values together counts for each of them, so these need not add up.
    baseline : "mean" or array of shape (F,), default="mean"
        What X is compared with: a value for each input, in its own unit. "mean" is the
        centre of each column according to the scaler: its mean in training, its median
        (scale="robust"), the middle of its range ("minmax"), or 0 ("none"). Missing
        values stay missing.
    output : optional
        For a regressor, the number of the output (default 0). For a classifier, the
        class whose log odds are explained (default: the second of two, or the predicted
        one of several).
    rows : sequence of int, default=None
        The rows (or sequences) of X whose answers are explained; None is all.
    step : int, default=-1
        For sequences with an answer at each step: the step whose answer is explained.
    tolerance : float, default=1e-6
        Largest error of the sum of integrated gradients, relative to the difference of
        the answers.

    Returns
    -------
    Bunch
        attributions : ndarray of shape (n, T, F)
            In the unit of y, or in log odds. The last step is the one that is
            answered; NaN before the first, where a window or sequence is shorter.
        positions : ndarray of int, shape (n, T)
            For rows, the row of X that each step is; -1 if there is none, or if it is
            a row of context. For sequences, the step.
        output, baseline_output : ndarray of shape (n,)
            The answer that is explained, and the answer to the baseline.
        completeness_error : ndarray of shape (n,)
            How far the sum of `attributions` is from ``output - baseline_output``.
        baseline : ndarray of shape (F,)
            What X was compared with, in the units of the inputs.
        names : list
            The inputs, as columns of X.

    Raises
    ------
    InvalidInputError
        If `output`, `step`, `rows` or the baseline do not suit the model.

    Notes
    -----
    It explains the model, not the world: a column that is only correlated with the
    cause may get its share. Everything is computed in double precision. With `anchor=`
    not the whole answer is explained but the change that the network predicts: that
    from the anchor, the column of the target's present value. A value that is held
    where later ones are missing gets their shares.

    References
    ----------
    Sundararajan, Taly, Yan, Axiomatic attribution for deep networks, ICML 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import attribution
    >>> X = np.random.default_rng(0).normal(size=(60, 6, 2))
    >>> lnn = LiquidRegressor(8, epochs=60, random_state=0).fit(X, X[:, -1, 0])
    >>> found = attribution(lnn, X[:3])
    >>> found.attributions.shape, bool(found.completeness_error.max() < 1e-6)
    ((3, 6, 2), True)
    """
    fitted = as_fitted(model)
    if method not in METHODS:
        raise InvalidInputError(f"Expected method among {METHODS}, got {method!r}.")
    sequences = fitted.read(X, timestamps=timestamps, groups=groups)
    samples = spans_of_answers(sequences, rows, step, fitted.targets.per_step)
    passes = Passes(fitted, sequences, samples, output)
    start = scaled_baseline(fitted, sequences, baseline)
    explain = _integrated if method == "integrated_gradients" else _occluded
    shape = (len(samples), samples.max_length, sequences.n_features)
    values, outputs = np.full(shape, np.nan), np.zeros((2, len(samples)))
    for batch in passes.pieces(len(samples)):
        found, *ends = explain(passes, IntegrationPath(passes, batch, start), tolerance)
        outputs[:, batch] = ends
        for k, shares in zip(batch, found, strict=True):
            length = samples.length[k]
            values[k, shape[1] - length :] = shares[:length]
    difference = outputs[0] - outputs[1]
    sums = np.nansum(values, axis=(1, 2))
    return Result(
        attributions=values,
        positions=steps_of_spans(sequences, samples),
        output=outputs[0] + passes.center,
        baseline_output=outputs[1] + passes.center,
        completeness_error=np.abs(sums - difference),
        baseline=fitted.scaler.inverse_rows(start[None].numpy())[0],
        names=input_names(sequences),
    )


def _integrated(passes: Passes, path: IntegrationPath, tolerance: float) -> Shares:
    """Return the shares of a batch, the answers, and those to the baseline."""
    shares, end, begin = path.integrated(tolerance)
    return shares[:, 0], end, begin


@torch.no_grad()
def _occluded(passes: Passes, path: IntegrationPath, tolerance: float) -> Shares:
    """Return the fall of the answers for each value, and the answers as above."""
    batch, begin, values = path.batch, path.begin, path.values
    whole = passes.answers(batch, values)
    shares = torch.zeros_like(values)
    for step in range(values.shape[1]):
        for column in range(values.shape[2]):
            without = values.clone()
            without[:, step, column] = begin[:, step, column]
            shares[:, step, column] = whole - passes.answers(batch, without)
    return shares.numpy(), whole.numpy(), passes.answers(batch, begin).numpy()
