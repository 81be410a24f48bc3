"""A clock that jitters is told of, with a line that mends it; odd times are not."""

import numpy as np
import pandas as pd

from LNN.data.jitter import jitter_told

MINUTES = pd.date_range("2024-01-01", periods=60, freq="min")


def _shifted(seconds, times=MINUTES):
    return times + pd.to_timedelta(seconds, unit="s")


def test__jitter_told__line__makes_times_regular():
    off = np.random.default_rng(0).integers(-1, 2, 60)
    told = jitter_told([_shifted(off)], 60.0, "y.index")
    assert "0:01:00 apart: gaps are off by up to 2 s" in told
    y = pd.Series(0.0, _shifted(off))
    line = told.split("write ")[1].removesuffix(" before fit.")
    names = {"y": y}
    exec(line, names)
    assert (names["y"].index == MINUTES).all()


def test__jitter_told__column_and_other_places():
    times = _shifted(np.tile([0, 1, -1], 20))
    assert "write X['t'] = X['t'].dt.round(\"min\")" in jitter_told(
        [times], 60.0, "X['t']"
    )
    assert "with .round" in jitter_told([times], 60.0, "X.index", plain=True)


def test__jitter_told__local_clock__is_rounded_in_utc():
    # The hour that comes twice at the end of summer time cannot be rounded as it is.
    utc = pd.date_range("2024-10-26 22:00", periods=120, freq="5min", tz="UTC")
    local = _shifted(np.tile([0, 1, -1], 40), utc).tz_convert("Europe/Berlin")
    told = jitter_told([local], 300.0, "y.index")
    names = {"y": pd.Series(0.0, local)}
    exec(told.split("write ")[1].removesuffix(" before fit."), names)
    assert (names["y"].index == utc).all()
    assert names["y"].index.tz == local.tz
    names = {"y": pd.DataFrame({"t": local})}
    told = jitter_told([local], 300.0, "y['t']")
    exec(told.split("write ")[1].removesuffix(" before fit."), names)
    assert (names["y"]["t"] == utc).all()


def test__jitter_told__rows_that_rounding_would_merge__are_not_rounded():
    times = _shifted(30 + np.tile([0, 1, -1], 20))  # to both sides of a half minute
    told = jitter_told([times], 60.0, "y.index")
    assert "round(" not in told
    assert 'resample("60s")' in told


def test__jitter_told__numbers():
    times = pd.Index(np.arange(60) + np.tile([0, 0.02, -0.02], 20))
    assert "whole steps" in jitter_told([times], 1.0, "y.index")


def test__jitter_told__lost_rows__count_as_whole_steps():
    kept = _shifted(np.tile([0, 1, -1], 20))[np.arange(60) % 7 > 0]
    assert "round" in jitter_told([kept], 60.0, "y.index")


def test__jitter_told__odd_times__nothing():
    rng = np.random.default_rng(0)
    for gaps in (rng.exponential(60, 200), rng.uniform(40, 80, 200), [60.3] * 5):
        times = MINUTES[0] + pd.to_timedelta(np.cumsum(gaps), unit="s")
        assert jitter_told([times], 60.0, "y.index") is None
