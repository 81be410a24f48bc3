"""Planted rules are found, fidelity is measured where the tree did not look."""

import numpy as np
import pandas as pd
import pytest
from quick import quick
from sklearn.base import clone
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.utils.validation import check_is_fitted
from tiny import TINY

from LNN import LiquidClassifier, LiquidRegressor
from LNN.data.form import GivenX
from LNN.exceptions import InvalidInputError, LowFidelityError
from LNN.inspection import TreeSurrogate, neuron_activity
from LNN.inspection.features import Lines, features_of
from LNN.inspection.surrogate import beside, held_out

FEATURES = ["inputs", "window", "ema", "state"]
LAYOUTS = ["cube", "ragged", "steps", "patches", "whole", "lstm"]


def rows(n=600, seed=0):
    values = np.random.default_rng(seed).normal(size=(n, 3))
    return pd.DataFrame(values, columns=["heat", "flow", "noise"])


@pytest.fixture(scope="module")
def planted():
    X = rows()
    y = np.where((X["heat"] > 0.5) & (X["flow"] <= 0.7), "open", "closed")
    model = LiquidClassifier(12, window_length=1, epochs=80, random_state=0)
    return X, y, model.fit(X, y)


@pytest.fixture(scope="module")
def lagged():
    X = rows()
    y = 3.0 * (X["heat"].shift(2, fill_value=0.0) > 0.0)
    model = LiquidRegressor(16, window_length=4, epochs=80, random_state=0)
    return X, y, model.fit(X, y)


def test__planted_rule__is_recovered(planted):
    X, y, model = planted
    tree = TreeSurrogate(model, features="inputs", max_depth=2, random_state=0).fit(X)
    assert tree.fidelity_ > 0.93 > tree.baseline_
    inner = tree.tree_.tree_
    asked = {
        tree.feature_names_[f]: at
        for f, at in zip(inner.feature, inner.threshold, strict=True)
        if f >= 0
    }
    assert set(asked) <= {"heat", "flow"}
    assert asked["heat"] == pytest.approx(0.5, abs=0.2)
    assert asked["flow"] == pytest.approx(0.7, abs=0.25)
    (rule,) = [rule for rule in tree.rules() if ": open" in rule]
    assert "heat > " in rule
    assert "flow <= " in rule


def test__planted_lag__is_recovered(lagged):
    X, y, model = lagged
    tree = TreeSurrogate(model, features="window", max_depth=2, n_steps=4).fit(X)
    top = tree.tree_.tree_.feature[0]
    assert tree.feature_names_[top] == "heat, 2 rows before"
    assert tree.tree_.tree_.threshold[0] == pytest.approx(0.0, abs=0.3)
    now = TreeSurrogate(model, features="inputs", max_depth=2).fit(X)
    assert now.fidelity_ < 0.2 < tree.fidelity_


def test__tree__imitates_the_model_not_y(planted):
    X, y, model = planted
    wrong = LiquidClassifier(12, window_length=1, epochs=80, random_state=0)
    wrong.fit(X, np.where(X["noise"] > 0, "open", "closed"))
    tree = TreeSurrogate(wrong, features="inputs", max_depth=1).fit(X, y)
    assert tree.feature_names_[tree.tree_.tree_.feature[0]] == "noise"


def test__fidelity__is_that_of_rows_that_were_held_out(lagged):
    X, y, model = lagged
    tree = TreeSurrogate(model, features="window", random_state=0).fit(X)
    lines = np.arange(len(X)) * 8 // len(X) % 4 == 3
    assert tree.n_held_out_ == lines.sum()
    assert tree.n_fitted_ < (~lines).sum()  # some beside the blocks are left out
    found = r2_score(model.predict(X)[lines], tree.predict(X)[lines])
    assert tree.fidelity_ == pytest.approx(found)
    assert tree.score(X) == pytest.approx(r2_score(model.predict(X), tree.predict(X)))
    other = rows(seed=5)
    found = r2_score(model.predict(other), tree.predict(other))
    assert tree.score(other) == pytest.approx(found)


