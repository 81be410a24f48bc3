"""What may be predicted apart: which rows of a partitioned table belong together."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from LNN.estimators.fitted import FittedModel
from LNN.exceptions import InvalidInputError

__all__ = ["METHODS", "PartPredictor", "refuse_cut"]

METHODS = ("predict", "predict_proba")


@dataclass(frozen=True, eq=False)
class PartPredictor:
    """Predicts the rows of one part of a table, which holds whole recordings.

    Attributes
    ----------
    model : FittedModel
    method : {"predict", "predict_proba"}
    name : str
        What the predictions are called; probabilities get the class as well.
    """

    model: FittedModel
    method: str
    name: str

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InvalidInputError(
                f"method must be one of {METHODS}, got {self.method!r}."
            )
        if self.method == "predict_proba" and not self.model.classifies:
            raise InvalidInputError(
                'method="predict_proba" needs a classifier, got a regressor. Use '
                'method="predict".'
            )
        layout = self.model.layout
        if not layout.in_rows:
            raise InvalidInputError(
                f"Expected a model that was fitted on rows (2-D X), but {layout.owner} "
                "was fitted on sequences. Fit it on one table with group_column= and "
                "time_column=."
            )
        if not layout.timeless and layout.options.group_column is None:
            raise InvalidInputError(
                "Expected a model that knows the column of the recordings: where a "
                "table is cut into parts, windows would end at the cuts. Fit with "
                "group_column=, for rows that are independent with window_length=1."
            )

    @property
    def group(self) -> Hashable | None:
        """The column of the recordings; None where rows are independent."""
        layout = self.model.layout
        return None if layout.timeless else layout.options.group_column

    @property
    def time(self) -> Hashable | None:
        """The column of the time stamps, if there is one."""
        return self.model.layout.options.time_column

    def check_columns(self, there: Iterable[Any]) -> None:
        """Refuse a table that lacks columns of X."""
        if self.columns is None:
            raise InvalidInputError(
                "Expected a model that was fitted on a frame, whose columns have "
                "names; this one was fitted on an array. Fit on a pandas.DataFrame."
            )
        there = list(there)
        lacking = [label for label in self.columns if label not in there]
        if lacking:
            raise InvalidInputError(
                f"Expected the columns {self.columns} of fit, but the table lacks "
                f"{lacking}. Add them under these names."
            )

    def refuse_without_time(self) -> None:
        """Refuse to move rows of a recording about if nothing tells their order."""
        if self.time is None:
            raise InvalidInputError(
                "Expected a model that knows the column of time: rows lose their order "
                "when the rows of each recording are brought together. Fit with "
                "time_column=."
            )

    @property
    def columns(self) -> list[Any] | None:
        """The columns that the model reads, in their order; None without names."""
        names = self.model.layout.columns.names
        return None if names is None else list(names)

    def answers(self, frame: pd.DataFrame, sort: bool = False) -> pd.DataFrame:
        """Return the predictions for a part, with its index.

        Parameters
        ----------
        frame : DataFrame
        sort : bool, default=False
            Bring the rows into the order of time first: they were moved about.

        Returns
        -------
        DataFrame of shape (n_rows, n_outputs)
        """
        names = self.names
        if not len(frame):
            nothing = np.empty((0, len(names)), self._dtype)
            return pd.DataFrame(nothing, frame.index, names)
        if sort:
            frame = frame.sort_values(self.time, kind="stable")
        read = frame if self.columns is None else frame[self.columns]
        if sort:  # the index, out of order now, would be taken for a mistake
            read = read.reset_index(drop=True)
        if self.method == "predict":
            values = np.asarray(self.model.predict(read))
        else:
            sequences = self.model.read(read)
            outputs = self.model.outputs(sequences)
            values = np.asarray(self.model.probabilities(outputs, sequences))
        values = values.reshape(len(frame), -1)
        return pd.DataFrame(values, frame.index, names)

    @property
    def names(self) -> list[str]:
        """The columns of the answers."""
        model = self.model
        classes = model.targets.classes
        if self.method == "predict_proba" and classes is not None:
            return [f"{self.name}_{label}" for label in classes.tolist()]
        if classes is not None:
            return [self.name]
        targets, levels = model.targets, getattr(model.objective, "levels", ())
        n = targets.n_targets * max(1, len(levels))
        if n == 1:
            return [self.name]
        return [f"{self.name}_{number}" for number in range(n)]

    @property
    def _dtype(self) -> Any:
        classes = self.model.targets.classes
        plain = self.method == "predict" and classes is not None
        return classes.dtype if plain and classes is not None else np.float64


def refuse_cut(parts: Iterable[Iterable[Any]], advice: str) -> None:
    """Refuse recordings of which more than one part has rows.

    Parameters
    ----------
    parts : iterable of iterable
        The recordings in each part, once each.
    advice : str
        What to do about it.
    """
    owner: dict[Any, int] = {}
    for number, labels in enumerate(parts):
        for label in labels:
            other = owner.setdefault(label, number)
            if other != number:
                raise InvalidInputError(
                    f"Expected every recording in one partition, but {label!r} has "
                    f"rows in the partitions {other} and {number}: its windows would "
                    f"end at the cut. {advice}"
                )
