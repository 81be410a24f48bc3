"""Loaders of the irregular data sets of `irregular.py`: sequences with time stamps.

`LNN.datasets` reads the files, from `LNN_DATA_HOME`, else from `shared/data` beside the
checkout, else downloads them; see docu/datasets.md. Only the splits are the examples'.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from LNN.datasets import fetch_person, fetch_physionet2012, fetch_walker2d

# Walker2D, as in the repository of the CfC paper.
WALKER_SPLIT_SEED, WALKER_DROP_SEED = 125487, 891374
WALKER_KEPT = 0.9
WALKER_STEPS, WALKER_STRIDE = 64, 16
WALKER_WINDOWS = {"train": 9684, "validation": 1272, "test": 1937}

PERSON_RECORDINGS = ("A01", "A02", "A03")
PERSON_STEPS, PERSON_STRIDE = 32, 16
# Of the blocks of a training recording every fifth validates.
PERSON_BLOCKS, PERSON_VALIDATES = 25, 5
# The repositories of both papers merge UCI's eleven activities into seven.
PERSON_CLASSES = {
    "lying down": "lying",
    "sitting down": "sitting",
    "standing up from lying": "standing up",
    "standing up from sitting": "standing up",
    "standing up from sitting on the ground": "standing up",
}

# Values beyond these quantiles of the training patients are slips of the pen.
PHYSIONET_QUANTILES = (0.001, 0.999)
PHYSIONET_SEED = 0
TEST_PART, VALIDATION_PART = 0.2, 0.16


@dataclass
class Part:
    """Sequences, their targets, and when each step was.

    Attributes
    ----------
    X : ndarray of shape (n, T, F), or list of (T_i, F)
    y : ndarray
        (n, T, K) or (n, T) per step, (n,) per sequence.
    time : ndarray of shape (n, T), or list of (T_i,)
    """

    X: Any
    y: np.ndarray
    time: Any


@dataclass
class IrregularData:
    """The three parts of a data set."""

    train: Part
    validation: Part
    test: Part

    def head(self, n: int) -> IrregularData:
        """Return the first sequences of each part, for a smoke run."""
        parts = (self.train, self.validation, self.test)
        return IrregularData(*(Part(p.X[:n], p.y[:n], p.time[:n]) for p in parts))


def windows(
    rows: int, steps: int, stride: int, *, last: bool = True
) -> Iterator[slice]:
    """Return the windows of a recording; without `last` as the papers' code counts."""
    return (slice(k, k + steps) for k in range(0, rows - steps + last, stride))


def stacked(blocks: list[tuple[np.ndarray, ...]]) -> Part:
    """Stack windows (x, y, time) of one length."""
    return Part(*(np.stack(column) for column in zip(*blocks, strict=True)))


# ---------------------------------------------------------------- Walker2D


@lru_cache(maxsize=1)
def load_walker() -> IrregularData:
    """Next state of a walking robot, with a tenth of the frames missing.

    400 simulated walks of 17 numbers a frame, split by walk as the CfC paper's code
    does. Each frame is kept with probability 0.9; the target of a kept frame is the
    state one frame later, whether that was kept or not. Time counts frames.
    """
    frames = fetch_walker2d()
    states = frames.data.to_numpy(np.float32)
    ends = np.flatnonzero(np.diff(frames.groups)) + 1
    walks = np.split(states, ends)
    order = np.arange(len(walks))
    np.random.RandomState(WALKER_SPLIT_SEED).shuffle(order)
    n_test, n_held = int(0.15 * len(walks)), int(0.25 * len(walks))
    parts = {
        "train": order[n_held:],
        "validation": order[n_test:n_held],
        "test": order[:n_test],
    }
    # One source for all parts, in this order: so the papers' frames are dropped.
    random = np.random.RandomState(WALKER_DROP_SEED)
    found = {
        name: _walker_part([walks[k] for k in chosen], random)
        for name, chosen in parts.items()
    }
    counts = {name: len(part.X) for name, part in found.items()}
    if counts != WALKER_WINDOWS:
        raise ValueError(
            f"Expected {WALKER_WINDOWS} windows of Walker2D, got {counts}: the drawing "
            "of splits or frames has changed."
        )
    return IrregularData(**found)


def _walker_part(walks: list[np.ndarray], random: np.random.RandomState) -> Part:
    blocks = []
    for states in walks:
        time = np.flatnonzero(random.rand(len(states) - 1) < WALKER_KEPT)
        for window in windows(len(time), WALKER_STEPS, WALKER_STRIDE, last=False):
            kept = time[window]
            blocks.append((states[kept], states[kept + 1], kept))
    return stacked(blocks)


def walker_persistence(part: Part) -> float:
    """Return the mean squared error of "the next state is this one"."""
    return float(np.mean((part.X - part.y) ** 2, dtype=np.float64))


# ---------------------------------------------------------------- Person


