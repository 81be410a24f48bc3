"""How training goes: steps, stopping, weights kept, losses, what is reported."""

import copy
import math
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from ncps.wirings import NCP, AutoNCP
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from tiny import TINY

from LNN import LiquidClassifier, LiquidRegressor, Wiring
from LNN.exceptions import (
    DeviceMemoryError,
    InvalidInputError,
    LNNWarning,
    NonFiniteLossError,
)
from LNN.kernels.native.library import load
from LNN.training.losses import SquaredError, same_shape
from LNN.training.optimisers import OPTIMIZERS, SGD, clip_gradient
from LNN.training.schedules import SCHEDULES, Schedule

SETTINGS = TINY | {"epochs": 5, "lr_schedule": None}
Regressor = partial(LiquidRegressor, **SETTINGS, window_length=6)
Classifier = partial(LiquidClassifier, **SETTINGS, window_length=6)


@pytest.fixture
def rows():
    t = np.arange(260)
    return np.column_stack([np.sin(0.25 * t), np.cos(0.1 * t)])


@pytest.fixture
def y(rows):
    return 3.0 * np.roll(rows[:, 0], -1) + 20.0


@pytest.fixture
def cube():
    return np.random.default_rng(0).normal(size=(40, 6, 2))


def state(model):
    return {k: v.clone() for k, v in model.network_.state_dict().items()}


def same_bits(left, right):
    left, right = state(left), state(right)
    return all(torch.equal(left[name], right[name]) for name in left)


def mean_loss(model, X, y):
    """Squared error in the network's units, without LNN's loop."""
    return np.mean((model.predict(X) - y) ** 2) / model.target_scaler_.scale_[0] ** 2


# --------------------------------------------------------------- optimisers


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test__fit__optimizer_and_schedule__lower_the_loss(cube, optimizer, schedule):
    model = LiquidRegressor(
        8,
        epochs=12,
        batch_size=10,
        optimizer=optimizer,
        lr_schedule=schedule,
        device="cpu",
        random_state=0,
        learning_rate=0.03,
    ).fit(cube, cube[:, :, 0].mean(axis=1))
    assert model.best_loss_ < 0.8 * model.loss_curve_[0]


@pytest.mark.parametrize(
    ("schedule", "last"),
    [(None, 1.0), ("cosine", 0.01), ("exponential", 0.01), ("onecycle", 1e-3)],
)
def test__schedule__last_epoch__rate_is_that_of_its_definition(cube, schedule, last):
    rates = []
    LiquidRegressor(
        8,
        epochs=8,
        learning_rate=0.02,
        lr_schedule=schedule,
        device="cpu",
        callback=lambda epoch: rates.append(epoch.learning_rate),
    ).fit(cube, cube[:, 0, 0])
    assert rates[-1] <= 0.02 * last * 1.001
    assert len(rates) == 8


def test__schedule__plateau__halves_without_progress():
    optimizer = SGD(torch.zeros(1), 1.0, 0.0)
    schedule = Schedule("plateau", optimizer, 10, 1, 2)
    for _ in range(5):
        schedule.after_epoch(1.0)
    assert schedule.rate == 0.5


def test__schedule__plateau__knows_progress_of_scores_too():
    """A score counts negative: less is better, and equal is no progress."""
    for values, rate in ([-0.9] * 5, 0.5), ([-0.9, -0.91, -0.92, -0.93, -0.94], 1.0):
        optimizer = SGD(torch.zeros(1), 1.0, 0.0)
        schedule = Schedule("plateau", optimizer, 10, 1, 2)
        for value in values:
            schedule.after_epoch(value)
        assert schedule.rate == rate


@pytest.mark.parametrize("by", ["norm", "value"])
def test__clip_gradient__large__is_cut(by):
    gradient = torch.full((5,), 10.0)
    clip_gradient(gradient, 0.5, by)
    size = gradient.norm() if by == "norm" else gradient.abs().max()
    assert float(size) == pytest.approx(0.5, rel=1e-4)


def test__clip_value__none_or_zero__does_not_clip(cube):
    y = cube[:, 0, 0]
    models = [
        LiquidRegressor(**SETTINGS, optimizer="sgd", clip_value=value).fit(cube, y)
        for value in (None, 0, 1e9, 1e-3)
    ]
    assert same_bits(models[0], models[1])
    assert same_bits(models[0], models[2])
    assert not same_bits(models[0], models[3])


