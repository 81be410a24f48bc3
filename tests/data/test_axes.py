"""Arrays whose axes are not those that they are read by, and what settles it."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from tiny import TINY

from LNN import LiquidClassifier, LiquidNeuralNetwork, LiquidRegressor
from LNN.data.axes import warn_of_odd_axes
from LNN.exceptions import InvalidInputError, LNNWarning

RNG = np.random.default_rng(0)
HOW = TINY | {"epochs": 1, "early_stopping": False}


def waves(n, steps):
    """Series in no order, as rows."""
    speed, phase = RNG.uniform(0.1, 0.3, n), RNG.uniform(0, 6, n)
    time = np.arange(steps)
    return np.sin(speed[:, None] * time + phase[:, None]) + 0.02 * RNG.normal(
        size=(n, steps)
    )


SERIES = waves(60, 48)
LABELS = np.arange(60) % 2
CHANNELS = np.stack([waves(60, 48), waves(60, 48), waves(60, 48)], axis=1)


@pytest.mark.parametrize("estimator", [LiquidClassifier, LiquidRegressor])
def test__rows__one_series_each__warn_with_the_line_to_write(estimator):
    with pytest.warns(LNNWarning, match=r"60 rows of one recording.*pass X\[..., None"):
        estimator(**HOW).fit(SERIES, LABELS)
    with pytest.warns(LNNWarning, match=r"X.to_numpy\(\)\[..., None\]"):
        estimator(**HOW).fit(pd.DataFrame(SERIES), LABELS)
    with pytest.warns(LNNWarning, match=r"\(20, 48\) is read as 20 rows"):
        estimator(**HOW).fit(RNG.normal(size=(20, 48)), LABELS[:20])
    with pytest.warns(LNNWarning, match=r"pass numpy.array\(X\)\[..., None\]"):
        estimator(**HOW).fit(SERIES.tolist(), LABELS)
    with pytest.warns(LNNWarning, match=r"pass X\[..., None\]"):
        estimator(**HOW).fit(torch.from_numpy(SERIES), LABELS)
    estimator(**HOW).fit(SERIES[..., None], LABELS)


@pytest.mark.parametrize(
    ("what", "X"),
    [
        ("3 steps", CHANNELS),
        ("2 steps", RNG.normal(size=(10, 2, 50))),
        ("1 step", RNG.normal(size=(60, 1, 24))),
        ("1 step", SERIES[:, None]),
    ],
)
def test__cube__channels_first__warns_with_the_line_to_write(what, X):
    y = LABELS[: len(X)]
    match = rf"{len(X)} sequences of {what} with.*pass X.transpose\(0, 2, 1\)"
    with pytest.warns(LNNWarning, match=match):
        LiquidClassifier(**HOW).fit(X, y)
    with pytest.warns(LNNWarning, match=r"pass \[x.T for x in X\]"):
        LiquidClassifier(**HOW).fit(list(X), y)
    LiquidClassifier(**HOW).fit(X.transpose(0, 2, 1), y)
    LiquidClassifier(**HOW, layout="sequences").fit(X, y)
    LiquidClassifier(**HOW, layout="sequences").fit(list(X), y)


def test__layout__said__silences_and_is_held_to_it():
    rows = LiquidClassifier(**HOW, layout="rows")
    rows.fit(SERIES, LABELS)
    assert clone(rows).layout == "rows"
    with pytest.raises(InvalidInputError, match='2-D X by layout="rows", got seq'):
        rows.fit(SERIES[..., None], LABELS)
    with pytest.raises(InvalidInputError, match='2-D X by layout="rows", got seq'):
        rows.fit([*SERIES[..., None]], LABELS)
    sequences = LiquidNeuralNetwork(**HOW, layout="sequences")
    with pytest.raises(InvalidInputError, match=r'by layout="sequences".*X\[\.\.\., N'):
        sequences.fit(SERIES, LABELS)
    with pytest.raises(InvalidInputError, match="sequences"):
        sequences.fit(pd.DataFrame(SERIES), LABELS)
    sequences.fit(SERIES[..., None], LABELS)
    with pytest.raises(InvalidInputError, match="'layout' parameter.* 'rows', 'seq"):
        LiquidNeuralNetwork(layout="channels_first").fit(SERIES, LABELS)


def test__fit__something_says_what_the_axes_are__does_not_warn():
    dates = pd.date_range("2024", periods=60)
    how = LiquidClassifier(**HOW)
    how.fit(pd.DataFrame(SERIES, dates), LABELS)
    how.fit(pd.DataFrame(SERIES).add_prefix("sensor"), LABELS)
    how.fit(SERIES, LABELS, timestamps=np.arange(60))
    how.fit(SERIES, LABELS, groups=LABELS)
    LiquidClassifier(**HOW, window_length=1).fit(SERIES, LABELS)
    LiquidClassifier(**HOW, time_column=0).fit(np.c_[np.arange(60), SERIES], LABELS)
    y = RNG.integers(0, 3, (60, 3))
    how.fit(CHANNELS, y)  # a class per step: there are 3
    how.fit([pd.DataFrame(x).add_prefix("s") for x in CHANNELS], LABELS)
    frames = pd.DataFrame(SERIES), LABELS
    model = LiquidClassifier(**HOW, layout="rows").fit(*frames)
    model.predict(SERIES[:9])


def test__predict__one_step_of_many_features__does_not_warn():
    X = RNG.normal(size=(40, 30, 24))
    model = LiquidRegressor(**HOW).fit(X, X[:, -1, 0])
    model.predict(X[:, :1])


def test__recordings__with_many_features__are_not_doubted():
    walk = RNG.normal(size=(300, 40)).cumsum(axis=0)
    noise = RNG.normal(size=(300, 40))
    lags = np.lib.stride_tricks.sliding_window_view(walk[:, 0], 30)
    spectra = np.sin(np.arange(64) / 5) + 0.1 * walk[:, :1]
    ordered = walk[:20, :30]
    one_hot = np.eye(30)[RNG.integers(0, 30, 300)]
    for rows in (walk, noise, lags, spectra, ordered, one_hot, np.zeros((30, 20))):
        warn_of_odd_axes(rows, "rows", window_length=32)
    warn_of_odd_axes(np.full((30, 20), np.nan), "rows", window_length=32)


def test__rows__of_large_data__are_counted_in_the_message(tmp_path):
    """Only the first ones are looked at; the message counts all."""
    many = waves(3000, 16)
    with pytest.warns(LNNWarning, match=r"\(3000, 16\) is read as 3000 rows"):
        warn_of_odd_axes(many, "rows", window_length=32)
    stored = np.memmap(tmp_path / "rows", float, "w+", shape=(3000, 16))
    stored[:] = RNG.normal(size=(3000, 16)).cumsum(axis=0)
    warn_of_odd_axes(stored, "rows", window_length=32)


def test__sequences__with_many_features__are_not_doubted():
    for shape in ((200, 10, 60), (300, 3, 40), (30, 28, 28), (40, 5, 9), (1, 100, 64)):
        noise = RNG.normal(size=shape)
        for X in (noise, noise.cumsum(axis=1), np.zeros(shape)):
            warn_of_odd_axes(X, "cube", window_length=32)
            warn_of_odd_axes(list(X), "ragged", window_length=32)
    frames = np.exp(-((np.arange(64) - RNG.uniform(20, 40, (50, 1, 1))) ** 2) / 90)
    growing = frames * np.linspace(1, 2, 10)[:, None]  # spectra that change slowly
    warn_of_odd_axes(growing, "cube", window_length=32)
