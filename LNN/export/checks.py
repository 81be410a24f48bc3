"""What a stored model must look like before anything is built from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from LNN.estimators.parameters import DEFAULTS, check_parameter
from LNN.exceptions import InvalidModelFileError

# No model is larger: a description must not ask for more memory than its file has.
MOST_CONSTRAINTS, MOST_NUMBERS = 64, 2**20
MOST_NEURONS, MOST_UNFOLDS, MOST_LAYERS, MOST_JOBS = 8192, 1000, 100, 4096

Check = Callable[[Any], bool]


def _is(*kinds: type) -> Check:
    # True is an int to Python.
    exact = set(kinds)
    return lambda value: type(value) in exact


def _count(low: int, high: int) -> Check:
    return lambda value: type(value) is int and low <= value <= high


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _of(*values: Any) -> Check:
    return lambda value: any(value is v or value == v for v in values)


def _array(kinds: str, ndim: int = 1) -> Check:
    return lambda value: (
        isinstance(value, np.ndarray)
        and value.dtype.kind in kinds
        and value.ndim == ndim
    )


def _numbers(*ndims: int) -> Check:
    """Allow arrays of so many axes and not too many numbers, NaN not among them."""
    return lambda value: (
        isinstance(value, np.ndarray)
        and value.dtype == np.float64
        and value.ndim in ndims
        and value.size <= MOST_NUMBERS
        and not np.isnan(value).any()
    )


def _positive(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value < float("inf")


def _not_negative(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < float("inf")


_FLAG, _TEXT = _is(bool), _is(str)
_SIZE = _count(1, 2**24)
_LABEL = _or_none(_is(str, int, float, bool, tuple, list))

_OPTIONS = {
    "owner": _TEXT,
    "window_length": _or_none(_SIZE),
    "stride": _SIZE,
    "time_column": _LABEL,
    "group_column": _LABEL,
    "anchor": _LABEL,
    "allow_missing": _FLAG,
}
_COLUMNS = {
    "n_features_in": _SIZE,
    "names": _or_none(_array("UO")),
    "time": _or_none(_count(0, 2**24)),
    "group": _or_none(_count(0, 2**24)),
    "inputs": _array("iu"),
    "anchors": _or_none(_array("iu")),
}
_CLOCK = {
    "unit": _positive,
    "resolution": _not_negative,
    "kind": _of(None, "numbers", "datetimes or durations"),
    "regular": _FLAG,
    "gap_range": _or_none(_is(dict)),
    "dtype": _of("float32", "float64"),
    "standing": _FLAG,
    "max_step": _or_none(_positive),
    "zoned": _or_none(_FLAG),
}
_TARGETS = {
    "per_step": _FLAG,
    "ndim": _of(0, 1),
    "n_targets": _SIZE,
    "classes": _or_none(_array("UObiufmM")),
}
_CONTINUATION = {
    "reason": _or_none(_TEXT),
    "labels": _or_none(_is(list)),
    "stamps": _or_none(_array("iufmM")),
    "zoned": _FLAG,
    "resolution": _not_negative,
    "counts": _array("i"),
    "rows": _array("iufb", 2),
    "elapsed": _or_none(_array("f")),
    "states": _or_none(_is(dict)),
}


_CONSTRAINTS = {
    "bounds": {"low": _or_none(_numbers(0, 1)), "high": _or_none(_numbers(0, 1))},
    "rate_limit": {"max_rate": _numbers(0, 1)},
    "half_spaces": {
        "A": _numbers(2),
        "b": _numbers(1),
        "A_inputs": _or_none(_numbers(3)),
        "b_inputs": _or_none(_numbers(2)),
        "b_quadratic": _or_none(_numbers(3)),
    },
}


def check_state(state: Any, owner: str) -> None:
    """Refuse what no estimator of this class was made of.

    Parameters
    ----------
    state : object
        As decoded.
    owner : str
        Class of the estimator.

    Raises
    ------
    InvalidModelFileError
    """
    _need(type(state) is dict and "model_" in state, "a state with a model")
    known = {*DEFAULTS, "model_", "_lnn_version"}
    odd = [name for name in state if name not in known]
    _need(not odd, f"parameters of {owner}, got {odd[:3]}")
    _need(type(state.get("_lnn_version")) is str, "a version of LNN")
    model = state["model_"]
    _need(type(model) is dict, "a model")
    _need(_count(1, 2**31)(model.get("format")), "a format")
    for parameters in (state, model["parameters"]):
        _check_parameters(parameters, owner)
    _check_layout(model["layout"])
    _need(type(model["clock"]) is dict, "a clock")
    # Files of older versions do not say whether there was a zone.
    _fields("clock", {"zoned": None, **model["clock"]}, _CLOCK)
    if model["clock"]["gap_range"] is not None:
        _check_gap_range(model["clock"]["gap_range"])
    # Files of older versions have none.
    if model.get("input_range") is not None:
        _check_input_range(model["input_range"], model)
    _fields("targets", model["targets"], _TARGETS)
    _check_scalers(model)
    _check_network(model)
    _check_record(model["record"])
    if model["continuation"] is not None:
        _check_continuation(model)


def _need(fits: bool, what: str) -> None:
    if not fits:
        raise InvalidModelFileError(
            f"Expected {what}, as LNN.export.save writes it. Save the model again."
        )


def _fields(name: str, plain: Any, checks: Mapping[str, Check]) -> None:
    _need(type(plain) is dict and set(plain) == set(checks), f"the fields of {name}")
    for field, check in checks.items():
        _need(check(plain[field]), f"another value of {name}.{field}")


def _check_parameters(parameters: Any, owner: str) -> None:
    _need(type(parameters) is dict, "parameters")
    for name, value in parameters.items():
        if name == "output_constraints":
            _need(value is None or type(value) is list, "constraints")
            _check_constraints(value or [])
        elif name in DEFAULTS:
            arrays = name in ("wiring", "quantile")
            _need(arrays or not isinstance(value, np.ndarray), f"a value of {name}")
            check_parameter(owner, name, value)
    limits = {
        "n_neurons": MOST_NEURONS,
        "ode_unfolds": MOST_UNFOLDS,
        "n_jobs": MOST_JOBS,
        "n_layers": MOST_LAYERS,
        "backbone_layers": MOST_LAYERS,
        "backbone_units": 2**20,
        "patch": 2**20,
    }
    for name, limit in limits.items():
        value = parameters.get(name)
        small = type(value) not in (int, float) or abs(value) <= limit
        _need(small, f"{name} of at most {limit}")
    wiring = parameters.get("wiring")
    _need(isinstance(wiring, str | np.ndarray | None), "a wiring")
    for name in ("callback", "encoder"):
        _need(parameters.get(name) is None, f"no {name}")


def _check_constraints(plain: list[Any]) -> None:
    """Refuse what no constraints were made of."""
    _need(len(plain) <= MOST_CONSTRAINTS, f"at most {MOST_CONSTRAINTS} constraints")
    for one in plain:
        kind = one.get("kind") if type(one) is dict else None
        known = _CONSTRAINTS.get(kind) if type(kind) is str else None
        _need(known is not None, "a constraint that is known")
        assert known is not None  # or it was refused
        numbers = {name: value for name, value in one.items() if name != "kind"}
        if kind == "half_spaces":
            # It is left out where there is none, and in files of older versions.
            numbers.setdefault("b_quadratic", None)
        _fields(f"constraints ({kind})", numbers, known)


def _check_layout(plain: Any) -> None:
    names = {"options", "kind", "columns", "recordings"}
    _need(type(plain) is dict and set(plain) == names, "the fields of layout")
    _fields("options", plain["options"], _OPTIONS)
    _fields("columns", plain["columns"], _COLUMNS)
    _need(plain["kind"] in ("rows", "cube", "ragged"), "a kind of X")
    _need(type(plain["recordings"]) is bool, "recordings")
    columns = plain["columns"]
    n, inputs = columns["n_features_in"], columns["inputs"]
    _need(len(inputs) > 0 and _inside(inputs, n), "columns of X")
    _need(len(np.unique(inputs)) == len(inputs), "columns that differ")
    for name in ("time", "group"):
        _need(columns[name] is None or columns[name] < n, "columns of X")
    anchors = columns["anchors"]
    _need(anchors is None or _inside(anchors, len(inputs)), "anchors among the inputs")
    names = columns["names"]
    if names is not None:
        texts = all(isinstance(name, str) for name in names.tolist())
        _need(len(names) == n and texts, "a name of each column")


def _inside(positions: np.ndarray, n: int) -> bool:
    return bool(((positions >= 0) & (positions < n)).all())


def _check_gap_range(plain: dict) -> None:
    names = {"unit", "shortest", "longest", "low", "high"}
    good = set(plain) == names and all(map(_positive, plain.values()))
    _need(good and plain["shortest"] <= plain["longest"], "a range of gaps")


def _check_input_range(plain: Any, model: dict) -> None:
    n = len(model["layout"]["columns"]["inputs"])
    good = type(plain) is dict and set(plain) == {"low", "high"}
    _need(good and all(_array("f")(a) for a in plain.values()), "ranges of inputs")
    low, high = plain["low"], plain["high"]
    _need(low.shape == high.shape == (n,), "a range of each input")
    _need(not (low > high).any(), "ranges of inputs")


def _check_scalers(model: dict) -> None:
    n_channels = len(model["layout"]["columns"]["inputs"])
    targets, loss = model["targets"], model["loss"]
    _check_scaler(model["scaler"], n_channels)
    _need(type(loss) is dict and _SIZE(loss.get("n_targets")), "a loss")
    classes = targets["classes"]
    if classes is not None:
        _need(model["target_scaler"] is None, "no scaler of classes")
        _need(len(classes) == loss["n_targets"], "an output for each class")
        _need(loss["name"] == "cross_entropy", "a loss of classes")
        return
    _check_scaler(model["target_scaler"], targets["n_targets"])
    _need(loss["n_targets"] == targets["n_targets"], "an output for each target")
    _need(loss["name"] != "cross_entropy", "a loss of numbers")
    levels = loss.get("levels", [0.5])
    good = type(levels) is list and 0 < len(levels) <= 10_000
    _need(good and all(type(q) is float and 0 < q < 1 for q in levels), "quantiles")
    anchors = model["layout"]["columns"]["anchors"]
    _need(anchors is None or len(anchors) == targets["n_targets"], "anchors of targets")
    _need(targets["ndim"] == 1 or targets["n_targets"] == 1, "one target")


def _check_scaler(plain: Any, n: int) -> None:
    names = {"method", "center_", "scale_", "neutral_", "n_features_in_"}
    _need(type(plain) is dict and set(plain) == names, "the fields of a scaler")
    methods = ("standard", "minmax", "robust", "none")
    _need(plain["method"] in methods and plain["n_features_in_"] == n, "a scaler")
    for name in ("center_", "scale_", "neutral_"):
        array = plain[name]
        good = _array("f")(array) and array.shape == (n,) and array.dtype == np.float64
        _need(good and bool(np.isfinite(array).all()), f"numbers in {name}")
    _need(bool((plain["scale_"] > 0).all()), "scales above 0")


def _check_network(model: dict) -> None:
    plain = model["network"]
    names = {"n_neurons", "pooling", "patch", "mode", "ode_unfolds"}
    names |= {"wirings", "weights", "frozen"}
    _need(type(plain) is dict and set(plain) == names, "the fields of network")
    weights, dtype = plain["weights"], model["parameters"].get("dtype")
    _need(type(weights) is dict and len(weights) > 0, "weights")
    _need(dtype in ("float32", "float64"), "a dtype")
    for name, weight in weights.items():
        good = isinstance(weight, np.ndarray) and weight.dtype == np.dtype(dtype)
        _need(good and bool(np.isfinite(weight).all()), f"numbers in {name}")
    total, n = sum(weight.size for weight in weights.values()), plain["n_neurons"]
    _need(_count(1, min(MOST_NEURONS, total))(n), "as many neurons as weights tell")
    _need(_count(1, max(1, total))(plain["patch"]), "patches as weights tell")
    _need(_count(1, MOST_UNFOLDS)(plain["ode_unfolds"]), "solver steps")
    parameters = model["parameters"]
    for name in ("n_layers", "backbone_layers", "backbone_units"):
        value = parameters.get(name)
        _need(value is None or _count(0, total)(value), f"{name} as weights tell")
    _check_sizes(model, total)
    if plain["wirings"] is not None:
        _need(type(plain["wirings"]) is list, "wirings")
        for wiring in plain["wirings"]:
            _check_wiring(wiring, n)
    _need(type(plain["frozen"]) is list, "frozen weights")


def _check_sizes(model: dict, total: int) -> None:
    """Refuse a few weights that are told to be those of a large network."""
    plain, parameters = model["network"], model["parameters"]
    n, n_inputs = plain["n_neurons"], len(model["layout"]["columns"]["inputs"])
    _need(plain["patch"] == 1 or plain["patch"] * n_inputs <= total, "patches of rows")
    if plain["wirings"] is None:
        # Masks and synapses are made of neurons squared; a backbone has fewer weights.
        synapses = parameters["n_layers"] * n * (n + 3 * n_inputs)
        _need(synapses <= max(64 * total, 2**22), "as many neurons as weights tell")
    units = parameters.get("backbone_units") or 1
    between = (parameters.get("backbone_layers") or 1) - 1
    _need(between * units**2 <= total, "a backbone as weights tell")


def _check_wiring(plain: Any, n: int) -> None:
    names = {"sensory", "recurrent", "n_outputs", "layers"}
    _need(type(plain) is dict and set(plain) == names, "the fields of a wiring")
    sensory, recurrent = plain["sensory"], plain["recurrent"]
    square = _array("i", 2)(recurrent) and recurrent.shape == (n, n)
    _need(square and _array("i", 2)(sensory), "matrices of a wiring")
    _need(sensory.shape[1] == n and _count(1, n)(plain["n_outputs"]), "a wiring")


def _check_record(plain: Any) -> None:
    _need(type(plain) is dict, "a record")
    _need(plain.get("moments") is None and plain.get("random") is None, "no moments")
    _need(type(plain.get("n_iter")) is int, "n_iter")
    _need(type(plain.get("backend")) is str, "a backend")
    for name in ("loss_curve", "validation_loss_curve", "validation_scores"):
        curve = plain.get(name)
        good = curve is None or (
            type(curve) is list and all(type(v) in (int, float) for v in curve)
        )
        _need(good, f"numbers in {name}")


def _check_continuation(model: dict) -> None:
    plain, n = model["continuation"], len(model["layout"]["columns"]["inputs"])
    _fields("continuation", plain, _CONTINUATION)
    counts, rows, labels = plain["counts"], plain["rows"], plain["labels"]
    _need(bool((counts >= 0).all()) and counts.sum() == len(rows), "rows as counted")
    _need(len(rows) == 0 or rows.shape[1] == n, "rows of all inputs")
    for name in ("labels", "stamps"):
        value = plain[name]
        _need(value is None or len(value) == len(counts), f"{name} of each recording")
    _need(labels is None or all(type(x) is tuple for x in labels), "labels")
    elapsed, states = plain["elapsed"], plain["states"]
    _need(elapsed is None or len(elapsed) == len(rows), "a gap for each row")
    if states is not None:
        _need(set(states) == {"layers", "held", "age"}, "states")
        _need(isinstance(states["layers"], list | tuple), "states")
        for array in (*states["layers"], states["held"], states["age"]):
            good = _array("f", 2)(array) and len(array) == len(counts)
            _need(good, "a state of each recording")
