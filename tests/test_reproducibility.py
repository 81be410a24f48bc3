"""Same seed, same bits; no global state; no padding or future in a prediction."""

import copy
import os
import pickle
import random
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from tiny import TINY

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import LNNWarning
from LNN.inspection import (
    TreeSurrogate,
    attribution_similarity,
    check_temporal_causality,
    disentanglement_scores,
    permutation_importance,
    robustness,
    select_diverse,
)
from LNN.pooling import POOLINGS
from LNN.safety import contraction_rate, verify

Regressor = partial(LiquidRegressor, **TINY, window_length=5)
N = 220

CELLS = pytest.mark.parametrize(
    "cell",
    [
        {"model_type": "CfC"},
        {"model_type": "CfC", "wiring": "full", "backbone_dropout": 0.2},
        {"model_type": "LTC"},
        {"model_type": "CfC", "mixed_memory": True, "dropout": 0.3},
        {"model_type": "LSTM"},
    ],
    ids=["CfC", "full", "LTC", "memory", "LSTM"],
)


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(N, 2))


@pytest.fixture
def recordings():
    rng = np.random.default_rng(1)
    return [rng.normal(size=(length, 2)) for length in rng.integers(2, 14, 20)]


def bits(model):
    """All weights as one bytes object."""
    state = model.network_.state_dict()
    return b"".join(state[name].numpy().tobytes() for name in sorted(state))


def fit_bits(X, y, **settings):
    return bits(Regressor(**settings).fit(X, y))


# --------------------------------------------------------------- same seed


@CELLS
def test__fit__same_seed__same_bits(rows, cell):
    assert fit_bits(rows, rows[:, 0], **cell) == fit_bits(rows, rows[:, 0], **cell)


@CELLS
def test__fit__other_seed__other_bits(rows, cell):
    assert fit_bits(rows, rows[:, 0], **cell) != fit_bits(
        rows, rows[:, 0], **cell, random_state=1
    )


def test__fit__random_state_object__is_drawn_from(rows):
    left = fit_bits(rows, rows[:, 0], random_state=np.random.RandomState(3))
    assert left == fit_bits(rows, rows[:, 0], random_state=np.random.RandomState(3))
    shared = np.random.RandomState(3)
    first = fit_bits(rows, rows[:, 0], random_state=shared)
    assert first == left
    assert fit_bits(rows, rows[:, 0], random_state=shared) != left


@pytest.mark.parametrize("n_jobs", [2, -1])
def test__fit__any_n_jobs__same_bits(rows, recordings, n_jobs):
    assert fit_bits(rows, rows[:, 0]) == fit_bits(rows, rows[:, 0], n_jobs=n_jobs)
    y = [x[:, 0] for x in recordings]
    one, many = Regressor(n_jobs=1), Regressor(n_jobs=n_jobs)
    assert bits(one.fit(recordings, y)) == bits(many.fit(recordings, y))
    for a, b in zip(one.predict(recordings), many.predict(recordings), strict=True):
        np.testing.assert_array_equal(a, b)


def test__fit__joblib_threads__same_bits(rows):
    jobs = [joblib.delayed(fit_bits)(rows, rows[:, 0], dropout=0.2) for _ in range(3)]
    results = joblib.Parallel(2, prefer="threads")(jobs)
    assert set(results) == {fit_bits(rows, rows[:, 0], dropout=0.2)}


def _fit_in_worker(X, y, settings):
    """Import inside: a worker process knows nothing of this file."""
    import torch

    from LNN import LiquidRegressor

    torch.set_num_threads(1)
    model = LiquidRegressor(**settings).fit(X, y)
    state = model.network_.state_dict()
    return b"".join(state[name].numpy().tobytes() for name in sorted(state))


@pytest.mark.slow
def test__fit__joblib_processes__same_bits(rows):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        here = fit_bits(rows, rows[:, 0])
    finally:
        torch.set_num_threads(threads)
    settings = {**TINY, "window_length": 5}
    one = joblib.delayed(_fit_in_worker)(rows, rows[:, 0], settings)
    jobs = [one, one]
    assert set(joblib.Parallel(2, backend="loky")(jobs)) == {here}


