"""What scikit-learn's checks ask of 2-D data, asked of 3-D arrays and ragged lists."""

import copy
import pickle
from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from tiny import TINY

from LNN import LiquidClassifier, LiquidNeuralNetwork, LiquidRegressor
from LNN.exceptions import InvalidInputError, LNNWarning

ONE_BATCH = {"batch_size": 10**6, "early_stopping": False}
SETTINGS = TINY | ONE_BATCH | {"dtype": "float64"}
Regressor = partial(LiquidRegressor, **SETTINGS)
PerStep = partial(Regressor, return_sequences=True)
Classifier = partial(LiquidClassifier, **SETTINGS)
N, T, F = 14, 7, 3
CUBE_AND_LIST = pytest.mark.parametrize("layout", ["cube", "list", "object", "frames"])


@pytest.fixture
def cube():
    return np.random.default_rng(0).normal(size=(N, T, F))


@pytest.fixture
def ragged():
    rng = np.random.default_rng(1)
    return [rng.normal(size=(length, F)) for length in rng.integers(2, 10, N)]


def laid_out(cube, layout):
    """The same sequences in another container."""
    if layout == "list":
        return list(cube)
    if layout == "object":
        out = np.empty(len(cube), dtype=object)
        out[:] = list(cube)
        return out
    if layout == "frames":
        return [pd.DataFrame(x, columns=["a", "b", "c"]) for x in cube]
    return cube


def target(X):
    return np.array([np.asarray(x)[:, 0].mean() for x in X])


def labels(X):
    return np.where(target(X) > 0, "up", "down")


def assert_same(left, right, rtol=0.0):
    """Arrays or lists of arrays are equal."""
    assert type(left) is type(right)
    if isinstance(left, list):
        assert len(left) == len(right)
        for a, b in zip(left, right, strict=True):
            np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)
    elif rtol:
        np.testing.assert_allclose(left, right, rtol=rtol, atol=rtol)
    else:
        np.testing.assert_array_equal(left, right)


def weights_of(model):
    return {k: v.numpy() for k, v in model.network_.state_dict().items()}


def assert_same_weights(left, right, rtol=0.0):
    for name, value in weights_of(left).items():
        np.testing.assert_allclose(
            value, weights_of(right)[name], rtol=rtol, atol=rtol, err_msg=name
        )


# --------------------------------------------------------------- the contract


@CUBE_AND_LIST
def test__fit__twice__is_idempotent(cube, layout):
    X = laid_out(cube, layout)
    model = Regressor().fit(X, target(cube))
    first = model.predict(X)
    assert_same(model.fit(X, target(cube)).predict(X), first)


@CUBE_AND_LIST
def test__fit__clone__predicts_the_same(cube, layout):
    X = laid_out(cube, layout)
    model = Classifier().fit(X, labels(cube))
    assert_same(
        clone(model).fit(X, labels(cube)).predict_proba(X), model.predict_proba(X)
    )


def test__fit__returns_self__and_sets_no_public_parameter(cube):
    model = Regressor()
    before = model.get_params()
    assert model.fit(cube, target(cube)) is model
    assert model.get_params() == before
    new = set(vars(model)) - set(before)
    assert all(name.startswith("_") or name.endswith("_") for name in new)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score"])
def test__methods__after_fit__leave_the_attributes_alone(cube, method):
    model = Classifier().fit(cube, labels(cube))
    before, values = set(vars(model)), weights_of(copy.deepcopy(model))
    arguments = (cube, labels(cube)) if method == "score" else (cube,)
    getattr(model, method)(*arguments)
    assert set(vars(model)) == before
    for name, value in weights_of(model).items():
        np.testing.assert_array_equal(value, values[name])


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test__methods__before_fit__raise_not_fitted(cube, method):
    with pytest.raises(NotFittedError):
        getattr(Classifier(), method)(cube)


@CUBE_AND_LIST
def test__n_features_in__any_layout__is_the_last_axis(cube, layout):
    model = Regressor().fit(laid_out(cube, layout), target(cube))
    assert model.n_features_in_ == F
    assert hasattr(model, "feature_names_in_") == (layout == "frames")


@CUBE_AND_LIST
def test__predict__wrong_number_of_features__says_so(cube, layout):
    model = Regressor().fit(cube, target(cube))
    X = [
        x.iloc[:, :2] if layout == "frames" else x[:, :2]
        for x in laid_out(cube, layout)
    ]
    X = np.stack(X) if layout == "cube" else X
    with pytest.raises(ValueError, match="2 features.*expecting 3 features as input"):
        model.predict(X)


