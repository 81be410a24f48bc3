"""scikit-learn's own checks of outlier detectors, unpatched."""

import pytest

pytest.importorskip(
    "sklearn",
    minversion="1.9",
    reason="the checks, and which of them may fail, are those of scikit-learn 1.9",
)

from sklearn.utils.estimator_checks import parametrize_with_checks

from LNN import LiquidAnomalyDetector

# The checks fit on a handful of rows, and with labels that mean something else.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The threshold is set by:LNN.LNNWarning",
    "ignore:y holds other values:LNN.LNNWarning",
    "ignore:The last fifth of the rows:LNN.LNNWarning",
    "ignore:A few rows of the fit:LNN.LNNWarning",
    "ignore:None of the rows can be judged:LNN.LNNWarning",
)

# One check wants some of the three hundred rows of a fit to be outliers.
QUICK = {
    "n_neurons": 6,
    "epochs": 2,
    "batch_size": 256,
    "alarm_rate": 0.05,
    "network": {"dtype": "float64"},
}

# Each by definition: rows are in time order, and a score depends on those before it.
BY_ORDER = {
    "check_methods_sample_order_invariance": (
        "rows are steps of time: another order is another past for each"
    ),
    "check_methods_subset_invariance": (
        "rows are steps of time: a row by itself has no past to be foreseen from"
    ),
}


@parametrize_with_checks(
    [LiquidAnomalyDetector(**QUICK, rows="sequences")], xfail_strict=True
)
def test__sklearn_checks__a_row_is_a_sequence__all_pass(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [LiquidAnomalyDetector(**QUICK)],
    expected_failed_checks=lambda estimator: BY_ORDER,
    xfail_strict=True,
)
def test__sklearn_checks__rows_are_steps__only_order_fails(estimator, check):
    check(estimator)
