"""MiniRocket, for comparison, in an environment of its own.

    python -m LNN.experiments.archive.minirocket
    python -m LNN.experiments.archive.minirocket --into FOLDER

makes the environment, once. aeon, which has MiniRocket, pins versions of packages that
LNN uses too: so data and predictions go as files to a process that runs there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import venv
import weakref
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from LNN.datasets.home import download_homes
from LNN.exceptions import LNNError, MissingDependencyError
from LNN.experiments.archive import minirocket_worker
from LNN.experiments.archive.changes import at, changed
from LNN.experiments.archive.sets import Sequences

REQUIREMENT = "aeon==1.6.0"
FOLDER, VARIABLE = "minirocket-environment", "LNN_MINIROCKET"
COMMAND = "python -m LNN.experiments.archive.minirocket"
# Its kernels have nine weights.
SHORTEST = 9


def environment() -> Path:
    """Return where the environment is: `LNN_MINIROCKET`, else beside downloads."""
    if given := os.environ.get(VARIABLE):
        return Path(given).expanduser()
    return download_homes()[-1] / FOLDER


def python_of(folder: Path) -> Path:
    """Return the Python of an environment."""
    windows = os.name == "nt"
    return folder / ("Scripts/python.exe" if windows else "bin/python")


def missing() -> str:
    """Say what to do if there is no environment; "" if there is one."""
    if python_of(environment()).exists():
        return ""
    return (
        f"MiniRocket is left out: it needs an environment of its own, and there is "
        f"none in {environment()}. Make it with: {COMMAND}; or set {VARIABLE} to the "
        "folder of one."
    )


def make(folder: Path) -> None:
    """Make the environment, with pip from where pip is set to take packages."""
    venv.EnvBuilder(with_pip=True).create(folder)
    install = ["-m", "pip", "install", "--quiet", REQUIREMENT]
    subprocess.run([str(python_of(folder)), *install], check=True)


def evaluate(
    X: Sequences,
    y: np.ndarray,
    new: Sequences,
    truth: np.ndarray,
    *,
    seed: int,
    changes: Iterable[str],
    place: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Fit MiniRocket and measure it, as `fitting.evaluate` does.

    It has no odds, so there is no log loss. All sequences are brought to the length of
    the longest to train on, by interpolation between their time stamps.
    """
    steps = max(SHORTEST, *(len(x) for x in X))
    data = {"seed": seed, "X": _table(X, None, steps), "y": y}
    for name in changes:
        data[f"new {name}"] = _table(*changed(name, new, *place), steps)
    found = worker().fitted(data)
    result: dict[str, Any] = {}
    for name in changes:
        right = found[f"new {name}"] == truth
        result[name] = float(right.mean())
        if name == "clean":
            result["right"], result["n"] = int(right.sum()), len(truth)
    return result | {"seconds": float(found["seconds"])}


def _table(X: Sequences, times: list[np.ndarray] | None, steps: int) -> np.ndarray:
    """Return sequences (T_i, 1) at as many equally spaced times each: (n, 1, steps)."""
    stamps = times or [np.arange(len(x)) for x in X]
    rows = [
        at(x, np.linspace(t[0], t[-1], steps), t)[:, 0]
        for x, t in zip(X, stamps, strict=True)
    ]
    return np.stack(rows)[:, None].astype(np.float32)


class Worker:
    """A process in MiniRocket's environment; it compiles once, for half a minute."""

    def __init__(self, python: Path):
        # -P: its folder is no place to import from; there is a statistics.py in it.
        self._process = subprocess.Popen(
            [str(python), "-P", str(Path(minirocket_worker.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "NUMBA_NUM_THREADS": "1", "PYTHONPATH": ""},
        )
        weakref.finalize(self, _end, self._process)
        self._expect("ready")

    def fitted(self, data: dict[str, Any]) -> dict[str, np.ndarray]:
        """Return what the worker makes of data."""
        assert self._process.stdin
        with tempfile.TemporaryDirectory() as folder:
            given, answer = Path(folder, "given.npz"), Path(folder, "answer.npz")
            np.savez(given, **data)
            self._process.stdin.write(f"{given}\t{answer}\n")
            self._process.stdin.flush()
            self._expect("done")
            with np.load(answer) as found:
                return dict(found)

    def _expect(self, word: str) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            if line.strip() == word:
                return
        raise LNNError(
            f"Expected {word!r} of MiniRocket's process, which ended with status "
            f"{self._process.wait()}; its error stands above. Make its environment "
            f"again: {COMMAND}"
        )


def _end(process: subprocess.Popen) -> None:
    """Let a worker finish: it does when nothing more can come."""
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
    process.wait()


@cache
def worker() -> Worker:
    """Return the worker of this process; it ends with it.

    Raises
    ------
    MissingDependencyError
        If there is no environment for it.
    """
    if said := missing():
        raise MissingDependencyError(said)
    return Worker(python_of(environment()))


def main(arguments: list[str] | None = None) -> int:
    """Make the environment, and check that it works."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--into", type=Path, default=environment(), metavar="FOLDER")
    folder = parser.parse_args(arguments).into
    print(f"{REQUIREMENT} into {folder}")
    make(folder)
    Worker(python_of(folder))
    print("ready")
    if folder != environment():
        print(f"set {VARIABLE}={folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
