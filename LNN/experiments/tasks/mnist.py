"""Digits row by row (LTC paper, table 3), and as events (CfC paper)."""

from __future__ import annotations

import numpy as np

from LNN import datasets
from LNN.experiments.task import Part, Task, TaskData, loader
from LNN.experiments.trivial import Scores, logistic_of_images, majority

HELD_OUT = 0.1
# As events: what counts as white.
THRESHOLD = 128
EVENT_SEED = 0
PIXELS = 28 * 28


def rows() -> TaskData:
    """Load images as 28 steps of 28 pixels, as the LTC paper's code."""
    (images, digits), (test_images, test_digits) = _images()
    first = len(images) - int(HELD_OUT * len(images))
    return TaskData(
        Part(_grey(images[:first]), digits[:first]),
        Part(_grey(images[first:]), digits[first:]),
        Part(_grey(test_images), test_digits),
    )


def events() -> TaskData:
    """Load images as the pixels at which black and white change, as the CfC paper's."""
    (images, digits), test = _images()
    order = np.random.RandomState(EVENT_SEED).permutation(len(images))
    held_out = int(HELD_OUT * len(images))
    rest = _event_part(images, digits)
    learnt, validation = np.sort(order[held_out:]), np.sort(order[:held_out])
    return TaskData(rest.take(learnt), rest.take(validation), _event_part(*test))


def _images() -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    bunch = datasets.fetch_smnist()
    train = bunch.subset == "train"
    return tuple((bunch.data[s], bunch.target[s]) for s in (train, ~train))


def _grey(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) / 255


def _event_part(images: np.ndarray, digits: np.ndarray) -> Part:
    X, time = [], []
    for image in images.reshape(len(images), -1) > THRESHOLD:
        # The first pixel is an event, too.
        place = np.append(0, np.flatnonzero(image[1:] != image[:-1]) + 1)
        X.append(image[place, None].astype(np.float32))
        time.append((place + 1).astype(np.float32))
    return Part(X, digits, time)


def images_of_events(part: Part) -> np.ndarray:
    """Return the images (n, 784), of 0 and 1, that these events are of."""
    images = np.empty((len(part), PIXELS), dtype=np.float32)
    for image, values, time in zip(images, part.X, part.timestamps, strict=True):
        ends = np.append(time[1:], PIXELS + 1)
        image[:] = np.repeat(values[:, 0], (ends - time).astype(int))
    return images


def trivial_rows(data: TaskData) -> Scores:
    """Score the commonest digit and a logistic regression on all pixels."""
    images = (part.X.reshape(len(part), -1) for part in (data.train, data.test))
    return {**majority(data), **logistic_of_images(data, *images)}


def trivial_events(data: TaskData) -> Scores:
    """Score the commonest digit and a logistic regression on black and white pixels."""
    images = map(images_of_events, (data.train, data.test))
    return {**majority(data), **logistic_of_images(data, *images)}


ROWS = Task(
    name="smnist",
    kind="classification",
    metric="accuracy",
    title="Handwritten digits (MNIST), read row by row",
    load=loader(rows),
    trivial=trivial_rows,
    settings={"return_sequences": False},
    sound_is_published=True,
    notes={
        "published": (
            "28 steps of 28 pixels, divided by 255. The last tenth of the 60000 "
            "training images validates (54000, 6000), the official 10000 test. The "
            "class is predicted after the last row. No leak is known."
        ),
    },
)
EVENTS = Task(
    name="et-smnist",
    kind="classification",
    metric="accuracy",
    title="Handwritten digits (MNIST) as times at which the pixel changes",
    load=loader(events),
    trivial=trivial_events,
    settings={"return_sequences": False},
    sound_is_published=True,
    notes={
        "published": (
            "784 pixels, white above 128, as the events at which black and white "
            "change. The value of an event is the new colour, its time the number of "
            "the pixel. There are 53 events on average, 105 at most. The paper's code "
            "pads to 256 and would cut off what is more; sequences here have their own "
            "length. The values alternate, so only the time says anything new. The "
            "code has no validation part and reports the last epoch; here a random "
            "tenth of the 60000 training images chooses the epoch."
        ),
    },
)
