"""Early stopping that ends a training that is no better than a constant says so."""

from functools import partial

import numpy as np
import pytest
import torch

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import LNNWarning
from LNN.training.losses import find_loss

RANDOM = np.random.default_rng(2)
X = RANDOM.normal(size=(400, 20, 2))
NOISE = RANDOM.normal(size=400)
warned = partial(pytest.warns, LNNWarning, match="never fell below that of a constant")
LOSSES = {
    "squared_error": {},
    "absolute_error": {},
    "huber": {},
    "quantile": {"quantile": [0.1, 0.9]},
}


def regressor(**settings):
    given = {"random_state": 0, "n_iter_no_change": 20} | settings
    return LiquidRegressor(8, **given)


@pytest.mark.parametrize("loss", LOSSES)
def test__regression__nothing_of_use_learnt__says_so_and_what_to_try(loss):
    y = X[:, -1, 0]
    with warned() as said:
        model = regressor(loss=loss, **LOSSES[loss]).fit(X, y, X_val=X, y_val=-y)
    assert f"in epoch {model.n_iter_}" in str(said[0].message)
    assert "anchor=" in str(said[0].message)


def test__classification__nothing_to_learn__says_so():
    with warned():
        LiquidClassifier(8, random_state=0).fit(
            X, NOISE > 0, X_val=X, y_val=RANDOM.random(400) > 0.5
        )


def test__per_step__nothing_to_learn__says_so():
    noise = RANDOM.normal(size=(400, 20))
    noise[:, ::3] = np.nan
    with warned():
        regressor(batch_size=16).fit(X, noise, X_val=X, y_val=-noise)


def test__plateau__training_loss_did_not_fall_either__says_to_wait():
    """Far too slow for its patience."""
    model = regressor(learning_rate=1e-5, n_iter_no_change=10, tol=0.05)
    with warned() as said:
        model.fit(X, 3 + 5 * X[:, 0, 0])
    assert "n_iter_no_change" in str(said[0].message)
    assert "learning_rate" in str(said[0].message)


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test__regression__something_learnt__is_silent(loss):
    model = regressor(loss=loss, n_iter_no_change=10, epochs=60, **LOSSES[loss])
    assert model.fit(X, X[:, -1, 0]).n_iter_ > 10


def test__classification__rare_class_learnt__is_silent():
    model = LiquidClassifier(8, n_iter_no_change=10, epochs=60, random_state=0)
    model.fit(X, X[:, -1, 0] > 1.2)


QUIET = {
    "without early stopping": {"early_stopping": False},
    "epochs over before": {"epochs": 15},
    "stopped by a callback": {"callback": lambda epoch: epoch.epoch == 15},
    "few epochs": {"n_iter_no_change": 3, "epochs": 9},
    "a score decides": {"scoring": "r2"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", QUIET)
def test__nothing_to_learn__but_early_stopping_is_not_to_blame__is_silent(name):
    regressor(**{"epochs": 40} | QUIET[name]).fit(X, NOISE)


def test__few_targets_to_validate_on__is_silent():
    regressor(early_stopping=True).fit(X[:100], NOISE[:100])


def test__constant_target__is_silent():
    assert regressor().fit(X, np.full(400, 3.0)).n_iter_ > 10


def test__partial_fit__is_silent():
    model = regressor()
    for _ in range(12):
        model.partial_fit(X, NOISE)


def test__warning_as_error__model_is_kept_nonetheless():
    model = regressor(learning_rate=0.03)
    with pytest.raises(LNNWarning, match="never fell below"):
        model.fit(X, NOISE, X_val=X, y_val=-NOISE)
    assert model.n_iter_ > 10
    assert np.isfinite(model.predict(X[:1])).all()


# ------------------------------------------------------------ the best constants


@pytest.mark.parametrize("name", [*LOSSES, "cross_entropy"])
def test__constant__of_each_loss__none_near_it_is_better(name):
    random = np.random.default_rng(3)
    classifies = name == "cross_entropy"
    kind = find_loss(name, classifies=classifies)
    loss = kind.for_targets(3 if classifies else 2, quantile=[0.2, 0.7])
    target = torch.from_numpy(random.normal(size=(200, 2)) ** 3)
    if classifies:
        target = torch.from_numpy(random.integers(0, 3, 200) // 2)
    weight = torch.from_numpy(random.integers(0, 3, 200) * 1.0)
    best = loss.constant(target, weight)
    assert best.shape == (loss.output_size,)

    def total(outputs):
        return float(loss.total(outputs.expand(200, -1), target, weight))

    # Huber's is the first step towards the best.
    slack = 1.01 if name == "huber" else 1 + 1e-4
    for _ in range(100):
        near = best + torch.from_numpy(random.normal(size=best.shape)) * 0.1
        assert total(best) <= slack * total(near)
