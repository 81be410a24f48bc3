"""`CModel`: the C of a model, compiled here and run from Python."""

from __future__ import annotations

import ctypes
import datetime
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from LNN.data.timestamps import elapsed_time
from LNN.exceptions import InvalidInputError
from LNN.export.c.files import read_description

_COMPILERS = ("cc", "gcc", "clang")
_DATES = "datetimes or durations"
# Columns of X that are no inputs, and the argument that says the same.
_OWN = {"time": "timestamps", "group": "groups"}
_DRIVER = """\
#define {macro}_FLOAT
#include "{source}"
#if defined(_WIN32)
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED
#endif
EXPORTED size_t model_size(void) {{ return sizeof({prefix}_state); }}
EXPORTED void model_reset(void *s) {{ {prefix}_reset(({prefix}_state *)s); }}
EXPORTED void model_run(void *s, const float *x, const float *dt, int n, float *y,
    int *good)
{{
    {prefix}_state *state = ({prefix}_state *)s;
    for (; n > 0; n--, x += {channels}, y += {answers}) {{
        {prefix}_step(state, x, *dt++, y);
        *good++ = {feasible};
    }}
}}
"""


class CModel:
    """Compile the C of a model and run it.

    Its answers are those of a device that runs the two files.

    Parameters
    ----------
    path : str or path
        What `to_c` wrote, "model.c"; its header stands beside it.
    compiler : str, default=None
        None takes the environment variable CC, else the first of cc, gcc and clang.
    options : tuple of str, default=("-O2",)
        What the compiler is given besides.

    Attributes
    ----------
    feasible : ndarray of bool
        Of the last call, row by row: whether answers satisfy all constraints of the
        model.

    Examples
    --------
    >>> import tempfile, numpy as np, LNN
    >>> from LNN.export import CModel, to_c
    >>> X = np.sin(0.2 * np.arange(100))[:, None]
    >>> lnn = LNN.LiquidRegressor(8, window_length=None, epochs=2, random_state=0)
    >>> lnn = lnn.fit(X[:-1], X[1:, 0])
    >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +SKIP
    ...     _ = to_c(lnn, folder + "/model.c")
    ...     answers = CModel(folder + "/model.c").predict(X)
    >>> bool(np.allclose(answers, lnn.predict(X), atol=1e-5))  # doctest: +SKIP
    True
    """

    def __init__(
        self,
        path: Any,
        compiler: str | None = None,
        options: tuple[str, ...] = ("-O2",),
    ):
        self.path = Path(path)
        header = self.path.with_suffix(".h").read_text(encoding="utf-8")
        try:
            self.description = read_description(header)
        except ValueError as error:
            raise InvalidInputError(
                f"Expected a header that to_c wrote beside {self.path.name}, got "
                "another."
            ) from error
        self._library = _compiled(self.path, self.description, compiler, options)
        self._library.model_size.restype = ctypes.c_size_t
        self.feasible = np.ones(0, dtype=bool)
        self._state = ctypes.create_string_buffer(self._library.model_size())
        self.reset()

    def reset(self) -> None:
        """Forget the past: a recording begins."""
        self._library.model_reset(self._state)

    def step(self, x: Any, dt: Any = None) -> Any:
        """Take in a row.

        Parameters
        ----------
        x : array of shape (n_channels,)
        dt : float or duration, default=None
            Time since the row before; None is one usual gap.

        Returns
        -------
        float, label or ndarray
            The answer, as `predict` would give it.
        """
        rows = self._rows(np.reshape(x, (1, -1)))
        self.feasible = np.ones(0, dtype=bool)
        return self._answers(self._run(rows, [-1.0 if dt is None else self._gap(dt)]))[
            0
        ]

    def _gap(self, dt: Any) -> float:
        """Return a gap as a number >= 0, or NaN where it is not known."""
        kind = self.description["clock"]
        stamped = isinstance(dt, datetime.timedelta | np.timedelta64) or dt is pd.NaT
        if stamped and kind not in (None, "numbers"):
            return float(pd.Timedelta(dt) / pd.Timedelta(1, "s"))
        try:
            gap = np.nan if stamped else float(dt)
        except (TypeError, ValueError):
            gap = -1.0
        if stamped or gap < 0:
            raise InvalidInputError(
                f"Expected dt as a number >= 0, or a duration if the fit had {_DATES}, "
                f"got {dt!r} after a fit with {kind or 'no timestamps'}."
            )
        return gap

    def predict(self, X: Any, timestamps: Any = None, groups: Any = None) -> Any:
        """Predict as the estimator does.

        Parameters
        ----------
        X : array of shape (n, n_columns) for models of rows; else (n, T, n_columns), or
            a list of (T, n_columns)
            All columns of the fit, whose time and recordings are then read too, or its
            inputs alone.
        timestamps : array, or list of arrays, default=None
            Numbers or dates, as they were in the fit; None takes those of the time
            column, or of a frame's index. Without these it is one usual gap for each
            row, where time was regular.
        groups : array of shape (n,), default=None
            Of rows: which recording each belongs to; rows of one follow each other.

        Returns
        -------
        ndarray or list of ndarray
        """
        return self._predicted(X, timestamps, groups, self._answers)

    def predict_proba(self, X: Any, timestamps: Any = None, groups: Any = None) -> Any:
        """Return probabilities of the classes; as `predict`."""
        if self.description["classes"] is None:
            raise InvalidInputError(
                "Expected a classifier, got a regressor: use predict."
            )
        return self._predicted(X, timestamps, groups, lambda outputs: outputs)

    def _predicted(self, X: Any, timestamps: Any, groups: Any, answer: Any) -> Any:
        self.feasible = np.ones(0, dtype=bool)
        if self.description["kind"] == "rows":
            X, timestamps, groups = self._parts(X, timestamps, groups)
            rows = self._rows(X)
            begins = np.zeros(len(rows), dtype=bool)
            begins[:1] = True
            if groups is not None:
                groups = np.asarray(groups)
                if groups.shape != begins.shape:
                    raise InvalidInputError(
                        f"Expected {len(begins)} groups, one a row, got shape "
                        f"{groups.shape}."
                    )
                begins[1:] = groups[1:] != groups[:-1]
            gaps, cuts = self._gaps(timestamps, begins), np.flatnonzero(begins)[1:]
            parts = zip(np.split(rows, cuts), np.split(gaps, cuts), strict=True)
            return answer(np.concatenate([self._recording(*part) for part in parts]))
        found = []
        for k, sequence in enumerate(X):
            times = None if timestamps is None else timestamps[k]
            sequence, times, _ = self._parts(sequence, times, None)
            rows = self._rows(sequence)
            gaps = self._gaps(times, np.arange(len(rows)) == 0)
            found.append(self._recording(rows, gaps))
        if not self.description["every_step"]:
            return answer(np.stack([outputs[-1] for outputs in found]))
        each = [answer(outputs) for outputs in found]
        return np.stack(each) if isinstance(X, np.ndarray) else each

    def _gaps(self, times: Any, begins: np.ndarray) -> np.ndarray:
        """Return the time before each row; NaN where none is known."""
        if times is None:
            if self.description["clock"] and not self.description.get("regular", True):
                raise InvalidInputError(
                    "Expected the time of each row, as the fit had irregular time, got "
                    "none. Pass timestamps=, or a frame whose index they are."
                )
            return np.full(len(begins), np.nan)
        if len(times) != len(begins):
            raise InvalidInputError(
                f"Expected {len(begins)} timestamps, one a row, got {len(times)}."
            )
        gaps, _, kind = elapsed_time(times, begins)
        if kind != self.description["clock"]:
            known = self.description["clock"] or "no timestamps"
            raise InvalidInputError(
                f"Expected {known}, as in the fit, got {kind}. Pass the same kind."
            )
        return gaps

    def _recording(self, rows: np.ndarray, gaps: np.ndarray) -> np.ndarray:
        longest = self.description["longest"]
        if longest is not None and len(rows) > longest:
            raise InvalidInputError(
                f"Expected sequences of at most {longest} rows, which the state keeps, "
                f"got {len(rows)}. Export with a larger longest=."
            )
        self.reset()
        return self._run(rows, gaps)

    def _run(self, rows: np.ndarray, gaps: Any) -> np.ndarray:
        with np.errstate(over="ignore"):
            given = np.ascontiguousarray(rows, np.float32)
            spans = np.ascontiguousarray(gaps, np.float32)
        if np.isinf(given).any() or np.isinf(spans).any():
            raise InvalidInputError(
                "Expected rows and gaps that float32 can hold, as the device reads "
                "them, got a larger one."
            )
        found = np.empty((len(rows), self.description["n_outputs"]), np.float32)
        good = np.empty(len(rows), np.intc)
        x, dt, y, flags = (
            a.ctypes.data_as(ctypes.c_void_p) for a in (given, spans, found, good)
        )
        n = ctypes.c_int(len(rows))
        self._library.model_run(self._state, x, dt, n, y, flags)
        self.feasible = np.concatenate([self.feasible, good != 0])
        return found

    def _parts(self, X: Any, times: Any, groups: Any) -> tuple[Any, Any, Any]:
        """Return the inputs of X, its times, and its recordings if it tells them."""
        told, frame = self.description, isinstance(X, pd.DataFrame)
        if frame and isinstance(X.index, pd.MultiIndex):
            raise InvalidInputError(
                "Expected a frame with one level in its index, got several. Pass the "
                "recordings as groups= and their times as timestamps=, and X without."
            )
        X = X if frame else np.asarray(X)
        n, columns = told["n_columns"], told["columns"]
        if frame:
            self._check_names(list(X.columns))
        if X.ndim != 2 or X.shape[1] != n or n == len(columns):
            return X, self._of_index(X, times), groups
        if "time" not in told:
            raise InvalidInputError(
                f"Expected the {len(columns)} input columns alone, as {self.path.name} "
                f"does not say what others are, got all {n}. Drop them, or write it "
                "again with to_c."
            )
        take = (lambda k: X.iloc[:, k]) if frame else (lambda k: X[:, k])
        own = {name: None if told[name] is None else take(told[name]) for name in _OWN}
        for name, given in zip(_OWN, (times, groups), strict=True):
            if own[name] is not None and given is not None:
                raise InvalidInputError(
                    f"Expected {_OWN[name]} in the column of X only, got them twice. "
                    f"Leave {_OWN[name]}= out, or pass input columns alone."
                )
        times = self._of_index(X, times) if own["time"] is None else own["time"]
        return take(columns), times, groups if own["group"] is None else own["group"]

    def _check_names(self, given: list[Any]) -> None:
        """Refuse a frame whose columns have other names, or another order."""
        names, columns = self.description.get("names"), self.description["columns"]
        if names is None or not all(isinstance(name, str) for name in given):
            return
        if len(given) == self.description["n_columns"]:
            given = [given[k] for k in columns]
        if len(given) == len(names) and given != names:
            raise InvalidInputError(
                f"Expected the columns of the fit in their order, {names}, got {given}."
            )

    def _of_index(self, X: Any, times: Any) -> Any:
        """Return the times in the index of a frame, if none are given."""
        asked = times is None and self.description["clock"] is not None
        if not asked or not isinstance(X, pd.DataFrame):
            return times
        dates = isinstance(X.index, pd.DatetimeIndex | pd.TimedeltaIndex)
        return X.index if dates else None

    def _rows(self, X: Any) -> np.ndarray:
        try:
            rows = np.asarray(X, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"Expected rows of numbers, got others: {error}. Pass input columns "
                "alone, and times as timestamps=."
            ) from error
        expected = len(self.description["columns"])
        if rows.ndim != 2 or rows.shape[1] != expected:
            raise InvalidInputError(
                f"Expected rows of {expected} columns, got shape {rows.shape}."
            )
        allowed = np.isfinite(rows)
        if self.description["missing"] != "error":
            allowed |= np.isnan(rows)
        if not allowed.all():
            raise InvalidInputError(
                f"Expected finite numbers, got {rows[~allowed][0]}."
            )
        return rows

    def _answers(self, outputs: np.ndarray) -> np.ndarray:
        told = self.description
        if told["classes"] is not None:
            return np.array(told["classes"])[outputs.argmax(axis=1)]
        values = outputs
        if len(told["quantiles"] or [0]) > 1:
            values = outputs.reshape(len(outputs), told["n_targets"], -1)
        return values[:, 0] if told["ndim"] == 0 else values


