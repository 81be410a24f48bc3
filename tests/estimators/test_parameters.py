"""The declarations of the parameters, and the constructors made from them."""

from __future__ import annotations

import importlib.util
import inspect
import pickle
import sys
import time
import typing
from pathlib import Path

import numpy as np
import pytest
from processes import finished
from sklearn.base import clone

from LNN import (
    InvalidInputError,
    LiquidClassifier,
    LiquidNeuralNetwork,
    LiquidRegressor,
    network,
)
from LNN.estimators import signatures
from LNN.estimators.comparing import same
from LNN.estimators.declarations import PARAMETERS
from LNN.estimators.parameters import (
    BUILT_FROM,
    DEFAULTS,
    check_parameter,
    check_parameters,
    parameter_values,
)
from LNN.models import MODELS

ROOT = Path(__file__).parents[2]
ESTIMATORS = [LiquidNeuralNetwork, LiquidRegressor, LiquidClassifier]


class OfAUser(LiquidRegressor):
    """A subclass with a constructor of its own."""

    def __init__(self, n_neurons=8, *, extra=1):
        super().__init__(n_neurons, epochs=1, window_length=4)
        self.extra = extra


# ----------------------------------------------------------------------- declarations


def test__declarations__names__are_those_of_the_front_door_once():
    declared = [p.name for p in PARAMETERS]
    assert declared == list(inspect.signature(LiquidNeuralNetwork).parameters)
    assert declared == list(DEFAULTS)
    assert len(set(declared)) == len(declared)


def test__declarations__built_from__covers_what_the_network_takes():
    taken = set(inspect.signature(network.LiquidNetwork).parameters)
    # Where it runs is not what it is; return_sequences is seen from y.
    assert (taken & set(DEFAULTS)) - set(BUILT_FROM) == {"backend", "return_sequences"}


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda p: p.name)
def test__declarations__each__says_what_it_does(parameter):
    assert parameter.doc.strip().endswith(".")
    assert parameter.rule.allows(parameter.default)
    assert str(parameter.rule)


def test__defaults__all_together__are_allowed_for_every_model():
    for name in MODELS:
        check_parameters("Test", DEFAULTS | {"model_type": name})


# ----------------------------------------------------------------------- constructors


@pytest.mark.parametrize("cls", ESTIMATORS)
def test__constructor__sets_every_parameter_and_nothing_else(cls):
    model = cls(5, epochs=3)
    expected = {name: DEFAULTS[name] for name in inspect.signature(cls).parameters}
    assert vars(model) == expected | {"n_neurons": 5, "epochs": 3}
    assert parameter_values(model).keys() == DEFAULTS.keys()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: LiquidRegressor(hidden_size=3),
            r"LiquidRegressor.__init__\(\) got an unexpected keyword .* 'hidden_size'",
        ),
        (
            lambda: LiquidClassifier(loss="auto"),
            r"LiquidClassifier.__init__\(\) got an unexpected keyword argument 'loss'",
        ),
        (
            lambda: LiquidNeuralNetwork(3, "regression"),
            r"LiquidNeuralNetwork.__init__\(\) takes from 1 to 2 positional",
        ),
        (
            lambda: LiquidRegressor(3, n_neurons=3),
            r"__init__\(\) got multiple values for argument 'n_neurons'",
        ),
    ],
)
def test__constructor__wrong_call__is_pythons_error(call, words):
    with pytest.raises(TypeError, match=words):
        call()


@pytest.mark.parametrize("cls", ESTIMATORS)
def test__constructor__annotations__resolve(cls):
    hints = typing.get_type_hints(cls.__init__)
    assert hints.keys() - {"return"} == inspect.signature(cls).parameters.keys()
    assert hints["sparsity"] == float | None


@pytest.mark.parametrize("cls", ESTIMATORS)
def test__set_params__and_clone__keep_values(cls):
    model = cls().set_params(n_neurons=7, scale=None, callback=print)
    again = clone(model)
    assert again.get_params() == model.get_params()
    assert pickle.loads(pickle.dumps(model)).get_params() == model.get_params()
    with pytest.raises(ValueError, match="hidden_size"):
        model.set_params(hidden_size=3)


