"""From rows in the units of X to what the network reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from LNN.export.onnx.nodes import (
    Nodes,
    Value,
    absolute,
    as_float,
    concat,
    gather,
    is_nan,
    log,
    part,
    scan,
    unsqueeze,
    where,
)
from LNN.export.spec import Spec


@dataclass(frozen=True)
class Rows:
    """Rows (T, B, channels), scaled, and their time steps (T, B, 1).

    Parameters
    ----------
    x, units : Value
    present : Value or None
        The channels that are read as changes, as they are (T, B, anchors).
    given : Value
        The rows as they are.
    """

    x: Value
    units: Value
    present: Value | None
    given: Value


class Preparation:
    """Anchors, scale, clock and missing values of a spec."""

    def __init__(self, spec: Spec):
        values, arrays = spec.values, spec.arrays
        self.center, self.scale = arrays["scaler.center"], arrays["scaler.scale"]
        self.neutral, self.policy = arrays["scaler.neutral"], values["missing"]
        self.anchors, self.clock = values["input"]["anchors"], values["clock"]
        self.n = len(self.center)
        # What filling carries on: the values held, less `neutral`, and their ages.
        known = {"error": [], "hold": ["held"], "mask": ["held", "age"]}
        self.held = dict.fromkeys(known[self.policy], self.n)

    def read(
        self, rows: Value, gaps: Value, begun: Value, before: Value | None
    ) -> Rows:
        """Scale rows (T, B, F) and gaps (T, B, 1).

        Parameters
        ----------
        rows, gaps : Value
            As they are given.
        begun : Value (B, 1)
            Whether there were rows before the first of these.
        before : Value (B, anchors) or None
            Of the row before the first, the channels that are read as changes.
        """
        present = gather(rows, self.anchors) if self.anchors else None
        x = rows
        if present is not None and before is not None:
            first = part(present, 0, 1)
            first = where(unsqueeze(begun, 0), unsqueeze(before, 0), first)
            change = present - concat([first, part(present, 0, -1)], axis=0)
            x = self._with_changes(rows, change)
        units = gaps / self.clock["unit"]
        off = absolute(units - 1.0) > self.clock["tolerance"]
        units = where(off, units, 1.0)  # a gap that is not known is not off
        first = where(unsqueeze(begun, 0), part(units, 0, 1), 1.0)
        units = concat([first, part(units, 1, np.iinfo(np.int64).max)], axis=0)
        return Rows((x - self.center) / self.scale, units, present, rows)

    def _with_changes(self, rows: Value, change: Value) -> Value:
        place = np.arange(self.n)
        place[self.anchors] = self.n + np.arange(len(self.anchors))
        return gather(concat([rows, change]), place)

    def fill(
        self,
        x: Value,
        since: Value,
        active: Value | None,
        past: list[Value],
        once: bool = False,
    ) -> tuple[Value, list[Value]]:
        """Fill what is missing of scaled rows (T, B, F).

        Parameters
        ----------
        x : Value
        since : Value (T, B, 1)
            Time since the row before; 0 at the first.
        active : Value (T, B, 1) or None
            1 where there is a row.
        past : list of Value (B, F)
            Those of `held`.
        once : bool, default=False
            T is 1.
        """
        if self.policy == "error":
            return x, past

        def body(
            nodes: Nodes, states: list[Value], given: list[Value]
        ) -> tuple[list[Value], list[Value]]:
            row, missing = given[0], is_nan(given[0])
            held = where(missing, states[0] + self.neutral, row)
            new, shown = [held - self.neutral], [held]
            if self.policy == "mask":
                age = where(missing, states[1] + given[1], 0.0)
                seen = 1.0 - as_float(missing)
                new, shown = [*new, age], [*shown, seen, log(1.0 + age)]
            if active is not None:
                pairs = zip(new, states, strict=True)
                new = [where(given[2] > 0.5, value, old) for value, old in pairs]
            return new, [concat(shown)]

        scanned: list[Any] = [x, since]
        scanned += [] if active is None else [active]
        widths = [self.n] * len(past) + [self.n * (3 if self.policy == "mask" else 1)]
        past, (filled,) = scan(body, past, scanned, widths, once)
        return filled, past
