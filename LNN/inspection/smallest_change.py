"""The smallest change of X that gives another answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike

from LNN._results import Result
from LNN._typing import Column
from LNN.data import SequenceSet
from LNN.estimators.fitted import FittedModel, as_fitted
from LNN.exceptions import InvalidInputError
from LNN.inspection.answers import Answer, answer_to
from LNN.inspection.counterfactual import compared
from LNN.inspection.goals import Goal, targets_of
from LNN.inspection.nearest import Nearest, sparse
from LNN.inspection.passes import Passes, spans_of_answers
from LNN.inspection.places import Places, listed, one_row
from LNN.inspection.search_space import SearchSpace, search_space_of

# What is too little in single precision is asked for again, ten times as much.
TRIES = 4
# Values that change by less than this part of the largest change stay as they are.
LEAST = 1e-6
# Values that the text names.
MOST_LINES = 8


def smallest_change(
    model: Any,
    X: ArrayLike,
    row: int = -1,
    *,
    target: Any = None,
    columns: Sequence[Any] | None = None,
    steps: Sequence[Any] | None = None,
    n_values: int | None = None,
    within: ArrayLike | None = None,
    output: int | None = None,
    step: int = -1,
    timestamps: Column | None = None,
    groups: Column | None = None,
) -> Result:
    """Search the smallest change of a row (or sequence) that gives another answer.

    Parameters
    ----------
    model : fitted estimator, Pipeline that ends in one, or FittedModel
    X, timestamps, groups
        As in `predict`; of a Pipeline what its last step gets.
    row : int, default=-1
        The number of the row (or sequence) of X whose answer should change.
    target : label or float, default=None
        The class that should be answered; None is any other. Of a regressor a number in
        the unit of y, which the answer should reach or pass.
    columns : sequence, default=None
        The columns that may change; None is all inputs, except those that the
        model's `anchor=` names.
    steps : sequence, default=None
        The rows (labels or numbers) or steps that may change; None is all that the
        answer reads.
    n_values : int, default=None
        At most so many values change. None is any number: the change is then small in
        each of many values.
    within : array-like, default=None
        Data with the columns of X, such as those of training: each value stays in the
        range of its column there. None is X itself. A value that is out of it may stay.
    output : int, default=None
        Of a regressor with several outputs: which one.
    step : int, default=-1
        Of sequences with an answer at each step: which one.

    Returns
    -------
    Bunch
        found : bool
            Whether there is a change for which `predict` itself gives the answer.
        edits : dict
            ``{(t, column): value}`` as `counterfactual` takes them; empty if none was
            found.
        distance : float
            The root of the sum of squared changes, in units of the scaler: of
            scale="standard" the standard deviations of the columns in training. NaN if
            none was found.
        before, after, difference, probabilities_before, probabilities_after
            As `counterfactual` returns them; `after` is None if none was found.
        X : array, DataFrame or list
            A copy with the new values, or None.
        text : str
            All that in a few lines; `print` it.

    Raises
    ------
    InvalidInputError
        If the target, the columns or the steps do not suit the model.

    Notes
    -----
    It tells of the model, not of the world: nothing says that these values can be
    changed, alone, or that the world would answer as the model does. The search follows
    slopes and is not exhaustive: "none found" is not a proof that there is none, and a
    smaller change may exist. It gives the same change every time. Missing values stay
    missing, and gaps in time stay as they are.

    References
    ----------
    Wachter, Mittelstadt, Russell, Counterfactual explanations without opening the black
    box, 2018. Moosavi-Dezfooli, Fawzi, Frossard, DeepFool, CVPR 2016 (the method, here
    with bounds and steps back).

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidClassifier
    >>> from LNN.inspection import smallest_change
    >>> X = np.random.default_rng(0).normal(size=(80, 6, 2))
    >>> lnn = LiquidClassifier(8, epochs=60, random_state=0).fit(X, X[:, -1, 0] > 0)
    >>> found = smallest_change(lnn, X, row=3, n_values=1)
    >>> found.found, bool(found.before), bool(found.after), list(found.edits)
    (True, True, False, [(5, 0)])
    """
    fitted, row = as_fitted(model), one_row(row)
    how: dict[str, Any] = {"timestamps": timestamps, "groups": groups}
    sequences = fitted.read(X, **how)
    spans = spans_of_answers(sequences, [row], step, fitted.targets.per_step)
    places = Places(fitted, X, sequences, row, timestamps)
    space = search_space_of(fitted, sequences, spans, places, columns, steps, within)
    _check_count(n_values)
    before = answer_to(fitted, sequences, row, step)
    best: _Change | None = None
    goals = []
    for goal_value in targets_of(fitted, before, target, _now(fitted, before, output)):
        shown = goal_value if fitted.classifies else output
        passes = Passes(fitted, sequences, spans, shown)
        present = _present(sequences, spans, passes.place, fitted)
        goal = Goal(passes, before, goal_value, present)
        goals.append(goal.words)

        def ask(changes: dict[tuple[int, int], float]) -> tuple[Any, Answer]:
            changed = places.edited(changes)
            return changed, answer_to(fitted, fitted.read(changed, **how), row, step)

        change = _searched(fitted, goal, space, n_values, ask)
        if change is not None and (best is None or change.distance < best.distance):
            best = change
    return _result(before, best, places, goals, space, n_values)


class _Change(NamedTuple):
    """A change that the model itself answers as it was asked for."""

    distance: float
    changes: dict[tuple[int, int], float]
    X: Any
    answer: Answer


def _now(fitted: FittedModel, before: Answer, output: int | None) -> float:
    """Return the answer of a regressor as a number."""
    if fitted.classifies:
        return float("nan")
    values = np.ravel(before.value)
    place = 0 if output is None else output
    return float(values[place]) if 0 <= place < len(values) else float("nan")


def _present(
    sequences: SequenceSet, spans: SequenceSet, place: int, fitted: FittedModel
) -> float:
    """Return the anchor's value that the model's own answer is a change from."""
    if sequences.anchor_rows is None:
        return 0.0
    anchors = spans.anchors(np.array([0]))[0]
    return float(anchors[place * len(anchors) // fitted.network.output_size])


def _check_count(n_values: int | None) -> None:
    whole = isinstance(n_values, int | np.integer) and not isinstance(n_values, bool)
    if n_values is not None and not (whole and n_values > 0):
        raise InvalidInputError(
            f"Expected n_values as a number of values, 1 or more, got {n_values!r}."
        )


def _searched(
    fitted: FittedModel, goal: Goal, space: SearchSpace, n_values: int | None, ask: Any
) -> _Change | None:
    """Return the smallest change that was found, and that the model itself confirms."""
    spare = goal.spare
    for _ in range(TRIES):
        search = Nearest(goal.margin, space.values, space.low, space.high, spare)
        most = space.free.numel() if n_values is None else n_values
        change = sparse(search, space.free, most)
        if change is None:
            return None
        kept = change.abs() > LEAST * change.abs().max()
        change = torch.where(kept, change, 0.0)
        units = fitted.scaler.inverse_rows((space.values + change).numpy())
        order = np.argsort(-change.abs().numpy(), axis=None, kind="stable")
        order = order[: int(kept.sum())]  # the largest first
        changes = {
            (int(space.rows[t]), int(f)): float(units[t, f])
            for t, f in zip(*np.unravel_index(order, units.shape), strict=True)
        }
        X, answer = ask(changes)
        if goal.is_reached(answer):
            return _Change(float(change.norm()), changes, X, answer)
        spare *= 10
    return None


def _result(
    before: Answer,
    best: _Change | None,
    places: Places,
    goals: list[str],
    space: SearchSpace,
    n_values: int | None,
) -> Result:
    wanted = listed(goals) if len(goals) == 1 else "another class"
    if best is None:
        few = "" if n_values is None else f", changing {n_values} at most"
        text = (
            f"{places.title}: none found that gives {wanted}, of "
            f"{int(space.free.sum())} values that may change within the range of the "
            f"data{few}. The answer stays {_shown(before)}."
        )
        return Result(
            found=False,
            edits={},
            distance=float("nan"),
            before=before.value,
            after=None,
            difference=None,
            X=None,
            text=text,
        )
    edits, lines = {}, []
    for (t, f), value in best.changes.items():
        edits[places.label(t), places.names[f]] = value
        old = places.value(t, f)
        lines.append(
            f"  {places.names[f]} at {places.word} {places.label(t)}: {old:.6g} -> "
            f"{value:.6g}"
        )
    shown = lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        shown.append(f"  and {len(lines) - MOST_LINES} more values, see edits")
    text = "\n".join(
        [
            f"{places.title}: {_shown(before)} becomes {_shown(best.answer)} if "
            f"{len(edits)} of its values are others (distance {best.distance:.3g}):",
            *shown,
            "It is the model's answer to other numbers, not what the world would do.",
        ]
    )
    return Result(
        found=True,
        edits=edits,
        distance=best.distance,
        **compared(before, best.answer),
        X=best.X,
        text=text,
    )


def _shown(answer: Answer) -> str:
    number = isinstance(answer.value, float | np.floating)
    return f"{answer.value:.6g}" if number else str(answer.value)
