"""Is what was read what was published? And the Bunch that a fetcher returns."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from LNN.datasets.errors import DatasetCorruptedError
from LNN.datasets.files import File

REMEDY = (
    "The file is truncated or was changed: delete it, and call again to download it."
)


def check(where: str, what: str, expected: Any, got: Any) -> None:
    """Raise an error that names the file unless it holds what is expected."""
    if got != expected:
        raise DatasetCorruptedError(
            f"{where}: expected {what} {expected}, got {got}. {REMEDY}"
        )


@contextmanager
def parsing(where: str) -> Iterator[None]:
    """Name the file in errors of those who parse it."""
    try:
        yield
    except DatasetCorruptedError:
        raise
    except (ValueError, LookupError, EOFError, OSError) as error:
        raise DatasetCorruptedError(
            f"{where} cannot be parsed: {error}. {REMEDY}"
        ) from error


def table(file: File, rows: int, read: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    """Parse a table and check how many rows it has."""
    with parsing(file.where):
        frame = read(io.BytesIO(file.content))
    check(file.where, "rows:", rows, len(frame))
    return frame


def check_known(where: str, frame: pd.DataFrame) -> None:
    """Raise an error if something is missing in a table that has no gaps."""
    check(where, "missing values:", 0, int(frame.isna().to_numpy().sum()))


def check_labels(where: str, labels: Iterable, allowed: Iterable) -> None:
    """Raise an error if there are labels that the data set does not have."""
    other = sorted(map(str, set(labels) - set(allowed)))
    if other:
        raise DatasetCorruptedError(
            f"{where}: expected labels {sorted(map(str, allowed))}, got also "
            f"{other[:5]}. {REMEDY}"
        )


def check_digest(where: str, contents: Iterable[bytes], expected: str) -> None:
    """Raise an error unless the sha256 of all contents in turn is the known one."""
    # Of contents, not of files: archives of the same files differ from place to place.
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    check(where, "sha256 of the contents", expected, digest.hexdigest())


def characters(content: bytes) -> bytes:
    """Return a text without white space: copies end their lines differently."""
    return b"".join(content.split())


def datetimes(where: str, text: pd.Series, format: str) -> np.ndarray:
    """Parse dates (T,) as datetime64[ns]."""
    with parsing(where):
        return pd.to_datetime(text, format=format).to_numpy("datetime64[ns]")


def bunch(
    name: str,
    data: Any,
    target: Any,
    *,
    feature_names: Sequence[str],
    groups: np.ndarray | None = None,
    timestamps: Any = None,
    **extras: Any,
) -> Bunch:
    """Return what a fetcher returns, with the description of that name."""
    descr = resources.files("LNN.datasets").joinpath("descr", f"{name}.rst")
    return Bunch(
        data=data,
        target=target,
        groups=groups,
        timestamps=timestamps,
        feature_names=list(feature_names),
        DESCR=descr.read_text(encoding="utf-8"),
        **extras,
    )
