"""Localization Data for Person Activity, of the UCI repository."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pandas as pd
from sklearn.utils import Bunch

from LNN.datasets.checks import (
    bunch,
    check_digest,
    check_known,
    check_labels,
    parsing,
)
from LNN.datasets.checks import table as parsed
from LNN.datasets.home import Download, Source, find
from LNN.datasets.uci import UCI

ROWS, SUBSET_ROWS = 164860, 16486
FULL, SUBSET = "ConfLongDemo_JSI.txt", "ConfLongDemo_JSI_subset.csv"
ZIP = "localization+data+for+person+activity.zip"
SOURCE = Source("person", ((FULL,), (SUBSET,)), (Download(f"{UCI}/196/{ZIP}", ZIP),))
# Digest of the first tenth, which is all that we have seen.
DIGEST = "0ea4794517d7b10a5569e8da411df3d4ad76fcdd766bcdd02bf23fed55f90a3d"
FEATURES = ("tag_identificator", "x", "y", "z")
TAGS = ("010-000-024-033", "010-000-030-096", "020-000-033-111", "020-000-032-221")
ACTIVITIES = (
    *("walking", "falling", "lying down", "lying", "sitting down", "sitting"),
    *("standing up from lying", "on all fours", "sitting on the ground"),
    *("standing up from sitting", "standing up from sitting on the ground"),
    # Some copies of the file shorten the last one.
    "standing up from sit on grnd",
)
# The clock counts 100 ns from the year 1; this many until 1970.
TICKS_TO_1970 = 621_355_968_000_000_000


def fetch_person(
    *, data_home: str | os.PathLike | None = None, download_if_missing: bool = True
) -> Bunch:
    """Fetch Localization Data for Person Activity: what somebody does, from four tags.

    Each row is one report of one tag, worn at an ankle, the belt or the chest; they
    come every 27 ms or a multiple of that.

    Parameters
    ----------
    data_home : path-like, default=None
        The folder that holds `person/`; None as in `fetch_occupancy`.
    download_if_missing : bool, default=True

    Returns
    -------
    Bunch
        data : DataFrame of shape (n, 4)
            tag_identificator (str, the tag that reports), x, y and z (m), in the order
            of the file.
        target : ndarray of str, shape (n,)
            One of eleven activities.
        groups : ndarray of str, shape (n,)
            The recording: "A01" to "E05", the letter is the person.
        timestamps : ndarray of datetime64[ns], shape (n,)
            In universal time, from the counter of 100 ns; in places rows are a few
            milliseconds out of order: ``np.argsort(timestamps, kind="stable")`` sorts.
        feature_names : list of str
        complete : bool
            Whether all 164,860 rows are there, or the first tenth (A01 to A03), where
            only that file was found.
        DESCR : str

    Raises
    ------
    DatasetNotFoundError, DatasetCorruptedError
        As `fetch_occupancy`.

    References
    ----------
    Kaluza et al., An agent-based approach to care in independent living, AmI 2010.

    Examples
    --------
    >>> from LNN.datasets import fetch_person
    >>> fetch_person().feature_names  # doctest: +SKIP
    ['tag_identificator', 'x', 'y', 'z']
    """
    (file,) = find(SOURCE, data_home, download_if_missing)
    complete = file.name == FULL
    # The whole file has a column with the date and no header, the part the reverse.
    columns = ["sequence", "tag_identificator", "ticks"]
    columns = [*columns, "date"] if complete else ["id", *columns]
    columns += ["x", "y", "z", "activity"]

    def read(text: Any) -> pd.DataFrame:
        return pd.read_csv(
            text,
            names=columns,
            header=None if complete else 0,
            skipinitialspace=True,
            dtype={"ticks": "int64", "x": float, "y": float, "z": float},
        )

    frame = parsed(file, ROWS if complete else SUBSET_ROWS, read)
    check_known(file.where, frame)
    check_labels(file.where, frame["activity"], ACTIVITIES)
    check_labels(file.where, frame["tag_identificator"], TAGS)
    check_digest(file.where, _contents(frame[:SUBSET_ROWS]), DIGEST)
    with parsing(file.where):
        ticks = frame["ticks"].to_numpy() - TICKS_TO_1970
    return bunch(
        "person",
        frame[list(FEATURES)],
        frame["activity"].to_numpy(str),
        groups=frame["sequence"].to_numpy(str),
        timestamps=(100 * ticks).view("datetime64[ns]"),
        feature_names=FEATURES,
        complete=complete,
    )


def _contents(frame: pd.DataFrame) -> Iterator[bytes]:
    """Return what the whole file and the part have in common, column by column."""
    texts = frame[["sequence", "tag_identificator", "activity"]]
    # One activity has two names.
    for _, column in texts.replace(ACTIVITIES[-1], ACTIVITIES[-2]).items():
        yield "\n".join(column).encode()
    yield frame["ticks"].to_numpy("<i8").tobytes()
    # Measured in float32; the last digit of the text differs from copy to copy.
    yield frame[["x", "y", "z"]].to_numpy("<f4").tobytes()
