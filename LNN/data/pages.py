"""Pages of memory maps: saying which will be read, so that no others are."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np

__all__ = ["expect_scattered_reads", "expect_to_read", "map_of"]

# Windows has no such advice; its pages are read as it sees fit.
_RANDOM = getattr(mmap, "MADV_RANDOM", None)
_WILL_NEED = getattr(mmap, "MADV_WILLNEED", None)


def map_of(array: np.ndarray) -> tuple[mmap.mmap, int] | None:
    """Return the memory map that an array lies in, and at which byte; None if in none.

    Examples
    --------
    >>> import numpy as np
    >>> map_of(np.zeros(3)) is None
    True
    """
    held: Any = array
    while isinstance(held, np.ndarray):
        held = held.base
    if not isinstance(held, mmap.mmap):
        return None
    begin = _address(np.frombuffer(held, np.uint8))
    return held, _address(array) - begin


def expect_scattered_reads(array: np.ndarray) -> None:
    """Let the system read single pages of an array, and not their neighbours.

    It reads many in advance by default, of which a window needs two or three.
    """
    found = map_of(array)
    if found is not None and _RANDOM is not None:
        found[0].madvise(_RANDOM)


def expect_to_read(array: np.ndarray) -> None:
    """Let the system read all pages of an array in one go, if it lies in a map.

    Parameters
    ----------
    array : ndarray
        Whose values lie one after another; nothing is done for others.
    """
    if _WILL_NEED is None or not array.nbytes or not array.flags.c_contiguous:
        return
    found = map_of(array)
    if found is not None:
        pages, begin = found
        start = begin - begin % mmap.PAGESIZE
        pages.madvise(_WILL_NEED, start, begin + array.nbytes - start)


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])
