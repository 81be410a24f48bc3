"""What a pickle holds: plain values and arrays, for other versions and readers."""

import copy
import io
import pickle
import sys
from functools import partial
from pathlib import Path

import joblib
import ncps.wirings
import numpy as np
import pandas as pd
import pytest
import torch
from processes import finished
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler
from tiny import TINY

from LNN import (
    LiquidClassifier,
    LiquidNeuralNetwork,
    LiquidRegressor,
    SequenceScaler,
    Wiring,
    __version__,
)
from LNN.estimators import storage
from LNN.exceptions import InvalidInputError, LNNWarning
from LNN.models import MODELS

Regressor = partial(LiquidRegressor, **TINY, window_length=6)
Classifier = partial(LiquidClassifier, **TINY, window_length=6)
STORED = Path(__file__).parents[1] / "data" / "pickles"
# What a pickle may name beside the estimator: numpy's arrays and their types.
OF_OTHERS = {"numpy", "numpy._core.multiarray", "numpy._core.numeric", "builtins"}


def data(seed=0):
    rng = np.random.default_rng(seed)
    rows, cube = rng.normal(size=(60, 3)), rng.normal(size=(24, 5, 3))
    return rows, cube, np.cumsum(rng.exponential(size=60))


def cases():
    """Estimators, what they are fitted on, and what goes with X."""
    rows, cube, stamps = data()
    holed = np.where(np.random.default_rng(1).random(cube.shape) < 0.1, np.nan, cube)
    ragged = [x[: 2 + k % 4] for k, x in enumerate(cube)]
    frame = pd.DataFrame(rows, pd.date_range("2024", periods=60, freq="h"), list("abc"))
    labels = np.where(rows[:, 0] > 0, "up", "down")
    matrix = Wiring.random(3, 8, 2).adjacency()[1]
    quantiles = Regressor(loss="quantile", quantile=[0.1, 0.9])
    whole, mixed = Regressor(return_sequences=True), Regressor(mixed_memory=True)
    mixed.set_params(n_layers=2)
    found = {
        "anchor and frame": (Regressor(anchor="a"), frame, frame["a"] + 0.1, {}),
        "classes": (Classifier(), rows, labels, {"groups": np.arange(60) // 20}),
        "class weights": (Classifier(class_weight="balanced"), rows, labels, {}),
        "float64": (Regressor(dtype="float64"), rows, rows[:, 0], {}),
        "masked": (Regressor(missing="mask"), holed, cube[:, 0, 0], {}),
        "motor": (Regressor(readout="motor"), rows, rows[:, 0], {}),
        "per step": (whole, ragged, [x[:, 0] for x in ragged], {}),
        "quantiles": (quantiles, rows, rows[:, 0], {}),
        "attention": (Regressor(pooling="attention"), cube, cube[:, 0, 0], {}),
        "mixed memory": (mixed, rows, rows[:, 0], {}),
        "transformer": (Regressor(scale=PowerTransformer()), rows, rows[:, 0], {}),
        "own wiring": (Regressor(wiring=Wiring.ncp(3, 8, 1)), rows, rows[:, 0], {}),
        "ncps wiring": (Regressor(wiring=ncps.wirings.AutoNCP(8, 1)), rows, rows[:, 0]),
        "matrix": (Regressor(wiring=matrix), rows, rows[:, 0], {}),
        "random": (Regressor(wiring="random", wiring_seed=3), rows, rows[:, 0], {}),
        "whole recordings": (
            Regressor(window_length=None),
            rows,
            rows[:, 0],
            {"groups": np.arange(60) // 20, "timestamps": stamps},
        ),
        "front door": (LiquidNeuralNetwork(**TINY), rows, rows[:, 0], {}),
    }
    for kind, model in MODELS.items():
        missing = "mask" if kind == "GRU-D" else "error"
        estimator = Regressor(model_type=kind, missing=missing)
        found[kind] = (estimator, rows, rows[:, 0], {"timestamps": stamps})
        if model.liquid:
            full = Regressor(model_type=kind, wiring="full")
            found[f"full {kind}"] = (full, rows, rows[:, 0], {"timestamps": stamps})
    return {name: (*case, {})[:4] for name, case in found.items()}


def fitted(name):
    estimator, X, y, how = cases()[name]
    return estimator.fit(X, y, **how), X, y, how


def equal(left, right):
    for a, b in zip(left, right, strict=True):
        np.testing.assert_array_equal(a, b)


class Listener(pickle.Unpickler):
    """Loads a pickle and remembers the modules that it names."""

    def __init__(self, blob):
        super().__init__(io.BytesIO(blob))
        self.modules = set()

    def find_class(self, module, name):
        self.modules.add(module)
        return super().find_class(module, name)


def named_in(blob):
    """Return the modules that a pickle names."""
    listener = Listener(blob)
    listener.load()
    return listener.modules


# ----------------------------------------------------------------------- round trips


@pytest.mark.parametrize("name", cases())
def test__pickle__any_model__predicts_the_same_bits(name):
    estimator, X, _, how = fitted(name)
    again = pickle.loads(pickle.dumps(estimator))
    equal(estimator.predict(X, **how), again.predict(X, **how))
    assert again.summary() == estimator.summary()
    assert again.wiring_ == estimator.wiring_
    assert again.loss_curve_ == estimator.loss_curve_
    assert again.get_params(deep=False).keys() == estimator.get_params(False).keys()
    # The second generation is the first.
    assert pickle.dumps(pickle.loads(pickle.dumps(again))) == pickle.dumps(again)


@pytest.mark.parametrize("name", ["CfC", "LTC", "classes", "anchor and frame"])
def test__pickle__streams_and_training__go_on(name):
    estimator, X, y, how = fitted(name)
    again = pickle.loads(pickle.dumps(estimator))
    table = X.to_numpy() if isinstance(X, pd.DataFrame) else X
    left, right = estimator.stream("carry"), again.stream("carry")
    dt = estimator.time_unit_
    for row in table[:5]:
        assert left.step(row, dt=dt) == right.step(row, dt=dt)
    again.partial_fit(X, y, **how)
    assert again.n_iter_ == estimator.n_iter_ + 1


@pytest.mark.parametrize(
    "way",
    ["joblib", "cloudpickle", "python", "protocol 2"],
)
def test__other_picklers__in_a_pipeline__predict_the_same(way, tmp_path):
    rows = data()[0]
    model = make_pipeline(StandardScaler(), Regressor()).fit(rows, rows[:, 0])
    if way == "joblib":
        joblib.dump(model, tmp_path / "model.joblib", compress=3)
        again = joblib.load(tmp_path / "model.joblib")
    elif way == "cloudpickle":
        cloudpickle = pytest.importorskip("cloudpickle")
        again = pickle.loads(cloudpickle.dumps(model))
    elif way == "python":
        again = pickle._loads(pickle._dumps(model))
    else:
        again = pickle.loads(pickle.dumps(model, protocol=2))
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))


@pytest.mark.slow
def test__pickle__another_process__predicts_the_same(tmp_path):
    rows = data()[0]
    model = Regressor().fit(rows, rows[:, 0])
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    np.save(tmp_path / "rows.npy", rows)
    code = (
        "import pickle, sys, numpy as np; rows = np.load('rows.npy');"
        "model = pickle.load(open('model.pkl', 'rb'));"
        "np.save('found.npy', model.predict(rows))"
    )
    finished([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=300)
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), model.predict(rows))


