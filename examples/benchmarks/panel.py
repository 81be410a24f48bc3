"""A panel: 20,000 recordings of 50 irregular rows, 10 % of the values missing.

    python examples/benchmarks/panel.py                 about three minutes
    python examples/benchmarks/panel.py --recordings 2000

The same 1,000,000 rows of 8 channels come as

    frame   one long frame with a MultiIndex (recording, time); one training window per
            recording, and a prediction for every row
    list    a list of arrays with a list of time stamps; one target per recording

and are fitted (one epoch, missing="mask") and predicted. Printed are the time, the
growth of the resident memory over what the data take, and from a second, profiled run
the function that was called most often: were there a Python loop over rows, it would be
called a million times.

Last, preparation alone (checks, statistics of the channels, scaling) of a wide panel,
200,000 rows of 200 channels, with one thread and with two, in turns.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import statistics
import time
from functools import partial

import numpy as np
import pandas as pd
import torch
from memory import MB, peak, resident

from LNN import LiquidRegressor
from LNN.batching.scaled_rows import ScaledRows
from LNN.data import SequenceScaler, read_sequences

ROWS, CHANNELS, MISSING = 50, 8, 0.1


def make(recordings: int, channels: int = CHANNELS) -> tuple[np.ndarray, ...]:
    """Return values (n, ROWS, channels), times (n, ROWS) and targets (n, ROWS)."""
    rng = np.random.default_rng(0)
    gaps = rng.exponential(size=(recordings, ROWS))
    times = gaps.cumsum(axis=1)
    steps = rng.normal(size=(recordings, ROWS, channels)) * np.sqrt(gaps)[..., None]
    values = steps.cumsum(axis=1)
    target = values[..., :2].sum(axis=-1)
    values[rng.random(values.shape) < MISSING] = np.nan
    return values, times, target


def as_frame(values, times, target):
    """Return the panel as a frame, one row per time, with the rest of fit's arguments.

    Rows of a frame are predicted one by one; training takes the last one of each
    recording.
    """
    n = len(values)
    index = pd.MultiIndex.from_arrays(
        [np.repeat(np.arange(n), ROWS), times.ravel()], names=["recording", "time"]
    )
    frame = pd.DataFrame(values.reshape(-1, values.shape[-1]), index=index)
    frame.columns = [f"channel {k}" for k in range(values.shape[-1])]
    return (frame, target.ravel()), {}, {"window_length": ROWS, "stride": ROWS}


def as_list(values, times, target):
    """Return the panel as a list of arrays."""
    return (list(values), target[:, -1]), {"timestamps": list(times)}, {}


def measure(name: str, work, data: float) -> None:
    """Run once for time and memory, once for the profile; print both."""
    before, start = resident(), time.perf_counter()
    with peak() as highest:
        work()
        seconds, grown = time.perf_counter() - start, highest() - before
    profile = cProfile.Profile()
    profile.runcall(work)
    calls, place = max(
        (entry[1], key) for key, entry in pstats.Stats(profile).stats.items()
    )
    print(
        f"{name:15s} {seconds:6.1f} s   data {data:.0f} MB, memory grew by "
        f"{grown:.0f} MB   called most: {place[2]}, {calls:,} times",
        flush=True,
    )


def run(recordings: int) -> None:
    """Fit and predict both forms of the panel."""
    values, times, target = make(recordings)
    data = (values.nbytes + times.nbytes) / MB
    print(f"{recordings:,} recordings of {ROWS} rows of {CHANNELS} channels")
    for name, form in (("frame", as_frame), ("list", as_list)):
        (X, y), arguments, settings = form(values, times, target)
        model = LiquidRegressor(
            missing="mask",
            epochs=1,
            early_stopping=False,
            batch_size=256,
            random_state=0,
            **settings,
        )
        work = {
            "fit": partial(model.fit, X, y, **arguments),
            "predict": partial(model.predict, X, **arguments),
        }
        for what, call in work.items():
            measure(f"{name}, {what}", call, data)
        score = model.score(X, y, **arguments)
        print(f"{'':15s} time unit {model.time_unit_:.2f}, R2 in training {score:.2f}")


def prepare(values: np.ndarray, groups: np.ndarray, n_jobs: int) -> None:
    """Do what fit does before the first batch."""
    sequences = read_sequences(
        values, window_length=ROWS, groups=groups, allow_missing=True, n_jobs=n_jobs
    )
    weights = sequences.row_weights()
    scaler = SequenceScaler().fit_rows(
        lambda: ((block, weights[at]) for at, block in sequences.iter_rows()), n_jobs
    )
    ScaledRows(sequences.rows, scaler, torch.float32, torch.device("cpu"), n_jobs)


def wide(repeats: int) -> None:
    """Time the preparation of a wide panel on one and on two threads."""
    values = make(4000, 200)[0].reshape(-1, 200)
    groups = np.repeat(np.arange(4000), ROWS)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(repeats):
        for n_jobs, found in seconds.items():
            start = time.perf_counter()
            prepare(values, groups, n_jobs)
            found.append(time.perf_counter() - start)
    ratios = [a / b for a, b in zip(*seconds.values(), strict=True)]
    one, two = (statistics.median(found) for found in seconds.values())
    print(
        f"preparing 200,000 rows of 200 channels ({values.nbytes / MB:.0f} MB): "
        f"n_jobs=1 {one:.2f} s, n_jobs=2 {two:.2f} s, median ratio "
        f"{statistics.median(ratios):.2f} ({os.cpu_count()} cores)"
    )


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    run(options.recordings)
    wide(options.repeats)


if __name__ == "__main__":
    main()
