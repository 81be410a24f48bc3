"""Bounds and rate limits of answers as nodes; half-spaces have no graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError
from LNN.export.onnx.nodes import Nodes, Value, as_float, largest, scan, where
from LNN.export.spec import Spec

# Stands for no bound; float32 reaches a little further.
NONE = 3e38


class BoxLimits:
    """Keeps values (T, B, n) in the units of y within boxes.

    Parameters
    ----------
    spec : Spec
        With `constraints`.
    """

    def __init__(self, spec: Spec):
        answer, told = spec.values["answer"], spec.values["constraints"]
        self.n = answer["n_outputs"]
        self.levels = len(answer["quantiles"] or [0])
        self.unit: float = spec.values["clock"]["unit"]
        self.how: str = told["on_infeasible"]
        self.boxes: list[tuple[str, np.ndarray, np.ndarray]] = []
        for k, one in enumerate(told["limits"]):
            kind, prefix = one["kind"], f"constraints.{k}."
            names = {"bounds": ("low", "high"), "rate_limit": ("max_rate", "max_rate")}
            if kind not in names:
                raise InvalidInputError(
                    "Expected Bounds and RateLimit, got HalfSpaces, whose nearest "
                    "point no graph of ONNX finds. Leave them out, or run the model "
                    "with numpy, C or JavaScript."
                )
            low, high = (self._wide(spec.arrays[prefix + n]) for n in names[kind])
            self.boxes.append((kind, low, high))
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

    def keep(
        self,
        values: Value,
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
            kept, good = self._clipped(values, None, None)
            return kept, good, None

        def body(
            nodes: Nodes, states: list[Value], given: list[Value]
        ) -> tuple[list[Value], list[Value]]:
            last, known = states
            kept, good = self._clipped(given[0], (last, known > 0.5), given[1])
            if self.how == "hold":
                held = nodes.add("And", nodes.add("Not", good > 0.5), known > 0.5)
                kept = where(held, last, kept)
            new, now = kept, 0.0 * known + 1.0
            if active is not None:
                new, now = (
                    where(given[2] > 0.5, value, old)
                    for value, old in zip((kept, now), states, strict=True)
                )
            return [new, now], [kept, good]

        scanned = [values, units * self.unit]
        scanned += [] if active is None else [active]
        start = [before, as_float(begun)]
        widths = [self.n, 1, self.n, 1]
        (last, _), (kept, good) = scan(body, start, scanned, widths, once)
        return kept, good, last

    def _clipped(
        self, values: Value, before: tuple[Value, Value] | None, elapsed: Value | None
    ) -> tuple[Value, Value]:
        """Return the nearest values in the boxes, and 1 where they have a point."""
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
                reach = elapsed * np.where(free, 0.0, first) + np.where(free, NONE, 0.0)
                answer, known = before
                own = (
                    where(known, answer - reach, -NONE),
                    where(known, answer + reach, NONE),
                )
            out = nodes.add("Or", low > own[1], high < own[0])
            apart = largest(apart, as_float(out))
            # The part of this box that is nearest to those before it.
            low, high = (_clip(nodes, end, low, high) for end in own)
        good = 1.0 - nodes.add("ReduceMax", apart, np.array([-1]), keepdims=1)
        return _clip(nodes, values, low, high), good


def _filled(ends: np.ndarray, none: float) -> np.ndarray:
    return np.where(np.isnan(ends), none, ends)


def _clip(nodes: Nodes, value: Any, low: Value, high: Value) -> Value:
    return nodes.add("Min", nodes.add("Max", value, low), high)
