"""Training of the one network that foresees rows, for all horizons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from LNN.anomaly.parameters import OWNER
from LNN.data.examples import Given
from LNN.estimators import fitting
from LNN.estimators.fitted import FittedModel
from LNN.estimators.parameters import DEFAULTS, check_parameters
from LNN.estimators.settings import Settings
from LNN.training.loop import History

__all__ = ["train"]

NOTHING = Given(None, None)


def train(
    given: Given,
    options: Mapping[str, Any],
    random: np.random.RandomState,
    held_out: Given = NOTHING,
) -> FittedModel:
    """Train a regressor that nobody else sees.

    Parameters
    ----------
    given, held_out : Given
        What to learn from and, if it is not to be cut off there, what says when to
        stop.
    options : mapping of str
        Parameters of `LiquidRegressor`.
    random : numpy.random.RandomState
    """
    # No doubt about which axis is time, for nobody sees what is read here.
    layout = "sequences" if np.ndim(given.X) == 3 else "rows"
    values = {**DEFAULTS, **options, "layout": layout, "random_state": None}
    check_parameters(OWNER, values)
    settings = Settings(OWNER, values)
    examples, later, form = fitting.read_parts(given, held_out, settings, None, random)
    model = fitting.build(examples, form, settings, random)
    plan = fitting.make_plan(settings, examples, model.network)
    run = fitting.Run(model, examples, later, plan, settings, random)
    history = History()
    fitting.train_model(run, lambda epoch: False, history)
    return replace(model, record=run.record_after(history))
