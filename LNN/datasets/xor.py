"""Streams of bits whose parity is asked for, dense or as events."""

from __future__ import annotations

import numpy as np
from sklearn.utils import Bunch

from LNN._random import random_source
from LNN.exceptions import InvalidInputError


def make_xor(
    n_samples: int = 1000,
    *,
    event: bool = False,
    max_length: int = 32,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Make streams of random bits; the target is their parity (XOR of all bits).

    Regenerates the data of the ODE-LSTM and CfC papers: 100,000 samples with
    `random_state=1234984` train and 10,000 with 48736 test, at `max_length=32`.

    Parameters
    ----------
    n_samples : int, default=1000
    event : bool, default=False
        Whether only the first bit of each run of equal bits is a step, and the last bit
        of all, each with the time it comes at. Else each bit is a step.
    max_length : int, default=32
        Streams have 2 to `max_length - 1` bits, and are padded to `max_length` steps.
    random_state : int, RandomState or None, default=None

    Returns
    -------
    Bunch
        data : ndarray of float32, shape (n_samples, max_length, 1)
            Bits, 0 after the end.
        target : ndarray of int, shape (n_samples,)
            1 if the number of ones is odd.
        lengths : ndarray of int, shape (n_samples,)
            Steps that are not padding.
        timestamps : ndarray of float, shape (n_samples, max_length)
            How many bits have come at each step, 1 for the first one. After the end the
            last time is repeated: padding takes no time. The papers divide by 32.

    Raises
    ------
    InvalidInputError
        If there are no samples or no room for three bits.

    References
    ----------
    Lechner and Hasani, Learning long-term dependencies in irregularly-sampled time
    series, arXiv 2006.04418, 2020, section "Bit-stream XOR".

    Examples
    --------
    >>> from LNN.datasets import make_xor
    >>> bits = make_xor(3, max_length=8, random_state=0)
    >>> bits.data[0, :, 0].astype(int).tolist()
    [1, 1, 0, 1, 1, 1, 0, 0]
    >>> int(bits.lengths[0]), int(bits.target[0])
    (6, 1)

    As events: ones from the first bit on, a zero at the third, and so on.

    >>> runs = make_xor(3, max_length=8, event=True, random_state=0)
    >>> runs.data[0, :, 0].astype(int).tolist(), int(runs.lengths[0])
    ([1, 0, 1, 1, 0, 0, 0, 0], 4)
    >>> runs.timestamps[0].astype(int).tolist()
    [1, 3, 4, 6, 6, 6, 6, 6]
    """
    if n_samples < 1 or max_length < 4:
        raise InvalidInputError(
            "Expected n_samples of at least 1 and max_length of at least 4, got "
            f"{n_samples} and {max_length}."
        )
    bits, lengths = _draw(n_samples, max_length, random_source(random_state))
    steps = np.arange(max_length)
    present = steps < lengths[:, None]
    target = bits.sum(1) % 2
    if event:
        first = np.diff(bits, axis=1, prepend=-1) != 0
        present &= first | (steps == lengths[:, None] - 1)
        # What is a step goes to the front, in its order.
        order = np.argsort(~present, axis=1, kind="stable")
        bits, present = (np.take_along_axis(a, order, 1) for a in (bits, present))
        steps = order
    # After the end nothing is later than the last step.
    time = np.maximum.accumulate(np.where(present, steps + 1, 0), axis=1)
    return Bunch(
        data=(bits * present)[:, :, None].astype(np.float32),
        target=target,
        lengths=present.sum(1),
        timestamps=time.astype(float),
    )


def _draw(
    n_samples: int, max_length: int, random: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Draw bits (n, T) and lengths (n,).

    A length and its bits in turn, from one source: the papers' order, which lengths of
    earlier samples shift. It cannot be drawn in one call.
    """
    bits = np.zeros((n_samples, max_length), dtype=int)
    lengths = np.empty(n_samples, dtype=int)
    for row, sample in enumerate(bits):
        lengths[row] = length = random.randint(2, max_length)
        sample[:length] = random.randint(0, 2, length)
    return bits, lengths
