"""Half-spaces of answers as nodes: the nearest point, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.constraints.numpy_limits import DEARNESS, TOLERANCE, Limits
from LNN.export.onnx.nodes import (
    Value,
    absolute,
    concat,
    highest,
    reshape,
    root,
    total,
    transpose,
    unsqueeze,
    where,
)
from LNN.export.onnx.pivots import prices, times

# Boxes that end beyond have no end there.
FAR = 1e38


class HalfSpaceNodes:
    """Moves answers (B, n) into half-spaces that may depend on the row.

    Parameters
    ----------
    told : list of dict
        Their numbers, by the names that a spec gives them.
    n : int
        Numbers of an answer.
    """

    def __init__(self, told: list[dict[str, Any]], n: int):
        known = Limits([{"kind": "half_spaces", **one} for one in told], "project", n)
        self.n, self.m = n, len(known.b)
        self.A, self.A_inputs = known.A, known.A_inputs
        self.b, self.b_inputs = known.b, known.b_inputs
        self.b_quadratic = known.b_quadratic

    @property
    def reads_inputs(self) -> bool:
        """Whether normals or offsets depend on the row."""
        parts = (self.A_inputs, self.b_inputs, self.b_quadratic)
        return any(part is not None for part in parts)

    def keep(
        self, values: Value, low: Value, high: Value, inputs: Value | None
    ) -> tuple[Value, Value]:
        """Return the nearest answers, and 1 where all half-spaces hold, (B, 1).

        Parameters
        ----------
        values, low, high : Value (B, n), double
        inputs : Value (B, F), double, or None
        """
        normals, offsets = self._rows(values, inputs)
        clipped = _clip(values, low, high)
        out = highest(times(normals, clipped) - offsets, 1) > 0.0
        starts = where(out, 1.0, 0.0)
        found = self._nearest(values, low, high, normals, offsets, starts)
        kept = where(out, found, clipped)
        over = times(normals, kept) - offsets
        size = times(absolute(normals), absolute(kept)) + absolute(offsets)
        near = over.nodes.add("LessOrEqual", over, TOLERANCE * (1e-3 + size))
        return kept, 1.0 - highest(where(near, 0.0, 1.0), 1)

    def _rows(self, values: Value, x: Value | None) -> tuple[Value, Value]:
        """Return normals (B, m, n) and offsets (B, m)."""
        nodes, m, n = values.nodes, self.m, self.n
        normals: Any = unsqueeze(0.0 * values, 1) + self.A
        offsets: Any = 0.0 * total(values, 1, keepdims=True) + self.b
        if x is None:
            return normals, offsets
        if self.A_inputs is not None:
            slope = nodes.add("MatMul", x, self.A_inputs.reshape(m * n, -1).T)
            normals = normals + reshape(slope, -1, m, n)
        if self.b_inputs is not None:
            offsets = offsets + nodes.add("MatMul", x, self.b_inputs.T)
        if self.b_quadratic is not None:
            size = self.b_quadratic.shape[-1]
            wide = self.b_quadratic.transpose(2, 0, 1).reshape(size, m * size)
            bent = reshape(nodes.add("MatMul", x, wide), -1, m, size)
            offsets = offsets + times(bent, x)
        return normals, offsets

    def _nearest(
        self,
        y: Value,
        low: Value,
        high: Value,
        normals: Value,
        offsets: Value,
        starts: Value,
    ) -> Value:
        """Return the nearest points where it is wanted.

        Where there are none, the points of the box that break the half-spaces least.
        """
        length = root(total(normals * normals, 2))
        tells = length > 0.0  # a row of zeros says nothing about the point
        length = where(tells, length, 1.0)
        clipped = _clip(y, low, high)
        free = where(low < high, 1.0, 0.0)  # other numbers have no choice
        at = where(free > 0.5, y, clipped)
        rows = normals / unsqueeze(length, 2)
        over = where(tells, times(rows, at) - offsets / length, 0.0)
        bounded = [where(low > -FAR, free, 0.0), where(high < FAR, free, 0.0)]
        unit = np.eye(self.n)
        sides = [
            rows * unsqueeze(free, 1),
            unsqueeze(bounded[0], 2) * -unit,
            unsqueeze(bounded[1], 2) * unit,
        ]
        ends = [over, bounded[0] * (low - y), bounded[1] * (y - high)]
        rows, excess = concat(sides, axis=1), concat(ends)
        across = transpose(rows, 0, 2, 1)
        gram, n_rows = y.nodes.add("MatMul", rows, across), self.m + 2 * self.n
        hard, failed = prices(gram, excess, starts, n_rows)
        # Prices beyond measure hold rows that all but contradict each other.
        most = DEARNESS * (1.0 + highest(free * absolute(y), 1))
        bad = where(highest(hard, 1) > most, 1.0, failed)
        soft = np.diag(np.repeat([1 / DEARNESS, 0.0], [self.m, 2 * self.n]))
        softly, lost = prices(gram + soft, excess, bad, n_rows)
        found = y - times(across, where(bad > 0.5, softly, hard))
        good = free * (1.0 - bad * lost)  # else numbers overflow
        return where(good > 0.5, _clip(found, low, high), clipped)


def _clip(value: Value, low: Value, high: Value) -> Value:
    return value.nodes.add("Min", value.nodes.add("Max", value, low), high)
