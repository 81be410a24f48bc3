"""Loaders of published data sets for the examples: arrays as their authors split them.

The files are looked for in `LNN_DATA_HOME`, else in `shared/data` beside the checkout.
Nothing is downloaded.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

OCCUPANCY_SENSORS = ["Temperature", "Humidity", "Light", "CO2", "HumidityRatio"]
GESTURE_TRAIN = ("a1", "a2", "b1", "b3", "c1")
GESTURE_TEST = ("a3", "c3")
OZONE_TRAIN_PART = 0.75
UCR_UEA = (
    "JapaneseVowels",
    "BasicMotions",
    "GunPoint",
    "ItalyPowerDemand",
    "ECG200",
    "PickupGestureWiimoteZ",
)


@dataclass
class Dataset:
    """Training and test part of a classification task.

    Attributes
    ----------
    name : str
    X_train, y_train, X_test, y_test : array-like
        Rows of recordings (2-D), equally long sequences (3-D) or a list of sequences.
    groups_train, groups_test : ndarray or None
        The recording of each row; None for sequences.
    """

    name: str
    X_train: Any
    y_train: np.ndarray
    X_test: Any
    y_test: np.ndarray
    groups_train: np.ndarray | None = None
    groups_test: np.ndarray | None = None

    @property
    def rows(self) -> bool:
        """Whether the data are rows of recordings, not one sequence per sample."""
        return self.groups_train is not None


def data_home() -> Path:
    """Return the folder that holds the data sets, or say how to name it."""
    given = os.environ.get("LNN_DATA_HOME")
    home = Path(given or Path(__file__).resolve().parents[2] / "shared" / "data")
    if not home.is_dir():
        raise FileNotFoundError(
            f"There is no folder {home}. Set LNN_DATA_HOME to the folder that holds "
            "the data sets (occupancy/, gesture/, ozone/, ucr_uea/, ...)."
        )
    return home


def _path(*parts: str) -> Path:
    path = data_home().joinpath(*parts)
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {path}. Put the data set there, or set LNN_DATA_HOME to "
            "the folder that holds it."
        )
    return path


def load_occupancy() -> Dataset:
    """Is the room occupied, from 5 sensors once a minute (UCI 357).

    Three recordings, split as published. The minutes are regular to a second, so the
    date column is used neither as an input nor as time stamps.
    """

    def read(name: str) -> pd.DataFrame:
        return pd.read_csv(_path("occupancy", f"{name}.txt"))

    train, *tests = map(read, ("datatraining", "datatest", "datatest2"))
    test = pd.concat(tests)
    return Dataset(
        "Occupancy",
        train[OCCUPANCY_SENSORS].to_numpy(),
        train["Occupancy"].to_numpy(),
        test[OCCUPANCY_SENSORS].to_numpy(),
        test["Occupancy"].to_numpy(),
        np.zeros(len(train), dtype=int),
        np.repeat([0, 1], [len(part) for part in tests]),
    )


def load_gesture() -> Dataset:
    """Phase of a gesture, per frame, from 32 velocities and accelerations (UCI 302).

    Seven recordings of three people; two whole recordings are the test part.
    """

    def read(names: tuple[str, ...]) -> tuple[np.ndarray, ...]:
        frames = [pd.read_csv(_path("gesture", f"{name}_va3.csv")) for name in names]
        rows = pd.concat(frames, ignore_index=True)
        groups = np.repeat(np.arange(len(names)), [len(frame) for frame in frames])
        return rows.iloc[:, :32].to_numpy(), rows.iloc[:, 32].to_numpy(str), groups

    (X, y, groups), (X_test, y_test, groups_test) = map(
        read, (GESTURE_TRAIN, GESTURE_TEST)
    )
    return Dataset("Gesture", X, y, X_test, y_test, groups, groups_test)


def load_ozone() -> Dataset:
    """Is the day an ozone day (6 % are), from 72 measurements a day (UCI 172, 8 h).

    The first 75 % of the days train. A missing value is that of the day before (at the
    very start the median of the training days); the date column is dropped.
    """
    table = pd.read_csv(_path("ozone", "eighthr.data"), header=None, na_values="?")
    X, y = table.iloc[:, 1:73], table.iloc[:, 73].to_numpy(int)
    n_train = int(OZONE_TRAIN_PART * len(X))
    X = X.ffill().fillna(X[:n_train].median()).to_numpy(float)
    return Dataset(
        "Ozone",
        X[:n_train],
        y[:n_train],
        X[n_train:],
        y[n_train:],
        np.zeros(n_train, dtype=int),
        np.zeros(len(X) - n_train, dtype=int),
    )


def read_ts(path: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """Read a .ts file of the UCR/UEA archive as a list of (T, channels) and labels."""
    sequences, labels = [], []
    in_data = False
    for line in path.read_text().splitlines():
        if line.lower().startswith("@data"):
            in_data = True
        elif in_data and line.strip():
            *channels, label = line.strip().split(":")
            columns = [
                np.array(channel.split(","), dtype=float) for channel in channels
            ]
            sequences.append(np.stack(columns, axis=1))
            labels.append(label)
    return sequences, np.array(labels)


def load_ucr_uea(name: str) -> Dataset:
    """One sequence per sample, with the archive's own training and test part."""
    parts = []
    for part in ("TRAIN", "TEST"):
        sequences, labels = read_ts(_path("ucr_uea", name, f"{name}_{part}.ts"))
        ragged = len({len(sequence) for sequence in sequences}) > 1
        parts += [sequences if ragged else np.stack(sequences), labels]
    return Dataset(name, *parts)


def load(name: str) -> Dataset:
    """Load "Occupancy", "Gesture", "Ozone" or a set of the UCR/UEA archive by name."""
    own = {"Occupancy": load_occupancy, "Gesture": load_gesture, "Ozone": load_ozone}
    return own[name]() if name in own else load_ucr_uea(name)