def test__fit__two_at_once_in_a_thread_pool__same_bits(rows):
    settings = [{"random_state": seed, "dropout": 0.2} for seed in (0, 1, 0, 1)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda s: fit_bits(rows, rows[:, 0], **s), settings))
    alone = [fit_bits(rows, rows[:, 0], **s) for s in settings[:2]]
    assert found == alone + alone


def test__predict__two_at_once_on_one_model__same_bits(rows):
    model = Regressor(dropout=0.2).fit(rows, rows[:, 0])
    alone = model.predict(rows)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: model.predict(rows), range(6)))
    for other in found:
        np.testing.assert_array_equal(other, alone)


# --------------------------------------------------------------- no global state


def picture_of_globals():
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": repr(np.random.get_state()),  # noqa: NPY002
        "python": random.getstate(),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "filters": list(warnings.filters),
        "folder": (os.getcwd(), sorted(os.listdir())),
        "dtype": torch.get_default_dtype(),
        "grad": torch.is_grad_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "errors": np.geterr(),
        "environment": dict(os.environ),
    }


@CELLS
def test__fit_and_predict__leave_global_state_alone(rows, cell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = picture_of_globals()
    # No seed: a fresh one must not come from a global generator either.
    settings = TINY | cell | {"random_state": None, "n_jobs": 2}
    model = LiquidClassifier(**settings, window_length=5)
    model.fit(rows, rows[:, 0] > 0)
    model.predict_proba(rows)
    model.score(rows, rows[:, 0] > 0)
    assert picture_of_globals() == before


UNSEEDED = {
    "causality": lambda model, X, y: check_temporal_causality(model, X, n_cuts=1),
    "contraction": lambda model, X, y: contraction_rate(model, X, random_state=None),
    "disentanglement": lambda model, X, y: disentanglement_scores(model, X),
    "diversity": lambda model, X, y: select_diverse(X, 3, model=model),
    "importance": lambda model, X, y: permutation_importance(model, X, y, n_repeats=1),
    "robustness": lambda model, X, y: robustness(
        model, X, y, disturbances={"noise": [0.1]}, n_repeats=1
    ),
    "similarity": lambda model, X, y: attribution_similarity(
        model, X, noise=0.1, n_repeats=1, rows=range(3)
    ),
    "tree": lambda model, X, y: TreeSurrogate(model).fit(X),
    "verify": lambda model, X, y: verify(
        model, (-1, 1), (-0.01, 0.01), random_state=None
    ),
}


@pytest.mark.parametrize("call", UNSEEDED.values(), ids=list(UNSEEDED))
def test__inspection_and_safety__without_seed__leave_global_state_alone(
    rows, call, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    y = rows[:, 0]
    model = LiquidRegressor(6, window_length=5, epochs=1, device="cpu").fit(rows, y)
    before = picture_of_globals()
    call(model, rows, y)
    assert picture_of_globals() == before


def test__fit__error__leaves_global_state_alone(rows, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def fail(epoch):
        raise RuntimeError("mine")

    before = picture_of_globals()
    with pytest.raises(RuntimeError, match="mine"):
        Regressor(dropout=0.2, callback=fail).fit(rows, rows[:, 0])
    assert picture_of_globals() == before


def test__fit__global_seeds__do_not_matter(rows):
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002 (the point of the test)
    left = fit_bits(rows, rows[:, 0], dropout=0.2)
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002
    assert fit_bits(rows, rows[:, 0], dropout=0.2) == left


def test__fit__other_default_dtype_of_torch__still_is_float32(rows):
    torch.set_default_dtype(torch.float64)
    try:
        model = Regressor().fit(rows, rows[:, 0])
        assert np.isfinite(model.predict(rows)).all()
    finally:
        torch.set_default_dtype(torch.float32)
    assert {p.dtype for p in model.network_.parameters()} == {torch.float32}


# --------------------------------------------------------------- pickle and copies


@CELLS
def test__pickle__round_trip__same_bits(rows, cell):
    model = Regressor(**cell).fit(rows, rows[:, 0])
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))
    assert bits(copy.deepcopy(model)) == bits(model)
    again.partial_fit(rows, rows[:, 0])
    assert bits(again) == bits(model.partial_fit(rows, rows[:, 0]))


def test__pickle__unfitted__keeps_the_parameters():
    model = pickle.loads(pickle.dumps(Regressor(n_layers=2)))
    assert model.get_params() == Regressor(n_layers=2).get_params()


def test__pickle__other_version__warns(rows, monkeypatch):
    model = Regressor().fit(rows, rows[:, 0])
    monkeypatch.setattr("LNN.estimators.pickling.__version__", "0.0.0")
    blob = pickle.dumps(model)
    monkeypatch.undo()
    with pytest.warns(LNNWarning, match="pickled by LNN 0.0.0 and is loaded by LNN"):
        again = pickle.loads(blob)
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))
    assert not hasattr(again, "_lnn_version")


