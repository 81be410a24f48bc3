"""Which samples are held out to decide when training stops."""

from __future__ import annotations

import numpy as np

from LNN._warnings import warn
from LNN.data import SequenceSet

# With at least this many recordings, hold out whole ones. One of fewer would be more
# than the default fraction.
WHOLE_RECORDINGS = 10


def split_samples(
    sequences: SequenceSet,
    fraction: float,
    independent: bool,
    codes: np.ndarray | None,
    random: np.random.RandomState,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples to train on and those to validate on.

    Rows of a recording are cut in time: the last part of it validates, because shuffled
    windows overlap with training ones. Ten recordings or more are held out whole.
    Independent samples are drawn at random, stratified by class.

    Parameters
    ----------
    sequences : SequenceSet
    fraction : float
    independent : bool
        Whether samples are independent of each other (sequences, or single rows).
    codes : ndarray of shape (n_samples,) or None
        Class of each sample, or None for regression and for classes per step.
    random : numpy.random.RandomState

    Returns
    -------
    train, validation : ndarray of int
        Validation is empty, with a warning, where a part would lack a class.
    """
    n = len(sequences)
    groups = sequences.groups
    if groups is not None and len(np.unique(groups)) >= WHOLE_RECORDINGS:
        held_out = _whole_groups(groups, fraction, random)
    elif not independent:
        recording = sequences.recording[sequences.start]
        last = sequences.start + sequences.length - 1
        held_out = _tails(recording, last, fraction)
    elif groups is not None:
        # Few groups: the last samples of each, as with the rows of recordings.
        held_out = _tails(groups, np.arange(n), fraction)
    else:
        held_out = _drawn(n, fraction, codes, random)
    if codes is not None and not _both_complete(codes, held_out):
        warn(
            "No validation part was held out: it or the training part would lack a "
            "class. All samples train, without early stopping; pass X_val and y_val, "
            "or set early_stopping=False."
        )
        held_out = np.zeros(n, dtype=bool)
    elif held_out.all() or not held_out.any():
        warn(
            f"No validation part was held out: validation_fraction={fraction} of {n} "
            "samples leaves nothing for one of the parts. All samples train, without "
            "early stopping; change validation_fraction, or pass X_val and y_val."
        )
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def _tails(recording: np.ndarray, last: np.ndarray, fraction: float) -> np.ndarray:
    """Hold out the samples of each recording that end last."""
    # Samples are in the caller's order, in which recordings may take turns.
    order = np.lexsort((last, recording))
    ordered = recording[order]
    first = np.r_[True, ordered[1:] != ordered[:-1]]
    number = np.cumsum(first) - 1
    size = np.bincount(number)
    rank = np.arange(len(order)) - np.flatnonzero(first)[number]
    held_out = np.zeros(len(order), dtype=bool)
    held_out[order] = rank >= size[number] - np.round(fraction * size)[number]
    return held_out


def _whole_groups(
    groups: np.ndarray, fraction: float, random: np.random.RandomState
) -> np.ndarray:
    names = random.permutation(np.unique(groups))
    n_held = max(1, round(fraction * len(names)))
    return np.isin(groups, names[:n_held])


def _drawn(
    n: int,
    fraction: float,
    codes: np.ndarray | None,
    random: np.random.RandomState,
) -> np.ndarray:
    held_out = np.zeros(n, dtype=bool)
    n_held = max(1, round(fraction * n))
    if codes is None:
        held_out[random.permutation(n)[:n_held]] = True
        return held_out
    counts = np.bincount(codes)
    # scikit-learn refuses to stratify a part of fewer samples than there are classes.
    n_held = max(n_held, int(np.count_nonzero(counts)))
    if counts[counts > 0].min() < 2 or n - n_held < np.count_nonzero(counts):
        return held_out  # a class with one sample cannot be in both parts
    # Imported here: `import LNN` should cost little more than torch and pandas.
    from sklearn.model_selection import StratifiedShuffleSplit

    splitter = StratifiedShuffleSplit(1, test_size=n_held, random_state=random)
    _, validation = next(splitter.split(np.zeros((n, 1)), codes))
    held_out[validation] = True
    return held_out


def _both_complete(codes: np.ndarray, held_out: np.ndarray) -> bool:
    every = set(np.unique(codes))
    return every == set(codes[held_out]) and every == set(codes[~held_out])
