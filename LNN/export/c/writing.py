"""`to_c`: a fitted model as `model.h` and `model.c`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from LNN.exceptions import InvalidInputError
from LNN.export.c.files import header_text, source_text
from LNN.export.c.measuring import measure
from LNN.export.c.program import Program
from LNN.export.c.self_test import self_test_text


def to_c(
    model: Any,
    path: Any = "model.c",
    dtype: str = "float32",
    prefix: str = "lnn",
    self_test: bool = True,
    math: str = "inline",
    longest: int | None = None,
) -> list[Path]:
    """Write a model as C99 that needs no allocation and no library.

    Parameters
    ----------
    model : fitted estimator, FittedModel or Spec
    path : str or path, default="model.c"
        The source; the header stands beside it.
    dtype : {"float32", "int8", "q15"}, default="float32"
        How weights are stored. "int8" gives those of each neuron a scale of its own and
        computes in float32. "q15" stores 16 bits and computes in integers alone, for
        parts without an FPU: `lnn_step_q15` takes integers, and `lnn_step` is there
        where LNN_FLOAT is defined. It needs a compiler here, and models whose states
        have a bound. What either costs is measured on the test vectors, and stands in
        the header.
    prefix : str, default="lnn"
        What names in C begin with, so that several models fit into one program.
    self_test : bool, default=True
        Also write `self_test.c` (for "pump.c" `pump_self_test.c`), a program that
        compares the two files with the test
        vectors of the spec.
    math : {"inline", "libm"}, default="inline"
        Where exponentials come from: the files themselves, which then need no libm and
        answer alike on all machines, or `expf` and `tanhf`.
    longest : int, default=None
        For models that look at whole sequences (`scale="sequence"`): how many rows the
        state keeps. Of a longer sequence the first ones are forgotten.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InvalidInputError
        If no file can compute what the model does; the error tells the way out.

    Examples
    --------
    >>> import tempfile, numpy as np, LNN
    >>> from LNN.export import to_c
    >>> X = np.sin(0.2 * np.arange(100))[:, None]
    >>> lnn = LNN.LiquidRegressor(8, window_length=None, epochs=2, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = to_c(lnn.fit(X[:-1], X[1:, 0]), folder + "/model.c")
    ...     [path.name for path in paths]
    ['model.h', 'model.c', 'self_test.c']
    """
    source = Path(path)
    if source.suffix != ".c":
        raise InvalidInputError(
            f'Expected a path that ends in ".c", got {str(path)!r}: the header stands '
            "beside it."
        )
    if not source.parent.is_dir():
        raise InvalidInputError(
            f"Expected a folder that is there, got {str(source.parent)!r}. Make it "
            "first: pathlib.Path(folder).mkdir(parents=True)."
        )
    program = Program(model, dtype, math, longest, prefix)
    if dtype == "q15":
        measure(program)
    header = source.with_suffix(".h")
    texts = {
        header: header_text(program),
        source: source_text(program, header.name),
    }
    if self_test:
        # Not one name for all: two models in a folder have a test each.
        own = "" if source.stem == "model" else f"{source.stem}_"
        test = source.with_name(f"{own}self_test.c")
        texts[test] = self_test_text(program, header.name)
    for file, text in texts.items():
        file.write_text(text, encoding="utf-8", newline="\n")
    return list(texts)