@lru_cache(maxsize=3)
def load_person(fold: int) -> IrregularData:
    """What a person does, from four tags that report in turn (UCI 196, a tenth of it).

    Each row is one report: which tag (one-hot) and where it was. Rows come every 27 ms
    or a multiple of that. Recording number `fold` is the test part. The two others are
    cut into 25 blocks each, of which every fifth validates; no window crosses a block.
    """
    found = fetch_person()
    table = found.data.assign(
        activity=found.target, sequence_name=found.groups, timestamp=found.timestamps
    )
    tags = sorted(table["tag_identificator"].unique())
    blocks: dict[str, list] = {"train": [], "validation": [], "test": []}
    for number, name in enumerate(PERSON_RECORDINGS):
        # Two rows of 16,486 are a few milliseconds out of order.
        rows = table[table["sequence_name"] == name]
        rows = rows.sort_values("timestamp", kind="stable")
        if number == fold:
            blocks["test"] += _person_windows(rows, tags)
            continue
        ends = np.linspace(0, len(rows), PERSON_BLOCKS + 1).astype(int)
        for k in range(PERSON_BLOCKS):
            # Another fifth of each recording: all three follow the same script.
            held_out = (k + 2 * number) % PERSON_VALIDATES == 0
            part = "validation" if held_out else "train"
            block = rows.iloc[ends[k] : ends[k + 1]]
            blocks[part] += _person_windows(block, tags)
    return IrregularData(**{name: stacked(part) for name, part in blocks.items()})


def _person_windows(rows: pd.DataFrame, tags: list[str]) -> list:
    tag = rows["tag_identificator"].to_numpy()[:, None] == np.array(tags)
    place = rows[["x", "y", "z"]].to_numpy()
    X = np.hstack([tag, place]).astype(np.float32)
    y = rows["activity"].replace(PERSON_CLASSES).to_numpy(str)
    # Of nanoseconds, in steps of 100.
    ticks = rows["timestamp"].to_numpy().astype("int64") // 100
    time = (ticks - ticks[0]) / 1e7
    every = windows(len(rows), PERSON_STEPS, PERSON_STRIDE)
    return [(X[window], y[window], time[window]) for window in every]


# ---------------------------------------------------------------- PhysioNet


@lru_cache(maxsize=1)
def load_physionet(n_jobs: int = 2) -> IrregularData:
    """Does a patient die in hospital, from the first 48 hours of intensive care.

    The 4000 records of set-a of the PhysioNet/CinC challenge 2012; 13.85 % die. One
    row per minute at which anything was noted, with NaN for what was not; age, gender,
    height, kind of ward and weight stand in the first row. Time counts minutes.

    Parameters
    ----------
    n_jobs : int
        Threads that read the records.
    """
    # In double precision: quantiles lie between values.
    patients = fetch_physionet2012(n_jobs=n_jobs, dtype=float)
    records, y = patients.data, patients.target
    every = np.arange(len(records))
    rest, test = _drawn(every, y, TEST_PART)
    train, validation = _drawn(rest, y[rest], VALIDATION_PART / (1 - TEST_PART))
    seen = np.concatenate([records[k] for k in train])
    low, high = np.nanquantile(seen, PHYSIONET_QUANTILES, axis=0)

    def part(chosen: np.ndarray) -> Part:
        X = [np.clip(records[k], low, high).astype(np.float32) for k in chosen]
        return Part(X, y[chosen], [patients.timestamps[k] for k in chosen])

    return IrregularData(part(train), part(validation), part(test))


def _drawn(samples: np.ndarray, y: np.ndarray, share: float):
    return train_test_split(
        samples, test_size=share, stratify=y, random_state=PHYSIONET_SEED
    )


def summary_features(part: Part) -> np.ndarray:
    """Describe each channel of a patient by eight numbers, for a logistic regression.

    Mean, deviation, least, largest, first, last, how often it was noted, and hours
    since it was noted last; NaN where it never was.
    """
    return np.array([_summary(x, t) for x, t in zip(part.X, part.time, strict=True)])


def _summary(x: np.ndarray, time: np.ndarray) -> np.ndarray:
    known = ~np.isnan(x)
    count = known.sum(0)
    never = count == 0
    safe = np.where(known, x, 0.0).astype(float)
    mean = safe.sum(0) / np.maximum(count, 1)
    spread = np.sqrt((np.where(known, x - mean, 0.0) ** 2).sum(0) / count.clip(1))
    least = np.where(known, x, np.inf).min(0)
    largest = np.where(known, x, -np.inf).max(0)
    channel = np.arange(x.shape[1])
    first, last = known.argmax(0), len(x) - 1 - known[::-1].argmax(0)
    since = (time[-1] - time[last]) / 60
    values = [mean, spread, least, largest, x[first, channel], x[last, channel], since]
    values = [np.where(never, np.nan, value) for value in values]
    return np.concatenate([*values, count])
