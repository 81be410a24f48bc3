"""Explanations add up, find a planted rule, and name what the user knows."""

import re
from functools import cache

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection import attribution, explain
from LNN.inspection.places import told_apart

QUICK = {"epochs": 3, "random_state": 0}
X = np.random.default_rng(0).normal(size=(24, 10, 3))
Y = X[:, -1, 0]
HOLED = np.where(np.random.default_rng(1).random(X.shape) < 0.3, np.nan, X)
TIMES = pd.date_range("2026-03-01 10:00", periods=60, freq="min")
ROWS = pd.DataFrame(
    np.random.default_rng(0).normal(size=(60, 2)), TIMES, columns=["heat", "flow"]
)
FITS = {
    "rows": ({"window_length": 5}, ROWS, ROWS["heat"]),
    "whole": ({"window_length": None}, ROWS, ROWS["heat"]),
    "anchor": (
        {"window_length": 5, "anchor": "heat"},
        ROWS,
        ROWS["heat"] + 0.5 * ROWS["flow"],
    ),
    "cube": ({}, X, Y),
    "ragged": ({}, [x[: 4 + k % 5] for k, x in enumerate(X)], Y),
    "patches": ({"patch": 4}, X, Y),
    "missing": ({"missing": "mask"}, HOLED, Y),
    "per step": ({"return_sequences": True}, X, X[:, :, 0]),
    "two targets": ({}, X, X[:, -1, :2]),
    "quantiles": ({"loss": "quantile", "quantile": [0.1, 0.5]}, X, Y),
    "motor": ({"readout": "motor", "model_type": "LTC"}, X, Y),
    "memory": ({"mixed_memory": True}, X, Y),
    "LSTM": ({"model_type": "LSTM"}, X, Y),
    "two classes": ({}, X, np.where(Y > 0, "ill", "well")),
    "three classes": ({"model_type": "LTC"}, X, np.digitize(Y, [-0.5, 0.5])),
}


@cache
def case(name):
    parameters, X, y = FITS[name]
    kind = LiquidClassifier if "classes" in name else LiquidRegressor
    return kind(6, **QUICK, **parameters).fit(X, y), X


@pytest.mark.quick_cases("rows", "ragged", "two classes")
@pytest.mark.parametrize("name", FITS)
def test__explain__of_any_model__adds_up_and_agrees_with_attribution(name):
    model, X = case(name)
    found = explain(model, X, 7)
    assert found.completeness_error < 1e-6
    for part in (found.columns, found.steps, found.left):
        assert part.sum() == pytest.approx(found.difference, abs=1e-6)
    output = found.answer if "classes" in name else None
    theirs = attribution(model, X, rows=[7], output=output)
    np.testing.assert_allclose(found.attributions, theirs.attributions[0], atol=1e-6)
    assert sum(found.left_groups.values()) == pytest.approx(found.difference, abs=1e-6)
    if name != "LSTM":
        assert found.entered.sum() == pytest.approx(found.difference, abs=1e-6)
        assert found.entered.shape == (*found.values.shape, len(found.entries))
    else:
        assert found.entered is None
        assert "Entered" not in str(found)
    assert len(found.labels) == len(found.values) == len(found.attributions)
    assert str(found).endswith("They explain the model, not the world.")


def test__answer__is_that_of_predict():
    for name in ("rows", "whole", "cube", "anchor"):
        model, X = case(name)
        found = explain(model, X, 7)
        assert found.answer == pytest.approx(float(model.predict(X)[7]), rel=1e-6)
    model, X = case("two targets")
    assert explain(model, X, 7, output=1).answer == pytest.approx(
        float(model.predict(X)[7, 1]), rel=1e-6
    )
    model, X = case("per step")
    found = explain(model, X, 7, step=4)
    assert found.answer == pytest.approx(float(model.predict(X)[7, 4]), rel=1e-5)
    assert found.title == "sequence 7, step 4"


@pytest.mark.slow
def test__classes__the_one_that_is_answered_is_explained():
    for name in ("two classes", "three classes"):
        model, X = case(name)
        p = model.predict_proba(X)
        for k in range(4):
            found = explain(model, X, k)
            assert found.answer == model.predict(X)[k]
            assert 1 / (1 + np.exp(-found.output)) == pytest.approx(
                p[k].max(), rel=1e-3
            )
            assert f"{p[k].max():.3g}" in str(found)
            assert found.unit == f"log odds of {found.answer}"


def test__rows__have_the_names_of_the_index_and_their_own_values():
    model, X = case("rows")
    found = explain(model, X, 7)
    assert found.labels == list(TIMES[3:8])
    np.testing.assert_allclose(found.values, X.iloc[3:8])
    np.testing.assert_allclose(found.baseline, model.scaler_.center_)
    assert found.title == "row 2026-03-01 10:07:00"
    for word in ("heat", "flow", "10:07:00", "inter", "motor"):
        assert word in str(found)
    first = explain(model, X, 0)
    assert first.labels == [TIMES[0]]


