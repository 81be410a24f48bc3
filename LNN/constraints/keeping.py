"""Answers of a fitted model kept within its constraints, in the units of y."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from LNN.constraints.kinds import Constraint
from LNN.constraints.numpy_limits import Limits
from LNN.constraints.output import SafeOutput
from LNN.constraints.plain import is_plain, to_plain

# The rows that are settled together: it is what memory grows with.
MOST_ROWS = 10_000


class Keeper:
    """Replaces answers by the nearest ones that satisfy all constraints.

    Parameters
    ----------
    constraints : sequence of Constraint
    on_infeasible : {"project", "hold", "raise"}
        "raise" is left to the caller, who knows the rows by name.
    n : int
        Numbers of an answer.

    Attributes
    ----------
    reads_inputs : bool
        Whether the row's input columns are needed.
    looks_back : bool
        Whether the answer before is needed.
    """

    def __init__(self, constraints: Sequence[Constraint], on_infeasible: str, n: int):
        self.on_infeasible = "hold" if on_infeasible == "hold" else "project"
        self.reads_inputs = any(one.reads_inputs for one in constraints)
        moves = any(one.reads_previous for one in constraints)
        self.looks_back = moves or on_infeasible == "hold"
        self._constraints = constraints
        self._limits: Limits | None = None
        if all(map(is_plain, constraints)):
            told = [to_plain(one) for one in constraints]
            self._limits = Limits(told, self.on_infeasible, n)

    def keep(
        self,
        values: NDArray,
        inputs: NDArray | None,
        previous: NDArray | None,
        elapsed: NDArray | float,
        *,
        together: bool = False,
    ) -> tuple[NDArray, NDArray]:
        """Return kept answers (B, n), and which of them satisfy all constraints (B,).

        Parameters
        ----------
        values : ndarray of shape (B, n)
        inputs : ndarray of shape (B, n_inputs), or None
            In the units of X; None if no constraint reads them.
        previous : ndarray of shape (B, n), or None
            NaN where there is no answer before.
        elapsed : ndarray of shape (B,) or float
            Time since then, in the units of the time stamps.
        together : bool, default=False
            Whether these are many rows.
        """
        # Many rows at once are faster on torch; of few, calls would take longest.
        if self._limits is not None and not together:
            return self._limits.keep(values, inputs, previous, elapsed)
        context: dict[str, Any] = {"elapsed": torch.as_tensor(elapsed)}
        if inputs is not None:
            context["inputs"] = context["state"] = torch.from_numpy(inputs)
        if previous is not None:
            context["previous"] = torch.from_numpy(previous)
        with torch.no_grad():
            # Made anew: pickles of streams hold nothing of torch.
            layer = SafeOutput(self._constraints, self.on_infeasible)
            kept, safety = layer(torch.from_numpy(values), context)
        return kept.numpy(), safety.feasible.numpy()

    def keep_all(
        self, values: NDArray, inputs: NDArray | None
    ) -> tuple[NDArray, NDArray]:
        """Return kept answers to rows that do not depend on each other."""
        kept, feasible = np.empty_like(values), np.empty(len(values), dtype=bool)
        for begin in range(0, len(values), MOST_ROWS):
            part = slice(begin, begin + MOST_ROWS)
            own = None if inputs is None else inputs[part]
            kept[part], feasible[part] = self.keep(
                values[part], own, None, 1.0, together=True
            )
        return kept, feasible

    def keep_in_order(
        self,
        values: NDArray,
        inputs: NDArray | None,
        recording: NDArray,
        elapsed: NDArray,
    ) -> tuple[NDArray, NDArray]:
        """Return kept answers to rows in the order of time, one after another.

        Parameters
        ----------
        values, inputs
            As in `keep`.
        recording : ndarray of int, shape (B,)
            Never decreasing: rows of a recording lie together.
        elapsed : ndarray of shape (B,)
            Of the first row of a recording it is not read: nothing limits it.
        """
        kept, feasible = np.empty_like(values), np.empty(len(values), dtype=bool)
        begins = np.flatnonzero(np.diff(recording, prepend=-1) != 0)
        ends = np.append(begins[1:], len(values))
        previous = np.full((len(begins), values.shape[1]), np.nan)
        for step in range(int((ends - begins).max(initial=0))):
            live = np.flatnonzero(begins + step < ends)  # all recordings at once
            rows = begins[live] + step
            own = None if inputs is None else inputs[rows]
            kept[rows], feasible[rows] = self.keep(
                values[rows], own, previous[live], elapsed[rows]
            )
            previous[live] = kept[rows]
        return kept, feasible


def kept_in_training(
    constraints: Sequence[Constraint], values: Tensor, inputs: Tensor | None
) -> Tensor:
    """Return what the constraints make of values (B, n), with exact gradients.

    Those that read the answer before have none in training, where rows come in any
    order: they act on predictions alone.
    """
    static = [one for one in constraints if not one.reads_previous]
    context = {} if inputs is None else {"inputs": inputs, "state": inputs}
    kept: Tensor = SafeOutput(static)(values, context)[0]
    return kept
