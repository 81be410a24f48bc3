"""The answer of a model to one row or sequence, as its user gets it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from LNN.data import SequenceSet
from LNN.estimators.fitted import FittedModel
from LNN.inspection.passes import spans_of_answers


class Answer(NamedTuple):
    """What `predict` answers, and `predict_proba` of a classifier."""

    value: Any
    probabilities: NDArray[np.float64] | None


def answer_to(
    fitted: FittedModel, sequences: SequenceSet, row: int, step: int = -1
) -> Answer:
    """Return the answer to a row, or to a sequence (at a step of it).

    Parameters
    ----------
    fitted : FittedModel
    sequences : SequenceSet
        As `fitted.read` returns them.
    row : int
    step : int, default=-1
        Where there is an answer at each step.
    """
    per_step = fitted.targets.per_step
    where: tuple[int, ...] = (row, step) if per_step else (row,)
    limits = fitted.limits
    alone = limits is None or not limits.keeper.looks_back
    if alone and not per_step and not sequences.whole:  # no other answer is needed
        sequences = spans_of_answers(sequences, [row], step, per_step)
        where = (0,)
    outputs = fitted.outputs(sequences)
    value = _at(fitted.answers(outputs, sequences), where)
    if not fitted.classifies:
        return Answer(value, None)
    return Answer(value, _at(fitted.probabilities(outputs, sequences), where))


def _at(answers: Any, where: tuple[int, ...]) -> Any:
    for place in where:
        answers = answers[place]
    return answers