# -------------------------------------------------------------------- what is in it


@pytest.mark.parametrize("name", cases())
def test__pickle__any_model__names_nothing_of_torch(name):
    estimator, *_ = fitted(name)
    modules = named_in(pickle.dumps(estimator))
    assert not [module for module in modules if module.startswith("torch")]
    ours = {module for module in modules if module.startswith("LNN")}
    expected = {type(estimator).__module__}
    if isinstance(estimator.wiring, Wiring):
        expected.add("LNN.wiring.wiring")
    assert ours == expected
    if name not in ("transformer", "ncps wiring"):  # the caller's own objects
        assert modules <= ours | OF_OTHERS


@pytest.mark.parametrize("kind", ["CfC", "LTC"])
def test__pickle__32_neurons__weighs_20_kB(kind):
    rows = data()[0]
    model = LiquidRegressor(32, model_type=kind, epochs=1, random_state=0)
    assert len(pickle.dumps(model.fit(rows, rows[:, 0]))) < 20_000


def test__pickle__training_that_goes_on__keeps_moments_and_random_source():
    rows = data()[0]
    model = Regressor(warm_start=True).fit(rows, rows[:, 0])
    again = pickle.loads(pickle.dumps(model))
    assert again.model_.record.moments.step == model.model_.record.moments.step
    for one in (model, again):
        one.fit(rows, rows[:, 0])
    np.testing.assert_array_equal(model.predict(rows), again.predict(rows))
    model = Regressor(dropout=0.2).partial_fit(rows, rows[:, 0])
    again = pickle.loads(pickle.dumps(model))
    for one in (model, again):
        one.partial_fit(rows, rows[:, 0])
    np.testing.assert_array_equal(model.predict(rows), again.predict(rows))


def test__fit__that_is_not_to_go_on__keeps_no_moments():
    rows = data()[0]
    model = Regressor().fit(rows, rows[:, 0])
    assert model.model_.record.moments is None
    again = pickle.loads(pickle.dumps(model))
    for one in (model, again):
        one.partial_fit(rows, rows[:, 0])
    assert model.model_.record.moments is not None
    np.testing.assert_array_equal(model.predict(rows), again.predict(rows))


