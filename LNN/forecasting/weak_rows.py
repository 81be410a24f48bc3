"""Warnings of series that a fit takes, but can make little of."""

from __future__ import annotations

from collections.abc import Sequence

from LNN._warnings import warn
from LNN.data.jitter import jitter_told
from LNN.forecasting.history import SeriesHistory
from LNN.forecasting.plan import ForecastPlan
from LNN.forecasting.series import SeriesForm
from LNN.forecasting.splitting import validation_rows

__all__ = ["warn_of_jitter", "warn_of_short"]


def warn_of_short(histories: Sequence[SeriesHistory], plan: ForecastPlan) -> int:
    """Return how many series leave no window to train on; warn if some do.

    Parameters
    ----------
    histories : sequence of SeriesHistory
    plan : ForecastPlan
    """
    needed = [_held(h, plan) + plan.horizon + plan.window_length for h in histories]
    short = [h for h, n in zip(histories, needed, strict=True) if len(h.times) < n]
    if not short or len(short) == len(histories):  # that none is long enough is refused
        return len(short)
    least = min(short, key=lambda h: len(h.times))
    room = len(least.times) - _held(least, plan) - plan.horizon
    how = f"Set window_length={room} to train on all" if room > 1 else "Pass more rows"
    warn(
        f"{len(short)} of {len(histories)} series are too short to train on, such as "
        f"{least.name!r} with {len(least.times)} rows: windows of {plan.window_length} "
        f"rows and horizon={plan.horizon} need {_held(least, plan)} more to validate. "
        f"The model is trained on the others, and forecasts these too. {how}, forecast "
        "fewer steps, or leave the short ones out of y."
    )
    return len(short)


def _held(history: SeriesHistory, plan: ForecastPlan) -> int:
    n = max(len(history.times), plan.window_length)
    return validation_rows(n, plan.horizon, plan.validation_fraction)


def warn_of_jitter(
    histories: Sequence[SeriesHistory], unit: float, form: SeriesForm
) -> None:
    """Warn of times that would be regular if their clock did not jitter.

    Parameters
    ----------
    histories : sequence of SeriesHistory
    unit : float
        The usual gap.
    form : SeriesForm
        What y was.
    """
    name = "y.index"
    if form.time_column is not None:
        name = f"y[{form.time_column!r}]"
    told = jitter_told([h.times for h in histories], unit, name, plain=form.is_panel)
    if told is not None:
        warn(
            f"{told} Rows count as irregular, so a fit takes several times as long, "
            "and a season is no number of rows."
        )
