"""Loaders of published data sets for the examples: arrays as their authors split them.

`LNN.datasets` reads the files, from `LNN_DATA_HOME`, else from `shared/data` beside the
checkout, else downloads them; see docu/datasets.md. Only the splits are the examples'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from LNN.datasets import fetch_gesture, fetch_occupancy, fetch_ozone, fetch_ucr

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


def load_occupancy() -> Dataset:
    """Is the room occupied, from 5 sensors once a minute (UCI 357).

    Three recordings, split as published. The minutes are regular to a second, so the
    date column is used neither as an input nor as time stamps.
    """
    rows = fetch_occupancy()
    X, y, train = rows.data.to_numpy(), rows.target, rows.groups == 0
    return Dataset(
        "Occupancy",
        X[train],
        y[train],
        X[~train],
        y[~train],
        rows.groups[train],
        rows.groups[~train] - 1,
    )


def load_gesture() -> Dataset:
    """Phase of a gesture, per frame, from 32 velocities and accelerations (UCI 302).

    Seven recordings of three people; two whole recordings are the test part.
    """
    frames = fetch_gesture()

    def part(names: tuple[str, ...]) -> tuple[np.ndarray, ...]:
        numbers = [frames.group_names.index(name) for name in names]
        # Recordings of a part lie in the order of their names, as in the files.
        chosen = np.isin(frames.groups, numbers)
        groups = np.searchsorted(numbers, frames.groups[chosen])
        return frames.data.to_numpy()[chosen], frames.target[chosen], groups

    (X, y, groups), (X_test, y_test, groups_test) = map(
        part, (GESTURE_TRAIN, GESTURE_TEST)
    )
    return Dataset("Gesture", X, y, X_test, y_test, groups, groups_test)


def load_ozone() -> Dataset:
    """Is the day an ozone day (6 % are), from 72 measurements a day (UCI 172, 8 h).

    The first 75 % of the days train. A missing value is that of the day before (at the
    very start the median of the training days); the date column is dropped.
    """
    days = fetch_ozone()
    X, y = days.data, days.target
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


def load_ucr_uea(name: str) -> Dataset:
    """One sequence per sample, with the archive's own training and test part."""
    found = fetch_ucr(name)
    parts = []
    for part in ("train", "test"):
        chosen = np.flatnonzero(found.subset == part)
        sequences = [found.data[k] for k in chosen]
        ragged = len({len(sequence) for sequence in sequences}) > 1
        parts += [sequences if ragged else np.stack(sequences), found.target[chosen]]
    return Dataset(name, *parts)


def load(name: str) -> Dataset:
    """Load "Occupancy", "Gesture", "Ozone" or a set of the UCR/UEA archive by name."""
    own = {"Occupancy": load_occupancy, "Gesture": load_gesture, "Ozone": load_ozone}
    return own[name]() if name in own else load_ucr_uea(name)
