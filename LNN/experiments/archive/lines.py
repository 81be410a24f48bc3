"""A file of results that grows by a line of JSON for each fit."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from LNN.exceptions import InvalidInputError

Line = dict[str, Any]
DIGITS = 4


@dataclass(frozen=True)
class Fit:
    """One training.

    Attributes
    ----------
    set, model : str
    seed : int
        Of the weights and the order of samples.
    fold : int or None
        Which fold of the training part is held out. None trains on the whole of it
        and measures on the test part.
    part : int
        So many percent of what there is to train on.
    steps : int
        Optimiser steps.
    """

    set: str
    model: str
    seed: int
    fold: int | None = None
    part: int = 100
    steps: int = 500

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Fit:
        """Return the fit that a line is of."""
        return cls(**{f.name: line[f.name] for f in fields(cls) if f.name in line})


class Lines:
    """The results of an experiment.

    Any number of processes may append at the same time, and any of them may be stopped.

    Parameters
    ----------
    path : Path
        Made when the first result comes.
    """

    def __init__(self, path: Path):
        self.path = Path(path)

    def append(self, fit: Fit, result: Mapping[str, Any]) -> None:
        """Add the result of a fit, at once and as a whole."""
        line = asdict(fit) | {key: _rounded(value) for key, value in result.items()}
        text = json.dumps(line, separators=(",", ":")) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        how = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        file = os.open(self.path, how, 0o644)
        try:
            # What a machine that went down left unfinished must not spoil this line.
            torn = self.path.stat().st_size > 0 and not self._ends_a_line()
            # One write at the end of the file: lines of two processes never mix.
            os.write(file, ("\n" * torn + text).encode())
        finally:
            os.close(file)

    def _ends_a_line(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def read(self) -> dict[Fit, Line]:
        """Return the results there are; of a fit that was made twice the first."""
        found: dict[Fit, Line] = {}
        for line in self._lines():
            found.setdefault(Fit.of(line), line)
        return found

    def _lines(self) -> Iterator[Line]:
        if not self.path.exists():
            return
        for number, text in enumerate(self.path.read_text().splitlines(), 1):
            try:
                line = json.loads(text)
            except json.JSONDecodeError as error:
                if not text or text.startswith("{"):
                    continue  # torn: the fit is made again
                raise InvalidInputError(
                    f"Expected line {number} of {self.path} to be a result in JSON, "
                    f"got {text[:60]!r}. Remove the line: its fit is then made again."
                ) from error
            yield line


def _rounded(value: Any) -> Any:
    return round(value, DIGITS) if isinstance(value, float) else value
