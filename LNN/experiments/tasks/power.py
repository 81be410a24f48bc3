"""Electric power of a household, by hours or minutes (LTC, table 3; UCI 235)."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from LNN import datasets
from LNN.experiments.task import Task, TaskData, loader
from LNN.experiments.tasks._windows import (
    Recording,
    cut,
    drawn,
    in_time,
    paper_starts,
    sound_data,
    whitened,
)
from LNN.experiments.trivial import Scores, next_value, same_step

STEPS, PAPER_STRIDE, SPLIT_SEED = 32, 32, 23489
STRIDE = 8
# The first minutes that have values: more are not always at hand.
MINUTES = 37283
INTENSITY = 2
PAPER_INPUTS = (
    *("Global_reactive_power", "Voltage", "Global_intensity"),
    *("Sub_metering_1", "Sub_metering_2", "Sub_metering_3"),
)
INTERVAL = {"hours": pd.Timedelta(hours=1), "minutes": pd.Timedelta(minutes=1)}


def _table(resolution: str) -> tuple[np.ndarray, np.ndarray, pd.DatetimeIndex]:
    """Return inputs (n, 6), the power (n,) and the time."""
    bunch = datasets.fetch_power(resolution)
    X = bunch.data[list(PAPER_INPUTS)].to_numpy(np.float64)
    known = np.flatnonzero(~np.isnan(bunch.target) & ~np.isnan(X).any(axis=1))
    if resolution == "minutes":
        known = known[:MINUTES]
    return X[known], bunch.target[known], pd.DatetimeIndex(bunch.timestamps)[known]


def published(resolution: str) -> TaskData:
    """Load the windows of the LTC paper's code."""
    X, power, _ = _table(resolution)
    rows = Recording(whitened(X), whitened(power)[:, None])
    windows = cut(rows, paper_starts(len(rows), STEPS, PAPER_STRIDE), STEPS)
    return drawn(windows, SPLIT_SEED)


def sound(resolution: str) -> TaskData:
    """Load windows in time whose target is the next power."""
    X, power, time = _table(resolution)
    spans = in_time(len(power))
    learnt = power[spans[0]]
    power = (power - learnt.mean()) / learnt.std()
    parts = ([forecast(X[s], power[s], time[s], INTERVAL[resolution])] for s in spans)
    return sound_data(*parts, steps=STEPS, stride=STRIDE)


def forecast(
    X: np.ndarray, power: np.ndarray, time: pd.DatetimeIndex, interval: pd.Timedelta
) -> Recording:
    """Make the next row the target, where it follows without a gap and in this part."""
    following = np.append(power[1:], np.nan)
    follows = np.append(np.diff(time) == interval, False)
    y = np.where(follows, following, np.nan)
    return Recording(np.column_stack([power, X]), y[:, None])


def trivial(data: TaskData) -> Scores:
    """Score a linear regression; with the present power also persistence."""
    if data.train.X.shape[-1] == len(PAPER_INPUTS):
        return same_step(data, column=INTENSITY, name="intensity")
    return next_value(data, column=0)


NOTES = {
    "published": (
        "Windows of 32 rows that do not overlap, whitened over all rows, split at "
        "random. The power is predicted from the other six columns of the same row. "
        "One of them is the current: volts times amperes are watts, so a linear "
        "regression is nearly exact. The paper's numbers cannot come from its code. "
    ),
    "sound": (
        "The power of the next row is predicted from all seven columns so far, the "
        "present power included. In time: the first 75 % train (windows of 32 rows, "
        "every 8), 10 % validate, 15 % test. Scaled by the training rows, so the "
        "target is in deviations of the training target."
    ),
}


def _task(name: str, title: str, resolution: str, what: str) -> Task:
    load = loader(partial(published, resolution), partial(sound, resolution))
    return Task(
        name=name,
        kind="regression",
        metric="mse",
        title=title,
        load=load,
        trivial=trivial,
        settings={"return_sequences": True},
        notes={**NOTES, "published": NOTES["published"] + what},
    )


HOURS = _task(
    "power",
    "Electric power of a household, by hours",
    "hours",
    "The paper says hours (34536, sums of minutes); its code reads minutes.",
)
FIRST_MINUTES = _task(
    "power-minutes",
    "Electric power of a household, the first 26 days by minutes",
    "minutes",
    "The code reads all 2075259 minutes; these are the first 37283.",
)
