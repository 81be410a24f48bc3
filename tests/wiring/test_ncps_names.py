"""Wirings spelled as ncps spells them: what to write is in the error."""

import numpy as np
import pytest
from ncps.wirings import AutoNCP, FullyConnected, Random

from LNN import InvalidInputError, LiquidNetwork, LiquidRegressor, Wiring

ROWS = np.random.default_rng(0).normal(size=(40, 3))
SPELLINGS = [
    ("AutoNCP(28, 4)", "ncp"),
    ("ncps.wirings.AutoNCP(28, 4)", "ncp"),
    ("AutoNCP", "ncp"),
    ("NCP", "ncp"),
    ("auto_ncp", "ncp"),
    ("FullyConnected(8)", "full"),
    ("Random", "random"),
    (AutoNCP, "ncp"),
    (FullyConnected, "full"),
    (Random, "random"),
]


@pytest.mark.parametrize(("spelling", "ours"), SPELLINGS)
def test__wiring_of_ncps__as_text_or_class__names_ours(spelling, ours):
    estimator = LiquidRegressor(wiring=spelling, epochs=1)
    with pytest.raises(InvalidInputError, match=f"is wiring='{ours}' here"):
        estimator.fit(ROWS, ROWS[:, 0])
    with pytest.raises(InvalidInputError, match=f"is wiring='{ours}' here"):
        LiquidNetwork(3, 8, 1, wiring=spelling)


def test__wiring__unknown_elsewhere_too__has_no_hint():
    with pytest.raises(InvalidInputError, match=r"got 'small-world'\.$"):
        LiquidNetwork(3, 8, 1, wiring="small-world")


@pytest.mark.parametrize(
    ("make", "numbers", "line"),
    [
        (Wiring.ncp, (28, 4), r"AutoNCP\(28, 4\) of ncps is Wiring.ncp\(n_inputs, 28"),
        (Wiring.full, (8,), r"FullyConnected\(8\) of ncps is Wiring.full\(n_inputs, 8"),
        (Wiring.random, (8,), r"Random\(8\) of ncps is Wiring.random\(n_inputs, 8"),
    ],
)
def test__sizes_of_ncps__without_inputs__say_the_line(make, numbers, line):
    with pytest.raises(TypeError, match=line):
        make(*numbers)
    assert make(3, *numbers).n_neurons == numbers[0]


@pytest.mark.parametrize("make", [Wiring.ncp, Wiring.full, Wiring.random])
def test__object_of_ncps__as_a_size__says_from_ncps(make):
    with pytest.raises(TypeError, match=r"Wiring.from_ncps\(wiring, n_inputs\)"):
        make(AutoNCP(12, 2))
