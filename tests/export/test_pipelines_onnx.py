"""skl2onnx converts Pipelines that end in a model of LNN."""

import numpy as np
import pytest
from answers import assert_same
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError, MissingDependencyError
from LNN.export import register_sklearn_onnx

skl2onnx = pytest.importorskip("skl2onnx")
runtime = pytest.importorskip("onnxruntime")

SMALL = {"epochs": 1, "random_state": 0, "early_stopping": False}


@pytest.fixture(scope="module", autouse=True)
def registered():
    register_sklearn_onnx()


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    X = np.cumsum(random.normal(size=(60, 3)), axis=0).astype("float32")
    return X, X.sum(axis=1) + random.normal(size=60)


def run(model, X, **options):
    """Convert, and run what came out."""
    made = skl2onnx.to_onnx(model, X[:1], **options)
    session = runtime.InferenceSession(
        made.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"X": X})


@pytest.mark.parametrize(
    "options",
    [
        {"window_length": 6},
        {"window_length": None},
        {"window_length": None, "model_type": "LTC", "missing": "mask"},
        {"window_length": 1},
        {"window_length": 4, "model_type": "GRU"},
    ],
    ids=str,
)
def test_pipeline__rows_of_any_number__as_predict(data, options):
    X, y = data
    model = LiquidRegressor(6, **options, **SMALL)
    pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
    for n in (60, 7, 1):
        assert_same(run(pipeline, X[:n])[0], pipeline.predict(X[:n]))


@pytest.mark.parametrize("labels", [["up", "down"], [3, 1]])
def test_pipeline__of_a_classifier__labels_and_probabilities(data, labels):
    X, y = data
    y = np.where(y > np.median(y), *labels)
    pipeline = make_pipeline(
        PolynomialFeatures(2, include_bias=False),
        LiquidClassifier(6, window_length=4, **SMALL),
    ).fit(X, y)
    expected = pipeline.predict_proba(X)
    options = {id(pipeline[-1]): {"zipmap": False}}
    label, probabilities = run(pipeline, X, options=options)
    assert list(label) == list(pipeline.predict(X))
    assert_same(probabilities, expected)
    label, named = run(pipeline, X)
    assert list(label) == list(pipeline.predict(X))
    assert [list(row) for row in named] == [list(pipeline.classes_)] * 60
    assert_same([list(row.values()) for row in named], expected)


def test_model_alone__several_targets_and_quantiles__as_predict(data):
    X, y = data
    two = np.column_stack([y, X[:, 0]])
    options = {"window_length": 4, "loss": "quantile", "quantile": [0.1, 0.9]}
    model = LiquidRegressor(6, **options, **SMALL).fit(X, two)
    assert_same(run(model, X)[0], model.predict(X))


def test_double_rows__as_predict(data):
    X, y = data[0].astype("float64"), data[1]
    model = LiquidRegressor(6, window_length=4, **SMALL)
    pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
    assert_same(run(pipeline, X)[0], pipeline.predict(X))


def test_what_is_not_rows_alone__refused_by_name(data):
    X, y = data
    times = np.cumsum(np.random.default_rng(0).exponential(size=60) + 0.05)
    timed = LiquidRegressor(4, window_length=4, **SMALL).fit(X, y, timestamps=times)
    with pytest.raises(InvalidInputError, match="irregular time.*to_onnx"):
        skl2onnx.to_onnx(timed, X[:1])
    flags = LiquidClassifier(4, window_length=4, **SMALL).fit(X, y > np.median(y))
    with pytest.raises(InvalidInputError, match="classes"):
        skl2onnx.to_onnx(flags, X[:1])
    plain = LiquidRegressor(4, window_length=4, **SMALL).fit(X, y)
    with pytest.raises(InvalidInputError, match="target_opset"):
        skl2onnx.to_onnx(plain, X[:1], target_opset=15)


def test_without_skl2onnx__says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(MissingDependencyError, match="pip install skl2onnx"):
        register_sklearn_onnx()
