"""Events: alarms that follow each other, told as one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from LNN.anomaly.recordings import Recordings

__all__ = ["Alarms", "find_events"]

COLUMNS = ("start", "end", "peak", "score", "channel")


class Alarms(NamedTuple):
    """Scores of rows in time order, with what belongs to them.

    Attributes
    ----------
    rows : Recordings
    steps, scores : ndarray of shape (n,)
    by_channel : ndarray of shape (n, n_channels)
        Sizes of residuals.
    channels : list
        What the channels are called.
    """

    rows: Recordings
    steps: np.ndarray
    scores: np.ndarray
    by_channel: np.ndarray
    channels: list[Any]


def find_events(
    alarms: Alarms, threshold: float, gap: float, several: bool
) -> pd.DataFrame:
    """Return one row an event.

    Parameters
    ----------
    alarms : Alarms
    threshold : float
        Rows that score higher are abnormal.
    gap : float
        Alarms that are so many steps apart, or fewer, are one event.
    several : bool
        Whether to say which recording each is in.
    """
    rows, scores = alarms.rows, alarms.scores
    above = np.flatnonzero(scores > threshold)
    apart = np.diff(alarms.steps[above]) > gap
    apart |= np.diff(rows.recording[above]) != 0
    found = []
    for run in np.split(above, np.flatnonzero(apart) + 1):
        if not len(run):
            continue
        peak = run[int(np.argmax(scores[run]))]
        sizes = np.nan_to_num(alarms.by_channel[run]).mean(axis=0)
        channel = alarms.channels[int(np.argmax(sizes))]
        times = (rows.times[place] for place in (run[0], run[-1], peak))
        found.append((rows.names[run[0]], *times, float(scores[peak]), channel))
    frame = pd.DataFrame(found, columns=["recording", *COLUMNS])
    return frame if several else frame.drop(columns="recording")
