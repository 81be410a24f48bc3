"""Time stamps that stand still: lost hours, mixed recordings, gaps taken for times."""

from __future__ import annotations

import numpy as np

from .sequence_set import SequenceSet
from .timestamps import time_unit

__all__ = ["stands_still", "standing_clock_warning"]

# A few rows at one time are events. It takes this many gaps to tell that time never
# goes on, and this many that are zero to tell that it mostly stands.
HANDFUL, SOME = 5, 10
# Events in pairs leave half of the gaps zero, and should not be doubted.
HALF, MOST = 1 / 2, 2 / 3
# Share of the positive gaps that are equal if a clock is regular: weekends may be
# missing.
REGULAR = 3 / 4


def stands_still(gaps: np.ndarray, sequences: SequenceSet) -> bool:
    """Tell whether no time passes in most rows.

    Parameters
    ----------
    gaps : ndarray of float
        The known gaps of the rows that count, none of them NaN.
    sequences : SequenceSet
        What they belong to.
    """
    zero = int(np.count_nonzero(gaps == 0))
    if zero == len(gaps):
        return zero >= HANDFUL
    if zero < max(SOME, HALF * len(gaps)):
        return False
    if sequences.layout != "rows":
        each = _gaps_of_each(sequences)
        if max(map(np.count_nonzero, each)) < 2:
            # Gaps after a first 0, as in (0, 1, 1), give no more than one tick.
            return len(gaps) >= 2 * len(each)
        # Padding repeats the time stamp at either end of a sequence.
        gaps = np.concatenate([_between_ticks(part) for part in each])
        zero = int(np.count_nonzero(gaps == 0))
    share = zero / len(gaps)
    if zero < SOME or share < HALF:
        return False
    # Pairs of dates at equal distances are two rows of a day, or two recordings.
    dates = sequences.time_kind != "numbers"
    return share > MOST or (dates and _ticks_regularly(gaps))


def standing_clock_warning(gaps: np.ndarray, sequences: SequenceSet, name: str) -> str:
    """Return what is wrong with time that stands still, and what to do.

    Parameters
    ----------
    gaps, sequences
        As in `stands_still`.
    name : str
        What the data are called in messages.
    """
    # What caused it cannot be told from zeros: the likely causes are listed.
    zero = int(np.count_nonzero(gaps == 0))
    source = sequences.time_source
    is_ = "are" if source == "timestamps" else "is"
    told = (
        f"Time stands still in {zero} of {len(gaps)} steps of {name}: {source} {is_} "
        "there the same as in the row before."
    )
    advice = [
        _keep_the_hours(sequences, moves=zero < len(gaps)),
        _separate_recordings(sequences, name),
        _add_up_gaps(sequences, name),
    ]
    return " ".join([told, *(line for line in advice if line)])


def _gaps_of_each(sequences: SequenceSet) -> list[np.ndarray]:
    """Return the gaps of each sequence after its first row."""
    begins = np.flatnonzero(np.diff(sequences.recording)) + 1
    parts = np.split(np.asarray(sequences.elapsed), begins)
    return [gaps[1:] for gaps in parts]


def _between_ticks(gaps: np.ndarray) -> np.ndarray:
    ticks = np.flatnonzero(gaps > 0)
    return gaps[ticks[0] : ticks[-1] + 1] if len(ticks) else gaps[:0]


def _ticks_regularly(gaps: np.ndarray) -> bool:
    same = np.isclose(gaps[gaps > 0], time_unit(gaps), rtol=0.01)
    return bool(same.mean() >= REGULAR)


def _keep_the_hours(sequences: SequenceSet, moves: bool) -> str:
    if sequences.time_kind != "numbers":
        return "If these are dates that lost their hours, keep the hours."
    if moves:
        return "If these numbers were rounded, pass them as they were before."
    return ""


def _separate_recordings(sequences: SequenceSet, name: str) -> str:
    if sequences.layout != "rows":
        return (
            f"If a sequence of {name} holds rows of several recordings, make a "
            "sequence of each."
        )
    if sequences.time_source == "the last level of the index":
        return (
            "If it names recordings, append the time as the last level "
            f"({name}.set_index(time, append=True)), or pass groups={name}.index and "
            f"{name}.reset_index(drop=True)."
        )
    return (
        "If the rows are of several recordings, say which row belongs to which: "
        "groups=, group_column=, or a MultiIndex (recording, ..., time)."
    )


def _add_up_gaps(sequences: SequenceSet, name: str) -> str:
    line = _sum_of_gaps(sequences, name)
    return line and f"If these are gaps between rows, add them up: {line}."


def _sum_of_gaps(sequences: SequenceSet, name: str) -> str:
    """Return the line that makes times of gaps, for what was passed."""
    several = bool(np.ptp(sequences.recording))
    if sequences.time_source == "timestamps":
        if sequences.layout == "cube":
            return "timestamps=numpy.cumsum(dt, axis=1)"
        if sequences.layout == "ragged":
            return "timestamps=[numpy.cumsum(each) for each in dt]"
        if several:
            return "timestamps=pandas.Series(dt).groupby(groups).cumsum()"
        return "timestamps=numpy.cumsum(dt)"
    if sequences.time_source != "the time column":
        return ""
    time, names = sequences.columns.time, sequences.columns.names
    if sequences.layout == "cube":
        one = f"{name}[:, :, {time}]"
        return f"{one} = numpy.cumsum({one}, axis=1)"
    each = "each" if sequences.layout == "ragged" else name
    if names is None:
        line = f"{each}[:, {time}] = numpy.cumsum({each}[:, {time}])"
    else:
        one = f"{each}[{str(names[time])!r}]"
        line = f"{one} = {one}.cumsum()"
    if sequences.layout == "ragged":
        return f"for each in {name}: {line}"
    return f"{line}, in each recording by itself" if several else line
