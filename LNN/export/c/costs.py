"""`report`: what a model costs on a small machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from LNN.exceptions import InvalidInputError
from LNN.export.c.measuring import measure
from LNN.export.c.program import Program
from LNN.export.c.writing import to_c

_SIZES = {"float": 4, "int": 4, "int32_t": 4, "int16_t": 2}


def report(
    model: Any,
    longest: int | None = None,
    compiler: str | None = None,
    options: tuple[str, ...] = ("-Os",),
    dtype: str | None = None,
) -> pd.DataFrame:
    """Tell what a model costs as C, by the type of its weights.

    Parameters
    ----------
    model : fitted estimator, FittedModel or Spec
    longest : int, default=None
        As in `to_c`.
    compiler : str, default=None
        A compiler whose `size` stands beside it, such as "arm-none-eabi-gcc": it tells
        the flash of tables and code together.
    options : tuple of str, default=("-Os",)
        What the compiler is given, such as "-mcpu=cortex-m4".
    dtype : {"float32", "int8", "q15"}, default=None
        The one to tell of; None takes the first two, which all models have.

    Returns
    -------
    DataFrame
        A row for each `dtype`. `tables` are bytes of flash for numbers, `state` bytes
        of RAM for each stream; `multiplications` and `calls` (of exponentials,
        logarithms and hyperbolic tangents) are of one `step`, in a window of all its
        rows; `difference` is how far outputs may be from those of LNN, in units of the
        target's scale. With a compiler, `flash` is tables and code.

    Examples
    --------
    >>> import numpy as np, LNN
    >>> from LNN.export import report
    >>> X = np.sin(0.2 * np.arange(100))[:, None]
    >>> lnn = LNN.LiquidRegressor(8, window_length=None, epochs=2, random_state=0)
    >>> report(lnn.fit(X[:-1], X[1:, 0])).index.tolist()
    ['float32', 'int8']
    """
    rows = {}
    for name in ("float32", "int8") if dtype is None else (dtype,):
        program = Program(model, name, longest=longest)
        if name == "q15":
            measure(program)
        multiplications, calls = program.work
        rows[name] = {
            "tables": program.source.table_bytes,
            "state": _state_bytes(program),
            "multiplications": multiplications,
            "calls": calls,
            "difference": program.difference,
        }
        if compiler is not None:
            rows[name]["flash"] = flash(model, name, compiler, options, longest=longest)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("dtype")


def flash(
    model: Any,
    dtype: str,
    compiler: str,
    options: tuple[str, ...] = ("-Os",),
    **how: Any,
) -> int:
    """Return the bytes of tables and code that a compiler makes of a model."""
    size = re.sub(r"(gcc|clang|cc)(-[\d.]+)?$", "size", compiler)
    for tool in (compiler, size):
        if shutil.which(tool) is None:
            raise InvalidInputError(f"Expected {tool} on this machine, found none.")
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder, "model.c"), Path(folder, "model.o")
        to_c(model, source, dtype, self_test=False, **how)
        command = [compiler, *options, "-std=c99", "-c", str(source), "-o", str(made)]
        subprocess.run(command, check=True, capture_output=True)
        told = subprocess.run(
            [size, str(made)], check=True, capture_output=True, text=True
        )
    text, data, _ = told.stdout.splitlines()[1].split()[:3]
    return int(text) + int(data)


def _state_bytes(program: Program) -> int:
    """Return the size of `lnn_state` on a machine of 32 bits."""
    fields = program.rows.state_fields()
    if program.window is None:
        fields = fields + program.rows.past_fields() + program.network.core_fields()
    total = 0
    for field in fields:
        kind, _, length = re.match(r"(\w+) (\w+)(?:\[(\d+)\])?;", field).groups()  # type: ignore[union-attr]
        total += _SIZES.get(kind, 0) * int(length or 1)
    return total
