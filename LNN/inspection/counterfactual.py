"""What the model would have answered, had some values been others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from LNN._results import Result
from LNN._typing import Column
from LNN.estimators.fitted import as_fitted
from LNN.exceptions import InvalidInputError
from LNN.inspection.answers import Answer, answer_to
from LNN.inspection.passes import spans_of_answers
from LNN.inspection.places import Places, one_row


def counterfactual(
    model: Any,
    X: ArrayLike,
    row: int = -1,
    *,
    edits: Mapping[tuple[Any, Any], float],
    step: int = -1,
    timestamps: Column | None = None,
    groups: Column | None = None,
) -> Result:
    """Tell how the answer to a row (or sequence) changes if values of X are others.

    Parameters
    ----------
    model : fitted estimator, Pipeline that ends in one, or FittedModel
    X, timestamps, groups
        As in `predict`; of a Pipeline what its last step gets.
    row : int, default=-1
        The number of the row (or sequence) of X whose answer is asked for, not its
        label: `X.index.get_loc(label)` finds it. `edits` name rows by their labels.
    edits : dict
        New values in the units of X: ``{(t, column): value}``. Of rows, t is a label of
        the index (or a time stamp), or the number of a row; of sequences a step of this
        one. NaN is missing.
    step : int, default=-1
        Of sequences with an answer at each step: which one.

    Returns
    -------
    Bunch
        before, after : float, ndarray or label
            What `predict` answers.
        difference : float or ndarray
            `after` minus `before`; of a classifier that of the probabilities, in the
            order of `classes_`.
        probabilities_before, probabilities_after : ndarray of shape (n_classes,)
            Of a classifier.
        edits : list of (t, column, old, new)
        X : array, DataFrame or list
            A copy with the new values.

    Raises
    ------
    InvalidInputError
        If there is no such row, step or column.

    Notes
    -----
    It is the model's answer to other numbers, not what would happen in the world if
    these were changed there. Values that belong together stay as they were.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import counterfactual
    >>> X = np.random.default_rng(0).normal(size=(60, 6, 2))
    >>> lnn = LiquidRegressor(8, epochs=60, random_state=0).fit(X, X[:, -1, 0])
    >>> found = counterfactual(lnn, X, row=3, edits={(-1, 0): 2.0})
    >>> bool(found.after == lnn.predict(found.X)[3])
    True
    """
    fitted, row = as_fitted(model), one_row(row)
    how: dict[str, Any] = {"timestamps": timestamps, "groups": groups}
    sequences = fitted.read(X, **how)
    # Refuses a row or a step that is not there.
    spans_of_answers(sequences, [row], step, fitted.targets.per_step)
    places = Places(fitted, X, sequences, row, timestamps)
    changes = _numbered(edits, places)
    changed = places.edited(changes)
    told = [
        (places.label(t), places.names[f], places.value(t, f), value)
        for (t, f), value in changes.items()
    ]
    before = answer_to(fitted, sequences, row, step)
    after = answer_to(fitted, fitted.read(changed, **how), row, step)
    return Result(**compared(before, after), edits=told, X=changed)


def compared(before: Answer, after: Answer) -> dict[str, Any]:
    """Return both answers, and by how much the second one is more."""
    found: dict[str, Any] = {"before": before.value, "after": after.value}
    if before.probabilities is None or after.probabilities is None:
        return {**found, "difference": after.value - before.value}
    return {
        **found,
        "difference": after.probabilities - before.probabilities,
        "probabilities_before": before.probabilities,
        "probabilities_after": after.probabilities,
    }


def _numbered(edits: Any, places: Places) -> dict[tuple[int, int], float]:
    """Return edits by the numbers of rows or steps, and of inputs."""
    if not isinstance(edits, Mapping) or not edits:
        raise InvalidInputError(
            "Expected edits as a dict {(t, column): value} with an entry at least, got "
            f"{edits!r}."
        )
    changes = {}
    for place, value in edits.items():
        if not isinstance(place, tuple) or len(place) != 2:
            raise InvalidInputError(
                f"Expected (t, column) as a key of edits, got {place!r}."
            )
        number = np.asarray(value)
        if number.ndim or number.dtype.kind not in "fiub" or np.isinf(number):
            raise InvalidInputError(
                f"Expected a number in the unit of {place[1]!r} as its new value, got "
                f"{value!r}."
            )
        changes[places.number(place[0]), places.column(place[1])] = float(number)
    return changes
