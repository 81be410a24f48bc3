"""Labels of X, y, weights, groups and time stamps that disagree are told.

Rows are taken as they stand: labels that were reset, or those of a forecast by slices,
say nothing against that.
"""

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidClassifier, LiquidRegressor
from LNN.data.alignment import warn_if_misaligned
from LNN.exceptions import LNNWarning

HOURS = pd.date_range("2020", periods=6, freq="h")
PANEL = pd.MultiIndex.from_product([["a", "b"], HOURS[:3]])
ALIGNED = {
    "same": (HOURS, HOURS.copy()),
    "another zone": (
        HOURS.tz_localize("UTC"),
        HOURS.tz_localize("UTC").tz_convert("Asia/Tokyo"),
    ),
    "another unit": (HOURS, HOURS.as_unit("s")),
    "periods": (HOURS, HOURS.to_period("h")),
    "forecast": (HOURS[:-2], HOURS[2:]),
    "forecast of a panel": (PANEL[[0, 1, 3, 4]], PANEL[[1, 2, 4, 5]]),
    "numbers": (HOURS, pd.RangeIndex(6)),
    "zone on one": (HOURS, HOURS.tz_localize("UTC")),
    "zone on one, in universal time": (
        HOURS,
        HOURS.tz_localize("UTC").tz_convert("Asia/Tokyo"),
    ),
    "a reset of numbers": (pd.Index([3, 4, 9, 12, 13, 20]), pd.RangeIndex(6)),
    "a reset before the split": (pd.Index([*"abcdef"]), pd.RangeIndex(100, 106)),
    "rows of two splits, counted": (pd.RangeIndex(6), pd.RangeIndex(3, 9)),
    "forecast of names that repeat": (pd.Index([*"aaaabbbb"]), pd.Index([*"aaabbbbb"])),
    "forecast of numbers": (pd.Index([1, 3, 4, 8, 9]), pd.Index([3, 4, 8, 9, 11])),
    "numbers of another type": (pd.Index([1, 3, 4]), pd.Index([1.0, 3.0, 4.0])),
    "categories": (pd.Index([*"abc"]), pd.CategoricalIndex([*"abc"])),
    "the time of a panel": (PANEL, PANEL.get_level_values(1)),
    "the recording of a panel": (PANEL, PANEL.get_level_values(0)),
    "panel without names": (PANEL.set_names(["a", "b"]), PANEL),
    "text of the same times": (HOURS, pd.Index(HOURS.astype(str))),
    "a single row": (pd.Index([0]), pd.Index([0])),
    "no rows": (HOURS[:0], pd.Index([])),
}


@pytest.mark.parametrize("kind", ALIGNED)
def test__X_and_y__labels_that_need_not_differ__no_warning(kind):
    index, other = ALIGNED[kind]
    X = pd.DataFrame({"x": 0.0}, index=index)
    warn_if_misaligned(X, pd.Series(0.0, index=other))
    warn_if_misaligned(X, np.zeros(len(X)))
    warn_if_misaligned(X.to_numpy(), pd.Series(0.0, index=other[::-1]))


@pytest.mark.parametrize(
    "index", [HOURS, HOURS - HOURS[0] + pd.Timedelta("1D"), HOURS.to_period("h")]
)
@pytest.mark.parametrize("panel", [False, True])
def test__X_and_y__other_order_of_rows__warns(index, panel):
    order = [0, 1, 3, 2, 4, 5]
    if panel:
        index = pd.MultiIndex.from_product([["a"], index])
    X, y = pd.DataFrame({"x": 0.0}, index=index), pd.Series(0.0, index=index[order])
    with pytest.warns(LNNWarning, match="row 2 is .* in X_val and .* in y_val"):
        warn_if_misaligned(X, y, "_val")
    with pytest.warns(LNNWarning, match=r"y\.loc\[X\.index\].*y\.to_numpy\(\)"):
        warn_if_misaligned(X, y.to_frame())
    warn_if_misaligned(X, y.loc[X.index])


def test__X_and_y__of_other_days__warns():
    X = pd.DataFrame({"x": 0.0}, index=HOURS)
    with pytest.warns(LNNWarning, match="row 0 is 2020-01-01 00:00:00 in X and 2020-0"):
        warn_if_misaligned(X, pd.Series(0.0, index=HOURS + pd.Timedelta("1D")))
    # Targets of the row before are no forecast.
    with pytest.warns(LNNWarning, match="row 0"):
        warn_if_misaligned(X[1:], pd.Series(0.0, index=HOURS[:-1]))


def test__labels__y_in_reverse_order__warns():
    index = pd.date_range("2024", periods=20, freq="h")
    X, y = pd.DataFrame({"v": np.arange(20.0)}, index=index), np.arange(20.0)
    model = LiquidRegressor(4, window_length=4, epochs=1)
    with pytest.warns(LNNWarning, match="do not belong together: row 0"):
        model.fit(X, pd.Series(y, index=index)[::-1])
    model.fit(X[:-8], pd.Series(y, index=index)[8:])  # a forecast by slices


