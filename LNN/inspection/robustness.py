"""How much a score falls as sensors get worse: a curve per disturbance and model."""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from LNN._random import random_source
from LNN._results import Result
from LNN.data.containers import plain
from LNN.estimators.fitted import FittedModel, last_step
from LNN.exceptions import InvalidInputError
from LNN.inspection.disturbances import DISTURBANCES, Disturbance, Sensors
from LNN.inspection.recordings import (
    Recordings,
    changeable_columns,
    idle_columns,
    recordings_of_rows,
)
from LNN.inspection.scoring import scorer_of

STANDARD = tuple(DISTURBANCES)
# What `score` may be told of the data; other models may know none of it.
OF_THE_DATA = ("timestamps", "groups", "sample_weight")


def robustness(
    model: Any,
    X: Any,
    y: Any,
    *,
    disturbances: Iterable[str] | Mapping[str, Sequence[float]] = STANDARD,
    beside: Mapping[str, Any] | None = None,
    features: Sequence[Any] | None = None,
    stretch: int = 10,
    n_repeats: int = 3,
    scoring: str | Callable[..., float] | None = None,
    random_state: int | np.random.RandomState | None = None,
    **score_params: Any,
) -> Result:
    """Measure how much the score falls as the data get worse.

    It answers by measurement what a picture of attributions cannot: a model that looks
    at the task holds longer than one that looks at what happens to go along with it.

    Parameters
    ----------
    model : fitted estimator or Pipeline
        Any that has `score`, or that the scorer takes.
    X : DataFrame or array of shape (n_rows, n_features), array of shape (n, T, \
n_features), or list of tables of shape (T_i, n_features)
        Rows in time order, or sequences. Data that no model has seen tell more.
    y : array or list
        As `score` takes it.
    disturbances : sequence of str, or mapping from str to strengths
        Which ones, by default all with strengths that suit most data:

        - "noise": Gaussian, in standard deviations of each column;
        - "drift": each column wanders up or down evenly, by so many standard deviations
          from the first to the last row of a recording;
        - "sensor_missing", "sensor_at_mean": so many columns, drawn at random, hold no
          value, or their mean;
        - "missing", "stuck": for so large a share of the time all columns hold no
          value, or the last one before;
        - "rate": only every k-th row is read, and the answers to these are scored.
    beside : mapping from str to fitted model, default=None
        Other models that get the same disturbed data, by the name that they are shown
        with: ``{"LSTM": lstm}``.
    features : sequence, default=None
        Names or numbers of the columns that are disturbed; None is all numbers but the
        time and the recording.
    stretch : int, default=10
        Rows of one stretch of "missing" and "stuck"; recordings that are too short for
        the share have shorter ones.
    n_repeats : int, default=3
        Draws of each disturbance. "rate" draws nothing.
    scoring : str, callable or None, default=None
        A scorer of scikit-learn, or its name; None is `score` of each model.
    random_state : int, RandomState or None, default=None
        All models and all strengths see the same draws.
    **score_params
        `timestamps=`, `groups=`, `sample_weight=` as `score` takes them, for the models
        that do. `groups` tells recordings apart.

    Returns
    -------
    Bunch
        strengths : dict from str to ndarray of shape (n,)
            Of each disturbance, the first one is "nothing happens".
        scores : dict from str to ndarray of shape (n_models, n, n_repeats)
            NaN where a model refuses the data.
        models : list of str
        table : DataFrame
            A row for each disturbance, model and strength: mean and standard deviation
            of the score over the draws.
        refused : dict from (disturbance, model) to str
            Why a model does not take the data: most do not take missing values.

    Raises
    ------
    InvalidInputError
        If a disturbance, a strength or a column is unknown.

    Notes
    -----
    At another rate, times in an index, in a column or in `timestamps=` tell the model
    how far rows are apart. Without any, it is not told, as no model could be.

    Columns of yes and no keep their values unless they are numbers, 0 and 1. Numbers
    that are names of classes are better left out with `features=`.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import robustness
    >>> X = np.random.default_rng(0).normal(size=(60, 6, 2))
    >>> lnn = LiquidRegressor(8, epochs=60, random_state=0).fit(X, X[:, -1, 0])
    >>> found = robustness(
    ...     lnn, X, X[:, -1, 0], disturbances={"noise": [0.1, 1.0]}, random_state=0
    ... )
    >>> curve = found.scores["noise"][0].mean(axis=1)
    >>> bool(curve[0] > curve[1] > curve[2])
    True
    """
    models = _named(model, beside)
    data = plain(X)
    columns = changeable_columns(data, features, idle_columns(*models.values()))
    plan = _plan(disturbances, len(columns))
    groups = recordings_of_rows(data, score_params.get("groups"), *models.values())
    recordings = Recordings(data, columns, groups)
    sensors = Sensors.of(recordings.values(), stretch)
    base = random_source(random_state).randint(2**31 - 1)
    trial = _Trial(models, recordings, y, scoring, score_params)
    clean = trial.scores(data)
    scores = {}
    for name, (disturbance, strengths) in plan.items():
        shape = (len(models), len(strengths), n_repeats)
        scores[name] = np.broadcast_to(clean[:, None, None], shape).copy()
        for place, strength in enumerate(strengths[1:], start=1):
            if disturbance.change is None:
                found = trial.scores_at_rate(int(strength))
                scores[name][:, place] = found[:, None]
                continue
            for repeat in range(n_repeats):
                seed = [base, zlib.crc32(name.encode()), repeat]
                random = np.random.RandomState(seed)
                values = disturbance.change(
                    recordings.values(), strength, sensors, random
                )
                found = trial.scores(recordings.with_values(values), name)
                scores[name][:, place, repeat] = found
    tried = {name: values for name, (_, values) in plan.items()}
    return Result(
        strengths=tried,
        scores=scores,
        models=list(models),
        table=_table(tried, scores, list(models)),
        refused=trial.refused,
    )