def test__clip_by__value_and_norm__differ(cube):
    y = cube[:, 0, 0]
    models = [
        LiquidRegressor(**SETTINGS, optimizer="sgd", clip_value=0.01, clip_by=by)
        for by in ("norm", "value")
    ]
    assert not same_bits(*[model.fit(cube, y) for model in models])


def test__weight_decay__large__makes_weights_smaller(cube):
    def size(decay):
        model = LiquidRegressor(**SETTINGS, optimizer="adamw", weight_decay=decay)
        model.fit(cube, cube[:, 0, 0])
        return float(sum(v.square().sum() for v in state(model).values()))

    assert size(20.0) < size(0.0)


# --------------------------------------------------------------- stopping


def test__early_stopping__any_end__restores_the_best_weights(rows, y):
    model = Regressor(
        epochs=60, early_stopping=True, n_iter_no_change=3, dtype="float64"
    )
    model.set_params(learning_rate=0.05)
    split = 200
    model.fit(rows[:split], y[:split], X_val=rows[split:-1], y_val=y[split:-1])
    assert len(model.validation_loss_curve_) == len(model.loss_curve_) == model.n_iter_
    assert model.best_validation_loss_ == min(model.validation_loss_curve_)
    assert model.best_loss_ == min(model.loss_curve_)
    final = mean_loss(model, rows[split:-1], y[split:-1])
    assert final == pytest.approx(model.best_validation_loss_, rel=1e-9)


@pytest.mark.parametrize(
    ("early_stopping", "n_iter"), [("auto", 5), (True, 5), (False, 9)]
)
def test__early_stopping__no_progress__stops_after_patience(
    rows, y, early_stopping, n_iter
):
    model = Regressor(epochs=9, learning_rate=1e-12, n_iter_no_change=4)
    model.set_params(early_stopping=early_stopping)
    model.fit(rows, y, X_val=rows, y_val=y)
    assert model.n_iter_ == len(model.validation_loss_curve_) == n_iter


def test__fit__keyboard_interrupt_in_callback__keeps_the_best_weights(rows, y):
    def interrupt(epoch):
        if epoch.epoch == 4:
            raise KeyboardInterrupt

    model = Regressor(
        epochs=50, callback=interrupt, dtype="float64", learning_rate=0.05
    )
    with pytest.warns(LNNWarning, match="interrupted"):
        model.fit(rows, y, X_val=rows[:-1], y_val=y[:-1])
    assert model.n_iter_ == len(model.loss_curve_) == 4
    assert model.best_validation_loss_ == min(model.validation_loss_curve_)
    assert mean_loss(model, rows[:-1], y[:-1]) == pytest.approx(
        model.best_validation_loss_, rel=1e-9
    )


def test__fit__any_error_in_callback__is_raised_with_a_usable_estimator(rows, y):
    def fail(epoch):
        if epoch.epoch == 3:
            raise RuntimeError("mine")

    model = Regressor(callback=fail)
    with pytest.raises(RuntimeError, match="mine"):
        model.fit(rows, y)
    assert len(model.loss_curve_) == 3
    assert np.isfinite(model.predict(rows)).all()
    assert not model.network_.training


SPOILT = {"learning_rate": 1e30, "optimizer": "sgd", "clip_value": None}


def test__fit__non_finite_loss__is_an_error_that_keeps_finite_weights(rows, y):
    model = Regressor(batch_size=1000, early_stopping=False, **SPOILT)
    with pytest.raises(NonFiniteLossError, match=r"epoch 2.*are kept. Lower learning_"):
        model.fit(rows, y)
    assert all(v.isfinite().all() for v in state(model).values())
    assert np.isfinite(model.predict(rows)).all()
    assert len(model.loss_curve_) == 1
    assert np.isfinite(model.loss_curve_).all()


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test__fit__non_finite_loss_in_the_first_epoch__changes_nothing(rows, y, method):
    model = Regressor(batch_size=20, **SPOILT)
    words = "epoch 1. Nothing was learnt before that: the estimator is what it was"
    with pytest.raises(NonFiniteLossError, match=words):
        getattr(model, method)(rows, y)
    with pytest.raises(NotFittedError):
        model.predict(rows)
    model.set_params(learning_rate=0.01).fit(rows, y)
    curve, before = model.loss_curve_, model.predict(rows)
    with pytest.raises(NonFiniteLossError, match=words):
        getattr(model.set_params(learning_rate=1e30), method)(rows, y)
    assert model.loss_curve_ is curve
    assert model.n_iter_ == len(curve)
    np.testing.assert_array_equal(model.predict(rows), before)


