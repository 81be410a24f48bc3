"""Why a model gave this answer: rows, columns and neurons that made the difference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from LNN._typing import Column
from LNN.estimators.fitted import FittedModel, as_fitted
from LNN.exceptions import InvalidInputError
from LNN.inspection.answers import Answer, answer_to
from LNN.inspection.explanation import Explanation
from LNN.inspection.integration_path import IntegrationPath
from LNN.inspection.names import neuron_names
from LNN.inspection.passages import (
    Entries,
    can_tell_entries,
    left_through,
    way_through,
)
from LNN.inspection.passes import (
    Passes,
    scaled_baseline,
    spans_of_answers,
    steps_of_spans,
)
from LNN.inspection.places import Places, one_row, values_in_units

# How far from the difference a sum of shares may be, as a part of it: what is farther
# is refused, not printed.
ALLOWED = 1e-4


def explain(
    model: Any,
    X: ArrayLike,
    row: int = -1,
    *,
    baseline: ArrayLike | str = "mean",
    output: Any = None,
    step: int = -1,
    tolerance: float = 1e-6,
    timestamps: Column | None = None,
    groups: Column | None = None,
) -> Explanation:
    """Explain the answer to one row (or sequence) by rows, columns and neurons.

    Parameters
    ----------
    model : fitted estimator, Pipeline that ends in one, or FittedModel
    X, timestamps, groups
        As in `predict`; for a Pipeline, as its last step gets it.
    row : int, default=-1
        The number of the row (or sequence) of X whose answer is explained, not its
        label: `X.index.get_loc(label)` finds it. (`edits` of `counterfactual` name
        rows by their labels.)
    output : optional
        As in `attribution`, but for a classifier the default is the class that it
        predicts, so that positive shares speak for the prediction.
    baseline, step, tolerance
        As in `attribution`.

    Returns
    -------
    Explanation
        `print` it, or draw it with `ExplanationDisplay`. It holds shares of the
        difference between the answer and the answer to the baseline: by column, by
        step, by the neurons that read the inputs, and by the neurons that the read-out
        reads. Each of these adds up to the difference.

    Raises
    ------
    InvalidInputError
        If `row`, `output`, `step` or the baseline do not suit the model, or if the
        shares miss the difference by more than a ten-thousandth of it.

    Notes
    -----
    It explains the model, not the world; see `attribution`. Inside the network, shares
    of neurons do not add up, because states are passed on from step to step and would
    be counted again at each. They add up at two places, which every effect of an input
    passes exactly once:

    - *entered*: what each value adds to the neurons that read it, at its step. This is
      known for models whose neurons read the inputs one by one: LTC and CfC on a
      wiring, but not a CfC with a backbone, an LSTM or another baseline. With mixed
      memory, values enter the memories of neurons too.
    - *left*: what the read-out reads from each neuron of the last layer.

    If the groups of a wiring form a chain (inputs, inter, command, motor), `way` tells
    how much went from each group to the next: all that left through a group, or a later
    one, came this way.

    References
    ----------
    Sundararajan, Taly, Yan, Axiomatic attribution for deep networks, ICML 2017.
    Dhamdhere, Sundararajan, Yan, How important is a neuron?, ICLR 2019: what flows
    through neurons adds up wherever each way crosses once.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import explain
    >>> X = np.random.default_rng(0).normal(size=(60, 6, 2))
    >>> lnn = LiquidRegressor(8, epochs=60, random_state=0).fit(X, X[:, -1, 0])
    >>> found = explain(lnn, X, row=3)
    >>> bool(abs(found.columns.sum() - found.difference) < 1e-6)
    True
    >>> [bool(abs(found.left.sum() - found.difference) < 1e-6), found.way[0][:2]]
    [True, ('inputs', 'inter')]
    """
    fitted, row = as_fitted(model), one_row(row)
    sequences = fitted.read(X, timestamps=timestamps, groups=groups)
    spans = spans_of_answers(sequences, [row], step, fitted.targets.per_step)
    answer = answer_to(fitted, sequences, row, step)
    if output is None and fitted.classifies:
        output = answer.value
    passes = Passes(fitted, sequences, spans, output)
    start = scaled_baseline(fitted, sequences, baseline)
    places = Places(fitted, X, sequences, row, timestamps)
    one = np.array([0])
    left = left_through(passes, IntegrationPath(passes, one, start))[0]
    entries = Entries(passes) if can_tell_entries(passes.network) else None
    path = IntegrationPath(passes, one, start, entries)
    shares, end, begin = path.integrated(tolerance)
    _check_sum(shares.sum(), float(end[0] - begin[0]))
    title = places.title + (f", step {step}" if fitted.targets.per_step else "")
    rows = steps_of_spans(sequences, spans)[0]
    return Explanation(
        title=title,
        word=places.word,
        answer=_explained_part(fitted, answer, passes.place),
        unit=_unit(fitted, passes.place),
        anchored=sequences.anchor_rows is not None,
        output=float(end[0] + passes.center),
        baseline_output=float(begin[0] + passes.center),
        names=[n if isinstance(n, str) else f"column {n}" for n in places.names],
        labels=[places.label(k) for k in rows],
        values=values_in_units(sequences, spans),
        baseline=fitted.scaler.inverse_rows(start[None].numpy())[0],
        attributions=shares[0].sum(axis=0),
        entered=None if entries is None else np.moveaxis(shares[0], 0, 2),
        entries=[] if entries is None else entries.names,
        left=left,
        neurons=neuron_names(passes.network)[-len(left) :],
        way=way_through(passes.network, left),
    )


def _check_sum(total: float, difference: float) -> None:
    if abs(total - difference) <= ALLOWED * max(abs(difference), ALLOWED):
        return
    raise InvalidInputError(
        "Expected shares that add up to the difference of the answers, "
        f"{difference:.6g}, got {total:.6g}: the model bends too sharply between the "
        "baseline and these values. Choose another baseline=."
    )


def _explained_part(fitted: FittedModel, answer: Answer, place: int) -> Any:
    """Return the answer as `predict` gives it; of several outputs the explained one."""
    if fitted.classifies:
        return answer.value
    return float(np.ravel(answer.value)[place])


def _unit(fitted: FittedModel, place: int) -> str:
    classes = fitted.targets.classes
    return "" if classes is None else f"log odds of {classes[place]}"
