"""Walker2D: the next state of a walking robot at irregular times (CfC, table 7)."""

from __future__ import annotations

import numpy as np

from LNN import datasets
from LNN.experiments.task import Part, Task, TaskData, loader
from LNN.experiments.tasks._windows import Recording, cut, joined, paper_starts
from LNN.experiments.trivial import next_state

SPLIT_SEED, DROP_SEED = 125487, 891374
KEPT = 0.9
STEPS, STRIDE = 64, 16
TEST, HELD_OUT = 0.15, 0.25


def published() -> TaskData:
    """Load the windows of the CfC paper's code."""
    bunch = datasets.fetch_walker2d()
    states = np.asarray(bunch.data, dtype=np.float32)
    first = np.flatnonzero(np.diff(bunch.groups)) + 1
    walks = np.split(states, first)
    order = np.arange(len(walks))
    np.random.RandomState(SPLIT_SEED).shuffle(order)
    tested, held_out = int(TEST * len(walks)), int(HELD_OUT * len(walks))
    # One source of chance for all parts, in this order: so the paper's frames are lost.
    random = np.random.RandomState(DROP_SEED)
    parts = {
        name: _windows([walks[k] for k in chosen], random)
        for name, chosen in (
            ("train", order[held_out:]),
            ("validation", order[tested:held_out]),
            ("test", order[:tested]),
        )
    }
    return TaskData(**parts)


def _windows(walks: list[np.ndarray], random: np.random.RandomState) -> Part:
    parts = []
    for walk in walks:
        frames = np.flatnonzero(random.rand(len(walk) - 1) < KEPT)
        recording = Recording(walk[frames], walk[frames + 1], frames)
        starts = paper_starts(len(recording), STEPS, STRIDE)
        if len(starts):
            parts.append(cut(recording, starts, STEPS))
    return joined(parts)


TASK = Task(
    name="walker2d",
    kind="regression",
    metric="mse",
    title="Walker2D: 17 numbers of the next state, a tenth of the frames lost",
    load=loader(published),
    trivial=next_state,
    settings={"return_sequences": True},
    sound_is_published=True,
    notes={
        "published": (
            "400 walks, split by walk. Each frame is kept with probability 0.9. The "
            "target of a kept frame is the next frame, whether kept or not. Windows of "
            "64 steps, every 16th: 9684, 1272 and 1937. Time counts frames. The "
            "paper's code reports the last epoch; here the validation part chooses the "
            "epoch."
        ),
    },
)