def test__fit__failure_before_the_first_epoch_is_over__changes_nothing(rows, y):
    model = Regressor().fit(rows, y)
    before = model.predict(rows)
    with pytest.raises(InvalidInputError, match="float32 can hold"):
        model.fit(rows, y, X_val=np.full_like(rows, 1e300), y_val=y)
    np.testing.assert_array_equal(model.predict(rows), before)
    assert len(model.loss_curve_) == model.n_iter_ == 5


@pytest.mark.parametrize("n_jobs", [None, 2])
def test__fit__numbers_too_large_to_scale__names_the_column(rows, y, n_jobs):
    frame = pd.DataFrame(rows, columns=["a", "b"])
    model = Regressor(n_jobs=n_jobs).fit(frame, y)
    before = model.predict(frame)
    spoilt = frame.copy()
    spoilt.loc[5, "b"] = 1e300
    with pytest.raises(InvalidInputError, match=r"too large in column 1 \('b'\) of X"):
        model.fit(spoilt, y)
    with pytest.raises(InvalidInputError, match="too large in y"):
        model.fit(frame, spoilt["b"])
    with pytest.raises(InvalidInputError, match="too large in column 1 of y"):
        model.fit(frame, spoilt)
    np.testing.assert_array_equal(model.predict(frame), before)


def test__fit__weights_spoilt_later__keeps_the_best_before(rows, y):
    holder = {}

    def spoil(epoch):
        if epoch.epoch == 3:
            holder["best"] = mean_loss(holder["model"], rows[:-1], y[:-1])
            with torch.no_grad():
                next(holder["model"].network_.parameters()).fill_(float("nan"))

    model = holder["model"] = Regressor(epochs=10, callback=spoil, dtype="float64")
    with pytest.raises(NonFiniteLossError, match="epoch 4"):
        model.fit(rows, y, X_val=rows[:-1], y_val=y[:-1])
    assert mean_loss(model, rows[:-1], y[:-1]) == pytest.approx(
        min(model.validation_loss_curve_), rel=1e-9
    )


def test__callback__returns_true__stops(rows, y):
    seen = []

    def stop(epoch):
        seen.append(epoch)
        return epoch.epoch == 3

    model = Regressor(callback=stop).fit(rows, y)
    assert model.n_iter_ == 3
    assert [e.epoch for e in seen] == [1, 2, 3]
    assert [e.loss for e in seen] == model.loss_curve_
    assert seen[0].epochs == 5
    assert seen[0].validation_loss == model.validation_loss_curve_[0]


def test__callback__predicting__sees_no_dropout_and_changes_nothing(cube):
    y, seen = cube[:, 0, 0], []
    watched = LiquidRegressor(**SETTINGS, dropout=0.5)

    def watch(epoch):
        seen.append(np.array_equal(watched.predict(cube), watched.predict(cube)))

    watched.set_params(callback=watch).fit(cube, y)
    assert seen == [True] * 5
    assert same_bits(watched, LiquidRegressor(**SETTINGS, dropout=0.5).fit(cube, y))


def test__callback__returns_something_else__goes_on(rows, y):
    assert Regressor(callback=lambda epoch: epoch.epoch).fit(rows, y).n_iter_ == 5


def test__epochs__auto__takes_500_steps_and_30_epochs(cube):
    seen = []
    model = LiquidRegressor(
        8, batch_size=2, device="cpu", callback=lambda e: seen.append(e) or True
    )
    model.fit(cube, cube[:, 0, 0])  # 20 steps an epoch
    assert seen[-1].epochs == 30
    model.set_params(batch_size=40).fit(cube, cube[:, 0, 0])
    assert seen[-1].epochs == 500


# --------------------------------------------------------------- losses


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test__loss__by_name__is_what_the_curve_shows(cube, loss):
    y = cube[:, :, 0].mean(axis=1)
    model = LiquidRegressor(**SETTINGS, loss=loss, dtype="float64", batch_size=100)
    model.fit(cube, y, X_val=cube, y_val=y)
    error = (model.predict(cube) - y) / model.target_scaler_.scale_[0]
    by_hand = {
        "squared_error": error**2,
        "absolute_error": np.abs(error),
        "huber": np.where(np.abs(error) <= 1, error**2 / 2, np.abs(error) - 0.5),
    }[loss]
    assert model.best_validation_loss_ == pytest.approx(by_hand.mean())


