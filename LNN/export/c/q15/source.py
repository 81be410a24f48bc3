"""The C of one model in integers while it is being written."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.export.c.q15.formats import Numbers, Rows, rows
from LNN.export.c.source import Source, called


class FixedSource(Source):
    """Tables and functions of a model, as `Source` has them, of integers."""

    def rows(self, name: str, made: Rows) -> list[str]:
        """Add the weights of sums; return how C calls these, biases and shifts."""
        self.count(np.size(made.weight))
        return [
            self.table(f"{name}_w", made.weight, "int16_t"),
            self.table(f"{name}_b", made.bias, "int32_t"),
            self.table(f"{name}_shift", made.shift, "uint8_t"),
        ]

    def map(self, name: str, weight: Any, bias: Any, read: Numbers, bits: Any) -> _Map:
        """Add the weights (outputs, inputs) of a linear map.

        Parameters
        ----------
        name : str
        weight, bias : ndarray
        read : Numbers
            What it reads.
        bits : int or ndarray of int
            The point of its values.
        """
        tables = self.rows(name, rows(weight, bias, read, bits))
        return _Map(tables, *np.shape(weight))


class _Map:
    """A linear map whose weights are in tables."""

    def __init__(self, tables: list[str], n_out: int, n_in: int):
        self._tables, self._sizes = tables, [str(n_in), str(n_out)]

    def call(self, x: str, y: str) -> str:
        """Return the statement that writes its values for x to y."""
        return called("dense", [*self._tables, x, *self._sizes, y])
