"""Warnings that point at the caller's line, however deep inside LNN they arise."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from types import FrameType

import sklearn
import torch

from LNN._among import Told, among
from LNN._names import as_passed
from LNN.exceptions import LNNWarning

# Frames of LNN, and of scikit-learn and torch (which call methods of ours), are not the
# caller's.
_INSIDE = tuple(
    str(Path(file).parent) + os.sep
    for file in (__file__, sklearn.__file__ or __file__, torch.__file__)
)

# What a warning may be about, for `_told_about`.
ORDER_OF_ROWS = "order of rows"


def warn(message: str, *, about: str | None = None) -> None:
    """Issue an `LNNWarning` at the innermost frame outside of LNN.

    Nothing is issued in a method of an object whose `_told_about` names `about`: the
    caller was warned of the cause before, perhaps in another process.
    """
    message = as_passed(message)
    level = 1
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_INSIDE):
        if about and about in getattr(frame.f_locals.get("self"), "_told_about", ()):
            return
        level, frame = level + 1, frame.f_back
    mine = among()
    if mine is not None and mine.told is not None:
        # Who called is in another thread, and hears of it there.
        mine.told.append(Told(message, about))
        return
    warnings.warn(message, LNNWarning, stacklevel=level + 1)