def test__loss__quantiles__cover_what_they_say():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 1))
    y = X[:, 0] + rng.exponential(size=600)
    levels = [0.1, 0.5, 0.9]
    model = LiquidRegressor(
        8,
        window_length=1,
        loss="quantile",
        quantile=levels,
        epochs=40,
        early_stopping=False,
        device="cpu",
        random_state=0,
    ).fit(X, y)
    predicted = model.predict(X)
    assert predicted.shape == (600, 3)
    below = (y[:, None] <= predicted).mean(axis=0)
    np.testing.assert_allclose(below, levels, atol=0.07)
    single = LiquidRegressor(**SETTINGS, window_length=1, loss="quantile", quantile=0.9)
    assert single.fit(X, y).predict(X).shape == (600,)
    assert isinstance(model.score(X, y), float)


def test__loss__quantiles_of_several_targets__are_a_last_axis(cube):
    y = cube[:, 0]
    settings = SETTINGS | {"loss": "quantile", "quantile": [0.25, 0.75]}
    assert LiquidRegressor(**settings).fit(cube, y).predict(cube).shape == (40, 2, 2)
    per_step = LiquidRegressor(**settings, return_sequences=True).fit(
        cube, cube[:, :, 0]
    )
    assert per_step.predict(cube).shape == (40, 6, 2)
    # The score is that of the pinball loss, which knows a prediction by its level.
    assert per_step.score(cube, cube[:, :, 0]) < 1.0


def test__objective__column_against_vector__is_refused():
    objective = SquaredError(1)
    with pytest.raises(RuntimeError, match=r"\(4, 1\) and \(4,\)|one shape"):
        objective.total(torch.zeros(4, 1), torch.zeros(4, 1), torch.ones(4, 1))
    with pytest.raises(RuntimeError, match="one shape"):
        same_shape(torch.zeros(4, 1), torch.zeros(4))


def test__loss__of_the_other_task__is_refused(cube):
    with pytest.raises(InvalidInputError, match="does not fit task"):
        LiquidRegressor(loss="cross_entropy").fit(cube, cube[:, 0, 0])


# --------------------------------------------------------------- class weights


@pytest.mark.parametrize("per_step", [False, True])
def test__class_weight__dict_and_balanced__equal_sample_weights(cube, per_step):
    y = (cube[:, :, 0] > 0.8).astype(int) if per_step else (cube[:, 0, 0] > 0.5) * 1
    settings = SETTINGS | {"early_stopping": False, "batch_size": 100}
    # Weights must not reach the scalers here: class weights are of the loss alone.
    settings |= {"dtype": "float64", "scale": "none"}
    counts = np.bincount(np.ravel(y))
    balanced = dict(enumerate(y.size / (2 * counts)))
    by_dict = LiquidClassifier(**settings, class_weight=balanced).fit(cube, y)
    by_name = LiquidClassifier(**settings, class_weight="balanced").fit(cube, y)
    for name, value in state(by_dict).items():
        torch.testing.assert_close(state(by_name)[name], value, rtol=1e-9, atol=1e-12)
    if not per_step:
        weight = np.array([balanced[label] for label in y])
        by_sample = LiquidClassifier(**settings).fit(cube, y, sample_weight=weight)
        for name, value in state(by_dict).items():
            torch.testing.assert_close(
                state(by_sample)[name], value, rtol=1e-7, atol=1e-9
            )


def test__class_weight__unknown_class__is_named(cube):
    with pytest.raises(InvalidInputError, match="'c'.*not among the classes"):
        LiquidClassifier(**SETTINGS, class_weight={"c": 2.0}).fit(
            cube, np.where(cube[:, 0, 0] > 0, "a", "b")
        )


def test__sample_weight__independent_rows__equals_repetition(rows, y):
    counts = np.random.default_rng(0).integers(0, 3, len(rows))
    settings = {"window_length": 1, "dtype": "float64", "batch_size": 10**6}
    settings |= {"early_stopping": False}
    weighted = Regressor().set_params(**settings).fit(rows, y, sample_weight=counts)
    repeated = Regressor().set_params(**settings)
    repeated.fit(np.repeat(rows, counts, axis=0), np.repeat(y, counts))
    for name, value in state(weighted).items():
        torch.testing.assert_close(state(repeated)[name], value, rtol=1e-7, atol=1e-9)


# --------------------------------------------------------------- going on


