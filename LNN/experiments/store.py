"""Results as files: one JSON per run, a line per epoch, and collections of them."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from LNN.exceptions import InvalidInputError
from LNN.experiments.agreement import mixed
from LNN.experiments.runs import Record, Run

EPOCH_FIELDS = ("epoch", "loss", "validation_loss", "metric", "seconds", "backend")


class Store:
    """A folder of results.

    Parameters
    ----------
    folder : Path
        Made when the first result comes.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)

    def path(self, run: Run) -> Path:
        """Return the path of a run's record."""
        return self.folder / f"{run.name}.json"

    def record(self, run: Run) -> Record | None:
        """Return the record of a run that has finished, else None."""
        path = self.path(run)
        return json.loads(path.read_text()) if path.exists() else None

    def save(self, run: Run, record: Record) -> None:
        """Write a record whole or not at all: a kill leaves no half file."""
        path = self.path(run)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}.tmp")
        beside.write_text(json.dumps(record, indent=1) + "\n")
        beside.replace(path)

    def records(self) -> list[Record]:
        """Return all records, sorted by name."""
        paths = sorted(self.folder.glob("*/*/*/*.json"))
        return [json.loads(path.read_text()) for path in paths]


class EpochLog:
    """One CSV line per epoch, written as it comes.

    Parameters
    ----------
    path : Path
        Overwritten: what a killed run has left is of no use to the next.
    """

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("w", newline="")
        self._writer = csv.writer(self._file)
        self.line(*EPOCH_FIELDS)

    def line(self, *values: Any) -> None:
        """Write a line, on disk at once."""
        self._writer.writerow(values)
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def collect(records: Iterable[Record], folder: Path) -> list[Path]:
    """Write records to one file per task, replacing those of the same runs.

    Parameters
    ----------
    records : iterable of dict
    folder : Path
        Gets or has `<task>.json`: a list with one record per line.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InvalidInputError
        If the seeds of a model would have different settings, or the runs of a task
        different data. Nothing is written then.
    """
    by_task: dict[str, dict[tuple, Record]] = {}
    for record in (*read_collection(folder), *records):
        by_task.setdefault(record["task"], {})[_key(record)] = record
    if said := mixed(r for found in by_task.values() for r in found.values()):
        raise InvalidInputError(
            "Expected runs that differ in nothing but their seeds, and tasks run on "
            f"the same data, got {'; '.join(said)}. Run the older ones again, or "
            f"remove them from the results or from {folder}."
        )
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for task, found in sorted(by_task.items()):
        # A line each, in order: a new result changes one line of a committed file.
        lines = (json.dumps(found[key]) for key in sorted(found))
        path = folder / f"{task}.json"
        path.write_text("[\n" + ",\n".join(lines) + "\n]\n")
        paths.append(path)
    return paths


def read_collection(folder: Path) -> list[Record]:
    """Return the records of a folder that `collect` has written; none if it is not."""
    records: list[Record] = []
    for path in sorted(Path(folder).glob("*.json")):
        try:
            records += json.loads(path.read_text())
        except json.JSONDecodeError as error:
            raise InvalidInputError(
                f"{path} is no list of results: {error}. Restore it, or make it again "
                "with: python -m LNN.experiments collect"
            ) from error
    return records


def _key(record: Record) -> tuple:
    return tuple(record[name] for name in ("protocol", "model", "budget", "seed"))
