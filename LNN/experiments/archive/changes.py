"""What is done to held-out sequences: other rates, missing steps, noise, held sensors.

A change takes sequences (T, 1) of a constant rate and a random generator, and returns
the changed sequences with their time stamps, in steps of the rate of training.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial

import numpy as np

from LNN.experiments.archive.sets import Sequences
from LNN.inspection.disturbances import last_fresh

Timed = tuple[Sequences, list[np.ndarray]]
Change = Callable[[Sequences, np.random.Generator], Timed]
# A process that runs so many times as fast, or as slowly, at the same rate of reading.
PACE = 1.5


def clean(X: Sequences, random: np.random.Generator) -> Timed:
    """Leave the sequences as they are."""
    return X, [np.arange(len(x), dtype=float) for x in X]


def half_rate(X: Sequences, random: np.random.Generator) -> Timed:
    """Keep every second step."""
    half = [x[1::2] for x in X]
    return half, [1 + 2.0 * np.arange(len(x)) for x in half]


def double_rate(X: Sequences, random: np.random.Generator) -> Timed:
    """Read twice as often: a step between each two, interpolated."""
    times = [np.arange(2 * len(x) - 1) / 2 for x in X]
    return [at(x, t) for x, t in zip(X, times, strict=True)], times


def at_pace(pace: float, X: Sequences, random: np.random.Generator) -> Timed:
    """Let the process run `pace` times as fast; the time stamps cannot tell."""
    new = [at(x, np.linspace(0, len(x) - 1, max(2, round(len(x) / pace)))) for x in X]
    return clean(new, random)


def dropped(share: float, X: Sequences, random: np.random.Generator) -> Timed:
    """Let steps be missing at random; the time stamps say which are left."""
    kept = [
        np.sort(random.choice(len(x), _at_least_two(x, 1 - share), replace=False))
        for x in X
    ]
    return [x[k] for x, k in zip(X, kept, strict=True)], [k.astype(float) for k in kept]


def noisy(size: float, X: Sequences, random: np.random.Generator) -> Timed:
    """Add Gaussian noise, in standard deviations of the whole set's values."""
    spread = size * np.std(np.concatenate(X))
    return clean([x + spread * random.standard_normal(x.shape) for x in X], random)


def held(share: float, X: Sequences, random: np.random.Generator) -> Timed:
    """Let the sensor repeat its last reading at steps drawn at random."""
    new = []
    for x in X:
        fresh = random.random(len(x)) >= share
        fresh[0] = True
        new.append(x[last_fresh(fresh)])
    return clean(new, random)


CHANGES: dict[str, Change] = {
    "clean": clean,
    "half rate": half_rate,
    "double rate": double_rate,
    "30 % missing": partial(dropped, 0.3),
    "60 % missing": partial(dropped, 0.6),
    "faster": partial(at_pace, PACE),
    "slower": partial(at_pace, 1 / PACE),
    "noise 0.1": partial(noisy, 0.1),
    "noise 0.3": partial(noisy, 0.3),
    "noise 1.0": partial(noisy, 1.0),
    "held 30 %": partial(held, 0.3),
    "held 60 %": partial(held, 0.6),
}


def changed(name: str, X: Sequences, *place: str | int) -> Timed:
    """Apply a change that is the same for every model.

    Parameters
    ----------
    name : str
        One of `CHANGES`.
    X : list of ndarray of shape (T, 1)
    *place : str or int
        What the draw depends on, such as the set and the fold.
    """
    words = "/".join(map(str, (name, *place)))
    return CHANGES[name](X, np.random.default_rng(zlib.crc32(words.encode())))


def at(x: np.ndarray, times: np.ndarray, own: np.ndarray | None = None) -> np.ndarray:
    """Read a sequence (T, 1) at other times, by linear interpolation."""
    own = np.arange(len(x)) if own is None else own
    return np.interp(times, own, x[:, 0])[:, None]


def _at_least_two(x: np.ndarray, share: float) -> int:
    return min(len(x), max(2, round(share * len(x))))
