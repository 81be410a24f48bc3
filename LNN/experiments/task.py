"""What an experiment is made of: data in two protocols, a metric, trivial baselines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError

PROTOCOLS = ("published", "sound")


@dataclass(frozen=True, eq=False)
class Part:
    """Sequences, their targets, and when each step was.

    Attributes
    ----------
    X : ndarray of float32, shape (n, T, F), or list of ndarray of shape (T_i, F)
    y : ndarray or list of ndarray
        (n,) one target per sequence; (n, T) or (n, T, K) one per step, NaN where a step
        has none.
    timestamps : ndarray of shape (n, T), list of ndarray of shape (T_i,), or None
        None is regular time.

    Examples
    --------
    >>> import numpy as np
    >>> part = Part(np.zeros((5, 3, 2)), np.arange(5))
    >>> len(part), len(part.take(np.array([4, 0])))
    (5, 2)
    """

    X: Any
    y: Any
    timestamps: Any = None

    def __len__(self) -> int:
        return len(self.X)

    def take(self, chosen: np.ndarray) -> Part:
        """Return some sequences, in this order.

        Parameters
        ----------
        chosen : ndarray of int
            Numbers of the sequences.

        Returns
        -------
        Part
        """
        return Part(*(_taken(v, chosen) for v in (self.X, self.y, self.timestamps)))


def _taken(values: Any, chosen: np.ndarray) -> Any:
    if isinstance(values, list):
        return [values[k] for k in chosen]
    return None if values is None else values[chosen]


@dataclass(frozen=True, eq=False)
class TaskData:
    """The three parts of a task: learn from, choose by, report.

    Attributes
    ----------
    train, validation, test : Part
    """

    train: Part
    validation: Part
    test: Part

    def fingerprint(self) -> str:
        """Return a name of the sizes and targets: other data have another.

        Targets, because whatever chooses, orders or cuts sequences changes them, and
        they are small.
        """
        digest = hashlib.sha256()
        for part in (self.train, self.validation, self.test):
            steps = sum(map(len, part.X))
            digest.update(f"{len(part)} sequences, {steps} steps".encode())
            for y in part.y if isinstance(part.y, list) else [part.y]:
                y = np.asarray(y)
                # Addresses of objects would differ from process to process.
                y = y.astype(str) if y.dtype == object else y
                digest.update(y.tobytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True, eq=False)
class Task:
    """One experiment.

    Attributes
    ----------
    name : str
        Key in `LNN.experiments.tasks.TASKS`.
    kind : {"classification", "regression"}
    metric : {"accuracy", "mse", "f1", "auc"}
        Key in `LNN.experiments.metrics.METRICS`.
    title : str
        One line.
    load : callable
        From "published" or "sound" to `TaskData`; the same object each time.
    trivial : callable
        From `TaskData` to {name of the baseline: test metric}.
    settings : mapping
        Parameters that the task itself demands of the estimator.
    sound_is_published : bool
        The published protocol is clean: one run serves both.
    notes : mapping
        From protocol to what is done, what deviates from the paper, and known flaws.
    """

    name: str
    kind: str
    metric: str
    title: str
    load: Callable[[str], TaskData]
    trivial: Callable[[TaskData], dict[str, float]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    sound_is_published: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)


def loader(
    published: Callable[[], TaskData], sound: Callable[[], TaskData] | None = None
) -> Callable[[str], TaskData]:
    """Make the `load` of a task, which remembers what it has loaded.

    Parameters
    ----------
    published, sound : callable
        Load one protocol each; without `sound` the published one serves both.

    Returns
    -------
    callable
        From a protocol's name to `TaskData`.

    Raises
    ------
    InvalidInputError
        By the returned function, if there is no such protocol.

    Examples
    --------
    >>> part = Part([], [])
    >>> load = loader(lambda: TaskData(part, part, part))
    >>> load("sound") is load("published")
    True
    """
    loads = {"published": cache(published)}
    loads["sound"] = loads["published"] if sound is None else cache(sound)

    def load(protocol: str) -> TaskData:
        if protocol not in PROTOCOLS:
            raise InvalidInputError(
                f'Expected protocol to be "published" or "sound", got {protocol!r}. '
                "Choose one of them."
            )
        return loads[protocol]()

    return load