def test__pickle__frozen_weights__stay_frozen():
    rows = data()[0]
    model = Regressor().fit(rows, rows[:, 0])
    model.network_.requires_grad_(False).readout.requires_grad_(True)
    again = pickle.loads(pickle.dumps(model)).network_.named_parameters()
    trained = {name for name, p in again if p.requires_grad}
    assert trained == {"readout.1.weight", "readout.1.bias"}


def changed_by_hand(model, how):
    network = model.network_
    if how == "other sizes":
        network.readout = torch.nn.Linear(8, 3)
    elif how == "other types":
        network.readout = torch.nn.Sequential(torch.nn.Tanh(), network.readout[-1])
    elif how == "precision":
        network.double()
    elif how == "hook":
        network.readout.register_forward_hook(print)
    elif how == "pre-hook":
        network.readout.register_forward_pre_hook(print)
    elif how == "backward hook":
        network.readout.register_full_backward_hook(print)
    elif how == "backward pre-hook":
        network.readout.register_full_backward_pre_hook(print)


HOOKS = ["hook", "pre-hook", "backward hook", "backward pre-hook"]


@pytest.mark.parametrize("how", ["other sizes", "other types", "precision", *HOOKS])
def test__pickle__network_changed_by_hand__says_so_before_it_is_lost(how):
    rows = data()[0]
    model = Regressor().fit(rows, rows[:, 0])
    changed_by_hand(model, how)
    with pytest.raises(InvalidInputError, match="changed by hand.*torch.save"):
        pickle.dumps(model)
    copy.deepcopy(model)


def test__pickle__written__makes_no_network(monkeypatch):
    """With 300 neurons that takes longer than all the rest."""
    rows = data()[0]
    model = Regressor().fit(rows, rows[:, 0])
    monkeypatch.setattr(storage, "rebuild_network", None)
    pickle.dumps(model)


# ------------------------------------------------------------------- other versions


@pytest.mark.parametrize("name", ["regressor", "classifier"])
def test__stored_pickle__of_an_earlier_version__predicts_as_it_did(name, recwarn):
    """These files are never made anew: tests/data/pickles/README.md."""
    with open(STORED / f"{name}.pkl", "rb") as file:
        model = pickle.load(file)
    assert all(issubclass(w.category, LNNWarning) for w in recwarn.list)
    stored = np.load(STORED / f"{name}.npz", allow_pickle=False)
    X, stamps = stored["X"], stored["timestamps"]
    if name == "classifier":
        found = model.predict_proba(X, timestamps=stamps)
        assert model.predict(X, timestamps=stamps).tolist() == stored["labels"].tolist()
    else:
        found = model.predict(X, timestamps=stamps)
    # Other machines and versions of torch may round otherwise.
    np.testing.assert_allclose(found, stored["prediction"], rtol=1e-4, atol=1e-5)
    with pytest.raises(InvalidInputError, match="a version of LNN stored it that kept"):
        model.predict(X, timestamps=stamps, context="fit")
    model.partial_fit(X, stored["y"], timestamps=stamps)
    model.predict(X, timestamps=stamps + stamps[-1], context="fit")


def test__pickle__without_a_newer_parameter__takes_its_default():
    rows = data()[0]
    model = Regressor(dropout=0.1).fit(rows, rows[:, 0])
    state = model.__getstate__()
    del state["lr_schedule"], state["model_"]["parameters"]["mixed_memory"]
    again = LiquidRegressor.__new__(LiquidRegressor)
    again.__setstate__(state)
    assert again.lr_schedule == "cosine"
    assert again.dropout == 0.1
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))


def test__pickle__of_a_later_format__is_refused_by_name():
    rows = data()[0]
    state = Regressor().fit(rows, rows[:, 0]).__getstate__()
    # The error alone: that predictions may differ is no news then.
    state |= {"_lnn_version": "9.0", "model_": {**state["model_"], "format": 99}}
    with pytest.raises(InvalidInputError, match="format 99: a later version"):
        LiquidRegressor.__new__(LiquidRegressor).__setstate__(state)


def test__pickle__a_users_subclass__keeps_what_is_its_own():
    rows = data()[0]
    model = Named("pump 7", **TINY).fit(rows, rows[:, 0])
    model.note = {"place": "cellar"}
    again = pickle.loads(pickle.dumps(model))
    assert (again.label, again.note) == ("pump 7", {"place": "cellar"})
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))


