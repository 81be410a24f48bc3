"""The PhysioNet/CinC challenge 2012, set-a: patients in intensive care."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import DTypeLike
from sklearn.utils import Bunch

from LNN.datasets.checks import bunch, check, check_labels, parsing
from LNN.datasets.checks import table as parsed
from LNN.datasets.files import File
from LNN.datasets.home import Download, Source, find

PATIENTS = 4000
DESCRIPTORS = ("Age", "Gender", "Height", "ICUType", "Weight")
CHANNELS = (
    *DESCRIPTORS,
    *("ALP", "ALT", "AST", "Albumin", "BUN", "Bilirubin", "Cholesterol", "Creatinine"),
    *("DiasABP", "FiO2", "GCS", "Glucose", "HCO3", "HCT", "HR", "K", "Lactate", "MAP"),
    *("MechVent", "Mg", "NIDiasABP", "NIMAP", "NISysABP", "Na", "PaCO2", "PaO2"),
    *("Platelets", "RespRate", "SaO2", "SysABP", "Temp", "TroponinI", "TroponinT"),
    *("Urine", "WBC", "pH"),
)
OUTCOMES = "Outcomes-a.txt"
ADDRESS = "https://physionet.org/files/challenge-2012/1.0.0"
SOURCE = Source(
    "physionet2012",
    ((OUTCOMES, "[0-9][0-9][0-9][0-9][0-9][0-9].txt"),),
    (
        Download(
            f"{ADDRESS}/{OUTCOMES}",
            OUTCOMES,
            "sha256:2613ea60ccda29f87571a7d6b09ad130858a8ccd66325bd073365925026883c2",
        ),
        Download(
            f"{ADDRESS}/set-a.tar.gz",
            "set-a.tar.gz",
            "sha256:8cb250f179cd0952b4b9ebcf8954b63d70383131670fac1cfee13deaa13ca920",
        ),
    ),
)
# Lines of all records.
LINES = 1757980
# Records that one job parses at a time.
CHUNK = 500
# More minutes than any record has.
LONGEST = 10_000


@dataclass(frozen=True)
class Record:
    """What was noted of a patient: minutes (T,), values (T, channels), lines read."""

    number: int
    minutes: np.ndarray
    values: np.ndarray
    lines: int


def fetch_physionet2012(
    *,
    data_home: str | os.PathLike | None = None,
    download_if_missing: bool = True,
    n_jobs: int | None = None,
    dtype: DTypeLike = np.float32,
) -> Bunch:
    """Fetch 48 hours of intensive care of 4000 patients, of whom 13.85 % die.

    Set-a of the PhysioNet/CinC challenge 2012, the only part whose outcomes the papers
    use. One row per minute at which anything was noted.

    Parameters
    ----------
    data_home : path-like, default=None
        The folder that holds `physionet2012/`; None as in `fetch_occupancy`.
    download_if_missing : bool, default=True
    n_jobs : int, default=None
        Threads that parse records; None is 1, or what a `joblib.parallel_config`
        around the call says.
    dtype : dtype, default=float32
        Type of the values. float32 loses nothing: the files have at most seven digits.

    Returns
    -------
    Bunch
        data : list of 4000 ndarrays of shape (T_i, 41)
            NaN where nothing was noted. Age, gender, height, kind of ward and weight
            stand in the first row.
        target : ndarray of int, shape (4000,)
            1 for a death in hospital.
        groups : ndarray of int, shape (4000,)
            The number of the record, ascending.
        timestamps : list of 4000 ndarrays of int, shape (T_i,)
            Minutes since admission.
        feature_names : list of str
        DESCR : str

    Raises
    ------
    DatasetNotFoundError, DatasetCorruptedError
        As `fetch_occupancy`.

    References
    ----------
    Silva, Moody, Scott, Celi and Mark, Predicting in-hospital mortality of ICU
    patients: the PhysioNet/Computing in Cardiology challenge 2012, CinC 2012.

    Examples
    --------
    >>> from LNN.datasets import fetch_physionet2012
    >>> len(fetch_physionet2012(n_jobs=2).data)  # doctest: +SKIP
    4000
    """
    outcomes, *files = find(SOURCE, data_home, download_if_missing)
    died = _read_outcomes(outcomes)
    # Records of set-b and set-c may lie beside those of set-a.
    files = [file for file in files if int(file.name[:6]) in died.index]
    where = os.path.dirname(files[0].where) if files else outcomes.where
    check(where, "records:", PATIENTS, len(files))
    chunks = [files[k : k + CHUNK] for k in range(0, len(files), CHUNK)]
    # Threads: the parser works outside Python's lock, and a process would import torch.
    parsed = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(parse_records)(chunk) for chunk in chunks
    )
    records = sorted((r for chunk in parsed for r in chunk), key=lambda r: r.number)
    check(where, "lines in all records:", LINES, sum(r.lines for r in records))
    numbers = np.array([record.number for record in records])
    return bunch(
        "physionet2012",
        [record.values.astype(dtype) for record in records],
        died[numbers].to_numpy(int),
        groups=numbers,
        timestamps=[record.minutes for record in records],
        feature_names=CHANNELS,
    )


def _read_outcomes(file: File) -> pd.Series:
    frame = parsed(file, PATIENTS, lambda text: pd.read_csv(text, index_col="RecordID"))
    with parsing(file.where):
        died = frame["In-hospital_death"]
    check_labels(file.where, died, (0, 1))
    return died


def parse_records(files: Sequence[File]) -> list[Record]:
    """Turn files of lines "hh:mm,name,value" into records."""
    try:
        records = _parsed_together(files)
    except ValueError as error:
        if len(files) > 1:
            # One by one, to name the file that is broken.
            return [record for file in files for record in parse_records([file])]
        with parsing(files[0].where):
            raise error
    for file, record in zip(files, records, strict=True):
        check(file.where, "the record", int(file.name[:6]), record.number)
    return records


def _parsed_together(files: Sequence[File]) -> list[Record]:
    """Parse many files as one table: far faster than one by one."""
    # Text of few kinds: each kind is converted once, and numbers as float() does it.
    table = pd.read_csv(
        io.BytesIO(b"".join(_body(file.content) for file in files)),
        names=["time", "name", "value"],
        dtype="category",
    )
    names = table["name"]
    value = _converted(table["value"], float)
    # Each record says its number first.
    begins = (names == "RecordID").to_numpy()
    record = np.cumsum(begins) - 1
    numbers = value[begins].astype(int)
    if len(numbers) != len(files) or not begins[:1].all():
        raise ValueError("expected one line RecordID, the first one, in each file")
    minute = _converted(table["time"], _minute)
    column = pd.Index(CHANNELS).get_indexer(names.cat.categories)
    channel = np.where(names.cat.codes < 0, -1, column[names.cat.codes])
    # -1 is "not known"; a few lines have no name.
    known = (channel >= 0) & (value != -1)
    when = record * LONGEST + minute
    rows, row = np.unique(when[known], return_inverse=True)
    values = np.full((len(rows), len(CHANNELS)), np.nan)
    # A value that was noted twice in a minute: the last one counts.
    values[row, channel[known]] = value[known]
    ends = np.searchsorted(rows, LONGEST * np.arange(len(files) + 1))
    lines = np.bincount(record, minlength=len(files))
    return [
        Record(int(numbers[k]), rows[a:b] - k * LONGEST, values[a:b], int(lines[k]))
        for k, (a, b) in enumerate(pairwise(ends))
    ]


def _converted(column: pd.Series, convert: Callable[[str], float]) -> np.ndarray:
    """Convert a column of text, each kind of it once."""
    if (column.cat.codes < 0).any():
        raise ValueError(f"a line has no {column.name}")
    kinds = np.array([convert(str(kind)) for kind in column.cat.categories])
    return kinds[column.cat.codes]


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


def _body(content: bytes) -> bytes:
    """Return the lines of a record, less its header."""
    return content.partition(b"\n")[2].rstrip() + b"\n"
