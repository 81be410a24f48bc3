"""What a fit knows of the other fits that run beside it, in other threads.

Nothing, as a rule. `LNN.fit_many` and `LNN.fits_in_threads` say it for the fits that
they start.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["Among", "Shared", "Told", "among", "taking_part"]

# Results of a kind that are kept. Fits of one fold follow each other, and rows that are
# scaled may take 256 MB.
MOST_SHARED = 4


class Told(NamedTuple):
    """A warning that was held back: its words, and what it is about (`warn`)."""

    message: str
    about: str | None


class Shared:
    """Results that several fits would work out alike, each made once.

    What is made is never changed, so that fits may hold the same one.

    Parameters
    ----------
    given : list of object, default=None
        All objects of the caller that results may be made of: nobody writes into them
        while fits run. None: any.
    """

    def __init__(self, given: Sequence[Any] | None = None) -> None:
        self._given, self._lock = given, threading.Lock()
        self._kinds: dict[str, OrderedDict[Hashable, tuple[Any, Future]]] = {}

    def may_hold(self, values: Iterable[Any]) -> bool:
        """Tell whether nobody writes into these objects of a caller."""
        if self._given is None:
            return True
        known = {id(None), *map(id, self._given)}
        return all(id(value) in known for value in values)

    def once(
        self, kind: str, key: Hashable, alive: Any, make: Callable[[], Any]
    ) -> Any:
        """Return what `make` returns for this key; other threads wait for the first.

        Parameters
        ----------
        kind : str
        key : hashable
        alive : object
            What the key names by `id`. It is kept, so that no other object gets that
            identity.
        make : callable
        """
        with self._lock:
            entries = self._kinds.setdefault(kind, OrderedDict())
            entry = entries.get(key)
            first = entry is None
            if entry is None:
                entry = entries[key] = (alive, Future())
            entries.move_to_end(key)
            if len(entries) > MOST_SHARED:
                entries.popitem(last=False)
        made = entry[1]
        if first:
            try:
                made.set_result(make())
            except BaseException as error:
                made.set_exception(error)
        return made.result()


@dataclass(frozen=True)
class Among:
    """One of several fits.

    Attributes
    ----------
    name : str
        Stands before the lines that it prints; "" for none.
    told : list of Told, or None
        Takes its warnings; None issues them at once.
    stopped : threading.Event
        Set when all are to stop: each does after the epoch that it is in.
    shared : Shared or None
        What they need make once only; None if each makes all by itself.
    """

    name: str = ""
    told: list[Told] | None = None
    stopped: threading.Event = field(default_factory=threading.Event)
    shared: Shared | None = None


_now: ContextVar[Among | None] = ContextVar("LNN_among", default=None)


def among() -> Among | None:
    """Return what the fit that runs here is among; None if it is alone."""
    return _now.get()


@contextmanager
def taking_part(part: Among) -> Iterator[Among]:
    """Fit as one of several, here and in contexts that are copied from here."""
    token = _now.set(part)
    try:
        yield part
    finally:
        _now.reset(token)
