"""The parity of a bit stream, dense or by its events (CfC paper, table 4)."""

from __future__ import annotations

from functools import partial

import numpy as np

from LNN import datasets
from LNN.experiments.task import Part, Task, TaskData, loader
from LNN.experiments.trivial import majority

TRAIN, TEST = 100_000, 10_000
TRAIN_SEED, TEST_SEED = 1234984, 48736
HELD_OUT, HELD_OUT_SEED = 0.1, 0


def published(*, event: bool) -> TaskData:
    """Generate the bit streams of the CfC paper's code."""
    rest, test = _part(TRAIN, TRAIN_SEED, event), _part(TEST, TEST_SEED, event)
    order = np.random.RandomState(HELD_OUT_SEED).permutation(TRAIN)
    held_out = int(HELD_OUT * TRAIN)
    learnt, validation = np.sort(order[held_out:]), np.sort(order[:held_out])
    return TaskData(rest.take(learnt), rest.take(validation), test)


def _part(n: int, seed: int, event: bool) -> Part:
    bunch = datasets.make_xor(n, event=event, random_state=seed)

    def unpadded(padded: np.ndarray) -> list[np.ndarray]:
        return [row[:length] for row, length in zip(padded, bunch.lengths, strict=True)]

    time = unpadded(bunch.timestamps) if event else None
    return Part(unpadded(bunch.data), bunch.target, time)


def _task(name: str, title: str, *, event: bool, form: str) -> Task:
    return Task(
        name=name,
        kind="classification",
        metric="accuracy",
        title=title,
        load=loader(partial(published, event=event)),
        trivial=majority,
        settings={"return_sequences": False},
        sound_is_published=True,
        notes={
            "published": (
                "100000 bit streams of 2 to 31 bits for training and 10000 for "
                f"testing, generated with the seeds of the paper's code; {form}. The "
                "paper's code has no validation part and reports the last epoch; here "
                "a random tenth of the training streams chooses the epoch."
            ),
        },
    )


DENSE = _task(
    "xor-dense",
    "Parity of a bit stream, one step per bit",
    event=False,
    form="a step per bit",
)
EVENT = _task(
    "xor-event",
    "Parity of a bit stream, one step per run of equal bits",
    event=True,
    form=(
        "a step per change of the bit and one at the end; only the time tells how long "
        "a run of equal bits was"
    ),
)