def test__text__above_all__has_the_sign_of_the_whole():
    for name in ("rows", "cube", "two classes"):
        model, X = case(name)
        for row in range(12):
            lines = str(explain(model, X, row)).splitlines()
            signs = [re.findall(r" ([+-])\d", line)[:2] for line in lines]
            pairs = zip(signs, lines, strict=True)
            told = [pair for pair, line in pairs if "above all" in line]
            assert len(told) > 1
            assert all(whole == part for whole, part in told)


def test__text__times_with_nanoseconds__are_as_long_as_tells_them_apart():
    model, _ = case("rows")
    found = explain(model, ROWS.set_index(TIMES + pd.Timedelta(123456789, "ns")), 20)
    assert found.labels[-1] == TIMES[20] + pd.Timedelta(123456789, "ns")
    assert str(found).startswith("row 2026-03-01 10:20:00: the answer")
    assert "10:20:00." not in str(found)


@pytest.mark.parametrize("zone", [None, "Europe/Vienna"])
def test__told_apart__close_times__keep_the_digits_they_need(zone):
    times = pd.to_datetime(["2026-03-01 10:00:00.0012", "2026-03-01 10:00:00.0024"])
    end = "+01:00" if zone else ""
    assert told_apart([*times.tz_localize(zone), "context", 3]) == [
        f"2026-03-01 10:00:00.001{end}",
        f"2026-03-01 10:00:00.002{end}",
        "context",
        "3",
    ]
    near = [times[0], times[0] + pd.Timedelta(1, "ns"), times[0]]
    assert told_apart(near) == [str(one) for one in near]
    assert told_apart([]) == []


def test__anchor__text_tells_that_the_change_is_explained():
    model, X = case("anchor")
    found = explain(model, X, 7)
    present = X["heat"].iloc[7]
    assert found.output + present == pytest.approx(found.answer, abs=1e-5)
    assert "change from the anchor" in str(found)


def test__timestamps__name_the_steps():
    times = np.random.default_rng(0).exponential(size=(len(X), 10)).cumsum(axis=1)
    model = LiquidRegressor(6, **QUICK).fit(X, Y, timestamps=times)
    found = explain(model, X, 3, timestamps=times)
    np.testing.assert_array_equal(found.labels, times[3])


def test__top__is_in_order_of_size():
    model, X = case("cube")
    found = explain(model, X, 7)
    top = found.top(4)
    sizes = [abs(share.share) for share in top]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == np.abs(found.attributions).max()
    column = int(top[0].column.removeprefix("column "))
    assert X[7, top[0].step, column] == top[0].value


def test__planted_rule__is_told_with_its_lags_and_signs():
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(600, 3)), columns=["heat", "flow", "noise"])
    y = 2 * X["heat"] - X["flow"].shift(2, fill_value=0.0)
    model = LiquidRegressor(16, window_length=6, epochs=80, random_state=0).fit(X, y)
    way = X - X.mean()
    largest = set()
    shares = {"heat": [], "flow": []}
    for row in range(100, 112):
        found = explain(model, X, row, tolerance=1e-3)
        heat = found.attributions[-1, 0], 2 * way["heat"].iloc[row]
        flow = found.attributions[-3, 1], -way["flow"].iloc[row - 2]
        shares["heat"].append(heat)
        shares["flow"].append(flow)
        best = found.top(1)[0]
        largest.add((row - best.step, best.column))
    for pairs in shares.values():
        told, rule = np.array(pairs).T
        assert np.corrcoef(told, rule)[0, 1] > 0.9
        assert abs(np.polyfit(rule, told, 1)[0] - 1) < 0.3
    assert largest == {(0, "heat"), (2, "flow")}


def test__sums_that_do_not_add_up__are_refused(monkeypatch):
    from LNN.inspection import integration_path

    model, X = case("cube")
    monkeypatch.setattr(integration_path, "DEPTH", 0)
    monkeypatch.setattr(integration_path, "WEIGHTS", integration_path.WEIGHTS * 1.01)
    with pytest.raises(InvalidInputError, match="shares that add up"):
        explain(model, X, 7)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"row": "last"}, "row as the number"),
        ({"row": 99}, "rows as numbers from -24 to 23"),
        ({"output": 7}, "from 0 to 0"),
        ({"baseline": [1.0]}, "baseline of 3 finite numbers"),
    ],
)
def test__bad_requests__are_refused(change, told):
    model, X = case("cube")
    with pytest.raises(InvalidInputError, match=told):
        explain(model, X, **change)
