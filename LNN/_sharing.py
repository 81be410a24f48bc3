"""Work that is done once for several fits that agree on it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from LNN._among import Told, among, taking_part
from LNN._warnings import warn

__all__ = ["share"]

Made = TypeVar("Made")


def share(
    kind: str,
    of: tuple[Any, ...],
    settings: tuple[Hashable, ...],
    make: Callable[[], Made],
    given: Iterable[Any] = (),
) -> Made:
    """Return what `make` returns, made once for all fits that run side by side.

    Parameters
    ----------
    kind : str
        What is made.
    of : tuple of object
        What it is made of. It has to be the same object: equal ones are not compared.
    settings : tuple of hashable
        All else that it depends on.
    make : callable
        Takes nothing. Nobody changes what it returns.
    given : iterable of object, default=()
        Those of `of` that come from outside. A transformer before the model may write
        into one between two fits: it is shared only if all fits were given it.
    """
    mine = among()
    if mine is None or mine.shared is None or not mine.shared.may_hold(given):
        return make()

    def listening() -> tuple[Made, list[Told]]:
        told: list[Told] = []
        with taking_part(replace(mine, told=told)):
            made = make()
        return made, told

    key = (*settings, *map(id, of))
    made, told = mine.shared.once(kind, key, of, listening)
    # Each fit warns of what was found, as if it had found it by itself.
    for warning in told:
        warn(warning.message, about=warning.about)
    return made
