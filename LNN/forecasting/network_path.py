"""The liquid path: a network that reads a window, several rows at a step of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from LNN._random import random_source
from LNN.data.examples import Given
from LNN.estimators import fitting
from LNN.estimators.fit_threads import fit_side_by_side
from LNN.estimators.fitted import FittedModel
from LNN.estimators.parameters import DEFAULTS, check_parameters
from LNN.estimators.settings import Settings
from LNN.forecasting.linear_path import weighted_error
from LNN.training.loop import History

__all__ = ["NetworkPath", "as_steps"]

# Steps (n, n_steps, n_columns), goals (n, horizon), weights (n,), and times of steps
# (n, n_steps) where they are not a unit apart.
Part = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]
# Who errors about parameters of the network name.
OWNER = "LiquidForecaster"


def as_steps(
    past: np.ndarray,
    seen: np.ndarray,
    past_inputs: np.ndarray,
    future_inputs: np.ndarray,
    told: np.ndarray,
    patch: int,
    masked: bool,
    asked: bool,
) -> np.ndarray:
    """Fold windows into the steps of a cell, `patch` rows in one.

    Parameters
    ----------
    past : ndarray of shape (n, window_length)
        Normalised.
    seen : ndarray of bool, same shape
    past_inputs : ndarray of shape (n, window_length, n_inputs)
        Its last columns are those of `future_inputs`.
    future_inputs : ndarray of shape (n, horizon, n_known)
    told : ndarray of shape (n, n_told)
        What is said of the whole window, at every step.
    patch : int
    masked : bool
        Whether the network was told, or will be, which values were seen.
    asked : bool
        Whether the future comes as further steps, whose values are unseen.

    Returns
    -------
    ndarray of shape (n, n_steps, patch * (1 + n_inputs) + n_told)
    """
    # A sequence that begins unseen looks padded: the first step has what was held.
    first = np.arange(past.shape[1]) < past.shape[1] % patch + patch
    values = np.where(seen | first, past, np.nan) if masked else past
    table = np.concatenate([values[..., None], past_inputs], axis=2)
    n, length, columns = table.shape
    table = table[:, length % patch :]  # the oldest rows fill no whole step
    if asked:
        horizon = future_inputs.shape[1]
        whole = -(-horizon // patch) * patch
        future = np.full((n, whole, columns), np.nan)
        future[:, :horizon, columns - future_inputs.shape[2] :] = future_inputs
        table = np.concatenate([table, future], axis=1)
    steps = table.reshape(n, -1, patch * columns)
    whole = np.broadcast_to(told[:, None], (*steps.shape[:2], told.shape[1]))
    return np.concatenate([steps, whole], axis=2)


@dataclass(frozen=True, eq=False)
class NetworkPath:
    """Networks that differ in their seeds; the forecast is their mean.

    Attributes
    ----------
    models : tuple of FittedModel
    epochs : tuple of int
        After how many epochs each was best on the validation part.
    """

    models: tuple[FittedModel, ...]
    epochs: tuple[int, ...]

    @classmethod
    def fit(
        cls,
        training: Part,
        validation: Part,
        options: Mapping[str, Any],
        seeds: tuple[int, ...],
    ) -> NetworkPath:
        """Train one network for each seed, as many at once as torch has threads.

        Parameters
        ----------
        training : Part
        validation : Part
            Later windows, which say when to stop.
        options : mapping of str
            Parameters of `LiquidRegressor`.
        seeds : tuple of int
        """
        own = [partial(_trained, training, validation, options, s) for s in seeds]
        models = tuple(fit_side_by_side(own))
        curves = [np.asarray(model.record.validation_scores) for model in models]
        return cls(models, tuple(int(np.argmax(curve)) + 1 for curve in curves))

    def __call__(
        self, steps: np.ndarray, times: np.ndarray | None = None
    ) -> np.ndarray:
        """Return forecasts (n, horizon) in the units of the windows."""
        answers = [
            np.asarray(model.predict(steps, timestamps=times)) for model in self.models
        ]
        return np.mean(answers, axis=0).reshape(len(steps), -1)


def _trained(
    training: Part, validation: Part, options: Mapping[str, Any], seed: int
) -> FittedModel:
    """Train one network until the validation part says stop."""
    # Windows are made here: no doubt about which axis is time.
    own = {"return_sequences": False, "layout": "sequences", "random_state": seed}
    values = {**DEFAULTS, **options, **own}
    check_parameters(OWNER, values)
    settings, random = Settings(OWNER, values), random_source(seed)
    examples, later, form = fitting.read_parts(
        Given(*training), Given(*validation), settings, None, random
    )
    model = fitting.build(examples, form, settings, random)
    plan = fitting.make_plan(settings, examples, model.network)
    _, goals, weights, _ = validation

    # Judged as forecasts are. A loss that is hardly below that of a constant is no
    # reason to warn here: the linear path has taken what was easy.
    def score(outputs: np.ndarray) -> float:
        found = model.values(outputs).reshape(goals.shape)
        return -weighted_error(found, goals, weights)

    run = fitting.Run(model, examples, later, plan, settings, random, score)
    history = History()
    fitting.train_model(run, lambda epoch: False, history)
    return replace(model, record=run.record_after(history, "absolute error"))