def test__held_out__blocks_or_whole_recordings_never_single_rows(lagged):
    X, y, model = lagged
    fitted = model.model_
    sequences = fitted.read(X)
    lines = Lines(np.arange(len(X)), np.arange(len(X)))
    held = held_out(sequences, lines, np.random.RandomState(0))
    assert held.mean() == pytest.approx(0.25, abs=0.01)
    assert np.abs(np.diff(held.astype(int))).sum() == 3  # two blocks, one at the end
    learnt = beside(fitted, sequences, lines, held)
    far = np.abs(np.flatnonzero(learnt)[:, None] - np.flatnonzero(held)).min()
    assert far == 4  # windows of 4 rows have none in common
    groups = np.repeat(np.arange(10), 60)
    sequences = fitted.layout.read(GivenX(X, groups=groups), fitted.clock)
    held = held_out(sequences, lines, np.random.RandomState(0))
    assert set(np.bincount(groups, held)) == {0, 60}
    assert 0.2 <= held.mean() <= 0.4
    assert (beside(fitted, sequences, lines, held) == ~held).all()


def test__low_fidelity__nothing_is_shown_unless_asked(lagged):
    X, y, model = lagged
    tree = TreeSurrogate(model, features="inputs").fit(X)
    for show in (tree.rules, tree.export_text, tree.plot):
        with pytest.raises(LowFidelityError, match=f"{tree.fidelity_:.3f}, below min"):
            show()
    text = tree.export_text(despite_low_fidelity=True)
    assert f"Fidelity {tree.fidelity_:.3f}" in text.split("\n")[0]
    assert tree.rules(despite_low_fidelity=True)
    assert repr(tree).endswith(f"with fidelity {tree.fidelity_:.3f}")
    tree.set_params(min_fidelity=0.0, features="window").fit(X)
    assert tree.rules() == tree.rules(despite_low_fidelity=True)


def test__often_the_same_class__is_no_merit():
    X = rows(400)
    y = X["heat"] > 5  # never
    y[:4] = True
    model = LiquidClassifier(**TINY, window_length=1, early_stopping=False)
    tree = TreeSurrogate(model.fit(X, y), features="inputs").fit(X)
    assert tree.fidelity_ == tree.baseline_ == 1.0
    with pytest.raises(LowFidelityError, match="baseline_"):
        tree.rules()


# ----------------------------------------------------------------------- features


def test__moving_averages__as_the_formula_with_real_time():
    random = np.random.default_rng(0)
    t = np.concatenate([np.cumsum(random.exponential(size=30)) for _ in range(2)])
    X = pd.DataFrame({"a": random.normal(size=60), "b": random.normal(size=60)})
    X.iloc[7, 0] = X.iloc[31, 1] = X.iloc[30, 0] = np.nan
    groups = np.repeat([0, 1], 30)
    model = LiquidRegressor(**TINY, window_length=5, missing="hold")
    model.fit(X, random.normal(size=60), timestamps=t, groups=groups)
    fitted = model.model_
    sequences = fitted.read(X, timestamps=t, groups=groups)
    lines = Lines(np.arange(60), np.arange(60))
    found = features_of(fitted, sequences, lines, kind="ema", steps=1, spans=[2, 7])
    unit = fitted.clock.unit
    assert (
        found.names[2] == f"a, average of about the last {2 * unit:.3g} units of time"
    )
    assert found.names[-1] == "time since the row before"
    assert found.values.shape == (60, 7)
    for place, span in enumerate([2 * unit, 7 * unit]):
        for column in range(2):
            for begin in (0, 30):
                average = np.nan
                for k in range(begin, begin + 30):
                    x = X.iloc[k, column]
                    if np.isnan(average):
                        average = x
                    elif not np.isnan(x):
                        share = 1 - np.exp(-(t[k] - t[k - 1]) / span)
                        average += share * (x - average)
                    got = found.values[k, 2 + 2 * place + column]
                    assert got == pytest.approx(average, nan_ok=True)
    np.testing.assert_allclose(found.values[1:30, -1], np.diff(t[:30]))
    assert found.values[30, -1] == unit


