"""Data sets of the UCR and UEA archives of time-series classification."""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from LNN.datasets.checks import bunch, check, check_labels, parsing
from LNN.datasets.files import File
from LNN.datasets.home import Download, Source, find

ADDRESS = "https://www.timeseriesclassification.com/aeon-toolkit"
# How many sequences train and test, of those whose numbers were looked up.
SIZES = {
    "ACSF1": (100, 100),
    "BasicMotions": (40, 40),
    "ECG200": (100, 100),
    "GunPoint": (50, 150),
    "ItalyPowerDemand": (67, 1029),
    "JapaneseVowels": (270, 370),
    "PickupGestureWiimoteZ": (50, 50),
}


def fetch_ucr(
    name: str,
    *,
    data_home: str | os.PathLike | None = None,
    download_if_missing: bool = True,
) -> Bunch:
    """Fetch a data set of the UCR or UEA archive by its name.

    Parameters
    ----------
    name : str
        As in the archive: "GunPoint", "JapaneseVowels", ... A name with "_eq" at its
        end asks for the sequences that the archive made equally long.
    data_home : path-like, default=None
        The folder that holds `ucr_uea/`, with the files NAME_TRAIN.ts and NAME_TEST.ts
        in it, in any folder or archive (`Univariate2018_ts.zip`); None as in
        `fetch_occupancy`.
    download_if_missing : bool, default=True

    Returns
    -------
    Bunch
        data : ndarray of float, shape (n, T, n_features), or list of (T_i, n_features)
            A list where lengths differ. NaN where a value is missing.
        target : ndarray of str, shape (n,)
        groups : None
        timestamps : None
        subset : ndarray of str, shape (n,)
            "train" or "test", as the archive splits.
        feature_names : list of str
        DESCR : str

    Raises
    ------
    ValueError
        If the name cannot be one.
    DatasetNotFoundError, DatasetCorruptedError
        As `fetch_occupancy`.

    References
    ----------
    Dau et al., The UCR time series archive, IEEE/CAA Journal of Automatica Sinica 6,
    2019. Bagnall et al., The UEA multivariate time series classification archive, 2018,
    arXiv 1811.00075.

    Examples
    --------
    >>> from LNN.datasets import fetch_ucr
    >>> fetch_ucr("GunPoint").data.shape  # doctest: +SKIP
    (200, 150, 1)
    """
    if not re.fullmatch(r"\w+", name):
        raise ValueError(
            "Expected the name of a data set of the UCR or UEA archive, such as "
            f'"GunPoint", got {name!r}.'
        )
    zipped = f"{name.removesuffix('_eq')}.zip"
    source = Source(
        "ucr_uea",
        ((f"{name}_TRAIN.ts", f"{name}_TEST.ts"),),
        (Download(f"{ADDRESS}/{zipped}", zipped),),
    )
    files = find(source, data_home, download_if_missing)
    parts = [_read(file) for file in files]
    sizes = tuple(len(labels) for _, labels in parts)
    for file, size, expected in zip(files, sizes, SIZES.get(name, sizes), strict=True):
        check(file.where, "sequences:", expected, size)
    sequences = [sequence for found, _ in parts for sequence in found]
    ragged = len({len(sequence) for sequence in sequences}) > 1
    channels = {sequence.shape[1] for sequence in sequences}
    check(files[0].where, "numbers of channels:", 1, len(channels))
    result = bunch(
        "ucr",
        sequences if ragged else np.stack(sequences),
        np.concatenate([labels for _, labels in parts]),
        feature_names=[f"channel_{k}" for k in range(channels.pop())],
        subset=np.repeat(["train", "test"], sizes),
    )
    result.DESCR = result.DESCR.replace("NAME", name)
    return result


def _read(file: File) -> tuple[list[np.ndarray], np.ndarray]:
    with parsing(file.where):
        header, sequences, labels = read_ts(file.content.decode("utf-8", "replace"))
    check(file.where, "at least one sequence:", True, len(sequences) > 0)
    answer = header.get("classlabel", "").split()
    check(
        file.where, '"@classLabel true" and labels in its header:', "true", *answer[:1]
    )
    check_labels(file.where, labels, answer[1:])
    length = header.get("serieslength")
    if length is not None and header.get("equallength") == "true":
        check(
            file.where,
            "sequences of length",
            {int(length)},
            {len(sequence) for sequence in sequences},
        )
    return sequences, labels


def read_ts(text: str) -> tuple[dict[str, str], list[np.ndarray], np.ndarray]:
    """Read a .ts file: its header, sequences (T, channels), and their labels.

    After "@data" each line is a sequence: its channels, and at last its label, are
    parted by colons, and the values of a channel by commas; "?" is missing.
    """
    header: dict[str, str] = {}
    sequences, labels = [], []
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("@"):
            key, _, value = line[1:].strip().partition(" ")
            header[key.lower()] = value.strip()
            if key.lower() == "data":
                break
    if "data" not in header:
        raise ValueError("it has no line @data")
    if header.get("timestamps", "false").lower() == "true":
        raise ValueError("its sequences have time stamps, which is not supported")
    for number, line in enumerate(filter(str.strip, lines), 1):
        *channels, label = line.strip().split(":")
        if not channels:
            raise ValueError(f"sequence {number} has no label after a colon")
        columns = [_numbers(channel) for channel in channels]
        sequences.append(np.stack(columns, axis=1))
        labels.append(label)
    return header, sequences, np.array(labels)


def _numbers(channel: str) -> np.ndarray:
    values: list[Any] = channel.split(",")
    if "?" in channel:
        values = ["nan" if value.strip() == "?" else value for value in values]
    return np.array(values, dtype=float)
