"""Gaps far from those of training: another unit, or nothing to worry about.

Tested elsewhere: that estimators and streams warn (test_time.py, streaming).
"""

import numpy as np
import pytest

from LNN.data.gap_range import GapRange

RNG = np.random.default_rng(0)
JITTER = RNG.exponential(60.0, 500)
# Every minute, but for an outage of up to a day now and then.
OUTAGES = np.where(np.arange(500) % 125 == 9, 80_000.0, 60.0 + RNG.normal(size=500))
# A tenth of the gaps are those of recordings by the hour.
PANEL = np.r_[np.full(450, 60.0), np.full(50, 3600.0)] + RNG.normal(size=500)
TRAINING = {"jitter": JITTER, "outages": OUTAGES, "panel": PANEL}


def far_gaps(training, gaps):
    return GapRange.of(training, float(np.median(training))).describe_far_gaps(
        np.asarray(gaps)
    )


@pytest.mark.parametrize("kind", TRAINING)
@pytest.mark.parametrize("factor", [1000.0, 1 / 1000, 1 / 86400])
def test__describe_far_gaps__another_unit__says_how_far(kind, factor):
    gaps = TRAINING[kind]
    assert far_gaps(gaps, gaps * factor) is not None
    # Also where the new data have no outage.
    typical = np.full(20, factor * np.median(gaps))
    assert f"{factor:.4g} times that of training" in far_gaps(gaps, typical)


@pytest.mark.parametrize("kind", TRAINING)
@pytest.mark.parametrize("n", [1, 2, 5, 12, 100])
def test__describe_far_gaps__rows_like_those_of_training__none(kind, n):
    gaps = TRAINING[kind]
    pieces = np.lib.stride_tricks.sliding_window_view(gaps, n)
    assert {far_gaps(gaps, piece) for piece in pieces} == {None}


def test__describe_far_gaps__few_long_gaps_or_none__none():
    for gaps in ([], [np.nan], [0.0, 0.0], [80_000.0] * 3, [100_000.0, 60.0]):
        assert far_gaps(OUTAGES, gaps) is None
    assert far_gaps(PANEL, np.full(50, 3600.0)) is None


def test__describe_far_gaps__a_gap_far_beyond_the_longest__is_enough():
    assert "a gap of 3.2e+07, 400 times the longest" in far_gaps(OUTAGES, [60.0, 3.2e7])
    assert "at most 0.001" in far_gaps(PANEL, [0.0, 0.001])


def test__known_gaps__no_time_in_training__nothing_to_know():
    assert GapRange.of(np.array([np.nan, 0.0]), 1.0) is None


def test__describe_far_gaps__gaps_of_a_clock__are_durations():
    known = GapRange.of(np.full(20, 3600.0), 3600.0)
    said = known.describe_far_gaps(np.full(20, 259200.0), "datetimes or durations")
    assert said == (
        "gaps with a median of 3 days, 0:00:00, 72 times that of training (1:00:00)"
    )