def test__predict__channels_first__gets_a_hint(cube):
    model = Regressor().fit(cube, target(cube))
    with pytest.raises(InvalidInputError, match="swap the last two axes"):
        model.predict(cube.swapaxes(1, 2))


def test__fit__ragged_channels_first__gets_a_hint(ragged):
    with pytest.raises(InvalidInputError, match=r"\(channels, time\): transpose"):
        Regressor().fit([x.T for x in ragged], target(ragged))


def test__feature_names__list_of_frames__are_kept_and_checked(ragged):
    frames = [pd.DataFrame(x, columns=["a", "b", "c"]) for x in ragged]
    model = Regressor().fit(frames, target(ragged))
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="Select the same columns"):
        model.predict([frame[["c", "b", "a"]] for frame in frames])
    model.fit(ragged, target(ragged))
    assert not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize("per_step", [False, True])
def test__predict__subset_of_ragged__equals_the_whole(ragged, per_step):
    y = [x[:, 0] for x in ragged] if per_step else target(ragged)
    model = Regressor().fit(ragged, y)
    whole = model.predict(ragged)
    alone = [model.predict([x])[0] for x in ragged]
    for a, b in zip(whole, alone, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test__predict__order_of_samples__does_not_matter(ragged):
    model = Classifier().fit(ragged, labels(ragged))
    order = np.random.default_rng(2).permutation(N)
    shuffled = model.predict_proba([ragged[i] for i in order])
    np.testing.assert_allclose(
        shuffled, model.predict_proba(ragged)[order], rtol=1e-10, atol=1e-12
    )


def test__fit__order_of_samples__does_not_matter(cube):
    order = np.random.default_rng(2).permutation(N)
    y = target(cube)
    left = Regressor().fit(cube, y)
    right = Regressor().fit(cube[order], y[order])
    assert_same(left.predict(cube), right.predict(cube), rtol=1e-9)


@CUBE_AND_LIST
def test__predict__other_containers__equal_the_cube(cube, layout):
    model = Regressor().fit(cube, target(cube))
    assert_same(model.predict(laid_out(cube, layout)), model.predict(cube))
    other = Regressor().fit(laid_out(cube, layout), target(cube))
    assert_same_weights(other, model)
    assert other.score(laid_out(cube, layout), target(cube)) == model.score(
        cube, target(cube)
    )


@CUBE_AND_LIST
def test__predict_proba__other_containers__equal_the_cube(cube, layout):
    model = Classifier().fit(cube, labels(cube))
    X = laid_out(cube, layout)
    proba = model.predict_proba(X)
    assert_same(proba, model.predict_proba(cube))
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    assert_same(model.predict(X), model.classes_[proba.argmax(axis=1)])


def test__pickle__ragged__predicts_the_same_bits(ragged):
    model = Classifier().fit(ragged, labels(ragged))
    again = pickle.loads(pickle.dumps(model))
    assert_same(again.predict_proba(ragged), model.predict_proba(ragged))


# --------------------------------------------------------------- weights


@pytest.mark.parametrize("layout", ["cube", "list"])
@pytest.mark.parametrize("kind", [Regressor, Classifier])
def test__sample_weight__whole_numbers__equal_repetition(cube, layout, kind):
    y = labels(cube) if kind is Classifier else target(cube)
    counts = np.random.default_rng(3).integers(0, 4, N)
    weighted = kind().fit(laid_out(cube, layout), y, sample_weight=counts)
    repeated = kind().fit(
        laid_out(np.repeat(cube, counts, axis=0), layout), np.repeat(y, counts)
    )
    assert_same_weights(weighted, repeated, rtol=1e-7)


def test__sample_weight__per_step_targets__equal_repetition(cube):
    y = cube[:, :, 1]
    counts = np.random.default_rng(4).integers(0, 3, N)
    weighted = PerStep().fit(cube, y, sample_weight=counts)
    repeated = PerStep().fit(
        np.repeat(cube, counts, axis=0), np.repeat(y, counts, axis=0)
    )
    assert_same_weights(weighted, repeated, rtol=1e-7)


def test__sample_weight__zero__is_the_same_as_removed(ragged):
    weight = np.ones(N)
    weight[[0, 5]] = 0.0
    y = target(ragged)
    y[[0, 5]] = 1e6
    keep = np.flatnonzero(weight)
    weighted = Regressor().fit(ragged, y, sample_weight=weight)
    removed = Regressor().fit([ragged[i] for i in keep], y[keep])
    assert_same_weights(weighted, removed, rtol=1e-9)


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (np.zeros(N), "not all zero"),
        (-np.ones(N), ">= 0"),
        (np.ones(N - 1), "expected"),
        (np.ones((N, 1)), "1D array or scalar"),
        (np.full(N, np.nan), "finite"),
        ([np.ones(k + 1) for k in range(N)], "one weight per sequence.*NaN in y"),
        (np.ones((N, T)), "one weight per sequence.*NaN in y"),
    ],
)
def test__sample_weight__unusable__says_why(cube, weight, words):
    with pytest.raises(InvalidInputError, match=words):
        Regressor().fit(cube, target(cube), sample_weight=weight)


