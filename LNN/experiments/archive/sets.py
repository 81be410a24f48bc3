"""The sets of the archive's development half, how they are read, and their folds."""

from __future__ import annotations

import zipfile

import numpy as np
from sklearn.model_selection import StratifiedKFold

from LNN.datasets.errors import DatasetCorruptedError, DatasetNotFoundError
from LNN.datasets.home import data_homes

FOLDER = "ucr2018"
Sequences = list[np.ndarray]
# From short to long, with the number of steps; 350 at most.
EQUAL: dict[str, int] = {
    "SmoothSubspace": 15,
    "ItalyPowerDemand": 24,
    "SonyAIBORobotSurface2": 65,
    "DistalPhalanxOutlineAgeGroup": 80,
    "DistalPhalanxTW": 80,
    "MiddlePhalanxOutlineAgeGroup": 80,
    "MiddlePhalanxTW": 80,
    "PhalangesOutlinesCorrect": 80,
    "ProximalPhalanxOutlineCorrect": 80,
    "ECG200": 96,
    "MedicalImages": 99,
    "CBF": 128,
    "SwedishLeaf": 128,
    "FaceAll": 131,
    "PowerCons": 144,
    "GunPoint": 150,
    "GunPointAgeSpan": 150,
    "GunPointOldVersusYoung": 150,
    "UMD": 150,
    "Adiac": 176,
    "FiftyWords": 270,
    "WordSynonyms": 270,
    "Trace": 275,
    "ToeSegmentation1": 277,
    "CricketX": 300,
    "CricketZ": 300,
}
# Of unequal lengths, with the mean length. DodgerLoopGame is not among them: its
# sequences are equally long, and what differs is where values are missing.
RAGGED: dict[str, int] = {
    "AllGestureWiimoteX": 125,
    "AllGestureWiimoteZ": 126,
    "PickupGestureWiimoteZ": 146,
    "GestureMidAirD1": 166,
    "GestureMidAirD3": 166,
    "GesturePebbleZ2": 223,
}
SETS = EQUAL | RAGGED
# Sets of every kind (simulated, sensor, outline, ECG, power, motion), short to long,
# with at least five training sequences of each class. Named before any was run.
SHIFTED = (
    "ItalyPowerDemand",
    "SonyAIBORobotSurface2",
    "MiddlePhalanxTW",
    "ECG200",
    "CBF",
    "SwedishLeaf",
    "PowerCons",
    "GunPoint",
    "UMD",
    "Trace",
)
# All equally long sets of at most 150 steps that have 100 training sequences and five
# of each class.
LEARNT = (
    "SmoothSubspace",
    "DistalPhalanxOutlineAgeGroup",
    "DistalPhalanxTW",
    "MiddlePhalanxOutlineAgeGroup",
    "MiddlePhalanxTW",
    "PhalangesOutlinesCorrect",
    "ProximalPhalanxOutlineCorrect",
    "ECG200",
    "MedicalImages",
    "SwedishLeaf",
    "FaceAll",
    "PowerCons",
    "GunPointAgeSpan",
    "GunPointOldVersusYoung",
)


def part_of(name: str, part: str) -> tuple[Sequences, np.ndarray]:
    """Return the sequences (T, 1) of a part, and their classes.

    Parameters
    ----------
    name : str
    part : {"train", "test"}

    Raises
    ------
    DatasetNotFoundError
        If the file is nowhere; the archive may not be passed on, so nothing fetches it.
    DatasetCorruptedError
        If the file is not what it should be.
    """
    homes = data_homes()
    paths = [home / FOLDER / f"{name}.npz" for home in homes]
    path = next((path for path in paths if path.exists()), None)
    if path is None:
        raise DatasetNotFoundError(
            f"{name}.npz of the UCR archive was not found in "
            f"{' or '.join(str(home / FOLDER) for home in homes)}. The archive may not "
            f"be passed on: get {name}_TRAIN.tsv and {name}_TEST.tsv from "
            "https://www.cs.ucr.edu/~eamonn/time_series_data_2018, save the tables as "
            f'"train" and "test" with numpy.savez, and set LNN_DATA_HOME to the folder '
            f"that holds {FOLDER}/."
        )
    try:
        rows = np.load(path)[part]
    except (EOFError, KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise DatasetCorruptedError(
            f'Expected {path} to hold tables "train" and "test", got: {error}. Make it '
            "again from the archive's files."
        ) from error
    # Shorter sequences are padded with NaN at their ends.
    ends = [int(np.flatnonzero(~np.isnan(row))[-1]) + 1 for row in rows]
    X = [row[1:end, None] for row, end in zip(rows, ends, strict=True)]
    return X, rows[:, 0].astype(int)


def fold_of(
    name: str, fold: int, n_folds: int
) -> tuple[Sequences, np.ndarray, Sequences, np.ndarray]:
    """Return what to train on and what is held out, of the training part only.

    Parameters
    ----------
    name : str
    fold : int
        From `n_folds` on, the folds are drawn anew.
    n_folds : int
        Fewer are made if a class has fewer sequences.
    """
    X, y = part_of(name, "train")
    rarest = np.unique(y, return_counts=True)[1].min()
    folds = StratifiedKFold(
        max(2, min(n_folds, rarest)), shuffle=True, random_state=fold // n_folds
    )
    training, held_out = list(folds.split(y, y))[fold % folds.get_n_splits()]
    seen, new = [X[k] for k in training], [X[k] for k in held_out]
    return seen, y[training], new, y[held_out]


def nested_part(y: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Return the indices of a stratified part of the samples.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Classes; each keeps its share, rounded, and one sample at least.
    share : float
        From 0 to 1. A larger share holds the smaller one, if the generator begins in
        the same state.
    random : numpy.random.Generator
    """
    order = random.permutation(len(y))
    kept = []
    for label in np.unique(y):
        own = order[y[order] == label]
        kept.append(own[: max(1, round(share * len(own)))])
    return np.sort(np.concatenate(kept))
