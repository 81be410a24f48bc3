"""Does a patient die in hospital, from 48 hours of intensive care (CfC, table 5)."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import train_test_split

from LNN import datasets
from LNN.experiments.task import Part, Task, TaskData, loader
from LNN.experiments.trivial import Scores, logistic_of_summaries

# As the paper's code has it.
PAPER_TRAIN, PAPER_SEED = 0.8, 42
QUANTUM = 0.016  # hours
HELD_OUT, HELD_OUT_SEED = 0.1, 0
# The sound split: a fifth to test, a fifth of the rest to choose by.
TEST, VALIDATION, SEED = 0.2, 0.2, 0
# Values beyond these quantiles of the training patients are slips of the pen.
QUANTILES = (0.001, 0.999)


def published() -> TaskData:
    """Load the records as the CfC paper's code."""
    bunch = datasets.fetch_physionet2012()
    every = np.concatenate(bunch.data)
    low, high = np.nanmin(every, axis=0), np.nanmax(every, axis=0)
    high[high == 0] = 1.0
    # The paper's code subtracts the least, but divides by the largest.
    X = [((record - low) / high).astype(np.float32) for record in bunch.data]
    hours = [np.round(m / 60 / QUANTUM) * QUANTUM for m in bunch.timestamps]
    records = Part(X, bunch.target, hours)
    rest, tested = train_test_split(
        np.arange(len(X)), train_size=PAPER_TRAIN, random_state=PAPER_SEED
    )
    learnt, held_out = _stratified(rest, bunch.target, HELD_OUT, HELD_OUT_SEED)
    return TaskData(*map(records.take, (learnt, held_out, tested)))


def sound() -> TaskData:
    """Load the records with the same share of deaths in each part."""
    bunch = datasets.fetch_physionet2012()
    y = bunch.target
    rest, tested = _stratified(np.arange(len(y)), y, TEST, SEED)
    learnt, held_out = _stratified(rest, y, VALIDATION, SEED)
    seen = np.concatenate([bunch.data[k] for k in learnt])
    low, high = np.nanquantile(seen, QUANTILES, axis=0).astype(np.float32)
    X = [np.clip(record, low, high) for record in bunch.data]
    records = Part(X, y, list(bunch.timestamps))
    return TaskData(*map(records.take, (learnt, held_out, tested)))


def _stratified(
    samples: np.ndarray, y: np.ndarray, share: float, seed: int
) -> list[np.ndarray]:
    return train_test_split(
        samples, test_size=share, stratify=y[samples], random_state=seed
    )


def trivial(data: TaskData) -> Scores:
    """Score a logistic regression on eight numbers that sum up each channel."""
    summaries = (
        np.array([summary(*record) for record in zip(p.X, p.timestamps, strict=True)])
        for p in (data.train, data.validation, data.test)
    )
    return logistic_of_summaries(data, *summaries)


def summary(values: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Describe each channel of a record by eight numbers, NaN where it never was.

    Mean, deviation, least, largest, first, last, the time since the last one, and how
    often it was noted.
    """
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    filled = np.where(known, values, 0.0).astype(np.float64)
    mean = filled.sum(axis=0) / np.maximum(count, 1)
    off = np.where(known, values - mean, 0.0)
    deviation = np.sqrt(np.square(off).sum(axis=0) / np.maximum(count, 1))
    least = np.where(known, values, np.inf).min(axis=0)
    largest = np.where(known, values, -np.inf).max(axis=0)
    first, last = known.argmax(axis=0), len(values) - 1 - known[::-1].argmax(axis=0)
    channel = np.arange(values.shape[1])
    ends = values[first, channel], values[last, channel], time[-1] - time[last]
    numbers = np.stack([mean, deviation, least, largest, *ends])
    return np.append(np.where(count > 0, numbers, np.nan).ravel(), count)


TASK = Task(
    name="physionet",
    kind="classification",
    metric="auc",
    title="Death (14 %) of 4000 patients in intensive care, from 41 channels with gaps",
    load=loader(published, sound),
    trivial=trivial,
    settings={"return_sequences": False, "missing": "mask"},
    notes={
        "published": (
            "Set-a only (4000 patients), as in the paper's code; the paper says more. "
            "Scaled over all patients by least and largest value. Times are "
            "rounded to 0.016 hours, which merges no two minutes. 3200 and 800 "
            "patients are split at random with scikit-learn's seed 42, not stratified. "
            "The code takes the records in the order of the folder, which differs "
            "between machines. Here they are sorted by number, so this is another draw "
            "of the same kind. The code has no validation part and reports the last "
            "epoch: here a stratified tenth of the 3200 chooses it. The code feeds "
            "values (0 where missing, before scaling) and masks; here values are held, "
            "and masks and ages are inputs. Entries of -1 are unknown here, a value "
            "there. In the version of the code that was read the elapsed time is "
            "negative and a step late (tt[:1] - tt[:-1]); here it is correct. Class "
            "weights differ from model to model in the paper (5.91 to 18.25) and are "
            "not part of the task."
        ),
        "sound": (
            "By patient, stratified: 2560 train, 640 validate, 800 test. Values are "
            "cut off at the 0.1 and 99.9 % quantiles of the training patients; time in "
            "minutes."
        ),
    },
)
