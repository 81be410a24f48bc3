"""Types that the signatures of several public functions share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike, NDArray

# A time or a label for each row. ArrayLike alone has no list of datetimes.
Column = ArrayLike | Sequence[Any]

# A row of X: by name it is a dict, and a sequence may hold a time among its numbers.
Row = ArrayLike | Sequence[Any] | dict[Any, Any]

# An array, but a list of arrays for a list with targets per step. In a union with that,
# all who get an array would have to rule the list out before they use it.
Predictions = NDArray | Any

__all__ = ["Column", "Predictions", "Row"]
