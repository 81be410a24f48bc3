"""Gesture phases from the motion of hands and head (LTC paper, table 3; UCI 302)."""

from __future__ import annotations

import numpy as np

from LNN import datasets
from LNN.experiments.task import Task, TaskData, loader
from LNN.experiments.tasks._windows import Recording, cut, drawn, joined, sound_data
from LNN.experiments.trivial import classes_from_step

STEPS = 32
PHASES = ("D", "P", "S", "H", "R")
# The order in which the paper's code reads the files; its permutation depends on it.
PAPER_ORDER = ("a3", "b1", "b3", "c1", "c3", "a2", "a1")
SPLIT_SEED = 23489
# The first part of each learnt recording trains, the rest validates. A whole recording
# to validate would be one of b, whose phases the others hardly predict: it could not
# tell models apart.
SOUND_LEARNT, SOUND_TESTED = ("a1", "a2", "b1", "b3", "c1"), ("a3", "c3")
SOUND_TRAIN_PART = 0.8
SOUND_STRIDE = 8


def _recordings() -> dict[str, Recording]:
    bunch = datasets.fetch_gesture()
    X = bunch.data.to_numpy(dtype=np.float64)
    code = {phase: float(k) for k, phase in enumerate(PHASES)}
    y = np.array([code[phase] for phase in bunch.target])
    names = [str(name).removesuffix("_va3") for name in bunch.group_names]
    rows = Recording(X, y)
    return {name: rows[bunch.groups == k] for k, name in enumerate(names)}


def published() -> TaskData:
    """Load the windows of the LTC paper's code."""
    recordings = _recordings()
    windows = joined(
        # Half a window on there is another one, but for behind the last.
        cut(r, np.arange(0, (len(r) // STEPS - 1) * STEPS + 1, STEPS // 2), STEPS)
        for r in (recordings[name] for name in PAPER_ORDER)
    )
    X = windows.X
    # Over all windows, those of the test part too, as the paper's code does.
    X = (X - X.mean(axis=(0, 1))) / X.std(axis=(0, 1))
    return drawn(type(windows)(X, windows.y), SPLIT_SEED)


def sound() -> TaskData:
    """Load windows with whole recordings to test."""
    recordings = _recordings()
    train, validation = [], []
    for name in SOUND_LEARNT:
        rows = recordings[name]
        end = int(SOUND_TRAIN_PART * len(rows))
        train.append(rows[:end])
        validation.append(rows[end:])
    test = [recordings[name] for name in SOUND_TESTED]
    return sound_data(train, validation, test, steps=STEPS, stride=SOUND_STRIDE)


TASK = Task(
    name="gesture",
    kind="classification",
    metric="accuracy",
    title="Gesture phases (5) of people who tell a story, 32 velocities per frame",
    load=loader(published, sound),
    trivial=classes_from_step,
    settings={"return_sequences": True},
    notes={
        "published": (
            "605 windows of 32 steps, overlapping by half, from 7 recordings. They are "
            "scaled by mean and deviation of all of them, and then split at random "
            "(455, 60, 90). So 76 % of the test rows also stand in training windows."
        ),
        "sound": (
            "By recording: a3 and c3 test (the people are known, the stories are not). "
            "Of the five others the first 80 % train and the last 20 % validate. "
            "Training windows every 8 steps; scaled by the training rows."
        ),
    },
)
