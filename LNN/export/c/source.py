"""The C of one model while it is being written: tables, functions, what they cost."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError

_RUNTIME = Path(__file__).with_name("runtime")
_BYTES = {"float": 4, "int32_t": 4, "int16_t": 2, "int8_t": 1, "uint8_t": 1}
_WIDTH = 88
# A table of the runtime, all of which are of int16.
_TABLE = re.compile(r"static const int16_t lnn_\w+\[(\d+)\]")


@cache
def template(name: str) -> str:
    """Return a piece of C from the folder `runtime`."""
    path = name if "." in name else f"{name}.c"
    return (_RUNTIME / path).read_text(encoding="utf-8")


@cache
def _known() -> frozenset[str]:
    return frozenset(path.stem for path in _RUNTIME.glob("*.c"))


def fill(name: str, **parts: Any) -> str:
    """Return a piece of C with its `$` places filled."""
    return Template(template(name)).substitute(parts)


def number(value: float) -> str:
    """Return the shortest literal of a float."""
    with np.errstate(over="ignore"):
        single = np.float32(value)
    if not np.isfinite(single):
        raise InvalidInputError(
            f"Expected numbers that float32 can hold, got {value:g} among the weights "
            "and scales. Scale the columns of X and y before the fit."
        )
    text = str(single)
    if not re.search(r"[.en]", text):
        text += ".0"
    return text + "f"


class Source:
    """Tables and functions of a model, in the order in which C needs them.

    Parameters
    ----------
    dtype : {"float32", "int8", "q15"}
        How weights are stored.
    math : {"inline", "libm"}
    widest : int
        The largest index or count of a synapse.

    Attributes
    ----------
    work : ndarray of int
        Multiply-adds, and exponentials, logarithms and hyperbolic tangents, of a row.
    table_bytes : int
    """

    def __init__(self, dtype: str, math: str, widest: int):
        self.int8 = dtype == "int8"
        self.index = "uint8_t" if widest < 256 else "uint16_t"
        self._variants = [v for v in (dtype, math) if v not in ("float32", "inline")]
        self._tables: list[str] = []
        self._functions: list[str] = []
        self.work = np.zeros(2, dtype=int)
        self.table_bytes = 0

    def table(
        self, name: str, values: Any, kind: str = "float", beyond: str = ""
    ) -> str:
        """Add an array of constants; return how C calls it.

        `beyond` is how many zeros are read by what runs over the end.
        """
        # C has no empty arrays.
        flat = np.ravel(values) if np.size(values) else np.zeros(1)
        width = _BYTES.get(kind) or np.dtype(self.index[:-2]).itemsize
        self.table_bytes += width * len(flat)
        size = f"{len(flat)} + {beyond}" if beyond else str(len(flat))
        name, told = f"lnn_{name}", constants(flat, kind == "float")
        self._tables.append(f"static const {kind} {name}[{size}] = {{\n{told}\n}};\n")
        return name

    def function(self, text: str) -> None:
        """Add a function; those of the runtime that it calls come by themselves."""
        self._functions.append(text)

    def count(self, multiplications: int = 0, calls: int = 0) -> None:
        """Count what one row computes."""
        self.work = self.work + [int(multiplications), int(calls)]

    def text(self) -> str:
        """Return all tables and functions."""
        runtime: dict[str, str] = {}
        for written in self._functions:
            self._resolve(written, runtime)
        return "\n".join([*self._tables, *runtime.values(), *self._functions])

    def _resolve(self, text: str, found: dict[str, str]) -> None:
        for name in dict.fromkeys(re.findall(r"\blnn_(\w+)\(", text)):
            names = [*(f"{name}_{variant}" for variant in self._variants), name]
            chosen = next((own for own in names if own in _known()), None)
            if name in found or chosen is None:
                continue
            own = template(chosen)
            self.table_bytes += 2 * sum(map(int, _TABLE.findall(own)))
            inside = own.replace(f"lnn_{name}(", "")
            self._resolve(inside, found)
            found[name] = own

    def dense(self, name: str, weight: np.ndarray, bias: np.ndarray) -> _Dense:
        """Add the weights (outputs, inputs) of a linear map."""
        n_out, n_in = weight.shape
        self.count(n_out * n_in)
        if not self.int8:
            args = [self.table(f"{name}_w", weight)]
        else:
            codes, scale = rounded(weight)
            args = [self.table(f"{name}_w", codes, "int8_t")]
            args.append(self.table(f"{name}_s", scale))
        args.append(self.table(f"{name}_b", bias))
        return _Dense(args, n_in, n_out)


class _Dense:
    """A linear map whose weights are in tables."""

    def __init__(self, tables: list[str], n_in: int, n_out: int):
        self._tables, self._sizes = tables, [str(n_in), str(n_out)]

    def call(self, x: str, y: str) -> str:
        """Return the statement that writes its value for x to y."""
        return called("dense", [*self._tables, x, *self._sizes, y])


def called(function: str, arguments: list[str]) -> str:
    """Return the statement that calls a function of the runtime."""
    return f"lnn_{function}({', '.join(arguments)});"


def rounded(weight: np.ndarray, axis: int | None = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return weights as codes of -127 to 127, and the scale of each row."""
    largest = np.abs(weight).max(axis=axis, initial=0.0)
    # In float32, as C will multiply by it.
    scale = np.where(largest > 0, largest / 127.0, 1.0).astype(np.float32)
    wide = np.expand_dims(scale, axis) if axis is not None else scale
    return np.round(weight / wide).astype(np.int8), scale


def lines(text: str, depth: int) -> str:
    """Return text with each of its lines indented."""
    return "\n".join("    " * depth + line if line else "" for line in text.split("\n"))


def function(head: str, body: str) -> str:
    """Return a function of C."""
    return f"{head}\n{{\n{lines(body.rstrip(), 1)}\n}}\n"


def constants(values: np.ndarray, floats: bool = True) -> str:
    """Return the constants of a table, line by line."""
    lines, line = [], "   "
    for value in np.ravel(values):
        item = number(value) if floats else str(int(value))
        if len(line) + len(item) + 2 > _WIDTH:
            lines.append(line)
            line = "   "
        line += f" {item},"
    return "\n".join([*lines, line]).rstrip(",")
