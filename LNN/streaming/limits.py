"""Answers of streams within `output_constraints`, one row of each stream at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from LNN._warnings import warn
from LNN.estimators.fitted import FittedModel
from LNN.estimators.limits import AnswerLimits, Kept
from LNN.exceptions import InvalidInputError
from LNN.streaming.arrivals import Arrival


class StreamLimits:
    """Keeps answers within constraints, and remembers those before.

    Parameters
    ----------
    model : FittedModel
    limits : AnswerLimits
        Of the model.
    n : int
        Number of streams.
    """

    def __init__(self, model: FittedModel, limits: AnswerLimits, n: int):
        self._limits, self._unit = limits, model.clock.unit
        self._anchors = model.layout.columns.anchors
        # Answers as they were given; NaN where there is none.
        self._before = np.full((n, limits.n), np.nan)
        self._kept: Kept | None = None
        self._warned = False

    @classmethod
    def of(cls, model: FittedModel, n: int) -> StreamLimits | None:
        """Make what a model needs; None if it has no constraints."""
        limits = model.limits
        return None if limits is None else cls(model, limits, n)

    def keep(self, values: NDArray, arrival: Arrival) -> None:
        """Take in what the network proposes for a row of each stream.

        Raises
        ------
        InfeasibleError
            If no answer satisfies all constraints and that is wanted; nothing changes.
        """
        inputs = arrival.inputs
        if self._anchors is not None and arrival.present is not None:
            inputs = inputs.copy()
            inputs[:, self._anchors] = arrival.present
        elapsed = arrival.units * self._unit
        kept = self._limits.step(values, inputs, self._before, elapsed)
        if not kept.feasible.all():
            place = f"stream {int(np.argmin(kept.feasible))}"
            place = "this row" if len(values) == 1 else place
            self._limits.refuse_infeasible(kept, place)
            if not self._warned:
                self._warned = True
                warn(
                    f"No output satisfies all constraints for {place}: its answer "
                    "breaks one. stream.safety.feasible tells after each step; this "
                    "warning does not come again in this stream."
                )
        self._kept = kept
        if self._limits.keeper.looks_back:
            # A copy: the caller gets the answers, and may change them.
            self._before = kept.values.reshape(self._before.shape).copy()

    def answers(self) -> NDArray:
        """Return the answers to the last row."""
        return self._last().values

    def told(self) -> tuple[NDArray, NDArray]:
        """Return which are feasible, and what was added to what was proposed."""
        kept = self._last()
        return kept.feasible, kept.correction

    def _last(self) -> Kept:
        if self._kept is None:
            raise InvalidInputError("safety is about the last step: take a step first.")
        return self._kept

    def reset(self, which: NDArray | slice) -> None:
        """Forget the answers of some streams."""
        self._before = self._before.copy()
        self._before[which] = np.nan

    def state(self) -> dict[str, NDArray]:
        """Return the answers before, where they are needed."""
        return (
            {"answers": self._before.copy()} if self._limits.keeper.looks_back else {}
        )

    def set_state(self, state: dict[str, NDArray]) -> None:
        """Take what `state` returned."""
        if self._limits.keeper.looks_back:
            self._before = np.array(state["answers"], np.float64)

    def past(self) -> Any:
        """Return what `go_back` needs."""
        return self._before, self._kept

    def go_back(self, past: Any) -> None:
        """Go back to where `past` was called."""
        self._before, self._kept = past
