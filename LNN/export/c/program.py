"""All that a model needs in C, before it is written: its parts and its functions."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError
from LNN.export.c.answers import write_answer
from LNN.export.c.network import Network
from LNN.export.c.q15.answers import write_answer as write_fixed_answer
from LNN.export.c.q15.door import Door
from LNN.export.c.q15.network import FixedNetwork
from LNN.export.c.q15.rows import FixedRows
from LNN.export.c.q15.source import FixedSource
from LNN.export.c.rounding import largest_difference, rounded_spec
from LNN.export.c.rows import Rows
from LNN.export.c.source import Source
from LNN.export.c.timeless import without_time
from LNN.export.single import rounding_of_rows
from LNN.export.spec import Spec, to_spec

DTYPES = ("float32", "int8", "q15")
MATHS = ("inline", "libm")


class Program:
    """The C of a model.

    Parameters
    ----------
    model : fitted estimator, FittedModel or Spec
    dtype, math, longest, prefix
        As `to_c` has them.

    Attributes
    ----------
    values : dict of str
    arrays : dict of str to ndarray
        Those of the spec, as they are before int8 rounds them.
    source : Source
        All functions and tables.
    difference : float
        How far the outputs may be from those of the test vectors. Of "q15" it is known
        only once the program was run.
    bits : int
        Of "q15", once it was run: the sum of all bits of its answers to them.
    door : Door
        Of "q15": the points of what goes in and out.
    """

    def __init__(
        self,
        model: Any,
        dtype: str = "float32",
        math: str = "inline",
        longest: int | None = None,
        prefix: str = "lnn",
    ):
        _check_choice("dtype", dtype, DTYPES)
        _check_choice("math", math, MATHS)
        given: Any = prefix
        name = "[A-Za-z][A-Za-z0-9_]*"
        if not isinstance(given, str) or not re.fullmatch(name, given):
            raise InvalidInputError(
                'Expected a prefix that names in C can begin with, as "lnn", got '
                f"{prefix!r}."
            )
        self.prefix = prefix
        spec = model if isinstance(model, Spec) else to_spec(model)
        self.values, self.arrays, self.dtype = spec.values, spec.arrays, dtype
        _refuse(self.values)
        self.window = _window(self.values, longest)
        self.difference = 1e-5 + rounding_of_rows(self.arrays)
        if dtype == "q15" and math != "inline":
            raise InvalidInputError(
                'Expected math="inline" with dtype="q15", which has tables of its own, '
                f"got {math!r}."
            )
        spec = without_time(spec)
        if dtype == "int8":
            spec = rounded_spec(spec)
            self.difference += largest_difference(spec)
        arrays = {
            name: array.astype(np.float64) if array.dtype.kind == "f" else array
            for name, array in spec.arrays.items()
        }
        self.bits = 0
        if dtype == "q15":
            self._write_integers(arrays)
        else:
            self._write_floats(arrays, math)
        self.text = self.source.text()

    def _write_floats(self, arrays: dict[str, np.ndarray], math: str) -> None:
        self.network = Network(self.values, arrays)
        self.rows = Rows(self.values, arrays, self.network, self.window)
        self.source = Source(self.dtype, math, _widest(self.network))
        self.network.write(self.source)
        before = self.source.work
        write_answer(self.network, self.source)
        self._answering = self.source.work - before
        self.rows.write(self.source)

    def _write_integers(self, arrays: dict[str, np.ndarray]) -> None:
        self.door = Door(self.values, arrays)
        self.network = network = FixedNetwork(self.values, arrays)
        self.rows = FixedRows(self.values, arrays, network, self.window, self.door)
        self.source = source = FixedSource("q15", "inline", _widest(network))
        network.write(source)
        before = source.work
        write_fixed_answer(network, source, self.door)
        self._answering = source.work - before
        self.rows.write(source)

    @property
    def work(self) -> np.ndarray:
        """Multiply-adds and calls of a step; in a window, of all its rows."""
        rows = 1 if self.window is None else self.window
        return rows * (self.source.work - self._answering) + self._answering

    @property
    def n_answers(self) -> int:
        """Numbers that a step writes."""
        return int(self.values["answer"]["n_outputs"])

    @property
    def classifies(self) -> bool:
        """Whether answers are probabilities."""
        return self.values["answer"]["classes"] is not None

    @property
    def longest(self) -> int | None:
        """The most rows of a sequence, where the state keeps sequences."""
        return None if self.values["reading"]["window_length"] else self.window

    def named(self, text: str) -> str:
        """Return C whose names begin with the prefix."""
        text = re.sub(r"\blnn_(?=\w)", f"{self.prefix}_", text)
        return re.sub(r"\bLNN_(?=\w)", f"{self.prefix.upper()}_", text)


def _check_choice(name: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        told = ", ".join(repr(choice) for choice in known)
        raise InvalidInputError(f"Expected {name} to be one of {told}, got {value!r}.")


def _refuse(values: dict[str, Any]) -> None:
    if values["own_scale"] and values["reading"]["every_step"]:
        raise InvalidInputError(
            'Expected a model that reads rows one by one, got scale="sequence" with an '
            "answer at each step: each answer needs the rows after it. Fit with "
            'scale="standard".'
        )


def _window(values: dict[str, Any], longest: int | None) -> int | None:
    """Return how many rows the state keeps, if it keeps rows."""
    window: int | None = values["reading"]["window_length"]
    if window is not None:
        return window
    if not values["own_scale"]:
        return None
    if longest is None or longest < 1:
        raise InvalidInputError(
            f"Expected longest, the most rows of a sequence, got {longest}: "
            'scale="sequence" looks at whole sequences, whose rows the state has to '
            'keep. Pass longest=..., or fit with scale="standard".'
        )
    return int(longest)


def _widest(network: Network) -> int:
    """Return the largest number that an index or a count of synapses can be."""
    return max(layer.n_inputs + layer.n for layer in network.layers)