def test__window__values_of_rows_before_within_the_recording():
    X = np.arange(20.0)[:, None]
    groups = np.repeat([0, 1], 10)
    model = LiquidRegressor(**TINY, window_length=3)
    fitted = model.fit(X, X[:, 0], groups=groups).model_
    sequences = fitted.read(X, groups=groups)
    lines = Lines(np.arange(20), np.arange(20))
    found = features_of(fitted, sequences, lines, kind="window", steps=3, spans=[])
    assert found.names == [
        "column 0",
        "column 0, 1 row before",
        "column 0, 2 rows before",
    ]
    assert found.values[[0, 1, 9, 10, 12]].tolist() == [
        [0, 0, 0],
        [1, 0, 0],
        [9, 8, 7],
        [10, 10, 10],
        [12, 11, 10],
    ]


def test__names__time_in_the_unit_that_suits_it():
    X = rows(60)
    X.index = pd.date_range("2026-01-01", periods=60, freq="10min")
    model = LiquidRegressor(**TINY, window_length=3).fit(X, X["heat"])
    tree = TreeSurrogate(model, spans=(2, 12)).fit(X)
    assert tree.feature_names_[3] == "heat, average of about the last 20 min"
    assert tree.feature_names_[6] == "heat, average of about the last 2 h"
    tree = TreeSurrogate(model, features="window", n_steps=2).fit(X)
    assert tree.feature_names_[3:] == [
        f"{name}, 10 min before" for name in ("heat", "flow", "noise")
    ]


@pytest.mark.parametrize("window", [4, None])
def test__states__are_those_one_step_before(window):
    X = rows(50)
    model = LiquidRegressor(**TINY, window_length=window).fit(X, X["heat"])
    fitted = model.model_
    sequences = fitted.read(X)
    lines = Lines(
        np.arange(50), np.zeros(50, dtype=int) if window is None else np.arange(50)
    )
    found = features_of(fitted, sequences, lines, kind="state", steps=1, spans=[])
    activity = neuron_activity(model, X)
    assert found.names[3:] == [f"{name} before" for name in activity.neurons]
    assert (found.values[0, 3:] == 0).all()
    if window is None:
        np.testing.assert_allclose(found.values[1:, 3:], activity.states[:-1])
        return
    # In a window that begins with row 10, the state after row 12.
    alone = neuron_activity(model, X.iloc[10:13]).states[-1]
    np.testing.assert_allclose(found.values[13, 3:], alone, atol=1e-12)


def test__anchor__the_change_is_imitated():
    X = rows(300).cumsum()
    y = X["heat"].shift(-1, fill_value=0.0)
    model = LiquidRegressor(**TINY, window_length=4, anchor="heat")
    model.fit(X[:-1], y[:-1])
    tree = TreeSurrogate(model, features="inputs").fit(X)
    assert tree.feature_names_[0] == "change of heat"
    assert tree.target_name_.endswith("less the anchor")
    change = model.predict(X) - X["heat"]
    assert tree.score(X) == pytest.approx(r2_score(change, tree.predict(X)))


def test__missing_values__are_named_in_rules():
    X = rows(400)
    y = np.where(X["heat"] > 0, 2.0, -1.0)
    X.loc[::7, "heat"] = np.nan
    model = LiquidRegressor(
        8, window_length=1, missing="mask", epochs=60, random_state=0
    )
    model.fit(X, y)
    tree = TreeSurrogate(model, features="inputs", max_depth=2, random_state=0).fit(X)
    rules = tree.rules(despite_low_fidelity=True)
    assert any("heat" in rule and "or missing" in rule for rule in rules)
    assert not any("flow" in rule and "or missing" in rule for rule in rules)
    assert "or missing" in tree.export_text(despite_low_fidelity=True)


# ------------------------------------------------------------------ layouts and models


