"""The package as a whole: import cost, names, parameters, documentation."""

import importlib.metadata
import inspect
import json
import os
import pickle
import re
import sys
import types

import pytest
from processes import finished

import LNN
from LNN import LiquidClassifier, LiquidNeuralNetwork, LiquidRegressor
from LNN.estimators.parameters import DEFAULTS, RULES

ESTIMATORS = [LiquidNeuralNetwork, LiquidRegressor, LiquidClassifier]
# Parameters that the data or the network checks, because only they can.
FREE = {"wiring", "time_column", "group_column", "anchor", "random_state"}
# What makes no sense for the other task.
REGRESSION_ONLY = {
    "output_constraints",
    "on_infeasible",
    "anchor",
    "loss",
    "quantile",
    "scale_target",
}
CLASSIFICATION_ONLY = {"class_weight"}


def run_python(code, **how):
    done = finished(
        [sys.executable, "-c", code],
        **how,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def parameters(cls):
    return inspect.signature(cls).parameters


def entries(cls, title="Parameters"):
    """Name -> text of the entries of a numpydoc section."""
    doc = inspect.cleandoc(cls.__doc__)
    section = re.search(rf"{title}\n-+\n(.*?)(?:\n\n\S+.*\n---|\Z)", doc, flags=re.S)
    parts = re.split(r"\n(?=\S)", section.group(1))
    return {part.split(" :")[0].strip(): part for part in parts}


# --------------------------------------------------------------- import


@pytest.mark.slow
def test__import__does_not_load_what_is_optional():
    code = """
import sys, json
import torch, sklearn, pandas
before = set(sys.modules)
import LNN
names = {"ncps", "matplotlib", "networkx", "statsmodels", "tqdm"}
names |= {"LNN.safety", "LNN.inspection", "LNN.export"}
print(json.dumps(sorted(names & (set(sys.modules) - before))))
"""
    assert json.loads(run_python(code)) == []


@pytest.mark.slow
def test__import__prints_and_warns_nothing():
    done = finished(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            "from LNN.LNN import LiquidNeuralNetwork",
        ],
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
def test__import__costs_little_beside_its_dependencies():
    """CPU time, as the machine may be busy; the least of several runs.

    It is 0.08 to 0.11 of theirs, depending on the machine and what else it does.
    """
    code = """
import time
import torch, sklearn, pandas
before = time.process_time()
import LNN
print(before, time.process_time() - before)
"""
    # Its dependencies are compiled to bytecode, and so is an LNN that was installed.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    runs = [tuple(map(float, run_python(code, env=env).split())) for _ in range(3)]
    dependencies, own = map(min, zip(*runs, strict=True))
    assert own <= 0.15 * dependencies


def test__names__module_and_class__are_where_people_look():
    from LNN.LNN import LiquidNeuralNetwork as from_module

    assert isinstance(LNN.LNN, types.ModuleType)
    assert from_module is LNN.LiquidNeuralNetwork
    assert set(LNN.__all__) <= set(dir(LNN))
    assert {"InvalidInputError", "LNNWarning"} <= set(LNN.__all__)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test__pickle__names_the_module_that_will_stay(cls):
    where = {
        LiquidNeuralNetwork: "LNN.LNN",
        LiquidRegressor: "LNN.estimators.regressor",
        LiquidClassifier: "LNN.estimators.classifier",
    }
    assert cls.__module__ == where[cls]
    blob = pickle.dumps(cls(), protocol=0).decode("latin1")
    assert f"{where[cls]}\n{cls.__name__}\n" in blob


def test__version__equals_the_metadata():
    assert importlib.metadata.version("LNN") == LNN.__version__


def test__errors__inherit_the_builtin_and_lnn_error():
    from LNN import exceptions

    builtin = {
        "InvalidInputError": ValueError,
        "NonFiniteLossError": FloatingPointError,
        "DeviceMemoryError": MemoryError,
        "MissingDependencyError": ImportError,
    }
    for name, base in builtin.items():
        error = getattr(exceptions, name)
        assert issubclass(error, base)
        assert issubclass(error, exceptions.LNNError)
    assert issubclass(exceptions.LNNWarning, UserWarning)


# --------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("cls", "foreign"),
    [(LiquidRegressor, CLASSIFICATION_ONLY), (LiquidClassifier, REGRESSION_ONLY)],
)
def test__parameters__subclass__are_those_of_the_front_door(cls, foreign):
    front_door = dict(parameters(LiquidNeuralNetwork))
    kept = [p for name, p in front_door.items() if name not in {"task", *foreign}]
    assert list(parameters(cls).values()) == kept
    for name in foreign:
        assert getattr(cls, name) == front_door[name].default