APART = {
    "text in another order": (pd.Index([*"abcdef"]), pd.Index([*"fedcba"])),
    "counted rows, shuffled": (pd.RangeIndex(6), pd.Index([0, 3, 1, 2, 5, 4])),
    "counted rows, reversed": (pd.RangeIndex(6), pd.RangeIndex(5, -1, -1)),
    "names that repeat": (pd.Index([*"aabb"]), pd.Index([*"abab"])),
    "levels in another order": (PANEL, PANEL[[3, 4, 5, 0, 1, 2]]),
    "levels without time": (
        pd.MultiIndex.from_product([[*"ab"], [*"cd"]]),
        pd.MultiIndex.from_product([[*"ba"], [*"cd"]]),
    ),
    "numbers, some of them": (pd.Index([1, 3, 4, 8, 9]), pd.Index([1, 3, 5, 8, 9])),
    "numbers, none of them": (pd.Index([1, 3, 4, 8]), pd.Index([2, 5, 6, 7])),
    "text, some of them": (pd.Index([*"abcd"]), pd.Index([*"abxd"])),
    "dates and text": (HOURS, pd.Index([*"abcdef"])),
    "dates and text of others": (HOURS, pd.Index(HOURS[::-1].astype(str))),
    "dates and text, written otherwise": (HOURS, HOURS.strftime("%d.%m.%Y %H:%M")),
    "dates and numbers": (HOURS, pd.Index([3, 5, 6, 7, 8, 9])),
    "dates and durations": (HOURS, HOURS - HOURS[0]),
    "zones of other times": (HOURS, HOURS.tz_localize("UTC") + pd.Timedelta("1D")),
    "panel and other times": (PANEL, HOURS),
    "periods, shifted": (HOURS.to_period("h"), HOURS + pd.Timedelta("30min")),
}
ADVICE = {
    "text in another order": r"align them \(y\.loc\[X\.index\]\)",
    "names that repeat": "sort both alike",
    "numbers, some of them": r"both have \(X\.index\.intersection\(y\.index\)\)",
    "dates and numbers": "give both the same index",
}


@pytest.mark.parametrize("kind", APART)
def test__X_and_y__labels_disagree__warns(kind):
    index, other = APART[kind]
    X = pd.DataFrame({"x": 0.0}, index=index)
    told = ADVICE.get(kind, "do not belong together: row .*to_numpy")
    for labelled in (
        pd.Series(0.0, index=other),
        pd.DataFrame({"y": 0.0}, index=other),
    ):
        with pytest.warns(LNNWarning, match=told):
            warn_if_misaligned(X, labelled)


@pytest.mark.parametrize("name", ["sample_weight", "groups", "timestamps"])
def test__others__labels_disagree__are_told_by_name(name):
    X = pd.DataFrame({"x": 0.0}, index=HOURS)
    y, other = pd.Series(0.0, index=HOURS), pd.Series(1.0, index=HOURS[::-1])
    told = rf"rows of X and {name} .* row 0 .*{name}\.loc\[X\.index\]"
    with pytest.warns(LNNWarning, match=told):
        warn_if_misaligned(X, y, **{name: other})
    with pytest.warns(LNNWarning, match=rf"rows of X_val and {name}_val"):
        warn_if_misaligned(X, None, "_val", **{name: other})
    # Sequences have no labels, but their targets may.
    with pytest.warns(LNNWarning, match=f"rows of y and {name}"):
        warn_if_misaligned(np.zeros((6, 2, 1)), y, **{name: other})
    warn_if_misaligned(X, y, **{name: other[::-1]})
    warn_if_misaligned(X, y, **{name: other.to_numpy()})
    warn_if_misaligned(X[2:], y[2:], **{name: other})  # with those of a context


def test__lists__labels_of_a_part_disagree__warns_once():
    X = [pd.DataFrame({"x": 0.0}, index=HOURS) for _ in range(3)]
    y = [pd.Series(0.0, index=HOURS), *[pd.Series(0.0, index=HOURS[::-1])] * 2]
    with pytest.warns(LNNWarning, match=r"X\[1\] and y\[1\].*y\[1\]\.loc") as told:
        warn_if_misaligned(X, y)
    assert len(told) == 1
    warn_if_misaligned(X, [y[0]] * 3)
    warn_if_misaligned(X, [0.0, 1.0, 2.0])
    warn_if_misaligned(X, [y[0].to_numpy()] * 3)
    arrays = [part.to_numpy() for part in X]
    warn_if_misaligned(arrays, [y[0]], timestamps=[y[0]])  # too few: an error later


VALUES = np.sin(np.arange(40.0))
FRAME = pd.DataFrame({"v": VALUES}, index=pd.date_range("2024", periods=40, freq="h"))


def test__estimators__labels_disagree__every_method_tells_once():
    labels = pd.Series(VALUES > 0, index=FRAME.index)
    model = LiquidClassifier(4, window_length=4, epochs=1)
    with pytest.warns(LNNWarning, match="rows of X and sample_weight") as told:
        model.fit(FRAME, labels, sample_weight=labels[::-1] + 1)
    assert len(told) == 1
    with pytest.warns(LNNWarning, match="rows of X and y") as told:
        model.score(FRAME, labels[::-1])
    assert len(told) == 1
    with pytest.warns(LNNWarning, match="rows of X_val and y_val") as told:
        model.fit(FRAME, labels, X_val=FRAME, y_val=labels[::-1])
    assert len(told) == 1


def test__predict__time_stamps_of_other_rows__are_told():
    frame = FRAME.reset_index(drop=True)
    times = pd.Series(np.arange(40.0), index=[*range(1, 40), 0])
    model = LiquidRegressor(4, window_length=4, epochs=1)
    model.fit(frame, VALUES, timestamps=times.to_numpy())
    with pytest.warns(LNNWarning, match="rows of X and timestamps"):
        model.predict(frame, timestamps=times)
    with pytest.warns(LNNWarning, match="rows of X and timestamps"):
        model.score(frame, VALUES, timestamps=times)
