"""What a person does, from four tags that report in turn (LTC paper, table 4)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from LNN import datasets
from LNN.experiments.task import Task, TaskData, loader
from LNN.experiments.tasks._windows import (
    Recording,
    cut,
    drawn,
    joined,
    paper_starts,
    sound_data,
)
from LNN.experiments.trivial import classes_from_step

STEPS, PAPER_STRIDE, SPLIT_SEED = 32, 16, 27731
STRIDE = 8
# In the order of the paper's code, whose one-hot columns they are.
TAGS = ("010-000-024-033", "010-000-030-096", "020-000-033-111", "020-000-032-221")
# The repositories of both papers merge the eleven activities into seven.
CLASSES = {
    "lying down": 0,
    "lying": 0,
    "sitting down": 1,
    "sitting": 1,
    "standing up from lying": 2,
    "standing up from sitting": 2,
    "standing up from sitting on the ground": 2,
    "standing up from sit on grnd": 2,
    "walking": 3,
    "falling": 4,
    "on all fours": 5,
    "sitting on the ground": 6,
}
# By recording where the first tenth of the file is all there is, else by person.
SOUND_PART = {"A01": 0, "A02": 1, "A03": 2}
SOUND_WHOLE = {"A": 0, "B": 0, "C": 0, "D": 1, "E": 2}
FORGOTTEN = "E05"


def _recordings() -> Iterator[tuple[str, Recording]]:
    bunch = datasets.fetch_person()
    tag = bunch.data["tag_identificator"].to_numpy(str)[:, None] == np.array(TAGS)
    X = np.column_stack([tag, bunch.data[["x", "y", "z"]].to_numpy(np.float64)])
    y = np.array([CLASSES[name] for name in bunch.target], dtype=np.float64)
    time = pd.DatetimeIndex(bunch.timestamps)
    seconds = ((time - time[0]) / pd.Timedelta(seconds=1)).to_numpy()
    rows = Recording(X, y, seconds)
    for name in np.unique(bunch.groups):
        yield str(name), rows[bunch.groups == name]


def published() -> TaskData:
    """Load the windows of the LTC paper's code, of the recordings that are there."""
    windows = joined(
        cut(Recording(r.X, r.y), paper_starts(len(r), STEPS, PAPER_STRIDE), STEPS)
        for name, r in _recordings()
        if name != FORGOTTEN
    )
    return drawn(windows, SPLIT_SEED)


def sound() -> TaskData:
    """Load windows with time stamps, parted by recording or by person."""
    recordings = dict(_recordings())
    whole = len(recordings) > len(SOUND_PART)
    parts: tuple[list, list, list] = ([], [], [])
    for name, recording in recordings.items():
        place = SOUND_WHOLE[name[0]] if whole else SOUND_PART[name]
        assert recording.time is not None
        # A few rows are some milliseconds out of order.
        parts[place].append(recording[np.argsort(recording.time, kind="stable")])
    return sound_data(*parts, steps=STEPS, stride=STRIDE)


TASK = Task(
    name="person",
    kind="classification",
    metric="accuracy",
    title="Activity (7) of a person from the places of four tags that report in turn",
    load=loader(published, sound),
    trivial=classes_from_step,
    settings={"return_sequences": True},
    notes={
        "published": (
            "Windows of 32 reports, overlapping by half, of the recordings that are "
            "there. They are split at random (75, 10, 15 %), so test rows also stand "
            "in training windows. No time and no scaling, as in the code. If only the "
            "first tenth of the file (A01 to A03) is at hand, this is a smoke test and "
            "not comparable with the paper. With the whole file, the code forgets the "
            "last recording."
        ),
        "sound": (
            "With time stamps (seconds). If only the first tenth is at hand, A01 "
            "trains, A02 validates, A03 tests. With the whole file, persons A, B, C "
            "train, D validates, E tests. Training windows every 8 reports; scaled by "
            "the training rows."
        ),
    },
)
