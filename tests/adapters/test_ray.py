"""Datasets of Ray Data: recordings are predicted whole."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ray.data", reason="make check-adapters runs these tests")

import joblib
import ray
from ray.util.joblib import register_ray
from sklearn.model_selection import GridSearchCV

sys.path.insert(0, str(Path(__file__).parent))
import panels

from LNN import InvalidInputError, LiquidRegressor
from LNN.adapters.ray import predict_dataset

# What other libraries deprecate themselves is not the reader's matter.
pytestmark = pytest.mark.filterwarnings("default")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def cluster():
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        runtime_env={"env_vars": {"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}"}},
    )
    yield
    ray.shutdown()


def mixed():
    rows = panels.PANEL.sample(frac=1, random_state=0)
    return ray.data.from_pandas([rows[:50], rows[50:]])


def answers_of(dataset):
    """Return the answers in the order of the panel."""
    found = dataset.to_pandas()
    found["row"] = [int(note.split()[1]) for note in found["note"]]
    return found.sort_values("row")


def test__predict_dataset__recordings_all_over_it__are_predicted_whole():
    model = panels.regressor()
    found = answers_of(predict_dataset(model, mixed(), num_partitions=2))
    expected = model.predict(panels.X)
    np.testing.assert_allclose(found["prediction"], expected, rtol=1e-5, atol=1e-6)
    assert found["level"].tolist() == panels.PANEL["level"].tolist()


def test__predict_dataset__rows_of_their_own__need_no_groups():
    model = panels.of_rows()
    found = answers_of(predict_dataset(model, mixed()))
    expected = model.predict(panels.X[["level"]])
    np.testing.assert_allclose(found["prediction"], expected, rtol=1e-5, atol=1e-6)


def test__predict_dataset__probabilities__one_column_a_class():
    model = panels.classifier()
    found = answers_of(
        predict_dataset(model, mixed(), method="predict_proba", num_partitions=2)
    )
    expected = model.predict_proba(panels.X)
    names = ["prediction_high", "prediction_low"]
    found = found[names].to_numpy(dtype=float)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "level"}, "without the columns"),
        ({"method": "score"}, "method must be one of"),
    ],
)
def test__predict_dataset__what_cannot_be_done__is_refused(options, words):
    with pytest.raises(InvalidInputError, match=words):
        predict_dataset(panels.regressor(), mixed(), **options)


def test__predict_dataset__no_time__is_refused():
    X = panels.X[["unit", "level"]]
    how = panels.COLUMNS | {"time_column": None}
    model = LiquidRegressor(**panels.TINY, **how).fit(X, X["level"])
    with pytest.raises(InvalidInputError, match="knows the column of time"):
        predict_dataset(model, mixed())


def test__search_through_joblib__finds_what_one_process_does():
    t = np.arange(120)
    X, y = np.sin(0.2 * t)[:-1, None], np.sin(0.2 * t)[1:]
    search = GridSearchCV(
        LiquidRegressor(**panels.TINY), {"learning_rate": [0.001, 0.03]}, cv=2
    )
    register_ray()
    with joblib.parallel_config(backend="ray"):
        search.fit(X, y)
    together = search.cv_results_["mean_test_score"]
    alone = search.fit(X, y).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(together, alone)