def test__subclass_of_a_user__own_constructor__works_as_a_class_of_ours():
    model = OfAUser(6, extra=2)
    assert model.get_params() == {"n_neurons": 6, "extra": 2}
    assert clone(model).extra == 2
    X = np.random.default_rng(0).normal(size=(30, 2))
    fitted = model.fit(X, X[:, 0])
    assert fitted.n_iter_ == 1
    assert fitted.network_.layers[0].n_neurons == 6
    with pytest.raises(TypeError, match=r"OfAUser.__init__\(\) got an unexpected"):
        OfAUser(epochs=2)


def test__subclass_of_a_user__without_one__has_ours():
    class Plain(LiquidClassifier):
        pass

    assert inspect.signature(Plain) == inspect.signature(LiquidClassifier)
    assert clone(Plain(4)).n_neurons == 4


def test__constructor__takes_microseconds():
    """A search clones by the thousand; setting 51 attributes by hand takes 2 us."""

    def best(call, n=200):
        times = []
        for _ in range(20):
            start = time.thread_time()  # whatever else the machine does
            for _ in range(n):
                call()
            times.append((time.thread_time() - start) / n)
        return min(times)

    plain = type("Plain", (), {})
    values = list(LiquidRegressor().get_params(deep=False).items())

    def by_hand():
        made = plain()
        for name, value in values:
            setattr(made, name, value)

    assert best(LiquidRegressor) < 4 * best(by_hand)


# ---------------------------------------------------------------- stubs and docstrings


def test__stub__agrees_with_the_declarations():
    path = ROOT / "docu" / "build_stubs.py"
    spec = importlib.util.spec_from_file_location("build_stubs", path)
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    committed = Path(signatures.__file__).with_suffix(".pyi").read_text("utf-8")
    assert committed == build.stub(), "run: make stubs"


@pytest.mark.slow
def test__docstrings__optimised_away__classes_work():
    code = (
        "from LNN import LiquidRegressor as R, LiquidClassifier as C; "
        "assert R.__doc__ is None; R(3).get_params(); C(3).get_params()"
    )
    finished([sys.executable, "-OO", "-c", code], check=True)


def test__docstring__sections__are_in_numpydocs_order():
    titles = ["Parameters", "Attributes", "See Also", "Examples"]
    for cls in (LiquidRegressor, LiquidClassifier):
        doc = inspect.getdoc(cls)
        places = [doc.index(f"\n{title}\n{'-' * len(title)}\n") for title in titles]
        assert places == sorted(places)
    assert "classes_ :" not in LiquidRegressor.__doc__
    assert "target_scaler_ :" not in LiquidClassifier.__doc__


# ----------------------------------------------------------------------------- checks


def test__check_parameters__needs_no_estimator():
    with pytest.raises(InvalidInputError, match="'epochs' parameter of Owner must be"):
        check_parameters("Owner", DEFAULTS | {"epochs": 0})
    with pytest.raises(
        InvalidInputError, match="sparsity=0.2 has no effect here: only"
    ):
        check_parameters("Owner", DEFAULTS | {"model_type": "GRU", "sparsity": 0.2})
    with pytest.raises(InvalidInputError, match="does not fit task"):
        check_parameters("Owner", DEFAULTS | {"loss": "cross_entropy"})
    check_parameters("Owner", DEFAULTS | {"of_a_subclass": object()})


def test__check_parameter__returns_what_is_allowed():
    assert check_parameter("Owner", "epochs", 3) == 3
    with pytest.raises(InvalidInputError, match="Owner must be 'auto', or"):
        check_parameter("Owner", "early_stopping", "yes")


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1, 1.0, True),
        ("a", None, False),
        (np.arange(3), [0, 1, 2], True),
        ([1, [2]], (1, [2]), True),
        ({"a": np.ones(2)}, {"a": np.ones(2)}, True),
        (LiquidRegressor(3), LiquidRegressor(3), True),
        (LiquidRegressor(3), LiquidRegressor(4), False),
        (object(), object(), False),
    ],
)
def test__same__compares_what_is_in_values(a, b, expected):
    assert same(a, b) is expected