def find_compiler(compiler: str | None = None) -> str:
    """Return a C compiler of this machine.

    Raises
    ------
    InvalidInputError
        If there is none.
    """
    asked = compiler or os.environ.get("CC")
    names = (asked,) if asked else _COMPILERS
    found = next((name for name in names if shutil.which(name)), None)
    if found is None:
        raise InvalidInputError(
            f"Expected a C compiler ({', '.join(names)}) on this machine, found none. "
            "Install one (on Debian: apt install gcc), or pass compiler=."
        )
    return found


def _compiled(
    path: Path, told: dict[str, Any], compiler: str | None, options: tuple[str, ...]
) -> ctypes.CDLL:
    """Compile a model into a library of its own, and load it."""
    command = find_compiler(compiler)
    folder = Path(tempfile.mkdtemp(prefix="lnn-"))
    driver, library = folder / "driver.c", folder / "model.so"
    text = _DRIVER.format(
        source=path.resolve().as_posix(),
        prefix=told["prefix"],
        macro=told["prefix"].upper(),
        channels=len(told["columns"]),
        answers=told["n_outputs"],
        feasible=f"{told['prefix']}_feasible(state)" if told.get("limited") else "1",
    )
    driver.write_text(text, encoding="utf-8")
    arguments = [command, *options, "-shared", "-fPIC", str(driver), "-o", str(library)]
    if sys.platform != "win32":
        arguments.append("-lm")
    done = subprocess.run(arguments, capture_output=True, text=True)
    try:
        if done.returncode:
            raise InvalidInputError(
                f"{command} refused {path.name}:\n{done.stderr[-2000:]}"
            )
        loaded = ctypes.CDLL(str(library))
    finally:
        # A library that is loaded needs its file no more, but on Windows.
        shutil.rmtree(folder, ignore_errors=sys.platform == "win32")
    return loaded
