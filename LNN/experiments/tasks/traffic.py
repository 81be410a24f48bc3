"""Traffic on an interstate from weather, hour and weekday (LTC, table 3; UCI 492)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from LNN import datasets
from LNN.experiments.task import Part, Task, TaskData, loader
from LNN.experiments.tasks._windows import (
    Recording,
    cut,
    drawn,
    in_time,
    paper_starts,
    sound_data,
    whitened,
)
from LNN.experiments.trivial import Scores, linear, table_of_means

STEPS = 32
PAPER_STRIDE, SPLIT_SEED = 4, 23489
STRIDE = 8
# A window never spans a longer hole: there are two, of ten days and of ten months.
LONGEST_GAP = pd.Timedelta(days=7)
# Nowhere does it rain more in an hour: the file has 9831 mm once.
MOST_RAIN = 300.0
# Columns of the two protocols that tell hour and weekday.
PAPER_WEEKDAY, PAPER_NOON = 5, 6
HOUR, WEEKDAY = slice(5, 7), slice(7, 14)


def published() -> TaskData:
    """Load the windows of the LTC paper's code, of the version with axes put right."""
    bunch = datasets.fetch_traffic()
    time = pd.DatetimeIndex(bunch.timestamps)
    weather = bunch.data[["temp", "rain_1h", "snow_1h", "clouds_all"]].to_numpy(float)
    weather[:, 0] -= weather[:, 0].mean()
    noon = np.sin(np.pi * time.hour / 24)
    # The code compares text with None, so this one is always 0.
    holiday = np.zeros(len(time))
    X = np.column_stack([holiday, weather, time.day_of_week, noon])
    rows = Recording(X, whitened(bunch.target)[:, None])
    windows = cut(rows, paper_starts(len(rows), STEPS, PAPER_STRIDE), STEPS)
    return drawn(windows, SPLIT_SEED)


def sound() -> TaskData:
    """Load windows of mended rows, parted in time."""
    table = mended()
    spans = in_time(len(table))
    learnt = table["traffic"].iloc[spans[0]]
    y = ((table.pop("traffic") - learnt.mean()) / learnt.std(ddof=0)).to_numpy()
    hours = (table.index - table.index[0]) / pd.Timedelta(hours=1)
    rows = Recording(table.to_numpy(np.float64), y[:, None], hours.to_numpy())
    parts = (_without_holes(rows[span]) for span in spans)
    return sound_data(*parts, steps=STEPS, stride=STRIDE)


def mended() -> pd.DataFrame:
    """Return one row per hour known, in time order, with what is wrong held.

    Columns: temp, rain_1h, snow_1h, clouds_all, holiday (1 at the midnight row where
    the file names one), hour and day of the year as sine and cosine, the weekday as
    seven columns, and last the traffic.
    """
    bunch = datasets.fetch_traffic()
    table = bunch.data[["temp", "rain_1h", "snow_1h", "clouds_all"]].astype(float)
    table["temp"] = table["temp"].where(table["temp"] > 0)  # 0 kelvin
    table["rain_1h"] = table["rain_1h"].where(table["rain_1h"] < MOST_RAIN)
    table["holiday"] = (bunch.data["holiday"] != "None").astype(float)
    table["traffic"] = np.asarray(bunch.target, dtype=float)
    table.index = pd.DatetimeIndex(bunch.timestamps)
    # An hour with several kinds of weather has several rows, of the same traffic.
    table = table.sort_index(kind="stable")
    table = table[~table.index.duplicated()]
    table = table.fillna(table[["temp", "rain_1h"]].ffill())
    traffic = table.pop("traffic")
    _add_calendar(table)
    return table.assign(traffic=traffic)


def _add_calendar(table: pd.DataFrame) -> None:
    time = table.index
    for name, turn in (("hour", time.hour / 24), ("year", time.day_of_year / 365.25)):
        table[f"{name}_sin"] = np.sin(2 * np.pi * turn)
        table[f"{name}_cos"] = np.cos(2 * np.pi * turn)
        if name == "hour":
            for day in range(7):
                table[f"weekday_{day}"] = (time.day_of_week == day).astype(float)


def _without_holes(rows: Recording) -> list[Recording]:
    longest = LONGEST_GAP / pd.Timedelta(hours=1)
    assert rows.time is not None
    breaks = np.flatnonzero(np.diff(rows.time) > longest) + 1
    ends = [0, *breaks, len(rows)]
    return [rows[a:b] for a, b in zip(ends[:-1], ends[1:], strict=True)]


def trivial(data: TaskData) -> Scores:
    """Score a linear regression, and the mean of the same hour and weekday."""
    if data.train.timestamps is None:
        folded = table_of_means(data, _paper_keys)
        return {
            **linear(data),
            "folded hour x weekday": folded,
            "hour x weekday": table_of_means(data, _paper_hours),
        }
    return {**linear(data), "hour x weekday": table_of_means(data, _sound_hours)}


def _paper_keys(part: Part) -> np.ndarray:
    """Weekday and what the sine says of the hour: 7 in the morning is 17 o'clock."""
    noon = np.clip(part.X[..., PAPER_NOON], -1, 1).astype(np.float64)
    folded = np.rint(np.arcsin(noon) * 24 / np.pi).astype(int)
    return folded + 24 * part.X[..., PAPER_WEEKDAY].astype(int)


def _paper_hours(part: Part) -> np.ndarray:
    """Weekday and hour, which is after noon where the sine has been falling."""
    folded = _paper_keys(part)
    change = np.sign(np.diff(part.X[..., PAPER_NOON], axis=1, prepend=np.nan))
    known = pd.DataFrame(np.where(change == 0, np.nan, change))
    falling = (known.ffill(axis=1).bfill(axis=1) < 0).to_numpy()
    hour = folded % 24
    return np.where(falling & (hour > 0), folded - hour + 24 - hour, folded)


def _sound_hours(part: Part) -> np.ndarray:
    """Weekday and hour, from columns that may be scaled."""
    sine, cosine = np.moveaxis(part.X[..., HOUR].astype(np.float64), -1, 0)
    hour = np.rint(np.arctan2(sine, cosine) * 24 / (2 * np.pi)).astype(int) % 24
    return hour + 24 * part.X[..., WEEKDAY].argmax(axis=-1)


TASK = Task(
    name="traffic",
    kind="regression",
    metric="mse",
    title="Traffic volume of the hour on an interstate, from weather and calendar",
    load=loader(published, sound),
    trivial=trivial,
    settings={"return_sequences": True},
    notes={
        "published": (
            "12043 windows of 32 rows, every 4th, split at random (9033, 1204, 1806), "
            "so every test row also stands in training windows. The target is that of "
            "the same hour, whitened over all rows. The time axis is as in the code "
            "since August 2021; the paper is older, and its code swapped the axes. The "
            "hour comes as sin(pi h / 24), which is the same at 7 and at 17 o'clock. "
            "The holiday column is constant. A table of hour and weekday beats the "
            "paper's best model."
        ),
        "sound": (
            "In time: 75, 10 and 15 % of the 40575 hours known. Duplicates are "
            "dropped; temperatures of 0 K and a rain of 9831 mm are replaced by the "
            "value before. Hour and day of the year come as sine and cosine, the "
            "weekday as seven columns, a holiday at the midnight row that names it. "
            "Time stamps are in hours. Windows of 32 rows (for training every 8 rows) "
            "do not span holes of more than a week. The target is in deviations of the "
            "training target."
        ),
    },
)
