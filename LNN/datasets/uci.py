"""The data sets of the UCI repository that come as one table per recording."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from LNN.datasets.checks import (
    bunch,
    characters,
    check,
    check_digest,
    check_known,
    check_labels,
    datetimes,
)
from LNN.datasets.checks import table as parsed
from LNN.datasets.home import Download, Source, find

UCI = "https://archive.ics.uci.edu/static/public"

OCCUPANCY_ROWS = {"datatraining": 8143, "datatest": 2665, "datatest2": 9752}
OCCUPANCY_SENSORS = ("Temperature", "Humidity", "Light", "CO2", "HumidityRatio")
OCCUPANCY = Source(
    "occupancy",
    (tuple(f"{name}.txt" for name in OCCUPANCY_ROWS),),
    (
        Download(
            f"{UCI}/357/occupancy+detection.zip",
            "occupancy+detection.zip",
            "sha256:4ae3f46aa98eedff564a9f6924d1635173e2fd2c816004342a9be93076d3a81a",
        ),
    ),
)

GESTURE_ROWS = {
    **{"a1": 1743, "a2": 1260, "a3": 1830, "b1": 1069, "b3": 1420, "c1": 1107},
    "c3": 1444,
}
# Digest of all rows in turn, less the headers, whose names differ from copy to copy.
GESTURE_DIGEST = "c15779d319bda86f67fc420f48fcbb58dd73992e6aad828ce9186fee47a7c630"
GESTURE_PHASES = ("D", "H", "P", "R", "S")
GESTURE = Source(
    "gesture",
    (tuple(f"{name}_va3.csv" for name in GESTURE_ROWS),),
    (
        Download(
            f"{UCI}/302/gesture+phase+segmentation.zip",
            "gesture+phase+segmentation.zip",
        ),
    ),
)

OZONE_ROWS = {"eighthr": 2534, "onehr": 2536}
OZONE_DIGESTS = {
    "eighthr": "d6bf5dcb339d85b007b94cebde029d4245d6fa915bbdd2413077d06ac09e5975",
    "onehr": "c049d1d8457e1f6e4fc9b35b06dc4b99915f99c109aa51769d9cfa400eb2a137",
}
OZONE_NAMES = (
    *(f"WSR{hour}" for hour in range(24)),
    *("WSR_PK", "WSR_AV"),
    *(f"T{hour}" for hour in range(24)),
    *("T_PK", "T_AV"),
    *(
        f"{name}{level}"
        for level in (85, 70, 50)
        for name in ("T", "RH", "U", "V", "HT")
    ),
    *("KI", "TT", "SLP", "SLP_", "Precp"),
)

TRAFFIC_ROWS = 48204
TRAFFIC_TEXT = ("holiday", "weather_main", "weather_description")
TRAFFIC_NAMES = (
    *("holiday", "temp", "rain_1h", "snow_1h", "clouds_all"),
    *("weather_main", "weather_description"),
)
TRAFFIC = Source(
    "traffic",
    (
        ("Metro_Interstate_Traffic_Volume.csv",),
        ("Metro_Interstate_Traffic_Volume.csv.gz",),
    ),
    (
        Download(
            f"{UCI}/492/metro+interstate+traffic+volume.zip",
            "metro+interstate+traffic+volume.zip",
            "sha256:b99aeabcbd6cc86f642da3a79d90883425798f58abd3b3302da2fa19dda73768",
        ),
    ),
)


def fetch_occupancy(
    *, data_home: str | os.PathLike | None = None, download_if_missing: bool = True
) -> Bunch:
    """Fetch Occupancy Detection: is somebody in the room, once a minute.

    Parameters
    ----------
    data_home : path-like, default=None
        The folder that holds `occupancy/`. None looks in `LNN_DATA_HOME`, else in
        `shared/data` beside a checkout, then in the user's cache folder.
    download_if_missing : bool, default=True

    Returns
    -------
    Bunch
        data : DataFrame of shape (20560, 5)
            Temperature (C), Humidity (%), Light (lux), CO2 (ppm), HumidityRatio (kg
            of water a kg of air).
        target : ndarray of int, shape (20560,)
            1 if somebody is there.
        groups : ndarray of int, shape (20560,)
            The recording: index in `group_names`, which are the files.
        timestamps : ndarray of datetime64[ns], shape (20560,)
        feature_names, group_names : list of str
        DESCR : str

    Raises
    ------
    DatasetNotFoundError
        If the files are missing and not downloaded.
    DatasetCorruptedError
        If a file does not hold what was published.

    References
    ----------
    Candanedo and Feldheim, Energy and Buildings 112, 2016.

    Examples
    --------
    >>> from LNN.datasets import fetch_occupancy
    >>> fetch_occupancy().data.shape  # doctest: +SKIP
    (20560, 5)
    """
    files = find(OCCUPANCY, data_home, download_if_missing)
    columns = ["date", *OCCUPANCY_SENSORS, "Occupancy"]
    frames = []
    for file, rows in zip(files, OCCUPANCY_ROWS.values(), strict=True):
        # The rows are numbered, but that column has no name.
        frame = parsed(file, rows, lambda text: pd.read_csv(text)[columns])
        check_known(file.where, frame)
        check_labels(file.where, frame["Occupancy"], (0, 1))
        frames.append(frame)
    table = pd.concat(frames, ignore_index=True)
    return bunch(
        "occupancy",
        table[list(OCCUPANCY_SENSORS)],
        table["Occupancy"].to_numpy(int),
        groups=np.repeat(range(len(frames)), [len(frame) for frame in frames]),
        timestamps=datetimes(files[0].where, table["date"], "%Y-%m-%d %H:%M:%S"),
        feature_names=OCCUPANCY_SENSORS,
        group_names=list(OCCUPANCY_ROWS),
    )


def fetch_gesture(
    *, data_home: str | os.PathLike | None = None, download_if_missing: bool = True
) -> Bunch:
    """Fetch Gesture Phase Segmentation: the phase of a gesture, frame by frame.

    The processed files (`*_va3.csv`): velocities and accelerations of hands and wrists.

    Parameters
    ----------
    data_home : path-like, default=None
        The folder that holds `gesture/`; None as in `fetch_occupancy`.
    download_if_missing : bool, default=True

    Returns
    -------
    Bunch
        data : DataFrame of shape (9873, 32)
        target : ndarray of str, shape (9873,)
            D (rest), P (preparation), S (stroke), H (hold) or R (retraction).
        groups : ndarray of int, shape (9873,)
            The video: index in `group_names`; the letter is the person, the number the
            story told.
        timestamps : None
            The processed files have none.
        feature_names, group_names : list of str
        DESCR : str

    Raises
    ------
    DatasetNotFoundError, DatasetCorruptedError
        As `fetch_occupancy`.

    References
    ----------
    Madeo, Lima and Peres, SAC 2013; Wagner, Peres, Madeo and Lima, FLAIRS 2014.

    Examples
    --------
    >>> from LNN.datasets import fetch_gesture
    >>> fetch_gesture().data.shape  # doctest: +SKIP
    (9873, 32)
    """
    files = find(GESTURE, data_home, download_if_missing)
    frames = []
    for file, rows in zip(files, GESTURE_ROWS.values(), strict=True):
        frame = parsed(file, rows, pd.read_csv)
        check(file.where, "columns:", 33, frame.shape[1])
        check_known(file.where, frame)
        check_labels(file.where, frame.iloc[:, 32], GESTURE_PHASES)
        frames.append(frame)
    rows_only = (characters(file.content.partition(b"\n")[2]) for file in files)
    check_digest(os.path.dirname(files[0].where), rows_only, GESTURE_DIGEST)
    table = pd.concat(frames, ignore_index=True)
    names = _gesture_names()
    return bunch(
        "gesture",
        table.iloc[:, :32].set_axis(names, axis=1),
        table.iloc[:, 32].to_numpy(str),
        groups=np.repeat(range(len(frames)), [len(frame) for frame in frames]),
        feature_names=names,
        group_names=list(GESTURE_ROWS),
    )


def _gesture_names() -> list[str]:
    parts = ("left_hand", "right_hand", "left_wrist", "right_wrist")
    kinds = ("velocity", "acceleration")
    vectors = [f"{part}_{kind}_{c}" for kind in kinds for part in parts for c in "xyz"]
    return vectors + [f"{part}_{kind}" for kind in kinds for part in parts]


def fetch_ozone(
    kind: str = "eighthr",
    *,
    data_home: str | os.PathLike | None = None,
    download_if_missing: bool = True,
) -> Bunch:
    """Fetch Ozone Level Detection: is a day an ozone day, from 72 measurements.

    Parameters
    ----------
    kind : {"eighthr", "onehr"}, default="eighthr"
        Whether the peak of eight hours or of one hour makes an ozone day.
    data_home : path-like, default=None
        The folder that holds `ozone/`; None as in `fetch_occupancy`.
    download_if_missing : bool, default=True

    Returns
    -------
    Bunch
        data : DataFrame of shape (2534, 72), or (2536, 72) for "onehr"
            One row a day, with NaN where a value is missing.
        target : ndarray of int, shape (n,)
            1 on ozone days: 6.3 % of the days for "eighthr".
        groups : None
        timestamps : ndarray of datetime64[ns], shape (n,)
            Some days are missing.
        feature_names : list of str
        DESCR : str

    Raises
    ------
    ValueError
        If there is no such `kind`.
    DatasetNotFoundError, DatasetCorruptedError
        As `fetch_occupancy`.

    References
    ----------
    Zhang and Fan, Knowledge and Information Systems 14, 2008.

    Examples
    --------
    >>> from LNN.datasets import fetch_ozone
    >>> fetch_ozone().data.shape  # doctest: +SKIP
    (2534, 72)
    """
    if kind not in OZONE_ROWS:
        raise ValueError(f"Expected kind as one of {tuple(OZONE_ROWS)}, got {kind!r}.")
    zipped = "ozone+level+detection.zip"
    source = Source(
        "ozone", ((f"{kind}.data",),), (Download(f"{UCI}/172/{zipped}", zipped),)
    )
    (file,) = find(source, data_home, download_if_missing)
    names = ["Date", *OZONE_NAMES, "ozone_day"]

    def read(text: Any) -> pd.DataFrame:
        return pd.read_csv(text, header=None, na_values="?")

    frame = parsed(file, OZONE_ROWS[kind], read)
    check(file.where, "columns:", len(names), frame.shape[1])
    frame = frame.set_axis(names, axis=1)
    check_labels(file.where, frame["ozone_day"], (0, 1))
    check_digest(file.where, [characters(file.content)], OZONE_DIGESTS[kind])
    return bunch(
        "ozone",
        frame[list(OZONE_NAMES)].astype(float),
        frame["ozone_day"].to_numpy(int),
        timestamps=datetimes(file.where, frame["Date"], "%m/%d/%Y"),
        feature_names=OZONE_NAMES,
    )


def fetch_traffic(
    *, data_home: str | os.PathLike | None = None, download_if_missing: bool = True
) -> Bunch:
    """Fetch Metro Interstate Traffic Volume: cars an hour, and the weather.

    Parameters
    ----------
    data_home : path-like, default=None
        The folder that holds `traffic/`; None as in `fetch_occupancy`.
    download_if_missing : bool, default=True

    Returns
    -------
    Bunch
        data : DataFrame of shape (48204, 7)
            holiday ("None" on other days), temp (K), rain_1h and snow_1h (mm),
            clouds_all (%), weather_main, weather_description; as published, with its
            slips (0 K; 9831 mm of rain).
        target : ndarray of float, shape (48204,)
            Cars in the hour.
        groups : None
        timestamps : ndarray of datetime64[ns], shape (48204,)
            In the order of the file: 7629 are there more than once, and hours are
            missing.
        feature_names : list of str
        DESCR : str

    Raises
    ------
    DatasetNotFoundError, DatasetCorruptedError
        As `fetch_occupancy`.

    References
    ----------
    Hogue, Metro Interstate Traffic Volume, UCI Machine Learning Repository, 2019.

    Examples
    --------
    >>> from LNN.datasets import fetch_traffic
    >>> fetch_traffic().data.shape  # doctest: +SKIP
    (48204, 7)
    """
    (file,) = find(TRAFFIC, data_home, download_if_missing)
    columns = [*TRAFFIC_NAMES, "date_time", "traffic_volume"]

    def read(text: Any) -> pd.DataFrame:
        # "None" is the name of no holiday here, not a missing value.
        frame = pd.read_csv(
            text,
            keep_default_na=False,
            compression="gzip" if file.name.endswith(".gz") else None,
        )[columns]
        numbers = [c for c in columns if c not in (*TRAFFIC_TEXT, "date_time")]
        return frame.astype(dict.fromkeys(numbers, float))

    frame = parsed(file, TRAFFIC_ROWS, read)
    return bunch(
        "traffic",
        frame[list(TRAFFIC_NAMES)],
        frame["traffic_volume"].to_numpy(float),
        timestamps=datetimes(file.where, frame["date_time"], "%Y-%m-%d %H:%M:%S"),
        feature_names=TRAFFIC_NAMES,
    )
