"""scikit-learn's own checks, unpatched: what `parametrize_with_checks` asks of LNN.

Set SCIPY_ARRAY_API=1 to include the array API check, which skips itself without.
"""

import pytest

pytest.importorskip(
    "sklearn",
    minversion="1.9",
    reason="the checks, and which of them may fail, are those of scikit-learn 1.9",
)

from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from LNN import LiquidClassifier, LiquidNeuralNetwork, LiquidRegressor

# Where rows are samples of their own, float64 is exact enough and one full batch makes
# weights the same as repetition, nothing may fail.
EXACT = {
    "n_neurons": 12,
    "window_length": 1,
    "dtype": "float64",
    "batch_size": 10**6,
    "early_stopping": False,
    "device": "cpu",
}
CELLS = {
    "CfC": {"model_type": "CfC", "epochs": 40, "learning_rate": 0.05},
    "LTC": {"model_type": "LTC", "epochs": 60, "learning_rate": 0.1},
    "CT-RNN": {"model_type": "CT-RNN", "epochs": 40, "learning_rate": 0.05},
    "GRU-D": {"model_type": "GRU-D", "epochs": 40, "learning_rate": 0.05},
}

# The defaults, but for what only costs time: 32 neurons, and 500 steps or more where
# 30 epochs (the least that epochs="auto" takes) are fewer.
QUICK = {"n_neurons": 12, "epochs": 30, "device": "cpu"}

# Each by definition: rows are in time order, and a prediction sees those before it.
BY_WINDOWS = {
    "check_methods_sample_order_invariance": (
        "windows over rows: another order of the rows is another past for each"
    ),
    "check_methods_subset_invariance": (
        "windows over rows: a row predicted by itself has no past"
    ),
    "check_sample_weight_equivalence_on_dense_data": (
        "windows over rows: repeating a row changes the windows of those after it; and "
        "float32 sums differ in the last bits, where the check asks for 1e-7"
    ),
}


def pair(**settings) -> list:
    return [LiquidRegressor(**settings), LiquidClassifier(**settings)]


def front_door(**settings) -> list:
    return [
        LiquidNeuralNetwork(task=task, **settings)
        for task in ("regression", "classification")
    ]


@parametrize_with_checks(pair(**EXACT, **CELLS["CfC"]), xfail_strict=True)
def test__sklearn_checks__cfc_exact__all_pass(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(pair(**EXACT, **CELLS["LTC"]), xfail_strict=True)
def test__sklearn_checks__ltc_exact__all_pass(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    pair(**EXACT, **CELLS["CT-RNN"]) + pair(**EXACT, **CELLS["GRU-D"]),
    xfail_strict=True,
)
def test__sklearn_checks__baselines_exact__all_pass(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    # The cells behind it are those above: here it is the door that is checked.
    front_door(**EXACT, **CELLS["CfC"]),
    xfail_strict=True,
)
def test__sklearn_checks__front_door_exact__all_pass(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    pair(**QUICK),
    expected_failed_checks=lambda estimator: BY_WINDOWS,
    xfail_strict=True,
)
def test__sklearn_checks__defaults__only_windows_fail(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    # Two hundred rows are one step of training, so epochs stay as they are.
    [LiquidRegressor(12, window_length=None, device="cpu")],
    expected_failed_checks=lambda estimator: BY_WINDOWS,
    xfail_strict=True,
)
def test__sklearn_checks__whole_recordings__fail_as_windows_do(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    pair(**QUICK, window_length=1, dtype="float64"), xfail_strict=True
)
def test__sklearn_checks__independent_rows_in_float64__all_pass(estimator, check):
    """Without windows and float32 no default fails, mini-batches included."""
    check(estimator)


@pytest.mark.parametrize(
    "estimator", [*pair(), *front_door(), *front_door(model_type="LTC")], ids=repr
)
def test__tags__any_estimator__excuse_nothing(estimator):
    tags = get_tags(estimator)
    assert not tags.non_deterministic
    assert not tags.no_validation
    assert not tags.input_tags.allow_nan
    assert tags.input_tags.two_d_array
    assert tags.input_tags.three_d_array
    assert tags.target_tags.required
    kind = tags.classifier_tags or tags.regressor_tags
    assert not kind.poor_score
    kinds = {"regression": "regressor", "classification": "classifier"}
    assert tags.estimator_type == kinds[estimator.task]