class _Trial:
    """Scores all models on changed data."""

    def __init__(
        self,
        models: Mapping[str, Any],
        recordings: Recordings,
        y: Any,
        scoring: str | Callable[..., float] | None,
        params: Mapping[str, Any],
    ):
        self._models, self._recordings, self._y = models, recordings, y
        self._scoring, self._params = scoring, params
        self._known = {name: _taken(m, params) for name, m in models.items()}
        self.refused: dict[tuple[str, str], str] = {}

    def scores(self, X: Any, disturbance: str | None = None) -> NDArray[np.float64]:
        """Return the score of each model on X with the y and the times it came with."""
        return self._scores(X, self._y, self._params, disturbance)

    def scores_at_rate(self, k: int) -> NDArray[np.float64]:
        """Return the score of each model where every k-th row is read."""
        kept = self._recordings
        in_rows, per_step = kept.in_rows, _is_per_step(kept.X, self._y)
        moves = {"timestamps", *(("groups", "sample_weight") if in_rows else ())}
        params = {
            name: kept.every(k, value) if name in moves else value
            for name, value in self._params.items()
        }
        y = kept.every(k, self._y) if in_rows or per_step else self._y
        return self._scores(kept.every(k), y, params, None)

    def _scores(
        self, X: Any, y: Any, params: Mapping[str, Any], disturbance: str | None
    ) -> NDArray[np.float64]:
        found = np.full(len(self._models), np.nan)
        for place, (name, model) in enumerate(self._models.items()):
            known = {key: params[key] for key in self._known[name]}
            try:
                found[place] = scorer_of(model, self._scoring, known)(X, y)
            except ValueError as error:
                # Whoever takes the data as they were may still take no missing values.
                if disturbance not in ("missing", "sensor_missing"):
                    raise
                self.refused[disturbance, name] = str(error)
        return found


def _named(model: Any, beside: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return all models by name."""
    if isinstance(model, FittedModel):
        raise InvalidInputError(
            "Expected a model that has `score`, got a FittedModel. Pass the estimator."
        )
    own = type(last_step(model)).__name__
    others = dict(beside or {})
    if own in others:
        raise InvalidInputError(
            f"Expected names in beside= other than {own!r}, which stands for the model "
            "itself. Rename that entry."
        )
    return {own: model, **others}


Plan = dict[str, tuple[Disturbance, NDArray[np.float64]]]


def _plan(
    wanted: Iterable[str] | Mapping[str, Sequence[float]], n_columns: int
) -> Plan:
    """Return the disturbances with their strengths, the first of them none."""
    wanted = [wanted] if isinstance(wanted, str) else wanted
    plan = {}
    for name in wanted:
        if name not in DISTURBANCES:
            raise InvalidInputError(
                f"Expected disturbances among {list(STANDARD)}, got {name!r}."
            )
        known = DISTURBANCES[name]
        counts = known.change is None or name.startswith("sensor")
        if isinstance(wanted, Mapping):
            strengths = [float(strength) for strength in wanted[name]]
        elif name.startswith("sensor"):
            strengths = [s for s in known.strengths if s <= n_columns]
        else:
            strengths = list(known.strengths)
        for strength in strengths:
            if not strength > known.none or (counts and strength != int(strength)):
                raise InvalidInputError(
                    f"Expected strengths of {name!r} as {'whole ' if counts else ''}"
                    f"numbers above {known.none:g} ({known.words}), got {strength:g}."
                )
        plan[name] = known, np.array([known.none, *strengths])
    return plan


def _taken(model: Any, params: Mapping[str, Any]) -> list[str]:
    """Return which of the parameters a model's `score` takes."""
    taken = inspect.signature(model.score).parameters if hasattr(model, "score") else {}
    anything = any(p.kind is p.VAR_KEYWORD for p in taken.values())
    return [n for n in params if anything or n in taken or n not in OF_THE_DATA]


def _is_per_step(X: Any, y: Any) -> bool:
    """Tell whether sequences have a target for each step."""
    if isinstance(X, list):
        return len(y) == len(X) and all(
            np.ndim(target) > 0 and len(target) == len(x)
            for x, target in zip(X, y, strict=True)
        )
    return np.ndim(y) > 1 and np.shape(y)[:2] == np.shape(X)[:2]


def _table(
    strengths: dict[str, NDArray], scores: dict[str, NDArray], models: list[str]
) -> pd.DataFrame:
    lines = [
        (name, model, strength, draws.mean(), draws.std())
        for name, values in strengths.items()
        for model, curve in zip(models, scores[name], strict=True)
        for strength, draws in zip(values, curve, strict=True)
    ]
    names = ["disturbance", "model", "strength", "score", "spread"]
    return pd.DataFrame(lines, columns=names)
