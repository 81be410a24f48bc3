"""Limits of answers as nodes: bounds, rate limits and half-spaces."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError
from LNN.export.constraint_specs import inward
from LNN.export.onnx.half_spaces import HalfSpaceNodes
from LNN.export.onnx.nodes import (
    Nodes,
    Value,
    as_double,
    as_float,
    concat,
    highest,
    largest,
    reshape,
    scan,
    where,
)
from LNN.export.spec import Spec

# Stands for no bound; float32 reaches a little further.
NONE = 3e38


class LimitNodes:
    """Keeps values (T, B, n) in the units of y within limits.

    Boxes alone are float32 like all numbers of the graph. Beside half-spaces all limits
    are float64: the flag compares small differences of large numbers.

    Parameters
    ----------
    spec : Spec
        With `constraints`.
    """

    def __init__(self, spec: Spec):
        answer, told = spec.values["answer"], spec.values["constraints"]
        self.n = answer["n_outputs"]
        self.levels = len(answer["quantiles"] or [0])
        self.n_inputs: int = spec.values["input"]["n_channels"]
        self.unit: float = spec.values["clock"]["unit"]
        self.how: str = told["on_infeasible"]
        self.boxes: list[tuple[str, np.ndarray, np.ndarray]] = []
        spaces = []
        for k, one in enumerate(told["limits"]):
            kind, prefix = one["kind"], f"constraints.{k}."
            names = {"bounds": ("low", "high"), "rate_limit": ("max_rate", "max_rate")}
            if kind in names:
                low, high = (self._wide(spec.arrays[prefix + n]) for n in names[kind])
                if kind == "bounds":
                    low, high = inward(low, high)
                self.boxes.append((kind, low, high))
            else:
                own = [name for name in spec.arrays if name.startswith(prefix)]
                spaces.append({n.removeprefix(prefix): spec.arrays[n] for n in own})
        self.spaces = HalfSpaceNodes(spaces, self.n) if spaces else None
        if self.how == "raise":
            raise InvalidInputError(
                'Expected on_infeasible="project" or "hold", got "raise": a graph has '
                'no exceptions. Set one of them, and look at the output "feasible".'
            )

    def _wide(self, ends: np.ndarray) -> np.ndarray:
        wide: np.ndarray = np.repeat(ends, self.levels)
        return wide

    @property
    def looks_back(self) -> bool:
        """Whether the answer before is needed."""
        return self.how == "hold" or any(b[0] == "rate_limit" for b in self.boxes)

    @property
    def reads_inputs(self) -> bool:
        """Whether the rows are needed."""
        return self.spaces is not None and self.spaces.reads_inputs

    def keep(
        self,
        values: Value,
        rows: Value | None,
        units: Value,
        active: Value | None,
        begun: Value,
        before: Value | None,
        once: bool,
    ) -> tuple[Value, Value, Value | None]:
        """Return kept values, whether they are feasible (T, B, 1), and the last ones.

        Parameters
        ----------
        values : Value (T, B, n)
        rows : Value (T, B, F) or None
            In the units of X; None if no limit reads them.
        units : Value (T, B, 1)
            Time since the row before.
        active : Value (T, B, 1) or None
            1 where there is a row; None is everywhere.
        begun : Value (B, 1)
            Whether there were rows before.
        before : Value (B, n) or None
            The answers to the last of them; None if nothing looks back.
        once : bool
            T is 1: write no Scan.
        """
        if before is None:
            kept, good = self._kept(values, rows, None, None)
            return kept, good, None

        def body(
            nodes: Nodes, states: list[Value], given: list[Value]
        ) -> tuple[list[Value], list[Value]]:
            last, known = states
            row = given[2] if rows is not None else None
            kept, good = self._kept(given[0], row, (last, known > 0.5), given[1])
            if self.how == "hold":
                held = nodes.add("And", nodes.add("Not", good > 0.5), known > 0.5)
                kept = where(held, last, kept)
            new, now = kept, 0.0 * known + 1.0
            if active is not None:
                new, now = (
                    where(given[-1] > 0.5, value, old)
                    for value, old in zip((kept, now), states, strict=True)
                )
            return [new, now], [kept, good]

        scanned = [values, units * self.unit]
        scanned += [own for own in (rows, active) if own is not None]
        start = [before, as_float(begun)]
        widths = [self.n, 1, self.n, 1]
        (last, _), (kept, good) = scan(body, start, scanned, widths, once)
        return kept, good, last

    def _kept(
        self,
        values: Value,
        rows: Value | None,
        before: tuple[Value, Value] | None,
        elapsed: Value | None,
    ) -> tuple[Value, Value]:
        """Return the nearest values within the limits, and 1 where all of them hold."""
        if self.spaces is None:
            low, high, good = self._box(values, before, elapsed)
            return _clip(values.nodes, values, low, high), good
        # Rows do not depend on each other here: one axis is enough.
        wanted = as_double(reshape(values, -1, self.n))
        low, high, good = self._box(wanted, before, elapsed)
        inputs = None
        if rows is not None:
            inputs = as_double(reshape(rows, -1, self.n_inputs))
        kept, holds = self.spaces.keep(wanted, low, high, inputs)
        return _as_were(kept, values, self.n), _as_were(good * holds, values, 1)

    def _box(
        self, values: Value, before: tuple[Value, Value] | None, elapsed: Value | None
    ) -> tuple[Value, Value, Value]:
        """Return the box, and 1 where boxes have a point in common."""
        nodes = values.nodes
        low, high, apart = 0.0 * values - NONE, 0.0 * values + NONE, 0.0 * values
        for kind, first, last in self.boxes:
            own: tuple[Any, Any]
            if kind == "bounds":
                own = _filled(first, -NONE), _filled(last, NONE)
            else:
                assert before is not None
                assert elapsed is not None
                free = np.isnan(first)
                answer, known = before
                if values.double:
                    elapsed, answer = as_double(elapsed), as_double(answer)
                reach = elapsed * np.where(free, 0.0, first) + np.where(free, NONE, 0.0)
                # Numbers beside a `where` take the kind of its condition.
                none = 0.0 * values + NONE
                own = (
                    where(known, answer - reach, -none),
                    where(known, answer + reach, none),
                )
            out = nodes.add("Or", low > own[1], high < own[0])
            apart = largest(apart, where(out, 1.0, 0.0))
            # The part of this box that is nearest to those before it.
            low, high = (_clip(nodes, end, low, high) for end in own)
        return low, high, 1.0 - highest(apart, -1)


def _as_were(flat: Value, values: Value, width: int) -> Value:
    """Return float32 with the leading axes of values and `width` columns."""
    nodes = values.nodes
    lead = nodes.add("Shape", values, start=0, end=-1)
    shape = concat([lead, nodes.constant([width])], axis=0)
    return nodes.add("Reshape", as_float(flat), shape)


def _filled(ends: np.ndarray, none: float) -> np.ndarray:
    return np.where(np.isnan(ends), none, ends)


def _clip(nodes: Nodes, value: Any, low: Value, high: Value) -> Value:
    return nodes.add("Min", nodes.add("Max", value, low), high)
