"""Half-Cheetah: the next state of a simulated running robot (LTC paper, table 6)."""

from __future__ import annotations

import numpy as np

from LNN import datasets
from LNN.experiments.task import Part, Task, TaskData, loader
from LNN.experiments.tasks._windows import Recording, cut, joined
from LNN.experiments.trivial import next_state

STEPS, STRIDE = 32, 10
# Recordings of each part, in the order of the sorted files; 25..30 are not used.
FILES = {"train": range(15, 25), "validation": range(5), "test": range(5, 15)}


def published() -> TaskData:
    """Load the windows of the LTC paper's code."""
    bunch = datasets.fetch_cheetah()
    states = np.asarray(bunch.data, dtype=np.float32)
    parts = {name: _windows(states, bunch.groups, of) for name, of in FILES.items()}
    return TaskData(**parts)


def _windows(states: np.ndarray, groups: np.ndarray, files: range) -> Part:
    walks = [states[groups == number] for number in files]
    # The state after a window's last one must exist; the paper's code wants one more.
    starts = [np.arange(0, len(walk) - STEPS - 1, STRIDE) for walk in walks]
    recordings = [Recording(walk[:-1], walk[1:]) for walk in walks]
    return joined(
        cut(recording, begins, STEPS)
        for recording, begins in zip(recordings, starts, strict=True)
    )


TASK = Task(
    name="cheetah",
    kind="regression",
    metric="mse",
    title="Half-Cheetah: 17 numbers of the next state of a running robot",
    load=loader(published),
    trivial=next_state,
    settings={"return_sequences": True},
    sound_is_published=True,
    notes={
        "published": (
            "Windows of 32 steps, every 10th, raw values. Files are split as in the "
            "paper's code: 16-25 train, 1-5 validate, 6-15 test; 970, 485 and 970 "
            "windows. No leak is known."
        ),
    },
)
