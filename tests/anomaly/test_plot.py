"""The picture of scores shows what `anomaly_scores`, `judged` and `events` say."""

import numpy as np
import pandas as pd
import pytest
from anomaly_cases import fitted_on_frame, fitted_on_wave, frame, wave

from LNN.exceptions import InvalidInputError


@pytest.fixture(autouse=True)
def pyplot():
    pytest.importorskip("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def test__plot__shows_scores_threshold_and_events():
    X = frame(900)
    X.iloc[750:760, 0] += 3.0
    model = fitted_on_frame()
    ax = model.plot(X)
    drawn, line = ax.lines[0], ax.lines[1]
    expected = model.anomaly_scores(X).where(model.judged(X))
    np.testing.assert_array_equal(drawn.get_ydata(), expected)
    assert line.get_ydata()[0] == -model.offset_
    events = model.events(X)
    assert len(events)
    assert len(ax.patches) == len(events)
    told = [text.get_text() for text in ax.get_legend().get_texts()]
    assert told == ["event", "score", "threshold, one usual row in 1,000"]


def test__plot__given_axes__are_drawn_on(pyplot):
    X = wave(1200)[:400]
    stamps = np.arange(400.0)
    model = fitted_on_wave()
    _, ax = pyplot.subplots()
    assert model.plot(X, ax=ax) is ax
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), stamps)


def test__plot__several_recordings__says_to_pass_one():
    both = pd.concat({"a": frame(300), "b": frame(300)})
    with pytest.raises(InvalidInputError, match="one recording to draw, got 2"):
        fitted_on_frame().plot(both)
