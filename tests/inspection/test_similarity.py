"""SSIM equals its formula, and falls with noise."""

import numpy as np
import pandas as pd
import pytest
from tiny import TINY

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection import attribution, attribution_similarity, structural_similarity


def by_the_formula(x, y, data_range):
    """Loop over windows of 11 x 11, as the paper writes it."""
    away = np.arange(11) - 5
    weights = np.exp(-(away[:, None] ** 2 + away**2) / (2 * 1.5**2))
    weights /= weights.sum()
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    found = []
    for i in range(x.shape[0] - 10):
        for j in range(x.shape[1] - 10):
            a, b = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
            m, n = (weights * a).sum(), (weights * b).sum()
            s, t = (weights * (a - m) ** 2).sum(), (weights * (b - n) ** 2).sum()
            c = (weights * (a - m) * (b - n)).sum()
            above = (2 * m * n + c1) * (2 * c + c2)
            found.append(above / ((m**2 + n**2 + c1) * (s + t + c2)))
    return np.mean(found)


@pytest.mark.parametrize("data_range", [1.0, 255.0])
def test__ssim__maps__as_the_formula(data_range):
    x, y = data_range * np.random.default_rng(0).random(size=(2, 24, 17))
    y = 0.6 * x + 0.4 * y
    expected = by_the_formula(x, y, data_range)
    found = structural_similarity(x, y, data_range=data_range)
    assert found == pytest.approx(expected, abs=1e-12)
    assert 0.1 < found < 0.95


def test__ssim__constant_maps__only_the_means_count():
    a, b = np.full((12, 12), 0.3), np.full((12, 12), 0.5)
    expected = (2 * 0.3 * 0.5 + 1e-4) / (0.3**2 + 0.5**2 + 1e-4)
    assert structural_similarity(a, b, data_range=1.0) == pytest.approx(expected)


def test__ssim__equal_opposite_and_empty_maps():
    x = np.random.default_rng(0).random(size=(30, 4))
    assert structural_similarity(x, x, axes=(0,)) == pytest.approx(1.0)
    assert structural_similarity(x, 1 - x, axes=(0,)) < -0.5
    assert structural_similarity(np.zeros((3, 2)), np.zeros((3, 2))) == 1.0


def test__ssim__steps_alone__columns_stand_in_no_order():
    x, y = np.random.default_rng(0).normal(size=(2, 20, 5))
    order = [3, 0, 4, 1, 2]
    one = structural_similarity(x, y, axes=(0,))
    assert structural_similarity(x[:, order], y[:, order], axes=(0,)) == pytest.approx(
        one
    )


@pytest.mark.parametrize("n", [1, 2, 6, 10])
def test__ssim__short_maps__one_window_or_two(n):
    x, y = np.random.default_rng(0).normal(size=(2, n, 3))
    assert structural_similarity(x, x, axes=(0,)) == pytest.approx(1.0)
    assert abs(structural_similarity(x, y, axes=(0,))) <= 1.0


def test__ssim__other_shapes_and_missing_values__are_refused():
    with pytest.raises(InvalidInputError, match=r"\(2, 3\) and \(3, 2\)"):
        structural_similarity(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(InvalidInputError, match="finite"):
        structural_similarity([[np.nan]], [[1.0]])


@pytest.fixture(scope="module")
def rows():
    X = pd.DataFrame(
        np.random.default_rng(0).normal(size=(120, 3)), columns=["a", "b", "c"]
    )
    model = LiquidRegressor(8, window_length=6, epochs=40, random_state=0)
    return X, model.fit(X, X["a"].shift(1, fill_value=0.0))


def test__attributions__more_noise__less_alike(rows):
    X, model = rows
    found = attribution_similarity(
        model, X, noise=[0.01, 0.2, 2.0], rows=[0, 3, 50, 60], random_state=0
    )
    assert found.similarity.shape == (3, 3, 4)
    assert found.mean[0] > 0.9
    assert found.mean[0] > found.mean[1] > found.mean[2]
    np.testing.assert_allclose(found.mean, found.similarity.mean(axis=(1, 2)))


def test__attributions__no_noise__are_the_same(rows):
    X, model = rows
    found = attribution_similarity(model, X, noise=0.0, n_repeats=1, rows=[9])
    assert found.similarity == pytest.approx(1.0)


@pytest.mark.slow
def test__several_classes__the_one_without_noise_is_explained():
    X = np.random.default_rng(0).normal(size=(40, 6, 2))
    y = X.mean(axis=(1, 2)) > 0
    y = y + (X[:, 0, 0] > 0)
    model = LiquidClassifier(**TINY).fit(X, y)
    chosen = [5, 1, 30, 12, 8]
    found = attribution_similarity(
        model, X, noise=[0.3], n_repeats=1, rows=chosen, random_state=7
    )
    labels = model.predict(X)
    seed = np.random.RandomState(7).randint(2**31 - 1, size=1)[0]
    noisy = X + 0.3 * np.nanstd(X, axis=(0, 1)) * np.stack(
        [x for x in _normal(np.random.RandomState(seed), X)]
    )
    for place, row in enumerate(chosen):
        a, b = (
            attribution(model, x, rows=[row], output=labels[row]).attributions[0]
            for x in (X, noisy)
        )
        black = min(a.min(), b.min())
        expected = structural_similarity(a - black, b - black, axes=(0,))
        assert found.similarity[0, 0, place] == pytest.approx(expected, abs=1e-6)


def _normal(random, X):
    return (random.standard_normal(x.shape) for x in X)


def test__several_classes_at_each_step__need_a_name():
    X = [np.random.default_rng(0).normal(size=(n, 2)) for n in (8, 9, 10, 12)]
    y = [np.arange(len(x)) % 3 for x in X]
    model = LiquidClassifier(**TINY).fit(X, y)
    with pytest.raises(InvalidInputError, match=r"classes are \[0, 1, 2\]"):
        attribution_similarity(model, X)
    found = attribution_similarity(model, X, output=1, n_repeats=1, noise=0.1)
    assert found.similarity.shape == (1, 1, 4)
