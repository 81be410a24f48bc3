"""A picture of a detector's scores: over time, with the threshold and the events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from LNN.exceptions import InvalidInputError, MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from LNN.anomaly.fitted import FittedDetector
    from LNN.anomaly.recordings import Recordings

__all__ = ["draw"]

SCORE, EVENT = "#2166ac", "#d6604d"


def draw(
    ax: Any,
    model: FittedDetector,
    rows: Recordings,
    events: pd.DataFrame,
    threshold: float,
) -> Axes:
    """Draw the scores of one recording; rows that are not judged have none.

    Parameters
    ----------
    ax : Axes or None
        None makes a new figure.
    model : FittedDetector
    rows : Recordings
    events : DataFrame
        With the columns start and end.
    threshold : float
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise MissingDependencyError(
            "plot() needs matplotlib: pip install 'LNN[plot]'."
        ) from error
    if int(rows.recording[-1]):
        raise InvalidInputError(
            f"Expected rows of one recording to draw, got {int(rows.recording[-1]) + 1}"
            ". Pass those of one, X.loc[[name]]."
        )
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
    scores = np.where(model.judged(rows), model.scores(rows), np.nan)[rows.row]
    for number, (start, end) in enumerate(zip(events.start, events.end, strict=True)):
        label = "event" if number == 0 else None
        # An event of one row has a width, too.
        ax.axvspan(start, end, color=EVENT, alpha=0.3, lw=1, label=label)
    ax.plot(rows.times, scores, color=SCORE, lw=0.9, label="score")
    told = f"threshold, one usual row in {10**threshold:,.0f}"
    ax.axhline(threshold, color="0.4", lw=1, ls="--", label=told)
    if isinstance(rows.times, pd.DatetimeIndex):
        from matplotlib.dates import ConciseDateFormatter

        locator = ax.xaxis.get_major_locator()
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    ax.set_ylabel("Anomaly score")
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return ax
