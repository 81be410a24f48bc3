"""Individual household electric power consumption, of the UCI repository."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from LNN.datasets.checks import bunch, check, check_known, datetimes
from LNN.datasets.checks import table as parsed
from LNN.datasets.files import File
from LNN.datasets.home import Download, Source, find
from LNN.datasets.uci import UCI

ROWS, FIRST_ROWS, HOURS = 2075259, 37283, 34536
TARGET = "Global_active_power"
INPUTS = (
    *("Global_reactive_power", "Voltage", "Global_intensity"),
    *("Sub_metering_1", "Sub_metering_2", "Sub_metering_3"),
)
FULL = "household_power_consumption.txt"
FIRST = "household_power_consumption_first37283min.txt"
BY_HOUR = "household_power_consumption_hours.csv"
ZIP = "individual+household+electric+power+consumption.zip"
DOWNLOADS = (
    Download(
        f"{UCI}/235/{ZIP}",
        ZIP,
        "sha256:9f84b46ade8a2d8e1286ec4b2b6c2987a45a755c59f263be3b3b3d10dfbda3ff",
    ),
)
SOURCES = {
    "minutes": Source("power", ((FULL,), (FIRST,)), DOWNLOADS),
    "hours": Source("power", ((FULL,), (BY_HOUR,)), DOWNLOADS),
}
# The first and the last day are not whole.
FIRST_HOUR, LAST_HOUR = "2006-12-18 00:00", "2010-11-25 23:00"


def fetch_power(
    resolution: str = "minutes",
    *,
    data_home: str | os.PathLike | None = None,
    download_if_missing: bool = True,
) -> Bunch:
    """Fetch the electric power that a household drew, over four years.

    Parameters
    ----------
    resolution : {"minutes", "hours"}, default="minutes"
        "hours" are sums over the minutes of an hour, a missing minute being that of the
        day before.
    data_home : path-like, default=None
        The folder that holds `power/`; None as in `fetch_occupancy`.
    download_if_missing : bool, default=True

    Returns
    -------
    Bunch
        data : DataFrame of shape (n, 6)
            Reactive power (kW), voltage (V), intensity (A), and the energy (Wh) of
            three circuits. NaN where a minute is missing.
        target : ndarray of float, shape (n,)
            Active power (kW); by the hour the sum of 60 of them.
        groups : None
        timestamps : ndarray of datetime64[ns], shape (n,)
        feature_names : list of str
        complete : bool
            Whether all 2,075,259 minutes or 34,536 hours are there. Without: the first
            37,283 minutes that have values, where only that file was found.
        DESCR : str

    Raises
    ------
    ValueError
        If there is no such `resolution`.
    DatasetNotFoundError, DatasetCorruptedError
        As `fetch_occupancy`.

    References
    ----------
    Hebrail and Berard, Individual household electric power consumption, UCI Machine
    Learning Repository, 2012.

    Examples
    --------
    >>> from LNN.datasets import fetch_power
    >>> fetch_power("hours").data.shape  # doctest: +SKIP
    (34536, 6)
    """
    if resolution not in SOURCES:
        raise ValueError(
            f"Expected resolution as one of {tuple(SOURCES)}, got {resolution!r}."
        )
    (file,) = find(SOURCES[resolution], data_home, download_if_missing)
    if file.name == BY_HOUR:
        frame, time = _read_hours(file)
    else:
        frame, time = _read_minutes(file, FIRST_ROWS if file.name == FIRST else ROWS)
        if resolution == "hours":
            frame, time = hours_of(frame, time)
    return bunch(
        "power",
        frame[list(INPUTS)],
        frame[TARGET].to_numpy(float),
        timestamps=time,
        feature_names=INPUTS,
        complete=file.name != FIRST,
    )


def _read_minutes(file: File, rows: int) -> tuple[pd.DataFrame, np.ndarray]:
    def read(text: Any) -> pd.DataFrame:
        types = dict.fromkeys((TARGET, *INPUTS), float)
        return pd.read_csv(text, sep=";", na_values="?", dtype=types)

    frame = parsed(file, rows, read)
    text = frame["Date"] + " " + frame["Time"]
    time = datetimes(file.where, text, "%d/%m/%Y %H:%M:%S")
    # A minute lacks all its values or none.
    gaps = frame[[TARGET, *INPUTS]].isna()
    torn = int((gaps.any(axis=1) & ~gaps.all(axis=1)).sum())
    check(file.where, "minutes with some values missing:", 0, torn)
    return frame.drop(columns=["Date", "Time"]), time


def _read_hours(file: File) -> tuple[pd.DataFrame, np.ndarray]:
    frame = parsed(file, HOURS, pd.read_csv)
    check_known(file.where, frame)
    time = datetimes(file.where, frame["datetime"], "%Y-%m-%d %H:%M:%S")
    return frame[[TARGET, *INPUTS]], time


def hours_of(frame: pd.DataFrame, time: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """Sum minutes by the hour over whole days, after filling gaps.

    A missing minute is that of the day before, which may itself have been filled.
    """
    minutes = frame.set_axis(pd.DatetimeIndex(time)).asfreq("min")
    values = minutes.to_numpy(copy=True)
    day = 24 * 60
    for start in range(day, len(values), day):
        today, before = values[start : start + day], values[start - day : start]
        missing = np.isnan(today)
        today[missing] = before[: len(today)][missing]
    sums = pd.DataFrame(values, minutes.index, minutes.columns).resample("h").sum()
    sums = sums[FIRST_HOUR:LAST_HOUR]
    return sums.reset_index(drop=True), sums.index.to_numpy("datetime64[ns]")