@pytest.mark.parametrize("switched_off", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize(
    "model",
    [{}, {"model_type": "LTC", "backend": "torch"}, {"model_type": "LSTM"}],
    ids=str,
)
def test__fit__gradients_switched_off_around__changes_nothing(
    rows, y, switched_off, model
):
    rows, y = rows[:60], y[:60]
    here, there = (Regressor(**model, warm_start=True) for _ in range(2))
    here.fit(rows, y)
    with switched_off():
        there.fit(rows, y).predict(rows)
        assert not torch.is_grad_enabled()
    assert same_bits(here, there)
    # No weight is a tensor of inference mode, which could be trained nowhere else.
    assert same_bits(here.fit(rows, y), there.fit(rows, y))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test__warm_start__frozen_weights__are_left_alone(rows, y, optimizer):
    model = Regressor(warm_start=True, optimizer=optimizer).fit(rows, y)
    before = state(model)
    model.network_.requires_grad_(False).readout.requires_grad_(True)
    model.fit(rows, y).fit(rows, y)
    changed = {k for k, v in state(model).items() if not torch.equal(v, before[k])}
    assert changed == {name for name in before if name.startswith("readout")}
    model.network_.requires_grad_(True)
    assert not same_bits(copy.deepcopy(model), model.fit(rows, y))


def test__warm_start__all_weights_frozen__says_so(rows, y):
    model = Regressor(warm_start=True).fit(rows, y)
    model.network_.requires_grad_(False)
    with pytest.raises(InvalidInputError, match="requires_grad=False. Let some"):
        model.fit(rows, y)


def test__partial_fit__many_calls__keep_scalers_and_optimiser(rows, y):
    model = Regressor().partial_fit(rows, y)
    center, first = model.scaler_.center_.copy(), model.loss_curve_[0]
    steps = model.model_.record.moments.step
    for _ in range(20):
        model.partial_fit(rows + 0.5, y)
    np.testing.assert_array_equal(model.scaler_.center_, center)
    assert model.model_.record.moments.step == 21 * steps
    assert model.n_iter_ == len(model.loss_curve_) == 21
    assert model.loss_curve_[-1] < first


def test__partial_fit__one_full_batch_twice__equals_fit_of_two_epochs(cube):
    """The optimiser's moments are kept: else the second step would be another one."""
    y = cube[:, 0, 0]
    settings = SETTINGS | {"epochs": 2, "batch_size": 100, "early_stopping": False}
    whole = LiquidRegressor(**settings, dtype="float64").fit(cube, y)
    parts = LiquidRegressor(**settings, dtype="float64")
    parts.partial_fit(cube, y).partial_fit(cube, y)
    np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-9)


def test__partial_fit__classes__come_from_the_first_call(cube):
    model = LiquidClassifier(**SETTINGS)
    model.partial_fit(cube, ["a"] * 20 + ["b"] * 20, classes=["a", "b", "c"])
    model.partial_fit(cube, ["c"] * 40)
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert model.predict_proba(cube).shape == (40, 3)
    with pytest.raises(InvalidInputError, match="'d'.*known classes"):
        model.partial_fit(cube, ["d"] * 40)


def test__warm_start__second_fit__goes_on(rows, y):
    model = Regressor(warm_start=True, early_stopping=False).fit(rows, y)
    before, center = model.loss_curve_[-1], model.scaler_.center_.copy()
    model.fit(rows * 2, y)
    np.testing.assert_array_equal(model.scaler_.center_, center)
    model.fit(rows, y)
    assert model.best_loss_ < before
    assert model.n_iter_ == 5
    cold = Regressor(early_stopping=False).fit(rows, y)
    assert not same_bits(model, cold)


MATRIX = np.random.default_rng(0).choice([-1, 0, 1], (40, 40))
CIRCUIT = {"inter_neurons": 6, "command_neurons": 4, "motor_neurons": 2}
CIRCUIT |= {"sensory_fanout": 3, "inter_fanout": 2, "recurrent_command_synapses": 4}


@pytest.mark.parametrize(
    ("wiring", "n_neurons"),
    [
        (lambda: AutoNCP(12, 1), 12),
        (lambda: NCP(**CIRCUIT, motor_fanin=2), 12),
        (lambda: Wiring.ncp(2, 12, 1), 12),
        (MATRIX.copy, 40),
        (MATRIX.tolist, 40),
    ],
    ids=["AutoNCP", "NCP", "Wiring", "array", "list"],
)
def test__going_on__with_a_wiring_object__knows_it_again(cube, wiring, n_neurons):
    settings = SETTINGS | {"n_neurons": n_neurons, "epochs": 1, "warm_start": True}
    model = LiquidRegressor(**settings, wiring=wiring())
    model.fit(cube, cube[:, 0, 0]).fit(cube, cube[:, 0, 0])
    model.partial_fit(cube, cube[:, 0, 0])
    model.set_params(wiring=wiring()).partial_fit(cube, cube[:, 0, 0])


