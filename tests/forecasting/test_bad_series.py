"""Series and parameters that a forecaster cannot learn from are refused by name."""

import numpy as np
import pytest
from forecast_cases import quick

from LNN._warnings import LNNWarning
from LNN.exceptions import InvalidInputError
from LNN.safety import Bounds


@pytest.mark.parametrize("factor", [1e300, -1e200])
def test__fit__numbers_without_a_spread__are_refused(factor, series):
    with pytest.raises(InvalidInputError, match=r"1e\+150, got .* in row 0"):
        quick().fit(series * factor)


def test__fit__large_numbers__scale_forecasts(series):
    found = quick().fit(series * 1e148).predict()
    np.testing.assert_allclose(found / 1e148, quick().fit(series).predict(), rtol=1e-3)


def test__predict__row_without_a_spread__is_refused(series):
    wrong = series.copy()
    wrong.iloc[7] = 1e300
    with pytest.raises(InvalidInputError, match=r"got 1e\+300 in row 7"):
        quick().fit(series).predict(y=wrong)


@pytest.mark.parametrize("of", [np.asarray, lambda y: y, lambda y: y.to_frame()])
def test__fit__complex_numbers__are_refused(of, series):
    with pytest.raises(InvalidInputError, match="Complex data not supported"):
        quick().fit(of(series + 5j))


def test__fit__complex_inputs__are_refused(series):
    with pytest.raises(InvalidInputError, match="Complex data not supported"):
        quick(known_future=[]).fit(series, (series + 5j).to_frame())


def test__fit__output_constraints__are_refused_before_training(series):
    constraints = [Bounds(0, 1)]
    with pytest.raises(InvalidInputError, match="without output_constraints"):
        quick(network={"output_constraints": constraints}).fit(series)


def test__fit__season_longer_than_the_series__is_warned_of(series):
    words = rf"a season of 1000 rows before it: .* has {len(series)}"
    with pytest.warns(LNNWarning, match=words):
        quick(season=1000).fit(series)
