"""Dask DataFrames: partitions are predicted apart, recordings never are."""

import doctest
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("dask.dataframe", reason="make check-adapters runs these tests")
pytest.importorskip("distributed", reason="make check-adapters runs these tests")

import dask.dataframe as dd
from dask.distributed import Client, LocalCluster
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV

sys.path.insert(0, str(Path(__file__).parent))
import panels

from LNN import InvalidInputError, LiquidRegressor
from LNN.adapters import dask as adapter
from LNN.adapters.dask import predict_frame

# What other libraries deprecate themselves is not the reader's matter.
pytestmark = pytest.mark.filterwarnings("default")
WHOLE = dd.from_pandas(panels.PANEL, npartitions=3)  # two units in each
CUT = dd.from_pandas(panels.PANEL, npartitions=4)


def test__docstrings__examples__run():
    found = doctest.testmod(adapter)
    assert found.attempted
    assert not found.failed


@pytest.mark.parametrize(
    "make", [panels.regressor, panels.of_vectors, panels.classifier, panels.of_rows]
)
def test__predict_frame__whole_recordings__are_those_of_predict(make):
    model = make()
    columns = model.feature_names_in_
    expected = np.asarray(model.predict(panels.PANEL[columns])).reshape(120, -1)
    answers = predict_frame(model, WHOLE)
    found = answers.compute()
    assert found.index.equals(panels.PANEL.index)
    assert (answers.dtypes == found.dtypes).all()
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(found.to_numpy(), expected, rtol=1e-5, atol=1e-6)
    else:
        assert (found.to_numpy() == expected).all()


def test__predict_frame__probabilities__one_column_a_class():
    model = panels.classifier()
    found = predict_frame(model, WHOLE, method="predict_proba", name="p").compute()
    assert list(found.columns) == ["p_high", "p_low"]
    expected = model.predict_proba(panels.X)
    np.testing.assert_allclose(found.to_numpy(), expected, rtol=1e-5, atol=1e-6)


def test__predict_frame__recording_in_two_partitions__is_refused():
    with pytest.raises(
        InvalidInputError, match="'b' has rows in the partitions 0 and 1"
    ):
        predict_frame(panels.regressor(), CUT)


def test__predict_frame__shuffle__brings_recordings_together():
    model = panels.regressor()
    mixed = panels.PANEL.sample(frac=1, random_state=0)
    frame = dd.from_pandas(mixed, npartitions=4, sort=False)
    found = predict_frame(model, frame, shuffle=True).compute().sort_index()
    expected = model.predict(panels.X)
    np.testing.assert_allclose(found["prediction"], expected, rtol=1e-5, atol=1e-6)


def test__predict_frame__empty_partition__has_no_answers():
    some = WHOLE[WHOLE["unit"] < "c"]
    found = predict_frame(panels.regressor(), some).compute()
    assert len(found) == 40


BAD = {
    "no recordings known": (panels.without_group, {}, "Fit with group_column="),
    "sequences": (panels.of_sequences, {}, "fitted on sequences"),
    "array": (panels.of_arrays, {}, "fitted on an array"),
    "method": (panels.regressor, {"method": "score"}, "method must be one of"),
    "regressor": (panels.regressor, {"method": "predict_proba"}, "needs a classifier"),
}


@pytest.mark.parametrize("case", BAD)
def test__predict_frame__what_cannot_be_done__is_refused(case):
    make, options, words = BAD[case]
    with pytest.raises(InvalidInputError, match=words):
        predict_frame(make(), WHOLE, **options)


def test__predict_frame__lacking_column__is_refused():
    with pytest.raises(InvalidInputError, match="lacks \\['level'\\]"):
        predict_frame(panels.regressor(), WHOLE[["unit", "hour"]])


def test__predict_frame__shuffle_without_time__is_refused():
    X = panels.X[["unit", "level"]]
    how = panels.COLUMNS | {"time_column": None}
    model = LiquidRegressor(**panels.TINY, **how).fit(X, X["level"])
    with pytest.raises(InvalidInputError, match="knows the column of time"):
        predict_frame(model, WHOLE, shuffle=True)


@pytest.fixture(scope="module")
def client():
    how = {"threads_per_worker": 1, "dashboard_address": None, "processes": True}
    with LocalCluster(n_workers=2, **how) as cluster, Client(cluster) as found:
        yield found


def test__cluster__answers__are_those_of_predict(client):
    model = panels.regressor()
    found = predict_frame(model, WHOLE).compute()
    expected = model.predict(panels.X)
    np.testing.assert_allclose(found["prediction"], expected, rtol=1e-5, atol=1e-6)


def test__cluster__model__is_held_by_one_task(client):
    graph = predict_frame(panels.regressor(), WHOLE).optimize().__dask_graph__()
    held = [key for key in graph if "PartPredictor" in str(key)]
    assert len(held) == 1


def test__cluster__search_through_joblib__finds_what_one_process_does(client):
    t = np.arange(120)
    X, y = np.sin(0.2 * t)[:-1, None], np.sin(0.2 * t)[1:]
    search = GridSearchCV(
        LiquidRegressor(**panels.TINY), {"learning_rate": [0.001, 0.03]}, cv=2
    )
    with parallel_config(backend="dask"):
        search.fit(X, y)
    together = search.cv_results_["mean_test_score"]
    alone = search.fit(X, y).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(together, alone)


def test__part_predictor__empty_frame__has_columns_of_the_answers():
    answers = adapter.PartPredictor(panels.regressor().model_, "predict", "p")
    found = answers.answers(pd.DataFrame(columns=["unit", "hour", "level"]))
    assert list(found.columns) == ["p"]
    assert found.dtypes.tolist() == [np.float64]
