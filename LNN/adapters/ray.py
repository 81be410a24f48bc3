"""Predictions for datasets of Ray Data, recording by recording; needs ray."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pandas as pd

from LNN.adapters import parameters
from LNN.adapters.partitions import PartPredictor
from LNN.estimators.fitted import as_fitted
from LNN.exceptions import InvalidInputError

try:
    import ray
    import ray.data
except ImportError as error:
    raise parameters.missing("ray", error) from error

__all__ = ["predict_dataset"]


def predict_dataset(
    fitted: Any,
    dataset: ray.data.Dataset,
    *,
    method: str = "predict",
    name: str = "prediction",
    num_partitions: int | None = None,
    **options: Any,
) -> ray.data.Dataset:
    """Predict a dataset of Ray Data; nothing is computed before it is used.

    Rows of a recording are brought together and into the order of time. The model lies
    in Ray's object store once, and each process takes it from there once.

    Parameters
    ----------
    fitted : FittedModel, fitted estimator, or Pipeline that ends in one
        Fitted on a frame, with `group_column=` and `time_column=`, or with
        `window_length=1`.
    dataset : ray.data.Dataset
        With the columns of X in `fit`; others are left alone.
    method : {"predict", "predict_proba"}
    name : str
        The column of the answers; several targets, quantiles and classes are numbered
        or named by a suffix.
    num_partitions : int, default=None
        Into how many parts recordings are brought together; None is Ray's choice.
    **options
        For `map_groups` (`map_batches` with `window_length=1`): `num_cpus`,
        `concurrency`, ...

    Returns
    -------
    ray.data.Dataset
        The rows with the columns of the answers, in an order of Ray's.

    Raises
    ------
    InvalidInputError
        If columns are missing, if the dataset has a column of this name, or if the
        model cannot be applied in parts.

    Examples
    --------
    With a model that was fitted with `group_column="unit"` and `time_column="time"`::

        import ray
        from LNN.adapters.ray import predict_dataset

        readings = ray.data.read_parquet("readings/")
        answers = predict_dataset(model, readings)
        answers.write_parquet("answers/")
    """
    predictor = PartPredictor(as_fitted(fitted), method, name)
    there = dataset.schema().names
    predictor.check_columns(there)
    taken = [label for label in predictor.names if label in there]
    if taken:
        raise InvalidInputError(
            f"Expected a dataset without the columns {taken}, which hold the answers. "
            "Pass another name=."
        )
    grouped = predictor.group is not None
    if grouped:
        predictor.refuse_without_time()
    # In a list, as a reference by itself would be fetched for every part.
    held = [ray.put(predictor)]
    how: dict[str, Any] = {"fn_args": (held, grouped), "batch_format": "pandas"}
    how |= options
    if grouped:
        parts = dataset.groupby(predictor.group, num_partitions=num_partitions)
        return parts.map_groups(_predicted, **how)
    return dataset.map_batches(_predicted, **how)


def _predicted(frame: pd.DataFrame, held: list[Any], sort: bool) -> pd.DataFrame:
    """Return the rows of one part with their answers."""
    frame = frame.reset_index(drop=True)
    return frame.join(_fetched(held[0]).answers(frame, sort))


@lru_cache(maxsize=1)
def _fetched(held: Any) -> PartPredictor:
    """Return what lies in the object store; a process takes it from there once."""
    found: PartPredictor = ray.get(held)
    return found