def test__joblib_dump__file__loads_the_same(rows, tmp_path):
    model = Regressor().fit(rows, rows[:, 0])
    joblib.dump(model, tmp_path / "model.joblib", compress=3)
    again = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))


def tensors_in(value, seen=None):
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item, seen)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item, seen)
    elif hasattr(value, "__dict__"):
        yield from tensors_in(vars(value), seen)


DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


@pytest.mark.parametrize("device", DEVICES)
def test__fitted__any_device__holds_tensors_of_the_cpu_only(rows, device):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    model = Regressor(device=device).fit(rows, rows[:, 0])
    found = list(tensors_in(vars(model)))
    assert found
    assert {tensor.device.type for tensor in found} == {"cpu"}
    assert not any(tensor.grad_fn is not None for tensor in found)


# --------------------------------------------------------------- time


STAMPS = {
    "count": np.arange(N),
    "decimal": np.arange(N) * 0.1,
    "datetime64": np.datetime64("2024-01-01") + np.arange(N) * np.timedelta64(15, "m"),
    "epoch seconds": 1.7e9 + np.arange(N) * 0.25,
    "index": pd.date_range("2024", periods=N, freq="h", tz="Europe/Vienna"),
    "durations": pd.timedelta_range(0, periods=N, freq="7s"),
}


@pytest.mark.parametrize("name", STAMPS)
def test__timestamps__regular__same_bits_as_without(rows, name):
    without = Regressor().fit(rows, rows[:, 0])
    given = Regressor().fit(rows, rows[:, 0], timestamps=STAMPS[name])
    assert bits(given) == bits(without)
    predicted = given.predict(rows, timestamps=STAMPS[name])
    np.testing.assert_array_equal(predicted, without.predict(rows))
    np.testing.assert_array_equal(given.predict(rows), predicted)


def test__timestamps__datetime_index_of_a_frame__same_bits_as_without(rows):
    frame = pd.DataFrame(rows, index=STAMPS["index"])
    assert bits(Regressor().fit(frame, rows[:, 0])) == fit_bits(rows, rows[:, 0])


@CELLS
def test__timestamps__other_unit__same_result(rows, cell):
    seconds = np.cumsum(np.random.default_rng(2).integers(1, 9, N)).astype(float)

    def predict(time):
        model = Regressor(**cell, dtype="float64")
        model.fit(rows, rows[:, 0], timestamps=time)
        return model.predict(rows, timestamps=time)

    in_seconds = predict(seconds)
    np.testing.assert_allclose(predict(seconds / 86400), in_seconds, rtol=1e-6)
    np.testing.assert_array_equal(predict(seconds * 1024), in_seconds)
    dates = pd.Timestamp("2024") + pd.to_timedelta(seconds, unit="s")
    np.testing.assert_array_equal(predict(dates), in_seconds)


def test__timestamps__irregular__change_the_predictions(rows):
    time = np.cumsum(np.random.default_rng(2).integers(1, 9, N))
    model = Regressor().fit(rows, rows[:, 0], timestamps=time)
    other = model.predict(rows, timestamps=np.arange(N) * model.time_unit_)
    assert (other != model.predict(rows, timestamps=time)).any()


