"""A stream of a Pipeline answers as the Pipeline does, and transforms its context."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from tiny import TINY

from LNN import InvalidInputError, LiquidClassifier, LiquidRegressor, SequenceScaler
from LNN.streaming import LiquidStream, PipelineStream

CUT = 90
WAVES = np.sin(np.arange(120)[:, None] / [3, 5, 8])
X = WAVES * [5.0, 200.0, 0.1] + [60.0, 3000.0, 0.0]
Y = WAVES[:, 0] + WAVES[:, 1] ** 2
TIMES = pd.date_range("2024", periods=120, freq="h")
FRAME = pd.DataFrame(X, columns=["a", "b", "c"], index=TIMES)
SETTINGS = TINY | {"window_length": 6, "epochs": 1}


def fitted(*steps, rows=X, y=Y, last=LiquidRegressor, **how):
    return make_pipeline(*steps, last(**SETTINGS | how)).fit(rows[:CUT], y[:CUT])


def by_column():
    return ColumnTransformer([("scaled", StandardScaler(), ["a", "b"])])


def keeping(step):
    return step.set_output(transform="pandas")


FRONTS = {
    "scaler": (lambda: [StandardScaler()], X),
    "two steps": (lambda: [StandardScaler(), PCA(2)], X),
    "passthrough": (lambda: ["passthrough", StandardScaler(), None], X),
    "own scaler": (lambda: [SequenceScaler()], X),
    "names lost on the way": (lambda: [StandardScaler()], FRAME.reset_index(drop=True)),
    "names and time kept": (lambda: [keeping(StandardScaler())], FRAME),
    "columns": (lambda: [keeping(by_column())], FRAME),
}


@pytest.mark.parametrize("mode", ["window", "carry"])
@pytest.mark.parametrize("front", FRONTS)
def test__step__every_row__is_what_the_pipeline_predicts(front, mode):
    steps, rows = FRONTS[front]
    whole = {"window_length": None} if mode == "carry" else {}
    pipe = fitted(*steps(), rows=rows, **whole)
    stream = PipelineStream(pipe, mode)
    framed = isinstance(rows, pd.DataFrame)
    arrivals = [row for _, row in rows[:40].iterrows()] if framed else rows[:40]
    found = [stream.step(row) for row in arrivals]
    np.testing.assert_allclose(found, pipe.predict(rows[:40]), atol=1e-5)


@pytest.mark.parametrize("mode", ["window", "carry"])
@pytest.mark.parametrize("front", FRONTS)
def test__context__rows_before__are_as_if_prepended(front, mode):
    steps, rows = FRONTS[front]
    whole = {"window_length": None} if mode == "carry" else {}
    pipe = fitted(*steps(), rows=rows, **whole)
    stream = PipelineStream(pipe, mode, context=rows[:CUT])
    found = [stream.step(rows[k : k + 1]) for k in range(CUT, 120)]
    np.testing.assert_allclose(found, pipe.predict(rows)[CUT:], atol=1e-5)


def test__context__fit__goes_on_from_the_training_data():
    pipe = fitted(StandardScaler())
    stream = PipelineStream(pipe, context="fit")
    found = [stream.step(row) for row in X[CUT:]]
    np.testing.assert_allclose(found, pipe.predict(X)[CUT:], atol=1e-5)


def test__rows__of_any_kind__are_the_same_row():
    pipe = fitted(StandardScaler(), rows=FRAME.reset_index(drop=True))
    row = FRAME.iloc[0]
    kinds = [
        *(row, row[["c", "a", "b"]], row.to_numpy(), row.tolist(), row.to_dict()),
        *(dict(reversed(row.to_dict().items())), FRAME.iloc[:1], X[:1]),
    ]
    answers = {float(PipelineStream(pipe).step(kind)) for kind in kinds}
    assert len(answers) == 1


def test__n_streams__with_context__are_as_each_by_itself():
    pipe = fitted(StandardScaler())
    both = np.stack([X[:40], X[40:80] + 1], axis=1)
    stream = PipelineStream(pipe, n=2, context=both[:30])
    found = np.array([stream.step(rows) for rows in both[30:]])
    for k in range(2):
        expected = pipe.predict(both[:, k])[30:]
        np.testing.assert_allclose(found[:, k], expected, atol=1e-5)


def test__dict__without_a_column__is_missing_and_imputed():
    frame = FRAME.reset_index(drop=True)
    pipe = fitted(SimpleImputer(), StandardScaler(), rows=frame)
    stream = PipelineStream(pipe)
    found = stream.step({"a": 61.0, "c": 0.05})
    given = pd.DataFrame({"a": [61.0], "b": [np.nan], "c": [0.05]})
    assert found == pytest.approx(pipe.predict(given)[0], abs=1e-5)
    with pytest.raises(InvalidInputError, match="columns.*got.*'d'"):
        stream.step({"a": 61.0, "d": 0.05})


def test__classifier__learns_and_commits_through_the_pipeline():
    pipe = fitted(StandardScaler(), y=Y > 0, last=LiquidClassifier)
    stream, before = PipelineStream(pipe, adapt="sgd"), pipe.predict_proba(X)
    for row, truth in zip(X[:20], Y < 0, strict=False):
        stream.step_proba(row)
        stream.update(truth)
    stream.commit()
    assert not np.allclose(pipe.predict_proba(X), before)


def test__river_names__look_ahead_and_learn():
    frame = FRAME.reset_index(drop=True)
    pipe = fitted(StandardScaler(), rows=frame)
    stream, expected = PipelineStream(pipe), pipe.predict(frame)
    for k in range(8):
        row = {"id": "x", **frame.iloc[k].to_dict()}
        assert stream.predict_one(row) == pytest.approx(expected[k], abs=1e-5)
        stream.learn_one(row, Y[k])


def test__copies_and_pickles__go_on_from_the_same_row():
    stream = PipelineStream(fitted(StandardScaler()), context=X[:CUT])
    others = [stream.copy(), pickle.loads(pickle.dumps(stream))]
    answer = stream.step(X[CUT])
    assert [other.step(X[CUT]) for other in others] == [answer, answer]


# ------------------------------------------------------------------ what is refused


class Resampler(BaseEstimator):
    def fit_resample(self, X, y):
        return X, y


def test__step_without_transform__is_refused_by_name():
    pipe = fitted(StandardScaler())
    pipe.steps.insert(1, ("smote", Resampler()))
    with pytest.raises(InvalidInputError, match=r"'smote' \(Resampler\).*transform"):
        PipelineStream(pipe)


def halved(table):
    return table[::2]


def doubled(table):
    return np.repeat(table, 2, axis=0)


@pytest.mark.parametrize(("work", "rows"), [(halved, 1), (doubled, 2)])
def test__step_that_changes_the_number_of_rows__is_refused_by_name(work, rows):
    pipe = fitted(FunctionTransformer(), StandardScaler())
    stream = PipelineStream(pipe)
    pipe[0].set_params(func=work)
    context = PipelineStream(pipe)
    if rows == 2:
        with pytest.raises(InvalidInputError, match="'functiontransformer'.*1, got 2"):
            stream.step(X[0])
    with pytest.raises(InvalidInputError, match="'functiontransformer'.*90, got"):
        context._take_in(X[:CUT], None)


def differences(table):
    return np.diff(table, axis=0, prepend=0.0)


def smoothed(table):
    return pd.DataFrame(table).rolling(3, min_periods=1).mean().to_numpy()


def by_batch(table):
    return table - table.mean(axis=0)


@pytest.mark.parametrize("work", [differences, smoothed, by_batch])
def test__step_that_reads_neighbours__is_refused_at_the_second_row(work):
    pipe = fitted(StandardScaler(), FunctionTransformer(work))
    stream = PipelineStream(pipe)
    stream.step(X[0])
    stream.step(X[0])  # says nothing yet
    with pytest.raises(InvalidInputError, match="'functiontransformer'.*beside other"):
        stream.step(X[1])
    warm = PipelineStream(pipe, context=X[:CUT])
    with pytest.raises(InvalidInputError, match="'functiontransformer'.*beside other"):
        warm.step(X[CUT])


def test__step_that_refuses_a_row__is_named_and_leaves_no_trace():
    stream = PipelineStream(fitted(PCA(2)))
    stream.step(X[0])
    other = stream.copy()
    with pytest.raises(InvalidInputError, match=r"'pca' \(PCA\).*NaN"):
        stream.step(np.full(3, np.nan))
    assert stream.step(X[1]) == other.step(X[1])


def test__pipeline__wrong_kind_of_stream__says_which():
    pipe = fitted(StandardScaler())
    with pytest.raises(InvalidInputError, match=r"PipelineStream\(pipeline\)"):
        LiquidStream(pipe)
    with pytest.raises(InvalidInputError, match=r"estimator\.stream\(\)"):
        PipelineStream(pipe[-1])
    search = GridSearchCV(pipe, {"liquidregressor__learning_rate": [0.01]}, cv=2)
    with pytest.raises(InvalidInputError, match="best_estimator_"):
        PipelineStream(search.fit(X, Y))


@pytest.mark.parametrize("row", [X[:2], X[None, :1], 3.0])
def test__row__of_another_shape__is_refused(row):
    with pytest.raises(InvalidInputError, match=r"shape \(n_features,\), got shape"):
        PipelineStream(fitted(StandardScaler())).step(row)