@pytest.mark.parametrize(
    "wiring", [Wiring.ncp(2, 12, 1), AutoNCP(12, 1), np.eye(12), np.eye(12).tolist()]
)
def test__n_neurons__left_out__is_that_of_a_wiring_object(cube, wiring):
    model = LiquidRegressor(wiring=wiring, n_layers=2, epochs=1)
    if isinstance(wiring, Wiring):
        model.set_params(n_layers=1)  # it is for two inputs
    model.fit(cube, cube[:, 0, 0])
    assert model.wiring_.n_neurons == 12
    assert "12 neurons" in model.summary()
    with pytest.raises(InvalidInputError, match="n_neurons=8 is asked for"):
        model.set_params(n_neurons=8).fit(cube, cube[:, 0, 0])


@pytest.mark.parametrize(
    "change",
    [
        {"wiring": AutoNCP(40, 1, seed=1)},
        {"wiring": AutoNCP(40, 2)},
        {"wiring": "ncp"},
        {"wiring": np.ones((4, 4))},
        {"scale": StandardScaler(with_mean=False)},
        {"scale": FunctionTransformer(kw_args={"a": np.zeros(2)})},
        {"scale": "standard"},
    ],
)
def test__going_on__with_another_object__is_refused(cube, change):
    model = LiquidRegressor(**SETTINGS | {"n_neurons": 40, "epochs": 1})
    scale = {"scale": StandardScaler()} if "scale" in change else {}
    model.set_params(wiring=MATRIX.copy(), **scale).fit(cube, cube[:, 0, 0])
    model.set_params(**scale).partial_fit(cube, cube[:, 0, 0])
    with pytest.raises(InvalidInputError, match="(wiring|scale) was"):
        model.set_params(**change).partial_fit(cube, cube[:, 0, 0])


def test__going_on__matrix_changed_inside__is_refused(cube):
    """numpy abbreviates what it prints, so the change is not to be seen there."""
    matrix = MATRIX.copy()
    model = LiquidRegressor(**SETTINGS | {"n_neurons": 40, "epochs": 1}, wiring=matrix)
    model.fit(cube, cube[:, 0, 0])
    matrix[20, 20] = 1 - matrix[20, 20] ** 2
    with pytest.raises(InvalidInputError, match="wiring was"):
        model.partial_fit(cube, cube[:, 0, 0])


@pytest.mark.parametrize("y_shape", [(40, 6), (40, 2)])
def test__warm_start__other_targets__are_refused_by_name(cube, y_shape):
    model = LiquidRegressor(**SETTINGS, warm_start=True).fit(cube, cube[:, 0, 0])
    words = r"Expected y with 1 target\(s\) as in the first fit, got"
    with pytest.raises(InvalidInputError, match=words):
        model.fit(cube, np.zeros(y_shape))
    with pytest.raises(InvalidInputError, match=words):
        model.partial_fit(cube, np.zeros(y_shape))
    assert model.predict(cube).shape == (40,)


def test__x_val__other_targets_than_y__are_refused_by_name(cube):
    words = r"Expected y_val with 1 target\(s\)"
    with pytest.raises(InvalidInputError, match=words):
        LiquidRegressor(**SETTINGS).fit(
            cube, cube[:, 0, 0], X_val=cube, y_val=cube[:, 0, :2]
        )


def test__warm_start__other_settings__are_those_of_now(cube):
    y = cube[:, 0, 0]
    model = LiquidRegressor(**SETTINGS, warm_start=True).fit(cube, y)
    decayed = model.set_params(optimizer="adamw", weight_decay=0.5).fit(cube, y)
    decayed.set_params(optimizer="sgd", lr_schedule="onecycle").fit(cube, y)
    assert np.isfinite(decayed.loss_curve_).all()

    def size(decay):
        one = LiquidRegressor(**SETTINGS, warm_start=True, optimizer="adamw")
        one.fit(cube, y)
        one.set_params(weight_decay=decay).fit(cube, y)
        return float(sum(v.square().sum() for v in state(one).values()))

    assert size(20.0) < size(0.0)


