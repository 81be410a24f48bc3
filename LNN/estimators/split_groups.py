"""The recordings of a table, for a splitter that keeps them whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from LNN.data.containers import plain


def group_column(model: Any) -> Any:
    """Return the column that an estimator, or a step of a Pipeline, has recordings in.

    None where there is none.
    """
    if not hasattr(model, "get_params"):
        return None
    values = model.get_params()
    names = [n for n in values if n.rpartition("__")[2] == "group_column"]
    return next((values[n] for n in names if values[n] is not None), None)


def recordings_of_column(X: Any, columns: list[Any]) -> list[np.ndarray]:
    """Return the labels of the column that all models have recordings in.

    Parameters
    ----------
    X : array-like
    columns : list
        Of each model, a name or number; None where it has none.

    Returns
    -------
    list of ndarray of shape (n_rows,)
        One, or none where models differ or X has no such column: what is wrong with it
        is for `fit` to say.
    """
    first = columns[0]
    if first is None or any(other != first for other in columns[1:]):
        return []
    table = plain(X)
    if isinstance(table, pd.DataFrame):
        if isinstance(first, str):
            here = [first] if (table.columns == first).sum() == 1 else []
            return [table[name].to_numpy() for name in here]
        whole = isinstance(first, int) and first in range(table.shape[1])
        return [table.iloc[:, first].to_numpy()] if whole else []
    if isinstance(table, np.ndarray) and table.ndim == 2 and isinstance(first, int):
        return [table[:, first]] if -table.shape[1] <= first < table.shape[1] else []
    return []