def test__score__sample_weight__equals_repetition(cube):
    model = Regressor().fit(cube, target(cube))
    counts = np.random.default_rng(5).integers(1, 4, N)
    assert model.score(cube, target(cube), counts) == pytest.approx(
        model.score(np.repeat(cube, counts, axis=0), np.repeat(target(cube), counts))
    )


# --------------------------------------------------------------- the caller's data


def test__fit__read_only_memmap__works_and_changes_nothing(cube, tmp_path):
    joblib.dump((cube, target(cube)), tmp_path / "data.pkl")
    X, y = joblib.load(tmp_path / "data.pkl", mmap_mode="r")
    assert not X.flags.writeable
    model = Regressor().fit(X, y)
    assert_same(model.predict(X), Regressor().fit(cube, target(cube)).predict(cube))


def test__fit__read_only_list__works(ragged):
    for x in ragged:
        x.flags.writeable = False
    y = [x[:, 0] for x in ragged]
    assert len(Regressor().fit(ragged, y).predict(ragged)) == N


@CUBE_AND_LIST
@pytest.mark.parametrize("per_step", [False, True])
def test__fit_and_predict__leave_x_and_y_alone(cube, layout, per_step):
    X = laid_out(cube.copy(), layout)
    y = cube[:, :, 0].copy() if per_step else target(cube)
    weight = np.linspace(0, 1, N)
    kept = copy.deepcopy((X, y, weight))
    settings = {"return_sequences": True} if per_step else {}
    Regressor(**settings).fit(X, y, sample_weight=weight).predict(X)
    for a, b in zip(X, kept[0], strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    np.testing.assert_array_equal(y, kept[1])
    np.testing.assert_array_equal(weight, kept[2])


# --------------------------------------------------------------- kinds of targets


@pytest.mark.parametrize("shape", [(N, T), (N, T, 1), (N, T, 2)])
def test__per_step__cube__predictions_have_the_shape_of_y(cube, shape):
    y = np.random.default_rng(6).normal(size=shape)
    model = PerStep().fit(cube, y)
    predicted = model.predict(cube)
    assert predicted.shape == shape
    assert predicted.dtype == np.float64
    assert isinstance(model.score(cube, y), float)


@pytest.mark.parametrize("width", [None, 1, 2])
def test__per_step__ragged__predictions_are_a_list_like_y(ragged, width):
    y = [x[:, 0] if width is None else x[:, :width] for x in ragged]
    predicted = Regressor().fit(ragged, y).predict(ragged)
    assert isinstance(predicted, list)
    assert [p.shape for p in predicted] == [block.shape for block in y]


def test__per_step__accepted_forms__are_one_and_the_same(cube):
    y = cube[:, :, 0]
    blocks = np.empty(N, dtype=object)
    blocks[:] = list(y)
    forms = [y, list(y), y.tolist(), blocks, [pd.Series(block) for block in y]]
    models = [PerStep().fit(cube, form) for form in forms]
    for model in models[1:]:
        assert_same_weights(model, models[0])
        assert model.predict(cube).shape == (N, T)


def test__per_step__classes_of_a_list__come_back_as_labels(ragged):
    y = [np.where(x[:, 0] > 0, "up", "down") for x in ragged]
    model = Classifier().fit(ragged, y)
    assert model.classes_.tolist() == ["down", "up"]
    assert all(set(p) <= {"down", "up"} for p in model.predict(ragged))
    proba = model.predict_proba(ragged)
    assert [p.shape for p in proba] == [(len(x), 2) for x in ragged]
    assert 0.0 <= model.score(ragged, y) <= 1.0


def test__per_step__classes_of_a_cube__have_the_shape_of_y(cube):
    y = (cube[:, :, 0] > 0).astype(int) + (cube[:, :, 1] > 1)
    model = Classifier().fit(cube, y)
    assert model.predict(cube).shape == (N, T)
    assert model.predict_proba(cube).shape == (N, T, 3)


def test__per_step__nan_targets__are_not_trained_on(cube):
    """A step without a target is as good as one whose sequence ended before it."""
    y = cube[:, :, 0].copy()
    y[3, 4:] = np.nan
    short = list(cube)
    short[3] = cube[3, :4]
    blocks = list(y)
    blocks[3] = y[3, :4]
    settings = {"scale": "none", "scale_target": False}
    left = PerStep(**settings).fit(cube, y)
    right = PerStep(**settings).fit(short, blocks)
    assert_same_weights(left, right, rtol=1e-9)
    assert np.isfinite(left.predict(cube)).all()
    known = ~np.isnan(y)
    rest = ((left.predict(cube) - y)[known] ** 2).sum()
    total = ((y[known] - y[known].mean()) ** 2).sum()
    assert left.score(cube, y) == pytest.approx(1 - rest / total)


def test__per_step__none_labels__are_not_trained_on(ragged):
    y = [np.where(x[:, 0] > 0, "up", "down").astype(object) for x in ragged]
    y[0][1:] = None
    model = Classifier().fit(ragged, y)
    assert model.classes_.tolist() == ["down", "up"]
    known = sum(len(block) for block in y) - len(y[0]) + 1
    assert model.score(ragged, y) * known == pytest.approx(
        round(model.score(ragged, y) * known)
    )


def test__per_step__a_sequence_without_any_target__is_harmless(cube):
    y = cube[:, :, 0].copy()
    y[2] = np.nan
    model = PerStep(batch_size=1).fit(cube, y)
    assert np.isfinite(model.predict(cube)).all()
    assert np.isfinite(model.loss_curve_).all()


def test__return_sequences__false__takes_t_outputs_as_one_vector(cube):
    y = np.random.default_rng(7).normal(size=(N, T))
    model = Regressor(return_sequences=False).fit(cube, y)
    assert not model.model_.targets.per_step
    assert model.predict(cube).shape == (N, T)
    # All outputs are read from one state: what comes later changes them all.
    changed = cube.copy()
    changed[:, -1] += 1.0
    assert (model.predict(changed)[:, 0] != model.predict(cube)[:, 0]).any()


def test__return_sequences__auto__warns_where_numbers_could_be_either(cube):
    """A forecast as long as its input looks like a target per step."""
    y = np.random.default_rng(7).normal(size=(N, T))
    for X_, y_ in [
        (cube, y),
        (list(cube), y),
        (cube, list(y)),
        (list(cube), y.tolist()),
    ]:
        with pytest.warns(LNNWarning, match=f"forecast of {T} values, set return_seq"):
            model = Regressor().fit(X_, y_)
        assert model.model_.targets.per_step
    # Said, or not to be mistaken: no warning (which would be an error here).
    PerStep().fit(cube, y)
    Regressor().fit(cube, y[:, :-1])
    Regressor().fit(cube, np.where(y > 1, np.nan, y))
    Regressor().fit(cube, y[:, :, None])
    Regressor().fit(cube, list(y[:, :, None]))
    Regressor().fit(list(cube), list(np.where(y > 1, np.nan, y)))
    Regressor().fit(cube[:, :1], y[:, :1])
    Regressor().fit([cube[0], cube[1, :3]], [y[0], y[1, :3]])
    Classifier().fit(cube, (y > 0).astype(int))


def test__return_sequences__true_on_rows__says_so(cube):
    with pytest.raises(
        InvalidInputError, match="return_sequences=True needs sequences"
    ):
        Regressor(return_sequences=True).fit(cube[0], cube[0, :, 0])


def test__targets__several_outputs__come_back_as_columns(ragged):
    y = np.column_stack([target(ragged), -target(ragged), np.arange(N)])
    predicted = Regressor().fit(ragged, y).predict(ragged)
    assert predicted.shape == (N, 3)
    assert predicted.dtype == np.float64


@pytest.mark.parametrize(
    "make",
    [
        lambda m: np.digitize(m, [-0.1, 0.1]),
        lambda m: np.array(["low", "mid", "high"])[np.digitize(m, [-0.1, 0.1])],
        lambda m: m > 0,
        lambda m: np.digitize(m, [0.0]).astype(float),
        lambda m: pd.Series(np.where(m > 0, "a", "b"), dtype="category"),
        lambda m: np.where(m > 0, "a", "b").astype(object),
    ],
    ids=["three", "strings", "bool", "float", "categorical", "object"],
)
def test__classes__any_labels__are_those_of_y(ragged, make):
    y = make(target(ragged))
    model = Classifier().fit(ragged, y)
    np.testing.assert_array_equal(model.classes_, np.unique(np.asarray(y)))
    assert model.predict(ragged).dtype == model.classes_.dtype
    assert model.predict_proba(ragged).shape == (N, len(model.classes_))


@pytest.mark.parametrize("per_step", [False, True])
def test__classes__only_one__is_an_error_by_name(cube, per_step):
    y = np.full((N, T) if per_step else N, "same")
    with pytest.raises(InvalidInputError, match="at least 2 classes.*'same'"):
        Classifier().fit(cube, y)


@pytest.mark.parametrize(
    "y",
    [
        np.zeros((N, T + 1, 1)),
        [np.zeros(T)] * (N - 1),
        np.zeros(N - 1),
        np.zeros((N, 2, 2)),
    ],
)
def test__targets__of_another_shape__raise(cube, y):
    with pytest.raises(ValueError, match="shape|inconsistent|samples"):
        Regressor().fit(cube, y)


# --------------------------------------------------------------- rows or sequences


def test__predict__other_kind_than_fitted_on__is_refused(cube):
    on_rows = Regressor(window_length=3).fit(cube[0], cube[0, :, 0])
    with pytest.raises(InvalidInputError, match="fitted on 2-D rows, but X holds"):
        on_rows.predict(cube)
    on_sequences = Regressor().fit(cube, target(cube))
    with pytest.raises(InvalidInputError, match="one sequence is X\\[None\\]"):
        on_sequences.predict(cube[0])
    assert on_sequences.predict(cube[0][None]).shape == (1,)


def test__fit__after_other_kind__starts_afresh(cube):
    model = Regressor(window_length=3).fit(cube[0], cube[0, :, 0])
    model.fit(cube, target(cube))
    assert model.predict(cube).shape == (N,)


def test__front_door__task__changes_methods_with_it(cube):
    model = LiquidNeuralNetwork(**SETTINGS, task="classification")
    model.fit(cube, labels(cube))
    assert_same(model.predict(cube), Classifier().fit(cube, labels(cube)).predict(cube))
    regression = LiquidNeuralNetwork(**SETTINGS).fit(cube, target(cube))
    assert not hasattr(regression, "predict_proba")


def test__front_door__task_set_after_fit__counts_from_the_next_fit(cube):
    model = LiquidNeuralNetwork(**SETTINGS).fit(cube, target(cube))
    predicted, score = model.predict(cube), model.score(cube, target(cube))
    model.set_params(task="classification")
    assert_same(model.predict(cube), predicted)
    assert model.score(cube, target(cube)) == score
    assert not hasattr(model, "predict_proba")
    assert "1 target(s)" in model.summary()
    model.fit(cube, labels(cube))
    assert model.predict_proba(cube).shape == (N, len(model.classes_))
    model.set_params(task="regression")
    assert set(model.predict(cube)) <= set(labels(cube))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda y: y[::-1], r"y\[0\] must have shape"),
        (lambda y: [*y[:-1], y[-1][:-1]], r"y\[\d+\] must have shape .* got"),
        (lambda y: y[:-1], "inconsistent numbers of samples"),
        (lambda y: np.concatenate(y), "inconsistent numbers of samples"),
        (lambda y: [float(len(block)) for block in y], r"y\[0\] must .* got \(\)"),
    ],
    ids=["turned round", "a step short", "a sequence short", "all in one", "numbers"],
)
def test__score__per_step_targets_of_other_lengths__is_refused(ragged, change, words):
    y = [block[:, 0] for block in ragged]
    model = Regressor().fit(ragged, y)
    with pytest.raises(ValueError, match=words):
        model.score(ragged, change(y))


def test__score__per_step_targets_transposed__is_refused(cube):
    y = cube[:, :, 0]
    model = PerStep().fit(cube, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.score(cube, y.T)


def test__fit__one_step_sequences__work(cube):
    model = Regressor().fit(cube[:, :1], target(cube))
    assert model.predict(cube[:, :1]).shape == (N,)


@pytest.mark.parametrize("cell", ["LTC", "LSTM", "GRU"])
def test__fit__other_cells_on_ragged__batch_equals_alone(ragged, cell):
    y = [x[:, 0] for x in ragged]
    model = Regressor(model_type=cell).fit(ragged, y)
    together = model.predict(ragged)
    for x, block in zip(ragged, together, strict=True):
        np.testing.assert_allclose(model.predict([x])[0], block, rtol=1e-10, atol=1e-12)