def test__partial_fit__balanced_with_an_absent_class__stays_finite(cube):
    model = LiquidClassifier(**SETTINGS, class_weight="balanced")
    model.partial_fit(cube, [0, 1] * 20, classes=[0, 1, 2])
    assert np.isfinite(model.loss_curve_).all()


# --------------------------------------------------------------- reporting


def test__verbose__1__prints_a_line_per_epoch(rows, y, capsys):
    Regressor(verbose=1, epochs=3).fit(rows, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("epoch 1/3  loss ")
    assert "validation" in lines[0]
    assert "learning rate" in lines[0]


def test__verbose__0__prints_nothing(rows, y, capsys):
    Regressor().fit(rows, y)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test__verbose__bar__shows_tqdm(rows, y, capsys):
    pytest.importorskip("tqdm")
    Regressor(verbose="bar", epochs=3).fit(rows, y)
    assert "3/3" in capsys.readouterr().err


# --------------------------------------------------------------- per-call values


def test__fit__overrides__hold_for_that_call_only(rows, y):
    rates = []
    model = Regressor(callback=lambda epoch: rates.append(epoch.learning_rate))
    model.fit(rows, y, epochs=2, clip_value=0.5, learning_rate=0.003, n_jobs=2)
    assert model.n_iter_ == 2
    assert rates == [0.003, 0.003]
    assert (model.epochs, model.learning_rate, model.clip_value) == (5, 0.01, 1.0)
    same = Regressor(epochs=2, learning_rate=0.003, clip_value=0.5).fit(rows, y)
    assert same_bits(model, same)


@pytest.mark.parametrize(
    "override",
    [{"epochs": 0}, {"learning_rate": -1}, {"clip_value": -1}, {"n_jobs": 0}],
)
def test__fit__bad_override__is_named(rows, y, override):
    name = next(iter(override))
    with pytest.raises(InvalidInputError, match=f"'{name}' parameter of"):
        Regressor().fit(rows, y, **override)


# --------------------------------------------------------------- device and backend


@pytest.mark.skipif(torch.cuda.is_available(), reason="asks for a missing device")
@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test__device__cuda_without_cuda__says_what_to_do(rows, y, device):
    with pytest.raises(InvalidInputError, match="torch sees no CUDA device.*Use"):
        Regressor(device=device).fit(rows, y)


def test__device__unknown__is_named(rows, y):
    with pytest.raises(InvalidInputError, match="device must be"):
        Regressor(device="abacus").fit(rows, y)


def test__out_of_memory__in_training_and_prediction__names_batch_size(
    rows, y, monkeypatch
):
    # The library's kernels, which know no accelerator, do not call the network.
    how = {"batch_size": 17, "backend": "torch"}
    model = Regressor(**how).fit(rows, y)

    def exhausted(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(type(model.network_), "forward", exhausted)
    with pytest.raises(DeviceMemoryError, match="batch_size=17.*lower batch_size"):
        Regressor(**how).fit(rows, y)
    with pytest.raises(DeviceMemoryError, match="ran out of memory"):
        model.predict(rows)


def test__backend__auto_and_environment__say_what_ran(rows, y, monkeypatch):
    monkeypatch.delenv("LNN_BACKEND", raising=False)
    expected = "native" if load() else "torch"
    assert Regressor(epochs=1).fit(rows, y).backend_ == expected
    assert Regressor(model_type="LSTM", epochs=1).fit(rows, y).backend_ == "torch"
    rk4 = Regressor(model_type="LTC", solver="rk4", epochs=1)
    assert rk4.fit(rows, y).backend_ == "torch"
    monkeypatch.setenv("LNN_BACKEND", "torch")
    assert Regressor(epochs=1).fit(rows, y).backend_ == "torch"
    monkeypatch.setenv("LNN_BACKEND", "abacus")
    with pytest.raises(ValueError, match="LNN_BACKEND.*abacus|abacus.*LNN_BACKEND"):
        Regressor(epochs=1).fit(rows, y)
    assert Regressor(epochs=1, backend="torch").fit(rows, y).backend_ == "torch"


def test__backend__unknown__is_named(rows, y):
    with pytest.raises(InvalidInputError, match="'backend' parameter.*'abacus'"):
        Regressor(backend="abacus").fit(rows, y)


def test__loss_curve__any_fit__is_plain_finite_floats(rows, y):
    model = Regressor().fit(rows, y)
    assert all(type(v) is float and math.isfinite(v) for v in model.loss_curve_)


def test__best_weights__without_validation__have_the_best_loss(rows, y):
    """The loss of an epoch belongs to the weights before it, not after it."""
    settings = {"learning_rate": 30.0, "lr_schedule": None, "epochs": 5}
    model = Regressor(**settings, batch_size=10**6, early_stopping=False)
    model.fit(rows, y)
    error = (model.predict(rows) - y) / model.target_scaler_.scale_
    assert np.mean(error**2) == pytest.approx(model.best_loss_, rel=1e-3)


def test__partial_fit__after_a_non_finite_loss__is_not_poisoned(rows, y):
    model = Regressor(scale_target=False).partial_fit(rows, y)
    with pytest.raises(NonFiniteLossError):
        model.partial_fit(rows, y * 1e39)
    assert np.isfinite(model.partial_fit(rows, y).predict(rows)).all()


def test__sample_weight__batches_of_one__still_count(rows, y):
    weight = np.where(np.arange(len(y)) % 2, 1.0, 1000.0)
    plain, weighted = (
        Regressor(batch_size=1, epochs=1, clip_value=None, scale="none").fit(rows, y, w)
        for w in (None, weight)
    )
    assert np.abs(plain.predict(rows) - weighted.predict(rows)).max() > 1e-3


def test__warm_start__other_parameters__are_refused_by_name(rows, y):
    model = Regressor(warm_start=True).fit(rows, y)
    for name, value in {
        "n_neurons": 20,
        "model_type": "LTC",
        "scale": "minmax",
    }.items():
        old = getattr(model, name)
        with pytest.raises(InvalidInputError, match=f"{name} was {old!r}"):
            model.set_params(**{name: value}).fit(rows, y)
        model.set_params(**{name: old})


def test__predict__parameters_changed_after_fit__do_not_count(rows, y):
    model = Regressor().fit(rows, y)
    before = model.predict(rows)
    model.set_params(anchor=0, dtype="float64", loss="quantile")
    np.testing.assert_array_equal(model.predict(rows), before)


def test__callback__numpy_truth__stops(rows, y):
    model = Regressor(callback=lambda e: e.loss < np.float64(1e9), epochs=5)
    assert model.fit(rows, y).n_iter_ == 1


def test__partial_fit__other_classes_later__are_refused(rows, y):
    model = LiquidClassifier(n_neurons=8, window_length=3)
    model.partial_fit(rows, y > 0, classes=[False, True])
    with pytest.raises(InvalidInputError, match="not the same"):
        model.partial_fit(rows, y > 0, classes=[0, 1, 2])


def test__n_synapses__layers__are_added_up(rows, y):
    model = Regressor(n_layers=2, epochs=1).fit(rows, y)
    first, second = (layer.wiring for layer in model.network_.layers)
    assert model.n_synapses_ == first.n_synapses + second.n_synapses
    assert model.wiring_ == second


def test__score__one_quantile__is_that_of_its_loss(rows, y):
    from sklearn.metrics import d2_pinball_score

    model = Regressor(loss="quantile", quantile=0.1).fit(rows, y)
    expected = d2_pinball_score(y, model.predict(rows), alpha=0.1)
    assert model.score(rows, y) == pytest.approx(expected)


def test__device__of_another_machine__predicts_on_the_cpu_and_says_so(rows, y):
    model = Regressor(epochs=1).fit(rows, y)
    before = model.predict(rows)
    model.set_params(device="cuda:63")
    with pytest.warns(LNNWarning, match="predictions run on the CPU") as caught:
        np.testing.assert_array_equal(model.predict(rows), before)
    assert caught[0].filename == __file__  # and not a line of torch's
    with pytest.raises(InvalidInputError, match="cuda:63"):
        model.fit(rows, y)


def test__anchor__scaler_in_front__is_doubted(rows):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    level = 100 + rows[:, :1].cumsum(axis=0)
    model = make_pipeline(StandardScaler(), Regressor(anchor=0, epochs=1))
    with pytest.warns(LNNWarning, match="present value"):
        model.fit(level[:-1], level[1:, 0])


def test__scale__transformer_that_refuses_zero__sees_no_padding(rows, y):
    from sklearn.preprocessing import PowerTransformer

    model = Regressor(scale=PowerTransformer("box-cox"), epochs=1)
    model.fit(np.exp(rows), y).predict(np.exp(rows))
