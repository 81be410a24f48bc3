"""Predictions for Dask DataFrames, partition by partition; needs dask."""

from __future__ import annotations

from typing import Any

import pandas as pd

from LNN.adapters import parameters
from LNN.adapters.partitions import PartPredictor, refuse_cut
from LNN.estimators.fitted import as_fitted

try:
    import dask
    import dask.dataframe as dd
    from dask.dataframe.utils import make_meta
except ImportError as error:
    raise parameters.missing("dask", error) from error

__all__ = ["predict_frame"]

SHUFFLE = (
    "Bring its rows together with shuffle=True, or write the table with one recording "
    "in one partition."
)


def predict_frame(
    fitted: Any,
    frame: dd.DataFrame,
    *,
    method: str = "predict",
    shuffle: bool = False,
    name: str = "prediction",
) -> dd.DataFrame:
    """Predict a Dask DataFrame; nothing is computed but a check of its recordings.

    Every partition is predicted by itself, so that each recording must lie in one
    partition with all its rows, in the order of time. The model travels to each worker
    once.

    Parameters
    ----------
    fitted : FittedModel, fitted estimator, or Pipeline that ends in one
        Fitted with `group_column=`, the name of the column of the recordings, or with
        `window_length=1`.
    frame : dask.dataframe.DataFrame
        With the columns of X in `fit`; others are left alone.
    method : {"predict", "predict_proba"}
    shuffle : bool, default=False
        Bring the rows of each recording into one partition, and into the order of
        `time_column` there, which the model must know then.
    name : str
        The column of the answers; several targets, quantiles and classes are numbered
        or named by a suffix.

    Returns
    -------
    dask.dataframe.DataFrame
        Lazy. Rows have the index of `frame`; with `shuffle` they come in another order.

    Raises
    ------
    InvalidInputError
        If a recording has rows in several partitions and `shuffle` is false, if columns
        are missing, or if the model cannot be applied in parts.

    Examples
    --------
    >>> import dask.dataframe as dd
    >>> import numpy as np
    >>> import pandas as pd
    >>> from LNN import LiquidRegressor
    >>> from LNN.adapters.dask import predict_frame
    >>> rng = np.random.default_rng(0)
    >>> unit, level = np.repeat(list("abcd"), 25), rng.normal(size=100)
    >>> X = pd.DataFrame({"unit": unit, "level": level})
    >>> model = LiquidRegressor(8, group_column="unit", epochs=1, random_state=0)
    >>> model = model.fit(X, level)
    >>> answers = predict_frame(model, dd.from_pandas(X, npartitions=2)).compute()
    >>> bool(np.allclose(answers["prediction"], model.predict(X)))
    True
    """
    predictor = PartPredictor(as_fitted(fitted), method, name)
    predictor.check_columns(frame.columns)
    if predictor.group is not None:
        if shuffle:
            predictor.refuse_without_time()
            frame = frame.shuffle(on=predictor.group)
        else:
            refuse_cut(_recordings(frame, predictor.group), SHUFFLE)
    # One task holds the model; every partition's task refers to it.
    held = dask.delayed(predictor, pure=False)
    meta = predictor.answers(make_meta(frame))
    return frame.map_partitions(_answers, held, shuffle, meta=meta)


def _answers(frame: pd.DataFrame, predictor: PartPredictor, sort: bool) -> pd.DataFrame:
    return predictor.answers(frame, sort)


def _recordings(frame: dd.DataFrame, group: Any) -> list[list[Any]]:
    """Return the recordings of each partition; reads that column alone."""
    parts = frame[[group]].to_delayed()
    found = [dask.delayed(_labels)(part, group) for part in parts]
    return list(dask.compute(*found))


def _labels(frame: pd.DataFrame, group: Any) -> list[Any]:
    return list(frame[group].unique())
