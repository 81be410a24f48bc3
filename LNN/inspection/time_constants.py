"""How long neurons remember: their time constants over data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from LNN._results import Result
from LNN._typing import Column
from LNN.data.clock import Clock
from LNN.estimators.fitted import as_fitted
from LNN.inspection.activity import activity_over
from LNN.inspection.decays import kind_of, refuse_without


def time_constants(
    model: Any,
    X: ArrayLike,
    *,
    timestamps: Column | None = None,
    groups: Column | None = None,
) -> Result:
    r"""Return the time constants that neurons have over X.

    Those of liquid neurons change with what the neurons read. At a step they are, by
    model:

    - LTC: :math:`c / G`, the capacitance over the total conductance at the inputs and
      the state before the step, which the first unfold of the solver holds. Exact.
    - CfC, `mode="exponential"`: :math:`1 / \mathrm{softplus}(t_a)`. Exact.
    - CfC, `mode="pure"`: :math:`1 / (|w_\tau| + |f_1|)`, how fast the answer to the
      elapsed time settles. A proxy: the neuron does not start from its state.
    - CfC, other modes, LSTM and GRU: :math:`-\Delta t / \log k`, the decay that keeps
      as much over this step as the gate does (k is :math:`1 - s`, the forget gate, the
      update gate). A proxy: what is mixed in may hold the state as well.

    Parameters
    ----------
    model : fitted estimator, Pipeline that ends in one, or FittedModel
    X, timestamps, groups
        As in `predict`; of a Pipeline what its last step gets.

    Returns
    -------
    Bunch
        time_constants : ndarray of shape (R, N)
            In units of the model's clock (`time_unit_`). Lines are those of
            `neuron_activity`; NaN where no time passes and a gate tells nothing.
        minimum, median, maximum : ndarray of shape (N,)
            Over the lines.
        kind : {"exact", "proxy"}
        unit, unit_name : float, str
            The clock's unit, which turns time constants into seconds or units of the
            time stamps; 1 and "steps" without time stamps.
        row, sequence, step, time : ndarray of shape (R,)
            As in `neuron_activity`.
        neurons : list of str

    Raises
    ------
    InvalidInputError
        If the neurons of a model have none and no gates that imply any.

    Notes
    -----
    With mixed memory they are those of the liquid cell; the LSTM around it keeps more.
    With patches the layers step over several rows at once, and the time constants are
    in units of rows nevertheless.

    References
    ----------
    Hasani et al., Liquid time-constant networks, AAAI 2021, eq. 2.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import time_constants
    >>> X = np.sin(0.3 * np.arange(60))[:, None]
    >>> lnn = LiquidRegressor(8, window_length=6, epochs=3, random_state=0)
    >>> found = time_constants(lnn.fit(X[:-1], X[1:, 0]), X)
    >>> found.kind, found.unit_name, found.median.shape
    ('exact', 'steps', (8,))
    """
    fitted = as_fitted(model)
    layer = fitted.network.layers[0]
    refuse_without(layer)
    sequences = fitted.read(X, timestamps=timestamps, groups=groups)
    activity = activity_over(fitted, sequences)
    taus = activity.time_constants
    unit, unit_name = unit_of(fitted.clock)
    lines = ("row", "sequence", "step", "time", "neurons")
    return Result(
        time_constants=taus,
        minimum=_over_lines(np.min, taus),
        median=_over_lines(np.median, taus),
        maximum=_over_lines(np.max, taus),
        kind=kind_of(layer),
        unit=unit,
        unit_name=unit_name,
        **{name: activity[name] for name in lines},
    )


def unit_of(clock: Clock) -> tuple[float, str]:
    """Return how long a unit of time is, and in what."""
    if clock.kind is None:
        return 1.0, "steps"
    numbers = clock.kind == "numbers"
    return clock.unit, "units of the time stamps" if numbers else "seconds"


def _over_lines(function: Any, taus: np.ndarray) -> np.ndarray:
    """Apply a function to the numbers of each neuron; NaN where there are none."""
    columns = (column[~np.isnan(column)] for column in taus.T)
    return np.array([function(c) if len(c) else np.nan for c in columns])