def test__timestamps__forms_for_sequences__are_the_same(recordings):
    rng = np.random.default_rng(3)
    time = [np.cumsum(rng.integers(1, 5, len(x))).astype(float) for x in recordings]
    y = [x[:, 0] for x in recordings]
    by_list = Regressor().fit(recordings, y, timestamps=time)
    columns = [np.column_stack([x, t]) for x, t in zip(recordings, time, strict=True)]
    by_column = Regressor(time_column=2).fit(columns, y)
    frames = [
        pd.DataFrame(x, index=pd.to_timedelta(t, unit="s"))
        for x, t in zip(recordings, time, strict=True)
    ]
    by_index = Regressor().fit(frames, y)
    assert bits(by_list) == bits(by_column) == bits(by_index)
    for a, b in zip(
        by_list.predict(recordings, timestamps=time),
        by_column.predict(columns),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


# --------------------------------------------------------------- padding and batches


@CELLS
@pytest.mark.parametrize("per_step", [False, True])
def test__predict__padded_in_a_batch__equals_alone(recordings, cell, per_step):
    y = [x[:, 0] if per_step else x[:, 0].mean() for x in recordings]
    time = [np.cumsum(np.full(len(x), 1.0 + len(x) % 3)) for x in recordings]
    model = Regressor(**cell, dtype="float64").fit(recordings, y, timestamps=time)
    together = model.predict(recordings, timestamps=time)
    for x, t, block in zip(recordings, time, together, strict=True):
        alone = model.predict([x], timestamps=[t])[0]
        np.testing.assert_allclose(alone, block, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("pooling", POOLINGS)
def test__predict__any_pooling__is_blind_to_padding(recordings, pooling):
    y = [x[:, 0].mean() for x in recordings]
    model = Regressor(pooling=pooling, dtype="float64").fit(recordings, y)
    together = model.predict(recordings)
    alone = [model.predict([x])[0] for x in recordings]
    np.testing.assert_allclose(alone, together, rtol=1e-10, atol=1e-10)


def test__predict__any_batch_size__is_the_same(rows, monkeypatch):
    model = Regressor(dtype="float64").fit(rows, rows[:, 0])
    whole = model.predict(rows)
    monkeypatch.setattr("LNN.batching.batches.MAX_SAMPLES", 7)
    np.testing.assert_allclose(model.predict(rows), whole, rtol=1e-10, atol=1e-10)


# --------------------------------------------------------------- causality


@CELLS
def test__predict__rows_after_t__change_nothing_before(rows, cell):
    model = Regressor(**cell).fit(rows, rows[:, 0])
    before = model.predict(rows)
    for t in (0, 3, 100, 218):
        changed = rows.copy()
        changed[t + 1 :] = 1e3
        np.testing.assert_array_equal(model.predict(changed)[: t + 1], before[: t + 1])
        assert model.predict(changed)[t + 1] != before[t + 1]


@CELLS
def test__predict__steps_after_t__change_nothing_before(recordings, cell):
    X = np.stack([x[:2] for x in recordings]).repeat(5, axis=1)
    model = Regressor(**cell, return_sequences=True).fit(X, X[:, :, 0])
    before = model.predict(X)
    for t in (0, 4, 8):
        changed = X.copy()
        changed[:, t + 1 :] = -50.0
        np.testing.assert_array_equal(
            model.predict(changed)[:, : t + 1], before[:, : t + 1]
        )
        assert (model.predict(changed)[:, t + 1] != before[:, t + 1]).all()


def test__predict__time_after_t__changes_nothing_before(rows):
    time = np.cumsum(np.random.default_rng(2).integers(1, 9, N)).astype(float)
    model = Regressor().fit(rows, rows[:, 0], timestamps=time)
    later = time.copy()
    later[101:] += 50.0
    left = model.predict(rows, timestamps=time)
    right = model.predict(rows, timestamps=later)
    np.testing.assert_array_equal(left[:101], right[:101])
    assert left[101] != right[101]


def test__predict__anchored__rows_after_t_change_nothing_before(rows):
    rows = rows.cumsum(axis=0)
    model = Regressor(anchor=0).fit(rows[:-1], rows[1:, 0])
    before = model.predict(rows)
    changed = rows.copy()
    changed[101:] = 9.0
    np.testing.assert_array_equal(model.predict(changed)[:101], before[:101])
