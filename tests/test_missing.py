"""Missing values: `missing="error"`, "hold" and "mask"."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.preprocessing import QuantileTransformer
from tiny import TINY

from LNN import LiquidClassifier, LiquidRegressor
from LNN.batching.missing import MissingRule
from LNN.exceptions import InvalidInputError

POLICIES = ("hold", "mask")


def gappy(n: int, width: int, seed: int = 0, share: float = 0.3) -> np.ndarray:
    """Return rows with holes, one row missing whole."""
    rng = np.random.default_rng(seed)
    X = rng.normal(3.0, 2.0, size=(n, width))
    X[rng.random(X.shape) < share] = np.nan
    X[n // 2] = np.nan
    return X


def filled(values: np.ndarray, spans: np.ndarray, neutral: np.ndarray, mask: bool):
    """Do what `MissingRule.fill` does for one sequence, step by step."""
    held, age, steps = neutral.copy(), np.zeros(len(neutral)), []
    for t, row in enumerate(values):
        seen = ~np.isnan(row)
        age = np.where(seen, 0.0, age + (spans[t] if t else 0.0))
        held = np.where(seen, row, held)
        steps.append(np.concatenate([held, seen, np.log1p(age)]) if mask else held)
    return np.array(steps)


def small(policy: str, **options) -> LiquidRegressor:
    """Return an estimator that trains in no time."""
    settings = TINY | {"window_length": 6}
    return LiquidRegressor(missing=policy, **{**settings, **options})


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("timed", [False, True])
def test__fill__random_gaps__equals_a_loop_over_steps(policy, timed):
    rng = np.random.default_rng(1)
    values = np.stack([gappy(9, 4, seed) for seed in range(5)])
    spans = rng.exponential(size=(5, 9)) if timed else np.ones((5, 9))
    neutral = rng.normal(size=4)
    rule = MissingRule(policy, torch.tensor(neutral))
    given = torch.tensor(spans) if timed else None
    got = rule.fill(torch.tensor(values), given).numpy()
    for b in range(5):
        want = filled(values[b], spans[b], neutral, policy == "mask")
        np.testing.assert_allclose(got[b], want, atol=1e-12)
    held, age = np.tile(neutral, (5, 1)), np.zeros((5, 4))
    for t in range(9):
        since = spans[:, t, None] * (t > 0)
        step, held, age = rule.go_on(values[:, t], since, held, age)
        np.testing.assert_allclose(step, got[:, t], atol=1e-12)


@pytest.mark.parametrize("policy", POLICIES)
def test__windows__gap_before_their_first_value__know_nothing_of_earlier_rows(policy):
    X = gappy(80, 2)
    X[20:30, 0] = np.nan
    model = small(policy).fit(X, np.nansum(X, axis=1))
    other = X.copy()
    other[:20] = 99.0
    # Row 29 sees rows 24 to 29 only; row 20 still holds what was seen in row 19.
    assert model.predict(X)[29] == model.predict(other)[29]
    assert model.predict(X)[20] != model.predict(other)[20]


@pytest.mark.parametrize("policy", POLICIES)
def test__hold__filled_by_hand__is_the_same_sequence(policy):
    X = np.stack([gappy(10, 3, seed) for seed in range(30)])
    y = np.nanmean(X, axis=(1, 2))
    model = small(policy, epochs=3).fit(X, y)
    by_hand = np.stack([pd.DataFrame(x).ffill().to_numpy() for x in X])
    center = model.scaler_.center_
    by_hand = np.where(np.isnan(by_hand), center, by_hand)
    same = np.allclose(model.predict(X), model.predict(by_hand), atol=1e-6)
    assert same == (policy == "hold")  # a mask tells the two apart


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("model_type", ["CfC", "LTC", "GRU"])
def test__predict__ragged_batch__equals_one_by_one(policy, model_type):
    rng = np.random.default_rng(2)
    X = [gappy(length, 3, length) for length in (1, 2, 5, 9, 9, 14)]
    stamps = [np.cumsum(rng.exponential(size=len(x))) for x in X]
    y = np.arange(6.0)
    model = small(policy, model_type=model_type).fit(X, y, timestamps=stamps)
    together = model.predict(X, timestamps=stamps)
    alone = [
        model.predict([x], timestamps=[t])[0] for x, t in zip(X, stamps, strict=True)
    ]
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("policy", POLICIES)
def test__row_missing_whole__present__still_advances_time(policy):
    t = np.array([0.0, 1.0, 2.5, 4.0, 4.5, 7.0, 8.0, 9.0])
    X = np.random.default_rng(3).normal(size=(40, 8, 1))
    model = small(policy).fit(X, X[:, -1, 0], timestamps=np.tile(t, (40, 1)))
    x = X[:1].copy()
    x[0, 4] = np.nan
    with_row = model.predict(x, timestamps=t[None])
    keep = np.arange(8) != 4
    without = model.predict(x[:, keep], timestamps=t[None, keep])
    stamp_moved = t.copy()
    stamp_moved[4] = 6.5
    assert with_row != model.predict(x, timestamps=stamp_moved[None])
    assert with_row != without  # a step is a step, with a time of its own


def test__mask__seconds_or_days__same_predictions():
    rng = np.random.default_rng(4)
    X = np.stack([gappy(7, 2, seed) for seed in range(20)])
    t = np.cumsum(rng.exponential(size=(20, 7)), axis=1)
    y = rng.normal(size=20)
    days = small("mask").fit(X, y, timestamps=t)
    seconds = small("mask").fit(X, y, timestamps=t * 86400)
    np.testing.assert_allclose(
        days.predict(X, timestamps=t),
        seconds.predict(X, timestamps=t * 86400),
        rtol=1e-5,
    )


@pytest.mark.parametrize("scale", ["standard", "minmax", "robust", "none", "own"])
@pytest.mark.parametrize("policy", POLICIES)
def test__scaling__any_method__ignores_what_is_missing(scale, policy):
    if scale == "own":
        scale = QuantileTransformer(n_quantiles=20)
    X = gappy(60, 3).reshape(10, 6, 3)
    model = small(policy, scale=scale).fit(X, np.arange(10.0))
    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.scaler_.neutral_).all()
    if isinstance(scale, str) and scale == "standard":
        np.testing.assert_allclose(model.scaler_.center_, np.nanmean(X, axis=(0, 1)))


def test__no_gaps__hold__is_bitwise_what_error_is():
    X = np.random.default_rng(5).normal(size=(60, 3))
    held, plain = (small(policy).fit(X, X[:, 0]) for policy in ("hold", "error"))
    assert (held.predict(X) == plain.predict(X)).all()


def test__mask__input_count__is_three_per_channel():
    X = gappy(60, 3)
    assert small("mask").fit(X, np.ones(60)).network_.layers[0].input_size == 9
    assert small("hold").fit(X, np.ones(60)).network_.layers[0].input_size == 3


@pytest.mark.parametrize("policy", POLICIES)
def test__infinity__any_policy__is_an_error(policy):
    X = gappy(60, 3)
    X[7, 1] = np.inf
    with pytest.raises(InvalidInputError, match="row 7, column 1"):
        small(policy).fit(X, np.ones(60))


@pytest.mark.parametrize("policy", POLICIES)
def test__channel__never_seen_in_training__is_named(policy):
    X = pd.DataFrame(gappy(60, 3), columns=["a", "b", "c"])
    X["b"] = np.nan
    with pytest.raises(InvalidInputError, match=r"column 1 \('b'\).*Drop it"):
        small(policy).fit(X, np.ones(60))
    X.loc[55:, "b"] = 1.0  # in the validation part only
    with pytest.raises(InvalidInputError, match=r"column 1 \('b'\)"):
        small(policy, early_stopping=True).fit(X, np.ones(60))


def test__anchor__missing__is_an_error_that_names_it():
    X = gappy(60, 3)
    X[:, 0] = 1.0
    y = np.ones(60)
    model = small("hold", anchor=0, epochs=1)
    with pytest.warns(UserWarning, match="differs from the column"):
        model.fit(X, y + np.arange(60))
    X[9, 0] = np.nan
    with pytest.raises(InvalidInputError, match=r"row 9, column 0.*anchor"):
        model.predict(X)


def test__predict__gaps_for_a_model_without_policy__is_refused():
    X = np.random.default_rng(6).normal(size=(60, 3))
    model = small("error").fit(X, X[:, 0])
    model.set_params(missing="hold")  # the network was built without
    X[3, 0] = np.nan
    with pytest.raises(InvalidInputError, match='missing="hold"'):
        model.predict(X)


def test__tags__policy__say_whether_nan_is_allowed():
    allowed = [
        LiquidClassifier(missing=policy).__sklearn_tags__().input_tags.allow_nan
        for policy in ("error", *POLICIES)
    ]
    assert allowed == [False, True, True]


@pytest.mark.parametrize("policy", POLICIES)
def test__training__gaps_that_carry_the_class__learns_from_a_mask_only(policy):
    rng = np.random.default_rng(7)
    X = rng.normal(size=(120, 8, 2))
    y = rng.integers(0, 2, 120)
    X[y == 1, ::2, 1] = np.nan  # only where values lack tells the classes apart
    X[y == 0, 1::2, 1] = np.nan
    X[:, :, 1] *= 0  # what is there is always the same
    model = LiquidClassifier(8, missing=policy, epochs=60, random_state=0).fit(X, y)
    assert (model.score(X, y) > 0.95) == (policy == "mask")
