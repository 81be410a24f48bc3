"""A box of inputs, by position or by the names of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from LNN.data.tables import Columns
from LNN.estimators.fitted import FittedModel
from LNN.exceptions import InvalidInputError
from LNN.safety.intervals import Interval

Side = ArrayLike | Mapping[str, float]
InputBox = tuple[Side, Side] | Mapping[str, tuple[float, float]]


def input_interval(fitted: FittedModel, input_box: InputBox) -> Interval:
    """Return a box with one interval per input column, in the units of X.

    Parameters
    ----------
    fitted : FittedModel
    input_box : (low, high), or mapping of str to (low, high)
        Each side is a number, an array with one number per input column, or a mapping
        or Series by the names of these columns; those of time and groups may be among
        them, and are not read.
    """
    columns, n = fitted.layout.columns, len(fitted.layout.columns.inputs)
    if isinstance(input_box, Mapping):
        ends = _by_name(columns, input_box)
        sides = [_end(ends, k) for k in (0, 1)]
    else:
        try:
            low, high = input_box
        except (TypeError, ValueError) as error:
            raise _other_box(n, input_box) from error
        sides = [_side(columns, side) for side in (low, high)]
    try:
        low, high = (np.broadcast_to(np.asarray(s, float), (n,)) for s in sides)
    except (TypeError, ValueError) as error:
        raise _other_box(n, input_box) from error
    if not np.all(low <= high) or not np.isfinite([low, high]).all():
        raise InvalidInputError(
            f"Expected an input_box of finite numbers with low <= high, got {low} and "
            f"{high}."
        )
    return Interval(low.copy(), high.copy())


def _other_box(n: int, input_box: Any) -> InvalidInputError:
    return InvalidInputError(
        f"Expected input_box as (low, high), each a number or {n} numbers, one per "
        "input column, or a mapping from the names of these columns to (low, high), "
        f"got {input_box!r}."
    )


def _side(columns: Columns, side: Any) -> Any:
    """Return one side by position."""
    named = isinstance(side, pd.Series) and columns.names is not None
    if named or isinstance(side, Mapping):
        return _by_name(columns, dict(side))
    return side


def _end(ends: Sequence[Any], k: int) -> list[Any]:
    try:
        pairs = [(low, high) for low, high in ends]
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"Expected (low, high) for each input column, got {[*ends]!r}."
        ) from error
    return [pair[k] for pair in pairs]


def _by_name(columns: Columns, told: Mapping[Any, Any]) -> list[Any]:
    """Return what is told of the input columns, in their order."""
    if columns.names is None:
        raise InvalidInputError(
            "Expected input_box by position, as the model was fitted on an array "
            f"without names of columns, got the names {[*told]!r}. Pass (low, high), "
            "each a number or one per input column."
        )
    names: NDArray = columns.names[columns.inputs]
    missing = [name for name in names if name not in told]
    unknown = [name for name in told if name not in columns.names]
    if missing or unknown:
        what = f"without {missing[:5]}" if missing else f"with {unknown[:5]}"
        raise InvalidInputError(
            f"Expected input_box with the input columns {names.tolist()}, got one "
            f"{what}."
        )
    return [told[name] for name in names]
