"""Results of several values say what they hold in a few short lines."""

import numpy as np
import pandas as pd
import pytest
from tiny import TINY

from LNN import LiquidRegressor
from LNN._results import Result
from LNN.inspection import neuron_activity, robustness
from LNN.safety import (
    contraction_bound,
    contraction_rate,
    guard,
    output_bounds,
    state_bounds,
    verify,
)

X = np.sin(0.2 * np.arange(120))[:, None] * [1.0, 2.0]


@pytest.fixture(scope="module")
def model():
    settings = TINY | {"n_neurons": 24, "model_type": "LTC", "window_length": 8}
    return LiquidRegressor(**settings).fit(X, X[:, 0])


FOUND = {
    "state_bounds": state_bounds,
    "output_bounds": output_bounds,
    "verify": lambda model: verify(model, (-1, 1), (10, 50)),
    "contraction_bound": lambda model: contraction_bound(model, (-1, 1)),
    "contraction_rate": lambda model: contraction_rate(model, X),
    "guard": lambda model: guard(model, X),
    "neuron_activity": lambda model: neuron_activity(model, X),
    "robustness": lambda model: robustness(model, X, X[:, 0], random_state=0),
}


@pytest.mark.parametrize("name", FOUND)
def test__repr__of_a_result__is_a_short_line_for_each_value(name, model):
    found = FOUND[name](model)
    shown = repr(found).splitlines()
    assert len(shown) == 1 + len(found)
    assert max(map(len, shown)) < 120
    for line, key in zip(shown[1:], found, strict=True):
        assert line.split()[0] == key
    assert "array" not in repr(found)


def test__repr__values_of_each_kind__are_told():
    found = Result(
        text="x" * 200,
        share=1 / 3,
        few=np.array([1.5, 2.0]),
        many=np.array([[0.0, np.nan]] * 9),
        flags=np.arange(9) > 5,
        nothing=None,
        frame=pd.DataFrame({"a": range(3)}),
        pair=(np.zeros(9), np.ones(9)),
        own=Result(a=1),
        names=["a", "b"],
        empty=[],
        by_name={"a": np.zeros(99)},
    )
    told = dict(line.split(maxsplit=1) for line in repr(found).splitlines()[1:])
    assert told == {
        "text": "x" * 87 + "...",
        "share": "0.333333",
        "few": "[1.5, 2. ]",
        "many": "9 x 2 numbers, 0 to 0, 9 NaN",
        "flags": "9 bools, 3 of them True",
        "nothing": "None",
        "frame": "DataFrame 3 x 1",
        "pair": "(9 numbers, 0 to 0; 9 numbers, 1 to 1)",
        "own": "Result with a",
        "names": "(a, b)",
        "empty": "()",
        "by_name": "1 by name: ['a']",
    }