@pytest.mark.parametrize("features", quick(FEATURES, "window", "state"))
@pytest.mark.parametrize("target", ["output", "neuron"])
@pytest.mark.parametrize("kind", quick(LAYOUTS, "ragged", "steps", "patches", "whole"))
def test__every_layout__has_answers_features_and_a_tree(kind, target, features):
    random = np.random.default_rng(0)
    X = random.normal(size=(24, 10, 2))
    y = X[:, -1, 0]
    options = dict(TINY)
    if kind == "ragged":
        X = [x[: 5 + k % 6] for k, x in enumerate(X)]
    elif kind == "steps":
        y = (X[:, :, 0] > 0).astype(int)
    elif kind == "patches":
        options["patch"] = 4
    elif kind == "whole":
        X, options["window_length"] = X[:6].reshape(60, 2), None
        y = X[:, 0]
    elif kind == "lstm":
        options["model_type"] = "LSTM"
    maker = LiquidClassifier if kind == "steps" else LiquidRegressor
    model = maker(**options).fit(X, y)
    tree = TreeSurrogate(
        model, target=target, neuron=1, features=features, random_state=0
    ).fit(X)
    said = tree.predict(X)
    if target == "neuron":
        truth = neuron_activity(model, X).states[:, 1]
    else:
        truth = np.ravel(model.predict(X))
    assert said.shape == truth.shape
    measure = accuracy_score if tree.makes_classes else r2_score
    assert tree.score(X) == pytest.approx(measure(truth, said))
    assert np.isfinite(tree.fidelity_)
    assert tree.n_fitted_ + tree.n_held_out_ <= len(truth)


def test__neurons__states_explain_them_best(lagged):
    X, y, model = lagged
    found = {
        kind: TreeSurrogate(
            model, target="neuron", neuron="inter 15", features=kind, max_depth=5
        ).fit(X)
        for kind in ("inputs", "state")
    }
    assert found["state"].fidelity_ > found["inputs"].fidelity_
    assert "states of other neurons" in found["state"].summary()
    assert "neuron 'inter 15'" in found["state"].summary()


def test__several_outputs__one_is_imitated():
    X = rows(300)
    y = np.column_stack([X["heat"] > 0, X["flow"] > 0]).astype(float)
    model = LiquidRegressor(8, window_length=1, epochs=60, random_state=0).fit(X, y)
    tree = TreeSurrogate(model, output=1, features="inputs", max_depth=1).fit(X)
    assert tree.feature_names_[tree.tree_.tree_.feature[0]] == "flow"
    assert "output 1" in tree.target_name_
    with pytest.raises(InvalidInputError, match="from 0 to 1, got 2"):
        TreeSurrogate(model, output=2, features="inputs").fit(X)


# ------------------------------------------------------------------- as an estimator


def test__clone__shares_the_model_and_forgets_the_tree(planted):
    X, y, model = planted
    tree = TreeSurrogate(model, features="inputs", max_depth=2).fit(X)
    other = clone(tree)
    assert other.model is model
    assert other.get_params(deep=False) == tree.get_params(deep=False)
    with pytest.raises(Exception, match="not fitted"):
        check_is_fitted(other)
    with pytest.raises(Exception, match="not fitted"):
        other.predict(X)
    assert "fidelity" not in repr(other)
    np.testing.assert_array_equal(other.fit(X).predict(X), tree.predict(X))


def test__grid_search__over_depths(planted):
    X, y, model = planted
    folds = ShuffleSplit(1, test_size=0.3, random_state=0)
    search = GridSearchCV(
        TreeSurrogate(model, features="inputs"), {"max_depth": [1, 3]}, cv=folds
    ).fit(X)
    assert search.best_params_["max_depth"] == 3


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"target": "loss"}, "target among"),
        ({"features": "lags"}, "features among"),
        ({"target": "neuron"}, "neuron as one of"),
        ({"target": "neuron", "neuron": "brain"}, "got 'brain'"),
        ({"target": "neuron", "neuron": 99}, "from 0 to 11, got 99"),
        ({"spans": [0]}, "above 0"),
        ({"n_steps": 0}, "1 or more"),
        ({"features": "ema"}, "rows are independent"),
    ],
)
def test__parameters__that_do_not_suit__are_refused(planted, how, words):
    X, y, model = planted
    with pytest.raises(InvalidInputError, match=words):
        TreeSurrogate(model, **{"features": "inputs", **how}).fit(X)


def test__few_rows__are_refused(planted):
    X, y, model = planted
    with pytest.raises(InvalidInputError, match="at least 20 answers"):
        TreeSurrogate(model, features="inputs").fit(X[:9])


@pytest.mark.parametrize("features", ["window", "ema", "state"])
def test__rows_without_a_past__have_inputs_alone(planted, features):
    X, _, model = planted
    with pytest.raises(InvalidInputError, match='features="inputs" .* independent of'):
        TreeSurrogate(model, features=features).fit(X)
