"""What kind of data this is: rows of a recording, a cube, or a list of recordings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, ValuesView
from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError

from .samples import is_keyed
from .sequence_set import Layout

__all__ = ["layout_of", "stacked"]


def layout_of(X: Any, *, name: str = "X") -> Layout:
    """Tell what kind of data this is, without reading it.

    Parameters
    ----------
    X : array-like, DataFrame or list
    name : str
        What X is called in messages.

    Returns
    -------
    {"rows", "cube", "ragged"}
        "rows" for anything 2-D, "cube" for 3-D arrays, "ragged" for a list, tuple or
        object array of 2-D recordings, or of 1-D arrays that should be recordings.
        Anything that is not data is "rows" too: the checks of 2-D data say what is
        wrong with it.

    Raises
    ------
    InvalidInputError
        If X is None, or a dict, a GroupBy or an iterator, which hold data but are no
        arrays.

    Examples
    --------
    >>> import numpy as np
    >>> layout_of(np.zeros((5, 2))), layout_of([np.zeros((5, 2)), np.zeros((3, 2))])
    ('rows', 'ragged')
    """
    if isinstance(X, list | tuple) or _is_object_vector(X):
        depths = [_depth(item) for item in X]
        if any(is_keyed(item) for item in X):
            return "ragged"
        if all(depth == 1 for depth in depths):
            # Arrays, Series and rows of different lengths are recordings short of an
            # axis; only plain lists of numbers are a table that was written down.
            plain = all(isinstance(item, list | tuple) for item in X)
            same = len({len(item) for item in X}) < 2
            return "rows" if plain and same else "ragged"
        return "ragged" if max(depths) > 1 else "rows"
    _refuse_containers(X, name)
    shape = getattr(X, "shape", None)
    if shape is None and hasattr(X, "__array__"):
        shape = np.asarray(X).shape
    return "cube" if shape is not None and len(shape) > 2 else "rows"


def _refuse_containers(X: Any, name: str) -> None:
    """Refuse a container that holds recordings but is not a list of them."""
    if X is None:
        raise InvalidInputError(
            f"Expected {name} to be an array, a frame or a list of recordings, got "
            "None. Pass the rows to learn from or to answer."
        )
    if isinstance(X, Mapping) and not hasattr(X, "shape"):  # a sparse array has one
        fix = (
            f"For one recording per entry pass list({name}.values()), for one column "
            f"per entry pandas.DataFrame({name})."
        )
    elif type(X).__name__.endswith("GroupBy") and not hasattr(X, "shape"):
        fix = (
            f"Pass [frame for _, frame in {name}], one sequence per group, with y in "
            "this order; or the table itself, with groups=."
        )
    elif isinstance(X, Iterator | ValuesView):
        fix = f"Pass list({name})."
    else:
        return
    raise InvalidInputError(
        f"Expected {name} to be an array, a frame or a list of recordings, got "
        f"{type(X).__name__}. {fix}"
    )


def stacked(X: Any) -> Any:
    """Return rows that come one by one, as `[row]`, as one array.

    Only for a model fitted on rows: in `fit` such a list could also be recordings.
    """
    if not isinstance(X, list | tuple) or not X:
        return X
    rows = all(isinstance(row, np.ndarray) and row.ndim == 1 for row in X)
    return np.stack(X) if rows and len({len(row) for row in X}) == 1 else X


def _is_object_vector(X: Any) -> bool:
    return isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1


def _depth(item: Any) -> int:
    """Dimensions of one element of a list, from its first element down."""
    if hasattr(item, "ndim"):
        return int(item.ndim)
    if isinstance(item, list | tuple):
        # The first element speaks for all: reading finds those that are unlike it.
        return 1 + (_depth(item[0]) if len(item) else 0)
    return 0