@pytest.mark.parametrize("cls", ESTIMATORS)
def test__parameters__after_the_first__are_keyword_only(cls):
    first, *rest = parameters(cls).values()
    assert first.name == "n_neurons"
    assert {p.kind for p in rest} == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("cls", ESTIMATORS)
def test__parameters__each__is_documented_with_its_default(cls):
    documented = entries(cls)
    assert list(documented) == list(parameters(cls))
    for name, parameter in parameters(cls).items():
        head = documented[name].split("\n")[0]
        found = re.search(r"default=(.+)$", head)
        assert found, head
        assert eval(found.group(1)) == parameter.default, head  # noqa: S307
        assert len(documented[name].split("\n")) > 1, f"{name} says nothing"


@pytest.mark.parametrize("cls", ESTIMATORS)
def test__parameters__documentation__is_the_same_everywhere(cls):
    base = entries(LiquidNeuralNetwork)
    assert all(text == base[name] for name, text in entries(cls).items())


def test__parameters__each__has_a_rule_or_is_free():
    names = set(parameters(LiquidNeuralNetwork))
    assert names - set(RULES) == FREE
    assert set(RULES) <= names


@pytest.mark.parametrize("cls", ESTIMATORS)
def test__parameters__defaults__obey_their_rules(cls):
    for name, parameter in parameters(cls).items():
        assert name in FREE or RULES[name].allows(parameter.default), name


def test__parameters__defaults_that_rules_know__are_those_of_the_signature():
    for name, value in DEFAULTS.items():
        assert parameters(LiquidNeuralNetwork)[name].default == value, name


@pytest.mark.parametrize("cls", ESTIMATORS)
def test__attributes__after_fit__are_the_documented_ones(cls):
    X = [[float(i)] for i in range(20)]
    model = cls(8, epochs=1, device="cpu").fit(X, [i % 2 for i in range(20)])
    named = (n for n in dir(model) if n.endswith("_") and not n.startswith("_"))
    public = {name for name in named if hasattr(model, name)}
    documented = set(entries(cls, "Attributes"))
    names = {"classes_", "target_scaler_", "feature_names_in_"}
    assert public <= documented
    assert documented - public <= names


# --------------------------------------------------------------- signatures


@pytest.mark.parametrize("cls", ESTIMATORS)
def test__fit__signature__is_the_promised_one(cls):
    names = list(inspect.signature(cls.fit).parameters)
    assert names[:4] == ["self", "X", "y", "sample_weight"]
    promised = "X_val y_val sample_weight_val timestamps groups timestamps_val "
    promised += "groups_val epochs clip_value learning_rate n_jobs"
    assert names[4:] == promised.split()


@pytest.mark.parametrize("method", ["fit", "predict", "predict_proba", "score"])
def test__methods__time_and_groups__are_keyword_only(method):
    found = inspect.signature(getattr(LiquidClassifier(), method)).parameters
    for name in ("timestamps", "groups"):
        assert found[name].kind == inspect.Parameter.KEYWORD_ONLY
        assert found[name].default is None


@pytest.mark.parametrize("cls", [LiquidRegressor, LiquidClassifier])
def test__score__of_the_subclasses__takes_timestamps(cls):
    assert cls.score is LiquidNeuralNetwork.score


@pytest.mark.parametrize("cls", ESTIMATORS)
def test__methods__public__are_documented(cls):
    for name, member in inspect.getmembers(cls, callable):
        if not name.startswith("_") and member.__module__.startswith("LNN"):
            assert inspect.getdoc(member), name
