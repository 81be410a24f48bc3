"""What an answer is to become, as a number that is to be above 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from LNN.estimators.fitted import FittedModel
from LNN.exceptions import InvalidInputError
from LNN.inspection.answers import Answer
from LNN.inspection.passes import Passes

# By how much more than enough, at first: the model itself answers in single precision.
SPARE_LOG_ODDS, SPARE_PART = 1e-3, 1e-4


class Goal:
    """An answer to be reached: a class, or a number.

    Parameters
    ----------
    passes : Passes
    before : Answer
    target : object
        A class, or a number in the unit of y.
    present : float, default=0.0
        What the model's own answer is a change from.

    Attributes
    ----------
    words : str
        The goal in words.
    spare : float
        By how much more than 0 the margin should be.
    """

    def __init__(
        self, passes: Passes, before: Answer, target: Any, present: float = 0.0
    ):
        self._passes, self._target = passes, target
        if before.probabilities is not None:
            self.words, self.spare = f"the class {target}", SPARE_LOG_ODDS
            self._sign, self._level = 1.0, 0.0
            return
        now = float(np.ravel(before.value)[passes.place])
        self._sign = 1.0 if target > now else -1.0
        self._level = float(target) - passes.center - present
        side = "at least" if target > now else "at most"
        self.words = f"{side} {float(target):.6g}"
        self.spare = SPARE_PART * abs(float(target) - now)

    def margin(self, values: Tensor) -> Tensor:
        """Return by how much the goal is reached, (B,); below 0 it is not."""
        one = np.zeros(len(values), dtype=np.int64)
        outputs = self._passes.outputs(one, values)
        if not self._passes.classifies:
            return self._sign * (self._passes.of_outputs(one, outputs) - self._level)
        place = self._passes.place
        own = outputs[:, place]
        others = torch.cat([outputs[:, :place], outputs[:, place + 1 :]], dim=1)
        return own - others.amax(1)

    def is_reached(self, answer: Answer) -> bool:
        """Tell whether an answer of the model itself is the goal."""
        if self._passes.classifies:
            return bool(answer.value == self._target)
        now = float(np.ravel(answer.value)[self._passes.place])
        return bool(self._sign * (now - float(self._target)) >= 0)


def targets_of(fitted: FittedModel, before: Answer, target: Any, now: float) -> list:
    """Return the goals that were asked for: of no class in particular all others."""
    if fitted.targets.classes is None:
        number = isinstance(target, int | float | np.number)
        if not number or isinstance(target, bool) or not np.isfinite(target):
            raise InvalidInputError(
                "Expected target as the number that the answer should reach, in the "
                f"unit of y, got {target!r}. The answer is {now:.6g} now."
            )
        if float(target) == now:
            raise InvalidInputError(
                f"Expected a target other than the present answer, got {target!r}. "
                "Pass the number that the answer should reach."
            )
        return [float(target)]
    known = list(fitted.targets.classes)
    if target is None:
        return [name for name in known if name != before.value]
    if target not in known or target == before.value:
        others = [name for name in known if name != before.value]
        raise InvalidInputError(
            f"Expected target as another class than {before.value!r}, one of {others}, "
            f"got {target!r}."
        )
    return [target]