def test__pickle__a_subclass_without_a_newer_parameter__takes_its_default():
    rows = data()[0]
    model = Named("pump 7", **TINY).fit(rows, rows[:, 0])
    state = model.__getstate__()
    del state["dropout"], state["label"]
    again = Named.__new__(Named)
    again.__setstate__(state)
    assert (again.dropout, again.label) == (0.0, "")
    again.partial_fit(rows, rows[:, 0])


class Named(LiquidRegressor):
    """An estimator with a parameter of its own."""

    def __init__(self, label="", n_neurons=32, epochs=1, device="cpu", random_state=0):
        super().__init__(
            n_neurons, epochs=epochs, device=device, random_state=random_state
        )
        self.label = label


# ------------------------------------------------------------------------- skops


@pytest.mark.parametrize("name", ["CfC", "LTC", "classes", "quantiles", "own wiring"])
def test__skops__any_model__trusts_few_types_and_predicts_the_same(name):
    io_of = pytest.importorskip("skops.io")
    estimator, X, _, how = fitted(name)
    blob = io_of.dumps(estimator)
    kind = type(estimator)
    expected = {f"{kind.__module__}.{kind.__name__}"}
    if name == "own wiring":
        expected.add("LNN.wiring.wiring.Wiring")
    unknown = io_of.get_untrusted_types(data=blob)
    assert set(unknown) == expected
    again = io_of.loads(blob, trusted=unknown)
    np.testing.assert_array_equal(again.predict(X, **how), estimator.predict(X, **how))


def test__skops__after_partial_fit_in_a_pipeline__predicts_the_same():
    io_of = pytest.importorskip("skops.io")
    cube = data()[1]
    model = make_pipeline(SequenceScaler(), Regressor(warm_start=True))
    model.fit(cube, cube[:, 0, 0])
    model[-1].partial_fit(cube, cube[:, 0, 0])
    blob = io_of.dumps(model)
    unknown = io_of.get_untrusted_types(data=blob)
    assert all(name.startswith("LNN.") for name in unknown)
    again = io_of.loads(blob, trusted=unknown)
    np.testing.assert_array_equal(again.predict(cube), model.predict(cube))


def test__model__pickled_alone__predicts_the_same():
    rows = data()[0]
    model = Regressor().fit(rows, rows[:, 0]).model_
    buffer = io.BytesIO()
    pickle.dump(model, buffer)
    buffer.seek(0)
    again = pickle.load(buffer)
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))
    assert not [m for m in named_in(buffer.getvalue()) if m.startswith("torch")]
    assert copy.deepcopy(model).owner == "LiquidRegressor"


def test__version__in_the_pickle__is_that_of_the_package():
    assert Regressor().__getstate__()["_lnn_version"] == __version__


def test__format__names_that_are_stored__are_those_of_docu_pickles():
    """A renamed field would lose what older files say of it: add, never rename."""

    def names(value):
        if not isinstance(value, dict):
            return None
        return {key: names(part) for key, part in value.items()}

    rows, _, stamps = data()
    model = Regressor(warm_start=True).fit(rows, rows[:, 0], timestamps=stamps)
    plain = names(model.model_.to_plain())
    assert plain["layout"].keys() == {"options", "kind", "columns", "recordings"}
    assert plain["layout"]["options"].keys() == {
        *("owner", "window_length", "stride", "time_column", "group_column"),
        *("anchor", "allow_missing"),
    }
    assert plain["layout"]["columns"].keys() == {
        *("n_features_in", "names", "time", "group", "inputs", "anchors"),
    }
    assert plain["clock"].keys() == {
        *("unit", "resolution", "kind", "regular", "gap_range", "dtype", "standing"),
        *("max_step", "zoned"),
    }
    assert plain["clock"]["gap_range"].keys() == {
        *("unit", "shortest", "longest", "low", "high"),
    }
    assert plain["targets"].keys() == {"per_step", "ndim", "n_targets", "classes"}
    assert plain["scaler"].keys() == {
        *("method", "center_", "scale_", "neutral_", "n_features_in_"),
    }
    assert plain["network"].keys() == {
        *("n_neurons", "pooling", "patch", "mode", "ode_unfolds"),
        *("wirings", "weights", "frozen"),
    }
    assert plain["record"].keys() == {
        *("backend", "loss_curve", "validation_loss_curve", "validation_scores"),
        *("scoring", "best_loss", "n_iter", "moments", "random", "batches"),
    }
    assert plain["continuation"].keys() == {
        *("reason", "labels", "stamps", "zoned", "resolution", "counts", "rows"),
        *("elapsed", "states"),
    }
    whole = Regressor(window_length=None).fit(rows, rows[:, 0]).model_
    states = whole.to_plain()["continuation"]["states"]
    assert states.keys() == {"layers", "held", "age"}
    assert plain["record"]["moments"].keys() == {
        *("optimizer", "trained", "step", "arrays"),
    }
