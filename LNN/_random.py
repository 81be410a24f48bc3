"""Generators of random numbers; the global ones are never used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from sklearn.utils import check_random_state


def random_source(
    seed: int | np.random.RandomState | None,
) -> np.random.RandomState:
    """Return the source of all randomness of one call, from its `random_state`.

    Unlike scikit-learn's `check_random_state`, None does not draw from numpy's global
    generator: nothing leaves a trace in it.

    Parameters
    ----------
    seed : int, RandomState or None
        None is a new, unpredictable seed.
    """
    return np.random.RandomState() if seed is None else check_random_state(seed)


def copied(random: np.random.RandomState) -> np.random.RandomState:
    """Return a source that draws what this one will draw, and leaves it alone."""
    other = np.random.RandomState(0)
    other.set_state(random.get_state())
    return other


@contextmanager
def unmoved_on_error(
    random: np.random.RandomState, unless: Callable[[], bool]
) -> Iterator[None]:
    """Put a source back where it was, if what is done here fails.

    Parameters
    ----------
    random : numpy.random.RandomState
    unless : callable
        Tells whether something came of it all the same.
    """
    before = random.get_state()
    try:
        yield
    except BaseException:  # Ctrl-C too: the same call again then draws the same
        if not unless():
            random.set_state(before)
        raise
